//! Convio's store on an embedded SQLite file.
//!
//! One thread writes, a few threads read, one copies the log into the file; no runtime is needed. Commits that wait at the same
//! time share a transaction and its sync to the disk, and one that is refused leaves its neighbours alone. Several processes may
//! use one file.
//!
//! [`run`] works inside a transaction of yours, on your own connection: what Convio does is committed with your own rows.
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

mod access;
mod analytics;
mod apply;
mod appointment;
mod cells;
mod checkpoint;
mod contact;
mod conversion;
mod delivery;
mod error;
mod event;
mod gates;
mod lead;
mod load;
mod migrate;
mod open;
mod payload;
mod put;
mod readers;
mod record;
mod rejection;
mod tables;
mod touch;
mod transaction;
mod watch;
mod webhook;
mod workspace;
mod writer;

use std::fmt;

use async_trait::async_trait;
use convio_core::change_set::{ChangeSet, Receipt};
use convio_core::store::{CommitError, Durability, Loaded, Needs, Store, StoreError};

pub use access::Threads;
pub use migrate::{MIGRATIONS, Migration, migrate};
pub use open::{Migrate, Options, Synchronous};
pub use transaction::{Inside, TxStore, run};

use access::Access;

/// A store on SQLite, by the way in which it reaches the database: [`SqliteStore`] by threads of its own, [`TxStore`] by a
/// transaction of yours.
#[derive(Clone)]
pub struct Sqlite<A> {
    access: A,
}

/// A store on a SQLite file.
///
/// Dropping it waits until what was handed to it is written.
pub type SqliteStore = Sqlite<Threads>;

#[async_trait]
impl<A: Access> Store for Sqlite<A> {
    fn durability(&self) -> Durability {
        self.access.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        let needs = needs.clone();
        self.access.read(move |conn| load::load(conn, &needs)).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        self.access.commit(batch).await
    }
}

impl<A: Access> fmt::Debug for Sqlite<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("durability", &self.access.durability()).finish_non_exhaustive()
    }
}

/// The README's code runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
