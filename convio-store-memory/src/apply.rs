use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use convio_core::analytics::{Measure, Rollup};
use convio_core::attribution::Tracked;
use convio_core::canonical::Fingerprint;
use convio_core::change_set::{
    self, ChangeSet, ClaimName, Held, Last, ReadRows, Receipt, RollupKey, RowKey, Rows, Version,
};
use convio_core::delivery::Delivery;
use convio_core::event::{Event, Head, StreamRef};
use convio_core::lead::Payload;
use convio_core::record::Record;
use convio_core::rejection::Rejection;
use convio_core::store::CommitError;
use convio_core::{
    Appointment, Contact, ContactId, ContactKey, Conversion, IntakeId, Lead, Webhook, WebhookId, Workspace,
    WorkspaceId,
};

use crate::state::{Owner, Tenant, digits};

/// Applies one change set whole, or nothing of it.
pub(crate) fn apply(
    tenants: &mut HashMap<WorkspaceId, Tenant>,
    changes: ChangeSet,
) -> Result<Receipt, CommitError> {
    let workspace = changes.workspace;
    let tenant = tenants.entry(workspace).or_default();
    let result = change_set::apply(tenant, changes);
    if result.is_ok() {
        tenant.settle();
    } else if tenant.is_new() {
        tenants.remove(&workspace);
    } else {
        tenant.roll_back();
    }
    result
}

impl ReadRows for Tenant {
    fn head(&mut self) -> Result<Option<Head>, CommitError> {
        Ok(self.workspace.is_some().then(|| Tenant::head(self)))
    }

    fn held(&mut self, name: &ClaimName) -> Result<Option<Held>, CommitError> {
        Ok(self.claims.get(name).copied())
    }

    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, CommitError> {
        Ok(self.counters.get(&(key.to_owned(), window)).copied().unwrap_or(0))
    }

    fn contact_of(&mut self, key: &ContactKey) -> Result<Option<ContactId>, CommitError> {
        Ok(self.keys.get(key).copied())
    }

    fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, CommitError> {
        Ok(self.contacts.get(&id).map(|row| Contact::clone(row)))
    }

    fn last_in_window(&mut self, contact: ContactId, key: Fingerprint) -> Result<Option<Last>, CommitError> {
        Ok(self.windows.get(&(contact, key)).copied())
    }

    fn webhook_named(&mut self, name: &str) -> Result<Option<WebhookId>, CommitError> {
        Ok(self.webhook_names.get(name).copied())
    }

    fn version(&mut self, row: RowKey<'_>) -> Result<Option<Version>, CommitError> {
        Ok(match row {
            RowKey::Workspace => self.workspace.as_ref().map(|row| row.version),
            RowKey::Webhook(id) => self.webhooks.get(&id).map(|row| row.version),
            RowKey::Contact(id) => self.contacts.get(&id).map(|row| row.version),
            RowKey::Lead(id) => self.leads.get(&id).map(|row| row.version),
            RowKey::Rejection(id) => self.rejections.get(&id).map(|row| row.version),
            RowKey::Appointment(id) => self.appointments.get(&id).map(|row| row.version),
            RowKey::Conversion(id) => self.conversions.get(&id).map(|row| row.version),
            RowKey::Delivery(id) => self.deliveries.get(&id).map(|row| row.version),
            RowKey::Touchpoint(id) => self.touches.get(&id).map(|_| Version::ZERO.next()),
            RowKey::Record(kind, key) => {
                self.records.get(&(kind.to_owned(), key.to_owned())).map(|row| row.version)
            }
        })
    }

    fn record(&mut self, kind: &str, key: &str) -> Result<Option<Record>, CommitError> {
        Ok(self.records.get(&(kind.to_owned(), key.to_owned())).cloned())
    }

    fn has_payload(&mut self, id: IntakeId) -> Result<bool, CommitError> {
        Ok(self.payloads.get(&id).is_some())
    }

    fn sums(&mut self, key: &RollupKey) -> Result<Option<[i64; Measure::SLOTS]>, CommitError> {
        Ok(self.rollups.get(key).map(|(n, _)| *n))
    }
}

impl Rows for Tenant {
    fn put_head(&mut self, head: Head) -> Result<(), CommitError> {
        // The events tell the position of the last one.
        let Head { feed: _, contacts, config } = head;
        (self.contacts_made, self.config) = (contacts, config);
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
        let key = Arc::new(key);
        if let Some(before) = self.keys.get(&key) {
            self.keys_of.remove((*before, Arc::clone(&key)));
        }
        self.keys_of.put((contact, Arc::clone(&key)), ());
        self.keys.put(key, contact);
        Ok(())
    }

