//! One row of a lead's bytes into SQLite, by a cached `INSERT`, as durable as the store is.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::Result;
use crate::clock::now;
use crate::lab::Lab;
use crate::leads::{Bare, Leads};
use crate::subject::rows_of;

/// A file with one table.
pub struct BareSqlite {
    conn: Connection,
    file: PathBuf,
    written: u64,
    _folder: TempDir,
}

impl BareSqlite {
    /// A new file.
    pub fn new(lab: &Lab) -> Result<Self> {
        let folder = lab.folder()?;
        let file = folder.path().join("floor.db");
        let conn = Connection::open(&file)?;
        conn.execute_batch(SCHEMA)?;
        Ok(Self { conn, file, written: 0, _folder: folder })
    }

    /// Rows in one transaction.
    pub fn batch(&mut self, rows: &[Bare]) -> Result<u64> {
        let tx = self.conn.transaction()?;
        for row in rows {
            insert(&tx, row)?;
        }
        tx.commit()?;
        self.written += rows.len() as u64;
        Ok(rows.len() as u64)
    }

    /// Rows, each a transaction of its own, until the window is over.
    pub fn singles(&mut self, leads: &Leads, window: Duration) -> Result<u64> {
        let end = now() + window;
        let mut written = 0;
        while now() < end {
            insert(&self.conn, &leads.bare())?;
            written += 1;
        }
        self.written += written;
        Ok(written)
    }

    /// Checks that all rows are there.
    pub fn finish(self) -> Result<()> {
        match rows_of(&self.file, "lead")? {
            stored if stored == self.written => Ok(()),
            stored => Err(format!("the floor wrote {} rows, {stored} are stored", self.written).into()),
        }
    }
}

fn insert(conn: &Connection, row: &Bare) -> Result<()> {
    let mut insert = conn.prepare_cached("INSERT INTO lead VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![row.id.as_bytes(), row.workspace.as_bytes(), row.phone, row.body])?;
    Ok(())
}

/// The settings are the store's. A table with a rowid takes a payload of 1 kB quicker than one without, where it would lie in
/// the index.
const SCHEMA: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;
    CREATE TABLE lead (id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, phone TEXT NOT NULL, body BLOB NOT NULL) STRICT;";
