//! Where "now" comes from.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// A source of the present time.
pub trait Clock: Send + Sync {
    /// The present instant. What reads it keeps whole microseconds ([`micros`]), since that is what every store keeps.
    fn now(&self) -> DateTime<Utc>;
}

/// A clock that stands still, for tests and repeatable runs.
///
/// ```
/// use convio_core::{Clock, FixedClock};
/// let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
/// assert_eq!(FixedClock(at).now(), at);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub DateTime<Utc>);

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// `at` cut to whole microseconds, the precision that every store keeps.
///
/// ```
/// use chrono::{DateTime, Timelike};
/// let at = DateTime::from_timestamp(1, 1_999).unwrap();
/// assert_eq!(convio_core::clock::micros(at).nanosecond(), 1_000);
/// ```
pub fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(at)
}

/// After everything that is ever received: the end of the year 9999.
pub(crate) const END_OF_TIME: DateTime<Utc> =
    DateTime::from_timestamp(253_402_300_799, 0).expect("the end of the year 9999");
