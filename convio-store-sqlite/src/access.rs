//! How a store reaches its database: all that a store on threads of its own and one inside a caller's transaction differ in.

use std::future::Future;

use convio_core::change_set::{ChangeSet, Receipt};
use convio_core::store::{CommitError, Durability, StoreError, Tick};
use rusqlite::Connection;

use crate::readers::Readers;
use crate::watch::Watch;
use crate::writer::Writer;

pub(crate) type Results = Vec<Result<Receipt, CommitError>>;

/// What is to be done with a connection, by whoever holds one.
pub(crate) type Job = Box<dyn FnOnce(&Connection) + Send>;

/// A way to the database. Only this crate has them.
pub trait Access: Send + Sync + 'static {
    /// What an `Ok` of a commit means.
    fn durability(&self) -> Durability;

    /// Runs a read. What it reads is of one moment where it asks for a snapshot.
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Applies change sets, each whole or not at all.
    fn commit(&self, batch: Vec<ChangeSet>) -> impl Future<Output = Results> + Send;

    /// Waits until there may be an event that `seen` does not know of.
    fn wait(&self, seen: Tick) -> impl Future<Output = Tick> + Send;
}

/// The threads of a [`SqliteStore`](crate::SqliteStore): one writes, a few read.
pub struct Threads {
    // Dropped in this order: the last connection to close writes the log into the file and removes it, and a reader can't.
    pub(crate) readers: Readers,
    pub(crate) watch: Watch,
    pub(crate) writer: Writer,
    pub(crate) durability: Durability,
}

impl Access for Threads {
    fn durability(&self) -> Durability {
        self.durability
    }

    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        self.readers.run(read)
    }

    fn commit(&self, batch: Vec<ChangeSet>) -> impl Future<Output = Results> + Send {
        self.writer.commit(batch)
    }

    fn wait(&self, seen: Tick) -> impl Future<Output = Tick> + Send {
        self.watch.wait(seen)
    }
}
