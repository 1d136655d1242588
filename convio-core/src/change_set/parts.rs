use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{ConfigVersion, Version};
use crate::availability::Interval;
use crate::calendar::{Clash, ClashWhy, Resource, Seats, Take, Taken};
use crate::canonical::Fingerprint;
use crate::contact::{Contact, ContactKey, Offer, Touch};
use crate::event::{EventBody, Subject};
use crate::id::{AppointmentId, ContactId, LeadId, WebhookId};
use crate::routing::{Decision, Declined, RoutingRequest, RuleTable, Seat, State, Target};
use crate::store::CommitError;

/// A row to be written whole.
#[derive(Debug, Clone)]
pub enum Write<T> {
    /// A new row, whose version is 1. Existing already, by id or by a unique field, is a conflict.
    Insert(T),
    /// A row that must still have version `at`; the new one carries the next.
    Update {
        /// The row as it shall be.
        row: T,
        /// The version that it must have.
        at: Version,
    },
}

impl<T> Write<T> {
    /// The row as it shall be.
    pub fn row(&self) -> &T {
        match self {
            Self::Insert(row) | Self::Update { row, .. } => row,
        }
    }
}

/// What happens to a contact.
#[derive(Debug, Clone)]
pub enum ContactWrite {
    /// Found by a key or made, and given what a lead offers.
    Merge(Box<ContactMerge>),
    /// Written whole, if it still has this version.
    Update {
        /// The row as it shall be.
        row: Box<Contact>,
        /// The version that it must have.
        at: Version,
    },
}

/// A lead's part in its contact.
#[derive(Debug, Clone)]
pub struct ContactMerge {
    /// The contact to be made if the key is unknown.
    pub candidate: ContactId,
    /// What it is recognised by.
    pub key: ContactKey,
    /// What the lead says of the person.
    pub offer: Offer,
    /// The lead, as a touch.
    pub touch: Touch,
}

/// A reservation: this name belongs to this intake, appointment or conversion. What holds it already may claim it again.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// The webhook that it counts in; `None`: the whole workspace.
    pub webhook: Option<WebhookId>,
    /// What kind of name it is.
    pub kind: ClaimKind,
    /// The name.
    pub value: String,
    /// What came in under it.
    pub fingerprint: Fingerprint,
    /// The UUID of what claims it.
    pub holder: Uuid,
    /// When it may be taken over; `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it gives way to another body at any time: what holds it was refused, and a corrected one may come under the
    /// same name.
    pub yields: bool,
}

/// The name that a claim is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimName {
    /// The webhook that it counts in; `None`: the whole workspace.
    pub webhook: Option<WebhookId>,
    /// What kind of name it is.
    pub kind: ClaimKind,
    /// The name.
    pub value: String,
}

impl fmt::Debug for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimName({:?} in {:?})", self.kind, self.webhook)
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim({:?} for {})", self.kind, self.holder)
    }
}

/// The kinds of claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimKind {
    /// An idempotency key: remembered for some hours.
    IdempotencyKey,
    /// The sender's own id of the lead: remembered for ever.
    ExternalId,
    /// The caller's own id of an appointment: remembered for ever.
    Appointment,
    /// The caller's own id of a conversion: remembered for ever.
    Conversion,
    /// The caller's own id of a touch: remembered for ever.
    Touchpoint,
}

impl ClaimKind {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::IdempotencyKey, Self::ExternalId, Self::Appointment, Self::Conversion, Self::Touchpoint];

    /// The kind as stores keep it.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind that stores keep as `code`.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// An addition to a counter that has a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterAdd {
    /// Which counter.
    pub key: String,
    /// Which of its windows: counters of different windows know nothing of each other.
    pub window: DateTime<Utc>,
    /// How much is added.
    pub n: i64,
    /// The most that it may come to.
    pub at_most: i64,
}

/// Times of calendars that are taken, all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The UUID of the appointment or the hold that takes them.
    pub by: Uuid,
    /// When they are given back by themselves: of a hold.
    pub until: Option<DateTime<Utc>>,
    /// Whether they are taken with room or without: what was agreed on before there was a calendar.
    pub is_settled: bool,
    /// The time of the appointment itself.
    pub time: Interval,
    /// What is taken.
    pub takes: Vec<Take>,
}

