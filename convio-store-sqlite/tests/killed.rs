//! Workers of a consumer that are killed at two hundred points: no event is left out, and what they do in one transaction with
//! their acknowledgement happens once.

use std::path::Path;

use chrono::TimeDelta;
use convio_conformance::dice::Dice;
use convio_conformance::process::{Process, check_effects, kill_workers, order, say};
use convio_conformance::{ManualClock, lead, taken};
use convio_core::consumer::ConsumerSettings;
use convio_core::{Convio, NewWorkspace, Position, SequentialIds, WorkspaceId};
use convio_store_sqlite::{SqliteStore, run};
use pollster::block_on;
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;

#[test]
fn workers_killed_at_two_hundred_points_leave_no_event_out() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("leads.db");
    let convio = convio(&path, 0);
    let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
    for name in [JOINED, APART] {
        block_on(acme.create_consumer(name, ConsumerSettings::new().shards(2), Position(0))).unwrap();
        let table = format!("CREATE TABLE {name} (n INTEGER PRIMARY KEY, position INTEGER NOT NULL)");
        Connection::open(&path).unwrap().execute_batch(&table).unwrap();
    }
    let mut leads = 0;
    let mut more = || {
        for _ in 0..LEADS {
            taken(block_on(acme.ingest(lead(leads % PEOPLE))));
            leads += 1;
        }
    };
    let start = |n: usize| {
        let (path, workspace) = (path.to_str().unwrap(), acme.id().to_string());
        Process::start(&[path, &workspace, &n.to_string()])
    };
    kill_workers(KILLS, &mut Dice::of_this_run(), |n| {
        more();
        start(n + 1)
    });
    // The last one does what is left.
    let last = start(KILLS + 1);
    let mut idle = 0;
    while idle < 9 {
        idle = if last.line() == IDLE { idle + 1 } else { 0 };
    }
    drop(last);
    let done = |name: &str| -> Vec<i64> {
        let db = Connection::open(&path).unwrap();
        let mut all = db.prepare(&format!("SELECT position FROM {name} ORDER BY n")).unwrap();
        all.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    check_effects(&block_on(acme.feed(Position(0), 10_000)).unwrap(), &done(JOINED), &done(APART));
}

#[test]
#[ignore = "the worker of the test, which starts it"]
fn second_process() {
    let Some(order) = order() else { return };
    let [path, workspace, nth] = order.as_slice() else { panic!("an order is three words") };
    let workspace: WorkspaceId = workspace.parse().unwrap();
    let acme = convio(Path::new(path), nth.parse().unwrap()).workspace(workspace);
    let mut db = Connection::open(path).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    let mut joined = acme.consumer(JOINED).events_per_batch(3);
    let mut apart = acme.consumer(APART).events_per_batch(3);
    loop {
        let mut is_idle = true;
        if let Some(batch) = block_on(joined.poll()).unwrap() {
            is_idle = false;
            say("joined: has a batch");
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            for event in batch.events() {
                tx.execute("INSERT INTO joined (position) VALUES (?1)", [event.position.0 as i64]).unwrap();
            }
            say("joined: has written");
            run(&tx, async |store| batch.ack_within(&acme.within(store)).await).unwrap();
            say("joined: has acknowledged");
            tx.commit().unwrap();
            say("joined: has committed");
        }
        if let Some(batch) = block_on(apart.poll()).unwrap() {
            is_idle = false;
            say("apart: has a batch");
            for event in batch.events() {
                db.execute("INSERT INTO apart (position) VALUES (?1)", [event.position.0 as i64]).unwrap();
                say("apart: has written");
            }
            block_on(batch.ack()).unwrap();
            say("apart: has acknowledged");
        }
        if is_idle {
            say(IDLE);
        }
    }
}

/// The `n`-th process, in whose time the leases of all before it are over.
fn convio(path: &Path, n: u16) -> Convio<'static> {
    let clock = ManualClock::at(1_803_913_200_000_000);
    clock.advance(TimeDelta::hours(n.into()));
    Convio::with(SqliteStore::open(path).unwrap(), clock, SequentialIds::seeded(n + 1))
}

const JOINED: &str = "joined";
const APART: &str = "apart";
const IDLE: &str = "idle";
const KILLS: usize = 200;
/// Leads that come in before each worker starts.
const LEADS: usize = 4;
/// Whose leads they are: each has some, so that there is an order to be kept.
const PEOPLE: u32 = 40;
