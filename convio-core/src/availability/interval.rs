use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A time from one instant on and before another: what ends when another begins does not meet it.
///
/// ```
/// use convio_core::availability::Interval;
/// let hour = |from: &str, to: &str| Interval::new(from.parse().unwrap(), to.parse().unwrap());
/// let ten = hour("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z");
/// assert!(!ten.meets(hour("2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z")));
/// assert!(ten.meets(hour("2026-03-02T10:59:59Z", "2026-03-02T12:00:00Z")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// Its first instant.
    pub start: DateTime<Utc>,
    /// The first instant after it.
    pub end: DateTime<Utc>,
}

impl Interval {
    /// From one instant on and before another; empty where that is not later.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Whether no instant is in it.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether some instant is in both.
    pub fn meets(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end && !self.is_empty() && !other.is_empty()
    }

    /// Whether all of another is in it.
    pub fn holds(self, other: Self) -> bool {
        other.is_empty() || (self.start <= other.start && other.end <= self.end)
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }

    /// With as much before it and after it.
    #[must_use]
    pub fn widened(self, before: TimeDelta, after: TimeDelta) -> Self {
        let start = self.start.checked_sub_signed(before).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let end = self.end.checked_add_signed(after).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self::new(start, end)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        write!(f, "{} to {}", shown(self.start), shown(self.end))
    }
}

/// The same instants in as few intervals as can be, in order.
///
/// ```
/// use convio_core::availability::{Interval, merged};
/// let at = |hour: u32| format!("2026-03-02T{hour:02}:00:00Z").parse().unwrap();
/// let of = |from, to| Interval::new(at(from), at(to));
/// assert_eq!(merged([of(12, 13), of(9, 10), of(10, 11), of(5, 5)]), [of(9, 11), of(12, 13)]);
/// ```
pub fn merged(of: impl IntoIterator<Item = Interval>) -> Vec<Interval> {
    let mut all: Vec<Interval> = of.into_iter().filter(|it| !it.is_empty()).collect();
    all.sort_unstable();
    let mut merged: Vec<Interval> = Vec::with_capacity(all.len());
    for next in all {
        match merged.last_mut() {
            Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
            _ => merged.push(next),
        }
    }
    merged
}

/// The instants of some intervals that are in none of others.
///
/// ```
/// use convio_core::availability::{Interval, minus};
/// let at = |hour: u32| format!("2026-03-02T{hour:02}:00:00Z").parse().unwrap();
/// let of = |from, to| Interval::new(at(from), at(to));
/// assert_eq!(minus([of(9, 17)], [of(12, 13), of(16, 20)]), [of(9, 12), of(13, 16)]);
/// ```
pub fn minus(
    of: impl IntoIterator<Item = Interval>,
    less: impl IntoIterator<Item = Interval>,
) -> Vec<Interval> {
    let mut less = merged(less).into_iter().peekable();
    let mut left = Vec::new();
    for mut open in merged(of) {
        while less.next_if(|it| it.end <= open.start).is_some() {}
        while let Some(taken) = less.peek().copied().filter(|it| it.start < open.end) {
            left.push(Interval::new(open.start, taken.start.max(open.start)));
            open.start = taken.end.min(open.end);
            if taken.end > open.end {
                break; // the next one may begin in it as well
            }
            less.next();
        }
        left.push(open);
    }
    left.retain(|it| !it.is_empty());
    left
}

/// The instants that are in some intervals and in others too.
///
/// ```
/// use convio_core::availability::{Interval, both};
/// let at = |hour: u32| format!("2026-03-02T{hour:02}:00:00Z").parse().unwrap();
/// let of = |from, to| Interval::new(at(from), at(to));
/// assert_eq!(both([of(9, 12), of(13, 17)], [of(11, 14)]), [of(11, 12), of(13, 14)]);
/// ```
pub fn both(
    of: impl IntoIterator<Item = Interval>,
    and: impl IntoIterator<Item = Interval>,
) -> Vec<Interval> {
    let (of, and) = (merged(of), merged(and));
    let (mut of, mut and) = (of.into_iter().peekable(), and.into_iter().peekable());
    let mut both = Vec::new();
    while let (Some(one), Some(other)) = (of.peek(), and.peek()) {
        both.extend(Some(one.and(*other)).filter(|it| !it.is_empty()));
        // What ends first meets nothing that follows.
        if one.end <= other.end {
            of.next()
        } else {
            and.next()
        };
    }
    both
}

