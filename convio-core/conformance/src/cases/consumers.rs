use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use convio_core::consumer::{
    CONSUMERS_MAX, ConsumerSettings, DEAD_LETTERS_MAX, Retry, Token, Verdict, shard_of,
};
use convio_core::event::Position;
use convio_core::record::{CONSUMER_KIND, DEAD_LETTERS_KIND, fetch_record};
use convio_core::service::{Atomicity, Batch, Consumer, REWIND_MARGIN, Rewind};
use convio_core::{Clock, Error, ErrorKind, Event, NewApiKey, Permission, RawLead, WorkspaceHandle};
use pollster::block_on;

use super::concurrency::at_once;
use super::lead_work::in_order;
use crate::dice::Dice;
use crate::{Subject, World, codes, lead, rejected, taken};

const CRM: &str = "crm";

/// A workspace with so many leads, and a consumer of all its events. The first two are of the workspace and its webhook.
async fn fed(world: &World<'_>, leads: u32, settings: ConsumerSettings) -> WorkspaceHandle<'static> {
    let acme = world.acme().await;
    for n in 0..leads {
        taken(acme.ingest(lead(n)).await);
    }
    acme.create_consumer(CRM, settings, Position(0)).await.unwrap();
    acme
}

fn positions(batch: &Batch<'_, '_>) -> Vec<u64> {
    batch.events().iter().map(|event| event.position.0).collect()
}

/// What the next batch is of, once it is acknowledged.
async fn next(worker: &mut Consumer<'_>) -> Vec<u64> {
    let Some(batch) = worker.poll().await.unwrap() else { return Vec::new() };
    let positions = positions(&batch);
    batch.ack().await.unwrap();
    positions
}

/// Everything that is left.
async fn rest(worker: &mut Consumer<'_>) -> Vec<u64> {
    let mut all = Vec::new();
    loop {
        let batch = next(worker).await;
        if batch.is_empty() {
            return all;
        }
        all.extend(batch);
    }
}

fn kind<T>(answer: Result<T, Error>) -> Option<ErrorKind> {
    answer.err().map(|error| error.kind())
}

pub(crate) async fn events_are_handed_out_in_order_until_they_are_acknowledged(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 5, ConsumerSettings::new()).await;
    let mut worker = world.elsewhere(&acme).consumer(CRM).events_per_batch(3);
    let batch = worker.poll().await.unwrap().unwrap();
    assert_eq!(batch.events(), acme.feed(Position(0), 3).await.unwrap());
    drop(batch);
    // Nobody has heard of it: it is handed out again.
    assert_eq!(next(&mut worker).await, [1, 2, 3]);
    assert_eq!(acme.consumer_state(CRM).await.unwrap().unwrap().lag, 4);
    assert_eq!(next(&mut worker).await, [4, 5, 6]);
    assert_eq!(next(&mut worker).await, [7]);
    assert!(worker.poll().await.unwrap().is_none());
    taken(acme.ingest(lead(9)).await);
    worker.wait().await.unwrap();
    assert_eq!(next(&mut worker).await, [8]);
    let state = acme.consumer_state(CRM).await.unwrap().unwrap();
    assert_eq!((state.lag, state.shards[0].shard.cursor), (0, Position(8)));
    // A consumer of what is new has nothing behind it.
    acme.create_consumer("new", ConsumerSettings::new(), Position(8)).await.unwrap();
    let mut fresh = acme.consumer("new");
    assert!(fresh.poll().await.unwrap().is_none());
    taken(acme.ingest(lead(10)).await);
    assert_eq!((next(&mut fresh).await, rest(&mut worker).await), (vec![9], vec![9]));
}

pub(crate) async fn an_acknowledgement_changes_nothing_else(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 3, ConsumerSettings::new().shards(2).retry(Retry::times(1))).await;
    let (head, feed) = (acme.head().await.unwrap(), acme.feed(Position(0), 100).await.unwrap());
    let mut worker = acme.consumer(CRM).events_per_batch(1);
    let batch = worker.poll().await.unwrap().unwrap();
    let first = batch.events()[0].position;
    batch.nack(first, "no").await.unwrap();
    rest(&mut worker).await;
    acme.pause_consumer(CRM).await.unwrap();
    acme.retry_dead_letter(CRM, first).await.unwrap();
    acme.resume_consumer(CRM).await.unwrap();
    acme.rewind_consumer(CRM, Rewind::To(Position(1))).await.unwrap();
    acme.configure_consumer(CRM, ConsumerSettings::new()).await.unwrap();
    rest(&mut worker).await;
    assert_eq!(acme.head().await.unwrap(), head);
    assert_eq!(acme.feed(Position(0), 100).await.unwrap(), feed);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_shard_is_one_workers_until_its_lease_ends(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 3, ConsumerSettings::new().lease_seconds(30)).await;
    let (mut jane, mut joe) = (acme.consumer(CRM), world.elsewhere(&acme).consumer(CRM));
    let started = world.clock.now();
    let batch = jane.poll().await.unwrap().unwrap();
    assert_eq!((batch.token(), batch.shard()), (Token(1), 0));
    let shard = acme.consumer_state(CRM).await.unwrap().unwrap().shards.remove(0).shard;
    assert_eq!(shard.lease.map(|lease| lease.worker), Some(batch.worker()));
    world.clock.advance(TimeDelta::seconds(30) - TimeDelta::microseconds(1));
    assert!(joe.poll().await.unwrap().is_none());
    assert_eq!(joe.due(), Some(started + TimeDelta::seconds(30)));
    world.clock.advance(TimeDelta::microseconds(1));
    let again = joe.poll().await.unwrap().unwrap();
    assert_eq!((again.token(), again.events()), (Token(2), batch.events()));
    drop(batch);
    assert!(jane.poll().await.unwrap().is_none());
    again.ack().await.unwrap();
    assert!(joe.poll().await.unwrap().is_none());
    assert_eq!(joe.due(), None);
}

