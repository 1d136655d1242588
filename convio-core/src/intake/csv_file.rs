use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::columns::{Columns, wrong_header};
use super::csv_options::CsvOptions;
use super::decoded::{Charset, Decoded};
use super::delimiter;
use super::records::{Record, Records};
use super::rows::{Rows, cells};
use crate::canonical::Fingerprint;
use crate::error::{Error, Reason};
use crate::store::{Fault, StoreError};

/// A file of comma separated values with a header, to be read as often as it takes.
///
/// The delimiter is found from its first lines (`,` `;` tab `|`), the encoding from the mark at its start, and both can be
/// told by [`CsvOptions`]. It must not change while it is in use.
///
/// ```
/// use convio_core::intake::{CsvFile, Line};
/// let text = "name;note\r\nAnn;\"first line\r\nsecond line\"\r\nBob\r\nCy;x\r\n";
/// let mut file = CsvFile::read(std::io::Cursor::new(text))?;
/// assert_eq!(file.columns(), ["name", "note"]);
/// assert_eq!(file.delimiter(), b';');
/// assert!(file.fingerprint().to_hex().starts_with(&file.row_id(2)[..16]));
///
/// let lines: Vec<Line> = file.rows()?.collect::<Result<_, _>>()?;
/// assert_eq!(lines.iter().map(Line::number).collect::<Vec<_>>(), [2, 4, 5]);
/// assert_eq!(lines[1].bad().unwrap().to_string(), "line 4: row: too few cells: 1 in a file of 2 columns");
/// assert_eq!(lines[2].clone().row().unwrap().get("name"), Some("Cy"));
/// # Ok::<(), convio_core::Error>(())
/// ```
pub struct CsvFile<R> {
    source: R,
    fingerprint: Fingerprint,
    bytes: u64,
    charset: Charset,
    delimiter: u8,
    columns: Arc<Columns>,
}

impl CsvFile<File> {
    /// Opens a file and reads it through once, for its fingerprint.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a file that can't be read or whose first line names no columns.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        CsvOptions::new().open(path)
    }
}

impl<R: Read + Seek> CsvFile<R> {
    /// Reads from anything that can be read twice.
    ///
    /// # Errors
    /// Those of [`CsvFile::open`].
    pub fn read(source: R) -> Result<Self, Error> {
        CsvOptions::new().read(source)
    }

    pub(super) fn of(
        mut source: R,
        encoding: Option<&'static encoding_rs::Encoding>,
        told: Option<u8>,
    ) -> Result<Self, Error> {
        let digest = digest(&mut source).map_err(|error| unreadable("the file", &error))?;
        let charset = Charset::of(&digest.start, encoding);
        let is_whole = digest.bytes == digest.start.len() as u64;
        let found = || delimiter::found_in(&charset.sample(&digest.start), is_whole);
        let delimiter = told.unwrap_or_else(found);
        let columns = Arc::new(header(&mut source, charset, delimiter)?);
        let (fingerprint, bytes) = (digest.fingerprint, digest.bytes);
        Ok(Self { source, fingerprint, bytes, charset, delimiter, columns })
    }

    /// The rows, from the first on.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) where the file can't be read any more.
    pub fn rows(&mut self) -> Result<Rows<'_, R>, Error> {
        let mut records = records(&mut self.source, self.charset, self.delimiter)?;
        records.next(&mut Record::default()).map_err(lost)?.transpose().ok(); // the header
        Ok(Rows::new(records, self.columns.clone(), self.charset.is_utf_8()))
    }
}

impl<R> CsvFile<R> {
    /// The names of the columns, each once: of a name that comes twice the second is `name#2`, one without a name is
    /// `column 3` by its place, and empty ones at the end are none.
    pub fn columns(&self) -> &[String] {
        self.columns.names()
    }

    /// The delimiter, told or found.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The name of the encoding, found or told: `UTF-8`, `UTF-16LE`, `windows-1252` ...
    pub fn encoding(&self) -> &'static str {
        self.charset.encoding.name()
    }

    /// The SHA-256 of its bytes as they are.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The id of the row on this line, for files whose rows bring none: the first 16 digits of the file's fingerprint, and the
    /// line. The same file gives the same ids; one that was added to gives others.
    pub fn row_id(&self, line: u64) -> String {
        format!("{}{line}", self.row_id_prefix())
    }

    /// What the ids of its rows start with.
    pub(super) fn row_id_prefix(&self) -> String {
        let mut id = self.fingerprint.to_hex();
        id.truncate(ROW_ID_DIGITS);
        id.push(':');
        id
    }
}

impl<R> fmt::Debug for CsvFile<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (columns, bytes) = (self.columns.names().len(), self.bytes);
        write!(f, "CsvFile({columns} columns, {bytes} bytes, {})", self.encoding())
    }
}

