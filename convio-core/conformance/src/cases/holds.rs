use chrono::{DateTime, TimeDelta, Utc};
use convio_core::availability::Interval;
use convio_core::{
    Appointment, Clock, Error, Hold, LeadId, NewAppointment, NewHold, Party, Resource, Schedule, Target,
    WorkspaceHandle, Zone,
};

use super::calendars::{acme, always, ann, at, bob, busy, clash, on_day, schedule, with_ann};
use super::lead_work::in_order;
use crate::dice::Dice;
use crate::{Subject, World, codes};

pub(crate) async fn a_hold_keeps_a_time_until_it_ends(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    acme.set_calendar(ann(), always().buffers(10, 10)).await.unwrap();
    acme.set_calendar(Resource::thing("seats"), always().capacity(2)).await.unwrap();
    let held = |wall| NewHold::at(schedule(wall, 60), 15).of(ann(), 1);
    let hold = acme.hold(held("10:00").of(Resource::thing("seats"), 1)).await.unwrap();
    assert_eq!(hold.until, world.clock.now() + TimeDelta::minutes(15));
    let of_ann = busy(&acme, &ann()).await;
    assert_eq!(
        (of_ann[0].by, of_ann[0].until, of_ann[0].time),
        (hold.mark(), Some(hold.until), on_day("09:50", 80))
    );
    let refused = acme.book(lead, with_ann("10:30", 60)).await.unwrap_err();
    assert_eq!(clash(&refused).next[0].start, at("11:30"));
    assert_eq!(clash(&acme.hold(held("10:30")).await.unwrap_err()).resource, ann());
    // It is a value that goes through any session; whoever has it books, of it what they need.
    let text = serde_json::to_string(&hold).unwrap();
    let again: Hold = serde_json::from_str(&text).unwrap();
    assert_eq!(again, hold);
    let visit = world.elsewhere(&acme).book(lead, with_ann("10:15", 60).holding(again)).await.unwrap();
    assert_eq!(busy(&acme, &ann()).await[0].by, visit.id.uuid());
    assert_eq!(busy(&acme, &Resource::thing("seats")).await, []);
    // Whoever gives back what is no hold of theirs gives back nothing, be it an appointment or another's hold.
    let other = acme.hold(held("17:00")).await.unwrap();
    acme.end_hold(Hold { id: other.mark(), ..other.clone() }).await.unwrap();
    assert!(acme.hold(held("17:00")).await.is_err());
    acme.end_hold(other).await.unwrap();
    let forged = Hold { id: visit.id.uuid(), ..hold.clone() };
    acme.end_hold(forged.clone()).await.unwrap();
    assert!(acme.book(lead, with_ann("10:15", 60).holding(forged)).await.unwrap_err().clash().is_some());
    // Given back, it is free at once; ended by itself, at its last moment.
    let hold = acme.hold(held("14:00")).await.unwrap();
    acme.end_hold(hold.clone()).await.unwrap();
    acme.end_hold(hold).await.unwrap();
    let hold = acme.hold(held("14:00")).await.unwrap();
    world.clock.advance(TimeDelta::minutes(15) - TimeDelta::microseconds(1));
    assert!(acme.book(lead, with_ann("14:00", 60)).await.is_err());
    world.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(busy(&acme, &ann()).await.len(), 1);
    let visit = acme.book(lead, with_ann("14:00", 60)).await.unwrap();
    acme.cancel(&visit, Party::Staff, None).await.unwrap();
    // A hold that has ended keeps nothing, and is no reason to refuse what is free.
    acme.book(lead, with_ann("14:00", 60).holding(hold.clone())).await.unwrap();
    assert!(acme.book(lead, with_ann("14:30", 60).holding(hold)).await.unwrap_err().clash().is_some());
    // A hold is no way around what is taken or closed, and names what has a calendar.
    let wrong = acme.hold(NewHold::at(schedule("10:00", 0), 0)).await.unwrap_err();
    assert_eq!(
        codes(wrong.reasons()),
        ["minutes/out_of_range", "hold_minutes/out_of_range", "resources/missing"]
    );
    let end = at("10:00") + TimeDelta::days(400);
    let long = Hold { time: Interval::new(at("10:00"), end), ..acme.hold(held("19:00")).await.unwrap() };
    assert_eq!(codes(acme.end_hold(long.clone()).await.unwrap_err().reasons()), ["hold/invalid"]);
    let wrong = acme.book(lead, with_ann("21:00", 60).holding(long)).await.unwrap_err();
    assert_eq!(codes(wrong.reasons()), ["hold/invalid"]);
    let wrong = acme.hold(NewHold::at(schedule("10:00", 60), 5).of(bob(), 1)).await.unwrap_err();
    assert_eq!(codes(wrong.reasons()), ["resources/unknown"]);
    in_order(&world, &acme).await;
}

