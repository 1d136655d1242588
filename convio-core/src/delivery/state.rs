use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Attempt, Cause, Delivered, DeliveryStatus, Report};
use crate::change_set::Version;
use crate::id::{DeliveryId, EndpointId, LeadId, WorkspaceId};

/// Something on its way to an endpoint: at least once, under one `webhook-id` however often it is tried.
///
/// ```text
/// pending -- begin, request, answered --> pending (later) ... --> success | rejected | duplicate | failed
///    |                                                               |
///    +-- cancel --> cancelled ------------ replay ---> pending <-----+
/// ```
///
/// All of it is values: each step gives what is to be kept, and nothing is sent here. What it delivers is no part of it but made
/// anew for each attempt, so that whoever was erased meanwhile is told of no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Who it is. Its text is the `webhook-id`.
    pub id: DeliveryId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Where it goes.
    pub endpoint: EndpointId,
    /// What it delivers.
    pub cause: Cause,
    /// The lead that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
    /// What it tells of that, as in `lead.received`.
    pub kind: String,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<DeliveryFailure>,
    /// When it is to be looked at again: to be tried, or while it is being sent, to be given up as lost. `None` at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Since when it is being sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending_since: Option<DateTime<Utc>>,
    /// How many attempts there were since it was made or last replayed.
    pub tried: u32,
    /// How many attempts there were in all.
    pub attempts_made: u32,
    /// How often it was replayed.
    #[serde(default)]
    pub replays: u32,
    /// The last [`ATTEMPTS_KEPT_MAX`] attempts, the newest at the end.
    pub attempts: Vec<Attempt>,
    /// What became of it in the workspace that it went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Delivered>,
    /// What that workspace told of it since, the last [`REPORTS_KEPT_MAX`](super::REPORTS_KEPT_MAX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// How often it was written.
    pub version: Version,
}

/// Why a delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryFailure {
    /// Every attempt of its schedule failed; the last one tells how.
    Exhausted,
    /// The receiver said that it is gone for good (410).
    Gone,
}

/// How many attempts are kept: those of the longest schedule.
pub const ATTEMPTS_KEPT_MAX: usize = super::ATTEMPTS_MAX;
