use serde::{Deserialize, Serialize};

use crate::appointment::{id_reason, text_reason};
use crate::attribution::{Adjustment, Change};
use crate::error::Reason;
use crate::id::AdjustmentId;
use crate::money::Money;

/// A change of what a conversion is worth, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    /// What changed, and when that was recorded.
    pub adjustment: Adjustment,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The caller's own id of it: unique among those of its conversion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// A change of what a conversion is worth, to be recorded.
///
/// ```
/// use convio_core::conversion::NewAdjustment;
/// let refund = NewAdjustment::refund("25.00 USD".parse()?).because("two of eight panels").external_id("re_1");
/// assert!(refund.check().is_empty());
/// # Ok::<(), convio_core::money::MoneyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAdjustment {
    pub(crate) change: Change,
    pub(crate) reason: Option<String>,
    pub(crate) external_id: Option<String>,
}

impl NewAdjustment {
    /// So much was paid back.
    pub fn refund(amount: Money) -> Self {
        Self::of(Change::Refund(amount))
    }

    /// All that was left was paid back.
    pub fn full_refund() -> Self {
        Self::of(Change::FullRefund)
    }

    /// The buyer's bank took so much back.
    pub fn chargeback(amount: Money) -> Self {
        Self::of(Change::Chargeback(amount))
    }

    /// It gave back what this chargeback took.
    pub fn chargeback_reversal(of: AdjustmentId) -> Self {
        Self::of(Change::ChargebackReversal(of))
    }

    /// It is worth this, whatever was recorded before.
    pub fn restatement(value: Money) -> Self {
        Self::of(Change::Restatement(value))
    }

    /// For this reason.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    /// Your own id of it, such as that of the refund: the same one again, of the same conversion, is the same adjustment.
    #[must_use]
    pub fn external_id(self, id: impl Into<String>) -> Self {
        Self { external_id: Some(id.into()), ..self }
    }

    /// Every text that is wrong. Amounts are looked at beside what was recorded before.
    pub fn check(&self) -> Vec<Reason> {
        let reason = text_reason("reason", self.reason.as_deref());
        reason.into_iter().chain(id_reason(self.external_id.as_deref())).collect()
    }

    fn of(change: Change) -> Self {
        Self { change, reason: None, external_id: None }
    }
}

/// Most adjustments of a conversion.
pub const ADJUSTMENTS_MAX: usize = 1_000;
