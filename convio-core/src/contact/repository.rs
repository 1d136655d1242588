#![cfg(feature = "service")]

use async_trait::async_trait;

use super::{Contact, ContactKey, ContactNumber};
use crate::id::{ContactId, WorkspaceId};
use crate::page::{Page, PageRequest};
use crate::store::StoreError;

/// The ways to name a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactRef {
    /// By id.
    Id(ContactId),
    /// By the number that people use.
    Number(ContactNumber),
    /// By one of its keys.
    Key(ContactKey),
}

/// Which contacts are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContactFilter {
    /// Only contacts with at least this many leads.
    pub leads_min: u32,
}

impl ContactFilter {
    /// Whether the contact is one of those listed.
    pub fn matches(&self, contact: &Contact) -> bool {
        contact.leads >= self.leads_min
    }
}

/// Reads contacts.
#[async_trait]
pub trait ContactRepository: Send + Sync {
    /// The contacts that these name, in the same order and number; `None` where there is none.
    async fn fetch_contacts(
        &self,
        workspace: WorkspaceId,
        refs: &[ContactRef],
    ) -> Result<Vec<Option<Contact>>, StoreError>;

    /// The contacts that the filter matches, by id ascending.
    async fn list_contacts(
        &self,
        workspace: WorkspaceId,
        filter: &ContactFilter,
        page: &PageRequest,
    ) -> Result<Page<Contact>, StoreError>;

    /// The keys that lead to this contact, in ascending order.
    async fn contact_keys(
        &self,
        workspace: WorkspaceId,
        contact: ContactId,
    ) -> Result<Vec<ContactKey>, StoreError>;
}
