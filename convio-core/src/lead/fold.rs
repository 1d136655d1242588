use super::{Attempts, Lead, Priority};
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
            if let EventBody::LeadReceived(received) = &event.body {
                let personal = received.personal.clone().unwrap_or_default();
                lead = Some(Self {
                    id,
                    workspace: event.workspace,
                    contact: event.contact_id()?,
                    webhook: received.webhook,
                    provider: received.provider,
                    interest: received.interest.clone(),
                    custom: personal.custom,
                    postal_code: personal.postal_code,
                    flags: received.flags.clone(),
                    test: received.test,
                    progress: received.progress.clone(),
                    owner: None,
                    follow_up_at: None,
                    priority: Priority::default(),
                    attempts: Attempts::default(),
                    duplicate_of: event.duplicate_of,
                    opened_contact: event.contact_number.is_some(),
                    deleted_at: None,
                    received_at: received.received_at,
                    created_at: event.at,
                    version: Version::ZERO,
                });
            }
            let row = lead.as_mut()?;
            if let Some(progress) = event.body.progress() {
                row.progress = progress.clone();
            }
            match &event.body {
                EventBody::LeadAssigned { owner } => row.owner.clone_from(owner),
                EventBody::LeadFollowUpSet { at } => row.follow_up_at = *at,
                EventBody::LeadPrioritised { priority } => row.priority = *priority,
                EventBody::LeadAttempted { attempt, .. } => row.attempts.add(attempt.at),
                EventBody::LeadDeleted => row.deleted_at = Some(event.at),
                EventBody::LeadRestored => row.deleted_at = None,
                EventBody::Reparented { .. } => row.contact = event.contact_id()?,
                _ => {}
            }
            row.version = row.version.next();
            if row.version != version {
                return None;
            }
        }
        lead
    }
}
