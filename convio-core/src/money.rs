//! Amounts of money: whole minor units and an ISO 4217 currency.
//!
//! An amount is never a float. `5000.00 USD` is `500000` minor units (cents), `500 JPY` is `500`
//! (the yen has no minor unit), `1.250 KWD` is `1250`. Sums are checked: an overflow and a sum of
//! two currencies are errors.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use currency::Currency;
pub use rate::{ExchangeRate, RATE_DECIMALS_MAX, Rate, RateError};
pub use rates::{RATE_SOURCE_BYTES_MAX, RATES_MAX, Rates};

mod currency;
mod rate;
mod rates;
pub(crate) mod round;

/// An amount in one currency, in whole minor units; may be negative (a refund).
///
/// Amounts of different currencies have no order and no sum. Serialised as
/// `{"minor": 500000, "currency": "USD"}`.
///
/// ```
/// use convio_core::money::{Currency, Money};
///
/// let price: Money = "5000.00 USD".parse()?;
/// assert_eq!(price, Money::from_minor(500_000, Currency::USD));
/// assert_eq!(price.to_string(), "5000.00 USD");
/// assert_eq!("USD 90".parse::<Money>()?.minor(), 9_000);
/// assert!("5,000 USD".parse::<Money>().is_err());
/// # Ok::<(), convio_core::money::MoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount of `minor` minor units: `from_minor(9_000, USD)` is 90 dollars.
    #[must_use]
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// Reads a decimal such as `5000.00`, `-12.5` or `90`, whose currency is told apart.
    ///
    /// # Errors
    ///
    /// [`MoneyError::Form`] for anything but digits with one point between them (no thousands
    /// separator, no plus, no exponent, no symbol), [`MoneyError::TooManyDecimals`] beyond the
    /// currency's exponent, even if they are zeros, and [`MoneyError::Overflow`].
    ///
    /// ```
    /// use convio_core::money::{Currency, Money, MoneyError};
    ///
    /// assert_eq!(Money::from_decimal("12.5", Currency::USD)?.minor(), 1_250);
    /// assert_eq!(
    ///     Money::from_decimal("12.505", Currency::USD),
    ///     Err(MoneyError::TooManyDecimals { currency: Currency::USD }),
    /// );
    /// # Ok::<(), MoneyError>(())
    /// ```
    pub fn from_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, decimals) = match digits.split_once('.') {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (digits, None),
        };
        if !is_digits(whole) || decimals.is_some_and(|decimals| !is_digits(decimals)) {
            return Err(MoneyError::Form);
        }
        let decimals = decimals.unwrap_or("");
        let places = usize::from(currency.exponent());
        if decimals.len() > places {
            return Err(MoneyError::TooManyDecimals { currency });
        }
        let padding = std::iter::repeat_n(b'0', places - decimals.len());
        let mut minor: i64 = 0;
        for digit in whole.bytes().chain(decimals.bytes()).chain(padding) {
            let digit = i64::from(digit - b'0');
            // Counted down from zero for negatives: the least i64 has no positive twin.
            minor = minor
                .checked_mul(10)
                .and_then(|sum| if negative { sum.checked_sub(digit) } else { sum.checked_add(digit) })
                .ok_or(MoneyError::Overflow)?;
        }
        Ok(Self { minor, currency })
    }

    /// The amount in minor units of [`Money::currency`].
    #[must_use]
    pub const fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The amount without its currency, with all the currency's decimals: `5000.00`.
    ///
    /// ```
    /// use convio_core::money::{Currency, Money};
    ///
    /// assert_eq!(Money::from_minor(-5, Currency::USD).decimal(), "-0.05");
    /// ```
    #[must_use]
    pub fn decimal(&self) -> String {
        let places = usize::from(self.currency.exponent());
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = places + 1);
        let (whole, decimals) = digits.split_at(digits.len() - places);
        let point = if places == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{decimals}")
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] if the currencies differ, [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] if the currencies differ, [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Money, operation: fn(i64, i64) -> Option<i64>) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency });
        }
        let minor = operation(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Money { minor, currency: self.currency })
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads `5000.00 USD`, `90 USD` or `USD 90`; see [`Money::from_decimal`] for the number.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let mut words = text.split_whitespace();
        let (Some(first), Some(second), None) = (words.next(), words.next(), words.next()) else {
            return Err(MoneyError::Form);
        };
        let code_first = first.starts_with(|first: char| first.is_ascii_alphabetic());
        let (number, code) = if code_first { (second, first) } else { (first, second) };
        Money::from_decimal(number, code.parse()?)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Money({self})")
    }
}

/// Why a text is no amount, or why two amounts have no sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a plain decimal, or not an amount with exactly one currency code.
    #[error("an amount is digits with at most one decimal point and a currency, as in `5000.00 USD`")]
    Form,
    /// Not three letters.
    #[error("a currency is a code of three letters, as in `USD`")]
    CurrencyForm,
    /// Three letters that ISO 4217 does not assign.
    #[error("currency `{code}` is not known")]
    UnknownCurrency {
        /// The code, in upper case.
        code: String,
    },
    /// A code of ISO 4217 that has no minor unit: metals, testing, units of account.
    #[error("code `{code}` has no minor unit, so no amount can be counted in it")]
    NoMinorUnit {
        /// The code, in upper case.
        code: String,
    },
    /// More decimals than the currency has; nothing is rounded.
    #[error("an amount in {currency} has at most {} decimals", currency.exponent())]
    TooManyDecimals {
        /// The currency of the amount.
        currency: Currency,
    },
    /// Does not fit 64 bits of minor units.
    #[error("the amount is too large")]
    Overflow,
    /// Two currencies in one sum.
    #[error("amounts in {left} and {right} cannot be combined")]
    CurrencyMismatch {
        /// The currency of the left amount.
        left: Currency,
        /// The currency of the right amount.
        right: Currency,
    },
}

