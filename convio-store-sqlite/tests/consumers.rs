//! A handler's rows and its acknowledgement in one transaction: each event has its effect once, whatever happens to its workers.

use chrono::TimeDelta;
use convio_conformance::dice::Dice;
use convio_conformance::{ManualClock, lead, taken};
use convio_core::consumer::ConsumerSettings;
use convio_core::{Convio, ErrorKind, NewWorkspace, Position, SequentialIds, WorkspaceHandle};
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
