use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{KeptResponse, Outcome, SendError, Verdict};

/// One try of a delivery, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number: 1, 2, 3 ... through all replays.
    pub number: u32,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How many milliseconds it took.
    pub duration_ms: u32,
    /// What came of it.
    pub result: AttemptResult,
    /// What that means.
    pub verdict: Verdict,
}

/// What came of an attempt, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptResult {
    /// A response.
    Answered(KeptResponse),
    /// None.
    Failed(SendError),
}

impl AttemptResult {
    /// The HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(response) => Some(response.status),
            Self::Failed(_) => None,
        }
    }
}

impl From<&Outcome> for AttemptResult {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Ok(response) => Self::Answered(response.kept()),
            Err(error) => Self::Failed(*error),
        }
    }
}
