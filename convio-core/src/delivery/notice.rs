use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{DeliveryFailure, DisabledWhy};
use crate::id::{DeliveryId, EndpointId, WorkspaceId};

/// Something that a workspace is to be told by another way than a delivery, since deliveries are what went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Whom to tell.
    pub workspace: WorkspaceId,
    /// The endpoint that it is about.
    pub endpoint: EndpointId,
    /// When it came about.
    pub at: DateTime<Utc>,
    /// What came about.
    pub what: Noticed,
}

/// What came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noticed {
    /// The endpoint was disabled: nothing is sent to it until somebody enables it.
    EndpointDisabled {
        /// Why.
        why: DisabledWhy,
    },
    /// A delivery failed for good: nothing more is sent until somebody replays it.
    DeliveryFailed {
        /// Which.
        delivery: DeliveryId,
        /// Why.
        failure: DeliveryFailure,
    },
}
