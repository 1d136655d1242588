//! The memory store does what every store must do, also when concurrent commits travel together.

use convio_conformance::{Together, Volatile};
use convio_store_memory::MemoryStore;

convio_conformance::conformance!(|| Together::new(Volatile::new(MemoryStore::new())));
