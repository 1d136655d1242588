//! The SQLite store does what every store must do.

#[path = "support/on_disk.rs"]
mod on_disk;

convio_conformance::conformance!(on_disk::OnDisk::new);
