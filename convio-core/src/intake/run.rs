use std::error::Error as StdError;
use std::fmt;
use std::io::{Read, Seek};

use super::csv_file::CsvFile;
use super::import::Import;
use super::report::ImportReport;
use super::rows::Line;
use super::sheet::Sheet;
use crate::error::{Error, ErrorKind, Reason};
use crate::lead::RawLead;
use crate::service::{Atomicity, WorkspaceHandle};
use crate::use_case::ingest::Ingested;

/// How far an import has come, told after each batch: what is told is stored, as far as the store's durability goes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// # use convio_core::intake::{CsvFile, Import};
/// # use convio_core::{Convio, NewWorkspace};
/// # let store = convio_store_memory::MemoryStore::new();
/// # let acme = Convio::new(store).create_workspace(NewWorkspace::named("Acme Solar")).await?;
/// let mut file = CsvFile::read(std::io::Cursor::new("phone\n+15551234567\n+1 555 123 4567\n\n5\n"))?;
/// let mut told = Vec::new();
/// acme.import(&mut file, &Import::through("direct"), |batch| {
///     told.extend(batch.rows.iter().map(|row| (row.line, row.outcome.code())));
///     assert_eq!((batch.bytes_read, batch.bytes), (38, 38));
/// })
/// .await?;
/// assert_eq!(told, [(2, "created"), (3, "linked"), (5, "rejected")]);
/// # Ok(()) }) }
/// ```
#[derive(Debug)]
pub struct ImportProgress<'p> {
    /// The rows of the batch, in the file's order, each with its answer.
    pub rows: &'p [RowAnswer],
    /// All rows so far.
    pub report: &'p ImportReport,
    /// Bytes read of the file.
    pub bytes_read: u64,
    /// Bytes that the file has.
    pub bytes: u64,
}

/// What became of a row.
#[derive(Debug, Clone)]
pub struct RowAnswer {
    /// The physical line that the row starts on; the first of the file is 1.
    pub line: u64,
    /// What became of it.
    pub outcome: RowOutcome,
}

/// What became of a row of a file.
#[derive(Debug, Clone)]
pub enum RowOutcome {
    /// It was taken, rejected, or came before.
    Answered(Ingested),
    /// It can't be read, and is kept nowhere.
    Bad(Reason),
    /// It was refused without being kept, such as another row under the id of an earlier one.
    Failed(Error),
}

impl RowOutcome {
    /// The outcome in a word: `created`, `linked`, `replayed`, `duplicate`, `rejected`, `bad` or `failed`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Answered(Ingested::Created(_)) => "created",
            Self::Answered(Ingested::Linked(_)) => "linked",
            Self::Answered(Ingested::Replayed(_)) => "replayed",
            Self::Answered(Ingested::Duplicate(_)) => "duplicate",
            Self::Answered(Ingested::Rejected(_)) => "rejected",
            Self::Bad(_) => "bad",
            Self::Failed(_) => "failed",
        }
    }
}

/// An import that ended early. Run again, it goes on: what was answered comes back as a replay.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// use convio_core::intake::{CsvFile, Import};
/// use convio_core::{Convio, ErrorKind, NewWebhook, NewWorkspace};
/// use convio_store_memory::MemoryStore;
///
/// let acme = Convio::new(MemoryStore::new()).create_workspace(NewWorkspace::named("Acme Solar")).await?;
/// acme.create_webhook(NewWebhook::named("slow").with(|settings| settings.leads_per_hour_max = Some(1))).await?;
/// let mut file = CsvFile::read(std::io::Cursor::new("phone\n+15551234567\n+15551234568\n"))?;
/// let stopped = acme.import(&mut file, &Import::through("slow"), |_| {}).await.unwrap_err();
/// assert_eq!(stopped.error.kind(), ErrorKind::Overloaded);
/// assert_eq!((stopped.report.created, stopped.last_line()), (1, 2));
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone)]
pub struct ImportStopped {
    /// Why.
    pub error: Error,
    /// What was answered until then.
    pub report: Box<ImportReport>,
}

