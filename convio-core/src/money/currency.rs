//! Currencies of ISO 4217.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::MoneyError;

/// A currency of ISO 4217 that has a minor unit, such as `USD`.
///
/// Codes that no amount can be counted in (`XXX`, `XTS`, precious metals, units of account: all that
/// the standard gives no exponent) are not currencies here. Ordered by code.
///
/// ```
/// use convio_core::money::Currency;
///
/// let yen: Currency = "jpy".parse()?;
/// assert_eq!(yen.code(), "JPY");
/// assert_eq!(yen.exponent(), 0);
/// assert!("XAU".parse::<Currency>().is_err());
/// # Ok::<(), convio_core::money::MoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The United States dollar.
    pub const USD: Currency = Currency(iso_currency::Currency::USD);

    /// The code, three upper-case letters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// How many decimals the currency has: 2 for `USD`, 0 for `JPY`, 3 for `KWD`, at most 4.
    #[must_use]
    pub fn exponent(&self) -> u8 {
        // Every constructor refuses a code without an exponent, and none is above 4.
        self.0.exponent().and_then(|digits| u8::try_from(digits).ok()).unwrap_or(0)
    }

    /// Whether another currency has taken its place, as the euro did for `HRK`.
    ///
    /// Such a currency still reads, since old records carry it; new amounts should not use it.
    ///
    /// ```
    /// use convio_core::money::Currency;
    ///
    /// assert!("HRK".parse::<Currency>()?.is_superseded());
    /// assert!(!Currency::USD.is_superseded());
    /// # Ok::<(), convio_core::money::MoneyError>(())
    /// ```
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.0.is_superseded().is_some()
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    /// Reads a code in any case, blanks around it ignored.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let code = text.trim().to_ascii_uppercase();
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(MoneyError::CurrencyForm);
        }
        match iso_currency::Currency::from_code(&code) {
            None => Err(MoneyError::UnknownCurrency { code }),
            Some(currency) if currency.exponent().is_none() => Err(MoneyError::NoMinorUnit { code }),
            Some(currency) => Ok(Currency(currency)),
        }
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn currencies_read_in_any_case_and_carry_their_exponent() {
        for (code, exponent) in [("usd", 2), ("Jpy", 0), ("KWD", 3), ("CLF", 4), (" eur ", 2), ("XAF", 0)] {
            assert_eq!(currency(code).exponent(), exponent, "{code}");
        }
    }

    #[test]
    fn codes_without_a_minor_unit_are_refused() {
        for code in ["XXX", "XTS", "XAU", "XAG", "XPT", "XPD", "XDR", "XBA", "XUA"] {
            assert_eq!(code.parse::<Currency>(), Err(MoneyError::NoMinorUnit { code: code.to_owned() }));
        }
        assert_eq!("QQQ".parse::<Currency>(), Err(MoneyError::UnknownCurrency { code: "QQQ".to_owned() }));
        for text in ["", "US", "USDT", "$", "U$D", "ÜSD"] {
            assert_eq!(text.parse::<Currency>(), Err(MoneyError::CurrencyForm), "{text}");
        }
    }

    #[test]
    fn every_code_that_reads_has_at_most_four_decimals_and_reads_back() {
        let letters = || 'A'..='Z';
        let codes =
            letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))));
        let known: Vec<Currency> = codes.filter_map(|code| code.parse().ok()).collect();
        assert!(known.len() > 150, "{}", known.len());
        for currency in known {
            assert!(currency.exponent() <= 4, "{currency}");
            assert_eq!(currency.to_string().parse(), Ok(currency));
            let json = serde_json::to_string(&currency).unwrap();
            assert_eq!(serde_json::from_str::<Currency>(&json).unwrap(), currency);
        }
    }

    #[test]
    fn superseded_currencies_read_and_say_so() {
        for (code, superseded) in [("HRK", true), ("BGN", true), ("EUR", false), ("CLF", false)] {
            assert_eq!(currency(code).is_superseded(), superseded, "{code}");
        }
    }

    #[test]
    fn currencies_are_ordered_by_code() {
        let mut sorted = ["XCG", "AOA", "USD", "AMD"].map(currency);
        sorted.sort();
        assert_eq!(sorted.map(|currency| currency.code()), ["AMD", "AOA", "USD", "XCG"]);
    }
}
