//! Readers of all feeds beside many writers, and who hears of whose commits.
//!
//! The processes that are killed are this binary again, started for its ignored test `second_process`.
//!
//! `CONVIO_FEED_LEADS=100000 cargo test -p convio-store-sqlite --release --test feeds` writes that many.

use std::path::PathBuf;
use std::sync::Arc;

use convio_conformance::process::order;
use convio_conformance::tailing::{readers_miss_nothing, write_until_killed};
use convio_conformance::{Subject, lead, taken};
use convio_core::event::EventLog;
use convio_core::store::Tick;
use convio_core::{Convio, NewWorkspace, Store};
use convio_store_sqlite::{SqliteStore, run};
use pollster::block_on;
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;

struct OnDisk {
    store: Arc<SqliteStore>,
    folder: TempDir,
}

impl OnDisk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self { store: Arc::new(SqliteStore::open(folder.path().join(FILE)).unwrap()), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    fn connect(&self) -> Connection {
        let conn = Connection::open(self.path()).unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
        conn
    }
}

impl Subject for OnDisk {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        None
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "who was killed is worth reading")]
fn readers_miss_nothing_beside_a_slow_transaction_and_writers_that_are_killed() {
    let subject = OnDisk::new();
    let path = subject.path();
    readers_miss_nothing(&subject, LEADS, |run_of| {
        std::thread::scope(|threads| {
            let killing = threads.spawn(|| run_of.kill_processes(&[path.to_str().unwrap()]));
            let mut conn = subject.connect();
            let mut rounds = 0;
            while !run_of.is_written() {
                // One at each tenth of the way.
                run_of.wait_for(rounds, 10);
                let acme = &run_of.workspaces[rounds % run_of.workspaces.len()];
                let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
                let held = run(&tx, async |store| taken(acme.within(store).ingest(lead(1)).await));
                // Everyone else waits, and readers read on: none of this is seen.
                if rounds == HELD_IN {
                    std::thread::sleep(HELD);
                }
                for _ in 0..5 {
                    assert_eq!(block_on(acme.lead(held.lead)).unwrap(), None);
                }
                if rounds % 2 == 0 {
                    tx.commit().unwrap();
                    run_of.note(held.lead);
                } else {
                    tx.rollback().unwrap();
                }
                rounds += 1;
            }
            let killed = killing.join().unwrap();
            println!("{killed} processes killed, {rounds} transactions held");
            assert!(rounds > 0 && killed > 0);
        })
    });
}

/// The process that is killed.
#[test]
#[ignore = "the test of this file starts it"]
fn second_process() {
    let Some(order) = order() else { return };
    write_until_killed(SqliteStore::open(&order[0]).unwrap(), &order[1..]);
}

#[test]
fn a_commit_of_another_connection_wakes_whoever_waits() {
    let subject = OnDisk::new();
    let store = &subject.store;
    let acme = Convio::new(store.clone());
    let acme = block_on(acme.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
    // Another process, as far as the store can tell.
    let other = Convio::new(SqliteStore::open(subject.path()).unwrap());
    for n in 0..3 {
        let seen = block_on(store.wait(Tick::default())).unwrap();
        let position = block_on(acme.head()).unwrap().unwrap().feed;
        let (waits, is_waiting) = std::sync::mpsc::channel();
        std::thread::scope(|threads| {
            let waiter = threads.spawn(move || {
                let mut seen = seen;
                waits.send(()).unwrap();
                // It may be woken for nothing.
                while block_on(store.head(acme_id(store))).unwrap().unwrap().feed == position {
                    seen = block_on(store.wait(seen)).unwrap();
                }
            });
            is_waiting.recv().unwrap();
            taken(block_on(other.workspace(acme.id()).ingest(lead(n))));
            waiter.join().unwrap();
        });
    }
}

fn acme_id(store: &SqliteStore) -> convio_core::WorkspaceId {
    block_on(store.heads(None, 1)).unwrap()[0].workspace
}

/// The round whose transaction is held for so long.
const HELD_IN: usize = 1;
const HELD: std::time::Duration = std::time::Duration::from_secs(2);
/// Leads that are written, where nothing else is said.
const LEADS: usize = 600;
const FILE: &str = "leads.db";
