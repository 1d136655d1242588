//! The schema: brought up to date once, whoever comes, or only looked at.

use std::path::Path;
use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::time::Duration;

use convio_core::store::StoreError;
use convio_core::{Convio, Ingested, NewWorkspace, RawLead};
use convio_store_sqlite::{MIGRATIONS, Migrate, Options, SqliteStore};
use rusqlite::Connection;

#[test]
fn check_refuses_a_file_that_is_not_there_and_makes_none() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    refusal(checked(&path));
    assert!(!path.exists());
}

#[test]
fn check_refuses_an_empty_file_and_leaves_it_empty() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    std::fs::write(&path, "").unwrap();
    assert!(refusal(checked(&path)).contains("schema 0, and needs"));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
}

#[test]
fn check_refuses_another_program_s_file_and_leaves_it_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("other.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE other (a); INSERT INTO other VALUES (1)")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(refusal(checked(&path)).contains("schema 0, and needs"));
    assert!(std::fs::read(&path).unwrap() == before);
}

#[test]
fn check_accepts_a_migrated_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    drop(SqliteStore::open(&path).unwrap());
    let before = schema(&path);
    takes_a_lead(checked(&path).unwrap());
    assert_eq!(schema(&path), before);
}

#[test]
fn a_schema_from_the_future_is_refused_and_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    drop(SqliteStore::open(&path).unwrap());
    let future = newest() + 1;
    let conn = Connection::open(&path).unwrap();
    conn.execute("INSERT INTO convio_migration (version) VALUES (?1)", [future]).unwrap();
    conn.execute_batch("DROP TABLE rollup; CREATE TABLE rollup (unknown)").unwrap();
    let before = schema(&path);
    for opened in [SqliteStore::open(&path), checked(&path)] {
        assert!(refusal(opened).contains(&format!("schema {future}, this version knows {}", newest())));
    }
    assert_eq!(schema(&path), before);
}

#[test]
fn a_file_is_migrated_once_however_often_it_is_opened() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    takes_a_lead(SqliteStore::open(&path).unwrap());
    let before = schema(&path);
    takes_a_lead(SqliteStore::open(&path).unwrap());
    assert_eq!(schema(&path), before);
    assert_eq!(applied(&path), (1..=newest()).collect::<Vec<_>>());
}

#[test]
fn eight_that_open_a_new_file_at_once_migrate_it_once() {
    let home = tempfile::tempdir().unwrap();
    for n in 0..FILES {
        let path = home.path().join(format!("{n}.db"));
        let start = Barrier::new(8);
        let open = || {
            start.wait();
            takes_a_lead(SqliteStore::open(&path).unwrap());
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(open);
            }
        });
        // A second run of a migration fails at the first table, so eight that opened it are proof of one.
        assert_eq!(applied(&path), (1..=newest()).collect::<Vec<_>>());
    }
}

#[test]
fn who_opens_a_new_file_waits_for_another_that_writes_to_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; CREATE TABLE other (a)").unwrap();
    let (send, opened) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| send.send(SqliteStore::open(&path)));
        // Long enough to see it give up; one that starts late is not seen, and does no harm.
        assert!(opened.recv_timeout(Duration::from_millis(300)).is_err(), "it did not wait");
        other.execute_batch("COMMIT").unwrap();
        takes_a_lead(opened.recv().unwrap().unwrap());
    });
}

#[test]
fn a_migration_that_fails_leaves_nothing_and_can_be_done_again() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    // A table of this name is in the way of the last statement of the first migration.
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE rollup (a)").unwrap();
    let before = schema(&path);
    assert!(refusal(SqliteStore::open(&path)).contains("rollup"));
    assert_eq!(schema(&path), before);
    conn.execute_batch("DROP TABLE rollup").unwrap();
    takes_a_lead(SqliteStore::open(&path).unwrap());
}

fn checked(path: &Path) -> Result<SqliteStore, StoreError> {
    Options::new().migrate(Migrate::Check).open(path)
}

#[track_caller]
fn refusal(opened: Result<SqliteStore, StoreError>) -> String {
    match opened {
        Err(error @ StoreError::Unavailable(_)) => error.to_string(),
        other => panic!("the file was not refused: {other:?}"),
    }
}

#[track_caller]
fn takes_a_lead(store: SqliteStore) {
    let answer = pollster::block_on(async {
        let acme = Convio::new(store).create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        acme.ingest(RawLead::json(r#"{"phone":"+13105550123"}"#)).await
    });
    assert!(matches!(answer, Ok(Ingested::Created(_))), "{answer:?}");
}

/// Everything that the file's schema says.
fn schema(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    // SQLite's own statistics come with the first orderly end.
    let sql = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'";
    let mut schema = conn.prepare(sql).unwrap();
    let schema = schema.query_map([], |row| row.get(0)).unwrap();
    schema.collect::<Result<_, _>>().unwrap()
}

fn applied(path: &Path) -> Vec<u32> {
    let conn = Connection::open(path).unwrap();
    let mut applied = conn.prepare("SELECT version FROM convio_migration ORDER BY version").unwrap();
    let applied = applied.query_map([], |row| row.get(0)).unwrap();
    applied.collect::<Result<_, _>>().unwrap()
}

fn newest() -> u32 {
    MIGRATIONS.last().unwrap().version
}

/// New files that many open at once.
const FILES: usize = 10;
