use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::sheet::Draft;
use super::time_format::TimeFormat;
use crate::error::Reason;

/// How the rows of a file are taken as leads.
///
/// What the columns mean is said by the webhook, not here: see [`WebhookSettings::fields`](crate::WebhookSettings::fields).
/// Columns that mean nothing to Convio are kept with the lead. A row's external id is the cell of the column that is read
/// as `external_id`, and where it has none the row's place in the file, [`CsvFile::row_id`](super::CsvFile::row_id).
///
/// ```
/// use convio_core::intake::{Import, TimeFormat};
/// use convio_core::Zone;
/// let import = Import::through("fair")
///     .received_in("Date", TimeFormat::iso(Zone::UTC))
///     .blank("Select")
///     .without("Internal note")
///     .prepare(|draft| {
///         draft.set("campaign", "fair-2027");
///         Ok(())
///     });
/// assert_eq!(import.webhook(), "fair");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Import {
    pub(super) webhook: String,
    pub(super) provider: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) person_per_row: bool,
    pub(super) without: BTreeSet<String>,
    pub(super) blank: BTreeSet<String>,
    pub(super) received: Received,
    pub(super) prepare: Option<Arc<Prepare>>,
}

/// When the rows were received.
#[derive(Debug, Clone)]
pub(super) enum Received {
    Now,
    At(DateTime<Utc>),
    In { column: String, format: TimeFormat },
}

type Prepare = dyn Fn(&mut Draft) -> Result<(), Reason> + Send + Sync;

impl Import {
    /// Through this webhook, all columns, received now.
    pub fn through(webhook: impl Into<String>) -> Self {
        Self {
            webhook: webhook.into(),
            provider: None,
            secret: None,
            person_per_row: false,
            without: BTreeSet::new(),
            blank: BTreeSet::new(),
            received: Received::Now,
            prepare: None,
        }
    }

    /// From this provider.
    pub fn provider(mut self, name: impl Into<String>) -> Self {
        self.provider = Some(name.into());
        self
    }

    /// With the secret that the webhook asks for.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Received at this time, all of them.
    pub fn received_at(mut self, at: DateTime<Utc>) -> Self {
        self.received = Received::At(at);
        self
    }

    /// Received when this column says, and now where it says nothing. A row whose time can't be read is bad. The column is
    /// sent with the row all the same.
    pub fn received_in(mut self, column: impl Into<String>, format: TimeFormat) -> Self {
        self.received = Received::In { column: column.into(), format };
        self
    }

    /// For files that do not say who anyone is: each row is a person of its own, known by the row's external id. The
    /// webhook's keys must end with [`KeyKind::External`](crate::KeyKind::External), so that what else it knows people by
    /// comes first.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// # use convio_core::intake::{CsvFile, Import};
    /// # use convio_core::{Convio, KeyKind, NewWebhook, NewWorkspace};
    /// # let store = convio_store_memory::MemoryStore::new();
    /// # let acme = Convio::new(store).create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let nobody = NewWebhook::named("calls").with(|settings| settings.keys = vec![KeyKind::External]);
    /// acme.create_webhook(nobody).await?;
    /// let mut file = CsvFile::read(std::io::Cursor::new("age;job\n56;cook\n56;cook\n"))?;
    /// let report = acme.import(&mut file, &Import::through("calls").person_per_row(), |_| {}).await?;
    /// assert_eq!(report.created, 2);
    /// # Ok(()) }) }
    /// ```
    pub fn person_per_row(mut self) -> Self {
        self.person_per_row = true;
        self
    }

    /// Cells that hold this word alone are sent as empty ones: what exports write for nothing, such as `Select`. Called
    /// again, for another word as well.
    pub fn blank(mut self, word: impl Into<String>) -> Self {
        self.blank.insert(word.into());
        self
    }

    /// This column is not sent. Called again, another one as well.
    pub fn without(mut self, column: impl Into<String>) -> Self {
        self.without.insert(column.into());
        self
    }

    /// Each row passes through this before it is sent. A row for which it fails is bad, for that reason. To be imported
    /// again without doubling anything, the same row must come out of it the same.
    pub fn prepare(
        mut self,
        prepare: impl Fn(&mut Draft) -> Result<(), Reason> + Send + Sync + 'static,
    ) -> Self {
        self.prepare = Some(Arc::new(prepare));
        self
    }

    /// The webhook's name.
    pub fn webhook(&self) -> &str {
        &self.webhook
    }
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("webhook", &self.webhook)
            .field("provider", &self.provider)
            .field("received", &self.received)
            .field("person_per_row", &self.person_per_row)
            .finish_non_exhaustive()
    }
}
