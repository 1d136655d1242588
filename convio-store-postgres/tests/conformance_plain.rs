//! The store with one statement per table, as on Citus, does what every store must do.

mod support;

use std::sync::Arc;

use convio_conformance::{Held, Subject};
use convio_core::Store;
use convio_store_postgres::PgStore;
use support::{Place, runtime};

convio_conformance::conformance!(InPlainStatements::new);

/// A store in a schema of its own.
struct InPlainStatements {
    store: Arc<PgStore>,
    place: Place,
}

impl InPlainStatements {
    fn new() -> Self {
        let place = Place::new();
        Self { store: Arc::new(Self::open(&place)), place }
    }

    fn open(place: &Place) -> PgStore {
        PgStore::with(place.pool.clone(), place.options().plain_statements())
    }
}

impl Subject for InPlainStatements {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        Some(Arc::new(Self::open(&self.place)))
    }

    fn enter(&self) -> Box<dyn Held + '_> {
        Box::new(runtime().enter())
    }
}
