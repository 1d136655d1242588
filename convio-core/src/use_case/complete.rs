//! Completes an appointment.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `complete`, sold | the appointment, its lead and its contact, their touches | 1, with the conversion | 3 |

use super::{Context, Plan, UseCase, appointments, book, convert, leads, rollups};
use crate::analytics::Measure;
use crate::api_key::Permission;
use crate::appointment::{Appointment, AppointmentStatus, Completion, Ended, Outcome};
use crate::change_set::{Mention, NewEvent, RowRef, Write};
use crate::conversion::{Conversion, NewConversion};
use crate::error::Error;
use crate::event::{AppointmentEnded, EventBody, Subject};
use crate::id::{AppointmentId, WorkspaceId};
use crate::routing::End;
use crate::store::{ContactOf, Loaded, Need, Needs};

/// Completes an appointment; one that was sold records its conversion in the same commit. Reads the appointment with its
/// lead and contact, and for a sale the contact's touches.
#[derive(Debug, Clone)]
pub struct Complete {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The appointment.
    pub appointment: RowRef<AppointmentId>,
    /// How it ended.
    pub completion: Completion,
}

/// An appointment that took place, and the conversion that it ended in.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed {
    /// The appointment.
    pub appointment: Appointment,
    /// The conversion, if it was sold.
    pub conversion: Option<Conversion>,
}

impl UseCase for Complete {
    type Answer = Completed;

    /// A sale is a conversion.
    fn permission(&self) -> Permission {
        match self.completion.outcome {
            Outcome::Sold(_) => Permission::Convert,
            Outcome::NotSold | Outcome::Undecided => Permission::Update,
        }
    }

    fn needs(&self) -> Needs {
        let id = self.appointment.id;
        let mut items = vec![Need::Appointment(id)];
        if let Outcome::Sold(_) = self.completion.outcome {
            let until = self.completion.completed_at.unwrap_or(crate::clock::END_OF_TIME);
            items.push(Need::Touches(ContactOf::Appointment(id), until));
        }
        Needs::of(self.workspace, items)
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Completed>, Error> {
        let config = context.open()?;
        let (found, lead) = appointments::found(loaded, &self.appointment)?;
        let status = found.status.transition(AppointmentStatus::Completed)?;
        self.completion.check()?;
        let Completion { outcome, reason, next_step, completed_at, .. } = &self.completion;
        let completed_at = book::past(*completed_at, context);
        let day = config.workspace.settings.zone.day_of(completed_at);
        let mut changes = context.changes(self.workspace);
        let mut progress = lead.progress.clone();
        let lost = matches!(outcome, Outcome::NotSold).then(|| reason.clone().unwrap_or(NOT_SOLD.to_owned()));
        let mut row = found.clone();
        row.status = status;
        row.outcome = Some(*outcome);
        row.next_step.clone_from(next_step);
        row.ended = Some(Ended { at: completed_at, by: None, reason: reason.clone(), late: false });
        row.version = found.version.next();
        changes.counters.extend(found.routing.freed(End::Completed));
        // What came to its end before it began leaves its time to others.
        changes.given_back.extend((completed_at < found.schedule.starts_at).then(|| found.given_back()));
        let mut conversion = None;
        let mut moved = false; // by the appointment's event: a sale moves it by its own
        if let Outcome::Sold(value) = outcome {
            progress.ended(true, None, config.pipeline());
            let new = NewConversion {
                conversion_type: self.completion.conversion_type.clone(),
                occurred_at: Some(completed_at),
                appointment: Some(found.id),
                sold_by: found.staff.clone(),
                external_id: self.completion.external_id.clone(),
                metadata: self.completion.metadata.clone(),
                ..NewConversion::sale(found.lead, *value)
            };
            let sold = convert::record(&mut changes, loaded, context, &new, progress)?;
            row.conversion = Some(sold.id);
            conversion = Some(sold);
        } else {
            progress.ended(true, lost, config.pipeline());
            changes.rollups.extend(rollups::funnel(lead, &progress, day));
            moved = leads::write_progress(&mut changes, lead, &progress);
        }
        let sold = conversion.is_some();
        let ended = AppointmentEnded {
            status,
            outcome: row.outcome,
            ended: Ended { at: completed_at, by: None, reason: reason.clone(), late: false },
            conversion: row.conversion,
            progress: changes.leads.last().filter(|_| moved).map(|write| write.row().progress.clone()),
            next_step: next_step.clone(),
        };
        let event = NewEvent {
            contact: Some(Mention::only(found.contact)),
            lead: leads::mention(lead, moved),
            ..NewEvent::about(Subject::Appointment(found.id), EventBody::AppointmentEnded(Box::new(ended)))
        };
        changes.events.insert(0, event); // it was completed, then sold
        if !lead.test {
            let measures: &[Measure] =
                if sold { &[Measure::Completed, Measure::Sold] } else { &[Measure::Completed] };
            changes.rollups.push(rollups::of_target(found, day, measures));
        }
        changes.appointments.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: Completed { appointment: row, conversion } })
    }
}

/// Why a lead is lost whose last appointment ended without a sale and without a word.
const NOT_SOLD: &str = "not sold";
