//! The store over a pool does what every store must do.

mod support;

use std::sync::{Arc, Mutex};

use convio_conformance::{Held, Subject};
use convio_core::Store;
use convio_store_postgres::PgStore;
use support::{Place, runtime};

convio_conformance::conformance!(InSchema::new);

/// A store in a schema of its own.
struct InSchema {
    store: Mutex<Arc<PgStore>>,
    place: Place,
}

impl InSchema {
    fn new() -> Self {
        let place = Place::new();
        Self { store: Mutex::new(Arc::new(place.store())), place }
    }
}

impl Subject for InSchema {
    fn store(&self) -> Arc<dyn Store> {
        self.store.lock().expect("no panic").clone()
    }

    /// Another process finds what the server has. What the loss of the server leaves of it is shown by `kill.rs`.
    fn reopen(&self) -> Option<Arc<dyn Store>> {
        let store = Arc::new(self.place.store());
        *self.store.lock().expect("no panic") = store.clone();
        Some(store)
    }

    fn enter(&self) -> Box<dyn Held + '_> {
        Box::new(runtime().enter())
    }
}
