use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::{Hours, Interval, minus, taken_wholly};
use crate::appointment::Schedule;
use crate::zone::Zone;

/// Someone, or something, that can be booked.
#[derive(Debug, Clone, Copy)]
pub struct Calendar<'c> {
    /// When.
    pub hours: &'c Hours,
    /// What is taken, in any order, with what must be free before and after it.
    pub taken: &'c [Interval],
    /// How many at once: 1 for a person, as many as there are seats for a room.
    pub capacity: u32,
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
    /// How many minutes must be free before it. They need not lie in anyone's hours.
    pub before: u32,
    /// How many minutes must be free after it.
    pub after: u32,
    /// How many slots are asked for at the most.
    pub limit: usize,
}

impl SlotQuery {
    /// All slots of so many minutes within a time, every quarter of an hour.
    pub fn of(within: Interval, minutes: u32) -> Self {
        Self { within, minutes, every: 15, before: 0, after: 0, limit: usize::MAX }
    }

    /// Every so many minutes.
    #[must_use]
    pub fn every(self, minutes: u32) -> Self {
        Self { every: minutes, ..self }
    }

    /// With so many free minutes before and after.
    #[must_use]
    pub fn buffers(self, before: u32, after: u32) -> Self {
        Self { before, after, ..self }
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
    /// use convio_core::availability::{Calendar, Hours, Interval, SlotQuery, next_slots};
    /// let hours = Hours::always(convio_core::Zone::UTC);
    /// let within = Interval::new("2026-03-02T17:00:00Z".parse()?, "2026-03-02T18:00:00Z".parse()?);
    /// let calendar = Calendar { hours: &hours, taken: &[], capacity: 1 };
    /// let slots = next_slots(&[calendar], &SlotQuery::of(within, 45).every(15).first(1));
    /// let schedule = slots[0].schedule(&"America/Denver".parse()?);
    /// assert_eq!((schedule.wall.to_string().as_str(), schedule.minutes), ("2026-03-02 10:00:00", 45));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule(&self, zone: &Zone) -> Schedule {
        let minutes = (self.time.end - self.time.start).num_minutes();
        Schedule::at(self.time.start, zone).minutes(u32::try_from(minutes).unwrap_or(u32::MAX))
    }
}

/// The first times that are free with any of these, earliest first, each once with all who are free then.
///
/// What it costs: the openings of each calendar within the time, what is taken sorted once, and a step per slot that is answered and
/// who is free then.
pub fn next_slots(of: &[Calendar<'_>], query: &SlotQuery) -> Vec<Slot> {
    let mut starts: Vec<_> = of.iter().map(|calendar| calendar.starts(query)).collect();
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

impl Calendar<'_> {
    /// When what is asked for can begin, in order.
    fn starts(&self, query: &SlotQuery) -> impl Iterator<Item = DateTime<Utc>> {
        let minutes = |n: u32| TimeDelta::minutes(n.into());
        let (length, every) = (minutes(query.minutes.max(1)), i64::from(query.every.max(1)));
        // What meets it with its buffers is what meets it, widened by them the other way round.
        let taken = taken_wholly(self.taken.iter().copied(), self.capacity);
        let taken = taken.into_iter().map(|it| it.widened(minutes(query.after), minutes(query.before)));
        let free = minus(self.hours.open(query.within), taken);
        let zone = self.hours.zone.clone();
        free.into_iter().flat_map(move |free| {
            let zone = zone.clone();
            let mut at = on_the_step(&zone, free.start, every);
            std::iter::from_fn(move || {
                let start = at.filter(|at| *at + length <= free.end)?;
                at = on_the_step(&zone, start + TimeDelta::minutes(1), every);
                Some(start)
            })
        })
    }
}

/// The first instant from this one on at which the clocks show a whole number of steps after midnight.
fn on_the_step(zone: &Zone, from: DateTime<Utc>, every: i64) -> Option<DateTime<Utc>> {
    let mut at = from;
    // The clocks may change on the way to it; they do so seldom.
    for _ in 0..CHANGES_MAX {
        let since = zone.wall(at).time() - NaiveTime::MIN;
        let into = since.num_microseconds()? % (every * MICROS_PER_MINUTE);
        if into == 0 {
            return Some(at);
        }
        let to_midnight = TimeDelta::days(1) - since;
        let step = TimeDelta::microseconds(every * MICROS_PER_MINUTE - into).min(to_midnight);
        let next = at.checked_add_signed(step)?;
        at = zone.changes(at, next).first().copied().unwrap_or(next);
    }
    None
}

const MICROS_PER_MINUTE: i64 = 60_000_000;
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Every minute is tried, by the definition.
        #[test]
        fn slots_are_all_times_that_are_free_and_no_other(
            who in prop::collection::vec((hours(), prop::collection::vec((0_i64..2_000, 1_i64..200), 0..8), 1_u32..3), 1..4),
            minutes in 1_u32..120,
            every in prop::sample::select(&[1_u32, 10, 15, 25, 60][..]),
            buffers in (0_u32..40, 0_u32..40),
            limit in prop::sample::select(&[3_usize, usize::MAX][..]),
        ) {
            let taken: Vec<Vec<Interval>> = who.iter().map(|(_, taken, _)| taken.iter()
                .map(|(from, len)| Interval::new(at(*from), at(from + len))).collect()).collect();
            let calendars: Vec<Calendar<'_>> = who.iter().zip(&taken)
                .map(|((hours, _, capacity), taken)| Calendar { hours, taken, capacity: *capacity }).collect();
            let within = Interval::new(at(-30), at(2_200));
            let query = SlotQuery::of(within, minutes).every(every).buffers(buffers.0, buffers.1).first(limit);
            let mut expected = Vec::new();
            for start in (-30..2_200).map(at) {
                let time = Interval::new(start, start + TimeDelta::minutes(minutes.into()));
                let wide = time.widened(TimeDelta::minutes(buffers.0.into()), TimeDelta::minutes(buffers.1.into()));
                let is_free = |calendar: &Calendar<'_>| {
                    let wall = calendar.hours.zone.wall(start);
                    let open = calendar.hours.open(within);
                    let full = |minute: i64| {
                        let now = wide.start + TimeDelta::minutes(minute);
                        let now = Interval::new(now, now + TimeDelta::minutes(1));
                        calendar.taken.iter().filter(|it| it.meets(now)).count() >= calendar.capacity as usize
                    };
                    (wall.hour() * 60 + wall.minute()).is_multiple_of(every)
                        && open.iter().any(|open| open.holds(time))
                        && !(0..(wide.end - wide.start).num_minutes()).any(full)
                };
                let who: Vec<usize> = (0..calendars.len()).filter(|n| is_free(&calendars[*n])).collect();
                if !who.is_empty() {
                    expected.push(Slot { time, who });
                }
            }
            expected.truncate(limit);
            prop_assert_eq!(next_slots(&calendars, &query), expected);
        }
    }
}
