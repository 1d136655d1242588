use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday};
use serde::{Deserialize, Serialize};

use super::{Interval, merged};
use crate::error::Reason;
use crate::zone::Zone;

/// The hours that someone keeps, or that a thing can be used: a week that repeats, and days on which it is otherwise.
///
/// They go by the clocks of a zone: open is when these show a time of an [`Opening`]. Of a day on which an hour is skipped an opening
/// may lack that hour; where an hour comes twice, it is open both times.
///
/// ```
/// use chrono::{NaiveDate, Weekday};
/// use convio_core::availability::{Hours, Interval};
/// let christmas = NaiveDate::from_ymd_opt(2026, 12, 25).unwrap();
/// let hours = Hours::of("Europe/Berlin".parse()?).each([Weekday::Thu, Weekday::Fri], 9 * 60, 17 * 60).closed_on(christmas);
/// let week = Interval::new("2026-12-21T00:00:00Z".parse()?, "2026-12-28T00:00:00Z".parse()?);
/// let open = hours.open(week);
/// assert_eq!(open.len(), 1);
/// assert_eq!(open[0].to_string(), "2026-12-24T08:00:00Z to 2026-12-24T16:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// By whose clocks.
    pub zone: Zone,
    /// The openings of each day of the week, Monday first.
    #[serde(default)]
    pub week: [Vec<Opening>; 7],
    /// Days that have these openings in place of those of the week; none on holidays.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub days: BTreeMap<NaiveDate, Vec<Opening>>,
}

/// A time of the day, in minutes of the clock: from one on, and before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Opening {
    /// From this minute of the day on, 0 to 1439.
    pub from: u16,
    /// Before this one, 1 to 1440. At or before `from`: on the next day.
    pub to: u16,
}

impl Hours {
    /// That are never open.
    pub fn of(zone: Zone) -> Self {
        Self { zone, week: Default::default(), days: BTreeMap::new() }
    }

    /// That are open around the clock.
    pub fn always(zone: Zone) -> Self {
        Self { week: std::array::from_fn(|_| vec![Opening { from: 0, to: DAY }]), ..Self::of(zone) }
    }

    /// Open on these days of the week too, from one minute of the day to before another.
    #[must_use]
    pub fn each(mut self, days: impl IntoIterator<Item = Weekday>, from: u16, to: u16) -> Self {
        for day in days {
            self.week[day.num_days_from_monday() as usize].push(Opening { from, to });
        }
        self
    }

    /// Open on this day from one minute to before another, in place of what the week says; said again, then too.
    #[must_use]
    pub fn on(mut self, day: NaiveDate, from: u16, to: u16) -> Self {
        self.days.entry(day).or_default().push(Opening { from, to });
        self
    }

    /// Not open on this day, but for what reaches into it from the day before.
    #[must_use]
    pub fn closed_on(mut self, day: NaiveDate) -> Self {
        self.days.insert(day, Vec::new());
        self
    }

    /// When it is open within a time, in order. It looks at each day of it: ask for weeks or months, not for ever. An opening of
    /// minutes that no day has, which [`Hours::check`] names, is read as its numbers say: at minute 1,500 it is 1:00 on the next day.
    pub fn open(&self, within: Interval) -> Vec<Interval> {
        if within.is_empty() {
            return Vec::new();
        }
        let mut edges = vec![within.start];
        edges.extend(self.zone.changes(within.start, within.end));
        edges.push(within.end);
        let mut open = Vec::new();
        for piece in edges.windows(2) {
            // Between two changes clocks run as far ahead all the time.
            let ahead = self.zone.wall(piece[0]) - piece[0].naive_utc();
            let wall = |at: DateTime<Utc>| at.naive_utc().checked_add_signed(ahead).unwrap_or(at.naive_utc());
            let piece = Interval::new(piece[0], piece[1]);
            let (first, last) = (wall(piece.start).date(), wall(piece.end).date());
            // An opening of the day before may reach into this one.
            let mut day = first.checked_sub_days(Days::new(1)).unwrap_or(first);
            while day <= last {
                let spans = self.openings(day).iter().filter_map(|opening| opening.on(day));
                let instant = |wall: NaiveDateTime| wall.checked_sub_signed(ahead).unwrap_or(wall).and_utc();
                open.extend(spans.map(|(from, to)| Interval::new(instant(from), instant(to)).and(piece)));
                let Some(next) = day.checked_add_days(Days::new(1)) else { break };
                day = next;
            }
        }
        merged(open)
    }

    fn openings(&self, day: NaiveDate) -> &[Opening] {
        let of_week = || &self.week[day.weekday().num_days_from_monday() as usize];
        self.days.get(&day).unwrap_or_else(of_week)
    }

