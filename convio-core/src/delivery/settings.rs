use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EventFilter, PayloadKind, Response, ResponseMapping, RetrySchedule, TargetUrl, Verdict};
use crate::id::WorkspaceId;

/// What can be set on an endpoint. Serialised settings of an older version read with the defaults of the newer one. No secret is
/// among them; what its URL has behind the host may be one, and is not shown by `Debug`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EndpointSettings {
    /// Where deliveries go.
    pub to: Destination,
    /// Which events go there. None until some are named.
    pub events: EventFilter,
    /// How much of an event is told.
    pub payload: PayloadKind,
    /// How many seconds the receiver has to answer.
    pub timeout_seconds: u16,
    /// When a delivery is tried again.
    pub retry: RetrySchedule,
    /// What answers of a URL mean.
    #[serde(skip_serializing_if = "is_default")]
    pub mapping: ResponseMapping,
    /// After how many hours in which every attempt failed it is disabled; `None`: never.
    pub disable_after_hours: Option<u32>,
    /// To an inactive endpoint nothing is sent.
    pub active: bool,
}

/// Since when and why an endpoint is disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Why.
    pub why: DisabledWhy,
}

/// Why an endpoint was disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledWhy {
    /// Its receiver said that it is gone for good (410).
    Gone,
    /// Every attempt failed for longer than its settings allow.
    Failing {
        /// Since when.
        since: DateTime<Utc>,
    },
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            to: Destination::default(),
            events: EventFilter::Only(Vec::new()),
            payload: PayloadKind::Thin,
            timeout_seconds: TIMEOUT_SECONDS,
            retry: RetrySchedule::default(),
            mapping: ResponseMapping::default(),
            disable_after_hours: Some(DISABLE_AFTER_HOURS),
            active: true,
        }
    }
}

impl EndpointSettings {
    /// What an answer means: of a URL by the mapping, of a workspace by the statuses that it answers with.
    pub fn verdict(&self, response: &Response) -> Verdict {
        match (&self.to, response.status) {
            (Destination::Url(_), _) => self.mapping.verdict(response),
            (Destination::Workspace(_), 200..=299) => Verdict::Accepted,
            (Destination::Workspace(_), 409) => Verdict::Duplicate,
            (Destination::Workspace(_), 400..=499) => Verdict::Rejected,
            (Destination::Workspace(_), _) => Verdict::Retry,
        }
    }
}

/// Where an endpoint's deliveries go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// A URL of somebody else's.
    Url(TargetUrl),
    /// Another workspace of the same store, which takes leads and appointments as its own, if it [grants](crate::workspace::Grant) it.
    Workspace(WorkspaceId),
}

impl Default for Destination {
    fn default() -> Self {
        Self::Url(TargetUrl::default())
    }
}

fn is_default(mapping: &ResponseMapping) -> bool {
    mapping.rules.is_empty()
}

/// Seconds that a receiver has to answer by default: Standard Webhooks has 15 to 30.
pub const TIMEOUT_SECONDS: u16 = 15;
/// The longest timeout: whoever works longer than that answers first and works then.
pub const TIMEOUT_SECONDS_MAX: u16 = 30;
/// Hours of nothing but failures after which an endpoint is disabled by default: five days.
pub const DISABLE_AFTER_HOURS: u32 = 120;
/// The longest such time: 90 days.
pub const DISABLE_AFTER_HOURS_MAX: u32 = 2_160;
