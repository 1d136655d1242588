use std::sync::Arc;

use convio_core::store::async_trait;
use convio_core::{ChangeSet, CommitError, Durability, Loaded, Needs, Receipt, Store, StoreError};

/// One store, shared: several [`Convio`](convio_core::Convio)s over it behave like several processes on one database.
#[derive(Clone)]
pub struct Shared(pub Arc<dyn Store>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Shared {
    fn durability(&self) -> Durability {
        self.0.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.0.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        self.0.commit(batch).await
    }
}
convio_core::pass_on_reads!([] Shared, |store| store.0);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shared").field(&self.0.durability()).finish()
    }
}
