use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Reason};
use crate::id::AdjustmentId;
use crate::money::{Money, MoneyError};

/// A change of what a conversion is worth. Adjustments are only ever added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Which one.
    pub id: AdjustmentId,
    /// What changed.
    pub change: Change,
    /// When it was recorded: from then on it is believed.
    pub recorded_at: DateTime<Utc>,
}

/// The kinds of adjustments. Amounts are above zero, in the currency of the conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// So much was paid back.
    Refund(Money),
    /// All that was left was paid back; nothing where nothing is.
    FullRefund,
    /// The buyer's bank took so much back.
    Chargeback(Money),
    /// It gave back what this chargeback took, once, whatever was recorded meanwhile.
    ChargebackReversal(AdjustmentId),
    /// It is worth this: whatever was before is in it. May be zero.
    Restatement(Money),
    /// It should not have been: worth nothing, and not counted. Nothing follows it.
    Retraction,
}

/// A conversion's value, and all that changed it, as they were recorded.
///
/// ```
/// use convio_core::attribution::{Adjustment, Change, History};
/// use convio_core::money::{Currency, Money};
/// use convio_core::{AdjustmentId, SequentialIds};
/// let usd = |minor| Money::from_minor(minor, Currency::USD);
/// let (ids, sold) = (SequentialIds::seeded(1), "2026-03-02T10:00:00Z".parse()?);
/// let refund = |minor, day: &str| {
///     let recorded_at = format!("2026-03-{day}T10:00:00Z").parse().unwrap();
///     Adjustment { id: AdjustmentId::new(&ids, recorded_at), change: Change::Refund(usd(minor)), recorded_at }
/// };
/// let history = History::new(usd(100), sold, [refund(30, "09"), refund(20, "05")])?;
/// assert_eq!(history.net(), usd(50));
/// assert_eq!(history.net_at("2026-03-07T00:00:00Z".parse()?), Some(usd(80)));
/// assert_eq!(history.net_at("2026-03-01T00:00:00Z".parse()?), None);
///
/// let refused = History::new(usd(100), sold, [refund(90, "05"), refund(20, "06"), refund(0, "07")]).unwrap_err();
/// let fields: Vec<&str> = refused.reasons().iter().map(|reason| reason.field.as_str()).collect();
/// assert_eq!(fields, ["adjustments[1].change", "adjustments[2].change"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    standings: Vec<Standing>,
}

/// What a conversion is worth from one record of its history to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What made it so; nothing for the conversion itself.
    pub adjustment: Option<AdjustmentId>,
    /// Since when that was known.
    pub recorded_at: DateTime<Utc>,
    /// What it is worth.
    pub net: Money,
    /// Whether it counts as a conversion: it was not retracted. One that was refunded does.
    pub counts: bool,
}

impl History {
    /// A conversion of this value that was recorded then, and its adjustments, in any order: they are ordered by when they
    /// were recorded, then by id.
    ///
    /// Fails, naming each adjustment by its place among those given, for what takes the net value below zero, an amount that
    /// is not above zero or of another currency, a sum that does not fit, an id that comes twice, the reversal of what is
    /// no chargeback before it or was reversed, what was recorded before the conversion, and what follows a retraction.
    pub fn new(
        value: Money,
        recorded_at: DateTime<Utc>,
        adjustments: impl IntoIterator<Item = Adjustment>,
    ) -> Result<Self, Error> {
        Self::checked(value, recorded_at, adjustments, false)
    }

