//! The API key: what a client shows to work in one workspace, with the permissions that it was given.

mod fold;
mod token;

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::canonical::Fingerprint;
use crate::change_set::Version;
use crate::error::Reason;
use crate::id::{ApiKeyId, ProviderId, WorkspaceId};
use crate::record::{Keeps, Record};
use crate::text::fold_blanks;

pub use token::{ApiToken, ApiTokenError};

/// An API key. The secret itself is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Who it is.
    pub id: ApiKeyId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What it was given when it was created: nothing of it changes later.
    #[serde(flatten)]
    pub settings: ApiKeySettings,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// How many events it has had.
    pub version: Version,
}

/// What an API key is given. `Debug` does not show the hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeySettings {
    /// What people know it by.
    pub name: String,
    /// What it permits: nothing else, and none implies another.
    pub permissions: BTreeSet<Permission>,
    /// The provider that sends leads with it: they are its leads, and its limits hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// When it ends; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// The SHA-256 of its token.
    pub hash: Fingerprint,
}

impl fmt::Debug for ApiKeySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeySettings")
            .field("name", &self.name)
            .field("permissions", &self.permissions)
            .field("provider", &self.provider)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl ApiKey {
    /// Whether it works at this time: neither revoked nor expired.
    pub fn stands(&self, at: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.settings.expires_at.is_none_or(|end| at < end)
    }

    /// What may be shown of it: `cvk_` and the end of its id, as in `cvk_***1f2e3d4c`.
    pub fn masked(&self) -> String {
        let id = self.id.uuid().simple().to_string();
        format!("{}***{}", token::PREFIX, &id[id.len() - 8..])
    }
}

impl Keeps for ApiKey {
    const KIND: &'static str = "api_key";

    fn record_key(&self) -> String {
        self.id.to_string()
    }

    fn record_version(&self) -> Version {
        self.version
    }

    fn record_workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Read everything of the workspace.
    Read,
    /// Send leads, with or without their appointments.
    Ingest,
    /// Work on leads, appointments and rejections.
    Update,
    /// Record and void conversions, and complete appointments.
    Convert,
    /// Change the configuration: the workspace, webhooks, providers, keys, rules.
    Admin,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 5] = [Self::Read, Self::Ingest, Self::Update, Self::Convert, Self::Admin];

    /// The permission as stores name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ingest => "ingest",
            Self::Update => "update",
            Self::Convert => "convert",
            Self::Admin => "admin",
        }
    }
}

/// An API key to be created.
///
/// ```
/// use convio_core::{NewApiKey, Permission};
/// let new = NewApiKey::named("landing page").may([Permission::Ingest]);
/// assert!(new.check().is_ok());
/// assert_eq!(NewApiKey::named(" ").check().unwrap_err().len(), 2);
/// ```
#[derive(Debug, Clone)]
pub struct NewApiKey {
    pub(crate) name: String,
    pub(crate) permissions: BTreeSet<Permission>,
    pub(crate) provider: Option<ProviderId>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

impl NewApiKey {
    /// A key with this name, which permits nothing yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), permissions: BTreeSet::new(), provider: None, expires_at: None }
    }

    /// That permits this too.
    #[must_use]
    pub fn may(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.permissions.extend(permissions);
        self
    }

    /// That a provider sends its leads with.
    #[must_use]
    pub fn of_provider(mut self, provider: ProviderId) -> Self {
        self.provider = Some(provider);
        self
    }

    /// That ends at this time.
    #[must_use]
    pub fn expires_at(mut self, at: DateTime<Utc>) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Every field that is wrong.
    pub fn check(&self) -> Result<(), Vec<Reason>> {
        let mut reasons = Vec::new();
        if fold_blanks(&self.name).is_empty() {
            reasons.push(Reason::missing("name"));
        }
        if self.permissions.is_empty() {
            reasons.push(Reason::new("permissions", "empty", "a key that permits nothing is of no use"));
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }
}

/// Every key of these records.
pub(crate) fn all(records: &[Record]) -> Result<Vec<ApiKey>, crate::store::StoreError> {
    records.iter().filter(|record| record.kind == ApiKey::KIND).map(Record::read).collect()
}

/// Most keys of a workspace, revoked ones included: they travel with its configuration.
pub const API_KEYS_MAX: usize = 1_000;