/// Visits, moves, ends and holds at random, in quarters of an hour of three days, each answered as a list of intervals that is gone
/// through from end to end would.
pub(crate) async fn random_bookings_are_those_of_a_naive_list(subject: &dyn Subject) {
    let mut dice = Dice::of_this_run();
    let world = World::of(subject);
    for _ in 0..RUNS {
        let (acme, lead) = acme(&world).await;
        let mut naive = Naive::default();
        for resource in [ann(), Resource::thing("seats")] {
            let capacity = dice.below(3) as u32 + 1;
            let buffers = [0, 15, 60][dice.index(3)];
            let settings = always().capacity(capacity).buffers(buffers, 0);
            acme.set_calendar(resource.clone(), settings).await.unwrap();
            naive.calendars.push((resource, capacity, buffers));
        }
        for step in 0..STEPS {
            let told = step_of(&world, &acme, lead, &mut naive, &mut dice).await;
            assert!(told, "step {step}: {naive:?}");
        }
        for (resource, ..) in naive.calendars.clone() {
            let mut expected = naive.standing(&resource, world.clock.now());
            expected.sort_unstable();
            let found: Vec<_> =
                busy(&acme, &resource).await.into_iter().map(|it| (it.time, it.by, it.units)).collect();
            assert_eq!(found, expected);
        }
        in_order(&world, &acme).await;
    }
}

/// One act, and whether it was answered as the list says.
async fn step_of(
    world: &World<'_>,
    acme: &WorkspaceHandle<'_>,
    lead: LeadId,
    naive: &mut Naive,
    dice: &mut Dice,
) -> bool {
    let now = world.clock.now();
    let start = at("00:00") + TimeDelta::minutes(15 * dice.below(3 * 96) as i64);
    let minutes = [15, 45, 60, 600][dice.index(4)];
    let time = Schedule::at(start, &Zone::UTC).minutes(minutes);
    let units = dice.below(3) as u32;
    match dice.below(10) {
        0..=3 => {
            let wants: Vec<_> = naive.wants(&time, [1, units]);
            let visit = NewAppointment::at(time).direct(Target::person("ann"));
            let visit = if units > 0 { visit.with(Resource::thing("seats"), units) } else { visit };
            let hold = (dice.chance(30) && !naive.holds.is_empty())
                .then(|| naive.holds.swap_remove(dice.index(naive.holds.len())));
            let mut after = naive.taken.clone();
            after.retain(|it| hold.as_ref().is_none_or(|hold| it.by != hold.mark()));
            let fits = naive.fits(&after, &wants, now);
            let visit = match &hold {
                Some(hold) => visit.holding(hold.clone()),
                None => visit,
            };
            match acme.book(lead, visit).await {
                Ok(visit) => {
                    naive.taken = after;
                    naive.take(visit.id.uuid(), wants, None);
                    naive.visits.push(visit);
                    fits
                }
                // What was held is held as before.
                Err(error) => {
                    naive.holds.extend(hold);
                    is_refused(&error) && !fits
                }
            }
        }
        4 | 5 => {
            let wants: Vec<_> = naive.wants(&time, [1, units]);
            let fits = naive.fits(&naive.taken, &wants, now);
            let hold = NewHold::at(time, 10).of(ann(), 1);
            let hold = if units > 0 { hold.of(Resource::thing("seats"), units) } else { hold };
            match acme.hold(hold).await {
                Ok(hold) => {
                    naive.take(hold.mark(), wants, Some(hold.until));
                    naive.holds.push(hold);
                    fits
                }
                Err(error) => is_refused(&error) && !fits,
            }
        }
        6 | 7 if !naive.visits.is_empty() => {
            let n = dice.index(naive.visits.len());
            let visit = naive.visits[n].clone();
            let units = visit.routing.takes.get(1).map_or(0, |taken| taken.units);
            let wants: Vec<_> = naive.wants(&time, [1, units]);
            let mut after = naive.taken.clone();
            after.retain(|it| it.by != visit.id.uuid());
            let fits = naive.fits(&after, &wants, now);
            match acme.reschedule(&visit, time, Party::Customer, None).await {
                Ok(moved) => {
                    naive.taken = after;
                    naive.take(moved.id.uuid(), wants, None);
                    naive.visits[n] = moved;
                    fits
                }
                Err(error) => is_refused(&error) && !fits,
            }
        }
        8 if !naive.visits.is_empty() => {
            let visit = naive.visits.swap_remove(dice.index(naive.visits.len()));
            naive.taken.retain(|it| it.by != visit.id.uuid());
            acme.cancel(&visit, Party::Staff, None).await.is_ok()
        }
        9 if dice.chance(50) && !naive.holds.is_empty() => {
            let hold = naive.holds.swap_remove(dice.index(naive.holds.len()));
            naive.taken.retain(|it| it.by != hold.mark());
            acme.end_hold(hold).await.is_ok()
        }
        _ => {
            world.clock.advance(TimeDelta::minutes(dice.below(8) as i64));
            true
        }
    }
}

