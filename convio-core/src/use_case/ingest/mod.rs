//! Ingest: a raw lead is read, checked and normalised, its contact is found or made, the lead is stored; or it is kept as
//! a rejection with every reason.
//!
//! | path | reads first | commits |
//! |---|---|---|
//! | new lead | nothing (the configuration is a cached snapshot) | 1 |
//! | replay | nothing | 1 that applies nothing, then the answer of the first is looked up |
//! | stale configuration | the configuration | 1 that applies nothing, then 1 |
//! | repeat where repeats are rejected | nothing | 1 that applies nothing, then 1 with the rejection |
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `ingest` | nothing | 1 | 1 |
//! | `receive`: a lead with its appointment | nothing | 1; the appointment is read then | 3 |
//! | `release` | the rejection and its payload | 1 | 3 |
//!
//! What the plan can't know without reading are gates of the change set, and the store says which one was lost.

mod aliases;
mod answer;
mod normalise;
mod parts;
mod read;
mod sent;
mod state;

use std::borrow::Cow;
use std::sync::Arc;

use chrono::DateTime;

use crate::analytics::{Cube, Measure, When};
use crate::appointment::NewAppointment;
use crate::calendar::{Clash, Hold, Seats};
use crate::canonical::{self, Fingerprint};
use crate::change_set::{
    ChangeSet, Claim, ClaimKind, ContactMerge, ContactWrite, Mention, NewEvent, RepeatWindow, Version, Write,
};
use crate::contact::{ContactKey, Offer, Stamp, Touch};
use crate::error::{Error, Reason};
use crate::event::{EventBody, LeadPersonal, LeadReceived, LeadRejected, Subject};
use crate::id::{AppointmentId, ContactId, IntakeId, LeadId, ProviderId};
use crate::lead::{Attempts, Lead, Payload, Priority, Progress, RawLead};
use crate::rejection::{Corrections, Rejection, RejectionState};
use crate::use_case::{ConfigSnapshot, Context, book, rollups};
use crate::webhook::{RepeatAction, Webhook, WebhookSecret};

pub use answer::{Accepted, Ingested, Refused};
pub(crate) use normalise::Normalised;
pub(super) use read::check_corrections;
pub(crate) use read::check_names;
#[cfg(all(feature = "intake", feature = "service"))]
pub(crate) use read::{meaning, said};

/// A raw lead with a plan: the change set, and what to answer when it is applied.
#[derive(Debug)]
pub struct IngestPlan {
    /// What came in.
    pub intake: IntakeId,
    /// What shall be true.
    pub changes: ChangeSet,
    /// What the plan comes to.
    pub verdict: Verdict,
    /// The appointment that came with it, where the lead is taken.
    pub appointment: Option<AppointmentId>,
}

/// What a plan comes to, as far as it can be known before the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The lead is taken. These things in it are doubtful.
    Take(Vec<Reason>),
    /// The lead is rejected.
    Reject(Refused),
}

/// Plans a lead that comes in.
///
/// Fails where not even a rejection can be kept: no such webhook, an inactive workspace, an oversized payload, an unusable
/// idempotency key.
pub fn plan(raw: &RawLead, config: &ConfigSnapshot, context: &Context<'_>) -> Result<IngestPlan, Error> {
    let intake = IntakeId::new(context.ids, context.at);
    let (arrival, content) = Arrival::of(raw, intake, config, context)?;
    let mut plan = match arrival.read(content, &Corrections::default()) {
        Ok(lead) => arrival.take(lead, context),
        Err(reasons) => arrival.reject(reasons, None, context),
    };
    plan.changes.payloads = vec![arrival.payload(raw)];
    Ok(plan)
}

/// What a lead was found to be kept out by, once others were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barred {
    /// It repeats this lead, and repeats are rejected.
    Repeats(LeadId),
    /// The time of the appointment that it comes with can't be had.
    Clash(Box<Clash>),
}

impl Barred {
    /// Why it is rejected.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Repeats(of) => Reason::new("lead", "duplicate", format!("the lead repeats lead `{of}`")),
            Self::Clash(clash) => clash_reason(clash),
        }
    }

    /// The lead that it repeats.
    pub fn repeats(&self) -> Option<LeadId> {
        match self {
            Self::Repeats(of) => Some(*of),
            Self::Clash(_) => None,
        }
    }
}

