//! What becomes of an appointment.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `confirm` | the appointment, its lead and its contact | 1 | 3 |
//! | `assign` | the same | 1 | 3 |
//! | `decline` | the same, and who was responsible for the contact before | 1 | 3 |
//! | `reschedule` | the same | 1, with both appointments | 3 |
//!
//! `route` costs what `decline` costs, `cancel` and `no_show` what `confirm` costs. Round trips are those of a held connection, warm: a read, and the two of a commit
//! that is no lead alone; `convio-store-postgres/tests/trips.rs` counts them.

use super::book::{self, Routed};
use super::{ConfigSnapshot, Context, Plan, UseCase, leads, rollups};
use crate::analytics::Measure;
use crate::api_key::Permission;
use crate::appointment::{Appointment, AppointmentStatus, Ended, Party, Schedule, text_reason};
use crate::availability::Interval;
use crate::calendar::{Seats, Taken};
use crate::change_set::{Booking, Mention, NewEvent, Receipt, Route, RowRef, Version, Write};
use crate::contact::Person;
use crate::error::Error;
use crate::event::{AppointmentEnded, EventBody, Subject};
use crate::id::{AppointmentId, WorkspaceId};
use crate::lead::Lead;
use crate::routing::{Decision, Declined, End, Target};
use crate::store::{ContactOf, KnownOwner, Loaded, Need, Needs};

/// Changes an appointment that is still to take place. Reads the appointment with its lead and contact, and who was responsible for
/// that before where the rules are asked; one commit.
#[derive(Debug, Clone)]
pub struct ChangeAppointment {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The appointment.
    pub appointment: RowRef<AppointmentId>,
    /// What is changed.
    pub change: AppointmentChange,
}

/// What is changed of an appointment.
#[derive(Debug, Clone)]
pub enum AppointmentChange {
    /// The customer confirmed it.
    Confirm,
    /// It goes to this target, kept by this person of theirs.
    Assign {
        /// The target.
        target: Target,
        /// Who keeps it.
        staff: Option<String>,
    },
    /// Whoever has it does not want it: the rules are asked again, past all who declined it.
    Decline {
        /// Why.
        reason: Option<String>,
    },
    /// The rules are asked again for one that nobody has.
    Route,
    /// It takes its time of calendars that were made or changed after it was booked, whether they have room or not.
    Seat,
    /// It is called off.
    Cancel {
        /// Who called it off.
        by: Party,
        /// Why.
        reason: Option<String>,
    },
    /// Someone did not come.
    NoShow {
        /// Who.
        by: Party,
    },
}

