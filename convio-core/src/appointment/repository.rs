#![cfg(feature = "service")]

use async_trait::async_trait;

use super::Appointment;
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

    /// Whether the appointment is one of those listed.
    pub fn matches(&self, appointment: &Appointment) -> bool {
        self.lead.is_none_or(|lead| lead == appointment.lead)
            && self.contact.is_none_or(|contact| contact == appointment.contact)
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