    /// The same, where the net value may be below zero.
    ///
    /// ```
    /// use convio_core::attribution::{Adjustment, Change, History};
    /// use convio_core::money::{Currency, Money};
    /// use convio_core::{AdjustmentId, SequentialIds};
    /// let (usd, at) = (|minor| Money::from_minor(minor, Currency::USD), "2026-03-02T10:00:00Z".parse()?);
    /// let id = AdjustmentId::new(&SequentialIds::seeded(1), at);
    /// let fee = Adjustment { id, change: Change::Chargeback(usd(115)), recorded_at: at };
    /// assert!(History::new(usd(100), at, [fee]).is_err());
    /// assert_eq!(History::below_zero(usd(100), at, [fee])?.net(), usd(-15));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn below_zero(
        value: Money,
        recorded_at: DateTime<Utc>,
        adjustments: impl IntoIterator<Item = Adjustment>,
    ) -> Result<Self, Error> {
        Self::checked(value, recorded_at, adjustments, true)
    }

    /// What it was worth from each record to the next, the conversion itself first.
    ///
    /// ```
    /// use convio_core::attribution::{Adjustment, Change, History};
    /// use convio_core::money::{Currency, Money};
    /// use convio_core::{AdjustmentId, SequentialIds};
    /// let at = "2026-03-02T10:00:00Z".parse()?;
    /// let id = AdjustmentId::new(&SequentialIds::seeded(1), at);
    /// let retracted = Adjustment { id, change: Change::Retraction, recorded_at: at };
    /// let history = History::new(Money::from_minor(100, Currency::USD), at, [retracted])?;
    /// let found: Vec<(i64, bool)> = history.standings().iter().map(|it| (it.net.minor(), it.counts)).collect();
    /// assert_eq!(found, [(100, true), (0, false)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }

    /// What it is worth now.
    pub fn net(&self) -> Money {
        // The first is the conversion's own.
        self.standings[self.standings.len() - 1].net
    }

    /// What it was believed to be worth at a time; nothing before it was recorded.
    pub fn net_at(&self, at: DateTime<Utc>) -> Option<Money> {
        let known = self.standings.partition_point(|standing| standing.recorded_at <= at);
        known.checked_sub(1).map(|last| self.standings[last].net)
    }

    fn checked(
        value: Money,
        recorded_at: DateTime<Utc>,
        adjustments: impl IntoIterator<Item = Adjustment>,
        below_zero: bool,
    ) -> Result<Self, Error> {
        let mut adjustments: Vec<(usize, Adjustment)> = adjustments.into_iter().enumerate().collect();
        adjustments.sort_by_key(|(_, adjustment)| (adjustment.recorded_at, adjustment.id));
        let first = Standing { adjustment: None, recorded_at, net: value, counts: true };
        let mut account = Account { last: first, taken: HashMap::new(), below_zero };
        let (mut standings, mut reasons) = (vec![first], Vec::new());
        for (place, adjustment) in adjustments {
            match account.adjust(&adjustment) {
                Ok(standing) => standings.push(standing),
                Err(refusal) => reasons.push(refusal.reason(place)),
            }
        }
        if reasons.is_empty() { Ok(Self { standings }) } else { Err(Error::invalid(reasons)) }
    }
}

/// A conversion on its way through its history.
struct Account {
    last: Standing,
    /// What each adjustment took that can be given back: a chargeback that was not reversed.
    taken: HashMap<AdjustmentId, Option<Money>>,
    below_zero: bool,
}

impl Account {
    fn adjust(&mut self, adjustment: &Adjustment) -> Result<Standing, Refusal> {
        if adjustment.recorded_at < self.last.recorded_at {
            return Err(Refusal::TooEarly);
        }
        if self.taken.contains_key(&adjustment.id) {
            return Err(Refusal::Repeated);
        }
        if !self.last.counts {
            return Err(Refusal::Retracted);
        }
        let net = self.net_after(adjustment.change)?;
        if net.minor() < 0 && net.minor() < self.last.net.minor() && !self.below_zero {
            return Err(Refusal::BelowZero);
        }
        let taken = match adjustment.change {
            Change::Chargeback(amount) => Some(amount),
            _ => None,
        };
        if let Change::ChargebackReversal(of) = adjustment.change {
            self.taken.insert(of, None);
        }
        self.taken.insert(adjustment.id, taken);
        self.last = Standing {
            adjustment: Some(adjustment.id),
            recorded_at: adjustment.recorded_at,
            net,
            counts: adjustment.change != Change::Retraction,
        };
        Ok(self.last)
    }

    fn net_after(&self, change: Change) -> Result<Money, Refusal> {
        let net = self.last.net;
        let zero = Money::zero(net.currency());
        match change {
            Change::Refund(amount) | Change::Chargeback(amount) if amount.minor() <= 0 => {
                Err(Refusal::NotAboveZero)
            }
            Change::Refund(amount) | Change::Chargeback(amount) => Ok(net.checked_sub(amount)?),
            Change::FullRefund => Ok(if net.minor() > 0 { zero } else { net }),
            Change::ChargebackReversal(of) => {
                let amount = self.taken.get(&of).copied().flatten().ok_or(Refusal::NoChargeback)?;
                Ok(net.checked_add(amount)?)
            }
            Change::Restatement(value) => {
                value.checked_sub(zero)?; // of the same currency
                Ok(value)
            }
            Change::Retraction => Ok(zero),
        }
    }
}

/// Why an adjustment can't be.
enum Refusal {
    TooEarly,
    Repeated,
    Retracted,
    BelowZero,
    NotAboveZero,
    NoChargeback,
    Money(MoneyError),
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

impl Refusal {
    fn reason(self, place: usize) -> Reason {
        let (field, code, message) = match self {
            Self::TooEarly => ("recorded_at", "too_early", "an adjustment is recorded after its conversion"),
            Self::Repeated => ("id", "repeated", "another adjustment has the same id"),
            Self::Retracted => ("change", "retracted", "the conversion was retracted before"),
            Self::BelowZero => ("change", "below_zero", "the net value would be below zero"),
            Self::NotAboveZero => ("change", "not_above_zero", "the amount must be above zero"),
            Self::NoChargeback => {
                ("change", "no_chargeback", "no chargeback before it has this id and was not reversed")
            }
            Self::Money(error) => {
                return Reason::new(format!("adjustments[{place}].change"), error.code(), error.to_string());
            }
        };
        Reason::new(format!("adjustments[{place}].{field}"), code, message)
    }
}
