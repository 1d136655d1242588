//! What a store must do.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::change_set::GateLost;

mod bell;
mod needs;
#[cfg(feature = "service")]
mod pass_on;
#[cfg(feature = "service")]
mod port;

/// What implementations of the traits carry, which are asynchronous and object-safe.
#[cfg(feature = "service")]
pub use async_trait::async_trait;
pub use bell::{Bell, Tick};
#[cfg(feature = "service")]
#[doc(hidden)]
pub use chrono::{DateTime, Utc};
pub use needs::{ContactOf, JOURNEY_ROWS_MAX, KnownOwner, Loaded, Need, Needs, OWNER_ROWS_MAX};
#[cfg(feature = "service")]
pub use port::{Durability, Store};
#[cfg(feature = "service")]
#[doc(hidden)]
pub use uuid::Uuid;

/// Why a change set was not applied, or may not have been.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// A row is not at the expected version, or exists already. Not applied: read again, decide again.
    #[error("{what} was changed by someone else")]
    Conflict {
        /// The kind of the row and its id.
        what: String,
    },
    /// A gate was lost. Not applied.
    #[error("{0}")]
    GateLost(GateLost),
    /// More waits to be committed than may. Not applied: try later.
    #[error("{waiting} changes wait to be stored already")]
    Overloaded {
        /// How many change sets wait.
        waiting: usize,
    },
    /// The store could not. Not applied: retry.
    #[error("the store is unavailable: {0}")]
    Unavailable(Fault),
    /// The connection was lost while the store answered. Maybe applied: look up the ids that the change set carries.
    #[error("whether the store applied it is unknown: {0}")]
    Unknown(Fault),
    /// What is stored can't be read. Not applied.
    #[error("what is stored can't be read: {0}")]
    Corrupt(Fault),
    /// The change set breaks the rules of [`crate::ChangeSet`]. Not applied.
    #[error("the change set can't be applied: {0}")]
    Misuse(String),
}

/// Why something could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The store could not: retry.
    #[error("the store is unavailable: {0}")]
    Unavailable(Fault),
    /// A row can't be read.
    #[error("row `{id}` of `{table}` can't be read at `{column}`: {fault}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// The row.
        id: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The call breaks the rules of the store.
    #[error("the store can't be asked this: {0}")]
    Misuse(String),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(fault) => Self::Unavailable(fault),
            StoreError::Corrupt { .. } => Self::Corrupt(Fault::new(error)),
            StoreError::Misuse(message) => Self::Misuse(message),
        }
    }
}

/// What went wrong below, shared so that errors can be cloned. It shows the message of what it holds, also as `Debug`.
#[derive(Clone)]
pub struct Fault(Arc<dyn StdError + Send + Sync>);

impl Fault {
    /// A fault with its source.
    pub fn new(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Fault {
    // The `Debug` of a driver's error may hold what it was given, rows of people included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Fault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
