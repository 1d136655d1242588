use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Hours, Interval, both, minus, without_room};
use crate::appointment::Schedule;
use crate::zone::Zone;

/// Someone, or something, that can be booked.
#[derive(Debug, Clone, Copy)]
pub struct Bookable<'c> {
    /// When.
    pub hours: &'c Hours,
    /// What is taken, in any order, each with what must be free before and after it, and how many units of the capacity it takes.
    pub taken: &'c [(Interval, u32)],
    /// How many units there are: 1 for a person, as many as there are seats for a room.
    pub capacity: u32,
    /// How many are wanted.
    pub units: u32,
    /// How many minutes must be free before what is booked. They need not lie in the hours.
    pub before: u32,
    /// How many minutes must be free after it.
    pub after: u32,
}

impl<'c> Bookable<'c> {
    /// To one at a time, with nothing before and after.
    pub fn of(hours: &'c Hours, taken: &'c [(Interval, u32)]) -> Self {
        Self { hours, taken, capacity: 1, units: 1, before: 0, after: 0 }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotQuery {
    /// It begins and ends in this time.
    pub within: Interval,
    /// How many minutes it takes; at least one.
    pub minutes: u32,
    /// It begins when the clocks of whoever is booked show midnight or so many minutes after it, again and again.
    pub every: u32,
    /// How many slots are asked for at the most.
    pub limit: usize,
}

impl SlotQuery {
    /// All slots of so many minutes within a time, every quarter of an hour.
    pub fn of(within: Interval, minutes: u32) -> Self {
        Self { within, minutes, every: 15, limit: usize::MAX }
    }

    /// Every so many minutes.
    #[must_use]
    pub fn every(self, minutes: u32) -> Self {
        Self { every: minutes, ..self }
    }

    /// The first so many.
    #[must_use]
    pub fn first(self, limit: usize) -> Self {
        Self { limit, ..self }
    }
}

/// A time that is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The time.
    pub time: Interval,
    /// Who is free then, by their places among those that were asked about, in order.
    pub who: Vec<usize>,
}

impl Slot {
    /// As an appointment's schedule, by the clocks of whoever comes.
    ///
    /// ```
    /// use convio_core::availability::{Bookable, Hours, Interval, SlotQuery, next_slots};
    /// let hours = Hours::always(convio_core::Zone::UTC);
    /// let within = Interval::new("2026-03-02T17:00:00Z".parse()?, "2026-03-02T18:00:00Z".parse()?);
    /// let slots = next_slots(&[Bookable::of(&hours, &[])], &[], &SlotQuery::of(within, 45).every(15).first(1));
    /// let schedule = slots[0].schedule(&"America/Denver".parse()?);
    /// assert_eq!((schedule.wall.to_string().as_str(), schedule.minutes), ("2026-03-02 10:00:00", 45));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule(&self, zone: &Zone) -> Schedule {
        let minutes = (self.time.end - self.time.start).num_minutes();
        Schedule::at(self.time.start, zone).minutes(u32::try_from(minutes).unwrap_or(u32::MAX))
    }
}

/// The first times that are free with any of these and with all of those, earliest first, each once with all of these who are free
/// then.
///
/// What it costs: the openings of each bookable within the time, what is taken sorted once, and a step per slot that is answered and
/// who is free then.
pub fn next_slots(of: &[Bookable<'_>], with: &[Bookable<'_>], query: &SlotQuery) -> Vec<Slot> {
    let with = with.iter().fold(vec![query.within], |free, bookable| both(free, bookable.free(query)));
    let starts = |bookable: &Bookable<'_>| {
        let free = both(bookable.free(query), with.iter().copied());
        starts(free, bookable.hours.zone.clone(), query)
    };
    let mut starts: Vec<_> = of.iter().map(starts).collect();
    let mut next: BinaryHeap<Reverse<(DateTime<Utc>, usize)>> = BinaryHeap::new();
    for (n, starts) in starts.iter_mut().enumerate() {
        next.extend(starts.next().map(|at| Reverse((at, n))));
    }
    let mut slots: Vec<Slot> = Vec::new();
    while let Some(Reverse((at, n))) = next.pop() {
        let is_full = slots.len() == query.limit;
        match slots.last_mut().filter(|slot| slot.time.start == at) {
            Some(slot) => slot.who.push(n),
            None if is_full => break,
            None => {
                let end = at + TimeDelta::minutes(query.minutes.max(1).into());
                slots.push(Slot { time: Interval::new(at, end), who: vec![n] });
            }
        }
        next.extend(starts[n].next().map(|at| Reverse((at, n))));
    }
    slots
}

