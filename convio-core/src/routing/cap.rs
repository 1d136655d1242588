use std::fmt;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Serialize};

use super::rule::asks_nothing;
use super::{Condition, RoutingRequest};
use crate::canonical::fingerprint;
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
    /// The zone whose minutes, hours, days, weeks and months these are.
    pub zone: Zone,
    /// What it counts and limits: everything else passes it by.
    #[serde(default, skip_serializing_if = "asks_nothing")]
    pub when: Condition,
    /// Whether a cancelled appointment keeps its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_cancelled: bool,
    /// Whether a lead that was sold and came back gives its place back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frees_returned: bool,
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
    /// A minute.
    Minute,
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
        Self {
            limit,
            per,
            zone: Zone::UTC,
            when: Condition::Always,
            keeps_cancelled: false,
            frees_returned: false,
        }
    }

    /// By the clocks of this zone.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// That counts and limits only what this holds for, too. Caps of one kind whose conditions differ stand beside each other, each with a
    /// counter of its own; who changes a condition begins to count anew.
    ///
    /// ```
    /// use convio_core::routing::{Cap, Condition, Period, RoutingRequest, Rule, RuleSet, Simulation, Target};
    /// let fax = Cap::count(1, Period::Day).when(Condition::sources(["Fax"]));
    /// let rule = Rule::to(Target::team("west")).any_product().any_zip().cap(Cap::count(100, Period::Day)).cap(fax);
    /// let mut simulation = Simulation::of(RuleSet::publish(1, [rule]).unwrap());
    /// let mut takes = |source: &str| {
    ///     let request = RoutingRequest { source: source.parse().ok(), ..Default::default() };
    ///     simulation.decide(&request, &[]).target.is_some()
    /// };
    /// assert_eq!([takes("Fax"), takes("fax"), takes("Google")], [true, false, true]);
    /// ```
    #[must_use]
    pub fn when(self, condition: Condition) -> Self {
        Self { when: self.when & condition, ..self }
    }

    /// That counts cancelled appointments too.
    #[must_use]
    pub fn keep_cancelled(self) -> Self {
        Self { keeps_cancelled: true, ..self }
    }

    /// That counts no leads which were sold and came back ([`WorkspaceHandle::return_lead`](crate::WorkspaceHandle::return_lead)): the
    /// place of their appointment is given back, in the period in which it was taken.
    #[must_use]
    pub fn free_returned(self) -> Self {
        Self { frees_returned: true, ..self }
    }

    /// When the period began that this time is in.
    pub fn window(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        self.per.start(&self.zone, at)
    }

    /// Whether it counts and limits a request.
    pub(super) fn is_about(&self, request: &RoutingRequest) -> bool {
        self.when.holds(request)
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
        let key = format!("{unit}/{}", self.per.code());
        match asks_nothing(&self.when) {
            true => key,
            false => format!("{key}/{}", self.mark()),
        }
    }

    /// The beginning of the fingerprint of its condition.
    fn mark(&self) -> String {
        let condition = serde_json::to_value(&self.when).unwrap_or_default();
        let mut mark = fingerprint(&condition).to_hex();
        mark.truncate(MARK_CHARS);
        mark
    }

    /// What is wrong with the caps of one rule or target.
    pub(super) fn check(of: &str, caps: &[Self]) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut wrong = |message: String| reasons.push(Reason::new("caps", "invalid", message));
        if caps.len() > CAPS_MAX {
            wrong(format!("{of} has more than {CAPS_MAX} caps"));
        }
        let keys: Vec<String> = caps.iter().map(Self::key).collect();
        for (n, cap) in caps.iter().enumerate() {
            if keys[..n].contains(&keys[n]) {
                wrong(format!("{of} has two caps of one kind per {}", cap.per.code()));
            }
            if cap.most() < 0 {
                wrong(format!("{of} has a cap below nothing"));
            }
        }
        caps.iter().for_each(|cap| cap.when.check(&format!("a cap of {of}"), 0, &mut reasons));
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
            // Clocks change by whole minutes: one that comes twice is another one each time.
            Self::Minute => {
                let into = TimeDelta::seconds(wall.second().into())
                    + TimeDelta::nanoseconds(wall.nanosecond().into());
                return at.checked_sub_signed(into).unwrap_or(at);
            }
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
            Self::Minute => "minute",
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
            Period::Total => f.write_str(" in total")?,
            per => write!(f, " per {} ({})", per.code(), self.zone)?,
        }
        match asks_nothing(&self.when) {
            true => Ok(()),
            false => f.write_str(" where its condition holds"),
        }
    }
}

/// Most caps of one rule or target: a count and an amount of money per period, and some with conditions.
pub const CAPS_MAX: usize = 16;
/// How much of a fingerprint tells conditions apart: 64 bits, for a handful of caps.
const MARK_CHARS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_by_the_clocks_of_their_zone() {
        let at: DateTime<Utc> = "2026-03-08T07:45:59.5Z".parse().unwrap(); // Sunday, 03:45 in New York, an hour after the clocks changed
        for (per, start) in [
            (Period::Minute, "2026-03-08T07:45:00Z"),
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
    fn a_minute_that_comes_twice_is_two() {
        let cap = Cap::count(1, Period::Minute).in_zone("America/New_York".parse().unwrap());
        let window = |at: &str| cap.window(at.parse().unwrap()).to_rfc3339();
        // 01:30 before and after the clocks go back.
        assert_eq!(window("2026-11-01T05:30:10Z"), "2026-11-01T05:30:00+00:00");
        assert_eq!(window("2026-11-01T06:30:10Z"), "2026-11-01T06:30:00+00:00");
    }

    #[test]
    fn a_condition_has_a_counter_of_its_own_and_none_keeps_the_key_it_had() {
        let cap = || Cap::count(1, Period::Day);
        let fax = cap().when(Condition::sources(["Fax"]));
        assert_eq!(cap().key(), "count/day");
        assert_eq!(fax.key(), "count/day/f4b93fc35ab9556c");
        let kept: Cap = serde_json::from_value(serde_json::to_value(&fax).unwrap()).unwrap();
        assert_eq!((kept.key(), &kept), (fax.key(), &fax));
        assert_eq!(fax.to_string(), "1 per day (UTC) where its condition holds");
        let check =
            |caps: &[Cap]| Cap::check("rule `r`", caps).into_iter().map(|it| it.message).collect::<Vec<_>>();
        assert!(check(&[cap(), fax.clone(), cap().when(Condition::sources(["Mail"]))]).is_empty());
        assert_eq!(check(&[fax.clone(), fax]), ["rule `r` has two caps of one kind per day"]);
        let wrong = cap().when(Condition::zips(["9021O*"]) | !Condition::zips(["1..2*"]));
        assert_eq!(check(&[wrong]).len(), 1);
    }

    #[test]
    fn money_counts_in_its_own_currency_only() {
        let cap = Cap::money("10 USD".parse().unwrap(), Period::Day);
        assert_eq!(cap.takes(Some("2.50 USD".parse().unwrap())), Some(250));
        assert_eq!((cap.takes(None), cap.takes(Some("1 EUR".parse().unwrap()))), (Some(0), None));
    }
}
