use super::{Lead, LeadStatus, Stage};
use crate::change_set::Version;
use crate::event::{Event, EventBody};

impl Lead {
    /// The lead as its events tell it; `None` when they do not start with its receipt, or skip one.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut lead: Option<Self> = None;
        for event in events {
            let (Some(id), Some(version)) = (event.lead_id(), event.lead_version()) else {
                continue;
            };
            match &event.body {
                EventBody::LeadReceived(received) => {
                    let personal = received.personal.clone().unwrap_or_default();
                    lead = Some(Self {
                        id,
                        workspace: event.workspace,
                        contact: event.contact_id()?,
                        webhook: received.webhook,
                        interest: received.interest.clone(),
                        custom: personal.custom,
                        postal_code: personal.postal_code,
                        flags: received.flags.clone(),
                        test: received.test,
                        status: LeadStatus::of(Stage::New),
                        duplicate_of: event.duplicate_of,
                        opened_contact: event.contact_number.is_some(),
                        conversion: None,
                        received_at: received.received_at,
                        created_at: event.at,
                        version: Version::ZERO.next(),
                    });
                }
                EventBody::AppointmentBooked(booked) => {
                    let lead = lead.as_mut()?;
                    lead.status = booked.lead_status.clone();
                    lead.version = lead.version.next();
                }
                EventBody::ConversionRecorded(recorded) => {
                    let lead = lead.as_mut()?;
                    lead.status = recorded.lead_status.clone();
                    lead.conversion = lead.conversion.or(Some(recorded.conversion));
                    lead.version = lead.version.next();
                }
                _ => continue,
            }
            if lead.as_ref()?.version != version {
                return None;
            }
        }
        lead
    }
}
