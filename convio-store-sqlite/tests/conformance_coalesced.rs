//! The SQLite store does what every store must do, also when concurrent commits travel together.

#[path = "support/on_disk.rs"]
mod on_disk;

use convio_conformance::Together;

convio_conformance::conformance!(|| Together::new(on_disk::OnDisk::new()));
