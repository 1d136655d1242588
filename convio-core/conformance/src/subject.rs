use std::sync::{Arc, Mutex, PoisonError};

use convio_core::{Coalesced, Store};

/// A store under test, empty when it is made, with whatever keeps it alive: a file, a schema, a container.
///
/// Each case gets a subject of its own.
pub trait Subject: Send + Sync {
    /// The store. Every call gives the same one.
    fn store(&self) -> Arc<dyn Store>;

    /// The store as it is found after a crash: opened again over what was synced, without an orderly end before it. What
    /// [`Subject::store`] gave is not used any more. `None` where nothing outlives the process; the suite then asserts that the store
    /// says so, by [`Durability::Process`](convio_core::Durability).
    fn reopen(&self) -> Option<Arc<dyn Store>>;

    /// What a thread must hold while it uses the store, such as the guard of a runtime's context. The suite drives
    /// futures by itself, on threads of its own.
    fn enter(&self) -> Box<dyn Held + '_> {
        Box::new(())
    }
}

/// Anything that is only held.
pub trait Held {}

impl<T> Held for T {}

/// A store that nothing of outlives the process.
#[derive(Debug)]
pub struct Volatile<S>(Arc<S>);

impl<S: Store> Volatile<S> {
    /// This store, as a subject.
    pub fn new(store: S) -> Self {
        Self(Arc::new(store))
    }
}

impl<S: Store + 'static> Subject for Volatile<S> {
    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        None
    }
}

/// A subject whose store is wrapped in [`Coalesced`]: wrapped or not, a store does the same.
pub struct Together<S> {
    inner: S,
    store: Mutex<Arc<dyn Store>>,
}

impl<S: Subject> Together<S> {
    /// This subject, wrapped.
    pub fn new(inner: S) -> Self {
        let store = Mutex::new(wrapped(inner.store()));
        Self { inner, store }
    }
}

impl<S: Subject> Subject for Together<S> {
    fn store(&self) -> Arc<dyn Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        let store = wrapped(self.inner.reopen()?);
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = store.clone();
        Some(store)
    }

    fn enter(&self) -> Box<dyn Held + '_> {
        self.inner.enter()
    }
}

impl<S> std::fmt::Debug for Together<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

fn wrapped(store: Arc<dyn Store>) -> Arc<dyn Store> {
    Arc::new(Coalesced::new(store))
}
