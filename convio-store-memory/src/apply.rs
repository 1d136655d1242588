use std::collections::HashMap;
use std::sync::Arc;

use convio_core::analytics::{Rollup, RollupDelta};
use convio_core::change_set::{
    ChangeSet, Claim, ConfigVersion, ContactMerge, ContactWrite, CounterAdd, Decisions, GateLost,
    MergedContact, Receipt, RepeatWindow, Version, Write,
};
use convio_core::contact::Contact;
use convio_core::event::{Position, StreamRef};
use convio_core::store::CommitError;
use convio_core::{NumberSeries, Subject, WorkspaceId};

use crate::state::{Held, Owner, Tenant};

/// Applies one change set whole, or nothing of it.
pub(crate) fn apply(
    tenants: &mut HashMap<WorkspaceId, Tenant>,
    changes: ChangeSet,
) -> Result<Receipt, CommitError> {
    changes.check().map_err(CommitError::Misuse)?;
    let workspace = changes.workspace;
    let creates = changes.workspaces.iter().any(|write| matches!(write, Write::Insert(_)));
    if creates && tenants.contains_key(&workspace) {
        return Err(conflict("workspace", workspace));
    }
    if creates {
        tenants.insert(workspace, Tenant::default());
    }
    let Some(tenant) = tenants.get_mut(&workspace) else {
        return Err(CommitError::GateLost(GateLost::Config { current: None }));
    };
    let result = tenant.apply(changes);
    match (&result, creates) {
        (Ok(_), _) => tenant.settle(),
        (Err(_), false) => tenant.roll_back(),
        (Err(_), true) => {
            tenants.remove(&workspace);
        }
    }
    result
}

