#![cfg(feature = "service")]

use async_trait::async_trait;

use chrono::{DateTime, Utc};

use uuid::Uuid;

use super::{Lead, Payload, Stage};
use crate::change_set::ClaimName;
use crate::id::{ContactId, IntakeId, LeadId, WebhookId, WorkspaceId};
use crate::page::{Page, PageRequest};
use crate::store::StoreError;

/// Which leads are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeadFilter {
    /// Only leads of this contact.
    pub contact: Option<ContactId>,
    /// Only leads of this webhook.
    pub webhook: Option<WebhookId>,
    /// Only leads at this stage.
    pub stage: Option<Stage>,
    /// Only leads that this person is responsible for.
    pub owner: Option<String>,
    /// Only leads that are to be looked at again by this time, itself included.
    pub follow_up_by: Option<DateTime<Utc>>,
    /// Only leads received before this time.
    pub received_before: Option<DateTime<Utc>>,
    /// Deleted leads too.
    pub with_deleted: bool,
}

impl LeadFilter {
    /// The leads of one contact.
    pub fn of_contact(contact: ContactId) -> Self {
        Self { contact: Some(contact), ..Self::default() }
    }

    /// Every lead, deleted ones included.
    pub fn with_deleted() -> Self {
        Self { with_deleted: true, ..Self::default() }
    }

    /// Whether the lead is one of those listed.
    pub fn matches(&self, lead: &Lead) -> bool {
        self.contact.is_none_or(|contact| contact == lead.contact)
            && self.webhook.is_none_or(|webhook| webhook == lead.webhook)
            && self.stage.is_none_or(|stage| stage == lead.progress.status.stage)
            && self.owner.as_ref().is_none_or(|owner| Some(owner) == lead.owner.as_ref())
            && self.follow_up_by.is_none_or(|by| lead.follow_up_at.is_some_and(|at| at <= by))
            && self.received_before.is_none_or(|before| lead.received_at < before)
            && (self.with_deleted || lead.deleted_at.is_none())
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

    /// What holds these names, in the same order and number; `None` where nothing does. Whether a claim has expired is not
    /// looked at.
    async fn fetch_holders(
        &self,
        workspace: WorkspaceId,
        names: &[ClaimName],
    ) -> Result<Vec<Option<Uuid>>, StoreError>;

    /// The payloads of these intakes, byte for byte, in the same order and number; `None` where there is none.
    async fn fetch_payloads(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Result<Vec<Option<Payload>>, StoreError>;
}
