//! Migrations: each in a transaction of its own, under the database's write lock, so that two processes that start at
//! once run each one once.

use convio_core::store::{Fault, StoreError};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::error::read_failed;
use crate::open::Migrate;

/// A step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its place: 1, 2, 3 ...
    pub version: u32,
    /// Its statements.
    pub sql: &'static str,
}

/// All steps, in order: run them with your own tool if you like, in transactions, and note each in `convio_migration`.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../migrations/0001_init.sql") },
    Migration { version: 2, sql: include_str!("../migrations/0002_relations.sql") },
];

/// Brings the schema of a connection of yours up to date, or looks at it: what [`run`](crate::run) needs. A
/// [`SqliteStore`](crate::SqliteStore) does it by itself when it opens the file.
///
/// Convio's tables and readable relations (`contact`, `lead`, `event`, `leads` ...) then live beside yours, under the names
/// that [`MIGRATIONS`] give them: those must be free.
///
/// # Errors
/// The schema is newer than this version; it is older, and may only be looked at; one of its names is taken.
///
/// ```
/// use convio_store_sqlite::{Migrate, migrate};
/// let mut conn = rusqlite::Connection::open_in_memory()?;
/// conn.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY)")?;
/// assert!(migrate(&mut conn, Migrate::Check).is_err());
/// migrate(&mut conn, Migrate::Apply)?;
/// assert!(migrate(&mut conn, Migrate::Check).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn migrate(conn: &mut Connection, mode: Migrate) -> Result<(), StoreError> {
    if missing(conn, mode)? { apply(conn) } else { Ok(()) }
}

/// Whether steps are missing. Changes nothing.
///
/// Refuses a schema that is newer than this version, and one that is older where it may not be brought up to date.
pub(crate) fn missing(conn: &Connection, mode: Migrate) -> Result<bool, StoreError> {
    let applied = applied(conn).map_err(read_failed)?;
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if applied > newest {
        return Err(refused(format!("the database is at schema {applied}, this version knows {newest}")));
    }
    let missing = applied < newest;
    if missing && mode == Migrate::Check {
        return Err(refused(format!("the database is at schema {applied}, and needs {newest}")));
    }
    Ok(missing)
}

/// Takes the steps that are missing.
pub(crate) fn apply(conn: &mut Connection) -> Result<(), StoreError> {
    MIGRATIONS.iter().try_for_each(|migration| run(conn, migration).map_err(read_failed))
}

fn run(conn: &mut Connection, migration: &Migration) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch("CREATE TABLE IF NOT EXISTS convio_migration (version INTEGER PRIMARY KEY) STRICT")?;
    // Another process may have been faster: under the lock its work is seen.
    let done = tx
        .query_row("SELECT 1 FROM convio_migration WHERE version = ?1", [migration.version], |_| Ok(()))
        .optional()?;
    if done.is_none() {
        tx.execute_batch(migration.sql)?;
        tx.execute("INSERT INTO convio_migration (version) VALUES (?1)", [migration.version])?;
    }
    tx.commit()
}

fn applied(conn: &Connection) -> rusqlite::Result<u32> {
    let known = conn
        .query_row(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'convio_migration'",
            [],
            |_| Ok(()),
        )
        .optional()?;
    if known.is_none() {
        return Ok(0);
    }
    conn.query_row("SELECT coalesce(max(version), 0) FROM convio_migration", [], |row| row.get(0))
}

fn refused(message: String) -> StoreError {
    StoreError::Unavailable(Fault::new(message))
}
