use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Resource;
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
}

impl Taken {
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
    /// The UUID of the appointment or the hold that takes it.
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
#[serde(transparent)]
pub struct BusyDay {
    taken: Vec<Busy>,
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

    /// Gives back what was taken for this, if it was. Tells whether it was.
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
        let last = (time.end - TimeDelta::microseconds(1)).date_naive();
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
