use serde::{Deserialize, Serialize};

use super::Ratio;
use crate::attribution::MILLION;
use crate::error::{Error, Reason};
use crate::money::round::{half_even, signed};
use crate::money::{Money, MoneyError};

/// What was spent and what came of it, in one currency: costs per lead and per conversion, and returns.
///
/// Whatever is divided by nothing is `None`, never zero.
///
/// ```
/// use convio_core::analytics::Economics;
/// use convio_core::attribution::MILLION;
/// let solar = Economics::new("1000.00 USD".parse()?, 30, 4 * MILLION, "4500.00 USD".parse()?)?;
/// assert_eq!(solar.cpl(), Some("33.33 USD".parse()?));
/// assert_eq!(solar.cpa(), Some("250.00 USD".parse()?));
/// assert_eq!(solar.roas().map(|it| it.to_string()), Some("4.5000".to_owned()));
/// assert_eq!(solar.roi().map(|it| it.to_string()), Some("3.5000".to_owned()));
///
/// let free = Economics::new("0.00 USD".parse()?, 0, 0, "90.00 USD".parse()?)?;
/// assert_eq!((free.cpl(), free.cpa(), free.roas(), free.roi()), (None, None, None, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Given")]
pub struct Economics {
    spend: Money,
    leads: u64,
    millionths: i64,
    revenue: Money,
}

impl Economics {
    /// Of so much spent, the leads and conversions that came of it, and the revenue. Conversions are in
    /// [millionths](crate::attribution::MILLION), since a model divides each between the touches that led to it.
    ///
    /// Conversions are net: of a time in which more were taken back than made there are fewer than none. Spend and revenue may be
    /// below zero too, after credit notes and refunds.
    ///
    /// Fails where the revenue is in another currency than the spend.
    ///
    /// ```
    /// use convio_core::analytics::Economics;
    /// let refused = Economics::new("10.00 USD".parse()?, 1, 1, "10.00 EUR".parse()?).unwrap_err();
    /// let reason = &refused.reasons()[0];
    /// assert_eq!((reason.field.as_str(), reason.code.as_str()), ("revenue", "currency_mismatch"));
    /// # Ok::<(), convio_core::money::MoneyError>(())
    /// ```
    pub fn new(spend: Money, leads: u64, millionths: i64, revenue: Money) -> Result<Self, Error> {
        if spend.currency() != revenue.currency() {
            let mismatch = MoneyError::CurrencyMismatch { left: spend.currency(), right: revenue.currency() };
            let reason = Reason::new("revenue", mismatch.code(), mismatch.to_string());
            return Err(Error::invalid(vec![reason]));
        }
        Ok(Self { spend, leads, millionths, revenue })
    }

    /// What was spent.
    pub fn spend(&self) -> Money {
        self.spend
    }

    /// How many leads came of it.
    pub fn leads(&self) -> u64 {
        self.leads
    }

    /// How many conversions, net of those that were taken back, in [millionths](crate::attribution::MILLION).
    pub fn millionths(&self) -> i64 {
        self.millionths
    }

    /// What they brought, net of what was paid back.
    pub fn revenue(&self) -> Money {
        self.revenue
    }

    /// Cost per lead, rounded to the minor unit, halves to the even one. `None` without leads.
    ///
    /// ```
    /// use convio_core::analytics::Economics;
    /// let zero = "0.00 USD".parse()?;
    /// let cpl = |spend: &str, leads| Economics::new(spend.parse().unwrap(), leads, 0, zero).unwrap().cpl();
    /// assert_eq!(cpl("0.25 USD", 10), Some("0.02 USD".parse()?)); // 2.5 cents
    /// assert_eq!(cpl("0.35 USD", 10), Some("0.04 USD".parse()?)); // 3.5 cents
    /// assert_eq!(cpl("0.35 USD", 0), None);
    /// # Ok::<(), convio_core::money::MoneyError>(())
    /// ```
    pub fn cpl(&self) -> Option<Money> {
        each(self.spend, self.leads)
    }

