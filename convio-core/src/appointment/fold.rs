use super::{Appointment, AppointmentStatus};
use crate::event::{Event, EventBody, Subject};

impl Appointment {
    /// The appointment as its events tell it; `None` when they do not start with its booking.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut appointment: Option<Self> = None;
        for event in events {
            let Some(Subject::Appointment(id)) = event.subject() else {
                continue;
            };
            match &event.body {
                EventBody::AppointmentBooked(booked) => {
                    appointment = Some(Self {
                        id,
                        workspace: event.workspace,
                        lead: event.lead_id()?,
                        contact: event.contact_id()?,
                        schedule: booked.schedule.clone(),
                        routing: booked.routing.clone(),
                        status: AppointmentStatus::Booked,
                        outcome: None,
                        conversion: None,
                        created_at: event.at,
                        version: event.subject_version()?,
                    });
                }
                EventBody::AppointmentCompleted(completed) => {
                    let row = appointment.as_mut()?;
                    row.status = AppointmentStatus::Completed;
                    row.outcome = Some(completed.outcome);
                    row.conversion = completed.conversion;
                    row.version = event.subject_version()?;
                }
                _ => {}
            }
        }
        appointment
    }
}
