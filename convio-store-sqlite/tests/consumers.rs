//! A handler's rows and its acknowledgement in one transaction: each event has its effect once, whatever happens to its workers.
//!
//! The processes that are killed are this binary again, started for its ignored test `second_process`.

use chrono::TimeDelta;
use convio_conformance::dice::Dice;
use convio_conformance::killed::{
    APART, JOINED, LEADS, Life, check_at_least_once, check_once, clock_of, kill_at_random_points, set_up,
};
use convio_conformance::process::order;
use convio_conformance::{ManualClock, lead, taken};
use convio_core::consumer::ConsumerSettings;
use convio_core::service::{Consumer, RandomIds};
use convio_core::{Convio, ErrorKind, Event, NewWorkspace, Position, SequentialIds, WorkspaceHandle};
use convio_store_sqlite::{SqliteStore, run};
use pollster::block_on;
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;

#[test]
fn effects_that_are_committed_with_the_acknowledgement_happen_once() {
    let mut world = World::new(30);
    let mut dice = Dice::of_this_run();
    let mut worker = world.acme.consumer(CRM).events_per_batch(4);
    let mut idle = 0;
    while idle < 3 {
        let Some(batch) = block_on(worker.poll()).unwrap() else {
            world.clock.advance(TimeDelta::minutes(1));
            idle += 1;
            continue;
        };
        idle = 0;
        let tx = world.db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        for event in batch.events() {
            // Twice the same is refused by the table.
            tx.execute("INSERT INTO effect (position) VALUES (?1)", [event.position.0 as i64]).unwrap();
        }
        if dice.chance(20) {
            continue; // killed before it said so: both are gone
        }
        run(&tx, async |store| batch.ack_within(&world.acme.within(store)).await).unwrap();
        if dice.chance(30) {
            continue; // killed before the commit: both are gone
        }
        tx.commit().unwrap();
        if dice.chance(30) {
            worker = world.acme.consumer(CRM).events_per_batch(4); // killed after it
        }
    }
    assert_eq!(world.effects(), (1..=32).collect::<Vec<i64>>());
    assert_eq!(block_on(world.acme.consumer_state(CRM)).unwrap().unwrap().lag, 0);
}

#[test]
fn whoever_lost_the_shard_rolls_its_effects_back() {
    let mut world = World::new(3);
    let acme = world.acme.clone();
    let (mut jane, mut joe) = (acme.consumer(CRM), acme.consumer(CRM));
    let late = block_on(jane.poll()).unwrap().unwrap();
    world.clock.advance(TimeDelta::minutes(1));
    let now = block_on(joe.poll()).unwrap().unwrap();
    assert_eq!(now.events(), late.events());
    for (batch, is_late) in [(now, false), (late, true)] {
        let tx = world.db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        for event in batch.events() {
            tx.execute("INSERT OR IGNORE INTO effect (position) VALUES (?1)", [event.position.0 as i64])
                .unwrap();
        }
        tx.execute("INSERT INTO effect (position) VALUES (?1)", [if is_late { 99 } else { 77 }]).unwrap();
        let answer = run(&tx, async |store| batch.ack_within(&acme.within(store)).await);
        match answer {
            Ok(()) => tx.commit().unwrap(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Conflict);
                tx.rollback().unwrap();
            }
        }
    }
    assert_eq!(world.effects(), [1, 2, 3, 4, 5, 77]);
}

#[test]
fn an_acknowledgement_that_is_rolled_back_was_never_given() {
    let mut world = World::new(3);
    let acme = world.acme.clone();
    let mut worker = acme.consumer(CRM);
    for _ in 0..2 {
        let batch = block_on(worker.poll()).unwrap().unwrap();
        assert_eq!(batch.events().len(), 5);
        let tx = world.db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        run(&tx, async |store| batch.ack_within(&acme.within(store)).await).unwrap();
        tx.rollback().unwrap();
    }
    let batch = block_on(worker.poll()).unwrap().unwrap();
    let tx = world.db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let failed = Position(4);
    run(&tx, async |store| batch.nack_within(&acme.within(store), failed, "no").await).unwrap();
    tx.commit().unwrap();
    let shard = block_on(acme.consumer_state(CRM)).unwrap().unwrap().shards.remove(0).shard;
    assert_eq!((shard.cursor, shard.failing.map(|failing| failing.position)), (Position(3), Some(failed)));
}

