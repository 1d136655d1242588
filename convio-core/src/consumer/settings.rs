use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{LEASE_SECONDS_MAX, RETRY_SECONDS_MAX, SHARDS_MAX, TRIES_MAX};
use crate::error::Reason;

/// How a consumer works.
///
/// ```
/// use convio_core::consumer::{ConsumerSettings, Retry};
/// let settings = ConsumerSettings::new().shards(4).lease_seconds(30).retry(Retry::times(5));
/// assert!(settings.check().is_empty());
/// assert_eq!(ConsumerSettings::new().shards(0).check()[0].code, "out_of_range");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerSettings {
    /// In how many parts its events are handled beside each other, at most [`SHARDS_MAX`].
    pub shards: u16,
    /// For how long a worker has a shard without a word, at most [`LEASE_SECONDS_MAX`]. Every acknowledgement begins it anew.
    pub lease_seconds: u32,
    /// What happens to an event that can't be handled.
    pub retry: Retry,
}

/// How often an event is tried, and how long it waits in between: twice as long each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How often it is tried in all, at most [`TRIES_MAX`]; then it is a dead letter.
    pub tries_max: u32,
    /// How long it waits after the first try.
    pub first_seconds: u32,
    /// How long it waits at most, at most [`RETRY_SECONDS_MAX`].
    pub longest_seconds: u32,
}

impl ConsumerSettings {
    /// One shard, leases of a minute, [`Retry::times`] of eight.
    pub fn new() -> Self {
        Self { shards: 1, lease_seconds: 60, retry: Retry::times(8) }
    }

    /// Handled in so many parts.
    #[must_use]
    pub fn shards(self, shards: u16) -> Self {
        Self { shards, ..self }
    }

    /// With leases of so many seconds.
    #[must_use]
    pub fn lease_seconds(self, lease_seconds: u32) -> Self {
        Self { lease_seconds, ..self }
    }

    /// With these tries.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Everything that is wrong with them.
    pub fn check(&self) -> Vec<Reason> {
        let Retry { tries_max, first_seconds, longest_seconds } = self.retry;
        let ranges = [
            ("shards", u32::from(self.shards), 1, u32::from(SHARDS_MAX)),
            ("lease_seconds", self.lease_seconds, 1, LEASE_SECONDS_MAX),
            ("retry.tries_max", tries_max, 1, TRIES_MAX),
            ("retry.first_seconds", first_seconds, 0, RETRY_SECONDS_MAX),
            (
                "retry.longest_seconds",
                longest_seconds,
                first_seconds.min(RETRY_SECONDS_MAX),
                RETRY_SECONDS_MAX,
            ),
        ];
        let wrong = ranges.into_iter().filter(|(_, n, from, to)| !(from..=to).contains(&n));
        wrong
            .map(|(field, n, from, to)| {
                Reason::new(field, "out_of_range", format!("{field} is {from} to {to}, not {n}"))
            })
            .collect()
    }

    /// For how long a worker has a shard without a word.
    pub fn lease(&self) -> TimeDelta {
        TimeDelta::seconds(self.lease_seconds.into())
    }
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl Retry {
    /// So many tries, the second one second after the first, and at most an hour apart.
    pub const fn times(tries_max: u32) -> Self {
        Self { tries_max, first_seconds: 1, longest_seconds: 3_600 }
    }

    /// How long an event waits that has failed so often.
    ///
    /// ```
    /// use convio_core::consumer::Retry;
    /// let retry = Retry { tries_max: 8, first_seconds: 10, longest_seconds: 60 };
    /// let waits: Vec<i64> = (1..=5).map(|tries| retry.wait(tries).num_seconds()).collect();
    /// assert_eq!(waits, [10, 20, 40, 60, 60]);
    /// ```
    pub fn wait(&self, tries: u32) -> TimeDelta {
        let factor = 1u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        TimeDelta::seconds(self.first_seconds.saturating_mul(factor).min(self.longest_seconds).into())
    }
}
