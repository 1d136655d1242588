//! Contacts that turn out to be one person, and the undoing of that.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `merge_contacts` | both contacts; the keys and all rows of the one that goes; both and the record of an earlier merge | 1 | 10 |
//! | `unmerge_contact` | both contacts, the merge, the keys and all rows of the one that stays; how each of its leads came in; both contacts | 1 | 15 |
//!
//! So for contacts without a sale and with one lead each. For each lead more, taking them apart reads once more. For each sale of both there
//! is a `reattribute`, without its first read; it commits where somebody else has earned it.

use std::collections::BTreeMap;

use super::ingest::repeat_key;
use super::{Context, Plan, UseCase};
use crate::api_key::Permission;
use crate::appointment::Appointment;
use crate::canonical::Fingerprint;
use crate::change_set::{
    ChangeSet, ContactWrite, Last, Mention, MovedKey, MovedWindow, NewEvent, Version, Write,
};
use crate::contact::{Contact, ContactKey, Merge, Offer};
use crate::conversion::Conversion;
use crate::error::{Error, Reason};
use crate::event::{ContactMerged, EventBody, Subject};
use crate::id::{ContactId, LeadId, WorkspaceId};
use crate::lead::Lead;
use crate::record::{Keeps, MERGE_KIND};
use crate::store::{Loaded, Need, Needs};
use crate::webhook::{RepeatAction, START_OF_TIME};

/// All that goes with a contact.
#[derive(Debug, Clone, Default)]
pub struct Belongings {
    /// Its leads, deleted ones included.
    pub leads: Vec<Lead>,
    /// Their appointments.
    pub appointments: Vec<Appointment>,
    /// Their conversions.
    pub conversions: Vec<Conversion>,
}

/// Merges a contact into another one: all rows go in one commit, and its keys and its id lead to the other one from then on.
#[derive(Debug, Clone)]
pub struct MergeContacts {
    /// The workspace of both.
    pub workspace: WorkspaceId,
    /// The contact that goes, as it was when what belongs to it was read.
    pub from: (ContactId, Version),
    /// The contact that stays, as it was.
    pub into: (ContactId, Version),
    /// The keys of the one that goes.
    pub keys: Vec<ContactKey>,
    /// What belongs to it.
    pub belongings: Belongings,
}

impl UseCase for MergeContacts {
    type Answer = Contact;

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Contact(self.from.0), Need::Contact(self.into.0)])
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        vec![(MERGE_KIND, self.from.0.to_string())]
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Contact>, Error> {
        let config = context.open()?;
        let from = as_read(loaded, self.from)?;
        let into = as_read(loaded, self.into)?;
        let mut changes = context.changes(self.workspace);
        let (mut gone, mut stays) = (from.clone(), into.clone());
        stays.absorb(from).map_err(overflow)?;
        gone.merge_into(into.id);

        // Its id leads to the other one, too: by a key that is new, or was its own since an earlier merge was undone.
        let id = ContactKey::of_merged(from.id);
        if !self.keys.contains(&id) {
            changes.keys.push((id.clone(), into.id));
        }
        let moved = |key: &ContactKey| MovedKey { key: key.clone(), from: from.id, to: into.id };
        changes.moved_keys.extend(self.keys.iter().map(moved));
        let remembers = |lead: &&Lead| !lead.test && remembers_repeats(config, lead);
        for (key, last) in windows(self.belongings.leads.iter().filter(remembers)) {
            changes.moved_windows.push(MovedWindow { contact: into.id, key, last, keeps_later: true });
            // It has no lead that could be repeated any more.
            let nothing = (START_OF_TIME, last.1);
            let gone = MovedWindow { contact: from.id, key, last: nothing, keeps_later: false };
            changes.moved_windows.push(gone);
        }
        move_rows(&mut changes, &self.belongings, from.id, into.id);

        let before = loaded.records.iter().find(|record| record.kind == MERGE_KIND);
        let merge = Merge {
            workspace: self.workspace,
            contact: from.id,
            into: into.id,
            at: context.at,
            leads: self.belongings.leads.iter().map(|lead| lead.id).collect(),
            keys: self.keys.iter().filter(|key| **key != id).cloned().collect(),
            version: before.map_or(Version::ZERO, |before| before.version).next(),
        };
        changes.records.push(merge.keep()?);
        let body = |other: ContactId, row: &Contact| Box::new(ContactMerged { other, state: row.state() });
        write(&mut changes, &gone, from.version, EventBody::ContactMergedInto(body(into.id, &gone)));
        write(&mut changes, &stays, into.version, EventBody::ContactMerged(body(from.id, &stays)));
        Ok(Plan { changes, answer: stays })
    }
}

/// Takes a contact out of the one that it was merged into: both are what their leads and conversions say. One commit.
#[derive(Debug, Clone)]
pub struct UnmergeContact {
    /// The workspace of both.
    pub workspace: WorkspaceId,
    /// The contact that comes back, as it was when the rows were read.
    pub contact: (ContactId, Version),
    /// The contact that has what was its, as it was.
    pub out_of: (ContactId, Version),
    /// Those keys of the one that come back, which lead to the other.
    pub keys: Vec<ContactKey>,
    /// What belongs to the one that comes back.
    pub back: Belongings,
    /// What belongs to the other one still.
    pub stay: Belongings,
    /// What each lead said of the person.
    pub offers: BTreeMap<LeadId, Offer>,
    /// The merges by which the one came to the other, but for its own: what goes with it is no longer theirs.
    pub through: Vec<Merge>,
}

