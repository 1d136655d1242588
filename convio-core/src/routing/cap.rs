use std::fmt;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Timelike, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Reason;
use crate::money::Money;
use crate::zone::Zone;

/// How much a rule or a target takes in a period: so many, or so much money.
///
/// What is counted is what was routed there and not declined since; a cancelled appointment gives its place back, unless
/// [`Cap::keep_cancelled`] says otherwise. One that was moved to another time is counted once. What was assigned by hand or booked
/// directly is not counted.
///
/// ```
/// use convio_core::routing::{Cap, Period};
/// let cap = Cap::count(100, Period::Day).in_zone("America/New_York".parse()?);
/// assert_eq!(cap.to_string(), "100 per day (America/New_York)");
/// let money = Cap::money("2500.00 USD".parse()?, Period::Month);
/// assert_eq!(money.to_string(), "2500.00 USD per month (UTC)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// How much.
    pub limit: Limit,
    /// In what time.
    pub per: Period,
    /// The zone whose hours, days, weeks and months these are.
    pub zone: Zone,
    /// Whether a cancelled appointment keeps its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_cancelled: bool,
}

/// How much a [`Cap`] allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// So many appointments.
    Count(u32),
    /// Appointments expected to be worth so much together ([`NewAppointment::worth`](crate::NewAppointment::worth)). One of which nothing is
    /// said counts for nothing; one in another currency does not fit.
    Money(Money),
}

/// The time that a [`Cap`] counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// An hour on the clocks of the zone.
    Hour,
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    Month,
    /// For ever.
    Total,
}

impl Cap {
    /// So many in this time, by the clocks of UTC.
    pub fn count(limit: u32, per: Period) -> Self {
        Self::of(Limit::Count(limit), per)
    }

    /// So much money in this time, by the clocks of UTC.
    pub fn money(limit: Money, per: Period) -> Self {
        Self::of(Limit::Money(limit), per)
    }

    fn of(limit: Limit, per: Period) -> Self {
        Self { limit, per, zone: Zone::UTC, keeps_cancelled: false }
    }

    /// By the clocks of this zone.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// That counts cancelled appointments too.
    #[must_use]
    pub fn keep_cancelled(self) -> Self {
        Self { keeps_cancelled: true, ..self }
    }

    /// When the period began that this time is in.
    pub fn window(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        self.per.start(&self.zone, at)
    }

    /// The most that its counter may come to.
    pub(super) fn most(&self) -> i64 {
        match self.limit {
            Limit::Count(limit) => limit.into(),
            Limit::Money(limit) => limit.minor(),
        }
    }

    /// How much something of this value counts; `None` where it can't be compared.
    pub(super) fn takes(&self, value: Option<Money>) -> Option<i64> {
        match (self.limit, value) {
            (Limit::Count(_), _) => Some(1),
            (Limit::Money(_), None) => Some(0),
            (Limit::Money(limit), Some(value)) => {
                (limit.currency() == value.currency()).then(|| value.minor().max(0))
            }
        }
    }

    /// What tells its counter from those of other caps of the same rule or target.
    pub(super) fn key(&self) -> String {
        let unit = match self.limit {
            Limit::Count(_) => "count".to_owned(),
            Limit::Money(limit) => limit.currency().to_string(),
        };
        format!("{unit}/{}", self.per.code())
    }

    /// What is wrong with the caps of one rule or target.
    pub(super) fn check(of: &str, caps: &[Self]) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut wrong = |message: String| reasons.push(Reason::new("caps", "invalid", message));
        if caps.len() > CAPS_MAX {
            wrong(format!("{of} has more than {CAPS_MAX} caps"));
        }
        for (n, cap) in caps.iter().enumerate() {
            if caps[..n].iter().any(|other| other.key() == cap.key()) {
                wrong(format!("{of} has two caps of one kind per {}", cap.per.code()));
            }
            if cap.most() < 0 {
                wrong(format!("{of} has a cap below nothing"));
            }
        }
        reasons
    }
}

impl Period {
    /// When the period began that this time is in, by the clocks of a zone.
    pub fn start(self, zone: &Zone, at: DateTime<Utc>) -> DateTime<Utc> {
        let wall = zone.wall(at);
        let day = wall.date();
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN);
        let start = match self {
            Self::Hour => day.and_hms_opt(wall.hour(), 0, 0).unwrap_or(midnight(day)),
            Self::Day => midnight(day),
            Self::Week => {
                let days = Days::new(day.weekday().num_days_from_monday().into());
                midnight(day.checked_sub_days(days).unwrap_or(day))
            }
            Self::Month => midnight(day.with_day(1).unwrap_or(day)),
            Self::Total => return DateTime::UNIX_EPOCH,
        };
        zone.local(start).at
    }

    /// The period as it is written.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Limit::Count(limit) => write!(f, "{limit}")?,
            Limit::Money(limit) => write!(f, "{limit}")?,
        }
        match self.per {
            Period::Total => f.write_str(" in total"),
            per => write!(f, " per {} ({})", per.code(), self.zone),
        }
    }
}

/// Most caps of one rule or target: one of each kind.
pub const CAPS_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_by_the_clocks_of_their_zone() {
        let at: DateTime<Utc> = "2026-03-08T07:45:00Z".parse().unwrap(); // Sunday, 03:45 in New York, an hour after the clocks changed
        for (per, start) in [
            (Period::Hour, "2026-03-08T07:00:00Z"),
            (Period::Day, "2026-03-08T05:00:00Z"),
            (Period::Week, "2026-03-02T05:00:00Z"),
            (Period::Month, "2026-03-01T05:00:00Z"),
            (Period::Total, "1970-01-01T00:00:00Z"),
        ] {
            let cap = Cap::count(1, per).in_zone("America/New_York".parse().unwrap());
            assert_eq!(cap.window(at), start.parse::<DateTime<Utc>>().unwrap(), "{per:?}");
        }
    }

    #[test]
    fn money_counts_in_its_own_currency_only() {
        let cap = Cap::money("10 USD".parse().unwrap(), Period::Day);
        assert_eq!(cap.takes(Some("2.50 USD".parse().unwrap())), Some(250));
        assert_eq!((cap.takes(None), cap.takes(Some("1 EUR".parse().unwrap()))), (Some(0), None));
    }
}