fn clash_reason(clash: &Clash) -> Reason {
    Reason::new("appointment.schedule", clash.why.code(), clash.to_string())
}

/// Plans the rejection of a lead that is kept out.
pub fn plan_barred(
    raw: &RawLead,
    by: &Barred,
    config: &ConfigSnapshot,
    context: &Context<'_>,
) -> Result<IngestPlan, Error> {
    let intake = IntakeId::new(context.ids, context.at);
    let (arrival, _) = Arrival::of(raw, intake, config, context)?;
    let mut plan = arrival.reject(vec![by.reason()], by.repeats(), context);
    plan.changes.payloads = vec![arrival.payload(raw)];
    Ok(plan)
}

/// Plans the release of a rejection, with this appointment: the lead is read again with its corrections, under the rules of today. Where it
/// is still not to be taken, the verdict says why and the change set changes nothing.
pub fn plan_release(
    rejection: &Rejection,
    payload: &Payload,
    appointment: Option<&NewAppointment>,
    config: &ConfigSnapshot,
    context: &Context<'_>,
) -> Result<IngestPlan, Error> {
    let webhook = config_webhook(config, rejection)?;
    let raw = RawLead {
        body: Arc::clone(&payload.body),
        format: payload.format,
        webhook: webhook.name.clone(),
        idempotency_key: None, // its claim belongs to this intake already
        external_id: rejection.external_id.clone(),
        received_at: Some(rejection.received_at),
        headers: Vec::new(),
        test: rejection.test,
        secret: None,
        provider: None,
        appointment: appointment.cloned(),
        released: true, // its secret was checked when it came in
    };
    // Whoever releases it, it stays a lead of who sent it.
    let context = &Context { provider: None, ..*context };
    let (mut arrival, content) = Arrival::of(&raw, rejection.id, config, context)?;
    arrival.provider = rejection.provider;
    match arrival.read(content, &rejection.corrections) {
        Err(reasons) => {
            let refused = Refused { id: rejection.id, reasons, duplicate_of: None };
            let changes = context.changes(config.workspace.id);
            let verdict = Verdict::Reject(refused);
            Ok(IngestPlan { intake: rejection.id, changes, verdict, appointment: None })
        }
        Ok(lead) => {
            let mut plan = arrival.take(lead, context);
            let mut row = rejection.clone();
            row.state = RejectionState::Released;
            row.version = rejection.version.next();
            let event = NewEvent::about(Subject::Rejection(rejection.id), EventBody::RejectionReleased);
            plan.changes.events.push(event);
            plan.changes.rejections.push(Write::Update { row, at: rejection.version });
            Ok(plan)
        }
    }
}

/// A lead at the door: what is known before it is read.
struct Arrival<'a> {
    intake: IntakeId,
    config: &'a ConfigSnapshot,
    webhook: &'a Webhook,
    fingerprint: Fingerprint,
    idempotency_key: Option<Cow<'a, str>>,
    external_id: Option<Cow<'a, str>>,
    test: bool,
    received_at: DateTime<chrono::Utc>,
    provider: Option<ProviderId>,
    appointment: Option<&'a NewAppointment>,
    /// What the appointment takes of calendars, or why it can't be booked.
    seats: Option<Result<Seats, Vec<Reason>>>,
    released: bool,
}

