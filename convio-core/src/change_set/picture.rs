use std::borrow::Borrow;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::{ChangeSet, ClaimName, Held, Last, ReadRows, Receipt, RowKey, Rows, Version, apply};
use crate::analytics::{Cube, Measure, Rollup};
use crate::appointment::Appointment;
use crate::attribution::Tracked;
use crate::canonical::Fingerprint;
use crate::contact::{Contact, ContactKey};
use crate::conversion::Conversion;
use crate::delivery::Delivery;
use crate::event::{Event, Head};
use crate::id::{
    AppointmentId, ContactId, ConversionId, DeliveryId, IntakeId, LeadId, TouchpointId, WebhookId,
};
use crate::lead::{Lead, Payload};
use crate::record::Record;
use crate::rejection::Rejection;
use crate::store::CommitError;
use crate::webhook::Webhook;
use crate::workspace::Workspace;

macro_rules! picture {
    ($($(#[$doc:meta])* $name:ident: $key:ty => $value:ty),+ $(,)?) => {
        /// What change sets make of the rows of one workspace, before any of it is written: rows that were put hide those below.
        ///
        /// A store that writes many rows at once applies one change set after the other to it ([`Picture::apply`]), and then
        /// writes what there is, each row once, in the order of its key.
        ///
        /// ```
        /// use convio_core::change_set::Puts;
        /// let mut rows = Puts::default();
        /// rows.put("b", 1);
        /// rows.settle();
        /// rows.put("a", 2);
        /// rows.put("b", 3);
        /// assert_eq!(rows.get(&"b"), Some(&3));
        /// rows.roll_back();
        /// rows.put("a", 4);
        /// rows.settle();
        /// assert_eq!(rows.iter().collect::<Vec<_>>(), [(&"a", &4), (&"b", &1)]);
        /// ```
        #[derive(Debug, Default)]
        pub struct Picture<B> {
            /// The rows as they are stored.
            pub below: B,
            head: Option<Head>,
            events: Vec<Event>,
            settled: (Option<Head>, usize),
            /// What is added to the rows of cubes, of each all that the change sets add: not read, since sums are added to
            /// whatever is stored.
            pub rollups: Puts<RollupKey, Rollup>,
            $($(#[$doc])* pub $name: Puts<$key, $value>,)+
        }

        impl<B> Picture<B> {
            /// Nothing put yet, over these rows.
            pub fn over(below: B) -> Self {
                Self {
                    below,
                    head: None,
                    events: Vec::new(),
                    settled: (None, 0),
                    rollups: Puts::default(),
                    $($name: Puts::default(),)+
                }
            }

            fn settle(&mut self) -> Result<(), CommitError>
            where
                B: ReadRows,
            {
                self.settle_sums()?;
                self.settled = (self.head, self.events.len());
                $(self.$name.settle();)+
                Ok(())
            }

            fn roll_back(&mut self) {
                let (head, events) = self.settled;
                self.head = head;
                self.events.truncate(events);
                self.rollups.roll_back();
                $(self.$name.roll_back();)+
            }
        }
    };
}

picture! {
    /// What holds each name.
    claims: ClaimName => Held,
    /// What the windows of counters have come to.
    counters: (String, DateTime<Utc>) => i64,
    /// The workspace itself.
    workspaces: () => Workspace,
    /// Webhooks.
    webhooks: WebhookId => Webhook,
    /// The names of webhooks.
    webhook_names: String => WebhookId,
    /// New keys, and the contact of each.
    keys: ContactKey => ContactId,
    /// Contacts, and the version that is stored: `None` for a new one.
    contacts: ContactId => (Contact, Option<Version>),
    /// The last accepted lead of each window.
    windows: (ContactId, Fingerprint) => Last,
    /// Leads.
    leads: LeadId => Lead,
    /// Rejections.
    rejections: IntakeId => Rejection,
    /// New payloads.
    payloads: IntakeId => Payload,
    /// New touches that are no leads.
    touches: TouchpointId => Tracked,
    /// Appointments.
    appointments: AppointmentId => Appointment,
    /// Conversions.
    conversions: ConversionId => Conversion,
    /// Deliveries.
    deliveries: DeliveryId => Delivery,
    /// Records, by kind and key.
    records: (String, String) => Record,
}

/// A row of a cube, by its cube, day and dimensions.
pub type RollupKey = (Cube, NaiveDate, [String; 3]);

impl<B> Picture<B> {
    /// Applies a change set, and keeps what it put, or takes it back.
    ///
    /// # Errors
    /// Those of [`apply`]: nothing of it is in the picture then.
    pub fn apply(&mut self, changes: ChangeSet) -> Result<Receipt, CommitError>
    where
        B: ReadRows,
    {
        let applied = apply(self, changes).and_then(|receipt| self.settle().map(|()| receipt));
        if applied.is_err() {
            self.roll_back();
        }
        applied
    }

    /// The head to be written; `None` where nothing is to be.
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// The events to be written, in the order of their positions.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    fn put_version(&self, row: RowKey<'_>) -> Option<Version> {
        match row {
            RowKey::Workspace => self.workspaces.get(&()).map(|row| row.version),
            RowKey::Webhook(id) => self.webhooks.get(&id).map(|row| row.version),
            RowKey::Contact(id) => self.contacts.get(&id).map(|(row, _)| row.version),
            RowKey::Lead(id) => self.leads.get(&id).map(|row| row.version),
            RowKey::Rejection(id) => self.rejections.get(&id).map(|row| row.version),
            RowKey::Appointment(id) => self.appointments.get(&id).map(|row| row.version),
            RowKey::Conversion(id) => self.conversions.get(&id).map(|row| row.version),
            RowKey::Touchpoint(id) => self.touches.get(&id).map(|_| Version::ZERO.next()),
            RowKey::Delivery(id) => self.deliveries.get(&id).map(|row| row.version),
            RowKey::Record(kind, key) => {
                self.records.get(&(kind.to_owned(), key.to_owned())).map(|row| row.version)
            }
        }
    }

    fn settle_sums(&mut self) -> Result<(), CommitError>
    where
        B: ReadRows,
    {
        let no_longer_fits = || CommitError::Misuse("a sum no longer fits".to_owned());
        for (key, by) in &self.rollups.fresh {
            let stored = self.below.sums(key)?.unwrap_or_default();
            let put = self.rollups.settled.get(key).map_or([0; Measure::SLOTS], |row| row.n);
            for ((stored, put), by) in stored.into_iter().zip(put).zip(by.n) {
                let sum = put.checked_add(by).and_then(|more| stored.checked_add(more));
                sum.ok_or_else(no_longer_fits)?;
            }
        }
        for (key, sums) in std::mem::take(&mut self.rollups.fresh) {
            match self.rollups.settled.get_mut(&key) {
                Some(row) => {
                    row.n.iter_mut().zip(sums.n).for_each(|(n, by)| *n += by);
                    row.last_at = row.last_at.max(sums.last_at);
                }
                None => {
                    self.rollups.settled.insert(key, sums);
                }
            }
        }
        Ok(())
    }
}

impl<B: ReadRows> ReadRows for Picture<B> {
    fn head(&mut self) -> Result<Option<Head>, CommitError> {
        match self.head {
            Some(head) => Ok(Some(head)),
            None => self.below.head(),
        }
    }

    fn held(&mut self, name: &ClaimName) -> Result<Option<Held>, CommitError> {
        match self.claims.get(name) {
            Some(held) => Ok(Some(*held)),
            None => self.below.held(name),
        }
    }

    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, CommitError> {
        match self.counters.get(&(key.to_owned(), window)) {
            Some(used) => Ok(*used),
            None => self.below.used(key, window),
        }
    }

    fn contact_of(&mut self, key: &ContactKey) -> Result<Option<ContactId>, CommitError> {
        match self.keys.get(key) {
            Some(id) => Ok(Some(*id)),
            None => self.below.contact_of(key),
        }
    }

    fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, CommitError> {
        match self.contacts.get(&id) {
            Some((contact, _)) => Ok(Some(contact.clone())),
            None => self.below.contact(id),
        }
    }

    fn last_in_window(&mut self, contact: ContactId, key: Fingerprint) -> Result<Option<Last>, CommitError> {
        if let Some(last) = self.windows.get(&(contact, key)) {
            return Ok(Some(*last));
        }
        match self.contacts.get(&contact) {
            // A contact that is not stored has no window that is.
            Some((_, None)) => Ok(None),
            _ => self.below.last_in_window(contact, key),
        }
    }

    fn webhook_named(&mut self, name: &str) -> Result<Option<WebhookId>, CommitError> {
        let id = match self.webhook_names.get(name) {
            Some(id) => Some(*id),
            None => self.below.webhook_named(name)?,
        };
        // What is put now may have another name.
        Ok(id.filter(|id| self.webhooks.get(id).is_none_or(|row| row.name == name)))
    }

    fn record(&mut self, kind: &str, key: &str) -> Result<Option<Record>, CommitError> {
        match self.records.get(&(kind.to_owned(), key.to_owned())) {
            Some(record) => Ok(Some(record.clone())),
            None => self.below.record(kind, key),
        }
    }

    fn version(&mut self, row: RowKey<'_>) -> Result<Option<Version>, CommitError> {
        match self.put_version(row) {
            Some(version) => Ok(Some(version)),
            None => self.below.version(row),
        }
    }

    fn is_free(&mut self, row: RowKey<'_>) -> Result<bool, CommitError> {
        Ok(self.put_version(row).is_none() && self.below.is_free(row)?)
    }

    fn has_payload(&mut self, id: IntakeId) -> Result<bool, CommitError> {
        Ok(self.payloads.get(&id).is_some() || self.below.has_payload(id)?)
    }

    fn sums(&mut self, key: &RollupKey) -> Result<Option<[i64; Measure::SLOTS]>, CommitError> {
        self.below.sums(key)
    }
}

impl<B: ReadRows> Rows for Picture<B> {
    fn put_head(&mut self, head: Head) -> Result<(), CommitError> {
        self.head = Some(head);
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

    fn put_contact(&mut self, row: Contact, before: Option<Version>) -> Result<(), CommitError> {
        // What is stored is below all that was put.
        let before = self.contacts.get(&row.id).map_or(before, |(_, before)| *before);
        self.contacts.put(row.id, (row, before));
        Ok(())
    }

    fn put_window(&mut self, contact: ContactId, key: Fingerprint, last: Last) -> Result<(), CommitError> {
        self.windows.put((contact, key), last);
        Ok(())
    }

    fn put_workspace(&mut self, row: Workspace) -> Result<(), CommitError> {
        self.workspaces.put((), row);
        Ok(())
    }

    fn put_webhook(&mut self, row: Webhook) -> Result<(), CommitError> {
        self.webhook_names.put(row.name.clone(), row.id);
        self.webhooks.put(row.id, row);
        Ok(())
    }

    fn put_lead(&mut self, row: Lead) -> Result<(), CommitError> {
        self.leads.put(row.id, row);
        Ok(())
    }

    fn put_rejection(&mut self, row: Rejection) -> Result<(), CommitError> {
        self.rejections.put(row.id, row);
        Ok(())
    }

    fn put_payload(&mut self, row: Payload) -> Result<(), CommitError> {
        self.payloads.put(row.id, row);
        Ok(())
    }

    fn put_touch(&mut self, row: Tracked) -> Result<(), CommitError> {
        self.touches.put(row.touch.id(), row);
        Ok(())
    }

    fn put_appointment(&mut self, row: Appointment) -> Result<(), CommitError> {
        self.appointments.put(row.id, row);
        Ok(())
    }

    fn put_conversion(&mut self, row: Conversion) -> Result<(), CommitError> {
        self.conversions.put(row.id, row);
        Ok(())
    }

    fn put_delivery(&mut self, row: Delivery) -> Result<(), CommitError> {
        self.deliveries.put(row.id, row);
        Ok(())
    }

    fn put_record(&mut self, row: Record) -> Result<(), CommitError> {
        self.records.put((row.kind.clone(), row.key.clone()), row);
        Ok(())
    }

    fn put_event(&mut self, event: Event) -> Result<(), CommitError> {
        self.events.push(event);
        Ok(())
    }

    fn add(&mut self, sums: Rollup) -> Result<(), CommitError> {
        let key = (sums.cube, sums.day, sums.dims.clone());
        let Some(row) = self.rollups.fresh.get_mut(&key) else {
            self.rollups.put(key, sums);
            return Ok(());
        };
        for (n, by) in row.n.iter_mut().zip(sums.n) {
            *n = n.checked_add(by).ok_or_else(|| CommitError::Misuse("a sum no longer fits".to_owned()))?;
        }
        row.last_at = row.last_at.max(sums.last_at);
        Ok(())
    }
}

/// Rows that were put, by their keys: those of earlier change sets, and apart from them those of the last one.
#[derive(Debug)]
pub struct Puts<K, V> {
    settled: BTreeMap<K, V>,
    fresh: BTreeMap<K, V>,
}

impl<K: Ord, V> Puts<K, V> {
    /// The row as it was put last.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.fresh.get(key).or_else(|| self.settled.get(key))
    }

    /// Puts a row.
    pub fn put(&mut self, key: K, row: V) {
        self.fresh.insert(key, row);
    }

    /// The settled rows, in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> {
        self.settled.iter()
    }

    /// Keeps what was put.
    pub fn settle(&mut self) {
        if self.settled.is_empty() {
            std::mem::swap(&mut self.settled, &mut self.fresh);
        } else {
            self.settled.extend(std::mem::take(&mut self.fresh));
        }
    }

    /// Takes back what was put since.
    pub fn roll_back(&mut self) {
        self.fresh.clear();
    }
}

impl<K, V> Default for Puts<K, V> {
    fn default() -> Self {
        Self { settled: BTreeMap::new(), fresh: BTreeMap::new() }
    }
}
