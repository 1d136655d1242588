//! The rates that a workspace reports by.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Currency, ExchangeRate, Rate};
use crate::error::{Error, Reason};
use crate::text::fold_blanks;

/// Rates of exchange to one currency, that of reports, and how old one may be.
///
/// A rate is used as it was given: none is inverted, and no two are chained. Checked when it is made and when it is read from what
/// was serialised.
///
/// ```
/// use convio_core::money::{Currency, ExchangeRate, Rates};
///
/// let euro: Currency = "EUR".parse()?;
/// let of = |day: &str, rate: &str| ExchangeRate {
///     from: euro,
///     to: Currency::USD,
///     rate: rate.parse().unwrap(),
///     day: day.parse().unwrap(),
///     source: "ECB".to_owned(),
/// };
/// let rates = Rates::new(Currency::USD, 3, [of("2026-03-06", "1.09"), of("2026-03-05", "1.08")])?;
/// // Of Friday, as there is none of the weekend.
/// let sunday = rates.on(euro, "2026-03-08".parse()?).expect("it is two days old");
/// assert_eq!((sunday.rate.to_string(), sunday.day.to_string()), ("1.09".to_owned(), "2026-03-06".to_owned()));
/// assert_eq!(rates.on(euro, "2026-03-10".parse()?), None); // four days old
/// assert_eq!(rates.on(euro, "2026-03-04".parse()?), None); // before the first
///
/// let kept = serde_json::to_string(&rates)?;
/// assert_eq!(serde_json::from_str::<Rates>(&kept)?, rates);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given")]
pub struct Rates {
    to: Currency,
    max_age_days: u32,
    /// By currency, then by day.
    rates: Vec<ExchangeRate>,
}

/// Rates as they were written, before they are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    to: Currency,
    max_age_days: u32,
    rates: Vec<ExchangeRate>,
}

impl Rates {
    /// Rates to this currency, in any order. One that is `max_age_days` old is used, an older one is not; 0 is the same day only.
    ///
    /// Fails, naming each field by the place of its rate (`rates[3].to`), for more than [`RATES_MAX`] rates, a rate to another
    /// currency, one from this currency itself, a second one of a currency and day, and a source that is blank, has control characters
    /// or more than [`RATE_SOURCE_BYTES_MAX`] bytes.
    ///
    /// ```
    /// use convio_core::money::{Currency, ExchangeRate, Rates};
    ///
    /// let good = ExchangeRate {
    ///     from: "EUR".parse()?,
    ///     to: Currency::USD,
    ///     rate: "1.0837".parse()?,
    ///     day: "2026-03-02".parse()?,
    ///     source: "ECB".to_owned(),
    /// };
    /// let day = "2026-03-03".parse()?;
    /// let bad = ExchangeRate { to: "GBP".parse()?, day, source: " ".to_owned(), ..good.clone() };
    /// let refused = Rates::new(Currency::USD, 7, [good.clone(), bad, good]).unwrap_err();
    /// let fields: Vec<&str> = refused.reasons().iter().map(|reason| reason.field.as_str()).collect();
    /// assert_eq!(fields, ["rates[1].to", "rates[1].source", "rates[2].day"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        to: Currency,
        max_age_days: u32,
        rates: impl IntoIterator<Item = ExchangeRate>,
    ) -> Result<Self, Error> {
        let mut rates: Vec<ExchangeRate> = rates.into_iter().collect();
        if rates.len() > RATES_MAX {
            let message = format!("{} rates are more than {RATES_MAX}", rates.len());
            return Err(Error::invalid(vec![Reason::new("rates", "too_many", message)]));
        }
        let repeated = repeated(&rates);
        let places = rates.iter().zip(&repeated).enumerate();
        let reasons: Vec<Reason> =
            places.flat_map(|(place, (rate, repeated))| wrong(place, rate, to, *repeated)).collect();
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        rates.sort_by_key(|rate| (rate.from, rate.day));
        Ok(Self { to, max_age_days, rates })
    }

    /// The currency that all of them are to.
    #[must_use]
    pub fn to(&self) -> Currency {
        self.to
    }

    /// How old a rate may be.
    #[must_use]
    pub fn max_age_days(&self) -> u32 {
        self.max_age_days
    }

    /// All of them, by currency, then by day.
    #[must_use]
    pub fn rates(&self) -> &[ExchangeRate] {
        &self.rates
    }

    /// The rate of a currency on a day: the newest one of that day or before it, unless it is too old. For the currency of reports
    /// itself it is one for one, of that day, from `identity`.
    ///
    /// ```
    /// use convio_core::money::{Currency, Money, Rate, Rates};
    ///
    /// let none = Rates::new(Currency::USD, 7, [])?;
    /// let same = none.on(Currency::USD, "2026-03-02".parse()?).expect("one for one");
    /// assert_eq!((same.rate, same.source.as_str()), (Rate::ONE, "identity"));
    /// assert_eq!(none.on("EUR".parse()?, same.day), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(&self, from: Currency, day: NaiveDate) -> Option<ExchangeRate> {
        if from == self.to {
            return Some(ExchangeRate::identity(self.to, day));
        }
        let known = self.rates.partition_point(|rate| (rate.from, rate.day) <= (from, day));
        let newest = self.rates[..known].last().filter(|rate| rate.from == from)?;
        let age_days = day.signed_duration_since(newest.day).num_days();
        (age_days <= i64::from(self.max_age_days)).then(|| newest.clone())
    }
}

