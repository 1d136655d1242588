use std::io::{self, Read};

use csv_core::ReadRecordResult;

use super::decoded::Decoded;
use super::quotes;

/// A file as records: cells in bytes, each with the line that it starts on.
///
/// What can't be a record (a quote that is not closed, something endless) is told, and what follows its first line is
/// read as records of their own, so that a stray quote costs one line rather than the rest of the file. No more than
/// [`ROW_BYTES_MAX`] and a read are held at once.
pub(super) struct Records<R> {
    source: Decoded<R>,
    delimiter: u8,
    parser: csv_core::Reader,
    buffer: Vec<u8>,
    /// Where in the buffer reading goes on.
    at: usize,
    lines: Lines,
    ended: bool,
}

/// The cells of a record, one after the other.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The physical line that it starts on; the first is 1.
    pub(super) line: u64,
    /// All cells without their delimiters and quotes.
    pub(super) bytes: Vec<u8>,
    /// Where each cell ends.
    pub(super) ends: Vec<usize>,
}

/// What is no record, though something stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// A quote is not closed until the end of the file.
    Unclosed,
    /// A quoted cell goes on behind its quote.
    Quotes,
    /// It is longer than [`ROW_BYTES_MAX`].
    TooLong,
}

impl<R: Read> Records<R> {
    pub(super) fn new(source: Decoded<R>, delimiter: u8) -> Self {
        Self {
            source,
            delimiter,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            buffer: Vec::new(),
            at: 0,
            lines: Lines::default(),
            ended: false,
        }
    }

    /// The next record, whose cells are put into `record`; `None` at the end of the file. Empty lines are no records.
    pub(super) fn next(&mut self, record: &mut Record) -> io::Result<Option<Result<(), Broken>>> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        record.line = self.lines.next();
        let mut length = 0;
        let (mut bytes, mut ends) = (0, 0);
        self.parser.reset();
        loop {
            let exhausted = self.at + length == self.buffer.len();
            if exhausted && self.fill()? {
                continue;
            }
            // A line end after the last byte tells a record that is whole from one whose quote is open.
            let input = if exhausted { b"\n" } else { &self.buffer[self.at + length..] };
            let (result, read, written, ended) =
                self.parser.read_record(input, &mut record.bytes[bytes..], &mut record.ends[ends..]);
            bytes += written;
            ends += ended;
            length = if exhausted { length } else { length + read };
            if length > ROW_BYTES_MAX {
                return self.broken(Broken::TooLong).map(Some);
            }
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::OutputFull => record.bytes.resize((bytes * 2).max(BYTES_FIRST), 0),
                ReadRecordResult::OutputEndsFull => record.ends.resize((ends * 2).max(CELLS_FIRST), 0),
                ReadRecordResult::InputEmpty if exhausted => return self.broken(Broken::Unclosed).map(Some),
                ReadRecordResult::InputEmpty => {}
            }
        }
        if !quotes::are_sound(&self.buffer[self.at..self.at + length], self.delimiter) {
            return self.broken(Broken::Quotes).map(Some);
        }
        record.bytes.truncate(bytes);
        record.ends.truncate(ends);
        self.pass(length);
        Ok(Some(Ok(())))
    }

    /// Bytes read of the file so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }

    /// Goes on after the first line of what is no record.
    fn broken(&mut self, how: Broken) -> io::Result<Result<(), Broken>> {
        loop {
            let rest = &self.buffer[self.at..];
            match rest.iter().position(is_line_end) {
                Some(end) => {
                    self.pass(end);
                    return Ok(Err(how));
                }
                None => {
                    let length = rest.len();
                    self.pass(length);
                    if !self.fill()? {
                        return Ok(Err(how));
                    }
                }
            }
        }
    }

    /// Goes to the next byte that is no line end; `false` where there is none.
    fn skip_line_ends(&mut self) -> io::Result<bool> {
        loop {
            let rest = &self.buffer[self.at..];
            let found = rest.iter().position(|byte| !is_line_end(byte));
            self.pass(found.unwrap_or(rest.len()));
            if found.is_some() {
                return Ok(true);
            }
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// Goes on by so many bytes.
    fn pass(&mut self, length: usize) {
        self.lines.pass(&self.buffer[self.at..self.at + length]);
        self.at += length;
    }

    /// Reads some more; `false` at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        self.ended = !self.source.fill(&mut self.buffer)?;
        Ok(!self.ended)
    }
}

/// Counts physical lines: each ends in CR LF, LF or CR, whether it stands in quotes or not.
#[derive(Debug, Default)]
struct Lines {
    ended: u64,
    after_return: bool,
}

