//! Books an appointment from a lead.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `book` | the lead, its contact, and who was responsible for that before | 1 | 3 |

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{ConfigSnapshot, Context, Plan, UseCase, leads, rollups};
use crate::analytics::{Cube, Measure};
use crate::api_key::Permission;
use crate::appointment::{Appointment, AppointmentStatus, NewAppointment};
use crate::calendar::{Hold, Seats};
use crate::canonical::{Fingerprint, fingerprint};
use crate::change_set::{ChangeSet, Claim, ClaimKind, Mention, NewEvent, Receipt, Route, Version, Write};
use crate::contact::Person;
use crate::error::Error;
use crate::event::{AppointmentBooked, EventBody, Subject};
use crate::id::{AppointmentId, LeadId, WorkspaceId};
use crate::lead::{Lead, Progress};
use crate::money::Money;
use crate::phone::AreaCode;
use crate::routing::{Decision, Declined, How, RoutingRequest, RuleTable};
use crate::store::{ContactOf, KnownOwner, Loaded, Need, Needs};
use crate::text::{Private, State};

/// Books an appointment from a lead and routes it. Reads the lead with its contact, and who was responsible for that before; one commit.
#[derive(Debug, Clone)]
pub struct Book {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The lead.
    pub lead: LeadId,
    /// What is booked.
    pub new: NewAppointment,
}

impl UseCase for Book {
    type Answer = Appointment;

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        let owner = self.new.target.is_none().then_some(Need::Owner(ContactOf::Lead(self.lead)));
        Needs::of(self.workspace, [Need::Lead(self.lead)].into_iter().chain(owner))
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Appointment>, Error> {
        let config = context.open()?;
        self.new.check()?;
        let lead = loaded.lead(self.lead).ok_or_else(|| Error::not_found("lead", self.lead))?;
        leads::stands(lead)?;
        let person = loaded.contact(lead.contact).map(|contact| &contact.person);
        let rules = config.rules_at(context.at);
        let known = loaded.owner(ContactOf::Lead(lead.id));
        let seats = seats(&self.new, config)?;
        let routed = route(&self.new, lead, person, known, rules, &seats, context);
        let id = AppointmentId::new(context.ids, context.at);
        let mut changes = context.changes(self.workspace);
        changes.given_back.extend(self.new.hold.as_ref().map(Hold::given_back));
        let routing = routed.place(&mut changes, id, rules, seats);
        let appointment = appointment(&self.new, id, lead, routing, context);
        let mut progress = lead.progress.clone();
        progress.booked(config.pipeline());
        leads::write_progress(&mut changes, lead, &progress);
        let body = fingerprint(&serde_json::json!([lead.id, said(&self.new)?]));
        changes.claims.extend(claim(&appointment, body));
        changes.events.push(NewEvent {
            contact: Some(Mention::only(lead.contact)),
            lead: Some(Mention::changed(lead.id)),
            ..event(&appointment, Some(progress.clone()))
        });
        let day = config.workspace.settings.zone.day_of(appointment.booked_at);
        count(&mut changes, lead, &appointment, day);
        changes.rollups.extend(rollups::funnel(lead, &progress, day));
        changes.appointments.push(Write::Insert(appointment.clone()));
        Ok(Plan { changes, answer: appointment })
    }

    fn complete(&self, appointment: &mut Appointment, receipt: &Receipt) {
        complete(appointment, receipt);
    }
}

/// Tells the caller what the commit decided.
pub(super) fn complete(appointment: &mut Appointment, receipt: &Receipt) {
    if let Some((_, decision)) = receipt.routes.iter().find(|(id, _)| *id == appointment.id) {
        appointment.route(decision);
    }
}

/// Whom an appointment goes to, as far as the plan can tell.
pub(super) enum Routed {
    /// It goes there.
    To(Decision),
    /// That depends on counters: the commit decides.
    ByCounters(RoutingRequest, Vec<Declined>),
}

impl Routed {
    /// Whom the rules give it to, past those who declined it.
    pub(super) fn by(
        rules: &RuleTable,
        request: RoutingRequest,
        declined: Vec<Declined>,
        seats: &Seats,
    ) -> Self {
        let is_sure = declined.is_empty() && !seats.asks();
        let alone = is_sure.then(|| rules.decide_alone(&request)).flatten();
        alone.map_or_else(|| Self::ByCounters(request, declined), Self::To)
    }

    /// The decision; where it is the commit's, what stands in its place until then.
    pub(super) fn place(
        self,
        changes: &mut ChangeSet,
        appointment: AppointmentId,
        rules: &Arc<RuleTable>,
        seats: Seats,
    ) -> Decision {
        match self {
            Self::To(mut decision) => {
                decision.takes = seats.takes(decision.target.as_ref());
                changes.bookings.extend(seats.booking(appointment.uuid(), &decision));
                decision
            }
            Self::ByCounters(request, declined) => {
                changes.routes.push(Route::new(appointment, rules.clone(), request, declined, seats));
                Decision::none(How::Unrouted, rules.rules().version)
            }
        }
    }
}

