use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::appointment::{id_reason, text_reason};
use crate::error::{Error, Reason};
use crate::id::CommissionId;
use crate::money::Money;

/// What somebody earns by a conversion: whoever brought the lead, or sold it.
///
/// It is due, and then cancelled or paid. What was paid is never unpaid: it can only be clawed back, which is a payment of
/// its own, and written beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commission {
    /// Which one.
    pub id: CommissionId,
    /// Who earns it: a name or id of yours.
    pub to: String,
    /// How much, above zero, in any currency.
    pub amount: Money,
    /// The caller's own id of it: unique among those of its conversion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Since when it is due.
    pub due_at: DateTime<Utc>,
    /// That it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Paid>,
    /// That it was cancelled before it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Reversal>,
    /// What was clawed back since it was paid, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clawed_back: Vec<ClawBack>,
}

/// That a commission was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// When.
    pub at: DateTime<Utc>,
    /// The payer's id of the payment, such as that of the transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Why and when a commission came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// What was taken back of a commission that was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClawBack {
    /// How much.
    pub amount: Money,
    /// When, and why.
    #[serde(flatten)]
    pub because: Reversal,
}

/// How far a commission has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommissionState {
    /// It is to be paid.
    Due,
    /// It was paid, and something of it is kept.
    Paid,
    /// It was cancelled before it was paid.
    Cancelled,
    /// It was paid, and all of it was clawed back.
    ClawedBack,
}

impl CommissionState {
    /// The state's name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
            Self::ClawedBack => "clawed_back",
        }
    }
}

impl Commission {
    /// How far it has come.
    pub fn state(&self) -> CommissionState {
        match (&self.paid, &self.cancelled) {
            (_, Some(_)) => CommissionState::Cancelled,
            (None, None) => CommissionState::Due,
            (Some(_), None) if self.kept().minor() == 0 => CommissionState::ClawedBack,
            (Some(_), None) => CommissionState::Paid,
        }
    }

    /// What of it is still owed or kept: all of it until it is cancelled, then what was not clawed back.
    pub fn kept(&self) -> Money {
        let back: i64 = self.clawed_back.iter().map(|back| back.amount.minor()).sum(); // parts of the amount
        let minor = if self.cancelled.is_some() { 0 } else { self.amount.minor() - back };
        Money::from_minor(minor, self.amount.currency())
    }

    /// Pays it. Told again under the same reference it stays as it is.
    pub(crate) fn pay(&mut self, at: DateTime<Utc>, reference: Option<String>) -> Result<(), Error> {
        match (&self.paid, self.state()) {
            (None, CommissionState::Due) => {
                self.paid = Some(Paid { at, reference });
                Ok(())
            }
            (Some(paid), _) if reference.is_some() && paid.reference == reference => Ok(()),
            (_, state) => Err(self.is_already(state)),
        }
    }

    /// Cancels it: what is due.
    pub(crate) fn cancel(&mut self, at: DateTime<Utc>, reason: String) -> Result<(), Error> {
        match self.state() {
            CommissionState::Due => {
                self.cancelled = Some(Reversal { at, reason });
                Ok(())
            }
            CommissionState::Paid | CommissionState::ClawedBack => Err(Error::conflict(format!(
                "commission `{}` was paid: it can be clawed back, not cancelled",
                self.id
            ))),
            state @ CommissionState::Cancelled => Err(self.is_already(state)),
        }
    }

    /// Claws back so much of what was paid, or all that is left.
    pub(crate) fn claw_back(
        &mut self,
        at: DateTime<Utc>,
        amount: Option<Money>,
        reason: String,
    ) -> Result<(), Error> {
        match self.state() {
            CommissionState::Due => Err(Error::conflict(format!(
                "commission `{}` was not paid: it can be cancelled, not clawed back",
                self.id
            ))),
            CommissionState::Paid => {
                let kept = self.kept();
                let amount = amount.unwrap_or(kept);
                let wrong = if amount.currency() != kept.currency() {
                    Some(("currency_mismatch", format!("it was paid in {}", kept.currency())))
                } else if amount.minor() <= 0 {
                    Some(("not_above_zero", "an amount is above zero".to_owned()))
                } else if amount.minor() > kept.minor() {
                    Some(("too_much", format!("{kept} of it is left")))
                } else {
                    None
                };
                if let Some((code, message)) = wrong {
                    return Err(Error::invalid(vec![Reason::new("amount", code, message)]));
                }
                if self.clawed_back.len() >= CLAW_BACKS_MAX {
                    let message = format!("at most {CLAW_BACKS_MAX} parts of a commission are clawed back");
                    return Err(Error::invalid(vec![Reason::new("amount", "too_many", message)]));
                }
                self.clawed_back.push(ClawBack { amount, because: Reversal { at, reason } });
                Ok(())
            }
            state => Err(self.is_already(state)),
        }
    }

