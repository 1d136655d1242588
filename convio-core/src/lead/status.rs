use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a lead has come: a word of the workspace, and the stage that logic goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadStatus {
    /// The workspace's own word.
    pub key: String,
    /// What it means.
    pub stage: Stage,
}

impl LeadStatus {
    /// The status that has no word of its own but its stage's.
    pub fn of(stage: Stage) -> Self {
        Self { key: stage.code().to_owned(), stage }
    }
}

impl fmt::Display for LeadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing happened yet.
    New,
    /// The person was reached.
    Contacted,
    /// It is worth the effort: the person wants what is sold, and can have it.
    Qualified,
    /// An appointment is open.
    Scheduled,
    /// It was sold: a conversion stands.
    Won,
    /// It will not be sold.
    Lost,
    /// It should not have come: a wrong number, another country, not our trade.
    Rejected,
}

impl Stage {
    /// All stages, in the order in which a lead goes through them.
    pub const ALL: [Self; 7] =
        [Self::New, Self::Contacted, Self::Qualified, Self::Scheduled, Self::Won, Self::Lost, Self::Rejected];

    /// The stage as stores and events name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Contacted => "contacted",
            Self::Qualified => "qualified",
            Self::Scheduled => "scheduled",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Rejected => "rejected",
        }
    }

    /// The stage of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }

    /// Whether a lead enters it only with a reason.
    pub const fn needs_reason(self) -> bool {
        matches!(self, Self::Lost | Self::Rejected)
    }

    /// Whether it follows from a fact, an open appointment or a standing conversion, and so is never entered by hand from
    /// another stage.
    pub const fn is_fact(self) -> bool {
        matches!(self, Self::Scheduled | Self::Won)
    }

    /// Whether people may still work on it: neither sold nor given up.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Won | Self::Lost | Self::Rejected)
    }
}