pub(crate) async fn whoever_lost_a_shard_is_not_listened_to(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 3, ConsumerSettings::new()).await;
    let minute = TimeDelta::minutes(1);
    let (mut jane, mut joe) = (acme.consumer(CRM), world.elsewhere(&acme).consumer(CRM));
    for way in 0..4 {
        let mut late = jane.poll().await.unwrap().unwrap();
        world.clock.advance(minute);
        let now = joe.poll().await.unwrap().unwrap();
        let first = late.events()[0].position;
        let refused = match way {
            0 => kind(late.ack().await),
            1 => kind(late.nack(first, "no").await),
            2 => kind(late.renew().await),
            _ => kind(late.release().await),
        };
        assert_eq!(refused, Some(ErrorKind::Conflict));
        assert_eq!(positions(&now), [1, 2, 3, 4, 5]);
        now.release().await.unwrap();
    }
    // Whoever is late and was not replaced is listened to.
    let late = jane.poll().await.unwrap().unwrap();
    world.clock.advance(minute);
    late.ack().await.unwrap();
    // A rewind takes it from whoever has it, and so does another number of shards.
    taken(acme.ingest(lead(9)).await);
    let late = jane.poll().await.unwrap().unwrap();
    acme.rewind_consumer(CRM, Rewind::To(Position(5))).await.unwrap();
    assert_eq!(kind(late.ack().await), Some(ErrorKind::Conflict));
    let late = joe.poll().await.unwrap().unwrap();
    acme.configure_consumer(CRM, ConsumerSettings::new().shards(2)).await.unwrap();
    assert_eq!(kind(late.ack().await), Some(ErrorKind::Conflict));
    assert_eq!(rest(&mut jane).await, [6]);
}

pub(crate) async fn a_lease_can_be_kept_and_given_back(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 3, ConsumerSettings::new()).await;
    let (mut jane, mut joe) = (acme.consumer(CRM).events_per_batch(2), world.elsewhere(&acme).consumer(CRM));
    let mut batch = jane.poll().await.unwrap().unwrap();
    for _ in 0..3 {
        world.clock.advance(TimeDelta::seconds(40));
        batch.renew().await.unwrap();
        assert!(joe.poll().await.unwrap().is_none());
    }
    batch.ack().await.unwrap();
    // Every acknowledgement begins the lease anew.
    for left in [vec![3, 4], vec![5]] {
        let batch = jane.poll().await.unwrap().unwrap();
        assert_eq!((positions(&batch), batch.token()), (left, Token(1)));
        world.clock.advance(TimeDelta::seconds(40));
        batch.ack().await.unwrap();
        world.clock.advance(TimeDelta::seconds(59));
        assert!(joe.poll().await.unwrap().is_none());
        assert_eq!(joe.due(), Some(world.clock.now() + TimeDelta::seconds(1)));
    }
    acme.rewind_consumer(CRM, Rewind::To(Position(2))).await.unwrap();
    let batch = jane.poll().await.unwrap().unwrap();
    assert!(joe.poll().await.unwrap().is_none());
    batch.release().await.unwrap();
    assert_eq!(rest(&mut joe).await, [3, 4, 5]);
}

pub(crate) async fn an_event_that_fails_is_tried_again_later_each_time(subject: &dyn Subject) {
    let world = World::of(subject);
    let retry = Retry { tries_max: 9, first_seconds: 10, longest_seconds: 60 };
    let acme = fed(&world, 3, ConsumerSettings::new().retry(retry)).await;
    let (mut jane, mut joe) = (acme.consumer(CRM), world.elsewhere(&acme).consumer(CRM));
    for (tries, wait) in (0..).zip([10, 20, 40, 60, 60]) {
        let worker = if tries % 2 == 0 { &mut jane } else { &mut joe };
        let batch = worker.poll().await.unwrap().unwrap();
        // All before it are handled, all after it wait for it.
        let expected: &[u64] = if tries == 0 { &[1, 2, 3, 4, 5] } else { &[3, 4, 5] };
        assert_eq!((positions(&batch).as_slice(), batch.is_again()), (expected, false));
        assert_eq!(batch.tries(), if tries == 0 { 0 } else { tries });
        let due = world.clock.now() + TimeDelta::seconds(wait);
        assert_eq!(batch.nack(Position(3), "the CRM is down").await.unwrap(), Verdict::Retry(due));
        let failing =
            acme.consumer_state(CRM).await.unwrap().unwrap().shards.remove(0).shard.failing.unwrap();
        assert_eq!((failing.tries, failing.reason.as_str()), (tries + 1, "the CRM is down"));
        assert!(!format!("{failing:?}").contains("down"), "a reason may say anything");
        world.clock.advance(TimeDelta::seconds(wait) - TimeDelta::microseconds(1));
        for worker in [&mut jane, &mut joe] {
            assert!(worker.poll().await.unwrap().is_none());
            assert_eq!(worker.due(), Some(due));
        }
        world.clock.advance(TimeDelta::microseconds(1));
    }
    assert_eq!(next(&mut joe).await, [3, 4, 5]);
    // What failed is forgotten once it is handled.
    acme.rewind_consumer(CRM, Rewind::To(Position(2))).await.unwrap();
    assert_eq!(joe.poll().await.unwrap().unwrap().tries(), 0);
    let refused = joe.poll().await.unwrap().unwrap().nack(Position(2), "no").await.unwrap_err();
    assert_eq!(codes(refused.reasons()), ["failed/none_of_it"]);
}

