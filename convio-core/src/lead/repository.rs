#![cfg(feature = "service")]

use async_trait::async_trait;

use super::{Lead, Payload};
use crate::id::{ContactId, IntakeId, LeadId, WorkspaceId};
use crate::page::{Page, PageRequest};
use crate::store::StoreError;

/// Which leads are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeadFilter {
    /// Only leads of this contact.
    pub contact: Option<ContactId>,
}

impl LeadFilter {
    /// The leads of one contact.
    pub fn of_contact(contact: ContactId) -> Self {
        Self { contact: Some(contact) }
    }

    /// Whether the lead is one of those listed.
    pub fn matches(&self, lead: &Lead) -> bool {
        self.contact.is_none_or(|contact| contact == lead.contact)
    }
}

/// Reads leads, and the payloads that leads and rejections were made of.
#[async_trait]
pub trait LeadRepository: Send + Sync {
    /// The leads with these ids, in the same order and number; `None` where there is none.
    async fn fetch_leads(
        &self,
        workspace: WorkspaceId,
        ids: &[LeadId],
    ) -> Result<Vec<Option<Lead>>, StoreError>;

    /// The leads that the filter matches, by id ascending.
    async fn list_leads(
        &self,
        workspace: WorkspaceId,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Result<Page<Lead>, StoreError>;

    /// The payloads of these intakes, byte for byte, in the same order and number; `None` where there is none.
    async fn fetch_payloads(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Result<Vec<Option<Payload>>, StoreError>;
}
