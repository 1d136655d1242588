//! The memory store does what every store must do.

use convio_conformance::Volatile;
use convio_store_memory::MemoryStore;

convio_conformance::conformance!(|| Volatile::new(MemoryStore::new()));
