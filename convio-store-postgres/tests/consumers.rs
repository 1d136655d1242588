//! A handler's rows and its acknowledgement in one transaction: each event has its effect once, whatever happens to its workers.

mod support;

use chrono::TimeDelta;
use convio_conformance::dice::Dice;
use convio_conformance::{ManualClock, Shared, lead, taken};
use convio_core::consumer::ConsumerSettings;
use convio_core::{Convio, ErrorKind, NewWorkspace, Position, SequentialIds, WorkspaceHandle};
use convio_store_postgres::PgStore;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use support::{Place, connect, run};

#[test]
fn effects_that_are_committed_with_the_acknowledgement_happen_once() {
    run(async {
        let world = World::make(30).await;
        let mut dice = Dice::of_this_run();
        let mut conn = connect().await;
        let mut worker = world.acme.consumer(CRM).events_per_batch(4);
        let mut idle = 0;
        while idle < 3 {
            let Some(batch) = worker.poll().await.unwrap() else {
                world.clock.advance(TimeDelta::minutes(1));
                idle += 1;
                continue;
            };
            idle = 0;
            let mut tx = conn.begin().await.unwrap();
            for event in batch.events() {
                // Twice the same is refused by the table.
                world.effect(&mut tx, event.position, "").await;
            }
            if dice.chance(20) {
                tx.rollback().await.unwrap();
                continue; // killed before it said so: both are gone
            }
            batch.ack_within(&world.acme.within(world.store.within(&mut tx))).await.unwrap();
            if dice.chance(30) {
                tx.rollback().await.unwrap();
                continue; // killed before the commit: both are gone
            }
            tx.commit().await.unwrap();
            if dice.chance(30) {
                worker = world.acme.consumer(CRM).events_per_batch(4); // killed after it
            }
        }
        assert_eq!(world.effects().await, (1..=32).collect::<Vec<i64>>());
        assert_eq!(world.acme.consumer_state(CRM).await.unwrap().unwrap().lag, 0);
    });
}

#[test]
fn whoever_lost_the_shard_rolls_its_effects_back() {
    run(async {
        let world = World::make(3).await;
        let (mut jane, mut joe) = (world.acme.consumer(CRM), world.acme.consumer(CRM));
        let late = jane.poll().await.unwrap().unwrap();
        world.clock.advance(TimeDelta::minutes(1));
        let now = joe.poll().await.unwrap().unwrap();
        assert_eq!(now.events(), late.events());
        let mut conn = connect().await;
        for (batch, is_late) in [(now, false), (late, true)] {
            let mut tx = conn.begin().await.unwrap();
            for event in batch.events() {
                world.effect(&mut tx, event.position, "ON CONFLICT DO NOTHING").await;
            }
            world.effect(&mut tx, Position(if is_late { 99 } else { 77 }), "").await;
            let answer = batch.ack_within(&world.acme.within(world.store.within(&mut tx))).await;
            match answer {
                Ok(()) => tx.commit().await.unwrap(),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Conflict);
                    // It is an answer: the transaction could go on. Its effects are someone else's by now.
                    tx.rollback().await.unwrap();
                }
            }
        }
        assert_eq!(world.effects().await, [1, 2, 3, 4, 5, 77]);
    });
}

#[test]
fn an_acknowledgement_that_is_rolled_back_was_never_given() {
    run(async {
        let world = World::make(3).await;
        let mut worker = world.acme.consumer(CRM);
        let mut conn = connect().await;
        for _ in 0..2 {
            let batch = worker.poll().await.unwrap().unwrap();
            assert_eq!(batch.events().len(), 5);
            let mut tx = conn.begin().await.unwrap();
            batch.ack_within(&world.acme.within(world.store.within(&mut tx))).await.unwrap();
            tx.rollback().await.unwrap();
        }
        let batch = worker.poll().await.unwrap().unwrap();
        let mut tx = conn.begin().await.unwrap();
        let failed = Position(4);
        let inside = world.acme.within(world.store.within(&mut tx));
        batch.nack_within(&inside, failed, "no").await.unwrap();
        drop(inside);
        tx.commit().await.unwrap();
        let shard = world.acme.consumer_state(CRM).await.unwrap().unwrap().shards.remove(0).shard;
        let failing = shard.failing.map(|failing| failing.position);
        assert_eq!((shard.cursor, failing), (Position(3), Some(failed)));
    });
}

struct World {
    clock: ManualClock,
    store: PgStore,
    acme: WorkspaceHandle<'static>,
    place: Place,
}

impl World {
    async fn make(leads: u32) -> Self {
        let place = Place::make().await;
        let clock = ManualClock::at(1_803_913_200_000_000);
        let store = place.store();
        let shared = Shared(std::sync::Arc::new(store.clone()));
        let convio = Convio::with(shared, clock.clone(), SequentialIds::seeded(1));
        let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        for n in 0..leads {
            taken(acme.ingest(lead(n)).await);
        }
        acme.create_consumer(CRM, ConsumerSettings::new(), Position(0)).await.unwrap();
        place.execute("CREATE TABLE {s}.effect (position bigint PRIMARY KEY)").await;
        Self { clock, store, acme, place }
    }

    async fn effect(&self, tx: &mut PgConnection, position: Position, or: &str) {
        let sql = format!("INSERT INTO {}.effect VALUES ({}) {or}", self.place.schema, position.0);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx).await.unwrap();
    }

    async fn effects(&self) -> Vec<i64> {
        self.place.column("SELECT position FROM {s}.effect ORDER BY position").await
    }
}

const CRM: &str = "crm";
