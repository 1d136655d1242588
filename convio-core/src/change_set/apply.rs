use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::days::Days;
use super::{
    ChangeSet, Claim, ClaimName, ConfigVersion, ContactMerge, ContactWrite, CounterAdd, Decisions, GateLost,
    MergedContact, MovedKey, MovedWindow, Receipt, RepeatWindow, RollupKey, Version, Write,
};
use crate::analytics::{Measure, Rollup, RollupDelta};
use crate::appointment::Appointment;
use crate::attribution::Tracked;
use crate::canonical::Fingerprint;
use crate::contact::{Contact, ContactKey, NumberSeries};
use crate::conversion::Conversion;
use crate::delivery::Delivery;
use crate::event::{Event, Head, Position, StreamRef, Subject};
use crate::id::{
    AppointmentId, ContactId, ConversionId, DeliveryId, IntakeId, LeadId, TouchpointId, WebhookId,
};
use crate::lead::{Lead, Payload};
use crate::record::Record;
use crate::rejection::Rejection;
use crate::store::CommitError;
use crate::webhook::Webhook;
use crate::workspace::Workspace;

/// The rows of one workspace, as a change set meets them while it is applied: the store's own, or a picture of those that
/// the change set is about.
///
/// To be correct, an implementation
/// - shows what is committed, and nobody else changes it until the change set is answered;
/// - shows at once what was put;
/// - undoes what was put when [`apply`] fails.
///
/// A store's `commit` takes its lock or begins a transaction, calls [`apply`] with its rows, and keeps what was put or
/// takes it back. The order, what loses a gate, what is a conflict, and all numbers are decided there: what is put here was
/// checked, and is written as it is.
pub trait Rows: ReadRows {
    /// Writes the head, which is new where [`ReadRows::head`] gave none.
    fn put_head(&mut self, head: Head) -> Result<(), CommitError>;
    /// Gives a name to a holder, whoever had it.
    fn put_held(&mut self, name: ClaimName, held: Held) -> Result<(), CommitError>;
    /// Writes what a counter's window has come to.
    fn put_used(&mut self, key: String, window: DateTime<Utc>, used: i64) -> Result<(), CommitError>;
    /// Points a key to a contact: a new one, or one that led to another.
    fn put_key(&mut self, key: ContactKey, contact: ContactId) -> Result<(), CommitError>;
    /// Writes a contact over the one of the version before, or a new one.
    fn put_contact(&mut self, row: Contact, before: Option<Version>) -> Result<(), CommitError>;
    /// Writes the last accepted lead.
    fn put_window(&mut self, contact: ContactId, key: Fingerprint, last: Last) -> Result<(), CommitError>;
    /// Writes a workspace whose version was checked.
    fn put_workspace(&mut self, row: Workspace) -> Result<(), CommitError>;
    /// Writes a webhook whose version and name were checked.
    fn put_webhook(&mut self, row: Webhook) -> Result<(), CommitError>;
    /// Writes a lead whose version was checked.
    fn put_lead(&mut self, row: Lead) -> Result<(), CommitError>;
    /// Writes a rejection whose version was checked.
    fn put_rejection(&mut self, row: Rejection) -> Result<(), CommitError>;
    /// Writes a payload that is not there.
    fn put_payload(&mut self, row: Payload) -> Result<(), CommitError>;
    /// Writes a touch that is not there.
    fn put_touch(&mut self, row: Tracked) -> Result<(), CommitError>;
    /// Writes an appointment whose version was checked.
    fn put_appointment(&mut self, row: Appointment) -> Result<(), CommitError>;
    /// Writes a conversion whose version was checked.
    fn put_conversion(&mut self, row: Conversion) -> Result<(), CommitError>;
    /// Writes a delivery whose version was checked.
    fn put_delivery(&mut self, row: Delivery) -> Result<(), CommitError>;
    /// Writes a record whose version was checked.
    fn put_record(&mut self, row: Record) -> Result<(), CommitError>;
    /// Appends an event.
    fn put_event(&mut self, event: Event) -> Result<(), CommitError>;
    /// Adds sums to a row of a cube, which need not exist; of the times, the later one stays.
    fn add(&mut self, sums: Rollup) -> Result<(), CommitError>;
}