impl Bookable<'_> {
    /// When it is free: what is booked lies in one of these, whatever must be free before and after it.
    fn free(&self, query: &SlotQuery) -> Vec<Interval> {
        let minutes = |n: u32| TimeDelta::minutes(n.into());
        // What meets it with its buffers is what meets it, widened by them the other way round.
        let full = without_room(self.taken.iter().copied(), self.capacity, self.units);
        let full = full.into_iter().map(|it| it.widened(minutes(self.after), minutes(self.before)));
        minus(self.hours.open(query.within), full)
    }
}

/// When what is asked for can begin in times that are free, in order.
fn starts(free: Vec<Interval>, zone: Zone, query: &SlotQuery) -> impl Iterator<Item = DateTime<Utc>> + use<> {
    let length = TimeDelta::minutes(query.minutes.max(1).into());
    let every = i64::from(query.every.max(1)) * MICROS_PER_MINUTE;
    let mut clocks = Clocks::new(zone, query.within);
    let mut free = free.into_iter();
    let mut now = free.next().map(|free| (free.start, free.end));
    std::iter::from_fn(move || {
        loop {
            let (from, end) = now?;
            let start = clocks.on_the_step(from, every);
            let fits = |at: &DateTime<Utc>| at.checked_add_signed(length).is_some_and(|it| it <= end);
            if let Some(start) = start.filter(fits) {
                let next = start.checked_add_signed(TimeDelta::minutes(1));
                now = next.map(|next| (next, end));
                return Some(start);
            }
            now = free.next().map(|free| (free.start, free.end));
        }
    })
}

/// The clocks of a zone, which are looked at as time goes on.
struct Clocks {
    zone: Zone,
    /// When they change in the time that is looked at, the last change first.
    changes: Vec<DateTime<Utc>>,
    /// How far they are ahead of UTC until the next change, in microseconds; `None` before they were looked at.
    ahead: Option<i64>,
}

impl Clocks {
    fn new(zone: Zone, within: Interval) -> Self {
        let mut changes = zone.changes(within.start, within.end);
        changes.reverse();
        Self { zone, changes, ahead: None }
    }

    /// The first instant from this one on at which the clocks show a whole number of steps after midnight.
    fn on_the_step(&mut self, from: DateTime<Utc>, every: i64) -> Option<DateTime<Utc>> {
        let mut at = from;
        // The clocks may change on the way to it; they do so seldom.
        for _ in 0..CHANGES_MAX {
            let since = (at.timestamp_micros() + self.ahead(at)).rem_euclid(MICROS_PER_DAY);
            let into = since % every;
            if into == 0 {
                return Some(at);
            }
            let within_a_microsecond = i64::from(at.timestamp_subsec_nanos() % 1_000);
            let to_midnight = TimeDelta::microseconds(MICROS_PER_DAY - since);
            let to_midnight = to_midnight - TimeDelta::nanoseconds(within_a_microsecond);
            let step = TimeDelta::microseconds(every - into).min(to_midnight);
            let next = at.checked_add_signed(step)?;
            at = self.changes.last().copied().filter(|change| *change < next).unwrap_or(next);
        }
        None
    }

    /// How far they are ahead at an instant, no earlier than the one before.
    fn ahead(&mut self, at: DateTime<Utc>) -> i64 {
        while self.changes.pop_if(|change| *change <= at).is_some() {
            self.ahead = None;
        }
        let zone = &self.zone;
        let look = || (zone.wall(at) - at.naive_utc()).num_microseconds().unwrap_or_default();
        *self.ahead.get_or_insert_with(look)
    }
}