impl MoneyError {
    /// A stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            MoneyError::Form => "amount_form",
            MoneyError::CurrencyForm => "currency_form",
            MoneyError::UnknownCurrency { .. } => "currency_unknown",
            MoneyError::NoMinorUnit { .. } => "currency_no_minor_unit",
            MoneyError::TooManyDecimals { .. } => "amount_too_many_decimals",
            MoneyError::Overflow => "amount_overflow",
            MoneyError::CurrencyMismatch { .. } => "currency_mismatch",
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn any_currency() -> impl Strategy<Value = Currency> {
        prop::sample::select(vec!["USD", "EUR", "JPY", "KWD", "CLF", "HRK"]).prop_map(currency)
    }

    #[test]
    fn amounts_are_read_exactly() {
        for (text, minor, code) in [
            ("5000.00 USD", 500_000, "USD"),
            ("90 USD", 9_000, "USD"),
            ("USD 90", 9_000, "USD"),
            ("  usd   90.5 ", 9_050, "USD"),
            ("-0.05 USD", -5, "USD"),
            ("-0 USD", 0, "USD"),
            ("007 JPY", 7, "JPY"),
            ("1.25 KWD", 1_250, "KWD"),
            ("90071992547409.93 USD", 9_007_199_254_740_993, "USD"),
            ("92233720368547758.07 USD", i64::MAX, "USD"),
            ("-92233720368547758.08 USD", i64::MIN, "USD"),
        ] {
            assert_eq!(text.parse(), Ok(Money::from_minor(minor, currency(code))), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_amount_are_refused() {
        for text in [
            "",
            "90",
            "USD",
            "90 USD 1",
            "5,000 USD",
            "5.000,00 EUR",
            "5'000 USD",
            "+5 USD",
            "5. USD",
            ".5 USD",
            "- USD",
            "1e3 USD",
            "--5 USD",
            "1.2.3 USD",
            "$5 USD",
            "٣ USD",
            "1_000 USD",
            "5 000 USD",
            "-.5 USD",
        ] {
            assert_eq!(text.parse::<Money>(), Err(MoneyError::Form), "{text}");
        }
        assert_eq!("5USD USD".parse::<Money>(), Err(MoneyError::Form));
        assert_eq!("USD USD".parse::<Money>(), Err(MoneyError::Form));
        assert_eq!("5 5".parse::<Money>(), Err(MoneyError::CurrencyForm));
    }

    #[test]
    fn decimals_beyond_the_exponent_are_refused_even_as_zeros() {
        for text in ["1.000 USD", "1.0 JPY", "1.00000 CLF"] {
            let refused = text.parse::<Money>().unwrap_err();
            assert_eq!(refused.code(), "amount_too_many_decimals", "{text}");
        }
        assert_eq!("92233720368547758.08 USD".parse::<Money>(), Err(MoneyError::Overflow));
        assert_eq!("-92233720368547758.09 USD".parse::<Money>(), Err(MoneyError::Overflow));
    }

    #[test]
    fn sums_refuse_overflow_and_mixed_currencies() {
        let most = Money::from_minor(i64::MAX, Currency::USD);
        let cent = Money::from_minor(1, Currency::USD);
        assert_eq!(most.checked_add(cent), Err(MoneyError::Overflow));
        assert_eq!(Money::from_minor(i64::MIN, Currency::USD).checked_sub(cent), Err(MoneyError::Overflow));
        let yen = currency("JPY");
        let mismatch = Err(MoneyError::CurrencyMismatch { left: Currency::USD, right: yen });
        assert_eq!(cent.checked_add(Money::zero(yen)), mismatch);
        assert_eq!(cent.checked_sub(Money::zero(yen)), mismatch);
    }

    #[test]
    fn serialised_as_minor_units_and_code() {
        let price = Money::from_minor(500_000, Currency::USD);
        let json = serde_json::to_value(price).unwrap();
        assert_eq!(json, serde_json::json!({"minor": 500_000, "currency": "USD"}));
        assert_eq!(serde_json::from_value::<Money>(json).unwrap(), price);
        for bad in [r#"{"minor":1.5,"currency":"USD"}"#, r#"{"minor":1,"currency":"XAU"}"#, r#"{"minor":1}"#]
        {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn shown_amounts_read_back(minor: i64, currency in any_currency()) {
            let money = Money::from_minor(minor, currency);
            prop_assert_eq!(money.to_string().parse(), Ok(money));
            prop_assert_eq!(Money::from_decimal(&money.decimal(), currency), Ok(money));
        }

        #[test]
        fn subtraction_undoes_addition(a: i64, b: i64, currency in any_currency()) {
            let (left, right) = (Money::from_minor(a, currency), Money::from_minor(b, currency));
            match a.checked_add(b) {
                Some(sum) => {
                    prop_assert_eq!(left.checked_add(right), Ok(Money::from_minor(sum, currency)));
                    prop_assert_eq!(left.checked_add(right).and_then(|sum| sum.checked_sub(right)), Ok(left));
                }
                None => prop_assert_eq!(left.checked_add(right), Err(MoneyError::Overflow)),
            }
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.,A-Za-z ]{0,40}", other: String) {
            let _ = text.parse::<Money>();
            let _ = other.parse::<Money>();
            let _ = other.parse::<Currency>();
        }
    }
}
