use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Target;
use crate::money::Money;

/// Who should not get it, though a rule names them, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// The target.
    pub target: Target,
    /// Why they do not want it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A rule that matches, or a target of it, that does not get something, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The rule.
    pub rule: String,
    /// The target; `None` where the rule itself is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Why.
    pub why: Why,
}

/// Why someone does not get something that a rule would give them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// A cap is reached.
    Full {
        /// The cap, as it is written.
        cap: String,
        /// What it has counted by now.
        used: i64,
    },
    /// They declined it.
    Declined {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// They are switched off.
    Inactive,
    /// They are away when it starts.
    Away {
        /// When they are back.
        until: DateTime<Utc>,
    },
    /// Their calendar is taken then.
    Taken,
    /// Their calendar is not open then.
    Closed,
    /// They have no calendar, where others of the workspace have one.
    NoCalendar,
    /// It is another one's turn.
    Turn {
        /// Which turn it is, from 0 on.
        turn: i64,
    },
    /// The lead's number falls to another one.
    Share,
    /// Another one has fewer open appointments for its part.
    Busier {
        /// How many this one has.
        open: i64,
    },
    /// Another one's level is lower for its part.
    Ahead {
        /// The level of this one.
        level: i64,
    },
    /// Another one pays more.
    Outbid {
        /// What this one pays.
        price: Money,
    },
    /// Another one comes first in the rule.
    Later,
    /// The owner of the lead, or who was responsible for its contact before, goes before.
    Owned,
}

/// A counter that a decision looked at, and what it adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The counter.
    pub key: String,
    /// Its window.
    #[serde(default, skip_serializing_if = "is_epoch")]
    pub window: DateTime<Utc>,
    /// What it had come to.
    pub used: i64,
    /// What is added; 0 where it was only looked at.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n: i64,
    /// When what was added is given back.
    #[serde(default, skip_serializing_if = "Freed::is_never")]
    pub freed: Freed,
    /// Whether it is given back too where the lead that was sold comes back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returned: bool,
}

/// A target whose calendar a decision looked at, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seated {
    /// The target.
    pub target: Target,
    /// Whether it could be booked.
    pub seat: Seat,
}

/// Whether someone can be booked at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    /// Their calendar has room.
    Free,
    /// It is taken.
    Taken,
    /// It is not open.
    Closed,
    /// They have no calendar that counts, where others do.
    Missing,
}

/// When a place is given back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freed {
    /// Never.
    #[default]
    Never,
    /// When someone else gets it instead.
    Passed,
    /// Then, and when the appointment is cancelled.
    Cancelled,
    /// Then, and when someone misses the appointment.
    Missed,
    /// When the appointment comes to any end.
    Ended,
}

/// What becomes of an appointment that was routed to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Someone else gets it instead, or nobody.
    Passed,
    /// It is cancelled.
    Cancelled,
    /// Someone misses it.
    Missed,
    /// It takes place.
    Completed,
}

impl Freed {
    /// Whether it is given back at this end.
    pub(crate) fn at(self, end: End) -> bool {
        match self {
            Self::Never => false,
            Self::Passed => end == End::Passed,
            Self::Cancelled => matches!(end, End::Passed | End::Cancelled),
            Self::Missed => matches!(end, End::Passed | End::Cancelled | End::Missed),
            Self::Ended => true,
        }
    }

    fn is_never(&self) -> bool {
        *self == Self::Never
    }
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

fn is_epoch(at: &DateTime<Utc>) -> bool {
    *at == DateTime::UNIX_EPOCH
}