impl UseCase for ChangeAppointment {
    type Answer = Appointment;

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        let id = self.appointment.id;
        let asks = matches!(self.change, AppointmentChange::Decline { .. } | AppointmentChange::Route);
        let owner = asks.then_some(Need::Owner(ContactOf::Appointment(id)));
        Needs::of(self.workspace, [Need::Appointment(id)].into_iter().chain(owner))
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Appointment>, Error> {
        let config = context.open()?;
        let (found, lead) = found(loaded, &self.appointment)?;
        let mut changes = context.changes(self.workspace);
        let mut row = found.clone();
        row.version = found.version.next();
        let mut progress = lead.progress.clone();
        let body = match &self.change {
            AppointmentChange::Confirm => {
                row.status = found.status.transition(AppointmentStatus::Confirmed)?;
                EventBody::AppointmentConfirmed
            }
            AppointmentChange::Assign { target, staff } => {
                if !found.status.is_open() {
                    let status = found.status.code();
                    return Err(Error::conflict(format!("an appointment that is `{status}` goes to no one")));
                }
                leads::check_text("staff", staff.as_deref())?;
                if let Some(reason) = config.target_reason(target) {
                    return Err(Error::invalid(vec![reason]));
                }
                changes.counters.extend(found.routing.freed(End::Passed));
                row.staff = staff.clone().or_else(|| Decision::by_hand(target.clone()).keeper());
                let seats = seats(found, found.schedule.time(), row.staff.clone(), config);
                let seats = seats.keeping(found.routing.takes.iter().cloned());
                // Who assigns it knows the hours.
                let routed = Routed::To(Decision::by_hand(target.clone()));
                row.routing = routed.place(&mut changes, found.id, config.rules_at(context.at), seats);
                let stays = |taken: &Taken| row.routing.takes.contains(taken);
                changes.given_back.push(found.given_back_but(stays));
                EventBody::AppointmentAssigned {
                    routing: Box::new(row.routing.clone()),
                    staff: row.staff.clone(),
                }
            }
            AppointmentChange::Decline { .. } | AppointmentChange::Route => {
                let person = loaded.contact(lead.contact).map(|contact| &contact.person);
                let known = loaded.owner(ContactOf::Appointment(found.id));
                let seats = seats(found, found.schedule.time(), None, config);
                let seats = seats.keeping(found.takes_by_name().cloned());
                let routed = self.again(found, lead, person, known, &seats, context)?;
                changes.counters.extend(found.routing.freed(End::Passed));
                changes.given_back.push(found.given_back_but(|taken| taken.named));
                row.routing = routed.place(&mut changes, found.id, config.rules_at(context.at), seats);
                if matches!(self.change, AppointmentChange::Route) {
                    // Asked in vain, it stays as it is.
                    changes.routes = changes.routes.drain(..).map(Route::to_somebody).collect();
                    if changes.routes.is_empty() && row.routing.target.is_none() {
                        return Err(Error::conflict(row.routing.explain()));
                    }
                }
                row.staff = row.routing.keeper();
                EventBody::AppointmentRouted {
                    routing: Box::new(row.routing.clone()),
                    staff: row.staff.clone(),
                }
            }
            AppointmentChange::Seat => {
                let seats = settled_seats(found, config);
                if !found.status.is_open() || !found.is_unseated(&seats) {
                    return Err(Error::conflict("the appointment takes its time already, or none any more"));
                }
                row.routing.takes = seats.takes(found.routing.target.as_ref());
                changes.given_back.push(found.given_back_but(|taken| seats.keeps(taken)));
                let booking = seats.booking(found.id.uuid(), &row.routing);
                changes.bookings.extend(booking.map(|booking| Booking { is_settled: true, ..booking }));
                EventBody::AppointmentSeated { takes: row.routing.takes.clone() }
            }
            AppointmentChange::Cancel { .. } | AppointmentChange::NoShow { .. } => {
                let (status, by, reason) = match &self.change {
                    AppointmentChange::Cancel { by, reason } => {
                        (AppointmentStatus::Cancelled, *by, reason.clone())
                    }
                    AppointmentChange::NoShow { by } => (AppointmentStatus::NoShow, *by, None),
                    _ => return Err(Error::bug("this change ends no appointment")),
                };
                row.status = found.status.transition(status)?;
                leads::check_text("reason", reason.as_deref())?;
                if status == AppointmentStatus::NoShow && context.at < found.schedule.starts_at {
                    let message = "no one misses an appointment before it starts";
                    return Err(Error::conflict(message));
                }
                let hours = config.workspace.settings.policy.late_cancel_hours;
                let cancelled = status == AppointmentStatus::Cancelled;
                let end = if cancelled { End::Cancelled } else { End::Missed };
                changes.counters.extend(found.routing.freed(end));
                changes.given_back.extend(cancelled.then(|| found.given_back()));
                let ended = ended(found, Some(by), reason, hours, status, context);
                row.ended = Some(ended.clone());
                progress.ended(false, None, config.pipeline());
                let body = AppointmentEnded {
                    status,
                    outcome: None,
                    ended,
                    conversion: None,
                    progress: Some(progress.clone()),
                    next_step: None,
                };
                if !lead.test {
                    let measure = match status {
                        AppointmentStatus::NoShow => Measure::NoShow,
                        _ => Measure::Cancelled,
                    };
                    let day = config.workspace.settings.zone.day_of(context.at);
                    changes.rollups.push(rollups::of_target(found, day, &[measure]));
                }
                EventBody::AppointmentEnded(Box::new(body))
            }
        };
        let moved = leads::write_progress(&mut changes, lead, &progress);
        changes.events.push(NewEvent {
            contact: Some(Mention::only(found.contact)),
            lead: leads::mention(lead, moved),
            ..NewEvent::about(Subject::Appointment(found.id), body)
        });
        changes.appointments.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: row })
    }

    fn complete(&self, appointment: &mut Appointment, receipt: &Receipt) {
        book::complete(appointment, receipt);
    }
}

impl ChangeAppointment {
    /// Whom the rules give an appointment to that was declined, or that nobody has.
    fn again(
        &self,
        found: &Appointment,
        lead: &Lead,
        person: Option<&Person>,
        known: Option<&KnownOwner>,
        seats: &Seats,
        context: &Context<'_>,
    ) -> Result<Routed, Error> {
        let mut declined = found.routing.declined.clone();
        match (&self.change, &found.routing.target) {
            _ if !found.status.is_open() => {
                let status = found.status.code();
                return Err(Error::conflict(format!("an appointment that is `{status}` goes to no one")));
            }
            (AppointmentChange::Decline { reason }, Some(target)) => {
                leads::check_text("reason", reason.as_deref())?;
                declined.push(Declined { target: target.clone(), reason: reason.clone() });
            }
            (AppointmentChange::Decline { .. }, None) => {
                return Err(Error::conflict("nobody has the appointment who could decline it"));
            }
            (_, Some(target)) => {
                return Err(Error::conflict(format!("the appointment is routed already, to {target}")));
            }
            (_, None) => {}
        }
        let starts_at = Some(found.schedule.starts_at);
        let request = book::routing_request(lead, person, known, starts_at, found.routing.value, context.at);
        Ok(Routed::by(context.config()?.rules_at(context.at), request, declined, seats))
    }
}