pub(crate) async fn an_event_that_fails_too_often_is_laid_aside(subject: &dyn Subject) {
    let world = World::of(subject);
    let retry = Retry { tries_max: 3, first_seconds: 1, longest_seconds: 1 };
    let acme = fed(&world, 3, ConsumerSettings::new().retry(retry)).await;
    let mut worker = acme.consumer(CRM);
    for tries in 1..=3 {
        let reason = format!("for the {tries}. time {}", "é".repeat(1_000));
        let batch = worker.poll().await.unwrap().unwrap();
        let verdict = batch.nack(Position(4), &reason).await.unwrap();
        assert_eq!(matches!(verdict, Verdict::Dead(_)), tries == 3);
        world.clock.advance(TimeDelta::seconds(1));
    }
    // The shard goes on.
    assert_eq!(rest(&mut worker).await, [5]);
    let letters = world.elsewhere(&acme).dead_letters(CRM).await.unwrap();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.position, letter.tries), (Position(4), 3));
    assert!(letter.reason.starts_with("for the 3. time é") && letter.reason.len() <= 1_000);
    assert_eq!(letter.at, world.clock.now() - TimeDelta::seconds(1));
    assert!(!format!("{letter:?}").contains("time"), "a reason may say anything");
    let state = acme.consumer_state(CRM).await.unwrap().unwrap();
    assert_eq!((state.dead_letters, state.lag), (1, 0));
}

pub(crate) async fn a_dead_letter_is_tried_again_or_thrown_away(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 3, ConsumerSettings::new().retry(Retry::times(1))).await;
    let mut worker = acme.consumer(CRM);
    for failed in 1..=3 {
        let batch = worker.poll().await.unwrap().unwrap();
        batch.nack(Position(failed), "no").await.unwrap();
    }
    acme.retry_dead_letter(CRM, Position(2)).await.unwrap();
    assert_eq!(acme.dead_letters(CRM).await.unwrap().len(), 2);
    let batch = worker.poll().await.unwrap().unwrap();
    assert_eq!((positions(&batch), batch.is_again(), batch.tries()), (vec![2], true, 1));
    assert_eq!(batch.events(), acme.feed(Position(1), 1).await.unwrap());
    drop(batch);
    // It may fail again, and is kept with the new reason.
    let batch = worker.poll().await.unwrap().unwrap();
    let Verdict::Dead(letter) = batch.nack(Position(2), "still not").await.unwrap() else {
        panic!("it waits")
    };
    assert_eq!((letter.tries, letter.reason.as_str()), (2, "still not"));
    acme.retry_dead_letter(CRM, Position(2)).await.unwrap();
    assert_eq!((next(&mut worker).await, next(&mut worker).await), (vec![2], vec![4, 5]));
    acme.discard_dead_letter(CRM, Position(3)).await.unwrap();
    let left: Vec<u64> =
        acme.dead_letters(CRM).await.unwrap().iter().map(|letter| letter.position.0).collect();
    assert_eq!(left, [1]);
    for position in [2, 3, 4] {
        let (again, away) = (
            acme.retry_dead_letter(CRM, Position(position)).await,
            acme.discard_dead_letter(CRM, Position(position)).await,
        );
        assert_eq!((kind(again), kind(away)), (Some(ErrorKind::NotFound), Some(ErrorKind::NotFound)));
    }
    // One of a shard that was given up is tried again all the same, also while another event waits.
    acme.configure_consumer(CRM, ConsumerSettings::new().shards(8)).await.unwrap();
    acme.configure_consumer(CRM, ConsumerSettings::new().shards(2)).await.unwrap();
    acme.retry_dead_letter(CRM, Position(1)).await.unwrap();
    assert_eq!(rest(&mut worker).await, [1]);
}

