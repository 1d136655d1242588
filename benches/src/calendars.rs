//! People who can be booked, what they are booked for, and the free times that are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use convio_core::availability::{Bookable, Hours, Interval, SlotQuery, next_slots};
use convio_core::calendar::{BusyDay, SlotRequest};
use convio_core::chrono::{DateTime, TimeDelta, Utc, Weekday};
use convio_core::{CalendarSettings, NewAppointment, Resource, Schedule, Target, Zone};
use tokio::task::JoinSet;

use crate::Result;
use crate::leads::Leads;
use crate::load::sum;
use crate::subject::Subject;

/// People with calendars of their own, open from eight to six on every day, and appointments of half an hour with them.
///
/// The appointments go round the people; each has one on every day before any has a second one on a day.
#[derive(Debug, Clone)]
pub struct Team {
    zone: Zone,
    hours: Hours,
    begin: DateTime<Utc>,
}

impl Team {
    /// People of New York, from a Monday on that is midnight there.
    pub fn new() -> Result<Self> {
        let zone: Zone = "America/New_York".parse()?;
        let days = [
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ];
        let hours = Hours::of(zone.clone()).each(days, OPENS, CLOSES);
        Ok(Self { zone, hours, begin: "2027-02-01T05:00:00Z".parse()? })
    }

    /// Gives each a calendar.
    pub async fn hire(&self, subject: &Subject) -> Result<()> {
        for person in 0..PEOPLE {
            let settings = CalendarSettings::open(self.hours.clone());
            subject.workspace(0).set_calendar(Resource::person(name(person)), settings).await?;
        }
        Ok(())
    }

    /// Books these appointments, several at once, each for a lead of its own.
    pub async fn book(
        self: &Arc<Self>,
        subject: &Arc<Subject>,
        leads: &Leads,
        numbers: std::ops::Range<usize>,
    ) -> Result<()> {
        let wanted = numbers.len() as u64;
        let mut ids = Vec::with_capacity(numbers.len());
        while ids.len() < numbers.len() {
            let rows = leads.raws((numbers.len() - ids.len()).min(1_000));
            ids.extend(subject.leads(0, rows).await?);
        }
        let (next, ids) = (Arc::new(AtomicUsize::new(0)), Arc::new(ids));
        let mut set = JoinSet::new();
        for _ in 0..CALLERS {
            let (team, subject, next, ids) = (self.clone(), subject.clone(), next.clone(), ids.clone());
            let first = numbers.start;
            set.spawn(async move {
                let mut booked = 0;
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(lead) = ids.get(n) else { return Ok(booked) };
                    subject.workspace(0).book(*lead, team.appointment(first + n)).await?;
                    booked += 1;
                }
            });
        }
        match sum(set).await? {
            booked if booked == wanted => Ok(()),
            booked => Err(format!("{booked} of {wanted} appointments were booked").into()),
        }
    }

    fn appointment(&self, n: usize) -> NewAppointment {
        let schedule = Schedule::at(self.time(n).start, &self.zone).minutes(MINUTES);
        NewAppointment::at(schedule).direct(Target::person(name(n % PEOPLE)))
    }

    /// The time of an appointment: no other of the same person meets it.
    fn time(&self, n: usize) -> Interval {
        let (round, person) = (n / PEOPLE, n % PEOPLE);
        let day = (round * 11 + person) % DAYS; // 11 and 28 share no divisor
        let half_hour = (round / DAYS * 3 + person + day) % HALF_HOURS; // nor do 3 and 20
        let minutes = day * 24 * 60 + usize::from(OPENS) + half_hour * 30;
        let start = self.begin + TimeDelta::minutes(i64::try_from(minutes).unwrap_or_default());
        Interval::new(start, start + TimeDelta::minutes(MINUTES.into()))
    }

    fn within(&self) -> Interval {
        Interval::new(self.begin, self.begin + TimeDelta::days(DAYS as i64))
    }

    /// What is asked for: the first so many times with any of the first so many people.
    pub fn request(&self, people: usize, limit: usize) -> SlotRequest {
        let of = (0..people).map(|person| Resource::person(name(person)));
        SlotRequest::of(of, MINUTES, self.zone.clone()).from(self.begin).days(DAYS as u32).first(limit)
    }

    /// The keys of the records that say what is taken of these people's days.
    pub fn keys(&self, people: usize) -> Vec<String> {
        let of = |person| {
            let resource = Resource::person(name(person));
            BusyDay::days(self.within()).map(move |day| BusyDay::key(&resource, day))
        };
        (0..people).flat_map(of).collect()
    }

    /// What the first so many people have of the first so many appointments.
    pub fn taken(&self, people: usize, appointments: usize) -> Vec<Vec<(Interval, u32)>> {
        let mut taken = vec![Vec::new(); people];
        for n in (0..appointments).filter(|n| n % PEOPLE < people) {
            taken[n % PEOPLE].push((self.time(n), 1));
        }
        taken
    }

    /// How many free times there are, told from what is taken, without a store.
    pub fn free(&self, taken: &[Vec<(Interval, u32)>], limit: usize) -> usize {
        let of: Vec<Bookable<'_>> = taken.iter().map(|taken| Bookable::of(&self.hours, taken)).collect();
        next_slots(&of, &[], &SlotQuery::of(self.within(), MINUTES).first(limit)).len()
    }

    /// The appointment of one who has a calendar, or of one who has none: eight a day, none of which meets another.
    pub fn visit(&self, n: usize, with_calendar: bool) -> NewAppointment {
        let minutes = (YEAR + n / 8) * 24 * 60 + usize::from(OPENS) + n % 8 * 60;
        let start = self.begin + TimeDelta::minutes(i64::try_from(minutes).unwrap_or_default());
        let target = if with_calendar { name(0) } else { "nobody in particular".to_owned() };
        let schedule = Schedule::at(start, &self.zone).minutes(MINUTES);
        NewAppointment::at(schedule).direct(Target::person(target))
    }
}

fn name(person: usize) -> String {
    format!("person {person:02}")
}

/// How many people there are.
pub const PEOPLE: usize = 50;
/// How many days are asked about.
pub const DAYS: usize = 28;
/// Minutes of the day from which on, and before which, they can be booked.
const OPENS: u16 = 8 * 60;
const CLOSES: u16 = 18 * 60;
const HALF_HOURS: usize = (CLOSES - OPENS) as usize / 30;
const MINUTES: u32 = 30;
/// Days from the first on after which visits are booked one by one: beyond those that are asked about.
const YEAR: usize = 365;
/// Who books at once when days are filled.
const CALLERS: usize = 16;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_one_is_booked_twice_at_once_and_all_days_are_filled_alike() {
        let team = Team::new().unwrap();
        let all: HashSet<_> = (0..10_000).map(|n| (n % PEOPLE, team.time(n))).collect();
        assert_eq!(all.len(), 10_000);
        let taken = team.taken(PEOPLE, 10_000);
        assert!(taken.iter().all(|taken| taken.len() == 200));
        let of_a_day = |day: i64| {
            let day = Interval::new(team.begin + TimeDelta::days(day), team.begin + TimeDelta::days(day + 1));
            taken[7].iter().filter(|(time, _)| day.holds(*time)).count()
        };
        assert!((0..28).all(|day| (7..=8).contains(&of_a_day(day))));
        assert_eq!((team.keys(PEOPLE).len(), team.free(&taken, 1_000)), (29 * 50, 1_000));
    }
}
