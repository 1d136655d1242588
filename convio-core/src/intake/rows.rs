use std::fmt;
use std::io::Read;
use std::sync::Arc;

use super::columns::Columns;
use super::csv_file::lost;
use super::records::{Broken, ROW_BYTES_MAX, Record, Records};
use crate::error::{Error, Reason};

/// The rows of a file, one by one. Blank ones are left out.
///
/// An error ends the reading: the file can't be read on. A row that is bad does not.
pub struct Rows<'f, R> {
    records: Records<&'f mut R>,
    columns: Arc<Columns>,
    record: Record,
    is_utf_8: bool,
    blank: u64,
    failed: bool,
}

/// Something that stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A row.
    Row(Row),
    /// Something that is no row of this file.
    Bad(BadRow),
}

/// A row: the cells under the columns' names. `Debug` shows no cell.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    line: u64,
    columns: Arc<Columns>,
    cells: Cells,
}

/// Something that is no row of its file, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The physical line that it starts on; the first of the file is 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

impl<'f, R: Read> Rows<'f, R> {
    pub(super) fn new(records: Records<&'f mut R>, columns: Arc<Columns>, is_utf_8: bool) -> Self {
        Self { records, columns, record: Record::default(), is_utf_8, blank: 0, failed: false }
    }

    /// How many bytes of the file were read so far: more than the rows had, since it is read ahead.
    pub fn bytes_read(&self) -> u64 {
        self.records.bytes_read()
    }

    /// How many rows so far were blank in each cell.
    pub fn blank(&self) -> u64 {
        self.blank
    }

    /// The record just read as a line of the file; `None` for a blank one.
    fn line(&mut self) -> Option<Line> {
        let columns = self.columns.names().len();
        let bad = |code: &str, message: String| {
            Some(Line::Bad(BadRow { line: self.record.line, reason: Reason::new("row", code, message) }))
        };
        let Some(mut cells) = cells(&self.record) else {
            return match self.is_utf_8 {
                true => bad("not_utf_8", "the row is not in UTF-8: name the file's encoding".to_owned()),
                false => bad("not_decoded", "the row is not in the file's encoding".to_owned()),
            };
        };
        if cells.cells().all(|cell| cell.trim().is_empty()) {
            self.blank += 1;
            return None;
        }
        let found = cells.ends.len();
        if found < columns {
            return bad("too_few_cells", format!("too few cells: {found} in a file of {columns} columns"));
        }
        if cells.cells().skip(columns).any(|cell| !cell.trim().is_empty()) {
            return bad("too_many_cells", format!("too many cells: {found} in a file of {columns} columns"));
        }
        cells.ends.truncate(columns);
        Some(Line::Row(Row { line: self.record.line, columns: self.columns.clone(), cells }))
    }
}

impl<R: Read> Iterator for Rows<'_, R> {
    type Item = Result<Line, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            match self.records.next(&mut self.record) {
                Ok(None) => return None,
                Ok(Some(Ok(()))) => match self.line() {
                    Some(line) => return Some(Ok(line)),
                    None => continue,
                },
                Ok(Some(Err(broken))) => {
                    let code = match broken {
                        Broken::Unclosed => "unclosed_quote",
                        Broken::Quotes => "broken_quotes",
                        Broken::TooLong => "too_long",
                    };
                    let reason = Reason::new("row", code, broken.to_string());
                    return Some(Ok(Line::Bad(BadRow { line: self.record.line, reason })));
                }
                Err(error) => {
                    self.failed = true;
                    return Some(Err(lost(error)));
                }
            }
        }
        None
    }
}

impl<R> fmt::Debug for Rows<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows(at line {})", self.record.line)
    }
}

impl Line {
    /// The physical line that it starts on; the first of the file is 1.
    pub fn number(&self) -> u64 {
        match self {
            Self::Row(row) => row.line,
            Self::Bad(bad) => bad.line,
        }
    }

    /// The row, if it is one.
    pub fn row(self) -> Option<Row> {
        match self {
            Self::Row(row) => Some(row),
            Self::Bad(_) => None,
        }
    }

    /// Why it is no row, if it is none.
    pub fn bad(&self) -> Option<&BadRow> {
        match self {
            Self::Row(_) => None,
            Self::Bad(bad) => Some(bad),
        }
    }
}

impl Row {
    /// The physical line that it starts on; the first of the file is 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The cell under a column, as it stands in the file.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.cells.cells().nth(self.columns.position(column)?)
    }

    /// All cells with the names of their columns, in the file's order.
    pub fn cells(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.names().iter().map(String::as_str).zip(self.cells.cells())
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row(line {}, {} cells)", self.line, self.cells.ends.len())
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => f.write_str("a quote is not closed until the end of the file"),
            Self::Quotes => f.write_str(
                "a quoted cell goes on behind its quote: one in it is not doubled, or none closes it",
            ),
            Self::TooLong => {
                write!(f, "the row is longer than {ROW_BYTES_MAX} bytes: is a quote of it not closed?")
            }
        }
    }
}