    /// Cost per acquisition, that is per conversion, rounded as [`Economics::cpl`] is. `None` where no conversion is left, and where it does not fit.
    ///
    /// ```
    /// use convio_core::analytics::Economics;
    /// let (spend, revenue) = ("100.00 USD".parse()?, "5.00 USD".parse()?);
    /// let cpa = |millionths| Economics::new(spend, 9, millionths, revenue).unwrap().cpa();
    /// assert_eq!(cpa(3_000_000), Some("33.33 USD".parse()?));
    /// assert_eq!(cpa(500_000), Some("200.00 USD".parse()?)); // half of one
    /// assert_eq!((cpa(0), cpa(-1)), (None, None));
    /// # Ok::<(), convio_core::money::MoneyError>(())
    /// ```
    pub fn cpa(&self) -> Option<Money> {
        let millionths = u64::try_from(self.millionths).ok().filter(|n| *n > 0)?;
        let whole = u128::from(self.spend.minor().unsigned_abs()) * MILLION as u128;
        // Of a small part of a conversion the cost of a whole one may not fit.
        let minor = signed(half_even(whole, millionths.into()), self.spend.minor() < 0)?;
        Some(Money::from_minor(minor, self.spend.currency()))
    }

    /// Return on ad spend: revenue by spend, so 4 where each dollar brought four. `None` where nothing was spent.
    ///
    /// ```
    /// use convio_core::analytics::{Economics, Ratio};
    /// let thirds = Economics::new("3.00 USD".parse()?, 0, 1, "10.00 USD".parse()?).unwrap();
    /// assert_eq!(thirds.roas(), Ratio::new(10, 3));
    /// assert_eq!(thirds.roas().unwrap().to_string(), "3.3333");
    /// # Ok::<(), convio_core::money::MoneyError>(())
    /// ```
    pub fn roas(&self) -> Option<Ratio> {
        self.by_spend(self.revenue.minor().into())
    }

    /// Return on investment: what is left of the revenue when the spend is taken off, by the spend. 0 where all came back and no more,
    /// -1 where nothing did; always [`Economics::roas`] less 1. `None` where nothing was spent.
    ///
    /// ```
    /// use convio_core::analytics::{Economics, Ratio};
    /// let spend = "80.00 USD".parse()?;
    /// let roi = |revenue: &str| Economics::new(spend, 0, 1, revenue.parse().unwrap()).unwrap().roi();
    /// assert_eq!(roi("100.00 USD"), Ratio::new(1, 4));
    /// assert_eq!(roi("80.00 USD"), Ratio::new(0, 1));
    /// assert_eq!(roi("0.00 USD"), Ratio::new(-1, 1));
    /// # Ok::<(), convio_core::money::MoneyError>(())
    /// ```
    pub fn roi(&self) -> Option<Ratio> {
        self.by_spend(i128::from(self.revenue.minor()) - i128::from(self.spend.minor()))
    }

    fn by_spend(&self, minor: i128) -> Option<Ratio> {
        let spend = self.spend.minor();
        Ratio::new(if spend < 0 { -minor } else { minor }, spend.unsigned_abs())
    }
}

/// Economics as they were written, before they are checked.
#[derive(Deserialize)]
struct Given {
    spend: Money,
    leads: u64,
    millionths: i64,
    revenue: Money,
}

impl TryFrom<Given> for Economics {
    type Error = Error;

    fn try_from(given: Given) -> Result<Self, Error> {
        Self::new(given.spend, given.leads, given.millionths, given.revenue)
    }
}

/// What one of so many cost; `None` for none.
fn each(spend: Money, count: u64) -> Option<Money> {
    let units = (count > 0).then(|| half_even(spend.minor().unsigned_abs().into(), count.into()))?;
    // No more than the spend, so it fits.
    signed(units, spend.minor() < 0).map(|minor| Money::from_minor(minor, spend.currency()))
}

#[cfg(test)]
mod tests;
