//! A store on a file, as a subject.

use std::path::Path;
use std::sync::{Arc, Mutex};

use convio_conformance::Subject;
use convio_core::Store;
use convio_store_sqlite::SqliteStore;
use tempfile::TempDir;

/// A store on a file of its own.
pub(crate) struct OnDisk {
    store: Arc<SqliteStore>,
    folders: Mutex<Vec<TempDir>>,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let store = Arc::new(SqliteStore::open(folder.path().join(FILE)).expect("a store"));
        Self { store, folders: Mutex::new(vec![folder]) }
    }
}

impl Subject for OnDisk {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// The files as they are while the store still has them open: nothing of an orderly end has happened to them. What the
    /// loss of power leaves of them is shown by `power_loss.rs`.
    fn reopen(&self) -> Option<Arc<dyn Store>> {
        let mut folders = self.folders.lock().expect("no panic");
        let copy = TempDir::new().expect("a folder");
        for file in [FILE.to_owned(), format!("{FILE}-wal")] {
            copy_if_there(&folders[0].path().join(&file), &copy.path().join(&file));
        }
        let store = SqliteStore::open(copy.path().join(FILE)).expect("the file opens again");
        folders.push(copy);
        Some(Arc::new(store))
    }
}

fn copy_if_there(from: &Path, to: &Path) {
    if from.exists() {
        std::fs::copy(from, to).expect("the file can be copied");
    }
}

const FILE: &str = "leads.db";
