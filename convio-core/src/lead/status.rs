use serde::{Deserialize, Serialize};

use crate::error::Error;

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

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing happened yet.
    New,
    /// An appointment is booked.
    Scheduled,
    /// It was sold.
    Won,
    /// It will not be sold.
    Lost,
}

impl Stage {
    /// All stages, in the order in which a lead goes through them.
    pub const ALL: [Self; 4] = [Self::New, Self::Scheduled, Self::Won, Self::Lost];

    /// The stage as stores and events name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Scheduled => "scheduled",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// The stage of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }

    /// Whether a lead may go from here to `to`. Staying is no transition.
    pub const fn may_become(self, to: Self) -> bool {
        use Stage::{Lost, New, Scheduled, Won};
        matches!(
            (self, to),
            (New, Scheduled | Won | Lost) | (Scheduled, Won | Lost) | (Lost, Scheduled | Won)
        )
    }

    /// The stage that booking an appointment leads to: a lead that was sold stays sold.
    pub fn on_booking(self) -> Self {
        if self == Self::Won { Self::Won } else { Self::Scheduled }
    }

    /// `to`, or the error that names the illegal transition.
    pub fn transition(self, to: Self) -> Result<Self, Error> {
        if self.may_become(to) {
            return Ok(to);
        }
        Err(Error::conflict(format!("a lead can't go from `{}` to `{}`", self.code(), to.code())))
    }
}
