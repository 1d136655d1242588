//! Reading of lead files, and their import.
//!
//! A [`CsvFile`] is read row by row, whatever its delimiter and encoding; a row that can't be read is told by its line and
//! never ends the reading. [`WorkspaceHandle::import`](crate::WorkspaceHandle::import) takes the rows as leads, in batches,
//! and can be run again at any time: a row has an external id, by which it is known when it comes again.
//!
//! ```text
//! bytes -> UTF-8 -> records (cells, line) -> rows (under the header's names) -> raw leads -> batches -> answers by line
//!        decoded     records                  rows                             import          run
//! ```
//!
//! What the file's columns mean is said by the webhook that it is imported through
//! ([`WebhookSettings::fields`](crate::WebhookSettings::fields)), so that a rejected row is read the same way when it is
//! released years later.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
//! use convio_core::intake::{CsvFile, Import};
//! use convio_core::{Convio, NewWebhook, NewWorkspace};
//! use convio_store_memory::MemoryStore;
//!
//! let acme = Convio::new(MemoryStore::new()).create_workspace(NewWorkspace::named("Acme Solar")).await?;
//! let meaning = |settings: &mut convio_core::WebhookSettings| {
//!     settings.fields.insert("Where from".to_owned(), "source".to_owned());
//! };
//! acme.create_webhook(NewWebhook::named("fair").with(meaning)).await?;
//!
//! let text = "Name;Phone;Where from\nAnn Lee;+1 555 123 4567;Stand 4\nBob;none;Stand 4\nonly one cell\n";
//! let mut file = CsvFile::read(std::io::Cursor::new(text))?;
//! let report = acme.import(&mut file, &Import::through("fair"), |_| {}).await?;
//! assert_eq!((report.rows, report.created, report.rejected, report.bad), (3, 1, 1, 1));
//! assert_eq!(report.problems.first[1].to_string(), "line 4: row: too few cells: 1 in a file of 3 columns");
//!
//! let again = acme.import(&mut file, &Import::through("fair"), |_| {}).await?;
//! assert_eq!((again.created, again.replayed), (0, 2));
//! # Ok(()) }) }
//! ```

mod columns;
mod csv_file;
mod csv_options;
mod decoded;
mod delimiter;
#[cfg(feature = "service")]
mod dry_run;
#[cfg(feature = "service")]
mod import;
mod quotes;
mod records;
#[cfg(feature = "service")]
mod report;
mod rows;
#[cfg(feature = "service")]
mod run;
#[cfg(feature = "service")]
mod sheet;
mod time_format;

pub use csv_file::CsvFile;
pub use csv_options::{CsvOptions, DELIMITERS};
#[cfg(feature = "service")]
pub use dry_run::{ColumnReading, DryRunReport};
#[cfg(feature = "service")]
pub use import::Import;
pub use records::ROW_BYTES_MAX;
#[cfg(feature = "service")]
pub use report::{ImportReport, PROBLEMS_SHOWN, Problem, Problems, ReasonCounts};
pub use rows::{BadRow, Line, Row, Rows};
#[cfg(feature = "service")]
pub use run::{BATCH_BYTES, BATCH_ROWS, ImportProgress, ImportStopped, RowAnswer, RowOutcome, TRIES_MAX};
#[cfg(feature = "service")]
pub use sheet::Draft;
pub use time_format::TimeFormat;

/// The code of docs/import.md is compiled as a test.
#[cfg(all(doctest, feature = "service"))]
#[doc = include_str!("../../../docs/import.md")]
struct Guide;