pub(crate) async fn without_room_for_a_dead_letter_nothing_is_dropped(subject: &dyn Subject) {
    let world = World::of(subject);
    let retry = Retry { tries_max: 1, first_seconds: 1, longest_seconds: 1 };
    let acme = fed(&world, 0, ConsumerSettings::new().retry(retry)).await;
    // As many as there may be, without a thousand failures.
    let record = fetch_record(&*world.store(), acme.id(), CONSUMER_KIND, "crm/0").await.unwrap().unwrap();
    let letter = serde_json::json!({"position": 0, "tries": 1, "reason": "no", "at": world.clock.now()});
    let body: Vec<_> = (0..DEAD_LETTERS_MAX)
        .map(|n| {
            let mut letter = letter.clone();
            letter["position"] = (1_000 + n).into();
            letter
        })
        .collect();
    let row = convio_core::record::Record {
        kind: DEAD_LETTERS_KIND.to_owned(),
        body: body.into(),
        version: convio_core::Version(1),
        ..record
    };
    let mut changes = convio_core::ChangeSet::new(acme.id(), world.clock.now(), Default::default());
    changes.records.push(convio_core::change_set::Write::Insert(row));
    world.store().commit(vec![changes]).await.remove(0).unwrap();

    let mut worker = acme.consumer(CRM);
    for _ in 0..3 {
        let batch = worker.poll().await.unwrap().unwrap();
        assert_eq!(positions(&batch), [1, 2]);
        assert!(matches!(batch.nack(Position(1), "no").await.unwrap(), Verdict::Retry(_)));
        world.clock.advance(TimeDelta::seconds(1));
    }
    // What is tried again keeps its place; what is thrown away makes room.
    acme.retry_dead_letter(CRM, Position(1_500)).await.unwrap();
    let batch = worker.poll().await.unwrap().unwrap();
    assert!(batch.is_again() && batch.events().is_empty(), "there is no such event");
    let refused = batch.nack(Position(1_500), "no").await.unwrap_err();
    assert_eq!(codes(refused.reasons()), ["failed/none_of_it"]);
    acme.discard_dead_letter(CRM, Position(1_000)).await.unwrap();
    let batch = worker.poll().await.unwrap().unwrap();
    batch.ack().await.unwrap();
    let batch = worker.poll().await.unwrap().unwrap();
    assert!(matches!(batch.nack(Position(1), "no").await.unwrap(), Verdict::Dead(_)));
    assert_eq!(rest(&mut worker).await, [2]);
}

pub(crate) async fn a_paused_consumer_hands_out_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 4, ConsumerSettings::new()).await;
    let mut worker = acme.consumer(CRM).events_per_batch(2);
    let other = world.elsewhere(&acme);
    let batch = worker.poll().await.unwrap().unwrap();
    other.pause_consumer(CRM).await.unwrap();
    other.pause_consumer(CRM).await.unwrap(); // said again it changes nothing
    // What is out may still be answered.
    batch.ack().await.unwrap();
    assert!(worker.poll().await.unwrap().is_none());
    assert!(other.consumer(CRM).poll().await.unwrap().is_none());
    // Another number of shards leaves it paused.
    acme.configure_consumer(CRM, ConsumerSettings::new().shards(3)).await.unwrap();
    assert!(worker.poll().await.unwrap().is_none());
    let state = acme.consumer_state(CRM).await.unwrap().unwrap();
    assert_eq!((state.paused, state.lag), (true, 4));
    other.resume_consumer(CRM).await.unwrap();
    let mut left = rest(&mut worker).await;
    left.sort_unstable();
    assert_eq!(left, [3, 4, 5, 6]);
    assert!(!acme.consumer_state(CRM).await.unwrap().unwrap().paused);
}

pub(crate) async fn a_rewound_consumer_begins_again_there(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 4, ConsumerSettings::new().shards(3)).await;
    let mut worker = acme.consumer(CRM);
    let mut all = rest(&mut worker).await;
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4, 5, 6]);
    for (to, expected) in [(0, vec![1, 2, 3, 4, 5, 6]), (4, vec![5, 6]), (6, vec![]), (5, vec![6])] {
        world.elsewhere(&acme).rewind_consumer(CRM, Rewind::To(Position(to))).await.unwrap();
        assert_eq!(acme.consumer_state(CRM).await.unwrap().unwrap().lag, expected.len() as u64);
        let mut again = rest(&mut worker).await;
        again.sort_unstable();
        assert_eq!(again, expected, "from {to}");
    }
    // What has failed is forgotten with it, and what is between is left out.
    acme.rewind_consumer(CRM, Rewind::To(Position(0))).await.unwrap();
    let batch = worker.poll().await.unwrap().unwrap();
    let first = batch.events()[0].position;
    batch.nack(first, "no").await.unwrap();
    acme.rewind_consumer(CRM, Rewind::To(Position(5))).await.unwrap();
    assert_eq!(rest(&mut worker).await, [6]);
    let refused = acme.rewind_consumer(CRM, Rewind::To(Position(7))).await.unwrap_err();
    assert_eq!(codes(refused.reasons()), ["position/not_there_yet"]);
}

pub(crate) async fn a_consumer_begins_again_at_a_time(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 0, ConsumerSettings::new()).await;
    let start = world.clock.now();
    for n in 0..20 {
        world.clock.advance(TimeDelta::hours(1));
        taken(acme.ingest(lead(n)).await);
    }
    let mut worker = acme.consumer(CRM);
    assert_eq!(rest(&mut worker).await.len(), 22);
    for (hours, first) in [(-1, 1), (0, 1), (1, 3), (7, 9), (20, 22)] {
        let at = start + TimeDelta::hours(hours);
        acme.rewind_consumer(CRM, Rewind::Since(at)).await.unwrap();
        let again = rest(&mut worker).await;
        assert_eq!(again, (first..=22).collect::<Vec<u64>>(), "{hours} hours after the start");
    }
    // Of two clocks one may be behind: what it says of later events is no reason to leave out any.
    let behind = world.clock.now() + TimeDelta::hours(1);
    world.clock.advance(TimeDelta::hours(1) + REWIND_MARGIN);
    taken(acme.ingest(lead(50)).await);
    world.clock.advance(-REWIND_MARGIN);
    taken(acme.ingest(lead(51)).await);
    acme.rewind_consumer(CRM, Rewind::Since(behind)).await.unwrap();
    assert_eq!(rest(&mut worker).await, [23, 24]);
    acme.rewind_consumer(CRM, Rewind::Since(behind + TimeDelta::hours(1))).await.unwrap();
    assert_eq!(rest(&mut worker).await, [0; 0]);
}