/// The rows of one workspace, as far as a change set asks for them.
pub trait ReadRows {
    /// The workspace's head; `None` where there is no such workspace.
    fn head(&mut self) -> Result<Option<Head>, CommitError>;
    /// What holds a name, expired or not.
    fn held(&mut self, name: &ClaimName) -> Result<Option<Held>, CommitError>;
    /// What a counter's window has come to; 0 where nothing was counted.
    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, CommitError>;
    /// The contact that a key points to.
    fn contact_of(&mut self, key: &ContactKey) -> Result<Option<ContactId>, CommitError>;
    /// A contact.
    fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, CommitError>;
    /// The last accepted lead of a contact under a repeat key.
    fn last_in_window(&mut self, contact: ContactId, key: Fingerprint) -> Result<Option<Last>, CommitError>;
    /// The webhook of this name.
    fn webhook_named(&mut self, name: &str) -> Result<Option<WebhookId>, CommitError>;
    /// A record, whole.
    fn record(&mut self, kind: &str, key: &str) -> Result<Option<Record>, CommitError>;
    /// The version of a row; `None` where it does not exist.
    fn version(&mut self, row: RowKey<'_>) -> Result<Option<Version>, CommitError>;
    /// Whether a new row may be put there. Where the write itself finds out that one is there, and answers it as a conflict, it
    /// may be affirmed here.
    fn is_free(&mut self, row: RowKey<'_>) -> Result<bool, CommitError> {
        Ok(self.version(row)?.is_none())
    }
    /// Whether there is a payload of this id. Where the write itself finds that out and answers it as a conflict, it may be
    /// denied here.
    fn has_payload(&mut self, id: IntakeId) -> Result<bool, CommitError>;
    /// The sums of a row of a cube, all 0 where there is none. Where the write itself finds out that sums no longer fit and answers it
    /// as misuse, they need not be known here.
    fn sums(&mut self, key: &RollupKey) -> Result<Option<[i64; Measure::SLOTS]>, CommitError>;
}

/// What holds a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The UUID of the holder.
    pub holder: Uuid,
    /// What came in under the name.
    pub fingerprint: Fingerprint,
    /// From when on it may be taken over; `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it gives way to another body.
    pub yields: bool,
}

/// The last accepted lead in a window, by when it was received.
pub type Last = (DateTime<Utc>, LeadId);

/// A row that is written whole and has a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey<'k> {
    /// The workspace itself.
    Workspace,
    /// A webhook.
    Webhook(WebhookId),
    /// A contact.
    Contact(ContactId),
    /// A lead.
    Lead(LeadId),
    /// A rejection.
    Rejection(IntakeId),
    /// An appointment.
    Appointment(AppointmentId),
    /// A conversion.
    Conversion(ConversionId),
    /// A touch that is no lead. Its version is 1.
    Touchpoint(TouchpointId),
    /// A delivery.
    Delivery(DeliveryId),
    /// A record of this kind and key.
    Record(&'k str, &'k str),
}

impl RowKey<'_> {
    /// What a conflict about the row says of it.
    fn conflict(&self, changes_of: crate::WorkspaceId) -> CommitError {
        match self {
            Self::Workspace => conflict("workspace", changes_of),
            Self::Webhook(id) => conflict("webhook", id),
            Self::Contact(id) => conflict("contact", id),
            Self::Lead(id) => conflict("lead", id),
            Self::Rejection(id) => conflict("rejection", id),
            Self::Appointment(id) => conflict("appointment", id),
            Self::Conversion(id) => conflict("conversion", id),
            Self::Touchpoint(id) => conflict("touchpoint", id),
            Self::Delivery(id) => conflict("delivery", id),
            Self::Record(kind, key) => conflict("record", format_args!("{kind}/{key}")),
        }
    }
}