/// Moves an appointment to another time: the old one ends as rescheduled, and a new one stands in its place, with the same
/// target, person, type and place; each names the other. Reads the appointment with its lead and contact; one commit.
#[derive(Debug, Clone)]
pub struct Reschedule {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The appointment.
    pub appointment: RowRef<AppointmentId>,
    /// The new time.
    pub schedule: Schedule,
    /// Who wanted it moved.
    pub by: Party,
    /// Why.
    pub reason: Option<String>,
}

impl UseCase for Reschedule {
    type Answer = Appointment;

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Appointment(self.appointment.id)])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Appointment>, Error> {
        let config = context.open()?;
        let (found, lead) = found(loaded, &self.appointment)?;
        let mut reasons = self.schedule.reasons();
        reasons.extend(text_reason("reason", self.reason.as_deref()));
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        let hours = config.workspace.settings.policy.late_cancel_hours;
        let status = found.status.transition(AppointmentStatus::Rescheduled)?;
        let at = ended(found, Some(self.by), self.reason.clone(), hours, status, context);
        let mut new = Appointment {
            id: AppointmentId::new(context.ids, context.at),
            schedule: self.schedule.kept(),
            status: AppointmentStatus::Booked,
            rescheduled_from: Some(found.id),
            external_id: None, // it names the first one for ever
            booked_at: context.at,
            created_at: context.at,
            version: Version::ZERO.next(),
            ..found.clone()
        };
        let mut old = found.clone();
        old.status = status;
        old.rescheduled_to = Some(new.id);
        old.ended = Some(at.clone());
        old.version = found.version.next();
        let mut changes = context.changes(self.workspace);
        // Who has it keeps it: of their calendars it takes the new time in place of the old one.
        let seats = seats(found, new.schedule.time(), new.staff.clone(), config);
        seats.check(&seats.takes(new.routing.target.as_ref()))?;
        changes.given_back.push(found.given_back());
        new.routing =
            Routed::To(new.routing.clone()).place(&mut changes, new.id, config.rules_at(context.at), seats);
        let mention = |event: NewEvent| NewEvent {
            contact: Some(Mention::only(found.contact)),
            lead: leads::mention(lead, false),
            ..event
        };
        let moved = EventBody::AppointmentRescheduled { to: new.id, at };
        changes.events.push(mention(NewEvent::about(Subject::Appointment(found.id), moved)));
        changes.events.push(mention(book::event(&new, None)));
        if !lead.test {
            let day = config.workspace.settings.zone.day_of(context.at);
            changes.rollups.push(rollups::of_target(found, day, &[Measure::Rescheduled]));
        }
        changes.appointments.push(Write::Update { row: old, at: found.version });
        changes.appointments.push(Write::Insert(new.clone()));
        Ok(Plan { changes, answer: new })
    }
}

/// What an appointment takes of calendars at a time, kept by this person.
fn seats(found: &Appointment, time: Interval, staff: Option<String>, config: &ConfigSnapshot) -> Seats {
    Seats::new(config.calendars.clone(), time, staff).with(found.takes_by_name().cloned())
}

/// What an appointment takes by calendars as they are now, beside what it has of those that do not count any more.
pub(crate) fn settled_seats(found: &Appointment, config: &ConfigSnapshot) -> Seats {
    let counts = |taken: &&Taken| config.calendars.active(&taken.resource).is_some();
    let kept = found.routing.takes.iter().filter(|taken| !counts(taken));
    seats(found, found.schedule.time(), found.staff.clone(), config).keeping(kept.cloned())
}

/// The appointment as it was seen, with its lead, which must not be deleted.
pub(super) fn found<'l>(
    loaded: &'l Loaded,
    appointment: &RowRef<AppointmentId>,
) -> Result<(&'l Appointment, &'l crate::lead::Lead), Error> {
    let found = loaded.appointment(appointment.id);
    let found = found.ok_or_else(|| Error::not_found("appointment", appointment.id))?;
    appointment.check("appointment", found.version)?;
    let lead = loaded.lead(found.lead).ok_or_else(|| Error::not_found("lead", found.lead))?;
    leads::stands(lead)?;
    Ok((found, lead))
}

fn ended(
    found: &Appointment,
    by: Option<Party>,
    reason: Option<String>,
    late_hours: u32,
    status: AppointmentStatus,
    context: &Context<'_>,
) -> Ended {
    let notice = found.schedule.starts_at - context.at;
    let late = status != AppointmentStatus::NoShow && notice < chrono::TimeDelta::hours(late_hours.into());
    Ended { at: context.at, by, reason, late }
}
