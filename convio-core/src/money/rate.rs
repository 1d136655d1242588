//! Rates of exchange: exact decimals, and what an amount is in another currency.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::round::{half_even, signed};
use super::{Currency, Money, MoneyError, is_digits};

/// How much of one currency is one of another: an exact decimal above zero, never a float.
///
/// Kept without zeros at its end, so `1.50` == `1.5`. Serialised as a text, such as `"1.0837"`.
///
/// ```
/// use convio_core::money::{Rate, RateError};
///
/// let rate: Rate = "1.08370".parse()?;
/// assert_eq!(rate.to_string(), "1.0837");
/// assert_eq!((rate.mantissa(), rate.scale()), (10_837, 4));
/// assert!(rate > Rate::ONE);
/// assert_eq!("0.000".parse::<Rate>(), Err(RateError::Zero));
/// assert_eq!("1,0837".parse::<Rate>(), Err(RateError::Form));
/// # Ok::<(), RateError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    mantissa: u64,
    scale: u8,
}

/// What one unit of a currency was worth in another on a day, and who says so.
///
/// ```
/// use convio_core::money::{Currency, ExchangeRate, Money};
///
/// let ecb = ExchangeRate {
///     from: "EUR".parse()?,
///     to: Currency::USD,
///     rate: "1.0837".parse()?,
///     day: "2026-03-02".parse()?,
///     source: "ECB".to_owned(),
/// };
/// assert_eq!(ecb.convert("100.00 EUR".parse()?)?, "108.37 USD".parse()?);
/// assert!(ecb.convert(Money::zero(Currency::USD)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExchangeRate {
    /// The currency that is converted.
    pub from: Currency,
    /// The currency that it is converted to.
    pub to: Currency,
    /// How much of `to` one of `from` is, both in whole units: dollars, not cents.
    pub rate: Rate,
    /// The day that it is of.
    pub day: NaiveDate,
    /// Who says so, such as `ECB`.
    pub source: String,
}

impl Rate {
    /// One for one.
    pub const ONE: Self = Self { mantissa: 1, scale: 0 };

    /// The rate `mantissa / 10^scale`.
    ///
    /// # Errors
    ///
    /// [`RateError::Zero`], and [`RateError::TooManyDecimals`] where the scale is more than [`RATE_DECIMALS_MAX`].
    ///
    /// ```
    /// use convio_core::money::{Rate, RateError};
    ///
    /// assert_eq!(Rate::new(108_370, 5)?, "1.0837".parse()?);
    /// assert_eq!(Rate::new(1, 13), Err(RateError::TooManyDecimals));
    /// # Ok::<(), RateError>(())
    /// ```
    pub fn new(mantissa: u64, scale: u8) -> Result<Self, RateError> {
        if mantissa == 0 {
            return Err(RateError::Zero);
        }
        if scale > RATE_DECIMALS_MAX {
            return Err(RateError::TooManyDecimals);
        }
        let (mut mantissa, mut scale) = (mantissa, scale);
        while scale > 0 && mantissa % 10 == 0 {
            (mantissa, scale) = (mantissa / 10, scale - 1);
        }
        Ok(Self { mantissa, scale })
    }

    /// Its digits as a whole number, without zeros after the point at its end.
    #[must_use]
    pub const fn mantissa(self) -> u64 {
        self.mantissa
    }

    /// How many of them stand after the point: 0 to [`RATE_DECIMALS_MAX`].
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }
}