/// When so many units no longer have room beside what is taken: intervals and the units that each takes, of a capacity.
///
/// ```
/// use convio_core::availability::{Interval, without_room};
/// let at = |hour: u32| format!("2026-03-02T{hour:02}:00:00Z").parse().unwrap();
/// let of = |from, to| Interval::new(at(from), at(to));
/// assert_eq!(without_room([(of(9, 12), 1), (of(11, 14), 1), (of(14, 15), 1)], 2, 1), [of(11, 12)]);
/// ```
pub fn without_room(
    taken: impl IntoIterator<Item = (Interval, u32)>,
    capacity: u32,
    units: u32,
) -> Vec<Interval> {
    let Some(room) = capacity.checked_sub(units) else {
        return vec![Interval::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC)];
    };
    // What ends stands before what begins at the same instant.
    let mut edges: Vec<(DateTime<Utc>, i64)> = Vec::new();
    for (it, units) in taken.into_iter().filter(|(it, _)| !it.is_empty()) {
        edges.extend([(it.start, i64::from(units)), (it.end, -i64::from(units))]);
    }
    edges.sort_unstable();
    let (mut at_once, mut since) = (0, None);
    let mut full = Vec::new();
    for (at, change) in edges {
        at_once += change;
        let is_full = at_once > i64::from(room);
        since = match since {
            None if is_full => Some(at),
            Some(start) if !is_full => {
                full.push(Interval::new(start, at));
                None
            }
            since => since,
        };
    }
    merged(full)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minute(n: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(n * 60, 0).unwrap()
    }

    fn intervals() -> impl Strategy<Value = Vec<Interval>> {
        let one =
            (0_i64..60, 0_i64..20).prop_map(|(from, len)| Interval::new(minute(from), minute(from + len)));
        prop::collection::vec(one, 0..8)
    }

    fn is_in(of: &[Interval], at: i64) -> bool {
        of.iter().any(|it| it.start <= minute(at) && minute(at) < it.end)
    }

    fn is_tidy(of: &[Interval]) -> bool {
        of.iter().all(|it| !it.is_empty()) && of.windows(2).all(|pair| pair[0].end < pair[1].start)
    }

    proptest! {
        #[test]
        fn every_minute_is_where_the_sets_say(a in intervals(), b in intervals(), capacity in 1_u32..4, units in 1_u32..4) {
            let taken = || a.iter().zip([1, 2].into_iter().cycle()).map(|(it, units)| (*it, units));
            let (all, left) = (merged(a.clone()), minus(a.clone(), b.clone()));
            let (and, full) = (both(a.clone(), b.clone()), without_room(taken(), capacity, units));
            prop_assert!([&all, &left, &and, &full].into_iter().all(|it| is_tidy(it)));
            for at in -1..90 {
                prop_assert_eq!(is_in(&all, at), is_in(&a, at));
                prop_assert_eq!(is_in(&left, at), is_in(&a, at) && !is_in(&b, at));
                prop_assert_eq!(is_in(&and, at), is_in(&a, at) && is_in(&b, at));
                let at_once = taken().filter(|(it, _)| is_in(std::slice::from_ref(it), at)).map(|(_, units)| units);
                prop_assert_eq!(is_in(&full, at), at_once.sum::<u32>() + units > capacity);
            }
            for (a, b) in a.iter().zip(&b) {
                prop_assert_eq!(a.meets(*b), !a.and(*b).is_empty());
                prop_assert_eq!(a.holds(*b), b.is_empty() || a.and(*b) == *b);
            }
        }
    }
}