/// The cells of a row as text.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(from, to)| &self.text[from..*to])
    }
}

/// The cells of a record, if each is in UTF-8.
pub(super) fn cells(record: &Record) -> Option<Cells> {
    let text = std::str::from_utf8(&record.bytes).ok()?;
    // Two halves of a character in neighbouring cells make a whole only here.
    let parted = record.ends.iter().all(|end| text.is_char_boundary(*end));
    parted.then(|| Cells { text: text.to_owned(), ends: record.ends.clone() })
}

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor, Seek};

    use super::super::{CsvFile, CsvOptions};
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<(u64, String)>, u64) {
        let mut file = CsvFile::read(Cursor::new(bytes)).unwrap();
        let mut rows = file.rows().unwrap();
        let told = |line: Line| match line {
            Line::Row(row) => (
                row.line(),
                row.cells().map(|(name, cell)| format!("{name}={cell}")).collect::<Vec<_>>().join(" "),
            ),
            Line::Bad(bad) => (bad.line, bad.reason.code),
        };
        let all = rows.by_ref().map(|line| told(line.unwrap())).collect();
        (all, rows.blank())
    }

    #[test]
    fn a_row_is_as_wide_as_the_header_and_a_bad_one_ends_nothing() {
        let (rows, blank) = read(b"a,b,,\n1,2\n1,2,,\n1,2,,,, \n1,2,x\n1\n\n,,,\n \n\"1\n1\",2\n\xff,2\n1,2");
        let rows: Vec<(u64, &str)> = rows.iter().map(|(line, told)| (*line, told.as_str())).collect();
        let expected = [
            (2, "a=1 b=2"),
            (3, "a=1 b=2"),
            (4, "a=1 b=2"),
            (5, "too_many_cells"),
            (6, "too_few_cells"),
            (10, "a=1\n1 b=2"),
            (12, "not_utf_8"),
            (13, "a=1 b=2"),
        ];
        assert_eq!(rows, expected);
        assert_eq!(blank, 2);
    }

    #[test]
    fn half_a_character_is_none_even_beside_the_other_half() {
        assert_eq!(read(b"a,b\n\xC3,\xA9\n").0, [(2, "not_utf_8".to_owned())]);
    }

    #[test]
    fn rows_of_a_named_encoding_that_do_not_keep_to_it() {
        let told = CsvOptions::new().encoding("shift_jis").unwrap();
        let mut file = told.read(Cursor::new(b"a\n\x93\xFA\n\x81\x20\nx\n")).unwrap();
        let codes = file.rows().unwrap().map(|line| line.unwrap().bad().map(|bad| bad.reason.code.clone()));
        assert_eq!(codes.collect::<Vec<_>>(), [None, Some("not_decoded".to_owned()), None]);
    }

    #[test]
    fn columns_of_one_name_are_kept_apart() {
        assert_eq!(read(b"n,n,n\n1,2,3\n").0, [(2, "n=1 n#2=2 n#3=3".to_owned())]);
    }

    #[test]
    fn neither_debug_nor_messages_tell_cells() {
        let mut file = CsvFile::read(Cursor::new(b"name,phone\nAnn,5551234\nBob\n")).unwrap();
        let lines: Vec<Line> = file.rows().unwrap().map(Result::unwrap).collect();
        let shown = format!("{lines:?} {}", lines[1].bad().unwrap());
        assert!(!["Ann", "555", "Bob"].iter().any(|cell| shown.contains(cell)), "{shown}");
    }

    #[test]
    fn a_file_that_fails_ends_the_rows_with_an_error() {
        /// Fails past so many bytes once it was read twice: for the fingerprint, and for the header.
        struct Failing(Cursor<Vec<u8>>, u32);
        impl Read for Failing {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                if self.1 > 2 && self.0.position() > 0 {
                    return Err(io::Error::other("the disk is gone"));
                }
                self.0.read(into)
            }
        }
        impl Seek for Failing {
            fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
                self.1 += 1;
                self.0.seek(to)
            }
        }
        let text = format!("a\n{}", "x\n".repeat(100_000));
        let mut file = CsvFile::read(Failing(Cursor::new(text.into_bytes()), 0)).unwrap();
        let lines: Vec<_> = file.rows().unwrap().collect();
        let (last, rows) = lines.split_last().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(Result::is_ok));
        let error = last.as_ref().unwrap_err();
        assert!(error.is_retryable() && error.to_string().contains("the disk is gone"), "{error}");
    }
}
