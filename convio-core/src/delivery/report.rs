use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Delivery;
use crate::event::Position;
use crate::id::{AppointmentId, LeadId};
use crate::money::Money;

/// What a delivery became in the workspace that it went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// Its lead there.
    pub lead: LeadId,
    /// Its appointment there, if it delivered one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment: Option<AppointmentId>,
}

/// What the workspace that took a lead or an appointment told of it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The event that tells it, in that workspace's feed. The same event is noted once.
    pub position: Position,
    /// When it happened there.
    pub at: DateTime<Utc>,
    /// What happened.
    pub what: Reported,
}

/// What happened to what was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reported {
    /// It has an appointment there: the one that was delivered, or another.
    Booked,
    /// The customer confirmed.
    Confirmed,
    /// The appointment was held.
    Held,
    /// The customer was not there.
    NoShow,
    /// It was called off.
    Cancelled,
    /// It was sold.
    Sold {
        /// For how much, where the grant lets that be known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<Money>,
    },
    /// A sale was taken back.
    Voided,
    /// It came back, for this reason.
    Returned {
        /// The code of the reason.
        reason: String,
    },
}

impl Reported {
    /// What happened, in one word.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Confirmed => "confirmed",
            Self::Held => "held",
            Self::NoShow => "no_show",
            Self::Cancelled => "cancelled",
            Self::Sold { .. } => "sold",
            Self::Voided => "voided",
            Self::Returned { .. } => "returned",
        }
    }
}

impl Delivery {
    /// The HTTP status of the last attempt, if there was a response.
    pub fn response_status(&self) -> Option<u16> {
        self.attempts.last()?.result.status()
    }

    /// The same, with what the workspace that it went to told of it; `None` where that is noted already, or is older than all that is
    /// kept.
    #[must_use]
    pub fn reported(&self, report: Report) -> Option<Self> {
        let place = self.reports.partition_point(|known| known.position < report.position);
        let is_known = self.reports.get(place).is_some_and(|known| known.position == report.position);
        if is_known || (place == 0 && self.reports.len() >= REPORTS_KEPT_MAX) {
            return None;
        }
        let mut next = self.clone();
        next.reports.insert(place, report);
        let over = next.reports.len().saturating_sub(REPORTS_KEPT_MAX);
        next.reports.drain(..over);
        Some(next)
    }
}

/// How many reports are kept with a delivery: more than a lead has in its life, and a bound for what another workspace may write.
pub const REPORTS_KEPT_MAX: usize = 50;