    /// What is wrong with them: minutes that no day has, or more than a calendar holds.
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let all = self.week.iter().chain(self.days.values());
        for opening in all.clone().flatten().filter(|it| it.from >= DAY || it.to == 0 || it.to > DAY) {
            let Opening { from, to } = opening;
            let message = format!(
                "an opening begins at minute 0 to {} and ends at 1 to {DAY}, not {from} to {to}",
                DAY - 1
            );
            reasons.push(Reason::new("hours", "invalid", message));
        }
        if all.clone().any(|openings| openings.len() > OPENINGS_MAX) {
            let message = format!("a day has at most {OPENINGS_MAX} openings");
            reasons.push(Reason::new("hours", "too_many", message));
        }
        if self.days.len() > DAYS_MAX {
            let message = format!("at most {DAYS_MAX} days are otherwise, not {}", self.days.len());
            reasons.push(Reason::new("days", "too_many", message));
        }
        reasons
    }
}

impl Opening {
    /// From when to when the clocks of a day say; `None` beyond what calendars reach.
    fn on(self, day: NaiveDate) -> Option<(NaiveDateTime, NaiveDateTime)> {
        let midnight = day.and_time(NaiveTime::MIN);
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        let to = if to <= from { to + i64::from(DAY) } else { to };
        let after = |minutes: i64| midnight.checked_add_signed(TimeDelta::minutes(minutes));
        Some((after(from)?, after(to)?))
    }
}

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Most openings of a day.
pub const OPENINGS_MAX: usize = 24;
/// Most days that are otherwise: ten years of holidays and vacations.
pub const DAYS_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use chrono::Timelike;
    use proptest::prelude::*;

    use super::*;

    fn openings() -> impl Strategy<Value = Vec<Opening>> {
        prop::collection::vec((0..DAY, 1..=DAY).prop_map(|(from, to)| Opening { from, to }), 0..3)
    }

    /// Whether the clocks show a time of an opening of this day, or of one of the day before that reaches into it.
    fn is_open(hours: &Hours, at: DateTime<Utc>) -> bool {
        let wall = hours.zone.wall(at);
        let minute = (wall.hour() * 60 + wall.minute()) as u16;
        let today = hours.openings(wall.date()).iter();
        let before = hours.openings(wall.date().pred_opt().unwrap()).iter();
        let reaches = |it: &Opening| it.to <= it.from;
        today.clone().any(|it| minute >= it.from && (reaches(it) || minute < it.to))
            || before.clone().any(|it| reaches(it) && minute < it.to)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Every five minutes of some days around a change of clocks, by the definition.
        #[test]
        fn open_is_when_the_clocks_show_an_opening(
            week in prop::collection::vec(openings(), 7),
            days in prop::collection::btree_map(0_u64..4, openings(), 0..3),
            zone in prop::sample::select(&["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"][..]),
            first in prop::sample::select(&["2026-03-06", "2026-03-27", "2026-10-30", "2026-10-23", "2026-10-02", "2026-04-03"][..]),
            from in 0_i64..2_000,
        ) {
            let first: NaiveDate = first.parse().unwrap();
            let days = days.into_iter().map(|(n, openings)| (first + Days::new(n), openings)).collect();
            let hours = Hours { zone: zone.parse().unwrap(), week: week.try_into().unwrap(), days };
            let start = first.and_time(NaiveTime::MIN).and_utc() + TimeDelta::minutes(from);
            let within = Interval::new(start, start + TimeDelta::days(4));
            let open = hours.open(within);
            prop_assert!(open.windows(2).all(|pair| pair[0].end < pair[1].start));
            for n in -10..4 * 288 + 10 {
                let at = start + TimeDelta::minutes(n * 5);
                let expected = (0..4 * 288).contains(&n) && is_open(&hours, at);
                prop_assert_eq!(open.iter().any(|it| it.start <= at && at < it.end), expected, "{}", at);
            }
        }
    }

    #[test]
    fn at_the_ends_of_time_nothing_breaks() {
        let ends = [(DateTime::<Utc>::MIN_UTC, 2), (DateTime::<Utc>::MAX_UTC, -2), (DateTime::UNIX_EPOCH, 2)];
        for (end, days) in ends {
            let other = end + TimeDelta::days(days);
            let within = Interval::new(end.min(other), end.max(other));
            for zone in ["Pacific/Kiritimati", "Pacific/Niue", "UTC"] {
                let hours = Hours::always(zone.parse().unwrap()).each([Weekday::Mon], u16::MAX, u16::MAX);
                assert!(hours.open(within).iter().all(|it| within.holds(*it)), "{zone} {within}");
            }
        }
    }

    #[test]
    fn what_no_day_has_is_refused() {
        let hours = Hours::of(Zone::UTC).each([Weekday::Mon], 1440, 60).each([Weekday::Tue], 0, 1441).each(
            [Weekday::Wed],
            5,
            5,
        );
        let reasons = hours.check();
        assert_eq!(reasons.len(), 2);
        assert_eq!(
            reasons[0].message,
            "an opening begins at minute 0 to 1439 and ends at 1 to 1440, not 1440 to 60"
        );
        let day = |n| NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(n);
        let many = (0..1_001).fold(Hours::always(Zone::UTC), |hours, n| hours.closed_on(day(n)));
        let many = (0..25).fold(many, |hours, n| hours.on(day(0), n, n + 1));
        let codes: Vec<_> = many.check().into_iter().map(|it| it.code).collect();
        assert_eq!(codes, ["too_many", "too_many"]);
    }
}
