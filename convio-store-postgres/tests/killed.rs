//! Workers of a consumer that are killed at two hundred points: no event is left out, and what they do in one transaction with
//! their acknowledgement happens once.

mod support;

use std::sync::Arc;

use chrono::TimeDelta;
use convio_conformance::dice::Dice;
use convio_conformance::process::{Process, check_effects, kill_workers, order, say};
use convio_conformance::{ManualClock, Shared, lead, taken};
use convio_core::consumer::ConsumerSettings;
use convio_core::{Convio, Event, NewWorkspace, Position, SequentialIds, WorkspaceId};
use convio_store_postgres::{Options, PgStore};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use support::{Place, connect, pool, run};

#[test]
fn workers_killed_at_two_hundred_points_leave_no_event_out() {
    let place = Place::new();
    let acme = run(async {
        let acme =
            convio(place.store(), 0).create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        for name in [JOINED, APART] {
            acme.create_consumer(name, ConsumerSettings::new().shards(2), Position(0)).await.unwrap();
            let table =
                format!("CREATE TABLE {{s}}.{name} (n bigserial PRIMARY KEY, position bigint NOT NULL)");
            place.execute(&table).await;
        }
        acme
    });
    let mut leads = 0;
    let mut more = || {
        run(async {
            for _ in 0..LEADS {
                taken(acme.ingest(lead(leads % PEOPLE)).await);
                leads += 1;
            }
        });
    };
    let start = |n: usize| Process::start(&[&place.schema, &acme.id().to_string(), &n.to_string()]);
    kill_workers(KILLS, &mut Dice::of_this_run(), |n| {
        more();
        start(n + 1)
    });
    // The last one does what is left. What the server still does for one that was killed it waits for.
    let last = start(KILLS + 1);
    let mut idle = 0;
    while idle < 9 {
        idle = if last.line() == IDLE { idle + 1 } else { 0 };
    }
    drop(last);
    run(async {
        let feed = acme.feed(Position(0), 10_000).await.unwrap();
        let joined = place.column("SELECT position FROM {s}.joined ORDER BY n").await;
        let apart = place.column("SELECT position FROM {s}.apart ORDER BY n").await;
        check_effects(&feed, &joined, &apart);
    });
}

#[test]
#[ignore = "the worker of the test, which starts it"]
fn second_process() {
    let Some(order) = order() else { return };
    let [schema, workspace, nth] = order.as_slice() else { panic!("an order is three words") };
    let (workspace, nth) = (workspace.parse::<WorkspaceId>().unwrap(), nth.parse().unwrap());
    run(async {
        let store = PgStore::with(pool(), Options::new().schema(schema).unwrap());
        let acme = convio(store.clone(), nth).workspace(workspace);
        let mut conn = connect().await;
        let mut joined = acme.consumer(JOINED).events_per_batch(3);
        let mut apart = acme.consumer(APART).events_per_batch(3);
        loop {
            let mut is_idle = true;
            if let Some(batch) = joined.poll().await.unwrap() {
                is_idle = false;
                say("joined: has a batch");
                let mut tx = conn.begin().await.unwrap();
                for event in batch.events() {
                    write(&mut tx, schema, JOINED, event).await;
                }
                say("joined: has written");
                let acknowledged = batch.ack_within(&acme.within(store.within(&mut tx))).await;
                match acknowledged {
                    Ok(()) => {
                        say("joined: has acknowledged");
                        tx.commit().await.unwrap();
                        say("joined: has committed");
                    }
                    // What the server did for the one before was committed after all.
                    Err(_) => tx.rollback().await.unwrap(),
                }
            }
            if let Some(batch) = apart.poll().await.unwrap() {
                is_idle = false;
                say("apart: has a batch");
                for event in batch.events() {
                    write(&mut conn, schema, APART, event).await;
                    say("apart: has written");
                }
                if batch.ack().await.is_ok() {
                    say("apart: has acknowledged");
                }
            }
            if is_idle {
                say(IDLE);
            }
        }
    });
}

async fn write(conn: &mut PgConnection, schema: &str, table: &str, event: &Event) {
    let sql = format!("INSERT INTO {schema}.{table} (position) VALUES ({})", event.position.0);
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.unwrap();
}

/// The `n`-th process, in whose time the leases of all before it are over.
fn convio(store: PgStore, n: u16) -> Convio<'static> {
    let clock = ManualClock::at(1_803_913_200_000_000);
    clock.advance(TimeDelta::hours(n.into()));
    Convio::with(Shared(Arc::new(store)), clock, SequentialIds::seeded(n + 1))
}

const JOINED: &str = "joined";
const APART: &str = "apart";
const IDLE: &str = "idle";
const KILLS: usize = 200;
/// Leads that come in before each worker starts.
const LEADS: usize = 4;
/// Whose leads they are: each has some, so that there is an order to be kept.
const PEOPLE: u32 = 40;