const MICROS_PER_MINUTE: i64 = 60_000_000;
const MICROS_PER_DAY: i64 = 24 * 60 * MICROS_PER_MINUTE;
/// More often clocks do not change within a step.
const CHANGES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use chrono::{Timelike, Weekday};
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        // Around the change of the clocks in New York, on the second Sunday of March.
        "2026-03-07T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
    }

    fn hours() -> impl Strategy<Value = Hours> {
        let zone = prop::sample::select(&["America/New_York", "UTC", "Asia/Kathmandu"][..]);
        (zone, prop::collection::vec((0_u16..1_440, 1_u16..=1_440), 0..4)).prop_map(|(zone, openings)| {
            let days = [Weekday::Sat, Weekday::Sun, Weekday::Mon];
            let hours = Hours::of(zone.parse().unwrap());
            openings
                .into_iter()
                .zip(days.into_iter().cycle())
                .fold(hours, |hours, ((from, to), day)| hours.each([day], from, to))
        })
    }

    #[test]
    fn at_the_ends_of_time_nothing_breaks() {
        let hours = Hours::always("Pacific/Kiritimati".parse().unwrap());
        let bookable = Bookable { before: u32::MAX, after: u32::MAX, ..Bookable::of(&hours, &[]) };
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        for within in
            [Interval::new(first, first + TimeDelta::days(1)), Interval::new(last - TimeDelta::days(1), last)]
        {
            for minutes in [0, 60, u32::MAX] {
                let query = SlotQuery::of(within, minutes).every(u32::MAX);
                assert!(next_slots(&[bookable], &[], &query).iter().all(|slot| within.holds(slot.time)));
                let slots = next_slots(&[bookable], &[], &query.every(0).first(10));
                assert!(slots.iter().all(|slot| within.holds(slot.time)));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Every minute is tried, by the definition.
        #[test]
        fn slots_are_all_times_that_are_free_and_no_other(
            who in prop::collection::vec((hours(), prop::collection::vec((0_i64..2_000, 1_i64..200, 1_u32..3), 0..8), 1_u32..4, 1_u32..3), 1..5),
            with in 0_usize..2,
            minutes in 1_u32..120,
            every in prop::sample::select(&[1_u32, 10, 15, 25, 60][..]),
            buffers in (0_u32..40, 0_u32..40),
            limit in prop::sample::select(&[3_usize, usize::MAX][..]),
        ) {
            let taken: Vec<Vec<(Interval, u32)>> = who.iter().map(|(_, taken, ..)| taken.iter()
                .map(|(from, len, units)| (Interval::new(at(*from), at(from + len)), *units)).collect()).collect();
            let bookables: Vec<Bookable<'_>> = who.iter().zip(&taken).map(|((hours, _, capacity, units), taken)| {
                let (before, after) = buffers;
                Bookable { hours, taken, capacity: *capacity, units: *units, before, after }
            }).collect();
            let (with, of) = bookables.split_at(with.min(bookables.len() - 1));
            let within = Interval::new(at(-30), at(2_200));
            let query = SlotQuery::of(within, minutes).every(every).first(limit);
            let mut expected = Vec::new();
            for start in (-30..2_200).map(at) {
                let time = Interval::new(start, start + TimeDelta::minutes(minutes.into()));
                let wide = time.widened(TimeDelta::minutes(buffers.0.into()), TimeDelta::minutes(buffers.1.into()));
                let is_on_step = |bookable: &Bookable<'_>| {
                    let wall = bookable.hours.zone.wall(start);
                    (wall.hour() * 60 + wall.minute()).is_multiple_of(every)
                };
                let is_free = |bookable: &Bookable<'_>| {
                    let open = bookable.hours.open(within);
                    let full = |minute: i64| {
                        let now = wide.start + TimeDelta::minutes(minute);
                        let now = Interval::new(now, now + TimeDelta::minutes(1));
                        let units = bookable.taken.iter().filter(|(it, _)| it.meets(now)).map(|(_, units)| units);
                        units.sum::<u32>() + bookable.units > bookable.capacity
                    };
                    open.iter().any(|open| open.holds(time))
                        && !(0..(wide.end - wide.start).num_minutes()).any(full)
                };
                let who: Vec<usize> = (0..of.len()).filter(|n| is_on_step(&of[*n]) && is_free(&of[*n])).collect();
                if !who.is_empty() && with.iter().all(is_free) {
                    expected.push(Slot { time, who });
                }
            }
            expected.truncate(limit);
            prop_assert_eq!(next_slots(of, with, &query), expected);
        }
    }
}
