//! Convio's store on an embedded SQLite file.
//!
//! One thread writes, a few threads read, no runtime is needed. Commits that wait at the same time share a transaction
//! and its sync to the disk; each change set has a savepoint of its own, so that one failing leaves its neighbours alone.
//! Several processes may use one file.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
//! use convio_core::{Convio, Ingested, NewWorkspace, RawLead};
//! use convio_store_sqlite::SqliteStore;
//!
//! let folder = tempfile::tempdir()?;
//! let convio = Convio::new(SqliteStore::open(folder.path().join("leads.db"))?);
//! let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
//! let taken = acme.ingest(RawLead::json(r#"{"name":"John Doe","phone":"+15551234567"}"#)).await?;
//! assert!(matches!(taken, Ingested::Created(_)));
//! # Ok(()) }) }
//! ```

mod analytics;
mod apply;
mod appointment;
mod cells;
mod contact;
mod conversion;
mod error;
mod event;
mod gates;
mod lead;
mod load;
mod migrate;
mod open;
mod payload;
mod readers;
mod record;
mod rejection;
mod webhook;
mod workspace;
mod writer;

use std::fmt;

use async_trait::async_trait;
use convio_core::change_set::{ChangeSet, Receipt};
use convio_core::store::{CommitError, Durability, Loaded, Needs, Store, StoreError};

pub use migrate::{MIGRATIONS, Migration};
pub use open::{Migrate, Options, Synchronous};

use readers::Readers;
use writer::Writer;

/// A store on a SQLite file.
///
/// Dropping it waits until what was handed to it is written.
pub struct SqliteStore {
    // Dropped in this order: the last connection to close writes the log into the file and removes it, and a reader can't.
    readers: Readers,
    writer: Writer,
    durability: Durability,
}

#[async_trait]
impl Store for SqliteStore {
    fn durability(&self) -> Durability {
        self.durability
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        let needs = needs.clone();
        self.readers.run(move |conn| load::load(conn, &needs)).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        self.writer.commit(batch).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("durability", &self.durability).finish_non_exhaustive()
    }
}

/// The README's code runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
