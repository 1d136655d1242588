//! Databases of every release, kept in `tests/databases`: this one opens them, reads all that they hold, and works on.
//!
//! The file of the version that is worked on is written by
//! `CONVIO_UPDATE_SNAPSHOTS=1 cargo test -p convio-store-sqlite --test releases`.

mod support {
    pub(crate) mod dump;
}

use std::path::{Path, PathBuf};
use std::sync::Arc;

use convio_conformance::past::{self, Releases};
use convio_conformance::{Snapshot, Volatile, World};
use convio_core::Store;
use convio_core::store::StoreError;
use convio_store_sqlite::{Migrate, Options, SqliteStore};
use pollster::block_on;
use rusqlite::Connection;
use support::dump::{dump, texts};
use tempfile::TempDir;

#[test]
fn what_is_stored_is_what_the_file_of_this_version_has() {
    let (folder, path) = place();
    let subject = Volatile::new(SqliteStore::open(&path).expect("a store"));
    let world = World::of(&subject);
    block_on(past::travel(&world));
    let seen = block_on(past::look(&*world.store())).expect("all of it hangs together");
    assert_eq!(past::kinds_missing(&seen), [] as [&str; 0], "give them a step in `conformance/src/past`");
    let conn = Connection::open(&path).expect("opens");
    for table in texts(&conn, "SELECT name FROM sqlite_master WHERE type = 'table'") {
        let rows = texts(&conn, &format!("SELECT count(*) || '' FROM \"{table}\""));
        assert_ne!(rows, ["0"], "`{table}` has no row: give it one in `conformance/src/past`");
    }
    let dump = dump(&conn);
    assert!(dump.len() < DUMP_BYTES_MAX, "{} bytes are too many to be kept for every release", dump.len());
    releases().settle(&dump);
    drop(folder);
}

#[test]
fn a_database_of_each_release_is_opened_read_and_worked_on() {
    for (version, sql) in releases().all() {
        let (folder, path) = restored(&sql);
        // The schema of this version is there already; an earlier one is brought up to it.
        let migrate = if Releases::is_current(version) { Migrate::Check } else { Migrate::Apply };
        let store =
            Options::new().migrate(migrate).open(&path).unwrap_or_else(|error| panic!("{version}: {error}"));
        let subject = Volatile::new(store);
        let world = World::of(&subject);
        let seen = block_on(past::look(&*world.store())).unwrap_or_else(|wrong| panic!("{version}: {wrong}"));
        assert!(seen.iter().all(|snapshot| !snapshot.feed.is_empty()), "{version}");
        block_on(past::go_on(&world));
        drop(folder);
    }
}

#[test]
fn the_database_of_this_version_shows_what_was_made() {
    let (made, path) = place();
    let subject = Volatile::new(SqliteStore::open(&path).expect("a store"));
    let world = World::of(&subject);
    block_on(past::travel(&world));
    let (kept, path) = restored(&releases().current());
    let store: Arc<dyn Store> = Arc::new(checked(&path));
    for workspace in [past::ACME, past::OTHER] {
        let [made, kept] = [world.store(), store.clone()]
            .map(|store| block_on(Snapshot::of(&*store, workspace, 100)).expect("reads"));
        assert_eq!(made.difference(&kept), None);
    }
    drop((made, kept));
}

#[test]
fn what_is_wrong_in_a_database_is_noticed() {
    for (wrong, says) in [
        ("UPDATE rollup SET n0 = n0 + 1 WHERE cube = 0", "rollups equal a recount"),
        ("UPDATE lead SET owner = 'nobody'", "no change without its event"),
        ("DELETE FROM event WHERE position = 3", "the feed has no gap"),
        (
            "UPDATE event SET kind = 'lead.teleported' WHERE position = 3",
            "unknown kind of event `lead.teleported`",
        ),
        (
            r#"UPDATE event SET facts = '{"form":2}' WHERE position = 3"#,
            "is of form 2, and this version knows forms up to 1",
        ),
    ] {
        let (folder, path) = restored(&releases().current());
        Connection::open(&path).expect("opens").execute_batch(wrong).expect("an update");
        let told = block_on(past::look(&checked(&path))).expect_err(wrong);
        assert!(told.contains(says), "{wrong}: {told}");
        drop(folder);
    }
}

#[test]
fn an_event_that_can_not_be_read_is_a_corrupt_row() {
    let (_folder, path) = restored(&releases().current());
    let teleported = "UPDATE event SET kind = 'lead.teleported' WHERE position = 3";
    Connection::open(&path).expect("opens").execute_batch(teleported).expect("an update");
    let error =
        block_on(convio_conformance::feed(&checked(&path), past::ACME, 100)).expect_err("is not read");
    let StoreError::Corrupt { table, id, fault, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*table, id.as_str()), ("event", format!("{}/3", past::ACME).as_str()));
    assert_eq!(fault.to_string(), "unknown kind of event `lead.teleported`");
}

/// A file that does not exist yet, in a folder of its own.
fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("leads.db");
    (folder, path)
}

/// A database of this dump.
fn restored(sql: &str) -> (TempDir, PathBuf) {
    let (folder, path) = place();
    Connection::open(&path).expect("opens").execute_batch(sql).expect("the dump is SQL");
    (folder, path)
}

fn checked(path: &Path) -> SqliteStore {
    Options::new().migrate(Migrate::Check).open(path).expect("the schema is today's")
}

fn releases() -> Releases {
    Releases::of(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/databases"), "convio-store-sqlite", "releases")
}

/// Small enough that one per release does not weigh on the repository.
const DUMP_BYTES_MAX: usize = 300_000;
