use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CalendarSettings, Resource};
use crate::availability::Interval;

/// What an appointment or a hold takes of a calendar, beside its own time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Whose time it takes.
    pub resource: Resource,
    /// How much of the calendar's capacity.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub units: u32,
    /// Minutes that it takes before its own time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub before: u32,
    /// Minutes that it takes after its own time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u32,
    /// Whether it was asked for by name: it stays whoever gets the appointment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
}

impl Taken {
    /// One unit, as a calendar has it.
    pub(crate) fn one_of(resource: Resource, settings: &CalendarSettings) -> Self {
        let CalendarSettings { before, after, .. } = *settings;
        Self { resource, units: 1, before, after, named: false }
    }

    /// The whole time that is taken.
    pub fn around(&self, time: Interval) -> Interval {
        let minutes = |n: u32| TimeDelta::minutes(n.into());
        time.widened(minutes(self.before), minutes(self.after))
    }
}

/// A time of a calendar that someone wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// Whose time.
    pub resource: Resource,
    /// The time, with what is taken before and after.
    pub time: Interval,
    /// How much of the capacity.
    pub units: u32,
    /// How much the calendar has in all.
    pub capacity: u32,
}

/// A time of a calendar that is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busy {
    /// The UUID of the appointment that takes it, or the [mark](crate::Hold::mark) of the hold.
    pub by: Uuid,
    /// The time, with what is taken before and after.
    #[serde(flatten)]
    pub time: Interval,
    /// How much of the capacity.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub units: u32,
    /// When a hold ends by itself; `None` for an appointment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

