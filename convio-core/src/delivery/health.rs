#[cfg(feature = "delivery")]
use chrono::TimeDelta;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[cfg(feature = "delivery")]
use super::{DisabledWhy, Endpoint, Outcome, Verdict};
#[cfg(feature = "delivery")]
use crate::clock::END_OF_TIME;

/// How an endpoint does: kept apart from it, since each attempt changes it and no event tells it.
///
/// ```
/// use convio_core::delivery::Health;
/// let health = Health::default();
/// assert!(!health.is_throttled("2027-03-02T10:00:00Z".parse()?));
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Since when every attempt failed; `None` when the last one did not.
    pub failing_since: Option<DateTime<Utc>>,
    /// How many attempts failed since then.
    pub failures: u32,
    /// When an attempt last came through.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// Until when nothing is sent, since the receiver has too much to do.
    pub throttled_until: Option<DateTime<Utc>>,
}

impl Health {
    /// Whether nothing is to be sent now, since the receiver has too much to do.
    pub fn is_throttled(&self, now: DateTime<Utc>) -> bool {
        self.throttled_until.is_some_and(|until| now < until)
    }
}

#[cfg(feature = "delivery")]
impl Health {
    /// The same after one more attempt. Whatever the receiver says but "again" shows that it works: a lead that it refused is no failure
    /// of its own. That 410 says it works no more is told by the delivery.
    pub(super) fn after(
        &self,
        now: DateTime<Utc>,
        outcome: &Outcome,
        verdict: Verdict,
        wait_seconds: u32,
    ) -> Self {
        if outcome.as_ref().is_err_and(|error| !error.is_the_receivers()) {
            return self.clone();
        }
        let throttle = outcome.as_ref().is_ok_and(super::Response::is_throttle);
        let until = now.checked_add_signed(TimeDelta::seconds(wait_seconds.into())).unwrap_or(END_OF_TIME);
        let throttled_until = self.throttled_until.max(throttle.then_some(until));
        let is_gone = outcome.as_ref().is_ok_and(super::Response::is_gone);
        if verdict == Verdict::Retry || is_gone {
            let failing_since = self.failing_since.or(Some(now));
            Self { failing_since, failures: self.failures.saturating_add(1), throttled_until, ..self.clone() }
        } else {
            Self { failing_since: None, failures: 0, succeeded_at: Some(now), throttled_until }
        }
    }

    /// Why the endpoint is to be disabled now, after this attempt, if every one failed for so long.
    pub(super) fn too_long(
        &self,
        now: DateTime<Utc>,
        outcome: &Outcome,
        endpoint: &Endpoint,
    ) -> Option<DisabledWhy> {
        if outcome.as_ref().is_err_and(|error| !error.is_the_receivers()) {
            return None;
        }
        let since = self.failing_since?;
        let allowed = TimeDelta::hours(endpoint.settings.disable_after_hours?.into());
        (now - since >= allowed).then_some(DisabledWhy::Failing { since })
    }
}
