//! The rejection: a lead that could not be taken, kept with its payload and every reason, until someone corrects and
//! releases it.

mod fold;
mod repository;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::appointment::NewAppointment;
use crate::change_set::Version;
use crate::error::Reason;
use crate::id::{IntakeId, LeadId, ProviderId, WebhookId, WorkspaceId};

#[cfg(feature = "service")]
pub use repository::{RejectionFilter, RejectionRepository};

/// A lead that could not be taken. Its payload is kept under the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The intake that was rejected.
    pub id: IntakeId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The webhook that it came through.
    pub webhook: WebhookId,
    /// Everything that was wrong when it came in.
    pub reasons: Vec<Reason>,
    /// The accepted lead that it repeats, where that is why.
    pub duplicate_of: Option<LeadId>,
    /// The sender's own id of the lead, as the transport gave it: a release claims it.
    pub external_id: Option<String>,
    /// The provider that sent it.
    pub provider: Option<ProviderId>,
    /// The appointment that came with it: a release books it.
    pub appointment: Option<NewAppointment>,
    /// Whether it was sent as a test.
    pub test: bool,
    /// What people set right since.
    pub corrections: Corrections,
    /// Whether it waits, or a lead was made of it.
    pub state: RejectionState,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// How many events it has had.
    pub version: Version,
}

/// Where a rejection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionState {
    /// It waits.
    Held,
    /// A lead was made of it: the one of the same id.
    Released,
}

impl RejectionState {
    /// The state as stores name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
        }
    }

    /// The state of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Held, Self::Released].into_iter().find(|state| state.code() == code)
    }
}

/// Fields that replace those of a payload, by the name that Convio knows them by (`phone`, `email` ...). May be
/// personal: `Debug` names the fields only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Corrections(pub BTreeMap<String, String>);

impl Corrections {
    /// One field set right.
    #[must_use]
    pub fn set(mut self, field: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(field.into(), value.into());
        self
    }
}

impl fmt::Debug for Corrections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        write!(f, "Corrections({})", names.join(", "))
    }
}