impl Tenant {
    fn apply(&mut self, changes: ChangeSet) -> Result<Receipt, CommitError> {
        let changes_config = changes.changes_config();
        let ChangeSet {
            workspace,
            at,
            origin,
            config,
            counters,
            claims,
            workspaces,
            webhooks,
            contacts,
            windows,
            leads,
            rejections,
            payloads,
            appointments,
            conversions,
            records,
            events,
            rollups,
        } = changes;
        if config.is_some_and(|expected| expected != self.config) {
            return Err(CommitError::GateLost(GateLost::Config { current: Some(self.config) }));
        }
        let mut decided = Decisions::default();
        claims.into_iter().try_for_each(|claim| self.claim(claim, at))?;
        counters.into_iter().try_for_each(|add| self.count(add))?;
        for write in workspaces {
            let found = self.workspace.as_ref().map(|row| row.version);
            let row = written(write, "workspace", found, |row| row.id.to_string())?;
            decided.wrote(StreamRef::Subject(Subject::Workspace(row.id)), row.version);
            self.workspace = Some(row);
        }
        for write in webhooks {
            let row = write.row();
            let found = self.webhooks.get(&row.id).map(|row| row.version);
            let taken = self.webhook_names.get(&row.name).is_some_and(|id| *id != row.id);
            if taken {
                return Err(conflict("webhook", &row.name));
            }
            let row = written(write, "webhook", found, |row| row.id.to_string())?;
            decided.wrote(StreamRef::Subject(Subject::Webhook(row.id)), row.version);
            self.webhook_names.put(row.name.clone(), row.id);
            self.webhooks.put(row.id, row);
        }
        if changes_config {
            self.config = ConfigVersion(self.config.0 + 1);
        }
        for write in contacts {
            match write {
                ContactWrite::Merge(merge) => {
                    let lead = merge.touch.lead;
                    let merged = self.merge(workspace, *merge, at)?;
                    decided.merged(lead, merged);
                }
                ContactWrite::Update { row, at } => {
                    let found = self.contacts.get(&row.id).map(|row| row.version);
                    if found != Some(at) {
                        return Err(conflict("contact", row.id));
                    }
                    decided.wrote(StreamRef::Contact(row.id), row.version);
                    self.put_contact(*row);
                }
            }
        }
        for window in windows {
            let lead = window.lead;
            let of = self.window(window, &decided)?;
            decided.repeated(lead, of);
        }
        for write in leads {
            let found = self.leads.get(&write.row().id).map(|row| row.version);
            let mut row = written(write, "lead", found, |row| row.id.to_string())?;
            if found.is_none() {
                decided.complete_lead(&mut row);
            }
            self.leads_of.put((row.contact, row.id), ());
            decided.wrote(StreamRef::Lead(row.id), row.version);
            self.leads.put(row.id, row);
        }
        for row in payloads {
            if self.payloads.get(&row.id).is_some() {
                return Err(conflict("payload", row.id));
            }
            self.payloads.put(row.id, row);
        }
        for write in rejections {
            let found = self.rejections.get(&write.row().id).map(|row| row.version);
            let row = written(write, "rejection", found, |row| row.id.to_string())?;
            decided.wrote(StreamRef::Subject(Subject::Rejection(row.id)), row.version);
            self.rejections.put(row.id, row);
        }
        for write in appointments {
            let found = self.appointments.get(&write.row().id).map(|row| row.version);
            let mut row = written(write, "appointment", found, |row| row.id.to_string())?;
            if found.is_none() {
                decided.complete_appointment(&mut row);
            }
            decided.wrote(StreamRef::Subject(Subject::Appointment(row.id)), row.version);
            for owner in [Owner::Lead(row.lead), Owner::Contact(row.contact)] {
                self.appointments_of.put((owner, row.id), ());
            }
            self.appointments.put(row.id, row);
        }
        for write in conversions {
            let found = self.conversions.get(&write.row().id).map(|row| row.version);
            let row = written(write, "conversion", found, |row| row.id.to_string())?;
            decided.wrote(StreamRef::Subject(Subject::Conversion(row.id)), row.version);
            for owner in [Owner::Lead(row.lead), Owner::Contact(row.contact)] {
                self.conversions_of.put((owner, row.id), ());
            }
            self.conversions.put(row.id, row);
        }
        for write in records {
            let key = (write.row().kind.clone(), write.row().key.clone());
            let found = self.records.get(&key).map(|row| row.version);
            let row = written(write, "record", found, |row| format!("{}/{}", row.kind, row.key))?;
            if let Some(subject) = row.subject() {
                decided.wrote(StreamRef::Subject(subject), row.version);
            }
            self.records.put(key, row);
        }
        for event in events {
            let position = Position(self.events.len() as u64 + 1);
            let event = decided.number(workspace, at, &origin, position, event);
            self.append(event);
        }
        rollups.into_iter().try_for_each(|delta| self.add(delta, &decided))?;
        Ok(decided.receipt(Position(self.events.len() as u64)))
    }

    fn count(&mut self, add: CounterAdd) -> Result<(), CommitError> {
        let key = (add.key, add.window);
        let sum = self.counters.get(&key).copied().unwrap_or(0) + add.n;
        if sum > add.at_most {
            return Err(CommitError::GateLost(GateLost::Counter { key: key.0 }));
        }
        self.counters.put(key, sum);
        Ok(())
    }

    fn claim(&mut self, claim: Claim, at: chrono::DateTime<chrono::Utc>) -> Result<(), CommitError> {
        let Claim { webhook, kind, value, fingerprint, holder, expires_at, yields } = claim;
        let key = (webhook, kind, value);
        let held = self.claims.get(&key).filter(|held| held.expires_at.is_none_or(|end| end > at));
        let other = held.filter(|held| held.holder != holder);
        if let Some(held) = other.filter(|held| !held.yields || held.fingerprint == fingerprint) {
            return Err(CommitError::GateLost(GateLost::Claim {
                claimant: holder,
                kind,
                holder: held.holder,
                same_body: held.fingerprint == fingerprint,
            }));
        }
        self.claims.put(key, Held { holder, fingerprint, expires_at, yields });
        Ok(())
    }