impl WorkspaceHandle<'_> {
    /// Imports a file: its rows as leads, [`BATCH_ROWS`] at a time, each batch in one commit. `told` hears of each batch once it
    /// is stored. The file is read where the caller runs, a batch at a time, and no more of it is held.
    ///
    /// To go on after whatever cut it short, import the file again: each row has an external id, under which it is taken once.
    ///
    /// # Errors
    /// [`ImportStopped`], with what was answered until then. Its error is [`Invalid`](crate::ErrorKind::Invalid) for an import
    /// that does not fit the file or the webhook; [`NotFound`](crate::ErrorKind::NotFound) and
    /// [`Denied`](crate::ErrorKind::Denied) as with [`WorkspaceHandle::ingest`];
    /// [`Overloaded`](crate::ErrorKind::Overloaded) when a limit is reached; [`Unavailable`](crate::ErrorKind::Unavailable)
    /// when the file can't be read on, or a batch was not stored in [`TRIES_MAX`] tries. What is wrong with single rows stops
    /// nothing.
    pub async fn import<R: Read + Seek>(
        &self,
        file: &mut CsvFile<R>,
        import: &Import,
        mut told: impl FnMut(&ImportProgress<'_>),
    ) -> Result<ImportReport, ImportStopped> {
        let mut report = ImportReport::default();
        match self.import_into(&mut report, file, import, &mut told).await {
            Ok(()) => Ok(report),
            Err(error) => Err(ImportStopped { error, report: Box::new(report) }),
        }
    }

    async fn import_into<R: Read + Seek>(
        &self,
        report: &mut ImportReport,
        file: &mut CsvFile<R>,
        import: &Import,
        told: &mut impl FnMut(&ImportProgress<'_>),
    ) -> Result<(), Error> {
        let webhook = self.entry_point(&import.webhook).await?;
        let sheet = Sheet::of(import, file.columns(), &webhook)?;
        let mut batches = Batches::of(file)?;
        loop {
            let mut batch = batches.next(&sheet)?;
            report.blank = batches.blank();
            if batch.lines.is_empty() {
                return Ok(());
            }
            let (rows, stopped) = self.answer(&mut batch).await;
            rows.iter().for_each(|row| report.add(row));
            if !rows.is_empty() {
                let (bytes_read, bytes) = (batches.bytes_read(), batches.bytes);
                told(&ImportProgress { rows: &rows, report, bytes_read, bytes });
            }
            if let Some(error) = stopped {
                return Err(error);
            }
        }
    }

    /// Stores a batch: the rows that have an answer, and why others have none.
    async fn answer(&self, batch: &mut Batch) -> (Vec<RowAnswer>, Option<Error>) {
        let mut answers = self.send(std::mem::take(&mut batch.leads)).await.into_iter();
        let mut stopped = None;
        let mut rows = Vec::with_capacity(batch.lines.len());
        for (line, bad) in std::mem::take(&mut batch.lines) {
            let outcome = match bad {
                Some(reason) => RowOutcome::Bad(reason),
                None => match answers.next() {
                    Some(Ok(answer)) => RowOutcome::Answered(answer),
                    Some(Err(error)) if is_of_row(&error) => RowOutcome::Failed(error),
                    Some(Err(error)) => {
                        stopped.get_or_insert(error);
                        continue;
                    }
                    None => {
                        stopped.get_or_insert_with(|| Error::bug("the batch came back with rows missing"));
                        continue;
                    }
                },
            };
            rows.push(RowAnswer { line, outcome });
        }
        (rows, stopped)
    }

    /// Sends leads, those that were not stored again.
    async fn send(&self, leads: Vec<RawLead>) -> Vec<Result<Ingested, Error>> {
        let mut answers: Vec<Result<Ingested, Error>> =
            leads.iter().map(|_| Err(Error::bug("the lead was not sent"))).collect();
        let mut open: Vec<usize> = (0..leads.len()).collect();
        for _ in 0..TRIES_MAX {
            let rows: Vec<RawLead> = open.iter().map(|at| leads[*at].clone()).collect();
            match self.ingest_batch(rows, Atomicity::PerRow).await {
                Ok(batch) => open.iter().zip(batch.rows).for_each(|(at, answer)| answers[*at] = answer),
                Err(error) => open.iter().for_each(|at| answers[*at] = Err(error.clone())),
            }
            open.retain(|at| answers[*at].as_ref().is_err_and(is_worth_a_try));
            if open.is_empty() {
                break;
            }
        }
        answers
    }
}

impl ImportStopped {
    /// The first line that is left to do comes after this one; 0 when none was done.
    pub fn last_line(&self) -> u64 {
        self.report.last_line
    }
}

impl fmt::Display for ImportStopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the import stopped after {} rows: {}", self.report.rows, self.error)
    }
}

impl StdError for ImportStopped {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.error)
    }
}

impl From<ImportStopped> for Error {
    fn from(stopped: ImportStopped) -> Self {
        stopped.error
    }
}

/// A file as batches of leads.
pub(super) struct Batches<'f, R> {
    rows: super::rows::Rows<'f, R>,
    row_id: String,
    pub(super) bytes: u64,
}

/// Rows to be sent together.
#[derive(Default)]
pub(super) struct Batch {
    /// Per row its line, and why it is bad if it is.
    pub(super) lines: Vec<(u64, Option<Reason>)>,
    /// The leads of those that are not.
    pub(super) leads: Vec<RawLead>,
}

impl<'f, R: Read + Seek> Batches<'f, R> {
    pub(super) fn of(file: &'f mut CsvFile<R>) -> Result<Self, Error> {
        let (row_id, bytes) = (file.row_id_prefix(), file.bytes());
        Ok(Self { rows: file.rows()?, row_id, bytes })
    }

    /// The next rows; none at the end of the file.
    pub(super) fn next(&mut self, sheet: &Sheet<'_>) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.lines.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let row = match self.rows.next().transpose()? {
                None => break,
                Some(Line::Row(row)) => row,
                Some(Line::Bad(bad)) => {
                    batch.lines.push((bad.line, Some(bad.reason)));
                    continue;
                }
            };
            let id = || format!("{}{}", self.row_id, row.line());
            match sheet.lead(&row, id) {
                Ok(lead) => {
                    bytes += lead.body.len();
                    batch.leads.push(lead);
                    batch.lines.push((row.line(), None));
                }
                Err(reason) => batch.lines.push((row.line(), Some(reason))),
            }
        }
        Ok(batch)
    }

    pub(super) fn blank(&self) -> u64 {
        self.rows.blank()
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.rows.bytes_read()
    }
}

/// Whether the error is that of a row, rather than of them all.
fn is_of_row(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Invalid)
}

/// Whether the same row may be stored by another try at once. What may have been stored is not stored twice: it has its id.
fn is_worth_a_try(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unknown)
}

/// Rows of a commit: many enough that a sync to the disk costs little, few enough that others do not wait for long.
pub const BATCH_ROWS: usize = 1_000;
/// A batch ends early once its leads have so many bytes, so that long rows do not fill the memory.
pub const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// How often a batch is sent that was not stored. There is no waiting in between: stores wait as long as makes sense.
pub const TRIES_MAX: usize = 3;
