use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

/// The bytes of a file as UTF-8, whatever it is written in.
///
/// What the encoding does not allow comes out as a byte that UTF-8 does not allow either, so that it is found where text is
/// made of it, in the row that it stands in.
pub(super) struct Decoded<R> {
    inner: R,
    decoder: Option<Decoder>,
    chunk: Box<[u8]>,
    /// Bytes read of the file.
    read: u64,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    /// What follows in `inner`, past the mark at the start of the file.
    pub(super) fn new(inner: R, charset: Charset) -> Self {
        let decoder = match charset.encoding {
            encoding if encoding == UTF_8 => None,
            encoding => Some(encoding.new_decoder_without_bom_handling()),
        };
        Self { inner, decoder, chunk: vec![0; CHUNK_BYTES].into(), read: charset.mark_bytes, ended: false }
    }

    /// Appends some bytes to `out`; `false` at the end of the file.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        while !self.ended {
            let n = match self.inner.read(&mut self.chunk) {
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.read += n as u64;
            self.ended = n == 0;
            let before = out.len();
            match &mut self.decoder {
                None => out.extend_from_slice(&self.chunk[..n]),
                Some(decoder) => decode(decoder, &self.chunk[..n], self.ended, out),
            }
            if out.len() > before {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Bytes read of the file so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read
    }
}

fn decode(decoder: &mut Decoder, mut input: &[u8], last: bool, out: &mut Vec<u8>) {
    loop {
        let at = out.len();
        out.resize(
            at + decoder.max_utf8_buffer_length_without_replacement(input.len()).unwrap_or(CHUNK_BYTES),
            0,
        );
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(input, &mut out[at..], last);
        out.truncate(at + written);
        input = &input[read..];
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => out.push(NOT_UTF_8),
        }
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Charset {
    pub(super) encoding: &'static Encoding,
    /// How long the mark at its start is that tells so.
    pub(super) mark_bytes: u64,
}

impl Charset {
    /// What the mark at the start of the file says, or else what the caller says, or else UTF-8.
    pub(super) fn of(start: &[u8], named: Option<&'static Encoding>) -> Self {
        match Encoding::for_bom(start) {
            Some((encoding, bytes)) => Self { encoding, mark_bytes: bytes as u64 },
            None => Self { encoding: named.unwrap_or(UTF_8), mark_bytes: 0 },
        }
    }

    /// Whether anything but the lack of a name makes it UTF-8.
    pub(super) fn is_utf_8(self) -> bool {
        self.encoding == UTF_8
    }

    /// `bytes` as UTF-8, up to where they were cut off.
    pub(super) fn sample(self, bytes: &[u8]) -> Vec<u8> {
        let bytes = bytes.get(self.mark_bytes as usize..).unwrap_or_default();
        let mut out = Vec::new();
        if self.is_utf_8() {
            out.extend_from_slice(bytes);
        } else {
            decode(&mut self.encoding.new_decoder_without_bom_handling(), bytes, false, &mut out);
        }
        out
    }
}

/// The encoding of this name, by the WHATWG's list: `windows-1252`, `latin1`, `shift_jis`, `utf-16le` ...
pub(super) fn encoding_named(name: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(name.as_bytes())
}

/// A byte that stands nowhere in UTF-8.
const NOT_UTF_8: u8 = 0xFF;
/// What is read of the file at once.
const CHUNK_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use encoding_rs::UTF_16LE;

    use super::*;

    fn all(bytes: &[u8], named: Option<&str>) -> Vec<u8> {
        let charset = Charset::of(bytes, named.map(|name| encoding_named(name).unwrap()));
        let mut decoded = Decoded::new(&bytes[charset.mark_bytes as usize..], charset);
        let mut out = Vec::new();
        while decoded.fill(&mut out).unwrap() {}
        assert_eq!(decoded.bytes_read(), bytes.len() as u64);
        out
    }

    #[test]
    fn marks_names_and_neither() {
        assert_eq!(all("né".as_bytes(), None), "né".as_bytes());
        assert_eq!(all(b"\xEF\xBB\xBFn\xC3\xA9", None), "né".as_bytes());
        assert_eq!(all(b"n\xE9", Some("latin1")), "né".as_bytes());
        assert_eq!(all(b"\xFF\xFEn\0\xE9\0", None), "né".as_bytes());
        assert_eq!(all(b"\xFE\xFF\0n\0\xE9", None), "né".as_bytes());
        assert_eq!(all(b"\0n\0\xE9", Some("UTF-16BE")), "né".as_bytes());
        assert_eq!(all(b"\x93\xFA\x96\x7B", Some("shift_jis")), "日本".as_bytes());
        // A mark says more than a name.
        assert_eq!(all(b"\xEF\xBB\xBFn\xC3\xA9", Some("windows-1252")), "né".as_bytes());
        assert_eq!(encoding_named("no such thing"), None);
        assert_eq!(encoding_named("iso-2022-kr"), None);
    }

    #[test]
    fn what_an_encoding_does_not_allow_is_no_utf_8_and_no_more_than_that() {
        assert_eq!(all(b"a\x81\x20b", Some("shift_jis")), b"a\xFF\x20b");
        // Half a character at the end, and half a pair in the middle.
        assert_eq!(all(b"a\x81", Some("shift_jis")), b"a\xFF");
        assert_eq!(all(b"\xFF\xFEa\0\x00\xD8b\0", None), b"a\xFFb");
        assert_eq!(all(b"\xFF\xFEa\0\x01", None), b"a\xFF");
    }

    #[test]
    fn a_character_may_lie_across_two_reads() {
        struct OneByOne<'b>(&'b [u8]);
        impl Read for OneByOne<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
                into[0] = *first;
                self.0 = rest;
                Ok(1)
            }
        }
        let charset = Charset { encoding: UTF_16LE, mark_bytes: 0 };
        let mut decoded = Decoded::new(OneByOne(b"\x3D\xD8\x00\xDE\n\0"), charset);
        let mut out = Vec::new();
        while decoded.fill(&mut out).unwrap() {}
        assert_eq!(out, "😀\n".as_bytes());
    }
}
