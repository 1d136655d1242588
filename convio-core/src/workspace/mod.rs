//! The workspace: the tenant. Every row belongs to exactly one.

mod fold;
mod grant;
mod repository;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::change_set::Version;
use crate::conversion::ReturnPolicy;
use crate::id::WorkspaceId;
use crate::lead::Pipeline;
use crate::money::Currency;
use crate::zone::Zone;

pub use grant::{GRANTS_MAX, Grant, Told};
#[cfg(feature = "service")]
pub use repository::WorkspaceRepository;

/// A tenant: its zone decides what a day is, its currency what totals are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Who it is.
    pub id: WorkspaceId,
    /// What can be set.
    pub settings: WorkspaceSettings,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was deleted. A deleted workspace takes nothing, keeps all it has and can be restored.
    pub deleted_at: Option<DateTime<Utc>>,
    /// How many events it has had.
    pub version: Version,
}

/// What can be set on a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceSettings {
    /// The client's name.
    pub name: String,
    /// The zone that its days are counted in. A new one holds for what happens from then on: days that are summed
    /// already stay as they are.
    pub zone: Zone,
    /// The currency of its totals.
    pub currency: Currency,
    /// An inactive workspace takes nothing but changes of its configuration.
    pub active: bool,
    /// How its leads and appointments are dealt with.
    #[serde(default)]
    pub policy: Policy,
}

/// How a workspace deals with its leads and appointments. A policy stored by an older version reads with the defaults of
/// the newer one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Policy {
    /// The statuses of leads and the moves between them.
    pub pipeline: Pipeline,
    /// After how many days without a sale or an open appointment a lead has expired; `None`: never. See
    /// `WorkspaceHandle::expire_leads`.
    pub lead_days_max: Option<u32>,
    /// Within how many hours before its start an appointment is called off late.
    pub late_cancel_hours: u32,
    /// Which leads that were sold may come back. See `WorkspaceHandle::return_lead`.
    pub returns: ReturnPolicy,
    /// Which workspaces may deliver leads and appointments here: none until some are named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            pipeline: Pipeline::default(),
            lead_days_max: None,
            late_cancel_hours: LATE_CANCEL_HOURS,
            returns: ReturnPolicy::default(),
            grants: Vec::new(),
        }
    }
}

impl WorkspaceSettings {
    /// Every setting that is wrong.
    pub fn check(&self) -> Vec<crate::Reason> {
        use crate::Reason;
        let mut reasons = Vec::new();
        if crate::text::fold_blanks(&self.name).is_empty() {
            reasons.push(Reason::missing("name"));
        }
        reasons.extend(self.policy.pipeline.check());
        reasons.extend(self.policy.returns.check());
        reasons.extend(grant::check(&self.policy.grants));
        if self.policy.lead_days_max == Some(0) {
            let message = "leads can't expire on the day that they come in";
            reasons.push(Reason::new("lead_days_max", "out_of_range", message));
        }
        reasons
    }
}

/// Hours before its start within which an appointment is called off late by default: the usual day's notice.
const LATE_CANCEL_HOURS: u32 = 24;

impl Workspace {
    /// Why it takes nothing, if it does not.
    pub fn refusal(&self) -> Option<&'static str> {
        match (self.deleted_at, self.settings.active) {
            (Some(_), _) => Some("the workspace is deleted"),
            (None, false) => Some("the workspace is inactive"),
            (None, true) => None,
        }
    }
}

/// A workspace to be created.
///
/// ```
/// use convio_core::NewWorkspace;
/// let new = NewWorkspace::named("Acme Solar").zone("America/Los_Angeles").currency("USD");
/// assert_eq!(new.settings().unwrap().name, "Acme Solar");
/// let wrong = NewWorkspace::named(" ").zone("Mars/Base").currency("XXX").settings().unwrap_err();
/// assert_eq!(wrong.iter().map(|r| r.field.as_str()).collect::<Vec<_>>(), ["name", "zone", "currency"]);
/// ```
#[derive(Debug, Clone)]
pub struct NewWorkspace {
    name: String,
    zone: String,
    currency: String,
}

impl NewWorkspace {
    /// A workspace with this name, in UTC and US dollars until told otherwise.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), zone: "UTC".into(), currency: "USD".into() }
    }

    /// The IANA zone that its days are counted in, such as `America/Los_Angeles`.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
    }

    /// The ISO 4217 code of its currency, such as `USD`.
    #[must_use]
    pub fn currency(mut self, currency: impl Into<String>) -> Self {
        self.currency = currency.into();
        self
    }

    /// The settings, or every field that is wrong.
    pub fn settings(&self) -> Result<WorkspaceSettings, Vec<crate::Reason>> {
        use crate::Reason;
        let name = crate::text::fold_blanks(&self.name);
        let zone = Zone::parse(&self.zone);
        let currency = self.currency.parse::<Currency>();
        let mut reasons = Vec::new();
        if name.is_empty() {
            reasons.push(Reason::missing("name"));
        }
        if let Err(error) = &zone {
            reasons.push(Reason::new("zone", "unknown", error.to_string()));
        }
        if let Err(error) = &currency {
            reasons.push(Reason::new("currency", "unknown", error.to_string()));
        }
        match (zone, currency) {
            (Ok(zone), Ok(currency)) if reasons.is_empty() => {
                Ok(WorkspaceSettings { name, zone, currency, active: true, policy: Policy::default() })
            }
            _ => Err(reasons),
        }
    }
}
