//! A picture of the rows that change sets are about: what is read of them, and what shall be written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use chrono::{DateTime, NaiveDate, Utc};
use convio_core::analytics::{Cube, Rollup};
use convio_core::canonical::Fingerprint;
use convio_core::change_set::{ClaimName, Held, Last, ReadRows, RowKey, Rows, Version};
use convio_core::contact::{Contact, ContactKey};
use convio_core::event::{Event, Head};
use convio_core::lead::{Lead, Payload};
use convio_core::record::Record;
use convio_core::rejection::Rejection;
use convio_core::store::CommitError;
use convio_core::webhook::Webhook;
use convio_core::workspace::Workspace;
use convio_core::{
    Appointment, AppointmentId, ContactId, Conversion, ConversionId, IntakeId, LeadId, WebhookId,
};

/// The rows of one workspace that a group of change sets is about. All that they may ask for has been read: what is not here
/// does not exist.
#[derive(Default)]
pub(crate) struct Picture {
    /// The head as it is, and how often the workspace had been committed to when it was read.
    pub(crate) head: Option<(Head, i64)>,
    pub(crate) new_head: Option<Head>,
    pub(crate) claims: Rowset<ClaimName, Held>,
    pub(crate) counters: Rowset<(String, DateTime<Utc>), i64>,
    pub(crate) keys: Rowset<ContactKey, ContactId>,
    pub(crate) contacts: Rowset<ContactId, Contact>,
    pub(crate) windows: Rowset<(ContactId, Fingerprint), Last>,
    pub(crate) names: Rowset<String, WebhookId>,
    /// Of rows that are written without being read: whole contacts too, where only their version was asked for.
    pub(crate) versions: Rowset<VersionKey, Version>,
    pub(crate) known_payloads: HashSet<IntakeId>,
    pub(crate) workspaces: Rowset<(), Workspace>,
    pub(crate) webhooks: Rowset<WebhookId, Webhook>,
    pub(crate) leads: Rowset<LeadId, Lead>,
    pub(crate) rejections: Rowset<IntakeId, Rejection>,
    pub(crate) payloads: Rowset<IntakeId, Payload>,
    pub(crate) appointments: Rowset<AppointmentId, Appointment>,
    pub(crate) conversions: Rowset<ConversionId, Conversion>,
    pub(crate) records: Rowset<(String, String), Record>,
    pub(crate) rollups: Rowset<RollupKey, Rollup>,
    pub(crate) events: Vec<Event>,
    settled: (Option<Head>, usize),
}

/// A row of a cube.
pub(crate) type RollupKey = (Cube, NaiveDate, [String; 3]);

/// A row with a version, by a key that is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum VersionKey {
    Workspace,
    Webhook(WebhookId),
    Contact(ContactId),
    Lead(LeadId),
    Rejection(IntakeId),
    Appointment(AppointmentId),
    Conversion(ConversionId),
    Record(String, String),
}

macro_rules! every_rowset {
    ($picture:ident, $do:ident) => {
        $picture.claims.$do();
        $picture.counters.$do();
        $picture.keys.$do();
        $picture.contacts.$do();
        $picture.windows.$do();
        $picture.names.$do();
        $picture.versions.$do();
        $picture.workspaces.$do();
        $picture.webhooks.$do();
        $picture.leads.$do();
        $picture.rejections.$do();
        $picture.payloads.$do();
        $picture.appointments.$do();
        $picture.conversions.$do();
        $picture.records.$do();
        $picture.rollups.$do();
    };
}

impl Picture {
    /// Keeps what a change set put.
    pub(crate) fn settle(&mut self) {
        self.settled = (self.new_head, self.events.len());
        every_rowset!(self, settle);
    }

    /// Takes back what a change set put.
    pub(crate) fn roll_back(&mut self) {
        let (head, events) = self.settled;
        self.new_head = head;
        self.events.truncate(events);
        every_rowset!(self, roll_back);
    }

    fn wrote(&mut self, key: VersionKey, version: Version) {
        self.versions.put(key, version);
    }
}

impl ReadRows for Picture {
    fn head(&mut self) -> Result<Option<Head>, CommitError> {
        Ok(self.new_head.or(self.head.map(|(head, _)| head)))
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
            RowKey::Record(kind, key) => VersionKey::Record(kind.to_owned(), key.to_owned()),
        };
        Ok(self.versions.get(&key).copied())
    }

    fn has_payload(&mut self, id: IntakeId) -> Result<bool, CommitError> {
        Ok(self.known_payloads.contains(&id) || self.payloads.get(&id).is_some())
    }
}

impl Rows for Picture {
    fn put_head(&mut self, head: Head) -> Result<(), CommitError> {
        self.new_head = Some(head);
        Ok(())
    }