    fn put_contact(&mut self, row: Contact, before: Option<Version>) -> Result<(), CommitError> {
        if before.is_none() {
            self.numbers.put(row.number, row.id);
        }
        if let Some(digits) = row.person.phone.as_ref().and_then(|parsed| digits(parsed.phone.e164())) {
            self.phones.put((digits, row.id), ());
        }
        self.contacts.put(row.id, Box::new(row));
        Ok(())
    }

    fn put_window(&mut self, contact: ContactId, key: Fingerprint, last: Last) -> Result<(), CommitError> {
        self.windows.put((contact, key), last);
        Ok(())
    }

    fn put_workspace(&mut self, row: Workspace) -> Result<(), CommitError> {
        self.workspace = Some(Arc::new(row));
        Ok(())
    }

    fn put_webhook(&mut self, row: Webhook) -> Result<(), CommitError> {
        self.webhook_names.put(row.name.clone(), row.id);
        self.webhooks.put(row.id, row);
        Ok(())
    }

    fn put_lead(&mut self, row: Lead) -> Result<(), CommitError> {
        if let Some(before) = self.leads.get(&row.id).filter(|before| before.contact != row.contact) {
            self.leads_of.remove((before.contact, row.id));
        }
        self.leads_of.put((row.contact, row.id), ());
        self.leads.put(row.id, Box::new(row));
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
        self.touches_of.put((row.of.clone(), row.touch.order()), ());
        self.touches.put(row.touch.id(), row);
        Ok(())
    }

    fn put_appointment(&mut self, row: Appointment) -> Result<(), CommitError> {
        if let Some(before) = self.appointments.get(&row.id).filter(|before| before.contact != row.contact) {
            self.appointments_of.remove((Owner::Contact(before.contact), row.id));
        }
        for owner in [Owner::Lead(row.lead), Owner::Contact(row.contact)] {
            self.appointments_of.put((owner, row.id), ());
        }
        self.appointments.put(row.id, row);
        Ok(())
    }

    fn put_conversion(&mut self, row: Conversion) -> Result<(), CommitError> {
        if let Some(before) = self.conversions.get(&row.id).filter(|before| before.contact != row.contact) {
            self.conversions_of.remove((Owner::Contact(before.contact), row.id));
        }
        for owner in [Owner::Lead(row.lead), Owner::Contact(row.contact)] {
            self.conversions_of.put((owner, row.id), ());
        }
        self.conversions.put(row.id, row);
        Ok(())
    }

    fn put_delivery(&mut self, row: Delivery) -> Result<(), CommitError> {
        if let Some(at) = self.deliveries.get(&row.id).and_then(|before| before.next_attempt_at) {
            self.deliveries_next.remove((row.endpoint, (at, row.id)));
        }
        if let Some(at) = row.next_attempt_at {
            self.deliveries_next.put((row.endpoint, (at, row.id)), ());
        }
        self.deliveries.put(row.id, Box::new(row));
        Ok(())
    }

    fn put_record(&mut self, row: Record) -> Result<(), CommitError> {
        self.records.put((row.kind.clone(), row.key.clone()), row);
        Ok(())
    }

    fn put_event(&mut self, event: Event) -> Result<(), CommitError> {
        let streams = [
            event.contact.and_then(|link| Some((StreamRef::Contact(link.id), link.version?))),
            event.lead.and_then(|link| Some((StreamRef::Lead(link.id), link.version?))),
            event.about.map(|(subject, version)| (StreamRef::Subject(subject), version)),
        ];
        for stream in streams.into_iter().flatten() {
            self.streams.put(stream, event.position);
        }
        self.events.push(Arc::new(event));
        Ok(())
    }

    fn add(&mut self, sums: Rollup) -> Result<(), CommitError> {
        let Rollup { cube, day, dims, mut n, mut last_at } = sums;
        let mut key = Arc::new((cube, day, dims));
        if let Some((known, (sums, last))) = self.rollups.rows().get_key_value(&key) {
            for (n, by) in n.iter_mut().zip(sums) {
                let sum = n.checked_add(*by);
                *n = sum.ok_or_else(|| CommitError::Misuse(format!("a sum of {cube:?} no longer fits")))?;
            }
            last_at = last_at.max(*last);
            key = Arc::clone(known);
        }
        self.rollups.put(key, (n, last_at));
        Ok(())
    }
}
