use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Reason;
use crate::id::LeadId;

/// That a lead which was sold came back. A lead that was refused before anybody bought it is rejected
/// ([`Stage::Rejected`](crate::lead::Stage)); only what was sold can be returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// When the buyer said so.
    pub at: DateTime<Utc>,
    /// Why: one of the reasons of the workspace's [`ReturnPolicy`].
    pub reason: String,
    /// What the buyer gets for it.
    pub remedy: Remedy,
    /// Whether caps that take returned leads back had room again by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub caps_freed: bool,
}

/// What the buyer of a returned lead gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The money: the sale is worth nothing any more, and still counts as one.
    Credit,
    /// Another lead, at no price: the sale is worth what it was. `None` while it is owed.
    Replacement(Option<LeadId>),
}

impl Remedy {
    /// Whether it says which lead is given.
    pub(crate) fn is_given(self) -> bool {
        matches!(self, Self::Replacement(Some(_)))
    }
}

/// A return to be recorded.
///
/// ```
/// use convio_core::conversion::{NewReturn, Remedy};
/// let back = NewReturn::credit("bad_number");
/// assert!(back.check().is_empty());
/// assert_eq!(NewReturn::replacement("duplicate").remedy(), Remedy::Replacement(None));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReturn {
    pub(crate) reason: String,
    pub(crate) remedy: Remedy,
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) keeps_commissions: bool,
}

impl NewReturn {
    /// The buyer gets the money back.
    pub fn credit(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: Remedy::Credit, at: None, keeps_commissions: false }
    }

    /// The buyer is owed another lead.
    pub fn replacement(reason: impl Into<String>) -> Self {
        Self { remedy: Remedy::Replacement(None), ..Self::credit(reason) }
    }

    /// The buyer gets this lead instead. Of one that is owed a lead already, it says which one that is.
    #[must_use]
    pub fn replaced_by(self, lead: LeadId) -> Self {
        Self { remedy: Remedy::Replacement(Some(lead)), ..self }
    }

    /// The buyer said so then. A time to come counts as now.
    #[must_use]
    pub fn at(self, at: DateTime<Utc>) -> Self {
        Self { at: Some(at), ..self }
    }

    /// Whoever earned a commission by the sale keeps it. Otherwise what is due is cancelled, and what was paid is clawed
    /// back.
    #[must_use]
    pub fn keep_commissions(self) -> Self {
        Self { keeps_commissions: true, ..self }
    }

    /// What the buyer gets.
    pub fn remedy(&self) -> Remedy {
        self.remedy
    }

    /// What is wrong with its text. Whether the reason is one of the workspace's, and the time within its window, is
    /// looked at when it is recorded.
    pub fn check(&self) -> Vec<Reason> {
        crate::appointment::text_reason("reason", Some(&self.reason)).into_iter().collect()
    }
}

/// Which returns a workspace takes.
///
/// ```
/// use convio_core::conversion::ReturnPolicy;
/// let policy = ReturnPolicy::default();
/// assert!(policy.reasons.iter().any(|reason| reason == "bad_number"));
/// assert_eq!(policy.hours, 7 * 24);
/// assert!(policy.check().is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReturnPolicy {
    /// The reasons that count. That the lead did not buy is usually none.
    pub reasons: Vec<String>,
    /// Up to how many hours after the sale a lead may come back, the last one included; 0: none may.
    pub hours: u32,
}

impl Default for ReturnPolicy {
    fn default() -> Self {
        let reasons = ["bad_number", "duplicate", "no_consent", "out_of_area", "out_of_criteria"];
        Self { reasons: reasons.map(str::to_owned).to_vec(), hours: RETURN_HOURS }
    }
}

impl ReturnPolicy {
    /// Until when a lead that was sold then may come back.
    pub fn until(&self, sold_at: DateTime<Utc>) -> DateTime<Utc> {
        let window = TimeDelta::hours(self.hours.into());
        sold_at.checked_add_signed(window).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Every part of it that can't be.
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for (n, reason) in self.reasons.iter().enumerate() {
            reasons.extend(crate::appointment::text_reason("returns.reasons", Some(reason)));
            if self.reasons[..n].contains(reason) {
                let message = format!("the reason `{reason}` comes twice");
                reasons.push(Reason::new("returns.reasons", "duplicate", message));
            }
        }
        if self.reasons.len() > REASONS_MAX {
            let message = format!("at most {REASONS_MAX} reasons, not {}", self.reasons.len());
            reasons.push(Reason::new("returns.reasons", "too_many", message));
        }
        reasons
    }
}

/// Hours after its sale within which a lead may come back by default: a week. Buyers of leads are given 48 hours to 30
/// days.
const RETURN_HOURS: u32 = 7 * 24;
/// Most reasons of a workspace: they travel with its configuration.
const REASONS_MAX: usize = 100;