pub(crate) async fn shards_have_all_events_between_them(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 12, ConsumerSettings::new().shards(3)).await;
    for n in 0..12 {
        taken(acme.ingest(lead(n)).await);
    }
    rejected(acme.ingest(RawLead::json("{}")).await);
    let feed = acme.feed(Position(0), 100).await.unwrap();
    let mut worker = acme.consumer(CRM).events_per_batch(2);
    let mut seen: BTreeMap<u16, Vec<Event>> = BTreeMap::new();
    let mut turns = Vec::new();
    while let Some(batch) = worker.poll().await.unwrap() {
        assert!(batch.events().len() <= 2);
        turns.push(batch.shard());
        seen.entry(batch.shard()).or_default().extend(batch.events().iter().cloned());
        batch.ack().await.unwrap();
    }
    for (shard, events) in &seen {
        let own: Vec<_> = feed.iter().filter(|event| shard_of(event, 3) == *shard).cloned().collect();
        assert_eq!(events, &own);
    }
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), feed.len());
    assert_eq!(seen.len(), 3);
    // Each has its turn.
    let first: BTreeSet<u16> = turns[..3].iter().copied().collect();
    assert_eq!(first.len(), 3, "{turns:?}");
    assert_eq!(acme.consumer_state(CRM).await.unwrap().unwrap().lag, 0);
    // The events of one contact are one shard's.
    let mut homes: BTreeMap<_, BTreeSet<u16>> = BTreeMap::new();
    for event in &feed {
        if let Some(contact) = event.contact_id() {
            homes.entry(contact).or_default().insert(shard_of(event, 3));
        }
    }
    assert!(homes.values().all(|homes| homes.len() == 1));
}

pub(crate) async fn another_number_of_shards_leaves_out_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 10, ConsumerSettings::new().shards(4)).await;
    let mut worker = acme.consumer(CRM).events_per_batch(1);
    let mut seen: BTreeSet<u64> = BTreeSet::new();
    for shards in [2, 5, 1, 3] {
        for _ in 0..3 {
            seen.extend(next(&mut worker).await);
        }
        world.elsewhere(&acme).configure_consumer(CRM, ConsumerSettings::new().shards(shards)).await.unwrap();
        let state = acme.consumer_state(CRM).await.unwrap().unwrap();
        assert_eq!((state.settings.shards, state.shards.len()), (shards, usize::from(shards)));
    }
    seen.extend(rest(&mut worker).await);
    assert_eq!(seen, (1..=12).collect());
    assert_eq!(acme.consumer_state(CRM).await.unwrap().unwrap().lag, 0);
}

pub(crate) async fn wrong_names_settings_and_positions_are_all_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let good = ConsumerSettings::new;
    for name in ["", "Crm", "a/b", "a b", "é", &"x".repeat(101)] {
        let refused = acme.create_consumer(name, good(), Position(0)).await.unwrap_err();
        assert_eq!(codes(refused.reasons()), ["name/invalid"], "{name}");
        assert_eq!(kind(acme.consumer(name).poll().await.map(drop)), Some(ErrorKind::Invalid));
    }
    let retry = Retry { tries_max: 0, first_seconds: 86_401, longest_seconds: 3 };
    let bad = good().shards(65).lease_seconds(0).retry(retry);
    let wrong = [
        "shards/out_of_range",
        "lease_seconds/out_of_range",
        "retry.tries_max/out_of_range",
        "retry.first_seconds/out_of_range",
        "retry.longest_seconds/out_of_range",
    ];
    let refused = acme.create_consumer("x", bad.clone(), Position(0)).await.unwrap_err();
    assert_eq!(codes(refused.reasons()), wrong);
    let refused = acme.create_consumer("x", good(), Position(3)).await.unwrap_err();
    assert_eq!(codes(refused.reasons()), ["position/not_there_yet"]);
    assert_eq!(acme.consumers().await.unwrap(), [""; 0]);

    acme.create_consumer(CRM, good(), Position(0)).await.unwrap();
    let refused = acme.configure_consumer(CRM, bad).await.unwrap_err();
    assert_eq!(codes(refused.reasons()), wrong);
    let taken = world.elsewhere(&acme).create_consumer(CRM, good(), Position(0)).await.unwrap_err();
    assert_eq!((taken.kind(), codes(taken.reasons())), (ErrorKind::Conflict, vec!["name/taken".to_owned()]));
    for answer in [
        acme.configure_consumer("none", good()).await,
        acme.pause_consumer("none").await,
        acme.resume_consumer("none").await,
        acme.rewind_consumer("none", Rewind::To(Position(0))).await,
        acme.retry_dead_letter("none", Position(1)).await,
        acme.discard_dead_letter("none", Position(1)).await,
        acme.consumer("none").poll().await.map(drop),
    ] {
        assert_eq!(kind(answer), Some(ErrorKind::NotFound));
    }
    assert_eq!(acme.consumer_state("none").await.unwrap(), None);
    let nobodys = world.convio().workspace(convio_core::WorkspaceId::from_uuid(uuid::Uuid::from_u128(7)));
    assert_eq!(kind(nobodys.create_consumer(CRM, good(), Position(0)).await), Some(ErrorKind::NotFound));
}

