//! The traits of the port, for both faces of the store. Their work is in `Session`, by aggregate.

/// Implements every trait for a type whose `session()` does the work.
macro_rules! ports {
    ($([$($life:lifetime)?] $store:ty = $durability:expr;)+) => {$(
        #[async_trait]
        impl $(<$life>)? Store for $store {
            fn durability(&self) -> Durability {
                $durability
            }

            async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
                self.session().load(needs).await
            }

            async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
                self.session().commit(batch).await
            }
        }
        convio_core::pass_on_reads!([$($life)?] $store, |store| store.session());
    )+};
}

use convio_core::change_set::{ChangeSet, Receipt};
use convio_core::store::{CommitError, Durability, Loaded, Needs, Store, StoreError, async_trait};

use crate::store::PgStore;
use crate::tx::PgTx;

ports! {
    [] PgStore = Durability::Synced;
    ['t] PgTx<'t> = Durability::CallerCommits;
}
