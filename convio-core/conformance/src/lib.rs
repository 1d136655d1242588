//! What every Convio store must do: a suite of cases, a naive model of a store, and stores that are wrong on purpose.
//!
//! # Running the suite over a store
//!
//! Add this crate to the `[dev-dependencies]` of the store, and one file, `tests/conformance.rs`. Where the data ends with
//! the process, that is all of it:
//!
//! ```text
//! convio_conformance::conformance!(|| Volatile::new(MyStore::new()));
//! ```
//!
//! Where it does not, a [`Subject`] says how the store is found again after a crash:
//!
//! ```
//! use std::sync::Arc;
//! use convio_conformance::model::Model; // stands for the store that is tested
//! use convio_conformance::{Case, Subject};
//! use convio_core::Store;
//!
//! struct OnDisk {
//!     store: Arc<Model>,
//!     // ... and what keeps it alive: the folder, the schema, the container
//! }
//!
//! impl Subject for OnDisk {
//!     fn store(&self) -> Arc<dyn Store> {
//!         self.store.clone()
//!     }
//!
//!     fn reopen(&self) -> Option<Arc<dyn Store>> {
//!         self.store.crash(); // no orderly end: what was not synced is lost
//!         Some(self.store.clone())
//!     }
//! }
//!
//! fn on_disk() -> OnDisk {
//!     OnDisk { store: Arc::new(Model::synced()) }
//! }
//!
//! // In `tests/conformance.rs`: convio_conformance::conformance!(on_disk);
//! // One case alone, as from a debugger:
//! Case::named("durability::what_is_acknowledged_survives_a_crash").unwrap().run(&on_disk());
//! ```
//!
//! The argument of [`conformance!`] is called once for each test and makes an empty store. Each case becomes one `#[test]`,
//! in a module per topic (`ingest`, `ports`, `concurrency` ...). No case is ever skipped: a store that is not reopened must
//! say that its durability is [`Process`](convio_core::Durability::Process). A store that needs a runtime gives its guard in
//! [`Subject::enter`]: the suite drives futures by itself and starts threads of its own.
//!
//! # Lists drawn at random
//!
//! The cases of the topic `random` draw lists of operations, do them on the store and on the [`model`] beside it, and
//! compare every answer and everything that is shown in the end; others check one [invariant](INVARIANTS) each. A failure
//! prints its seed and the shortest list that still fails.
//!
//! | variable | says |
//! |---|---|
//! | `CONVIO_SEED` | the seed to draw again; a new one each time when it is not set |
//! | `CONVIO_LISTS` | how many lists one case draws, 16 when it is not set; cases of a single invariant draw a quarter of it |
//!
//! # The suite is tested too
//!
//! [`broken::KILLS`] is a table of mistakes and of the case that must find each: `tests/broken.rs` makes the model commit
//! them one by one. To add a case, write it as a function in `src/cases`, and name it in `src/registry.rs`; one that is
//! not named there is dead code, and the build says so. To add a mistake, name it in `src/broken.rs` with its case, and
//! make it in `src/model`: one that is not made survives, and the test says so.

pub mod bookers;
pub mod broken;
mod calls;
mod cases;
pub mod dice;
mod invariants;
pub mod killed;
pub mod mission;
pub mod model;
mod naive;
pub mod past;
mod plans;
pub mod process;
mod random;
mod registry;
mod shared;
mod snapshot;
mod subject;
pub mod tailing;
mod world;

pub use invariants::{INVARIANTS, Invariant, check_invariants};
pub use registry::{CASES, Case, run};
pub use shared::Shared;
pub use snapshot::{Snapshot, feed, streams};
pub use subject::{Held, Subject, Together, Volatile};
pub use world::{
    ManualClock, World, body_of, codes, created, duplicate, lead, lead_with, linked, phone, rejected,
    replayed, taken,
};
