//! A handler's rows and its acknowledgement in one transaction: each event has its effect once, whatever happens to its workers.
//!
//! The processes that are killed are this binary again, started for its ignored test `second_process`.

mod support;

use chrono::TimeDelta;
use convio_conformance::dice::Dice;
use convio_conformance::killed::{
    APART, JOINED, LEADS, Life, check_at_least_once, check_once, clock_of, kill_at_random_points, set_up,
};
use convio_conformance::process::order;
use convio_conformance::{ManualClock, Shared, lead, taken};
use convio_core::consumer::ConsumerSettings;
use convio_core::service::{Consumer, RandomIds};
use convio_core::{Convio, ErrorKind, Event, NewWorkspace, Position, SequentialIds, WorkspaceHandle};
use convio_store_postgres::{Options, PgStore};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use support::{Place, connect, pool, run};

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

#[test]
#[expect(clippy::print_stdout, reason = "who was killed, and with what, is worth reading")]
fn workers_that_are_killed_have_joined_effects_once_and_others_at_least_once() {
    run(async {
        let place = Place::make().await;
        let convio = Convio::with(place.store(), clock_of(0), RandomIds::default());
        let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        set_up(&acme, LEADS).await;
        for table in [JOINED, APART] {
            // Nothing in the table keeps an effect from being there twice.
            let make =
                format!("CREATE TABLE {{s}}.{table} (n bigserial PRIMARY KEY, position bigint NOT NULL)");
            place.execute(&make).await;
        }
        let (schema, id) = (place.schema.clone(), acme.id().to_string());
        let killing = tokio::task::spawn_blocking(move || kill_at_random_points(&[&schema, &id]));
        let kills = killing.await.unwrap();
        kills.check();
        check_once(&acme, &place.column("SELECT position FROM {s}.joined ORDER BY n").await).await;
        let apart = place.column("SELECT position FROM {s}.apart ORDER BY n").await;
        let again = check_at_least_once(&acme, &apart).await;
        println!("{kills:?}, {again} effects that were not joined happened again");
        assert!(again > 0);
        for name in [JOINED, APART] {
            assert_eq!(acme.consumer_state(name).await.unwrap().unwrap().lag, 0);
        }
    });
}

/// The process that is killed.
#[test]
#[ignore = "the test of this file starts it"]
fn second_process() {
    let Some(order) = order() else { return };
    let [schema, workspace, number, points] = order.as_slice() else { panic!("an order is four words") };
    run(async {
        let life = Life::of(number, points);
        let store = PgStore::with(pool(), Options::new().schema(schema).unwrap());
        let convio = Convio::with(store.clone(), life.clock(), RandomIds::default());
        let acme = convio.workspace(workspace.parse().unwrap());
        let (mut joined, mut apart) = (life.worker(&acme, JOINED), life.worker(&acme, APART));
        let mut at_work = AtWork { life, store, acme, conn: connect().await, schema };
        loop {
            let was_joined = at_work.joined(&mut joined).await;
            let was_apart = at_work.apart(&mut apart).await;
            if !was_joined && !was_apart {
                assert!(at_work.life.is_last(), "nothing was found");
                return;
            }
        }
    });
}

/// What a worker works with.
struct AtWork<'w> {
    life: Life,
    store: PgStore,
    acme: WorkspaceHandle<'w>,
    conn: PgConnection,
    schema: &'w str,
}

impl AtWork<'_> {
    /// A batch, its effects committed with the acknowledgement. `false` when there was none.
    async fn joined(&mut self, worker: &mut Consumer<'_>) -> bool {
        let Some(batch) = worker.poll().await.unwrap() else { return false };
        let events = batch.events().to_vec();
        self.life.comes_to(JOINED, "polled", &events);
        let mut tx = self.conn.begin().await.unwrap();
        write(&mut tx, self.schema, JOINED, &events).await;
        self.life.comes_to(JOINED, "written", &events);
        batch.ack_within(&self.acme.within(self.store.within(&mut tx))).await.unwrap();
        self.life.comes_to(JOINED, "acknowledged", &events);
        tx.commit().await.unwrap();
        self.life.comes_to(JOINED, "done", &events);
        true
    }

    /// A batch, its effects committed before the acknowledgement.
    async fn apart(&mut self, worker: &mut Consumer<'_>) -> bool {
        let Some(batch) = worker.poll().await.unwrap() else { return false };
        let events = batch.events().to_vec();
        self.life.comes_to(APART, "polled", &events);
        let mut tx = self.conn.begin().await.unwrap();
        write(&mut tx, self.schema, APART, &events).await;
        tx.commit().await.unwrap();
        self.life.comes_to(APART, "written", &events);
        batch.ack().await.unwrap();
        self.life.comes_to(APART, "done", &events);
        true
    }
}

async fn write(conn: &mut PgConnection, schema: &str, table: &str, events: &[Event]) {
    for event in events {
        let sql = format!("INSERT INTO {schema}.{table} (position) VALUES ({})", event.position.0);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await.unwrap();
    }
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