    fn merge(
        &mut self,
        workspace: WorkspaceId,
        merge: ContactMerge,
        at: chrono::DateTime<chrono::Utc>,
    ) -> Result<MergedContact, CommitError> {
        let ContactMerge { candidate, key, offer, touch } = merge;
        let known = self.keys.get(&key).copied();
        let contact = match known {
            Some(id) => {
                let mut contact = self.contacts.get(&id).cloned().ok_or_else(|| conflict("contact", id))?;
                contact.take(&offer, &touch);
                contact
            }
            None => {
                if self.contacts.get(&candidate).is_some() {
                    return Err(conflict("contact", candidate));
                }
                let number = NumberSeries::of(workspace).nth(self.contacts_made);
                self.contacts_made += 1;
                self.keys_of.put((candidate, key.clone()), ());
                self.keys.put(key, candidate);
                self.numbers.put(number, candidate);
                Contact::opened(workspace, candidate, number, &offer, touch, at)
            }
        };
        let merged = MergedContact {
            candidate,
            id: contact.id,
            number: contact.number,
            version: contact.version,
            created: known.is_none(),
        };
        self.put_contact(contact);
        Ok(merged)
    }

    fn put_contact(&mut self, row: Contact) {
        if let Some(parsed) = &row.person.phone {
            self.phones.put((parsed.phone.e164().to_owned(), row.id), ());
        }
        self.contacts.put(row.id, row);
    }

    fn window(
        &mut self,
        window: RepeatWindow,
        decided: &Decisions,
    ) -> Result<Option<convio_core::LeadId>, CommitError> {
        let RepeatWindow { contact, key, lead, received_at, cutoff, until, reject } = window;
        let key = (decided.contact(contact), key);
        let last = self.windows.get(&key).copied();
        let repeats = last.filter(|(at, _)| *at > cutoff && *at < until).map(|(_, lead)| lead);
        if let (Some(of), true) = (repeats, reject) {
            return Err(CommitError::GateLost(GateLost::Repeat { lead, of }));
        }
        let this = (received_at, lead);
        self.windows.put(key, last.map_or(this, |last| last.max(this)));
        Ok(repeats)
    }

    fn append(&mut self, event: convio_core::Event) {
        let streams = [
            event.contact.and_then(|link| Some((StreamRef::Contact(link.id), link.version?))),
            event.lead.and_then(|link| Some((StreamRef::Lead(link.id), link.version?))),
            event.about.map(|(subject, version)| (StreamRef::Subject(subject), version)),
        ];
        for stream in streams.into_iter().flatten() {
            self.streams.put(stream, event.position);
        }
        self.events.push(Arc::new(event));
    }

    fn add(&mut self, delta: RollupDelta, decided: &Decisions) -> Result<(), CommitError> {
        let sums = decided.sums(&delta);
        let RollupDelta { cube, day, dims, add: _, at, lead: _ } = delta;
        let key = (cube, day, dims);
        let mut row = self.rollups.get(&key).cloned().unwrap_or_else(|| Rollup {
            cube,
            day,
            dims: key.2.clone(),
            n: Default::default(),
            last_at: at,
        });
        for (n, by) in row.n.iter_mut().zip(sums) {
            let sum = n.checked_add(by);
            *n = sum.ok_or_else(|| CommitError::Misuse(format!("a sum of {cube:?} no longer fits")))?;
        }
        row.last_at = row.last_at.max(at);
        self.rollups.put(key, row);
        Ok(())
    }
}

/// The row to be written, if what is there allows it.
fn written<T>(
    write: Write<T>,
    kind: &str,
    found: Option<Version>,
    id: impl Fn(&T) -> String,
) -> Result<T, CommitError> {
    match (write, found) {
        (Write::Insert(row), None) => Ok(row),
        (Write::Update { row, at }, Some(found)) if found == at => Ok(row),
        (Write::Insert(row) | Write::Update { row, .. }, _) => Err(conflict(kind, id(&row))),
    }
}

fn conflict(kind: &str, id: impl std::fmt::Display) -> CommitError {
    CommitError::Conflict { what: format!("{kind} `{id}`") }
}