impl ExchangeRate {
    /// What an amount is in the other currency: worked out exactly, then rounded to the minor unit, halves to the even one.
    ///
    /// Rounding goes by the amount without its sign: what a refund comes to is the negative of what the sale did.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] if the amount is not in `from`, [`MoneyError::Overflow`].
    ///
    /// ```
    /// use convio_core::money::{Currency, ExchangeRate, Money};
    ///
    /// let of = |rate: &str, from: &str| ExchangeRate {
    ///     from: from.parse().unwrap(),
    ///     to: Currency::USD,
    ///     rate: rate.parse().unwrap(),
    ///     day: "2026-03-02".parse().unwrap(),
    ///     source: "ECB".to_owned(),
    /// };
    /// // 0.5 and 1.5 cents: both to the even one.
    /// assert_eq!(of("0.5", "EUR").convert("0.01 EUR".parse()?)?, Money::zero(Currency::USD));
    /// assert_eq!(of("0.5", "EUR").convert("-0.03 EUR".parse()?)?, "-0.02 USD".parse()?);
    /// // The yen has no minor unit, the Kuwaiti dinar a thousand fils.
    /// assert_eq!(of("0.0067", "JPY").convert("500 JPY".parse()?)?, "3.35 USD".parse()?);
    /// assert_eq!(of("3.25", "KWD").convert("1.234 KWD".parse()?)?, "4.01 USD".parse()?);
    /// # Ok::<(), convio_core::money::MoneyError>(())
    /// ```
    pub fn convert(&self, amount: Money) -> Result<Money, MoneyError> {
        if amount.currency() != self.from {
            return Err(MoneyError::CurrencyMismatch { left: amount.currency(), right: self.from });
        }
        // At most 63 and 64 bits, so 127.
        let product = u128::from(amount.minor().unsigned_abs()) * u128::from(self.rate.mantissa);
        // By which power of ten that is too much, all decimals taken together.
        let up = self.to.exponent();
        let down = self.rate.scale + self.from.exponent();
        let units = match down.checked_sub(up) {
            Some(places) => half_even(product, TEN.pow(places.into())),
            // What does not fit 128 bits does not fit 64.
            None => product.checked_mul(TEN.pow((up - down).into())).ok_or(MoneyError::Overflow)?,
        };
        let minor = signed(units, amount.minor() < 0).ok_or(MoneyError::Overflow)?;
        Ok(Money::from_minor(minor, self.to))
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// Reads digits with at most one point between them, blanks around ignored: no sign, no exponent, no separator.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let text = text.trim();
        let (whole, decimals) = match text.split_once('.') {
            Some((whole, decimals)) if is_digits(decimals) => (whole, decimals),
            Some(_) => return Err(RateError::Form),
            None => (text, ""),
        };
        if !is_digits(whole) {
            return Err(RateError::Form);
        }
        if decimals.len() > usize::from(RATE_DECIMALS_MAX) {
            return Err(RateError::TooManyDecimals);
        }
        let decimals = decimals.trim_end_matches('0');
        let mut mantissa: u64 = 0;
        for digit in whole.bytes().chain(decimals.bytes()) {
            let sum = mantissa.checked_mul(10).and_then(|sum| sum.checked_add(u64::from(digit - b'0')));
            mantissa = sum.ok_or(RateError::Overflow)?;
        }
        // At most 12.
        Self::new(mantissa, decimals.len() as u8)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.mantissa, width = places + 1);
        let (whole, decimals) = digits.split_at(digits.len() - places);
        let point = if places == 0 { "" } else { "." };
        f.pad(&format!("{whole}{point}{decimals}"))
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rate({self})")
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> Ordering {
        let aligned =
            |rate: &Self| u128::from(rate.mantissa) * TEN.pow((RATE_DECIMALS_MAX - rate.scale).into());
        aligned(self).cmp(&aligned(other))
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Why a text is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not a plain decimal.
    #[error("a rate is digits with at most one decimal point, as in `1.0837`")]
    Form,
    /// Zero.
    #[error("a rate is above zero")]
    Zero,
    /// More than [`RATE_DECIMALS_MAX`] decimals, even if they are zeros; nothing is rounded.
    #[error("a rate has at most {RATE_DECIMALS_MAX} decimals")]
    TooManyDecimals,
    /// Its digits do not fit 64 bits.
    #[error("the rate has too many digits")]
    Overflow,
}

impl RateError {
    /// A stable name of the reason, in snake case.
    ///
    /// ```
    /// use convio_core::money::Rate;
    ///
    /// assert_eq!("-1".parse::<Rate>().unwrap_err().code(), "rate_form");
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form => "rate_form",
            Self::Zero => "rate_zero",
            Self::TooManyDecimals => "rate_too_many_decimals",
            Self::Overflow => "rate_overflow",
        }
    }
}

const TEN: u128 = 10;
/// Most decimals of a rate: published rates have 4 to 6, and those of a currency of which a million is a dollar some more.
pub const RATE_DECIMALS_MAX: u8 = 12;

#[cfg(test)]
mod tests;
