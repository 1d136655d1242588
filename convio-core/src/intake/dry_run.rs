use std::io::{Read, Seek};

use serde::Serialize;

use super::csv_file::CsvFile;
use super::import::Import;
use super::report::{Problems, ReasonCounts, reasons_of};
use super::run::Batches;
use super::sheet::Sheet;
use crate::error::{Error, Reason};
use crate::service::WorkspaceHandle;
use crate::use_case::ingest::{Verdict, meaning};

/// What would become of the rows of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DryRunReport {
    /// Rows that were read: the sum of the counts below, but for the blank ones.
    pub rows: u64,
    /// Rows that are blank in each cell. They are no rows.
    pub blank: u64,
    /// Rows that would be taken, unless they came before.
    pub taken: u64,
    /// Rows that would be rejected.
    pub rejected: u64,
    /// Rows that can't be read.
    pub bad: u64,
    /// Rows that would be refused without being kept.
    pub failed: u64,
    /// Each column with the field that it is read into; what is read into none is kept with the lead.
    pub columns: Vec<ColumnReading>,
    /// What is doubtful in rows that would be taken.
    pub doubts: ReasonCounts,
    /// What would not be taken, and why.
    pub problems: Problems,
}

/// What a column is read into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnReading {
    /// The column.
    pub column: String,
    /// The field, by the name that Convio has for it.
    pub field: Option<&'static str>,
}

impl WorkspaceHandle<'_> {
    /// What an import of this file would come to, without writing anything: the rows are read, laid upon the webhook's
    /// fields, normalised and judged.
    ///
    /// What only the store knows is left open: a row that would be taken may be of a known contact or make one, repeat
    /// another lead (and be rejected for it, where the webhook rejects repeats), have come before, or meet a limit that is
    /// reached. Two rows of the file under one id are not noticed either.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::intake::{CsvFile, Import};
    /// use convio_core::{Convio, NewWorkspace};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let acme = Convio::new(MemoryStore::new()).create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let mut file = CsvFile::read(std::io::Cursor::new("Mobile,Roof\n+15551234567,tile\n12,tile\n,\n"))?;
    /// let report = acme.dry_run(&mut file, &Import::through("direct")).await?;
    /// assert_eq!((report.taken, report.rejected, report.blank), (1, 1, 1));
    /// assert_eq!(report.columns.iter().map(|c| c.field).collect::<Vec<_>>(), [Some("phone"), None]);
    /// assert_eq!(report.problems.first[0].line, 3);
    /// assert_eq!(acme.head().await?.unwrap().feed.0, 2); // the workspace's own events alone
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for an import that does not fit the file or the webhook;
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Denied`](crate::ErrorKind::Denied);
    /// [`Unavailable`](crate::ErrorKind::Unavailable) when the file can't be read on.
    pub async fn dry_run<R: Read + Seek>(
        &self,
        file: &mut CsvFile<R>,
        import: &Import,
    ) -> Result<DryRunReport, Error> {
        let webhook = self.entry_point(import.webhook()).await?;
        let sheet = Sheet::of(import, file.columns(), &webhook)?;
        let reading = |column: &String| ColumnReading {
            column: column.clone(),
            field: meaning(&webhook.settings.fields, column).map(|(field, _)| field),
        };
        let columns = file.columns().iter().map(reading).collect();
        let mut report = DryRunReport { columns, ..DryRunReport::default() };
        let mut batches = Batches::of(file)?;
        loop {
            let batch = batches.next(&sheet)?;
            report.blank = batches.blank();
            if batch.lines.is_empty() {
                return Ok(report);
            }
            let mut verdicts = self.preview(&batch.leads).await?.into_iter();
            for (line, bad) in batch.lines {
                let verdict = bad.map_or_else(|| verdicts.next().map(Ok), |reason| Some(Err(reason)));
                report.add(line, verdict.ok_or_else(|| Error::bug("the rows came back with some missing"))?);
            }
        }
    }
}

impl DryRunReport {
    fn add(&mut self, line: u64, verdict: Result<Result<Verdict, Error>, Reason>) {
        self.rows += 1;
        match verdict {
            Ok(Ok(Verdict::Take(doubts))) => {
                self.taken += 1;
                self.doubts.add(&doubts);
            }
            Ok(Ok(Verdict::Reject(refused))) => {
                self.rejected += 1;
                self.problems.add(line, "rejected", refused.reasons);
            }
            Ok(Err(error)) => {
                self.failed += 1;
                self.problems.add(line, "failed", reasons_of(&error));
            }
            Err(reason) => {
                self.bad += 1;
                self.problems.add(line, "bad", vec![reason]);
            }
        }
    }
}