pub(crate) async fn consumers_belong_to_their_workspace_and_have_a_bound(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 1, ConsumerSettings::new()).await;
    let other = fed(&world, 2, ConsumerSettings::new()).await;
    let mut theirs = other.consumer(CRM);
    let batch = theirs.poll().await.unwrap().unwrap();
    let refused = batch.ack_within(&acme).await.unwrap_err();
    assert_eq!(codes(refused.reasons()), ["inside/other_workspace"]);
    assert_eq!(rest(&mut acme.consumer(CRM)).await, [1, 2, 3]);
    assert_eq!(rest(&mut theirs).await, [1, 2, 3, 4]);
    for n in 1..CONSUMERS_MAX {
        acme.create_consumer(&format!("c{n:03}"), ConsumerSettings::new(), Position(0)).await.unwrap();
    }
    let refused = acme.create_consumer("one-more", ConsumerSettings::new(), Position(0)).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.to_string().as_str()),
        (ErrorKind::Conflict, "a workspace has at most 100 consumers")
    );
    let names = acme.consumers().await.unwrap();
    assert_eq!((names.len(), names[0].as_str(), names[99].as_str()), (CONSUMERS_MAX, "c001", CRM));
    assert_eq!(other.consumers().await.unwrap(), [CRM]);
}

pub(crate) async fn a_removed_consumer_is_listened_to_no_more(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 6, ConsumerSettings::new().shards(2)).await;
    let head = acme.head().await.unwrap();
    let (mut jane, mut joe) = (acme.consumer(CRM).events_per_batch(2), world.elsewhere(&acme).consumer(CRM));
    let late = jane.poll().await.unwrap().unwrap();
    let later = joe.poll().await.unwrap().unwrap();
    let tokens = BTreeMap::from([(late.shard(), late.token()), (later.shard(), later.token())]);
    assert_eq!(tokens.len(), 2);
    world.elsewhere(&acme).remove_consumer(CRM).await.unwrap();
    assert_eq!(kind(later.ack().await), Some(ErrorKind::Conflict));
    assert_eq!(acme.consumers().await.unwrap(), [""; 0]);
    assert_eq!(acme.consumer_state(CRM).await.unwrap(), None);
    for answer in [
        acme.remove_consumer(CRM).await,
        acme.remove_consumer_with_dead_letters(CRM).await,
        acme.configure_consumer(CRM, ConsumerSettings::new()).await,
        acme.pause_consumer(CRM).await,
        acme.resume_consumer(CRM).await,
        acme.rewind_consumer(CRM, Rewind::To(Position(0))).await,
        acme.retry_dead_letter(CRM, Position(1)).await,
        joe.poll().await.map(drop),
    ] {
        assert_eq!(kind(answer), Some(ErrorKind::NotFound));
    }
    // Another one of the name has nothing of it, and still refuses whoever had a lease of it.
    let first = late.events()[0].position;
    acme.create_consumer(CRM, ConsumerSettings::new().shards(3), Position(4)).await.unwrap();
    let state = acme.consumer_state(CRM).await.unwrap().unwrap();
    assert_eq!((state.lag, state.paused, state.shards.len()), (4, false, 3));
    let mut handled = Vec::new();
    for _ in 0..3 {
        let Some(batch) = joe.poll().await.unwrap() else { break };
        let before = tokens.get(&batch.shard()).copied().unwrap_or(Token(0));
        assert!(batch.token() > before, "its number was given out before");
        handled.extend(positions(&batch));
        batch.ack().await.unwrap();
    }
    handled.extend(rest(&mut joe).await);
    handled.sort_unstable();
    assert_eq!(handled, [5, 6, 7, 8]);
    assert_eq!(kind(late.nack(first, "no").await), Some(ErrorKind::Conflict));
    let state = acme.consumer_state(CRM).await.unwrap().unwrap();
    assert_eq!((state.lag, state.dead_letters), (0, 0));
    assert!(state.shards.iter().all(|it| it.shard.failing.is_none() && it.shard.cursor >= Position(4)));
    // It is no change of the workspace.
    assert_eq!(acme.head().await.unwrap(), head);
    // Names come and go within the bound.
    for n in 0..2 * CONSUMERS_MAX {
        let name = format!("c{}", n % 3);
        acme.create_consumer(&name, ConsumerSettings::new(), Position(0)).await.unwrap();
        acme.remove_consumer(&name).await.unwrap();
    }
    assert_eq!(acme.consumers().await.unwrap(), [CRM]);
    in_order(&world, &acme).await;
}