    fn put_held(&mut self, name: ClaimName, held: Held) -> Result<(), CommitError> {
        self.claims.put(name, held);
        Ok(())
    }

    fn put_used(&mut self, key: String, window: DateTime<Utc>, used: i64) -> Result<(), CommitError> {
        self.counters.put((key, window), used);
        Ok(())
    }

    fn put_key(&mut self, key: ContactKey, contact: ContactId) -> Result<(), CommitError> {
        self.keys.put(key, contact);
        Ok(())
    }

    fn put_contact(&mut self, row: Contact, _: Option<Version>) -> Result<(), CommitError> {
        self.contacts.put(row.id, row);
        Ok(())
    }

    fn put_window(&mut self, contact: ContactId, key: Fingerprint, last: Last) -> Result<(), CommitError> {
        self.windows.put((contact, key), last);
        Ok(())
    }

    fn put_workspace(&mut self, row: Workspace) -> Result<(), CommitError> {
        self.wrote(VersionKey::Workspace, row.version);
        self.workspaces.put((), row);
        Ok(())
    }

    fn put_webhook(&mut self, row: Webhook) -> Result<(), CommitError> {
        self.wrote(VersionKey::Webhook(row.id), row.version);
        self.names.put(row.name.clone(), row.id);
        self.webhooks.put(row.id, row);
        Ok(())
    }

    fn put_lead(&mut self, row: Lead) -> Result<(), CommitError> {
        self.wrote(VersionKey::Lead(row.id), row.version);
        self.leads.put(row.id, row);
        Ok(())
    }

    fn put_rejection(&mut self, row: Rejection) -> Result<(), CommitError> {
        self.wrote(VersionKey::Rejection(row.id), row.version);
        self.rejections.put(row.id, row);
        Ok(())
    }

    fn put_payload(&mut self, row: Payload) -> Result<(), CommitError> {
        self.payloads.put(row.id, row);
        Ok(())
    }

    fn put_appointment(&mut self, row: Appointment) -> Result<(), CommitError> {
        self.wrote(VersionKey::Appointment(row.id), row.version);
        self.appointments.put(row.id, row);
        Ok(())
    }

    fn put_conversion(&mut self, row: Conversion) -> Result<(), CommitError> {
        self.wrote(VersionKey::Conversion(row.id), row.version);
        self.conversions.put(row.id, row);
        Ok(())
    }

    fn put_record(&mut self, row: Record) -> Result<(), CommitError> {
        self.wrote(VersionKey::Record(row.kind.clone(), row.key.clone()), row.version);
        self.records.put((row.kind.clone(), row.key.clone()), row);
        Ok(())
    }

    fn put_event(&mut self, event: Event) -> Result<(), CommitError> {
        self.events.push(event);
        Ok(())
    }

    fn add(&mut self, sums: Rollup) -> Result<(), CommitError> {
        let key = (sums.cube, sums.day, sums.dims.clone());
        let folded = match self.rollups.get(&key) {
            None => sums,
            Some(before) => {
                let mut folded = before.clone();
                for (n, by) in folded.n.iter_mut().zip(sums.n) {
                    *n = n.checked_add(by).ok_or_else(|| {
                        CommitError::Misuse(format!("a sum of {:?} no longer fits", sums.cube))
                    })?;
                }
                folded.last_at = folded.last_at.max(sums.last_at);
                folded
            }
        };
        self.rollups.put(key, folded);
        Ok(())
    }
}

/// Rows as they were read, and as they shall be. What was put last can be taken back.
pub(crate) struct Rowset<K, V> {
    known: HashMap<K, V>,
    put: BTreeMap<K, V>,
    undo: Vec<(K, Option<V>)>,
}

impl<K: Ord + Hash + Clone, V> Rowset<K, V> {
    /// Notes a row that was read.
    pub(crate) fn know(&mut self, key: K, row: V) {
        self.known.insert(key, row);
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + Hash + ?Sized,
    {
        self.put.get(key).or_else(|| self.known.get(key))
    }

    fn put(&mut self, key: K, row: V) {
        let before = self.put.insert(key.clone(), row);
        self.undo.push((key, before));
    }

    /// What shall be written, in the order of its keys.
    pub(crate) fn written(&self) -> Vec<(&K, &V)> {
        self.put.iter().collect()
    }

    fn settle(&mut self) {
        self.undo.clear();
    }

    fn roll_back(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(row) => self.put.insert(key, row),
                None => self.put.remove(&key),
            };
        }
    }
}

impl<K, V> Default for Rowset<K, V> {
    fn default() -> Self {
        Self { known: HashMap::new(), put: BTreeMap::new(), undo: Vec::new() }
    }
}