impl Booking {
    /// What can't be had of it.
    pub fn clash(&self, with: &Take) -> GateLost {
        let taken = |take: &Take| {
            let minutes = |time: TimeDelta| u32::try_from(time.num_minutes()).unwrap_or(0);
            Taken {
                resource: take.resource.clone(),
                units: take.units,
                before: minutes(self.time.start - take.time.start),
                after: minutes(take.time.end - self.time.end),
                named: false,
            }
        };
        let clash = Clash {
            resource: with.resource.clone(),
            time: self.time,
            why: ClashWhy::Taken,
            takes: self.takes.iter().map(taken).collect(),
            next: Vec::new(),
        };
        GateLost::Clash { by: self.by, clash: Box::new(clash) }
    }
}

/// Times of calendars that are given back: those of them that are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveBack {
    /// The UUID of the appointment that took them, or the mark of the hold.
    pub by: Uuid,
    /// Whose times, with what was taken before and after.
    pub takes: Vec<(Resource, Interval)>,
}

/// What the decision of a [`Route`] looks at.
pub trait Standing {
    /// What a counter's window has come to.
    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, CommitError>;
    /// Whether a calendar has room for this.
    fn has_room(&mut self, take: &Take) -> Result<bool, CommitError>;
}

/// An appointment whose target is decided when the change set is applied, by what counters have come to then.
#[derive(Debug, Clone)]
pub struct Route {
    appointment: AppointmentId,
    rules: Arc<RuleTable>,
    request: RoutingRequest,
    declined: Vec<Declined>,
    seats: Seats,
    counters: Vec<(String, DateTime<Utc>)>,
    takes: Vec<Take>,
    needs_somebody: bool,
}

impl Route {
    /// The route of an appointment that rules decide on, past those who declined it.
    pub fn new(
        appointment: AppointmentId,
        rules: Arc<RuleTable>,
        request: RoutingRequest,
        declined: Vec<Declined>,
        seats: Seats,
    ) -> Self {
        let (counters, takes) = match seats.asks() {
            true => {
                let of_targets = rules.targets(&request).filter_map(|target| seats.of_target(target));
                (rules.all_counters(&request), of_targets.chain(seats.wanted(None)).collect())
            }
            false => (rules.counters(&request, &declined), Vec::new()),
        };
        Self { appointment, rules, request, declined, seats, counters, takes, needs_somebody: false }
    }

    /// That loses its gate where nobody gets the appointment.
    #[must_use]
    pub fn to_somebody(self) -> Self {
        Self { needs_somebody: true, ..self }
    }

    /// The appointment.
    pub fn appointment(&self) -> AppointmentId {
        self.appointment
    }

    /// The counters that the decision may look at, each with its window, in order and each once.
    pub fn counters(&self) -> &[(String, DateTime<Utc>)] {
        &self.counters
    }

    /// The times that calendars may be asked for: of everyone who may get it, and of what it takes whoever does.
    pub fn takes(&self) -> &[Take] {
        &self.takes
    }

    /// The times of calendars that are taken with this decision.
    pub fn booking(&self, decision: &Decision) -> Option<Booking> {
        self.seats.booking(self.appointment.uuid(), decision)
    }

    /// Who gets it, as counters and calendars stand. What the decision adds to counters is in [`Decision::counted`], what it takes of
    /// calendars in [`Decision::takes`].
    ///
    /// # Errors
    /// Those of `standing`; [`GateLost::Nobody`].
    pub fn decide(&self, standing: &mut dyn Standing) -> Result<Decision, CommitError> {
        let state = Seated { seats: &self.seats, standing };
        let mut decision = self.rules.decide_with(&self.request, &self.declined, state)?;
        decision.takes = self.seats.takes(decision.target.as_ref());
        if self.needs_somebody && decision.target.is_none() {
            let lost = GateLost::Nobody { appointment: self.appointment, decision: Box::new(decision) };
            return Err(CommitError::GateLost(lost));
        }
        Ok(decision)
    }
}

/// Counters and calendars, as a decision asks for them.
struct Seated<'s> {
    seats: &'s Seats,
    standing: &'s mut dyn Standing,
}

