use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::canonical::Fingerprint;
use crate::clock::END_OF_TIME;
use crate::error::Reason;
use crate::id::DeliveryId;

/// When a delivery is tried, and tried again.
///
/// The default is the schedule that Standard Webhooks gives as its example: ten attempts in a little over three days, and each up to a
/// tenth of its delay later, so that what failed together does not come back together.
///
/// ```
/// use convio_core::delivery::RetrySchedule;
/// let schedule = RetrySchedule::default();
/// assert_eq!(schedule.delays_seconds, [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
/// assert!(schedule.check().is_empty());
/// let wrong = RetrySchedule { delays_seconds: vec![], jitter_percent: 101 };
/// let fields: Vec<String> = wrong.check().into_iter().map(|reason| reason.field).collect();
/// assert_eq!(fields, ["retry.delays_seconds", "retry.jitter_percent"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetrySchedule {
    /// Seconds before each attempt, since the one before it ended: as many attempts as there are delays.
    pub delays_seconds: Vec<u32>,
    /// By how much of its delay an attempt is later at most, in percent. No attempt is ever earlier.
    pub jitter_percent: u8,
}

impl RetrySchedule {
    /// Tried once, at once.
    pub fn once() -> Self {
        Self { delays_seconds: vec![0], ..Self::default() }
    }

    /// How many attempts are made.
    pub fn attempts(&self) -> usize {
        self.delays_seconds.len()
    }

    /// When attempt number `n` is made, counted from 0, if the one before it ended `now`; `None` after the last one. At least
    /// `seconds_min` seconds later, and later by a jitter that is the same for the same `of` and `count`: nothing is drawn.
    ///
    /// ```
    /// use convio_core::delivery::RetrySchedule;
    /// use convio_core::{DeliveryId, SequentialIds};
    /// let now = "2027-03-02T10:00:00Z".parse()?;
    /// let id = DeliveryId::new(&SequentialIds::seeded(1), now);
    /// let third = RetrySchedule::default().at(2, now, 0, id, 2).unwrap();
    /// assert!((300..=330).contains(&(third - now).num_seconds()));
    /// assert_eq!(RetrySchedule::default().at(10, now, 0, id, 10), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(
        &self,
        n: usize,
        now: DateTime<Utc>,
        seconds_min: u32,
        of: DeliveryId,
        count: u32,
    ) -> Option<DateTime<Utc>> {
        let seconds = (*self.delays_seconds.get(n)?).max(seconds_min);
        let most = u64::from(seconds) * 10 * u64::from(self.jitter_percent.min(JITTER_PERCENT_MAX));
        let millis = u64::from(seconds) * 1_000 + spread(of, count) % (most + 1);
        let later = i64::try_from(millis)
            .ok()
            .and_then(|millis| now.checked_add_signed(TimeDelta::milliseconds(millis)));
        Some(later.unwrap_or(END_OF_TIME).max(now))
    }

    /// Every setting that is wrong.
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.delays_seconds.is_empty() || self.delays_seconds.len() > ATTEMPTS_MAX {
            let message = format!("a delivery is tried 1 to {ATTEMPTS_MAX} times");
            reasons.push(Reason::new("retry.delays_seconds", "out_of_range", message));
        }
        if self.delays_seconds.iter().any(|delay| *delay > DELAY_SECONDS_MAX) {
            let message = format!("a delay has at most {DELAY_SECONDS_MAX} seconds");
            reasons.push(Reason::new("retry.delays_seconds", "too_long", message));
        }
        if self.jitter_percent > JITTER_PERCENT_MAX {
            let message = format!("an attempt is at most {JITTER_PERCENT_MAX} percent later");
            reasons.push(Reason::new("retry.jitter_percent", "out_of_range", message));
        }
        reasons
    }
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self { delays_seconds: DELAYS_SECONDS.to_vec(), jitter_percent: JITTER_PERCENT }
    }
}

/// A number that is another one for each delivery and attempt, spread evenly.
fn spread(of: DeliveryId, count: u32) -> u64 {
    let mut bytes = of.uuid().as_bytes().to_vec();
    bytes.extend(count.to_be_bytes());
    let digest = Fingerprint::of_bytes(&bytes);
    digest.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The most attempts of a schedule.
pub const ATTEMPTS_MAX: usize = 20;
/// The longest delay before an attempt: a week.
pub const DELAY_SECONDS_MAX: u32 = 604_800;
/// The most that a jitter may make of a delay: as much again.
pub const JITTER_PERCENT_MAX: u8 = 100;
/// The example of Standard Webhooks 1.0.0.
const DELAYS_SECONDS: [u32; 10] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Enough to part what failed together, and too little to be noticed.
const JITTER_PERCENT: u8 = 10;