impl<'a> Arrival<'a> {
    /// The lead as it comes, and its content, which is read once.
    fn of(
        raw: &'a RawLead,
        intake: IntakeId,
        config: &'a ConfigSnapshot,
        context: &Context<'_>,
    ) -> Result<(Self, read::Content<'a>), Error> {
        let webhook = config.webhook(&raw.webhook)?;
        if let Some(refusal) = config.workspace.refusal() {
            return Err(Error::denied(refusal));
        }
        let shown = |secret: WebhookSecret| raw.secret.as_deref().is_some_and(|given| secret.is(given));
        if !raw.released && !webhook.settings.secret.is_none_or(shown) {
            return Err(Error::denied(format!("webhook `{}` asks for its secret", webhook.name)));
        }
        let provider = provider(raw, webhook, config, context)?;
        let mut reasons = Vec::new();
        if let Some(Err(error)) = raw.appointment.as_ref().map(NewAppointment::check) {
            reasons.extend(of_appointment(&error));
        }
        if raw.body.len() > PAYLOAD_BYTES_MAX {
            let message = format!("a payload has at most {PAYLOAD_BYTES_MAX} bytes, not {}", raw.body.len());
            reasons.push(Reason::new("payload", "too_large", message));
        }
        let idempotency_key = given(&raw.idempotency_key, "idempotency_key", &mut reasons);
        let external_id = given(&raw.external_id, "external_id", &mut reasons);
        if webhook.settings.idempotency_required && idempotency_key.is_none() {
            reasons.push(Reason::missing("idempotency_key"));
        }
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        let content = read::content(raw);
        let fingerprint = match &content {
            Ok(object) => object.fingerprint(raw.body.len()),
            Err(_) => Fingerprint::of_bytes(&raw.body),
        };
        // What comes with an appointment is another body than the same without it.
        let fingerprint = match &raw.appointment {
            None => fingerprint,
            Some(new) => canonical::fingerprint(&serde_json::json!([fingerprint.to_hex(), book::said(new)?])),
        };
        let received_at = crate::clock::micros(raw.received_at.unwrap_or(context.at).min(context.at));
        let arrival = Self {
            intake,
            config,
            webhook,
            fingerprint,
            idempotency_key,
            external_id,
            test: raw.test,
            received_at,
            provider,
            appointment: raw.appointment.as_ref(),
            seats: raw.appointment.as_ref().map(|new| {
                book::seats(new, config).map_err(|error| match error.clash() {
                    Some(clash) => vec![clash_reason(clash)],
                    None => of_appointment(&error),
                })
            }),
            released: raw.released,
        };
        Ok((arrival, content))
    }

    /// The lead in its normal form, or every reason why it can't be taken.
    fn read(&self, content: read::Content<'_>, corrections: &Corrections) -> Result<Normalised, Vec<Reason>> {
        let mut refusals: Vec<Reason> = self.webhook.refusal().into_iter().collect();
        if let Some(Err(reasons)) = &self.seats {
            refusals.extend(reasons.iter().cloned());
        }
        let object = match content {
            Ok(object) => object,
            // A payload that can't be read can still be released, by corrections that say it all.
            Err(_) if !corrections.0.is_empty() => sent::Object::default(),
            Err(reason) => {
                refusals.push(reason);
                return Err(refusals);
            }
        };
        let fields = read::fields(object, &self.webhook.settings.fields, corrections);
        match normalise::normalise(fields, self.webhook, self.external_id.as_deref()) {
            Ok(lead) if refusals.is_empty() => Ok(lead),
            Ok(_) => Err(refusals),
            Err(reasons) => {
                refusals.extend(reasons);
                Err(refusals)
            }
        }
    }

