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
            if let EventBody::AppointmentBooked(booked) = &event.body {
                appointment = Some(Self {
                    id,
                    workspace: event.workspace,
                    lead: event.lead_id()?,
                    contact: event.contact_id()?,
                    appointment_type: booked.appointment_type.clone(),
                    schedule: booked.schedule.clone(),
                    location: booked.location.clone().map(|place| place.0),
                    routing: booked.routing.clone(),
                    staff: booked.staff.clone(),
                    status: AppointmentStatus::Booked,
                    outcome: None,
                    next_step: None,
                    ended: None,
                    conversion: None,
                    rescheduled_from: booked.rescheduled_from,
                    rescheduled_to: None,
                    external_id: booked.external_id.clone(),
                    booked_at: booked.booked_at,
                    created_at: event.at,
                    version: event.subject_version()?,
                });
                continue;
            }
            let row = appointment.as_mut()?;
            match &event.body {
                EventBody::Reparented { .. } => row.contact = event.contact_id()?,
                EventBody::AppointmentConfirmed => row.status = AppointmentStatus::Confirmed,
                EventBody::AppointmentAssigned { routing, staff }
                | EventBody::AppointmentRouted { routing, staff } => {
                    row.routing = (**routing).clone();
                    row.staff.clone_from(staff);
                }
                EventBody::AppointmentSeated { takes } => row.routing.takes.clone_from(takes),
                EventBody::AppointmentRescheduled { to, at } => {
                    row.status = AppointmentStatus::Rescheduled;
                    row.rescheduled_to = Some(*to);
                    row.ended = Some(at.clone());
                }
                EventBody::AppointmentEnded(ended) => {
                    row.status = ended.status;
                    row.outcome = ended.outcome;
                    row.next_step.clone_from(&ended.next_step);
                    row.ended = Some(ended.ended.clone());
                    row.conversion = ended.conversion;
                }
                _ => continue,
            }
            row.version = event.subject_version()?;
        }
        appointment
    }
}
