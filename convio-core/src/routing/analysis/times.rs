//! Instants that stand for all others of the days that are looked at, as far as windows can tell.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::super::Window;
use super::axis::{Axis, Is};

/// The days, from a time on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    pub(super) from: DateTime<Utc>,
    pub(super) until: DateTime<Utc>,
}

/// How many days of windows are looked at: a year, with all its changes of clocks.
pub const DAYS: i64 = 366;

impl Days {
    pub(super) fn from(from: DateTime<Utc>) -> Self {
        let until = from.checked_add_signed(TimeDelta::days(DAYS)).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self { from, until }
    }

    /// When a window begins to be open or shut, with which of both; first what it is at the beginning.
    fn turns(&self, window: &Window) -> Vec<(DateTime<Utc>, bool)> {
        let mut turns: Vec<(DateTime<Utc>, bool)> = Vec::new();
        for at in self.candidates(window) {
            let open = window.holds(at);
            if turns.last().is_none_or(|(_, was)| *was != open) {
                turns.push((at, open));
            }
        }
        turns
    }

    /// All instants at which it could turn: where clocks change, midnights, and where the minute is one of its own.
    fn candidates(&self, window: &Window) -> BTreeSet<DateTime<Utc>> {
        let mut candidates = BTreeSet::from([self.from]);
        let changes = window.zone.changes(self.from, self.until);
        let starts: Vec<DateTime<Utc>> = [self.from].into_iter().chain(changes).collect();
        let ends = starts[1..].iter().copied().chain([self.until]);
        for (start, end) in starts.iter().copied().zip(ends) {
            candidates.insert(start);
            let wall = window.zone.wall(start);
            let last = wall.checked_add_signed(end - start).unwrap_or(NaiveDateTime::MAX);
            for midnight in wall.date().iter_days().take_while(|day| *day <= last.date()) {
                for minute in [0, window.from, window.to] {
                    let shown = midnight.and_time(NaiveTime::MIN);
                    let later = (shown - wall) + TimeDelta::minutes(i64::from(minute));
                    let at = start.checked_add_signed(later);
                    candidates.extend(at.filter(|at| start < *at && *at < end));
                }
            }
        }
        candidates
    }
}

/// The axis of a time that these windows look at; `optional` where it may be missing.
pub(super) fn times(days: Days, windows: &[&Window], optional: bool) -> Axis {
    let mut turns: BTreeMap<DateTime<Utc>, Vec<(u32, bool)>> = BTreeMap::from([(days.from, Vec::new())]);
    for (n, window) in (0..).zip(windows) {
        for (at, open) in days.turns(window) {
            turns.entry(at).or_default().push((n, open));
        }
    }
    let mut holding: BTreeSet<u32> = BTreeSet::new();
    let values = turns.into_iter().map(|(at, turned)| {
        for (n, open) in turned {
            match open {
                true => holding.insert(n),
                false => holding.remove(&n),
            };
        }
        (Is::At(at), holding.iter().copied().collect())
    });
    let missing = optional.then(|| (Is::Missing, Vec::new()));
    Axis::of(missing.into_iter().chain(values), windows.len()).0
}