    fn take(&self, lead: Normalised, context: &Context<'_>) -> IngestPlan {
        let Normalised { key, person, interest, custom, flags } = lead;
        let id = self.intake.lead();
        let workspace = self.config.workspace.id;
        let candidate = ContactId::new(context.ids, context.at);
        let rank = self.webhook.settings.rank;
        let mut changes = self.changes(context);
        changes.claims.extend(self.claim(
            ClaimKind::IdempotencyKey,
            self.idempotency_key.as_deref(),
            context,
        ));
        changes.claims.extend(self.claim(ClaimKind::ExternalId, interest.external_id.as_deref(), context));
        let repeat = self.webhook.settings.repeat;
        if !self.test && repeat.action != RepeatAction::Accept {
            let (cutoff, until) = repeat.bounds(self.received_at);
            changes.windows = vec![RepeatWindow {
                contact: candidate,
                key: repeat_key(&interest),
                lead: id,
                received_at: self.received_at,
                cutoff,
                until,
                reject: repeat.action == RepeatAction::Reject,
            }];
        }
        let mut progress = Progress::new(self.config.pipeline());
        if self.appointment.is_some() {
            progress.booked(self.config.pipeline());
        }
        let touch = Touch { source: interest.source.clone(), lead: id, at: self.received_at };
        let personal = LeadPersonal {
            person: person.clone(),
            key: Some(key.clone()),
            postal_code: person.postal_code.clone(),
            custom: custom.clone(),
        };
        let received = LeadReceived {
            webhook: self.webhook.id,
            provider: self.provider,
            progress: progress.clone(),
            interest: interest.clone(),
            flags: flags.clone(),
            test: self.test,
            rank,
            received_at: self.received_at,
            personal: Some(personal),
        };
        changes.events = vec![NewEvent {
            body: EventBody::LeadReceived(Box::new(received)),
            contact: Some(Mention::changed(candidate)),
            lead: Some(Mention::changed(id)),
            subject: None,
            duplicate_of: None,
        }];
        let row = Lead {
            id,
            workspace,
            contact: candidate,
            webhook: self.webhook.id,
            provider: self.provider,
            interest,
            custom,
            postal_code: person.postal_code.clone(),
            flags: flags.clone(),
            test: self.test,
            progress,
            owner: None,
            follow_up_at: None,
            priority: Priority::default(),
            attempts: Attempts::default(),
            duplicate_of: None,
            opened_contact: false,
            deleted_at: None,
            received_at: self.received_at,
            created_at: context.at,
            version: Version::ZERO.next(),
        };
        let rules = self.config.rules_at(context.at);
        let routed = self.appointment.zip(self.seats.as_ref()).and_then(|(new, seats)| {
            let seats = seats.as_ref().ok()?;
            Some((new, book::route(new, &row, Some(&person), None, rules, seats, context), seats.clone()))
        });
        let stamp = Stamp { rank, at: self.received_at, lead: id };
        let merge = ContactMerge { candidate, key, offer: Offer { person, stamp }, touch };
        changes.contacts = vec![ContactWrite::Merge(Box::new(merge))];
        let add = [
            (Measure::Leads, 1, When::Always),
            (Measure::Contacts, 1, When::ContactCreated),
            (Measure::Repeats, 1, When::Repeat),
        ];
        let used = [(Measure::Taken, 1, When::Always), (Measure::TakenAgain, 1, When::Repeat)];
        changes.rollups = self.rollups(row.interest.source.key(), &add, Some(self.received_at), &used);
        let appointment =
            routed.map(|(new, routed, seats)| self.place(&mut changes, &row, new, routed, seats, context));
        changes.leads = vec![Write::Insert(row)];
        IngestPlan { intake: self.intake, changes, verdict: Verdict::Take(flags), appointment }
    }

    fn reject(
        &self,
        reasons: Vec<Reason>,
        duplicate_of: Option<LeadId>,
        context: &Context<'_>,
    ) -> IngestPlan {
        let mut changes = self.changes(context);
        changes.claims.extend(self.claim(
            ClaimKind::IdempotencyKey,
            self.idempotency_key.as_deref(),
            context,
        ));
        // The sender's own id is held for this very lead: a corrected one may come under it.
        let held = self.claim(ClaimKind::ExternalId, self.external_id.as_deref(), context);
        changes.claims.extend(held.map(|claim| Claim { yields: true, ..claim }));
        let rejected = LeadRejected {
            webhook: self.webhook.id,
            reasons: reasons.clone(),
            provider: self.provider,
            external_id: self.external_id.as_deref().map(str::to_owned),
            test: self.test,
            received_at: self.received_at,
            appointment: self.appointment.cloned(),
        };
        changes.events = vec![NewEvent {
            duplicate_of,
            ..NewEvent::about(Subject::Rejection(self.intake), EventBody::LeadRejected(Box::new(rejected)))
        }];
        changes.rejections = vec![Write::Insert(Rejection {
            id: self.intake,
            workspace: self.config.workspace.id,
            webhook: self.webhook.id,
            reasons: reasons.clone(),
            duplicate_of,
            external_id: self.external_id.as_deref().map(str::to_owned),
            provider: self.provider,
            appointment: self.appointment.cloned(),
            test: self.test,
            corrections: Corrections::default(),
            state: RejectionState::Held,
            received_at: self.received_at,
            created_at: context.at,
            version: Version::ZERO.next(),
        })];
        let (add, used) = ([(Measure::Rejected, 1, When::Always)], [(Measure::Refused, 1, When::Always)]);
        changes.rollups = self.rollups(self.webhook.default_source().key(), &add, None, &used);
        let refused = Refused { id: self.intake, reasons, duplicate_of };
        IngestPlan { intake: self.intake, changes, verdict: Verdict::Reject(refused), appointment: None }
    }

