use serde::{Deserialize, Serialize};

use crate::error::Reason;
use crate::id::WorkspaceId;
use crate::webhook::DIRECT;

/// What one workspace lets another one do: deliver leads and appointments to it, and hear what became of them.
///
/// ```
/// use convio_core::workspace::{Grant, Told};
/// use convio_core::{SequentialIds, WorkspaceId};
/// let seller = WorkspaceId::new(&SequentialIds::seeded(1), "2027-03-02T10:00:00Z".parse()?);
/// let grant = Grant::to(seller).through("partners").telling(Told::Steps);
/// assert_eq!((grant.webhook.as_str(), grant.told >= Told::Values), ("partners", false));
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The workspace that may deliver.
    pub to: WorkspaceId,
    /// The webhook that what it delivers comes in through.
    pub webhook: String,
    /// What it is told of what became of that.
    pub told: Told,
}

/// How much is told of what became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Whether it was taken, and no more.
    Nothing,
    /// What happened to it: booked, confirmed, held, sold, returned ...
    Steps,
    /// And for how much it was sold.
    Values,
}

impl Grant {
    /// That lets a workspace deliver through the webhook `direct`, and tells it what happens.
    pub fn to(workspace: WorkspaceId) -> Self {
        Self { to: workspace, webhook: DIRECT.to_owned(), told: Told::Steps }
    }

    /// Through this webhook.
    #[must_use]
    pub fn through(self, webhook: impl Into<String>) -> Self {
        Self { webhook: webhook.into(), ..self }
    }

    /// That tells so much.
    #[must_use]
    pub fn telling(self, told: Told) -> Self {
        Self { told, ..self }
    }
}

/// What is wrong with the grants of a workspace.
pub(super) fn check(grants: &[Grant]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if grants.len() > GRANTS_MAX {
        let message = format!("a workspace grants at most {GRANTS_MAX} others");
        reasons.push(Reason::new("grants", "too_many", message));
    }
    for (n, grant) in grants.iter().enumerate() {
        if grants[..n].iter().any(|other| other.to == grant.to) {
            let message = format!("workspace `{}` is granted twice", grant.to);
            reasons.push(Reason::new(format!("grants[{n}]"), "repeated", message));
        }
    }
    reasons
}

/// The most workspaces that one grants: they travel with its configuration.
pub const GRANTS_MAX: usize = 1_000;
