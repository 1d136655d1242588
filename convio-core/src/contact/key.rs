use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ContactId, WebhookId};
use crate::text::mask;

/// What a contact is recognised by: unique in its workspace.
///
/// Its `Debug` masks the value, which is a personal datum.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContactKey {
    /// Within which bounds the key means one contact.
    pub scope: KeyScope,
    /// What kind of key it is.
    pub kind: KeyKind,
    /// The key in its one spelling: E.164, digits, folded e-mail, external id, visitor id.
    pub value: String,
}

impl ContactKey {
    /// The key by which the id of a merged contact leads to the one that it became.
    ///
    /// ```
    /// use convio_core::{ContactId, ContactKey, KeyKind};
    /// let id = ContactId::from_uuid(uuid::Uuid::from_u128(7));
    /// let key = ContactKey::of_merged(id);
    /// assert_eq!((key.kind, key.value), (KeyKind::Contact, id.to_string()));
    /// ```
    pub fn of_merged(contact: ContactId) -> Self {
        Self { scope: KeyScope::Workspace, kind: KeyKind::Contact, value: contact.to_string() }
    }
}

impl fmt::Debug for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactKey({:?} {:?} {})", self.scope, self.kind, mask(&self.value))
    }
}

/// The kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// A phone number in E.164.
    Phone,
    /// The digits of a number that is impossible or does not parse.
    Digits,
    /// An e-mail address in its folded form.
    Email,
    /// The sender's own id of the person.
    External,
    /// The anonymous id of a visitor who turned out to be the person. No lead is recognised by it.
    Visitor,
    /// The id of a contact that was merged: it leads to the one that it became. No lead is recognised by it.
    Contact,
}

impl KeyKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Phone, Self::Digits, Self::Email, Self::External, Self::Visitor, Self::Contact];

    /// The kind as stores keep it.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind that stores keep as `code`.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Within which bounds a key means one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// The whole workspace.
    Workspace,
    /// One webhook of it.
    Webhook(WebhookId),
}

impl KeyScope {
    /// The scope as stores keep it: the webhook's UUID, or the nil one for the whole workspace.
    ///
    /// ```
    /// use convio_core::KeyScope;
    /// assert!(KeyScope::Workspace.code().is_nil());
    /// assert_eq!(KeyScope::from_code(KeyScope::Workspace.code()), KeyScope::Workspace);
    /// ```
    pub const fn code(self) -> Uuid {
        match self {
            Self::Workspace => Uuid::nil(),
            Self::Webhook(webhook) => webhook.uuid(),
        }
    }

    /// The scope that stores keep as `code`.
    pub fn from_code(code: Uuid) -> Self {
        if code.is_nil() { Self::Workspace } else { Self::Webhook(WebhookId::from_uuid(code)) }
    }
}