impl UseCase for UnmergeContact {
    type Answer = Contact;

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Contact(self.contact.0), Need::Contact(self.out_of.0)])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Contact>, Error> {
        let config = context.open()?;
        let contact = as_read(loaded, self.contact)?;
        let out_of = as_read(loaded, self.out_of)?;
        let mut changes = context.changes(self.workspace);
        let rebuilt = |row: &Contact, own: &Belongings| {
            let mut row = row.clone();
            let leads = own.leads.iter().map(|lead| (lead, self.offers.get(&lead.id)));
            row.rebuild(leads, &own.conversions).map(|()| row).map_err(overflow)
        };
        let (back, other) = (rebuilt(contact, &self.back)?, rebuilt(out_of, &self.stay)?);
        let moved = |key: &ContactKey| MovedKey { key: key.clone(), from: out_of.id, to: contact.id };
        changes.moved_keys.extend(self.keys.iter().map(moved));
        let id = ContactKey::of_merged(contact.id);
        for merge in &self.through {
            let mut merge = merge.clone();
            merge.leads.retain(|lead| !self.back.leads.iter().any(|row| row.id == *lead));
            merge.keys.retain(|key| *key != id && !self.keys.contains(key));
            merge.version = merge.version.next();
            changes.records.push(merge.keep()?);
        }
        changes.moved_keys.push(MovedKey { key: id, from: out_of.id, to: contact.id });

        let remembers = |lead: &&Lead| !lead.test && remembers_repeats(config, lead);
        let own = |rows: &Belongings| windows(rows.leads.iter().filter(remembers));
        let (of_back, of_other) = (own(&self.back), own(&self.stay));
        for (key, last) in &of_back {
            // None of its leads is repeated by one of the other's.
            let stays = of_other.get(key).copied().unwrap_or((START_OF_TIME, last.1));
            for (contact, last) in [(contact.id, *last), (out_of.id, stays)] {
                changes.moved_windows.push(MovedWindow { contact, key: *key, last, keeps_later: false });
            }
        }
        move_rows(&mut changes, &self.back, out_of.id, contact.id);
        let body = |other: ContactId, row: &Contact| {
            EventBody::ContactUnmerged(Box::new(ContactMerged { other, state: row.state() }))
        };
        write(&mut changes, &back, contact.version, body(out_of.id, &back));
        write(&mut changes, &other, out_of.version, body(contact.id, &other));
        Ok(Plan { changes, answer: back })
    }
}

/// The contact, if it is as it was when the rows were read.
fn as_read(loaded: &Loaded, (id, version): (ContactId, Version)) -> Result<&Contact, Error> {
    let found = loaded.contact(id).ok_or_else(|| Error::not_found("contact", id))?;
    if found.version == version {
        return Ok(found);
    }
    Err(Error::conflict(format!("contact `{id}` was changed by someone else")))
}

fn write(changes: &mut ChangeSet, row: &Contact, at: Version, body: EventBody) {
    changes.contacts.push(ContactWrite::Update { row: Box::new(row.clone()), at });
    let contact = Some(Mention::changed(row.id));
    changes.events.push(NewEvent { body, contact, lead: None, subject: None, duplicate_of: None });
}

/// Makes rows those of another contact, each with an event of its own.
fn move_rows(changes: &mut ChangeSet, rows: &Belongings, from: ContactId, to: ContactId) {
    let event = |lead: Mention<LeadId>, subject: Option<Subject>| NewEvent {
        body: EventBody::Reparented { from },
        contact: Some(Mention::only(to)),
        lead: Some(lead),
        subject,
        duplicate_of: None,
    };
    for lead in &rows.leads {
        let row = Lead { contact: to, version: lead.version.next(), ..lead.clone() };
        changes.leads.push(Write::Update { row, at: lead.version });
        changes.events.push(event(Mention::changed(lead.id), None));
    }
    for visit in &rows.appointments {
        let row = Appointment { contact: to, version: visit.version.next(), ..visit.clone() };
        changes.appointments.push(Write::Update { row, at: visit.version });
        changes.events.push(event(Mention::only(visit.lead), Some(Subject::Appointment(visit.id))));
    }
    for sold in &rows.conversions {
        let row = Conversion { contact: to, version: sold.version.next(), ..sold.clone() };
        changes.conversions.push(Write::Update { row, at: sold.version });
        changes.events.push(event(Mention::only(sold.lead), Some(Subject::Conversion(sold.id))));
    }
}

/// Whether a lead may be repeated: its webhook looks for that.
fn remembers_repeats(config: &super::ConfigSnapshot, lead: &Lead) -> bool {
    let webhook = config.webhook_by_id(lead.webhook);
    webhook.is_none_or(|webhook| webhook.settings.repeat.action != RepeatAction::Accept)
}

/// The last lead of each window.
fn windows<'l>(leads: impl Iterator<Item = &'l Lead>) -> BTreeMap<Fingerprint, Last> {
    let mut windows = BTreeMap::new();
    for lead in leads {
        let this: Last = (lead.received_at, lead.id);
        let last = windows.entry(repeat_key(&lead.interest)).or_insert(this);
        *last = this.max(*last);
    }
    windows
}

fn overflow(error: crate::money::MoneyError) -> Error {
    Error::invalid(vec![Reason::new("lifetime", "overflow", error.to_string())])
}
