//! A store over a pool, as a subject.

use std::sync::{Arc, Mutex};

use convio_conformance::{Held, Subject};
use convio_core::Store;
use convio_store_postgres::PgStore;

use crate::support::{Place, runtime};

/// A store in a schema of its own.
pub(crate) struct InSchema {
    store: Mutex<Arc<PgStore>>,
    place: Place,
}

impl InSchema {
    pub(crate) fn new() -> Self {
        Self::of(Place::new())
    }

    /// A store in this schema.
    pub(crate) fn of(place: Place) -> Self {
        Self { store: Mutex::new(Arc::new(place.store())), place }
    }

    /// Where it is.
    #[allow(dead_code, reason = "some tests work on the schema beside the store")]
    pub(crate) fn place(&self) -> &Place {
        &self.place
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