impl State for Seated<'_> {
    type Error = CommitError;

    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, CommitError> {
        self.standing.used(key, window)
    }

    fn seat(&mut self, target: &Target) -> Result<Option<Seat>, CommitError> {
        self.seats.seat(target, |take| self.standing.has_room(take))
    }
}

/// A place in which a lead repeats another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatWindow {
    /// The contact; a candidate means the contact that it becomes.
    pub contact: ContactId,
    /// What two leads must share, besides the contact.
    pub key: Fingerprint,
    /// The lead that comes in.
    pub lead: LeadId,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Accepted leads received at or before this are too old to be repeated.
    pub cutoff: DateTime<Utc>,
    /// Accepted leads received at or after this are too new: one that comes in late repeats none of them.
    pub until: DateTime<Utc>,
    /// Whether a repeat loses the gate.
    pub reject: bool,
}

/// A key that leads to another contact from now on: that it led to this one until now is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedKey {
    /// The key.
    pub key: ContactKey,
    /// Where it led.
    pub from: ContactId,
    /// Where it leads.
    pub to: ContactId,
}

/// What a repeat window knows since leads are another contact's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedWindow {
    /// The contact.
    pub contact: ContactId,
    /// What two leads must share.
    pub key: Fingerprint,
    /// The last accepted lead.
    pub last: super::Last,
    /// Whether a later one that the window knows stays; if not, it knows this one only.
    pub keeps_later: bool,
}

/// Something that happened, before it is numbered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened.
    pub body: EventBody,
    /// The contact that it is about; a candidate means the contact that it becomes.
    pub contact: Option<Mention<ContactId>>,
    /// The lead that it is about.
    pub lead: Option<Mention<LeadId>>,
    /// What else it changes.
    pub subject: Option<Subject>,
    /// The lead that is repeated, where the plan knows it; the store fills it in for a received lead.
    pub duplicate_of: Option<LeadId>,
}

impl NewEvent {
    /// An event that is about no contact and no lead.
    pub fn about(subject: Subject, body: EventBody) -> Self {
        Self { body, contact: None, lead: None, subject: Some(subject), duplicate_of: None }
    }
}

/// An aggregate that an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mention<I> {
    /// The aggregate.
    pub id: I,
    /// Whether the event changes it, and so is one of its stream.
    pub changes: bool,
}

impl<I> Mention<I> {
    /// The event changes it.
    pub const fn changed(id: I) -> Self {
        Self { id, changes: true }
    }

    /// The event only speaks of it.
    pub const fn only(id: I) -> Self {
        Self { id, changes: false }
    }
}

/// A gate that was lost: an answer, not a failure. Nothing was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateLost {
    /// The configuration is another one by now, or there is no such workspace.
    Config {
        /// The version that it has; `None` when there is no such workspace.
        current: Option<ConfigVersion>,
    },
    /// The name is claimed already.
    Claim {
        /// What wanted it.
        claimant: Uuid,
        /// What kind of name it is.
        kind: ClaimKind,
        /// What holds it.
        holder: Uuid,
        /// Whether the same thing came in under it.
        same_body: bool,
    },
    /// The lead repeats another one, and repeats are rejected.
    Repeat {
        /// The lead that came in.
        lead: LeadId,
        /// The lead that it repeats.
        of: LeadId,
    },
    /// The counter's limit is reached.
    Counter {
        /// The counter.
        key: String,
    },
    /// A time can't be had.
    Clash {
        /// The UUID of the appointment or the hold that wanted it.
        by: Uuid,
        /// What stands against it.
        clash: Box<Clash>,
    },
    /// The rules have nobody for the appointment.
    Nobody {
        /// The appointment.
        appointment: AppointmentId,
        /// What they decided.
        decision: Box<Decision>,
    },
}

impl fmt::Display for GateLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config { current: None } => f.write_str("there is no such workspace"),
            Self::Config { current: Some(_) } => f.write_str("the configuration is another one by now"),
            Self::Claim { holder, .. } => write!(f, "the name is claimed by `{holder}`"),
            Self::Repeat { of, .. } => write!(f, "the lead repeats `{of}`"),
            Self::Clash { clash, .. } => clash.fmt(f),
            Self::Nobody { decision, .. } => f.write_str(&decision.explain()),
            Self::Counter { key } => write!(f, "the limit of `{key}` is reached"),
        }
    }
}