impl Busy {
    /// Whether it still counts.
    pub fn stands(&self, at: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

/// All that is taken of a calendar on a day of UTC, whole where it goes on into another day: a record of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Row>", into = "Vec<Row>")]
pub struct BusyDay {
    taken: Vec<Busy>,
}

/// A time that is taken as it is kept: by what, from when and until when, in microseconds since 1970, and what few have. Free times
/// are looked for among thousands of them, and names and dates in words would be most of the work.
#[derive(Serialize, Deserialize)]
struct Row(Uuid, i64, i64, #[serde(default, skip_serializing_if = "Option::is_none")] Option<More>);

/// Units, and when a hold ends.
#[derive(Serialize, Deserialize)]
struct More(u32, Option<i64>);

impl TryFrom<Vec<Row>> for BusyDay {
    type Error = &'static str;

    fn try_from(rows: Vec<Row>) -> Result<Self, Self::Error> {
        let at = |micros| DateTime::from_timestamp_micros(micros).ok_or("no time of ours");
        let busy = |Row(by, start, end, more): Row| -> Result<Busy, Self::Error> {
            let More(units, until) = more.unwrap_or(More(one(), None));
            let time = Interval { start: at(start)?, end: at(end)? };
            Ok(Busy { by, time, units, until: until.map(at).transpose()? })
        };
        Ok(Self { taken: rows.into_iter().map(busy).collect::<Result<_, _>>()? })
    }
}

impl From<BusyDay> for Vec<Row> {
    fn from(day: BusyDay) -> Self {
        let row = |Busy { by, time, units, until }: Busy| {
            let has_more = !is_one(&units) || until.is_some();
            let more = has_more.then(|| More(units, until.map(|it| it.timestamp_micros())));
            Row(by, time.start.timestamp_micros(), time.end.timestamp_micros(), more)
        };
        day.taken.into_iter().map(row).collect()
    }
}

impl FromIterator<Busy> for BusyDay {
    fn from_iter<I: IntoIterator<Item = Busy>>(taken: I) -> Self {
        Self { taken: taken.into_iter().collect() }
    }
}

impl IntoIterator for BusyDay {
    type Item = Busy;
    type IntoIter = std::vec::IntoIter<Busy>;

    fn into_iter(self) -> Self::IntoIter {
        self.taken.into_iter()
    }
}

impl BusyDay {
    /// What stands, in the order in which it was taken.
    pub fn standing(&self, at: DateTime<Utc>) -> impl Iterator<Item = &Busy> {
        self.taken.iter().filter(move |busy| busy.stands(at))
    }

    /// Whether there is room for this.
    pub fn has_room(&self, take: &Take, at: DateTime<Utc>) -> bool {
        let meeting = self.standing(at).filter(|busy| busy.time.meets(take.time));
        // What ends stands before what begins at the same instant.
        let edges = meeting.flat_map(|busy| {
            let units = i64::from(busy.units);
            [(busy.time.start, units), (busy.time.end, -units)]
        });
        let mut edges: Vec<_> = edges.collect();
        edges.sort_unstable();
        let at_once = edges.iter().scan(0, |at_once, (_, units)| {
            *at_once += units;
            Some(*at_once)
        });
        // All that meets the time lasts until it begins: before that their number only grows.
        let most = at_once.max().unwrap_or(0);
        most + i64::from(take.units) <= i64::from(take.capacity) && self.standing(at).count() < DAY_TAKEN_MAX
    }

    /// Takes a time for good, or until an instant. Holds that have ended go.
    pub fn take(&mut self, by: Uuid, take: &Take, until: Option<DateTime<Utc>>, at: DateTime<Utc>) {
        self.taken.retain(|busy| busy.stands(at));
        self.taken.push(Busy { by, time: take.time, units: take.units, until });
    }

    /// Gives back what was taken by this, if it was. Tells whether it was.
    pub fn give_back(&mut self, by: Uuid) -> bool {
        let before = self.taken.len();
        self.taken.retain(|busy| busy.by != by);
        self.taken.len() < before
    }

    /// The key of the record of a day.
    pub fn key(resource: &Resource, day: NaiveDate) -> String {
        format!("{}/{day}", resource.key())
    }

    /// The days of UTC that a time lies in.
    pub fn days(time: Interval) -> impl Iterator<Item = NaiveDate> {
        let first = time.start.date_naive();
        let last = time.end.checked_sub_signed(TimeDelta::microseconds(1)).unwrap_or(time.end).date_naive();
        let days = std::iter::successors(Some(first), |day| day.checked_add_days(Days::new(1)));
        days.take_while(move |day| *day <= last)
    }
}

const fn one() -> u32 {
    1
}

const fn is_one(n: &u32) -> bool {
    *n == 1
}

const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Most that is taken of a calendar on one day.
pub const DAY_TAKEN_MAX: usize = 2_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minute(n: i64) -> DateTime<Utc> {
        "2027-03-02T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(n)
    }

    /// From a minute, so long, so many units, and how long it is held; and how far the clock has gone on before.
    fn wants() -> impl Strategy<Value = ((i64, i64, u32, Option<i64>), i64)> {
        ((0_i64..120, 1_i64..60, 1_u32..4, prop::option::of(0_i64..20)), 0_i64..4)
    }

    proptest! {
        /// What is taken one after the other, wherever there is room at every minute by a list that is gone through from end to end.
        #[test]
        fn there_is_room_where_there_is_at_every_minute(
            capacity in 1_u32..6,
            wanted in prop::collection::vec(wants(), 0..24),
        ) {
            let mut day = BusyDay::default();
            let mut list: Vec<(Interval, u32, Option<DateTime<Utc>>)> = Vec::new();
            let mut now = minute(0);
            for ((from, len, units, held), passed) in wanted {
                now += TimeDelta::minutes(passed);
                list.retain(|(_, _, until)| until.is_none_or(|until| now < until));
                let time = Interval::new(minute(from), minute(from + len));
                let take = Take { resource: Resource::thing("seats"), time, units, capacity };
                let there = |at: i64| -> u32 {
                    let meets = |it: &Interval| it.start <= minute(at) && minute(at) < it.end;
                    list.iter().filter(|(it, ..)| meets(it)).map(|(_, units, _)| units).sum()
                };
                let fits = (from..from + len).all(|at| there(at) + units <= capacity);
                prop_assert_eq!(day.has_room(&take, now), fits);
                if fits {
                    let until = held.map(|minutes| now + TimeDelta::minutes(minutes));
                    day.take(Uuid::nil(), &take, until, now);
                    list.push((time, units, until));
                }
                list.retain(|(_, _, until)| until.is_none_or(|until| now < until));
                let standing: Vec<_> = day.standing(now).map(|it| (it.time, it.units, it.until)).collect();
                prop_assert_eq!(&standing, &list);
            }
        }
    }

    #[test]
    fn a_day_is_full_at_its_bound_and_days_are_those_of_utc() {
        let mut day = BusyDay::default();
        let time = Interval::new(minute(0), minute(1));
        let take = |capacity| Take { resource: Resource::thing("hall"), time, units: 1, capacity };
        for n in 0..DAY_TAKEN_MAX {
            assert!(day.has_room(&take(u32::MAX), minute(0)), "{n}");
            day.take(Uuid::from_u128(n as u128), &take(u32::MAX), None, minute(0));
        }
        assert!(!day.has_room(&take(u32::MAX), minute(0)));
        assert!(day.give_back(Uuid::from_u128(7)) && !day.give_back(Uuid::from_u128(7)));
        assert!(day.has_room(&take(u32::MAX), minute(0)));
        let days = |from, to| BusyDay::days(Interval::new(minute(from), minute(to))).count();
        assert_eq!(
            (days(0, 1_440), days(0, 1_441), days(-1, 0), days(-1, 1), days(1_439, 4_321)),
            (1, 2, 1, 2, 4)
        );
    }

    #[test]
    fn a_day_is_kept_in_few_words_and_read_again() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let busy = |n, units, until| Busy {
            by: Uuid::from_u128(n),
            time: Interval::new(at(60), at(120)),
            units,
            until,
        };
        let day = BusyDay { taken: vec![busy(1, 1, None), busy(2, 3, None), busy(3, 1, Some(at(180)))] };
        let text = serde_json::to_string(&day).unwrap();
        let by = "00000000-0000-0000-0000-00000000000";
        let row = |n, more| format!(r#"["{by}{n}",60000000,120000000{more}]"#);
        let rows = [row(1, ""), row(2, ",[3,null]"), row(3, ",[1,180000000]")];
        assert_eq!(text, format!("[{}]", rows.join(",")));
        assert_eq!(serde_json::from_str::<BusyDay>(&text).unwrap(), day);
        assert!(serde_json::from_str::<BusyDay>(&text.replace("60000000", &i64::MAX.to_string())).is_err());
    }
}