    /// Books the appointment that came with the lead, whose progress says so already.
    fn place(
        &self,
        changes: &mut ChangeSet,
        lead: &Lead,
        new: &NewAppointment,
        routed: book::Routed,
        seats: Seats,
        context: &Context<'_>,
    ) -> AppointmentId {
        let rules = self.config.rules_at(context.at);
        changes.given_back.extend(new.hold.as_ref().map(Hold::given_back));
        let routing = routed.place(changes, self.intake.appointment(), rules, seats);
        let appointment = book::appointment(new, self.intake.appointment(), lead, routing, context);
        changes.claims.extend(book::claim(&appointment, self.fingerprint));
        changes.events.push(NewEvent {
            contact: Some(Mention::only(lead.contact)),
            lead: Some(Mention::only(lead.id)),
            ..book::event(&appointment, None)
        });
        let day = self.config.workspace.settings.zone.day_of(appointment.booked_at);
        book::count(changes, lead, &appointment, day);
        if !lead.test {
            let add = vec![(Measure::Scheduled, 1)];
            changes.rollups.push(rollups::of_lead(Cube::Funnel, lead, day, add));
        }
        let id = appointment.id;
        changes.appointments.push(Write::Insert(appointment));
        id
    }
}

/// The provider that a lead came from: the one whose key the caller has, or the one that it names.
fn provider(
    raw: &RawLead,
    webhook: &Webhook,
    config: &ConfigSnapshot,
    context: &Context<'_>,
) -> Result<Option<ProviderId>, Error> {
    let named = raw.provider.as_deref().map(|name| config.provider(name)).transpose()?;
    let of_key = context.provider.map(|id| {
        config.provider_by_id(id).ok_or_else(|| Error::denied("the API key is one of an unknown provider"))
    });
    let provider = match (of_key.transpose()?, named) {
        (Some(own), Some(named)) if own.id != named.id => {
            return Err(Error::denied("the API key is one of another provider"));
        }
        (own, named) => own.or(named),
    };
    match provider.and_then(|provider| provider.refusal(webhook.id)) {
        Some(refusal) => Err(Error::denied(refusal)),
        None => Ok(provider.map(|provider| provider.id)),
    }
}

/// What is wrong with the appointment that a lead comes with.
fn of_appointment(error: &Error) -> Vec<Reason> {
    let named = |reason: &Reason| Reason { field: format!("appointment.{}", reason.field), ..reason.clone() };
    error.reasons().iter().map(named).collect()
}

/// What two leads of one contact must share for one to repeat the other: product and campaign, without regard to case.
pub(super) fn repeat_key(interest: &crate::lead::Interest) -> Fingerprint {
    let product = interest.product.as_ref().map(|product| product.key());
    let campaign = interest.campaign.as_ref().map(|campaign| campaign.key());
    canonical::fingerprint_of_texts([product, campaign])
}

fn given<'r>(value: &'r Option<String>, field: &str, reasons: &mut Vec<Reason>) -> Option<Cow<'r, str>> {
    let value = value.as_deref()?;
    // A sender is not refused for a NUL in a name of its own.
    let value = if value.contains('\0') { value.replace('\0', "").into() } else { Cow::Borrowed(value) };
    if value.trim().is_empty() || value.len() > CLAIM_BYTES_MAX {
        let message = format!("{field} has 1 to {CLAIM_BYTES_MAX} bytes that are not all blank");
        reasons.push(Reason::new(field, "invalid", message));
        return None;
    }
    Some(value)
}

fn config_webhook<'c>(config: &'c ConfigSnapshot, rejection: &Rejection) -> Result<&'c Webhook, Error> {
    config.webhook_by_id(rejection.webhook).ok_or_else(|| Error::not_found("webhook", rejection.webhook))
}

/// A key of a contact in this webhook's scope.
pub(super) fn key(webhook: &Webhook, kind: crate::contact::KeyKind, value: String) -> ContactKey {
    ContactKey { scope: webhook.key_scope(), kind, value }
}

/// Largest payload: several times the largest lead seen, small enough to hold thousands in memory.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// Longest idempotency key or external id: they are index keys.
pub const CLAIM_BYTES_MAX: usize = 255;