impl TryFrom<Given> for Rates {
    type Error = Error;

    fn try_from(given: Given) -> Result<Self, Error> {
        Self::new(given.to, given.max_age_days, given.rates)
    }
}

/// Which rates are of a currency and day that one before them is of.
fn repeated(rates: &[ExchangeRate]) -> Vec<bool> {
    let mut places: Vec<usize> = (0..rates.len()).collect();
    let key = |place: usize| (rates[place].from, rates[place].day);
    places.sort_by_key(|place| (key(*place), *place));
    let mut repeated = vec![false; rates.len()];
    for pair in places.windows(2) {
        repeated[pair[1]] = key(pair[0]) == key(pair[1]);
    }
    repeated
}

fn wrong(place: usize, rate: &ExchangeRate, to: Currency, repeated: bool) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |field: &str, code: &str, message: String| {
        reasons.push(Reason::new(format!("rates[{place}].{field}"), code, message));
    };
    if rate.from == to {
        add("from", "same", format!("{to} is the currency of reports itself"));
    }
    if rate.to != to {
        add("to", "currency_mismatch", format!("the rate is to {}, not to {to}", rate.to));
    }
    if repeated {
        add("day", "repeated", format!("another rate of {} is of {}", rate.from, rate.day));
    }
    if fold_blanks(&rate.source).is_empty() {
        add("source", "missing", "source is missing".to_owned());
    } else if rate.source.contains(char::is_control) {
        add("source", "invalid", "the source has control characters".to_owned());
    }
    if rate.source.len() > RATE_SOURCE_BYTES_MAX {
        let bytes = rate.source.len();
        add("source", "too_long", format!("the source has {bytes} bytes, more than {RATE_SOURCE_BYTES_MAX}"));
    }
    reasons
}

/// The source of the rate of a currency to itself.
const IDENTITY: &str = "identity";

impl ExchangeRate {
    /// That of a currency into itself, one for one, from `identity`.
    pub fn identity(currency: Currency, day: NaiveDate) -> Self {
        Self { from: currency, to: currency, rate: Rate::ONE, day, source: IDENTITY.to_owned() }
    }
}
/// Most rates: those of ten currencies for each day of ten years.
pub const RATES_MAX: usize = 40_000;
/// The longest source of a rate, in bytes: it is repeated on every one.
pub const RATE_SOURCE_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests;