#[test]
#[expect(clippy::print_stdout, reason = "who was killed, and with what, is worth reading")]
fn workers_that_are_killed_have_joined_effects_once_and_others_at_least_once() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("leads.db");
    let convio = Convio::with(SqliteStore::open(&path).unwrap(), clock_of(0), RandomIds::default());
    let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
    block_on(set_up(&acme, LEADS));
    let db = Connection::open(&path).unwrap();
    for table in [JOINED, APART] {
        // Nothing in the table keeps an effect from being there twice.
        let make = format!("CREATE TABLE {table} (n INTEGER PRIMARY KEY, position INTEGER NOT NULL)");
        db.execute_batch(&make).unwrap();
    }
    let kills = kill_at_random_points(&[&path.display().to_string(), &acme.id().to_string()]);
    kills.check();
    block_on(check_once(&acme, &positions(&db, JOINED)));
    let again = block_on(check_at_least_once(&acme, &positions(&db, APART)));
    println!("{kills:?}, {again} effects that were not joined happened again");
    assert!(again > 0);
    for name in [JOINED, APART] {
        assert_eq!(block_on(acme.consumer_state(name)).unwrap().unwrap().lag, 0);
    }
}

/// The process that is killed.
#[test]
#[ignore = "the test of this file starts it"]
fn second_process() {
    let Some(order) = order() else { return };
    let [path, workspace, number, points] = order.as_slice() else { panic!("an order is four words") };
    let mut life = Life::of(number, points);
    let convio = Convio::with(SqliteStore::open(path).unwrap(), life.clock(), RandomIds::default());
    let acme = convio.workspace(workspace.parse().unwrap());
    let mut db = Connection::open(path).unwrap();
    let (mut joined, mut apart) = (life.worker(&acme, JOINED), life.worker(&acme, APART));
    loop {
        let was_joined = work_joined(&mut life, &acme, &mut joined, &mut db);
        let was_apart = work_apart(&mut life, &mut apart, &mut db);
        if !was_joined && !was_apart {
            assert!(life.is_last(), "nothing was found");
            return;
        }
    }
}

/// A batch, its effects committed with the acknowledgement. `false` when there was none.
fn work_joined(
    life: &mut Life,
    acme: &WorkspaceHandle<'_>,
    worker: &mut Consumer<'_>,
    db: &mut Connection,
) -> bool {
    let Some(batch) = block_on(worker.poll()).unwrap() else { return false };
    let events = batch.events().to_vec();
    life.comes_to(JOINED, "polled", &events);
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    write(&tx, JOINED, &events);
    life.comes_to(JOINED, "written", &events);
    run(&tx, async |store| batch.ack_within(&acme.within(store)).await).unwrap();
    life.comes_to(JOINED, "acknowledged", &events);
    tx.commit().unwrap();
    life.comes_to(JOINED, "done", &events);
    true
}

/// A batch, its effects committed before the acknowledgement.
fn work_apart(life: &mut Life, worker: &mut Consumer<'_>, db: &mut Connection) -> bool {
    let Some(batch) = block_on(worker.poll()).unwrap() else { return false };
    let events = batch.events().to_vec();
    life.comes_to(APART, "polled", &events);
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    write(&tx, APART, &events);
    tx.commit().unwrap();
    life.comes_to(APART, "written", &events);
    block_on(batch.ack()).unwrap();
    life.comes_to(APART, "done", &events);
    true
}

fn write(db: &Connection, table: &str, events: &[Event]) {
    let sql = format!("INSERT INTO {table} (position) VALUES (?1)");
    for event in events {
        db.execute(&sql, [event.position.0 as i64]).unwrap();
    }
}

/// Of the effects, in the order in which they were written.
fn positions(db: &Connection, table: &str) -> Vec<i64> {
    let mut all = db.prepare(&format!("SELECT position FROM {table} ORDER BY n")).unwrap();
    all.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

struct World {
    clock: ManualClock,
    acme: WorkspaceHandle<'static>,
    db: Connection,
    _folder: TempDir,
}

impl World {
    fn new(leads: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("leads.db");
        let clock = ManualClock::at(1_803_913_200_000_000);
        let store = SqliteStore::open(&path).unwrap();
        let convio = Convio::with(store, clock.clone(), SequentialIds::seeded(1));
        let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
        for n in 0..leads {
            taken(block_on(acme.ingest(lead(n))));
        }
        block_on(acme.create_consumer(CRM, ConsumerSettings::new(), Position(0))).unwrap();
        let db = Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE effect (position INTEGER PRIMARY KEY)").unwrap();
        Self { clock, acme, db, _folder: folder }
    }

    fn effects(&self) -> Vec<i64> {
        let mut all = self.db.prepare("SELECT position FROM effect ORDER BY position").unwrap();
        all.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

const CRM: &str = "crm";