impl Lines {
    /// The line that the next byte stands on.
    fn next(&self) -> u64 {
        self.ended + 1
    }

    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.ended += u64::from(*byte == b'\r' || (*byte == b'\n' && !self.after_return));
            self.after_return = *byte == b'\r';
        }
    }
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Longest row of a file, from its first line to the end of its last: what is longer could not be kept as a payload.
pub const ROW_BYTES_MAX: usize = crate::use_case::ingest::PAYLOAD_BYTES_MAX;
/// Room for a record of common length at first.
const BYTES_FIRST: usize = 1024;
/// Room for so many cells at first.
const CELLS_FIRST: usize = 32;

#[cfg(test)]
mod tests {
    use super::super::decoded::Charset;
    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, Result<Vec<String>, Broken>)> {
        let mut records = Records::new(Decoded::new(text, Charset::of(text, None)), b',');
        let mut record = Record::default();
        let mut all = Vec::new();
        while let Some(found) = records.next(&mut record).unwrap() {
            let cells = found.map(|()| {
                let starts = [0].into_iter().chain(record.ends.iter().copied());
                let cells = starts.zip(&record.ends).map(|(from, to)| &record.bytes[from..*to]);
                cells.map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
            });
            all.push((record.line, cells));
        }
        all
    }

    fn whole(line: u64, cells: &[&str]) -> (u64, Result<Vec<String>, Broken>) {
        (line, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("a,b{end}{end}1,\"x{end}y\"{end}2,\"\"\"q\"\"\"{end}{end}{end}3,{end}");
            let expected = [
                whole(1, &["a", "b"]),
                whole(3, &["1", &format!("x{end}y")]),
                whole(5, &["2", "\"q\""]),
                whole(8, &["3", ""]),
            ];
            assert_eq!(read(text.as_bytes()), expected, "{end:?}");
            assert_eq!(read(text.trim_end().as_bytes()), expected, "{end:?} and none at the end");
        }
        assert_eq!(
            read(b"a\r\nb\nc\rd\n\re"),
            ["a", "b", "c", "d", "e"].map(|c| whole(
                match c {
                    "a" => 1,
                    "b" => 2,
                    "c" => 3,
                    "d" => 4,
                    _ => 6,
                },
                &[c]
            ))
        );
        assert_eq!(read(b""), []);
        assert_eq!(read(b"\r\n\n\r"), []);
    }

    #[test]
    fn an_open_quote_costs_its_line() {
        let text = b"a,b\r\n1,\"x\r\n2,y\r\n3,z";
        let broken = (2, Err(Broken::Unclosed));
        assert_eq!(read(text), [whole(1, &["a", "b"]), broken, whole(3, &["2", "y"]), whole(4, &["3", "z"])]);
        assert_eq!(read(b"a\n\""), [whole(1, &["a"]), (2, Err(Broken::Unclosed))]);
        // Also where a quote further down would close it.
        assert_eq!(
            read(b"a,b\n\"Ann,1\nBob,2\n\"Cy\",3\n"),
            [
                whole(1, &["a", "b"]),
                (2, Err(Broken::Quotes)),
                whole(3, &["Bob", "2"]),
                whole(4, &["Cy", "3"])
            ]
        );
        // A quote inside of a cell that is not quoted is a character.
        assert_eq!(read(b"5\" pipe,x\n6,y"), [whole(1, &["5\" pipe", "x"]), whole(2, &["6", "y"])]);
    }

    #[test]
    fn what_is_endless_ends() {
        let quoted = format!("a\n\"{}\nb\n", "line\n".repeat(ROW_BYTES_MAX / 4));
        let found = read(quoted.as_bytes());
        assert_eq!(found[1], (2, Err(Broken::TooLong)));
        assert_eq!(found[2], whole(3, &["line"]));
        assert_eq!(*found.last().unwrap(), whole(3 + ROW_BYTES_MAX as u64 / 4, &["b"]));
        // One line of a megabyte and more, which no read holds whole.
        let long = format!("a\n{}\nb\n", "x".repeat(5 * ROW_BYTES_MAX));
        assert_eq!(read(long.as_bytes()), [whole(1, &["a"]), (2, Err(Broken::TooLong)), whole(3, &["b"])]);
        let fits = format!("{}\nb", "x".repeat(ROW_BYTES_MAX - 1));
        assert_eq!(read(fits.as_bytes()).len(), 2);
        assert!(read(fits.as_bytes()).iter().all(|(_, cells)| cells.is_ok()));
    }

    #[test]
    fn a_record_may_lie_across_reads() {
        // Records of 1 to 300 bytes, so that reads cut them everywhere.
        let text: String = (0..2_000).map(|n| format!("{n},\"{}\"\r\n", "é\n".repeat(n % 100))).collect();
        let found = read(text.as_bytes());
        assert_eq!(found.len(), 2_000);
        let mut line = 1;
        for (n, found) in found.iter().enumerate() {
            assert_eq!(*found, whole(line, &[&n.to_string(), &"é\n".repeat(n % 100)]));
            line += 1 + n as u64 % 100;
        }
    }
}
