use std::fmt;

use chrono::{DateTime, Utc};

use super::import::{Import, Received};
use super::rows::Row;
use crate::contact::KeyKind;
use crate::error::{Error, Reason};
use crate::lead::RawLead;
use crate::use_case::ingest::{meaning, said};
use crate::webhook::Webhook;

/// A row on its way to become a lead, to be changed by [`Import::prepare`]. `Debug` shows no cell.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// use convio_core::intake::{CsvFile, Import};
/// use convio_core::{Convio, NewWorkspace, Reason};
/// use convio_store_memory::MemoryStore;
///
/// let import = Import::through("direct").prepare(|draft| {
///     let budget = draft.remove("budget").unwrap_or_default();
///     let budget: u32 = budget.parse().map_err(|_| Reason::new("budget", "no_number", "budget is no number"))?;
///     draft.set("product", if budget < 1_000 { "small" } else { "large" });
///     Ok(())
/// });
/// let acme = Convio::new(MemoryStore::new()).create_workspace(NewWorkspace::named("Acme Solar")).await?;
/// let mut file = CsvFile::read(std::io::Cursor::new("phone,budget\n+15551234567,5000\n+15551234568,much\n"))?;
/// let report = acme.import(&mut file, &import, |_| {}).await?;
/// assert_eq!((report.created, report.problems.reasons.get("budget", "no_number")), (1, 1));
/// let leads = acme.leads(&Default::default(), &Default::default()).await?.items;
/// assert_eq!(leads[0].interest.product.as_ref().unwrap().as_str(), "large");
/// # Ok(()) }) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    line: u64,
    cells: Vec<(String, String)>,
    external_id: Option<String>,
    received_at: Option<DateTime<Utc>>,
}

impl Draft {
    /// The physical line of the file that the row starts on.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The cell under this name.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| name == column).map(|(_, cell)| cell.as_str())
    }

    /// Sets the cell under this name, after all others where there was none.
    pub fn set(&mut self, column: &str, cell: impl Into<String>) {
        match self.cells.iter_mut().find(|(name, _)| name == column) {
            Some((_, old)) => *old = cell.into(),
            None => self.cells.push((column.to_owned(), cell.into())),
        }
    }

    /// Takes the cell under this name away.
    pub fn remove(&mut self, column: &str) -> Option<String> {
        let at = self.cells.iter().position(|(name, _)| name == column)?;
        Some(self.cells.remove(at).1)
    }

    /// The row's external id, in place of the one that it would have.
    pub fn external_id(&mut self, id: impl Into<String>) {
        self.external_id = Some(id.into());
    }

    /// When it was received, whatever the import says of all rows.
    pub fn received_at(&mut self, at: DateTime<Utc>) {
        self.received_at = Some(at);
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft(line {}, {} cells)", self.line, self.cells.len())
    }
}

/// An import laid upon the columns of a file.
pub(super) struct Sheet<'i> {
    import: &'i Import,
    /// The columns that may hold a row's external id, best first.
    ids: Vec<String>,
    key_required: bool,
}

impl<'i> Sheet<'i> {
    /// Refuses an import that does not fit the file or the webhook, with every reason.
    pub(super) fn of(import: &'i Import, columns: &[String], webhook: &Webhook) -> Result<Self, Error> {
        let meant = |name: &str| meaning(&webhook.settings.fields, name);
        let mut reasons = Vec::new();
        let mut must_exist = |field: &str, column: &str| {
            if !columns.iter().any(|name| name == column) {
                let message = format!("the file has no column `{column}`");
                reasons.push(Reason::new(field, "no_column", message));
            }
        };
        if let Received::In { column, .. } = &import.received {
            must_exist("received_at", column);
        }
        import.without.iter().for_each(|column| must_exist("without", column));
        let sent = || columns.iter().filter(|name| !import.without.contains(*name));
        if import.person_per_row {
            let person = sent().find(|name| meant(name).is_some_and(|(field, _)| field == PERSON));
            if let Some(column) = person {
                let message =
                    format!("column `{column}` says who a person is: not each row is one of its own");
                reasons.push(Reason::new("person_per_row", "has_person", message));
            }
            if webhook.settings.keys.last() != Some(&KeyKind::External) {
                let message = format!("the keys of webhook `{}` must end with `external`", webhook.name);
                reasons.push(Reason::new("person_per_row", "no_key", message));
            }
        }
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        let ranked =
            |name: &String| Some((meant(name).filter(|(field, _)| *field == EXTERNAL_ID)?.1, name.clone()));
        let mut ids: Vec<(usize, String)> = sent().filter_map(ranked).collect();
        ids.sort_by_key(|(rank, _)| *rank); // a stable sort: of equals the first column
        let ids = ids.into_iter().map(|(_, name)| name).collect();
        Ok(Self { import, ids, key_required: webhook.settings.idempotency_required })
    }

    /// The lead that a row is, or why it is bad. `row_id` is the id of a row that brings none.
    pub(super) fn lead(&self, row: &Row, row_id: impl FnOnce() -> String) -> Result<RawLead, Reason> {
        let import = self.import;
        let cell = |(name, cell): (&str, &str)| {
            let cell = if import.blank.contains(cell.trim()) { "" } else { cell };
            (name.to_owned(), cell.to_owned())
        };
        let cells = row.cells().map(cell).collect();
        let mut draft = Draft { line: row.line(), cells, external_id: None, received_at: None };
        if let Some(prepare) = &import.prepare {
            prepare(&mut draft)?;
        }
        let received_at = match (&import.received, draft.received_at) {
            (_, Some(at)) => Some(at),
            (Received::Now, None) => None,
            (Received::At(at), None) => Some(*at),
            (Received::In { column, format }, None) => {
                draft.get(column).and_then(said).map(|text| format.read(&text)).transpose()?
            }
        };
        draft.cells.retain(|(name, _)| !import.without.contains(name));
        let brought = |draft: &Draft| self.ids.iter().find_map(|column| said(draft.get(column)?));
        let id = draft.external_id.take().or_else(|| brought(&draft)).unwrap_or_else(row_id);
        if import.person_per_row {
            draft.cells.push((PERSON.to_owned(), id.clone()));
        }
        let mut raw = RawLead::row(draft.cells).webhook(&import.webhook);
        if self.key_required {
            raw = raw.idempotency_key(&id);
        }
        raw = raw.external_id(id);
        raw.received_at = received_at;
        raw.provider.clone_from(&import.provider);
        raw.secret.clone_from(&import.secret);
        Ok(raw)
    }
}

/// The fields that an import itself goes by.
const PERSON: &str = "person_id";
const EXTERNAL_ID: &str = "external_id";