/// Applies a change set to rows, in the order of [`crate::change_set`]: the part of a commit that is the same in every store.
///
/// # Errors
/// What was lost, or is in conflict; what the rows fail with. The rows must then undo what was put.
pub fn apply<R: Rows + ?Sized>(rows: &mut R, changes: ChangeSet) -> Result<Receipt, CommitError> {
    changes.check().map_err(CommitError::Misuse)?;
    let changes_config = changes.changes_config();
    let ChangeSet {
        workspace,
        at,
        origin,
        config,
        counters,
        claims,
        given_back,
        bookings,
        routes,
        workspaces,
        webhooks,
        contacts,
        keys,
        moved_keys,
        moved_windows,
        windows,
        leads,
        rejections,
        payloads,
        touches,
        appointments,
        conversions,
        deliveries,
        records,
        events,
        rollups,
    } = changes;
    let creates = workspaces.iter().any(|write| matches!(write, Write::Insert(_)));
    let mut head = match (rows.head()?, creates) {
        (Some(head), false) => head,
        (None, true) => Head { feed: Position(0), contacts: 0, config: ConfigVersion(0) },
        (Some(_), true) => return Err(conflict("workspace", workspace)),
        (None, false) => return Err(CommitError::GateLost(GateLost::Config { current: None })),
    };
    if config.is_some_and(|expected| expected != head.config) {
        return Err(CommitError::GateLost(GateLost::Config { current: Some(head.config) }));
    }
    let mut decided = Decisions::default();
    claims.into_iter().try_for_each(|claim| win(rows, claim, at))?;
    counters.into_iter().try_for_each(|add| count(rows, add))?;
    let mut days = Days { rows, workspace, at };
    given_back.into_iter().try_for_each(|it| days.give_back(&it))?;
    bookings.into_iter().try_for_each(|booking| days.book(&booking))?;
    for route in routes {
        let decision = route.decide(&mut days)?;
        if let Some(booking) = route.booking(&decision) {
            days.book(&booking)?;
        }
        for it in decision.counted.iter().filter(|it| it.n != 0) {
            let no_longer_fits = || CommitError::Misuse("a counter no longer fits".to_owned());
            let used = it.used.checked_add(it.n).ok_or_else(no_longer_fits)?;
            days.rows.put_used(it.key.clone(), it.window, used)?;
        }
        decided.routed(route.appointment(), decision);
    }
    // A row of which the version is checked, and what its event is numbered by.
    macro_rules! write {
        ($writes:expr, |$row:ident| $key:expr, $stream:expr, $put:ident, $complete:expr) => {
            for write in $writes {
                let (mut $row, expected) = match write {
                    Write::Insert(row) => (row, None),
                    Write::Update { row, at } => (row, Some(at)),
                };
                let as_expected = match expected {
                    Some(_) => rows.version($key)? == expected,
                    None => rows.is_free($key)?,
                };
                if !as_expected {
                    return Err($key.conflict(workspace));
                }
                let complete: fn(&Decisions, _, bool) = $complete;
                complete(&decided, &mut $row, expected.is_none());
                let stream: Option<StreamRef> = $stream;
                if let Some(stream) = stream {
                    decided.wrote(stream, $row.version);
                }
                rows.$put($row)?;
            }
        };
        ($writes:expr, |$row:ident| $key:expr, $stream:expr, $put:ident) => {
            write!($writes, |$row| $key, $stream, $put, |_, _: &mut _, _| {})
        };
    }
    let subject = |subject| Some(StreamRef::Subject(subject));
    write!(workspaces, |row| RowKey::Workspace, subject(Subject::Workspace(row.id)), put_workspace);
    // One by one: two new ones may not share a name either.
    for write in webhooks {
        let row = write.row();
        if rows.webhook_named(&row.name)?.is_some_and(|holder| holder != row.id) {
            return Err(conflict("webhook", &row.name));
        }
        write!([write], |row| RowKey::Webhook(row.id), subject(Subject::Webhook(row.id)), put_webhook);
    }
    if changes_config {
        head.config = ConfigVersion(head.config.0 + 1);
    }
    for write in contacts {
        match write {
            ContactWrite::Merge(merge) => {
                let lead = merge.touch.lead;
                let merged = merge_into(rows, workspace, *merge, at, &mut head.contacts)?;
                decided.merged(lead, merged);
            }
            ContactWrite::Update { row, at } => {
                let key = RowKey::Contact(row.id);
                if rows.version(key)? != Some(at) {
                    return Err(key.conflict(workspace));
                }
                decided.wrote(StreamRef::Contact(row.id), row.version);
                rows.put_contact(*row, Some(at))?;
            }
        }
    }
    for (key, contact) in keys {
        let contact = decided.contact(contact);
        match rows.contact_of(&key)? {
            None => rows.put_key(key, contact)?,
            Some(held) if held == contact => {}
            Some(_) => return Err(conflict("key", format_args!("{key:?}"))),
        }
    }
    for MovedKey { key, from, to } in moved_keys {
        if rows.contact_of(&key)? != Some(from) {
            return Err(conflict("key", format_args!("{key:?}")));
        }
        rows.put_key(key, to)?;
    }
    for MovedWindow { contact, key, last, keeps_later } in moved_windows {
        let known = if keeps_later { rows.last_in_window(contact, key)? } else { None };
        rows.put_window(contact, key, known.map_or(last, |known| known.max(last)))?;
    }
    for window in windows {
        let lead = window.lead;
        let of = pass(rows, window, &decided)?;
        decided.repeated(lead, of);
    }
    write!(
        leads,
        |row| RowKey::Lead(row.id),
        Some(StreamRef::Lead(row.id)),
        put_lead,
        |decided, row, is_new| {
            if is_new {
                decided.complete_lead(row);
            }
        }
    );
    for row in payloads {
        if rows.has_payload(row.id)? {
            return Err(conflict("payload", row.id));
        }
        rows.put_payload(row)?;
    }
    for row in touches {
        let (key, id) = (RowKey::Touchpoint(row.touch.id()), row.touch.id());
        if !rows.is_free(key)? {
            return Err(key.conflict(workspace));
        }
        decided.wrote(StreamRef::Subject(Subject::Touchpoint(id)), Version::ZERO.next());
        rows.put_touch(row)?;
    }
    write!(rejections, |row| RowKey::Rejection(row.id), subject(Subject::Rejection(row.id)), put_rejection);
    write!(
        appointments,
        |row| RowKey::Appointment(row.id),
        subject(Subject::Appointment(row.id)),
        put_appointment,
        |decided, row, _| decided.complete_appointment(row)
    );
    write!(
        conversions,
        |row| RowKey::Conversion(row.id),
        subject(Subject::Conversion(row.id)),
        put_conversion
    );
    write!(deliveries, |row| RowKey::Delivery(row.id), None, put_delivery);
    write!(records, |row| RowKey::Record(&row.kind, &row.key), row.subject().and_then(subject), put_record);
    for new in events {
        head.feed = Position(head.feed.0 + 1);
        rows.put_event(decided.number(workspace, at, &origin, head.feed, new))?;
    }
    for delta in rollups {
        let n = decided.sums(&delta);
        let RollupDelta { cube, day, mut dims, add: _, at: last_at, lead: _, appointment } = delta;
        decided.complete_dims(appointment, &mut dims);
        rows.add(Rollup { cube, day, dims, n, last_at })?;
    }
    rows.put_head(head)?;
    Ok(decided.receipt(head.feed))
}

