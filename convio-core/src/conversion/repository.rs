#![cfg(feature = "service")]

use async_trait::async_trait;

use super::Conversion;
use crate::id::{ContactId, ConversionId, LeadId, WorkspaceId};
use crate::page::{Page, PageRequest};
use crate::store::StoreError;

/// Which conversions are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConversionFilter {
    /// Only conversions of this lead.
    pub lead: Option<LeadId>,
    /// Only conversions of this contact.
    pub contact: Option<ContactId>,
    /// Only conversions that stand.
    pub standing: bool,
}

impl ConversionFilter {
    /// The conversions of one lead.
    pub fn of_lead(lead: LeadId) -> Self {
        Self { lead: Some(lead), ..Self::default() }
    }

    /// The conversions of one contact, across its leads.
    pub fn of_contact(contact: ContactId) -> Self {
        Self { contact: Some(contact), ..Self::default() }
    }

    /// Whether the conversion is one of those listed.
    pub fn matches(&self, conversion: &Conversion) -> bool {
        self.lead.is_none_or(|lead| lead == conversion.lead)
            && self.contact.is_none_or(|contact| contact == conversion.contact)
            && (!self.standing || conversion.stands())
    }
}

/// Reads conversions.
#[async_trait]
pub trait ConversionRepository: Send + Sync {
    /// The conversions with these ids, in the same order and number; `None` where there is none.
    async fn fetch_conversions(
        &self,
        workspace: WorkspaceId,
        ids: &[ConversionId],
    ) -> Result<Vec<Option<Conversion>>, StoreError>;

    /// The conversions that the filter matches, by id ascending.
    async fn list_conversions(
        &self,
        workspace: WorkspaceId,
        filter: &ConversionFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversion>, StoreError>;
}