/// What an appointment takes of calendars, which must be open, and of which there must be those that it names. So must the endpoint
/// that it goes to directly.
pub(super) fn seats(new: &NewAppointment, config: &ConfigSnapshot) -> Result<Seats, Error> {
    if let Some(reason) = new.target.as_ref().and_then(|target| config.target_reason(target)) {
        return Err(Error::invalid(vec![reason]));
    }
    let calendars = &config.calendars;
    let with = calendars.wanted(&new.with)?;
    let time = new.schedule.kept().time();
    let seats = Seats::new(calendars.clone(), time, new.staff.clone()).with(with).anytime(new.anytime);
    seats.check(&seats.takes(new.target.as_ref()))?;
    Ok(seats)
}

/// The appointment that a lead leads to.
pub(super) fn appointment(
    new: &NewAppointment,
    id: AppointmentId,
    lead: &Lead,
    routing: Decision,
    context: &Context<'_>,
) -> Appointment {
    let NewAppointment {
        schedule,
        appointment_type,
        location,
        target: _,
        staff,
        external_id,
        booked_at,
        value: _,
        with: _,
        hold: _,
        anytime: _,
    } = new;
    Appointment {
        id,
        workspace: lead.workspace,
        lead: lead.id,
        contact: lead.contact,
        appointment_type: appointment_type.clone(),
        schedule: schedule.kept(),
        location: location.clone(),
        staff: staff.clone().or_else(|| routing.keeper()),
        routing,
        status: AppointmentStatus::Booked,
        outcome: None,
        next_step: None,
        ended: None,
        conversion: None,
        rescheduled_from: None,
        rescheduled_to: None,
        external_id: external_id.clone(),
        booked_at: past(*booked_at, context),
        created_at: context.at,
        version: Version::ZERO.next(),
    }
}

/// Whom it goes to: the target that the caller names, or else the one that the rules find for the lead.
pub(super) fn route(
    new: &NewAppointment,
    lead: &Lead,
    person: Option<&Person>,
    known: Option<&KnownOwner>,
    rules: &RuleTable,
    seats: &Seats,
    context: &Context<'_>,
) -> Routed {
    match &new.target {
        Some(target) => Routed::To(Decision::direct(target.clone())),
        None => {
            let starts_at = Some(new.schedule.starts_at);
            let request = routing_request(lead, person, known, starts_at, new.value, context.at);
            Routed::by(rules, request, Vec::new(), seats)
        }
    }
}

/// What routing goes by: what is known of the lead, and of its person and who knew that before what the lead does not say.
pub(crate) fn routing_request(
    lead: &Lead,
    person: Option<&Person>,
    known: Option<&KnownOwner>,
    starts_at: Option<DateTime<Utc>>,
    value: Option<Money>,
    at: DateTime<Utc>,
) -> RoutingRequest {
    let request = RoutingRequest::of(lead, at);
    let postal_code = || person.and_then(|person| person.postal_code.clone());
    let state = person.and_then(|person| person.state.as_deref());
    let phone = person.and_then(|person| person.phone.as_ref());
    RoutingRequest {
        postal_code: request.postal_code.or_else(postal_code),
        // A text that is no name of a state is asked for by no rule.
        state: state.and_then(|state| State::new(state).ok()),
        area_code: phone.and_then(|parsed| AreaCode::of(&parsed.phone)),
        value,
        starts_at,
        owner: request.owner.or_else(|| known.map(|owner| owner.name().to_owned())),
        ..request
    }
}

/// The event of its booking.
pub(super) fn event(appointment: &Appointment, progress: Option<Progress>) -> NewEvent {
    let booked = AppointmentBooked {
        appointment_type: appointment.appointment_type.clone(),
        schedule: appointment.schedule.clone(),
        routing: appointment.routing.clone(),
        staff: appointment.staff.clone(),
        rescheduled_from: appointment.rescheduled_from,
        external_id: appointment.external_id.clone(),
        booked_at: appointment.booked_at,
        progress,
        location: appointment.location.clone().map(Private),
    };
    NewEvent::about(Subject::Appointment(appointment.id), EventBody::AppointmentBooked(Box::new(booked)))
}

/// Counts it for its lead and its target.
pub(super) fn count(changes: &mut ChangeSet, lead: &Lead, appointment: &Appointment, day: chrono::NaiveDate) {
    if lead.test {
        return;
    }
    changes.rollups.push(rollups::of_lead(Cube::Leads, lead, day, vec![(Measure::Booked, 1)]));
    let mut routed = rollups::of_target(appointment, day, &[Measure::Routed]);
    routed.at = Some(appointment.booked_at);
    changes.rollups.push(routed);
}

/// The claim of the caller's own id of it, if there is one.
pub(super) fn claim(appointment: &Appointment, fingerprint: Fingerprint) -> Option<Claim> {
    Some(Claim {
        webhook: None,
        kind: ClaimKind::Appointment,
        value: appointment.external_id.clone()?,
        fingerprint,
        holder: appointment.id.uuid(),
        expires_at: None,
        yields: false,
    })
}

/// What a caller said of an appointment, as it is compared.
pub(super) fn said(new: &NewAppointment) -> Result<serde_json::Value, Error> {
    // A retry may come with another hold of the same time.
    let new = NewAppointment { hold: None, ..new.clone() };
    serde_json::to_value(new).map_err(|error| Error::bug(error.to_string()))
}

/// A time that was given, if it is not to come, and else now.
pub(super) fn past(at: Option<DateTime<Utc>>, context: &Context<'_>) -> DateTime<Utc> {
    crate::clock::micros(at.unwrap_or(context.at).min(context.at))
}
