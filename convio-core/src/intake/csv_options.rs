use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use super::csv_file::{CsvFile, unreadable};
use super::decoded::encoding_named;
use crate::error::{Error, Reason};

/// What is told of a file that can't be found out, or is found out wrong.
///
/// ```
/// use convio_core::intake::CsvOptions;
/// let told = CsvOptions::new().encoding("windows-1252")?.delimiter(b':')?;
/// let mut file = told.read(std::io::Cursor::new(b"name:city\nJos\xE9:Lima\n"))?;
/// let row = file.rows()?.find_map(|line| line.ok()?.row()).unwrap();
/// assert_eq!(row.get("name"), Some("José"));
/// assert!(CsvOptions::new().encoding("utf-9000").is_err());
/// # Ok::<(), convio_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct CsvOptions {
    encoding: Option<&'static encoding_rs::Encoding>,
    delimiter: Option<u8>,
}

impl CsvOptions {
    /// Everything is found out: the delimiter from the first lines, the encoding from a mark at the start (UTF-8, UTF-16),
    /// and where there is none it is UTF-8.
    pub fn new() -> Self {
        Self::default()
    }

    /// The encoding of a file without a mark at its start, by a name of the WHATWG's list such as `windows-1252`, `latin1`,
    /// `shift_jis` or `utf-16le`, in any case. A mark says more than a name.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a name that is unknown.
    pub fn encoding(mut self, name: &str) -> Result<Self, Error> {
        self.encoding = Some(encoding_named(name).ok_or_else(|| {
            let message =
                format!("there is no encoding `{name}`: try `windows-1252`, `utf-16le`, `shift_jis`");
            Error::invalid(vec![Reason::new("encoding", "unknown", message)])
        })?);
        Ok(self)
    }

    /// The delimiter, where it is none of [`DELIMITERS`] or is not told well by the first lines.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a quote, a line end, and what is not ASCII.
    pub fn delimiter(mut self, delimiter: u8) -> Result<Self, Error> {
        if !delimiter.is_ascii() || matches!(delimiter, b'"' | b'\r' | b'\n' | 0) {
            let message = "a delimiter is one ASCII character, and no quote or line end";
            return Err(Error::invalid(vec![Reason::new("delimiter", "invalid", message)]));
        }
        self.delimiter = Some(delimiter);
        Ok(self)
    }

    /// Opens a file.
    ///
    /// # Errors
    /// Those of [`CsvFile::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<CsvFile<File>, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| unreadable(&path.display().to_string(), &error))?;
        CsvFile::of(file, self.encoding, self.delimiter)
    }

    /// Reads from anything else.
    ///
    /// # Errors
    /// Those of [`CsvFile::open`].
    pub fn read<R: Read + Seek>(&self, source: R) -> Result<CsvFile<R>, Error> {
        CsvFile::of(source, self.encoding, self.delimiter)
    }
}

/// The delimiters that are found by themselves.
pub const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_delimiter_is_refused() {
        for wrong in [b'"', b'\n', b'\r', 0, 0xE9] {
            let error = CsvOptions::new().delimiter(wrong).unwrap_err();
            assert_eq!(error.reasons()[0].field, "delimiter");
        }
        assert!(CsvOptions::new().delimiter(b'^').is_ok());
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = CsvOptions::new().open("/no/such/file.csv").unwrap_err();
        assert!(error.to_string().contains("`/no/such/file.csv`"), "{error}");
        assert_eq!(error.reasons()[0].code, "unreadable");
    }
}
