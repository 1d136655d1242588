//! The rows that a group of change sets asks for, as they were read.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use convio_core::analytics::Measure;
use convio_core::canonical::Fingerprint;
use convio_core::change_set::{ClaimName, Held, Last, ReadRows, RollupKey, RowKey, Version};
use convio_core::contact::{Contact, ContactKey};
use convio_core::event::Head;
use convio_core::record::{BUSY_KIND, Record};
use convio_core::store::CommitError;
use convio_core::{
    AppointmentId, ContactId, ConversionId, DeliveryId, IntakeId, LeadId, TouchpointId, WebhookId,
};

/// Rows of one workspace. All that the change sets may ask for has been read: what is not here does not exist.
#[derive(Default)]
pub(crate) struct Known {
    /// The head, and how often the workspace had been committed to when it was read.
    pub(crate) head: Option<(Head, i64)>,
    pub(crate) claims: HashMap<ClaimName, Held>,
    pub(crate) counters: HashMap<(String, DateTime<Utc>), i64>,
    pub(crate) keys: HashMap<ContactKey, ContactId>,
    pub(crate) contacts: HashMap<ContactId, Contact>,
    pub(crate) windows: HashMap<(ContactId, Fingerprint), Last>,
    pub(crate) names: HashMap<String, WebhookId>,
    /// Of rows that are written without being read: whole contacts too, where only their version was asked for.
    pub(crate) versions: HashMap<VersionKey, Version>,
    pub(crate) payloads: HashSet<IntakeId>,
    /// Records that are read whole: what is taken of calendars, by day.
    pub(crate) days: HashMap<String, Record>,
    pub(crate) sums: HashMap<RollupKey, [i64; Measure::SLOTS]>,
}

/// A row with a version, by a key that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum VersionKey {
    Workspace,
    Webhook(WebhookId),
    Contact(ContactId),
    Lead(LeadId),
    Rejection(IntakeId),
    Appointment(AppointmentId),
    Conversion(ConversionId),
    Touchpoint(TouchpointId),
    Delivery(DeliveryId),
    Record(String, String),
}

impl ReadRows for Known {
    fn head(&mut self) -> Result<Option<Head>, CommitError> {
        Ok(self.head.map(|(head, _)| head))
    }

    fn held(&mut self, name: &ClaimName) -> Result<Option<Held>, CommitError> {
        Ok(self.claims.get(name).copied())
    }

    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, CommitError> {
        Ok(self.counters.get(&(key.to_owned(), window)).copied().unwrap_or_default())
    }

    fn contact_of(&mut self, key: &ContactKey) -> Result<Option<ContactId>, CommitError> {
        Ok(self.keys.get(key).copied())
    }

    fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, CommitError> {
        Ok(self.contacts.get(&id).cloned())
    }

    fn last_in_window(&mut self, contact: ContactId, key: Fingerprint) -> Result<Option<Last>, CommitError> {
        Ok(self.windows.get(&(contact, key)).copied())
    }

    fn webhook_named(&mut self, name: &str) -> Result<Option<WebhookId>, CommitError> {
        Ok(self.names.get(name).copied())
    }

    fn version(&mut self, row: RowKey<'_>) -> Result<Option<Version>, CommitError> {
        let key = match row {
            RowKey::Contact(id) => {
                // A whole contact tells its version itself.
                if let Some(contact) = self.contacts.get(&id) {
                    return Ok(Some(contact.version));
                }
                VersionKey::Contact(id)
            }
            RowKey::Workspace => VersionKey::Workspace,
            RowKey::Webhook(id) => VersionKey::Webhook(id),
            RowKey::Lead(id) => VersionKey::Lead(id),
            RowKey::Rejection(id) => VersionKey::Rejection(id),
            RowKey::Appointment(id) => VersionKey::Appointment(id),
            RowKey::Conversion(id) => VersionKey::Conversion(id),
            RowKey::Touchpoint(id) => VersionKey::Touchpoint(id),
            RowKey::Delivery(id) => VersionKey::Delivery(id),
            RowKey::Record(kind, key) => VersionKey::Record(kind.to_owned(), key.to_owned()),
        };
        Ok(self.versions.get(&key).copied())
    }

    fn record(&mut self, kind: &str, key: &str) -> Result<Option<Record>, CommitError> {
        match kind {
            BUSY_KIND => Ok(self.days.get(key).cloned()),
            other => Err(CommitError::Misuse(format!("no record of kind `{other}` is read whole"))),
        }
    }

    fn has_payload(&mut self, id: IntakeId) -> Result<bool, CommitError> {
        Ok(self.payloads.contains(&id))
    }

    fn sums(&mut self, key: &RollupKey) -> Result<Option<[i64; Measure::SLOTS]>, CommitError> {
        Ok(self.sums.get(key).copied())
    }
}
