//! What a plan wants to be true: owned data that a store applies whole or not at all.
//!
//! # How a store applies one
//!
//! [`apply()`] does it, over the [`Rows`] of the store, in this order, which is the order of its locks:
//!
//! 1. **The workspace's head**, locked first. It must exist (or be made, when the change set creates its workspace), and
//!    its configuration version must be the expected one: otherwise [`GateLost::Config`].
//! 2. **Claims**, insert or nothing: one that something else holds makes [`GateLost::Claim`]. An expired one may be taken over,
//!    and one that yields by another body.
//! 3. **Counters**, each `used + n` only up to its limit: otherwise [`GateLost::Counter`]. After the claims: a call that was
//!    answered once is answered so again, whatever limit is reached meanwhile.
//! 4. **Times of calendars**: first those that are given back, then those that are taken, each only where there is room:
//!    otherwise [`GateLost::Clash`].
//! 5. **Routes**: who gets an appointment is decided by what counters have come to and who has time, and counted and taken. What depends on it
//!    (the row, its event, the target's rollup, the receipt) is filled in. One that must find somebody and does not makes
//!    [`GateLost::Nobody`].
//! 6. **Keys and contacts**: a merge whose key is unknown makes the candidate contact under the next number of the
//!    workspace; one whose key is known takes the offer into the contact that the key points to, and *every mention of
//!    the candidate in this change set means that contact*.
//!    New keys of a contact are given to it, unless they are another one's, which is a conflict. Then keys and windows of contacts that are
//!    merged, or no longer are, move from one to the other.
//! 7. **Windows**: one whose last accepted lead lies between its bounds makes the new lead a repeat, or, where repeats are
//!    rejected, makes [`GateLost::Repeat`].
//! 8. All other rows. An insert of what exists and an update of another version make [`CommitError::Conflict`].
//! 9. **Events**: each is numbered in the streams that it changes, by the version that the write gave the row, and in
//!    the feed by the next position of the workspace.
//! 10. **Rollups.**
//!
//! Whatever is lost, nothing of the change set is applied.
//!
//! [`CommitError::Conflict`]: crate::store::CommitError::Conflict

mod apply;
mod check;
mod days;
mod decisions;
mod parts;
mod picture;
#[cfg(feature = "service")]
mod witness;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::analytics::RollupDelta;
use crate::appointment::Appointment;
use crate::attribution::Tracked;
use crate::contact::ContactKey;
use crate::conversion::Conversion;
use crate::delivery::Delivery;
use crate::event::{Origin, Position};
use crate::id::{AppointmentId, ContactId, LeadId, WorkspaceId};
use crate::lead::{Lead, Payload};
use crate::record::Record;
use crate::rejection::Rejection;
use crate::routing::Decision;
use crate::webhook::Webhook;
use crate::workspace::Workspace;

pub use apply::{Held, Last, ReadRows, RowKey, Rows, apply};
pub use decisions::Decisions;
pub use parts::{
    Booking, Claim, ClaimKind, ClaimName, ContactMerge, ContactWrite, CounterAdd, GateLost, GiveBack,
    Mention, MovedKey, MovedWindow, NewEvent, RepeatWindow, Route, Standing, Write,
};
pub use picture::{Picture, Puts, RollupKey};
#[cfg(feature = "service")]
pub(crate) use witness::Witness;

/// What shall be true, all of it or none.
///
/// [`apply()`] takes it apart without `..`, so that a new field is a compile error until it is applied.
#[derive(Debug, Clone)]
pub struct ChangeSet {
    /// The one workspace that it touches.
    pub workspace: WorkspaceId,
    /// When it was planned.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub origin: Origin,
    /// The configuration that it was planned under; `None` where the plan used none.
    pub config: Option<ConfigVersion>,
    /// Additions that have a limit.
    pub counters: Vec<CounterAdd>,
    /// Reservations.
    pub claims: Vec<Claim>,
    /// Times of calendars that are given back.
    pub given_back: Vec<GiveBack>,
    /// Times of calendars that are taken.
    pub bookings: Vec<Booking>,
    /// Appointments whose target is decided by counters and calendars.
    pub routes: Vec<Route>,
    /// The workspace itself.
    pub workspaces: Vec<Write<Workspace>>,
    /// Webhooks.
    pub webhooks: Vec<Write<Webhook>>,
    /// Contacts.
    pub contacts: Vec<ContactWrite>,
    /// Keys that contacts get beside those that they were made by.
    pub keys: Vec<(ContactKey, ContactId)>,
    /// Keys that lead to another contact from now on.
    pub moved_keys: Vec<MovedKey>,
    /// What repeat windows know since their leads are another contact's.
    pub moved_windows: Vec<MovedWindow>,
    /// Windows in which a lead repeats another one.
    pub windows: Vec<RepeatWindow>,
    /// Leads.
    pub leads: Vec<Write<Lead>>,
    /// Rejections.
    pub rejections: Vec<Write<Rejection>>,
    /// Raw payloads: inserted.
    pub payloads: Vec<Payload>,
    /// Touches that are no leads: inserted.
    pub touches: Vec<Tracked>,
    /// Appointments.
    pub appointments: Vec<Write<Appointment>>,
    /// Conversions.
    pub conversions: Vec<Write<Conversion>>,
    /// Deliveries. They have no events: the rows tell what became of them.
    pub deliveries: Vec<Write<Delivery>>,
    /// Records.
    pub records: Vec<Write<Record>>,
    /// What happened: one event for each write of an aggregate.
    pub events: Vec<NewEvent>,
    /// What is added to the rollups.
    pub rollups: Vec<RollupDelta>,
}