pub(crate) async fn dead_letters_keep_a_consumer_from_being_removed(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 3, ConsumerSettings::new().retry(Retry::times(1))).await;
    let mut worker = acme.consumer(CRM);
    for failed in 1..=2 {
        worker.poll().await.unwrap().unwrap().nack(Position(failed), "theirs").await.unwrap();
    }
    // One that is tried again is one still.
    acme.retry_dead_letter(CRM, Position(1)).await.unwrap();
    acme.discard_dead_letter(CRM, Position(2)).await.unwrap();
    let before = acme.consumer_state(CRM).await.unwrap();
    let refused = acme.remove_consumer(CRM).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.to_string().as_str()),
        (ErrorKind::Conflict, "consumer `crm` has dead letters: 1")
    );
    assert_eq!(acme.consumer_state(CRM).await.unwrap(), before);
    worker.poll().await.unwrap().unwrap().nack(Position(1), "theirs").await.unwrap();
    assert_eq!(kind(acme.remove_consumer(CRM).await), Some(ErrorKind::Conflict));
    acme.remove_consumer_with_dead_letters(CRM).await.unwrap();
    assert_eq!(acme.dead_letters(CRM).await.unwrap(), []);
    acme.create_consumer(CRM, ConsumerSettings::new(), Position(3)).await.unwrap();
    assert_eq!(acme.consumer_state(CRM).await.unwrap().unwrap().dead_letters, 0);
    assert_eq!(rest(&mut worker).await, [4, 5]);
    // Without any it goes.
    acme.remove_consumer(CRM).await.unwrap();
}

/// Some remove it and make it again, while others work: whatever they acknowledge is of the consumer that there is.
pub(crate) async fn no_acknowledgement_outlives_its_consumer(subject: &dyn Subject) {
    let world = World::of(subject);
    let retry = Retry { tries_max: 1, first_seconds: 0, longest_seconds: 1 };
    let settings = || ConsumerSettings::new().shards(2).retry(retry.clone());
    let acme = fed(&world, 10, settings()).await;
    let last = acme.head().await.unwrap().unwrap().feed;
    let ended = AtomicUsize::new(0);
    at_once(&world, &acme, 4, |handle, n| {
        if n == 0 {
            for _ in 0..10 {
                // Dead letters that are laid aside meanwhile are seen, or else thrown away by nobody but this.
                match block_on(handle.remove_consumer(CRM)) {
                    Err(error) if error.kind() == ErrorKind::Conflict => {
                        block_on(handle.remove_consumer_with_dead_letters(CRM)).unwrap();
                    }
                    answer => answer.unwrap(),
                }
                assert_eq!(block_on(handle.dead_letters(CRM)).unwrap(), []);
                block_on(handle.create_consumer(CRM, settings(), last)).unwrap();
                let state = block_on(handle.consumer_state(CRM)).unwrap().unwrap();
                let stand = state.shards.iter().map(|it| it.shard.cursor).collect::<Vec<_>>();
                assert_eq!((state.lag, state.dead_letters, stand), (0, 0, vec![last; 2]));
                block_on(handle.rewind_consumer(CRM, Rewind::To(Position(0)))).unwrap();
            }
            ended.store(1, Ordering::SeqCst);
            return;
        }
        let mut worker = handle.consumer(CRM).events_per_batch(1);
        while ended.load(Ordering::SeqCst) == 0 {
            world.goes_on();
            let answer = match block_on(worker.poll()) {
                Ok(None) => Ok(()),
                Ok(Some(batch)) if n == 1 => {
                    let first = batch.events()[0].position;
                    block_on(batch.nack(first, "no")).map(drop)
                }
                Ok(Some(batch)) => block_on(batch.ack()),
                Err(error) => Err(error),
            };
            let told = kind(answer);
            assert!(matches!(told, None | Some(ErrorKind::Conflict | ErrorKind::NotFound)), "{told:?}");
        }
    });
    in_order(&world, &acme).await;
}

pub(crate) async fn an_api_key_needs_the_right_to_administrate(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 1, ConsumerSettings::new()).await;
    let key = |permission| {
        let (acme, world) = (acme.clone(), &world);
        async move {
            let made = acme.create_api_key(NewApiKey::named("one").may([permission])).await.unwrap();
            (made.key.id, world.convio().authenticate(made.token.expose()).await.unwrap())
        }
    };
    let (_, reader) = key(Permission::Read).await;
    let mut worker = reader.consumer(CRM);
    assert_eq!(kind(worker.poll().await.map(drop)), Some(ErrorKind::Denied));
    assert_eq!(kind(worker.wait().await), Some(ErrorKind::Denied));
    let (id, admin) = key(Permission::Admin).await;
    let mut worker = admin.consumer(CRM).events_per_batch(2);
    assert_eq!(next(&mut worker).await, [1, 2]);
    let batch = worker.poll().await.unwrap().unwrap();
    acme.revoke_api_key(id).await.unwrap();
    assert_eq!(kind(batch.ack().await), Some(ErrorKind::Denied));
    assert_eq!(kind(worker.poll().await.map(drop)), Some(ErrorKind::Denied));
}

pub(crate) async fn what_is_far_behind_the_events_of_others_is_found(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 20, ConsumerSettings::new().shards(2)).await;
    // Two workers have a shard each.
    let (mut busy, mut rare) = (acme.consumer(CRM), acme.consumer(CRM).events_per_batch(1));
    let batch = busy.poll().await.unwrap().unwrap();
    let shard = shard_of(&batch.events()[0], 2);
    batch.ack().await.unwrap();
    while let Some(batch) = rare.poll().await.unwrap() {
        batch.ack().await.unwrap();
    }
    let feed = acme.feed(Position(2), 100).await.unwrap();
    let lead_of = |is_busy| feed.iter().position(|it| (shard_of(it, 2) == shard) == is_busy).unwrap() as u32;
    let (often, seldom) = (lead_of(true), lead_of(false));
    for _ in 0..3 {
        let rows = (0..700).map(|_| lead(often)).collect();
        acme.ingest_batch(rows, Atomicity::AllOrNothing).await.unwrap();
    }
    taken(acme.ingest(lead(seldom)).await);
    let last = acme.head().await.unwrap().unwrap().feed;
    let batch = rare.poll().await.unwrap().expect("there is one");
    assert_eq!(batch.events().iter().map(|event| event.position).collect::<Vec<_>>(), [last]);
    batch.ack().await.unwrap();
    assert!(rare.poll().await.unwrap().is_none());
    while let Some(batch) = busy.poll().await.unwrap() {
        batch.ack().await.unwrap();
    }
    assert_eq!(acme.consumer_state(CRM).await.unwrap().unwrap().lag, 0);
}

