#![cfg(feature = "service")]

use async_trait::async_trait;

use chrono::{DateTime, Utc};

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
    /// Only contacts made at this time or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Only contacts made before this time.
    pub created_until: Option<DateTime<Utc>>,
    /// Only contacts of this phone number, in E.164: one per scope.
    pub phone: Option<String>,
    /// Contacts that were merged into others too.
    pub with_merged: bool,
}

impl ContactFilter {
    /// The contacts with several leads.
    pub fn with_several_leads() -> Self {
        Self { leads_min: 2, ..Self::default() }
    }

    /// Every contact, those that were merged into others included.
    pub fn with_merged() -> Self {
        Self { with_merged: true, ..Self::default() }
    }

    /// The contacts made within these times, the last one left out.
    pub fn created_between(from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { created_from: Some(from), created_until: Some(until), ..Self::default() }
    }

    /// Whether the contact is one of those listed.
    pub fn matches(&self, contact: &Contact) -> bool {
        let phone = || contact.person.phone.as_ref().map(|parsed| parsed.phone.e164());
        (self.with_merged || contact.merged_into.is_none())
            && contact.leads >= self.leads_min
            && self.created_from.is_none_or(|from| contact.created_at >= from)
            && self.created_until.is_none_or(|until| contact.created_at < until)
            && self.phone.as_deref().is_none_or(|wanted| phone() == Some(wanted))
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
