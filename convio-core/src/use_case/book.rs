use super::{Context, Plan, UseCase};
use crate::analytics::{Cube, Measure, RollupDelta, When};
use crate::appointment::{Appointment, AppointmentStatus, Schedule};
use crate::change_set::{Mention, NewEvent, Version, Write};
use crate::error::Error;
use crate::event::{AppointmentBooked, EventBody, Subject};
use crate::id::{AppointmentId, LeadId, WorkspaceId};
use crate::lead::LeadStatus;
use crate::routing::RoutingRequest;
use crate::store::{Loaded, Need, Needs};

/// Books an appointment from a lead and routes it. Reads the configuration, the rules, the lead; one commit.
#[derive(Debug, Clone)]
pub struct Book {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The lead.
    pub lead: LeadId,
    /// When it takes place.
    pub schedule: Schedule,
}

impl UseCase for Book {
    type Answer = Appointment;

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Config, Need::Rules, Need::Lead(self.lead)])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Appointment>, Error> {
        self.schedule.check()?;
        let lead = loaded.lead(self.lead).ok_or_else(|| Error::not_found("lead", self.lead))?;
        let workspace =
            loaded.workspace.as_ref().ok_or_else(|| Error::not_found("workspace", self.workspace))?;
        let postal = loaded.contact(lead.contact).and_then(|contact| contact.person.postal_code.clone());
        let request = RoutingRequest {
            product: lead.interest.product.clone(),
            postal_code: lead.postal_code.clone().or(postal),
        };
        let rules = loaded.rules.clone().unwrap_or_default();
        let appointment = Appointment {
            id: AppointmentId::new(context.ids, context.at),
            workspace: self.workspace,
            lead: lead.id,
            contact: lead.contact,
            schedule: self.schedule.clone(),
            routing: rules.decide(&request),
            status: AppointmentStatus::Booked,
            outcome: None,
            conversion: None,
            created_at: context.at,
            version: Version::ZERO.next(),
        };
        let mut changes = context.changes(self.workspace);
        changes.config = loaded.config; // the day that it counts on follows from the zone
        let stage = lead.status.stage.on_booking();
        let moves = stage != lead.status.stage;
        let mut status = lead.status.clone();
        if moves {
            status = LeadStatus::of(lead.status.stage.transition(stage)?);
            let mut row = lead.clone();
            row.status = status.clone();
            row.version = lead.version.next();
            changes.leads.push(Write::Update { row, at: lead.version });
        }
        let booked = AppointmentBooked {
            schedule: appointment.schedule.clone(),
            routing: appointment.routing.clone(),
            lead_status: status,
        };
        changes.events.push(NewEvent {
            contact: Some(Mention::only(lead.contact)),
            lead: Some(if moves { Mention::changed(lead.id) } else { Mention::only(lead.id) }),
            ..NewEvent::about(
                Subject::Appointment(appointment.id),
                EventBody::AppointmentBooked(Box::new(booked)),
            )
        });
        if !lead.test {
            let day = workspace.settings.zone.day_of(context.at);
            changes.rollups.push(super::convert::of_lead(lead, day, Measure::Booked));
            changes.rollups.push(of_target(&appointment, day, Some(context.at), Measure::Routed));
        }
        changes.appointments.push(Write::Insert(appointment.clone()));
        Ok(Plan { changes, answer: appointment })
    }
}

/// One more of `measure` for the appointment's target; the unrouted ones count under the empty name.
pub(super) fn of_target(
    appointment: &Appointment,
    day: chrono::NaiveDate,
    at: Option<chrono::DateTime<chrono::Utc>>,
    measure: Measure,
) -> RollupDelta {
    let target = appointment.routing.target.as_ref().map(ToString::to_string).unwrap_or_default();
    RollupDelta {
        cube: Cube::Appointments,
        day,
        dims: [target, String::new(), String::new()],
        add: vec![(measure, 1, When::Always)],
        at,
        lead: None,
    }
}
