use super::{Context, Plan, UseCase};
use crate::analytics::Measure;
use crate::appointment::{Appointment, AppointmentStatus, Outcome};
use crate::change_set::{Mention, NewEvent, Write};
use crate::conversion::{Conversion, NewConversion};
use crate::error::Error;
use crate::event::{AppointmentCompleted, EventBody, Subject};
use crate::id::{AppointmentId, WorkspaceId};
use crate::store::{Loaded, Need, Needs};

/// Completes an appointment; one that was sold records its conversion in the same commit. Reads the configuration and the
/// appointment with its lead and contact.
#[derive(Debug, Clone)]
pub struct Complete {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The appointment.
    pub appointment: AppointmentId,
    /// How it ended.
    pub outcome: Outcome,
}

/// An appointment that took place, and the conversion that it ended in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The appointment.
    pub appointment: Appointment,
    /// The conversion, if it was sold.
    pub conversion: Option<Conversion>,
}

impl UseCase for Complete {
    type Answer = Completed;

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Config, Need::Appointment(self.appointment)])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Completed>, Error> {
        let found = loaded.appointment(self.appointment);
        let found = found.ok_or_else(|| Error::not_found("appointment", self.appointment))?;
        if found.status != AppointmentStatus::Booked {
            let status = found.status.code();
            return Err(Error::conflict(format!("an appointment can't go from `{status}` to `completed`")));
        }
        let workspace =
            loaded.workspace.as_ref().ok_or_else(|| Error::not_found("workspace", self.workspace))?;
        let lead = loaded.lead(found.lead).ok_or_else(|| Error::not_found("lead", found.lead))?;
        let mut changes = context.changes(self.workspace);
        changes.config = loaded.config; // the day that it counts on follows from the zone
        let mut row = found.clone();
        row.status = AppointmentStatus::Completed;
        row.outcome = Some(self.outcome);
        row.version = found.version.next();
        let mut conversion = None;
        if let Outcome::Sold(value) = self.outcome {
            let new = NewConversion::sale(found.lead, value);
            let sold = super::convert::record(&mut changes, loaded, context, &new, Some(found))?;
            row.conversion = Some(sold.id);
            conversion = Some(sold);
        }
        let completed = AppointmentCompleted { outcome: self.outcome, conversion: row.conversion };
        let event = NewEvent {
            contact: Some(Mention::only(found.contact)),
            lead: Some(Mention::only(found.lead)),
            ..NewEvent::about(Subject::Appointment(found.id), EventBody::AppointmentCompleted(completed))
        };
        changes.events.insert(0, event); // it was completed, then sold
        if !lead.test {
            let day = workspace.settings.zone.day_of(context.at);
            let mut ended = super::book::of_target(found, day, None, Measure::Completed);
            if conversion.is_some() {
                ended.add.push((Measure::Sold, 1, crate::analytics::When::Always));
            }
            changes.rollups.push(ended);
        }
        changes.appointments.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: Completed { appointment: row, conversion } })
    }
}
