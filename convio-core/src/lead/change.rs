use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How urgent a lead is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// It can wait.
    Low,
    /// As any other.
    #[default]
    Normal,
    /// Before the others.
    High,
    /// Now.
    Urgent,
}

impl Priority {
    /// All priorities, from the least to the most urgent.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// The priority as stores name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// The priority of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.code() == code)
    }
}

/// Someone tried to reach the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactAttempt {
    /// How.
    pub channel: Channel,
    /// Whether the person was reached.
    pub reached: bool,
    /// Whether a machine did it.
    pub automated: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// How a person is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Channel {
    /// By telephone.
    Call,
    /// By a text message.
    Sms,
    /// By e-mail.
    Email,
    /// By a messenger.
    Chat,
    /// At the door.
    Visit,
}

/// The contact attempts of a lead, as its row keeps them; each one is in its history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// How many there were.
    pub count: u32,
    /// The first one: speed to lead is the time from the lead's receipt to it.
    pub first_at: Option<DateTime<Utc>>,
    /// The last one.
    pub last_at: Option<DateTime<Utc>>,
}

impl Attempts {
    /// Counts one more.
    pub(crate) fn add(&mut self, at: DateTime<Utc>) {
        self.count += 1;
        self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
        self.last_at = self.last_at.max(Some(at));
    }
}

/// What someone changes of a lead.
#[derive(Clone, PartialEq, Eq)]
pub enum LeadChange {
    /// It gets another status of the workspace's pipeline.
    Move {
        /// The status.
        to: String,
        /// Why: required where it is lost or rejected.
        reason: Option<String>,
    },
    /// It is lost, for being older than the workspace lets its leads be.
    Expire,
    /// Someone is responsible for it from now on; `None`: no one.
    Assign(Option<String>),
    /// It is to be looked at again then; `None`: not.
    FollowUp(Option<DateTime<Utc>>),
    /// It is so urgent.
    Prioritise(Priority),
    /// Something is noted. Personal.
    Note(String),
    /// Someone tried to reach the person.
    Attempt(ContactAttempt),
    /// It is deleted: lists leave it out, and nothing is done with it.
    Delete,
    /// It is no longer deleted.
    Restore,
}

impl fmt::Debug for LeadChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Move { to, .. } => write!(f, "Move({to})"),
            Self::Expire => f.write_str("Expire"),
            Self::Assign(owner) => write!(f, "Assign({owner:?})"),
            Self::FollowUp(at) => write!(f, "FollowUp({at:?})"),
            Self::Prioritise(priority) => write!(f, "Prioritise({priority:?})"),
            Self::Note(_) => f.write_str("Note"),
            Self::Attempt(attempt) => write!(f, "Attempt({attempt:?})"),
            Self::Delete => f.write_str("Delete"),
            Self::Restore => f.write_str("Restore"),
        }
    }
}
