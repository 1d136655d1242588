use std::collections::BTreeSet;

use crate::error::{Error, Reason};
use crate::postal::PostalCode;

/// A list of postal codes for a rule, loaded in bulk, and what became of each row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZipList {
    /// The codes, each once.
    pub zips: BTreeSet<String>,
    /// What became of the rows.
    pub report: ZipReport,
}

/// What became of the rows of a list: each was accepted, is a duplicate, or is malformed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZipReport {
    /// Rows read, blank ones and a heading left out.
    pub read: usize,
    /// Rows whose code is new.
    pub accepted: usize,
    /// Rows whose code came before.
    pub duplicate: usize,
    /// Rows that hold no postal code.
    pub malformed: usize,
    /// The first [`MALFORMED_SHOWN`] malformed rows, each with its number (the first is 1, blank lines are no rows) and what is
    /// wrong.
    pub first_malformed: Vec<(u64, String)>,
}

impl ZipList {
    /// The list of these codes, in order. Of the field's five-digit codes and ZIP+4 each counts as it is written.
    ///
    /// ```
    /// use convio_core::routing::ZipList;
    /// let list = ZipList::of(["90210", "90210", "02134", "not a code!"])?;
    /// assert_eq!((list.report.read, list.report.accepted), (4, 2));
    /// assert_eq!((list.report.duplicate, list.report.malformed), (1, 1));
    /// assert!(list.zips.contains("02134"));
    /// assert!(ZipList::of([""; 0]).is_err());
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a list without any postal code: that all match is said by
    /// [`Rule::any_zip`](super::Rule::any_zip).
    pub fn of<T: AsRef<str>>(codes: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        let mut list = Self { zips: BTreeSet::new(), report: ZipReport::default() };
        for (code, number) in codes.into_iter().zip(1..) {
            list.add(code.as_ref(), number);
        }
        list.finish()
    }

    /// The list that a CSV file holds: in the column named `zip`, `zipcode`, `zip_code`, `zip code`, `postal_code`, `postal
    /// code`, `postcode` or `plz`, whatever its case, or else in the first column, heading or not. The file is read row by
    /// row.
    ///
    /// ```
    /// # #[cfg(feature = "intake")] {
    /// use convio_core::routing::ZipList;
    /// let list = ZipList::read_csv("city,ZIP\n\"Holtsville, NY\",00501\nBeverly Hills,90210\n".as_bytes())?;
    /// assert_eq!(list.zips.into_iter().collect::<Vec<_>>(), ["00501", "90210"]);
    /// # }
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a file without any postal code, or one that can't be read as CSV in UTF-8.
    #[cfg(feature = "intake")]
    pub fn read_csv(file: impl std::io::Read) -> Result<Self, Error> {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
        let mut list = Self { zips: BTreeSet::new(), report: ZipReport::default() };
        let mut column = 0;
        let mut row = csv::StringRecord::new();
        let mut number = 0;
        loop {
            match rows.read_record(&mut row) {
                Ok(true) => {}
                Ok(false) => return list.finish(),
                Err(error) => {
                    let message = format!("the file can't be read: {error}");
                    return Err(Error::invalid(vec![Reason::new("zips", "unreadable", message)]));
                }
            }
            number += 1;
            if number == 1 {
                let heading = |cell: &str| {
                    HEADINGS.contains(&cell.trim_start_matches('\u{feff}').to_lowercase().trim())
                };
                if let Some(found) = row.iter().position(heading) {
                    column = found;
                    continue;
                }
            }
            list.add(row.get(column).unwrap_or_default(), number);
        }
    }

    fn add(&mut self, code: &str, number: u64) {
        if code.trim().is_empty() {
            return;
        }
        self.report.read += 1;
        match PostalCode::parse(code) {
            Ok(code) if code.as_str().contains(|c: char| c.is_ascii_digit()) => {
                match self.zips.insert(code.as_str().to_owned()) {
                    true => self.report.accepted += 1,
                    false => self.report.duplicate += 1,
                }
            }
            Ok(_) => self.malformed(number, "a postal code has digits".to_owned()),
            Err(error) => self.malformed(number, error.to_string()),
        }
    }

    fn malformed(&mut self, number: u64, why: String) {
        self.report.malformed += 1;
        if self.report.first_malformed.len() < MALFORMED_SHOWN {
            self.report.first_malformed.push((number, why));
        }
    }

    fn finish(self) -> Result<Self, Error> {
        if !self.zips.is_empty() {
            return Ok(self);
        }
        let message =
            format!("none of {} rows holds a postal code: say `any_zip` if all match", self.report.read);
        Err(Error::invalid(vec![Reason::new("zips", "empty", message)]))
    }
}

/// What the column of postal codes may be named.
#[cfg(feature = "intake")]
const HEADINGS: [&str; 8] =
    ["zip", "zipcode", "zip_code", "zip code", "postal_code", "postal code", "postcode", "plz"];
/// Malformed rows that a report names: enough to see what is wrong with a file.
pub const MALFORMED_SHOWN: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_alone_are_no_code() {
        let list = ZipList::of(["city", "SW1A 1AA", " 90210-1234 "]).unwrap();
        assert_eq!(list.report.first_malformed, [(1, "a postal code has digits".to_owned())]);
        assert_eq!(list.zips.into_iter().collect::<Vec<_>>(), ["90210-1234", "SW1A 1AA"]);
    }

    #[test]
    #[cfg(feature = "intake")]
    fn files_with_and_without_a_heading_a_mark_and_blank_lines() {
        let read = |text: &str| ZipList::read_csv(text.as_bytes());
        let other = read("code of the town\n90210\n").unwrap(); // no heading that is known
        assert_eq!((other.report.malformed, other.report.first_malformed[0].0), (1, 1));
        let marked = read("\u{feff}Zip Code,x\r\n90210,1\r\n\r\n90210,2\r\nx,3\r\n\r\n").unwrap();
        assert_eq!((marked.report.read, marked.report.duplicate), (3, 1));
        assert_eq!(marked.report.first_malformed[0].0, 4);
        assert_eq!(read("00501\n").unwrap().report.accepted, 1);
        assert_eq!(read("").unwrap_err().reasons()[0].code, "empty");
        assert_eq!(ZipList::read_csv(&b"zip\n\xff\n"[..]).unwrap_err().reasons()[0].code, "unreadable");
    }
}