    /// Ends it since the sale is undone: what is due is cancelled, what was paid is clawed back. Whether there was anything
    /// to end.
    pub(crate) fn reverse(&mut self, at: DateTime<Utc>, reason: &str) -> bool {
        let because = Reversal { at, reason: reason.to_owned() };
        match self.state() {
            CommissionState::Due => self.cancelled = Some(because),
            CommissionState::Paid => self.clawed_back.push(ClawBack { amount: self.kept(), because }),
            CommissionState::Cancelled | CommissionState::ClawedBack => return false,
        }
        true
    }

    fn is_already(&self, state: CommissionState) -> Error {
        Error::conflict(format!("commission `{}` is `{}` already", self.id, state.code()))
    }
}

/// A commission to be owed.
///
/// ```
/// use convio_core::conversion::NewCommission;
/// let new = NewCommission::to("partner 7", "15.00 USD".parse()?).external_id("com_1");
/// assert!(new.check().is_empty());
/// assert_eq!(NewCommission::to(" ", "0 USD".parse()?).check().len(), 2);
/// # Ok::<(), convio_core::money::MoneyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommission {
    pub(crate) to: String,
    pub(crate) amount: Money,
    pub(crate) external_id: Option<String>,
}

impl NewCommission {
    /// So much, for them.
    pub fn to(who: impl Into<String>, amount: Money) -> Self {
        Self { to: who.into(), amount, external_id: None }
    }

    /// Your own id of it: the same one again, of the same conversion, is the same commission.
    #[must_use]
    pub fn external_id(self, id: impl Into<String>) -> Self {
        Self { external_id: Some(id.into()), ..self }
    }

    /// Every field that is wrong.
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = text_reason("to", Some(&self.to)).into_iter().collect();
        if self.amount.minor() <= 0 {
            reasons.push(Reason::new("amount", "not_above_zero", "a commission is above zero"));
        }
        reasons.extend(id_reason(self.external_id.as_deref()));
        reasons
    }
}

/// Most commissions of a conversion.
pub const COMMISSIONS_MAX: usize = 100;
/// Most parts in which a commission is clawed back; the last one is left to the end of the sale.
pub const CLAW_BACKS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::SequentialIds;
    use crate::money::Currency;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    fn due(minor: i64) -> Commission {
        let at = DateTime::UNIX_EPOCH;
        let id = CommissionId::new(&SequentialIds::seeded(1), at);
        let (to, amount) = ("Ann".to_owned(), usd(minor));
        let (paid, cancelled, clawed_back) = (None, None, Vec::new());
        Commission { id, to, amount, external_id: None, due_at: at, paid, cancelled, clawed_back }
    }

    proptest! {
        /// Whatever is tried: what was paid is never cancelled, and no more is taken back than was paid.
        #[test]
        fn what_was_paid_is_clawed_back_only(minor in 1..500i64, steps in proptest::collection::vec((0..4u8, -5..600i64), 0..20)) {
            let (mut row, at) = (due(minor), DateTime::UNIX_EPOCH);
            for (what, part) in steps {
                let before = row.clone();
                let done = match what {
                    0 => row.pay(at, None),
                    1 => row.cancel(at, "why".to_owned()),
                    2 => row.claw_back(at, Some(usd(part)), "why".to_owned()),
                    _ => if row.reverse(at, "why") { Ok(()) } else { Err(Error::conflict("nothing")) },
                };
                if done.is_err() {
                    prop_assert_eq!(&row, &before);
                } else {
                    prop_assert!(row.kept().minor() <= before.kept().minor());
                }
                prop_assert!(row.paid.is_none() || row.cancelled.is_none());
                prop_assert!(row.paid.is_some() || row.clawed_back.is_empty());
                prop_assert!((0..=minor).contains(&row.kept().minor()));
            }
        }
    }

    #[test]
    fn a_payment_told_again_is_one() {
        let (mut row, at) = (due(100), DateTime::UNIX_EPOCH);
        row.pay(at, Some("tr_1".to_owned())).unwrap();
        let paid = row.clone();
        row.pay(at, Some("tr_1".to_owned())).unwrap();
        assert_eq!(row, paid);
        assert!(row.pay(at, Some("tr_2".to_owned())).is_err() && row.pay(at, None).is_err());
    }
}
