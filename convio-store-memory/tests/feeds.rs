//! Readers of all feeds beside many writers.

use convio_conformance::Volatile;
use convio_conformance::tailing::readers_miss_nothing;
use convio_store_memory::MemoryStore;

#[test]
fn readers_miss_nothing_beside_writers_that_are_killed() {
    readers_miss_nothing(&Volatile::new(MemoryStore::new()), 2_000, |_| {});
}