impl ChangeSet {
    /// A change set that changes nothing yet.
    pub fn new(workspace: WorkspaceId, at: DateTime<Utc>, origin: Origin) -> Self {
        Self {
            workspace,
            at,
            origin,
            config: None,
            counters: Vec::new(),
            claims: Vec::new(),
            given_back: Vec::new(),
            bookings: Vec::new(),
            routes: Vec::new(),
            workspaces: Vec::new(),
            webhooks: Vec::new(),
            contacts: Vec::new(),
            keys: Vec::new(),
            moved_keys: Vec::new(),
            moved_windows: Vec::new(),
            windows: Vec::new(),
            leads: Vec::new(),
            rejections: Vec::new(),
            payloads: Vec::new(),
            touches: Vec::new(),
            appointments: Vec::new(),
            conversions: Vec::new(),
            deliveries: Vec::new(),
            records: Vec::new(),
            events: Vec::new(),
            rollups: Vec::new(),
        }
    }

    /// Whether it changes what [`ConfigVersion`] counts: the workspace, a webhook, or a record of the configuration.
    pub fn changes_config(&self) -> bool {
        let records = || self.records.iter().any(|write| write.row().is_config());
        !self.workspaces.is_empty() || !self.webhooks.is_empty() || records()
    }

    /// Takes over all that `other` wants, so that both are applied or none.
    ///
    /// Both must belong to the same workspace and configuration; the time and the origin are those of `self`.
    pub fn absorb(&mut self, other: Self) {
        let Self {
            workspace: _,
            at: _,
            origin: _,
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
        } = other;
        self.config = self.config.or(config);
        self.counters.extend(counters);
        self.claims.extend(claims);
        self.given_back.extend(given_back);
        self.bookings.extend(bookings);
        self.routes.extend(routes);
        self.workspaces.extend(workspaces);
        self.webhooks.extend(webhooks);
        self.contacts.extend(contacts);
        self.keys.extend(keys);
        self.moved_keys.extend(moved_keys);
        self.moved_windows.extend(moved_windows);
        self.windows.extend(windows);
        self.leads.extend(leads);
        self.rejections.extend(rejections);
        self.payloads.extend(payloads);
        self.touches.extend(touches);
        self.appointments.extend(appointments);
        self.conversions.extend(conversions);
        self.deliveries.extend(deliveries);
        self.records.extend(records);
        self.events.extend(events);
        self.rollups.extend(rollups);
    }
}

/// An aggregate that a write is meant for: by its id alone, or by a row that someone has seen, which must still be as it
/// was seen.
///
/// ```
/// use convio_core::{AppointmentId, RowRef};
/// let id = AppointmentId::from_uuid(uuid::Uuid::from_u128(7));
/// let by_id: RowRef<AppointmentId> = id.into();
/// assert_eq!(by_id.version, None); // whatever version it has
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRef<I> {
    /// Which one.
    pub id: I,
    /// The version that it must still have; `None`: any.
    pub version: Option<Version>,
}

impl<I: std::fmt::Display> RowRef<I> {
    /// Refuses a row that is not as it was seen.
    pub(crate) fn check(&self, kind: &str, found: Version) -> Result<(), crate::error::Error> {
        if self.version.is_none_or(|seen| seen == found) {
            return Ok(());
        }
        Err(crate::error::Error::conflict(format!("{kind} `{}` was changed by someone else", self.id)))
    }
}

macro_rules! row_refs {
    ($($id:ty, $row:ty;)+) => {$(
        impl From<$id> for RowRef<$id> {
            fn from(id: $id) -> Self {
                Self { id, version: None }
            }
        }

        impl From<&$row> for RowRef<$id> {
            fn from(row: &$row) -> Self {
                Self { id: row.id, version: Some(row.version) }
            }
        }
    )+};
}

row_refs! {
    LeadId, Lead;
    crate::id::AppointmentId, Appointment;
    crate::id::ConversionId, Conversion;
    ContactId, crate::contact::Contact;
}

/// How many events an aggregate has had: the number of its last one. A row that was just inserted has 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How often the configuration of a workspace (itself, its webhooks, rules, providers and API keys) was changed. A plan made
/// under an older one is refused and made again: so a deleted webhook refuses leads at once, without a read before each
/// lead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigVersion(pub u64);

/// What the commit of a change set decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Per merge of the change set, in order, what became of it.
    pub contacts: Vec<MergedContact>,
    /// Per window of the change set, in order, whether its lead repeats another one.
    pub repeats: Vec<Repeat>,
    /// Per route of the change set, in order, its appointment and who gets it.
    pub routes: Vec<(AppointmentId, Decision)>,
    /// The position of the last event.
    pub position: Position,
}

/// What became of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergedContact {
    /// The contact that was proposed.
    pub candidate: ContactId,
    /// The contact that it is.
    pub id: ContactId,
    /// Its number.
    pub number: crate::contact::ContactNumber,
    /// Its version after the merge.
    pub version: Version,
    /// Whether it was made.
    pub created: bool,
}

/// What became of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// The lead that came in.
    pub lead: LeadId,
    /// The lead that it repeats.
    pub of: Option<LeadId>,
}