fn win<R: Rows + ?Sized>(rows: &mut R, claim: Claim, at: DateTime<Utc>) -> Result<(), CommitError> {
    let Claim { webhook, kind, value, fingerprint, holder, expires_at, yields } = claim;
    let name = ClaimName { webhook, kind, value };
    let held = rows.held(&name)?.filter(|held| held.expires_at.is_none_or(|end| end > at));
    let other = held.filter(|held| held.holder != holder);
    if let Some(held) = other.filter(|held| !held.yields || held.fingerprint == fingerprint) {
        return Err(CommitError::GateLost(GateLost::Claim {
            claimant: holder,
            kind,
            holder: held.holder,
            same_body: held.fingerprint == fingerprint,
        }));
    }
    rows.put_held(name, Held { holder, fingerprint, expires_at, yields })
}

fn count<R: Rows + ?Sized>(rows: &mut R, add: CounterAdd) -> Result<(), CommitError> {
    let CounterAdd { key, window, n, at_most } = add;
    // What no longer fits is above any limit.
    match rows.used(&key, window)?.checked_add(n).filter(|used| *used <= at_most) {
        Some(used) => rows.put_used(key, window, used),
        None => Err(CommitError::GateLost(GateLost::Counter { key })),
    }
}

fn merge_into<R: Rows + ?Sized>(
    rows: &mut R,
    workspace: crate::WorkspaceId,
    merge: ContactMerge,
    at: DateTime<Utc>,
    contacts_made: &mut u64,
) -> Result<MergedContact, CommitError> {
    let ContactMerge { candidate, key, offer, touch } = merge;
    let known = rows.contact_of(&key)?;
    let (contact, before) = match known {
        Some(id) => {
            let mut contact = rows.contact(id)?.ok_or_else(|| conflict("contact", id))?;
            let before = contact.version;
            contact.take(&offer, &touch);
            (contact, Some(before))
        }
        None => {
            if !rows.is_free(RowKey::Contact(candidate))? {
                return Err(conflict("contact", candidate));
            }
            let number = NumberSeries::of(workspace).nth(*contacts_made);
            *contacts_made += 1;
            rows.put_key(key, candidate)?;
            (Contact::opened(workspace, candidate, number, offer, touch, at), None)
        }
    };
    let merged = MergedContact {
        candidate,
        id: contact.id,
        number: contact.number,
        version: contact.version,
        created: known.is_none(),
    };
    rows.put_contact(contact, before)?;
    Ok(merged)
}

fn pass<R: Rows + ?Sized>(
    rows: &mut R,
    window: RepeatWindow,
    decided: &Decisions,
) -> Result<Option<LeadId>, CommitError> {
    let RepeatWindow { contact, key, lead, received_at, cutoff, until, reject } = window;
    let contact = decided.contact(contact);
    let last = rows.last_in_window(contact, key)?;
    let repeats = last.filter(|(at, _)| *at > cutoff && *at < until).map(|(_, lead)| lead);
    if let (Some(of), true) = (repeats, reject) {
        return Err(CommitError::GateLost(GateLost::Repeat { lead, of }));
    }
    let this = (received_at, lead);
    rows.put_window(contact, key, last.map_or(this, |last| last.max(this)))?;
    Ok(repeats)
}

fn conflict(kind: &str, id: impl std::fmt::Display) -> CommitError {
    CommitError::Conflict { what: format!("{kind} `{id}`") }
}