/// What is taken, as a list.
#[derive(Debug, Default)]
struct Naive {
    /// Each with its capacity, and the minutes that it takes before.
    calendars: Vec<(Resource, u32, u32)>,
    taken: Vec<Entry>,
    visits: Vec<Appointment>,
    holds: Vec<Hold>,
}

#[derive(Debug, Clone)]
struct Entry {
    by: uuid::Uuid,
    want: Want,
    until: Option<DateTime<Utc>>,
}

/// So many units of a calendar, by its place, in a time.
type Want = (usize, Interval, u32);

impl Naive {
    fn wants(&self, time: &Schedule, units: [u32; 2]) -> Vec<Want> {
        let around =
            |n: usize| time.time().widened(TimeDelta::minutes(self.calendars[n].2.into()), TimeDelta::zero());
        (0..2).filter(|n| units[*n] > 0).map(|n| (n, around(n), units[n])).collect()
    }

    fn take(&mut self, by: uuid::Uuid, wants: Vec<Want>, until: Option<DateTime<Utc>>) {
        self.taken.extend(wants.into_iter().map(|want| Entry { by, want, until }));
    }

    /// Whether there is room at every minute.
    fn fits(&self, taken: &[Entry], wants: &[Want], now: DateTime<Utc>) -> bool {
        wants.iter().all(|(n, time, units)| {
            let minutes = (time.end - time.start).num_minutes();
            (0..minutes).map(|minute| time.start + TimeDelta::minutes(minute)).all(|minute| {
                let there = taken.iter().filter(|it| it.until.is_none_or(|until| now < until)).filter(|it| {
                    let (of, time, _) = it.want;
                    of == *n && time.start <= minute && minute < time.end
                });
                there.map(|it| it.want.2).sum::<u32>() + units <= self.calendars[*n].1
            })
        })
    }

    fn standing(&self, resource: &Resource, now: DateTime<Utc>) -> Vec<(Interval, uuid::Uuid, u32)> {
        let stands = |it: &&Entry| it.until.is_none_or(|until| now < until);
        let of = self.taken.iter().filter(stands).filter(|it| self.calendars[it.want.0].0 == *resource);
        of.map(|it| (it.want.1, it.by, it.want.2)).collect()
    }
}

/// For want of room, now or at all.
fn is_refused(error: &Error) -> bool {
    error.clash().is_some() || codes(error.reasons()) == ["units/out_of_range"]
}

const RUNS: usize = 6;
const STEPS: usize = 60;
