//! Readers of all feeds beside many writers, slow transactions among them, and a reader of a sequence beside those: it skips what they miss
//! nothing of. And who hears of whose commits.
//!
//! The processes that are killed are this binary again, started for its ignored test `second_process`.
//!
//! `CONVIO_FEED_LEADS=100000 cargo test -p convio-store-postgres --release --test feeds` writes that many.

#[path = "support/in_schema.rs"]
mod in_schema;
mod support;

use std::collections::BTreeSet;

use convio_conformance::process::order;
use convio_conformance::tailing::{Tailing, readers_miss_nothing, write_until_killed};
use convio_conformance::{Shared, lead, taken};
use convio_core::event::EventLog;
use convio_core::store::Tick;
use convio_core::{Convio, NewWorkspace, Store};
use convio_store_postgres::{Options, PgStore};
use in_schema::InSchema;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use support::{Place, connect, pool, run, runtime};

#[test]
fn readers_miss_nothing_where_a_reader_of_a_sequence_skips() {
    let subject = InSchema::new();
    let schema = subject.place().schema.clone();
    let store = subject.place().store();
    readers_miss_nothing(&subject, 1_200, |tailing| {
        std::thread::scope(|threads| {
            let killing = threads.spawn(|| tailing.kill_processes(&[&schema]));
            let skipped = pollster::block_on(skips_of_a_sequence(tailing, &store, &schema));
            say(&format!("{skipped} of {} rows missed by a reader of the sequence", 2 * ROUNDS));
            // Whoever is slow in each round is skipped, and nobody else.
            assert_eq!(skipped, ROUNDS, "a reader of the sequence missed so many rows");
            let killed = killing.join().unwrap();
            say(&format!("{killed} processes killed"));
            assert!(killed > 0);
        })
    });
}

/// The process that is killed.
#[test]
#[ignore = "the test of this file starts it"]
fn second_process() {
    let Some(order) = order() else { return };
    let _runtime = runtime().enter();
    write_until_killed(PgStore::with(pool(), Options::new().schema(&order[0]).unwrap()), &order[1..]);
}

/// Transactions that write a row with a number of a sequence, and a lead, both with the transaction of the other: in each round one takes its
/// number first and commits last. Answers how many rows a reader by number has never seen.
async fn skips_of_a_sequence(tailing: &Tailing<'_>, store: &PgStore, schema: &str) -> usize {
    let (mut slow, mut fast, mut reader) = (connect().await, connect().await, connect().await);
    let table = format!("{schema}.numbered");
    execute(&mut reader, &format!("CREATE TABLE {table} (id bigserial PRIMARY KEY)")).await;
    let note = format!("INSERT INTO {table} DEFAULT VALUES RETURNING id");
    let (mut cursor, mut seen) = (0, BTreeSet::new());
    for round in 0..ROUNDS {
        // One at each part of the way.
        tailing.wait_for(round, ROUNDS);
        let of = |n: usize| &tailing.workspaces[(round + n) % tailing.workspaces.len()];
        let mut late = slow.begin().await.unwrap();
        let first = numbers(&mut late, &note).await[0];
        let held = taken(of(0).within(store.within(&mut late)).ingest(lead(1)).await);

        let mut soon = fast.begin().await.unwrap();
        let second = numbers(&mut soon, &note).await[0];
        let done = taken(of(1).within(store.within(&mut soon)).ingest(lead(1)).await);
        soon.commit().await.unwrap();
        tailing.note(done.lead);
        assert!(first < second);

        // What is committed by now is read, and the cursor goes behind it.
        let next = format!("SELECT id FROM {table} WHERE id > {cursor} ORDER BY id");
        let next = numbers(&mut reader, &next).await;
        cursor = next.last().copied().unwrap_or(cursor);
        seen.extend(next);
        assert_eq!(cursor, second);
        if round == HELD_IN {
            // Writers of its workspace wait for it, those of the others and all readers go on.
            tokio::time::sleep(HELD).await;
        }
        assert_eq!(of(0).lead(held.lead).await.unwrap(), None);
        late.commit().await.unwrap();
        tailing.note(held.lead);
    }
    seen.extend(numbers(&mut reader, &format!("SELECT id FROM {table} WHERE id > {cursor}")).await);
    let all: BTreeSet<i64> =
        numbers(&mut reader, &format!("SELECT id FROM {table}")).await.into_iter().collect();
    all.difference(&seen).count()
}

async fn execute(conn: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await.unwrap();
}

async fn numbers(conn: &mut PgConnection, sql: &str) -> Vec<i64> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(conn).await.unwrap()
}

#[test]
fn what_one_process_commits_wakes_another_one() {
    run(async {
        let place = Place::make().await;
        let here = PgStore::with(place.pool.clone(), place.options().notify());
        let there = PgStore::with(place.pool.clone(), place.options());
        let acme = Convio::new(here.clone()).create_workspace(NewWorkspace::named("Acme")).await.unwrap();
        let listening = tokio::spawn({
            let there = there.clone();
            async move { there.listen().await }
        });
        for n in 0..3 {
            let mut seen = there.wait(Tick::default()).await.unwrap();
            let head = acme.head().await.unwrap().unwrap().feed;
            let waiter = tokio::spawn({
                let (there, id) = (there.clone(), acme.id());
                async move {
                    // It may be woken for nothing.
                    while there.head(id).await.unwrap().unwrap().feed == head {
                        seen = there.wait(seen).await.unwrap();
                    }
                }
            });
            if n == 2 {
                // In a transaction of the caller's nobody tells of it but the caller.
                let mut conn = connect().await;
                let mut tx = conn.begin().await.unwrap();
                taken(acme.within(here.within(&mut tx)).ingest(lead(n)).await);
                tx.commit().await.unwrap();
                here.notify().await.unwrap();
            } else {
                taken(acme.ingest(lead(n)).await);
            }
            waiter.await.unwrap();
        }
        listening.abort();
        assert!(listening.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn ten_thousand_workspaces_are_one_statement() {
    run(async {
        let place = Place::make().await;
        let make = "INSERT INTO {s}.head (workspace_id, feed, contacts, config, commits)
            SELECT gen_random_uuid(), n, 0, 1, n FROM generate_series(1, 10000) AS n";
        place.execute(make).await;
        place.execute("ANALYZE {s}.head").await;
        let store: Box<dyn Store> = Box::new(Shared(std::sync::Arc::new(place.store())));
        let started = tokio::time::Instant::now();
        let heads = store.heads(None, 10_000).await.unwrap();
        say(&format!("where 10,000 feeds end: {:?}", started.elapsed()));
        assert_eq!(heads.len(), 10_000);
        assert!(heads.is_sorted_by_key(|head| head.workspace));
        assert_eq!(heads.iter().map(|head| head.feed.0).sum::<u64>(), 50_005_000);
    });
}

#[expect(clippy::print_stdout, reason = "what was measured is worth reading")]
fn say(line: &str) {
    println!("{line}");
}

/// Slow transactions.
const ROUNDS: usize = 12;
/// The round whose slow one is held for so long.
const HELD_IN: usize = 1;
const HELD: std::time::Duration = std::time::Duration::from_secs(2);
