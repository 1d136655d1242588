#![cfg(feature = "service")]

use async_trait::async_trait;

use chrono::{DateTime, Utc};

use super::{Appointment, AppointmentStatus};
use crate::id::{AppointmentId, ContactId, LeadId, WorkspaceId};
use crate::page::{Page, PageRequest};
use crate::store::StoreError;

/// Which appointments are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppointmentFilter {
    /// Only appointments of this lead.
    pub lead: Option<LeadId>,
    /// Only appointments of this contact.
    pub contact: Option<ContactId>,
    /// Only appointments that start at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Only appointments that start before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only appointments of this status.
    pub status: Option<AppointmentStatus>,
    /// Only appointments that went to no one.
    pub unrouted: bool,
}

impl AppointmentFilter {
    /// The appointments of one lead.
    pub fn of_lead(lead: LeadId) -> Self {
        Self { lead: Some(lead), ..Self::default() }
    }

    /// The appointments of one contact, across its leads.
    pub fn of_contact(contact: ContactId) -> Self {
        Self { contact: Some(contact), ..Self::default() }
    }

    /// The appointments that start within these times, the last one left out.
    pub fn between(from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { from: Some(from), until: Some(until), ..Self::default() }
    }

    /// Whether the appointment is one of those listed.
    pub fn matches(&self, appointment: &Appointment) -> bool {
        self.lead.is_none_or(|lead| lead == appointment.lead)
            && self.contact.is_none_or(|contact| contact == appointment.contact)
            && self.from.is_none_or(|from| appointment.schedule.starts_at >= from)
            && self.until.is_none_or(|until| appointment.schedule.starts_at < until)
            && self.status.is_none_or(|status| status == appointment.status)
            && (!self.unrouted || appointment.routing.target.is_none())
    }
}

/// Reads appointments.
#[async_trait]
pub trait AppointmentRepository: Send + Sync {
    /// The appointments with these ids, in the same order and number; `None` where there is none.
    async fn fetch_appointments(
        &self,
        workspace: WorkspaceId,
        ids: &[AppointmentId],
    ) -> Result<Vec<Option<Appointment>>, StoreError>;

    /// The appointments that the filter matches, by id ascending.
    async fn list_appointments(
        &self,
        workspace: WorkspaceId,
        filter: &AppointmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Appointment>, StoreError>;
}