fn records<R: Read + Seek>(
    source: &mut R,
    charset: Charset,
    delimiter: u8,
) -> Result<Records<&mut R>, Error> {
    source.seek(SeekFrom::Start(charset.mark_bytes)).map_err(lost)?;
    Ok(Records::new(Decoded::new(source, charset), delimiter))
}

fn header(source: &mut (impl Read + Seek), charset: Charset, delimiter: u8) -> Result<Columns, Error> {
    let mut header = Record::default();
    match records(source, charset, delimiter)?.next(&mut header).map_err(lost)? {
        None => Columns::of(std::iter::empty()),
        Some(Err(broken)) => Err(wrong_header("no_header", &format!("the header can't be read: {broken}"))),
        Some(Ok(())) => match cells(&header) {
            Some(text) => Columns::of(text.cells()),
            None if charset.is_utf_8() => {
                Err(wrong_header("not_text", "the header is not in UTF-8: name the file's encoding"))
            }
            None => Err(wrong_header("not_text", "the header is not in the encoding that was named")),
        },
    }
}

struct DigestOfFile {
    fingerprint: Fingerprint,
    bytes: u64,
    /// Its first bytes.
    start: Vec<u8>,
}

fn digest(source: &mut (impl Read + Seek)) -> io::Result<DigestOfFile> {
    source.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let (mut bytes, mut start) = (0, Vec::new());
    let mut chunk = vec![0; SAMPLE_BYTES];
    loop {
        let read = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => &chunk[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(read);
        bytes += read.len() as u64;
        start.extend_from_slice(&read[..read.len().min(SAMPLE_BYTES - start.len())]);
    }
    Ok(DigestOfFile { fingerprint: Fingerprint::from_bytes(hash.finalize().into()), bytes, start })
}

/// A file that can't be opened or read from the start.
pub(super) fn unreadable(what: &str, error: &io::Error) -> Error {
    let what = if what == "the file" { what.to_owned() } else { format!("`{what}`") };
    Error::invalid(vec![Reason::new("file", "unreadable", format!("{what} can't be read: {error}"))])
}

/// A file that could be read before.
pub(super) fn lost(error: io::Error) -> Error {
    StoreError::Unavailable(Fault::new(format!("the file can't be read on: {error}"))).into()
}

/// What is looked at for encoding and delimiter: many rows of any file.
const SAMPLE_BYTES: usize = 64 * 1024;
/// Digits of the fingerprint in a row's id: two files of one owner do not share 64 bits by chance.
const ROW_ID_DIGITS: usize = 16;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn wrong(bytes: &[u8]) -> String {
        CsvFile::read(Cursor::new(bytes)).unwrap_err().reasons()[0].code.clone()
    }

    #[test]
    fn what_is_no_table_is_told_when_it_is_opened() {
        assert_eq!(wrong(b""), "no_header");
        assert_eq!(wrong(b"\n\r\n"), "no_header");
        assert_eq!(wrong(b",,\n1,2,3\n"), "no_header");
        assert_eq!(wrong(b"name,\"phone\n1,2\n"), "no_header");
        assert_eq!(wrong(b"na\xEFve,b\n"), "not_text");
        assert_eq!(wrong(b"n\0a\0,\0b\0\n\0"), "not_text"); // UTF-16 without a mark
        assert_eq!(wrong(b"\x89PNG\r\n"), "not_text");
        let utf_16 =
            CsvOptions::new().encoding("utf-16le").unwrap().read(Cursor::new(b"a\0,\0b\0\n\0")).unwrap();
        assert_eq!(utf_16.columns(), ["a", "b"]);
    }

    #[test]
    fn the_fingerprint_is_that_of_the_bytes_mark_and_all() {
        let text = b"\xEF\xBB\xBFa,b\n1,2\n";
        let file = CsvFile::read(Cursor::new(text)).unwrap();
        assert_eq!(file.fingerprint(), Fingerprint::of_bytes(text));
        assert_eq!((file.bytes(), file.encoding()), (text.len() as u64, "UTF-8"));
        assert_eq!(file.columns(), ["a", "b"]);
        let id = file.row_id(17);
        assert_eq!(id.len(), 19);
        assert!(id.ends_with(":17"));
    }

    #[test]
    fn it_can_be_read_again_and_from_a_source_that_was_read_on() {
        let mut source = Cursor::new(b"\xEF\xBB\xBFa\nx\ny\n");
        source.set_position(5);
        let mut file = CsvFile::read(source).unwrap();
        for _ in 0..2 {
            assert_eq!(file.rows().unwrap().count(), 2);
        }
        assert_eq!(file.rows().unwrap().next().unwrap().unwrap().row().unwrap().get("a"), Some("x"));
    }
}