pub(crate) async fn no_two_workers_have_one_contact_at_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = fed(&world, 8, ConsumerSettings::new().shards(3)).await;
    for round in 0..3 {
        for n in 0..8 {
            if (n + round) % 3 != 0 {
                taken(acme.ingest(lead(n)).await);
            }
        }
    }
    let last = acme.head().await.unwrap().unwrap().feed.0;
    // Who is at which contact, and what was handled of it.
    let (held, handled) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeMap::<_, Vec<u64>>::new()));
    let left = AtomicUsize::new(last as usize);
    at_once(&world, &acme, 4, |handle, _| {
        let mut worker = handle.consumer(CRM).events_per_batch(2);
        while left.load(Ordering::SeqCst) > 0 {
            world.goes_on();
            let Some(batch) = block_on(worker.poll()).unwrap() else { continue };
            let contacts: BTreeSet<_> = batch.events().iter().filter_map(Event::contact_id).collect();
            for contact in &contacts {
                assert!(held.lock().unwrap().insert(*contact), "two workers have one contact");
            }
            std::thread::yield_now();
            for event in batch.events() {
                handled.lock().unwrap().entry(event.contact_id()).or_default().push(event.position.0);
            }
            held.lock().unwrap().retain(|contact| !contacts.contains(contact));
            let n = batch.events().len();
            block_on(batch.ack()).unwrap();
            left.fetch_sub(n, Ordering::SeqCst);
        }
    });
    let handled = handled.into_inner().unwrap();
    assert_eq!(handled.values().map(Vec::len).sum::<usize>() as u64, last, "once each: nobody was late");
    assert!(handled.iter().filter(|(contact, _)| contact.is_some()).all(|(_, seen)| seen.is_sorted()));
    in_order(&world, &acme).await;
}

/// Workers are dropped at any point, their leases end, events fail, and others write meanwhile.
pub(crate) async fn workers_that_die_leave_nothing_unhandled(subject: &dyn Subject) {
    let world = World::of(subject);
    let retry = Retry { tries_max: 100, first_seconds: 0, longest_seconds: 1 };
    let acme = fed(&world, 4, ConsumerSettings::new().shards(3).lease_seconds(10).retry(retry)).await;
    let mut dice = Dice::of_this_run();
    let handled = Mutex::new(BTreeMap::<_, Vec<u64>>::new());
    let seeds: Vec<Mutex<Dice>> = (0..4).map(|_| Mutex::new(dice.fork())).collect();
    let writing = AtomicUsize::new(1);
    at_once(&world, &acme, 4, |handle, n| {
        let mut dice = seeds[n].lock().unwrap();
        if n == 0 {
            for row in 0..40 {
                taken(block_on(handle.ingest(lead(row % 7))));
            }
            writing.store(0, Ordering::SeqCst);
            return;
        }
        let mut worker = handle.consumer(CRM).events_per_batch(3);
        let mut idle = 0;
        // Idle for long enough to be sure that no lease was left: each look takes it closer to its end.
        while idle < 20 {
            world.goes_on();
            if dice.chance(20) {
                worker = handle.consumer(CRM).events_per_batch(3); // the one before is dead
            }
            let was_written = writing.load(Ordering::SeqCst) == 0;
            let Some(batch) = block_on(worker.poll()).unwrap() else {
                world.clock.advance(TimeDelta::seconds(1));
                idle = if was_written { idle + 1 } else { 0 };
                continue;
            };
            idle = 0;
            let done = dice.index(batch.events().len() + 1);
            for event in &batch.events()[..done] {
                handled.lock().unwrap().entry(event.contact_id()).or_default().push(event.position.0);
            }
            let failed = batch.events().get(done).map(|event| event.position);
            let answer = match (failed, dice.index(3)) {
                (_, 0) => {
                    drop(batch);
                    Ok(())
                }
                (None, _) => block_on(batch.ack()),
                (Some(failed), _) => block_on(batch.nack(failed, "bad luck")).map(drop),
            };
            // Another one may have it by now: the clock of all goes fast here.
            assert!(matches!(kind(answer), None | Some(ErrorKind::Conflict)));
        }
    });
    let handled = handled.into_inner().unwrap();
    let seen: BTreeSet<u64> = handled.values().flatten().copied().collect();
    let last = acme.head().await.unwrap().unwrap().feed.0;
    assert_eq!(seen, (1..=last).collect());
    assert_eq!(acme.consumer_state(CRM).await.unwrap().unwrap().lag, 0);
    assert_eq!(acme.dead_letters(CRM).await.unwrap(), []);
    in_order(&world, &acme).await;
}
