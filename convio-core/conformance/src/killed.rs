//! Workers of consumers in processes that are killed at random points: larger than a case, for a store's own tests, which have the tables that
//! a worker writes to.
//!
//! Two consumers read the same feed. `joined` commits its effects together with its acknowledgement, `apart` commits them by themselves and
//! acknowledges then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use convio_core::consumer::ConsumerSettings;
use convio_core::service::{Atomicity, Consumer};
use convio_core::{ContactId, Event, Position, WorkspaceHandle};

use crate::dice::Dice;
use crate::process::{Process, hear, say};
use crate::{ManualClock, lead};

/// The consumer whose effects are committed with the acknowledgement.
pub const JOINED: &str = "joined";
/// The consumer whose effects are committed before it.
pub const APART: &str = "apart";

/// What the lives of workers came to.
#[derive(Debug)]
pub struct Kills {
    /// Workers that were killed.
    pub killed: usize,
    /// Of these, those that had a batch and had not acknowledged it, as far as they had said.
    pub holding: usize,
    /// Batches that were handed out though a worker had them before.
    pub again: usize,
}

/// One life of a worker, in its own process: it says each point that it comes to, and stays at the last one that it may come to.
#[derive(Debug)]
pub struct Life {
    number: usize,
    points: Option<usize>,
}

impl Life {
    /// What the last two words of the process's order say.
    pub fn of(number: &str, points: &str) -> Self {
        let points = (points != TO_THE_END).then(|| points.parse().unwrap());
        Self { number: number.parse().unwrap(), points }
    }

    /// Its clock. When it begins, all leases of the life before are over.
    pub fn clock(&self) -> ManualClock {
        clock_of(self.number)
    }

    /// Whether nobody will kill it: it goes on until there is nothing left.
    pub fn is_last(&self) -> bool {
        self.points.is_none()
    }

    /// A worker of this consumer.
    pub fn worker<'s>(&self, acme: &WorkspaceHandle<'s>, consumer: &str) -> Consumer<'s> {
        acme.consumer(consumer).events_per_batch(if self.is_last() { 100 } else { BATCH_EVENTS })
    }

    /// Says where it is with which batch. It does not come back where it may go no further.
    pub fn comes_to(&mut self, consumer: &str, point: &str, events: &[Event]) {
        let Some(points) = &mut self.points else { return };
        say(&format!("{consumer} {point} {}", events[0].position.0));
        *points -= 1;
        if *points == 0 {
            // Until it is killed; nothing is ever told to it.
            assert_eq!(hear(), None);
            std::process::exit(1);
        }
    }
}

/// The clock of the `number`-th life; 0 is before all of them.
pub fn clock_of(number: usize) -> ManualClock {
    let clock = ManualClock::at(1_803_913_200_000_000);
    clock.advance(TimeDelta::minutes(2 * number as i64));
    clock
}

/// So many leads of forty contacts, and both consumers, of two shards.
pub async fn set_up(acme: &WorkspaceHandle<'_>, leads: usize) {
    let rows: Vec<_> = (0..leads).map(|n| lead(n as u32 % 40)).collect();
    for rows in rows.chunks(500) {
        let answer = acme.ingest_batch(rows.to_vec(), Atomicity::AllOrNothing).await.unwrap();
        assert!(answer.rows.iter().all(Result::is_ok));
    }
    for name in [JOINED, APART] {
        acme.create_consumer(name, ConsumerSettings::new().shards(2), Position(0)).await.unwrap();
    }
}

/// Starts the running binary's `second_process` with this order 200 times, and kills it each time: half of them as they stand at a
/// random point, the others a random moment after it, wherever they are by then. The one after these is let go on to its end. The last two words of
/// the order are for [`Life::of`].
///
/// # Panics
/// When a worker ends before it is killed.
pub fn kill_at_random_points(order: &[&str]) -> Kills {
    let mut dice = Dice::of_this_run();
    let (mut had, mut kills) = (BTreeSet::new(), Kills { killed: 0, holding: 0, again: 0 });
    for number in 1..=KILLS {
        let points = 1 + dice.index(POINTS_MAX);
        let goes_on = if dice.chance(50) { GOES_ON } else { 0 };
        let mut process = start(order, number, &(points + goes_on).to_string());
        let mut lines: Vec<_> = (0..points).map(|_| process.line()).collect();
        if goes_on > 0 {
            std::thread::sleep(Duration::from_micros(dice.below(PAUSE_MICROS)));
        }
        process.kill();
        kills.killed += 1;
        lines.extend(process.rest());
        for line in &lines {
            let (consumer, point) = line.split_once(' ').unwrap();
            if let Some(first) = point.strip_prefix("polled ") {
                kills.again += usize::from(!had.insert((consumer.to_owned(), first.to_owned())));
            }
        }
        kills.holding += usize::from(lines.last().is_some_and(|line| !line.contains(" done ")));
    }
    start(order, KILLS + 1, TO_THE_END).finish();
    kills
}

fn start(order: &[&str], number: usize, points: &str) -> Process {
    let number = number.to_string();
    Process::start(&[order, &[number.as_str(), points]].concat())
}

impl Kills {
    /// Whether it was what the test is about.
    ///
    /// # Panics
    /// When few of them had a batch, or hardly any was handed out again.
    pub fn check(&self) {
        assert_eq!(self.killed, KILLS);
        assert!(self.holding >= KILLS / 5 && self.again >= KILLS / 5, "{self:?}");
    }
}

/// Looks whether each event of the feed has its effect once, those of a contact in order. `effects` are positions, in the order in which
/// they were written.
///
/// # Panics
/// When one has none, or several, or came before its time.
pub async fn check_once(acme: &WorkspaceHandle<'_>, effects: &[i64]) {
    let again = check_at_least_once(acme, effects).await;
    assert_eq!(again, 0, "effects that happened again");
}

/// Looks whether each event of the feed has its effect at least once, the first ones of a contact's in order. Answers how many there are
/// more.
///
/// # Panics
/// When an event has none, or its first one came before its time.
pub async fn check_at_least_once(acme: &WorkspaceHandle<'_>, effects: &[i64]) -> usize {
    let mut contacts = BTreeMap::new();
    let mut after = Position(0);
    loop {
        let events = acme.feed(after, 1_000).await.unwrap();
        let Some(last) = events.last() else { break };
        after = last.position;
        contacts.extend(events.iter().map(|event| (event.position.0 as i64, event.contact_id())));
    }
    let mut seen = BTreeSet::new();
    let mut latest = BTreeMap::<ContactId, i64>::new();
    for position in effects {
        if seen.insert(*position)
            && let Some(contact) = contacts[position]
        {
            let before = latest.insert(contact, *position).unwrap_or(0);
            assert!(before < *position, "{before} of a contact came before {position}");
        }
    }
    assert!(seen.iter().eq(contacts.keys()), "{} events of {}", seen.len(), contacts.len());
    effects.len() - seen.len()
}

/// Leads that no 200 lives come to the end of: a batch has at least three points, so each life has at most eight batches of two, of both
/// consumers in turns.
pub const LEADS: usize = 2_000;
const KILLS: usize = 200;
const BATCH_EVENTS: usize = 2;
/// Points that a life comes to at least: two batches of each consumer.
const POINTS_MAX: usize = 14;
/// And those after them, of one that is at work when it is killed.
const GOES_ON: usize = 8;
/// What a batch takes, or a few.
const PAUSE_MICROS: u64 = 4_000;
const TO_THE_END: &str = "to the end";
