//! What every Convio store must do.
//!
//! # Running the suite over a store
//!
//! Add this crate to the `[dev-dependencies]` of the store, and one file `tests/conformance.rs`:
//!
//! ```no_run
//! # use convio_conformance as _;
//! # struct MyStore; impl MyStore { fn open() {} }
//! use convio_conformance::{Subject, Volatile};
//!
//! // A store whose data ends with the process:
//! // convio_conformance::conformance!(|| Volatile::new(MyStore::new()));
//!
//! // A store on a disk: the subject holds the file, and opens it again after a crash.
//! // convio_conformance::conformance!(OnDisk::new);
//! ```
//!
//! The argument is called once for each test and makes a [`Subject`]: an empty store, and a way to find it again after a
//! crash. Each case becomes one `#[test]`, in a module per topic. No case is ever skipped: a store that can't be reopened
//! must say that it is [`Process`](convio_core::Durability)-durable.

pub mod broken;
mod cases;
mod invariants;
pub mod model;
mod naive;
mod plans;
mod random;
mod registry;
mod shared;
mod snapshot;
mod subject;
mod world;

pub use invariants::{INVARIANTS, Invariant, check_invariants};
pub use registry::{CASES, Case, run};
pub use shared::Shared;
pub use snapshot::{Snapshot, feed, streams};
pub use subject::{Held, Subject, Volatile};
pub use world::{
    ManualClock, World, body_of, codes, created, duplicate, lead, lead_with, linked, phone, rejected,
    replayed, taken,
};
