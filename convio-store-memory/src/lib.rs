//! Convio's store in memory: the same answers as the stores on a disk, gone with the process.
//!
//! One lock guards everything; nothing waits while it is held. Bounded by the memory of the process only.

mod apply;
mod read;
mod state;
mod table;

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use convio_core::WorkspaceId;
use convio_core::change_set::{ChangeSet, Receipt};
use convio_core::store::{Bell, CommitError, Durability, Loaded, Needs, Store, StoreError};

use state::Tenant;

/// A store in memory.
///
/// ```
/// use convio_core::store::{Durability, Store};
/// assert_eq!(convio_store_memory::MemoryStore::new().durability(), Durability::Process);
/// ```
#[derive(Default)]
pub struct MemoryStore {
    tenants: RwLock<HashMap<WorkspaceId, Tenant>>,
    /// Rung for every commit that makes an event.
    bell: Bell,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic of a caller can't happen while the lock is held, and one of ours leaves a tenant that was rolled back or
    /// not touched: so a poisoned lock is used on.
    fn tenants(&self) -> RwLockReadGuard<'_, HashMap<WorkspaceId, Tenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn durability(&self) -> Durability {
        Durability::Process
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        let tenants = self.tenants();
        tenants.get(&needs.workspace).map_or_else(|| Ok(Loaded::default()), |tenant| tenant.load(needs))
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        let tells = batch.iter().any(|changes| !changes.events.is_empty());
        let results = {
            let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
            batch.into_iter().map(|changes| apply::apply(&mut tenants, changes)).collect()
        };
        if tells {
            self.bell.ring();
        }
        results
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
