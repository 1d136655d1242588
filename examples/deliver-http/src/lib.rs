//! Deliveries over HTTP: what a service adds to `convio_core::delivery`, and something to try it with.
//!
//! ```text
//! feed -> Courier -> transport/ -> receiver/, and what it answers back into the store; drive.rs waits in between
//! ```
//!
//! | file | what |
//! |---|---|
//! | `transport/` | [`HttpTransport`]: one request over a connection of its own, by the contract of `Transport`, line by line |
//! | `receiver/` | [`receiver()`]: verifies signatures, knows what it has had, and misbehaves when it is told to |
//! | `drive.rs` | [`drive()`]: runs a courier, with the timers of tokio |
//! | `tests/hostile/` | receivers that mean harm, on real sockets, and what the state machine makes of them |
//!
//! `cargo run -p deliver-http` shows all of it at once. `cargo run -p deliver-http --bin receiver` is a receiver by itself, to point
//! an endpoint at: the calls that it takes are in [`receiver()`].

mod drive;
mod receiver;
mod transport;

/// What goes wrong with a program here, and not with a receiver.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

pub use drive::{Summary, TRIES_MAX, drive};
pub use receiver::{Heard, IDS_MAX, receiver};
pub use transport::{
    ADDRESSES_TRIED_MAX, HEAD_BYTES_MAX, HttpTransport, Resolve, RootCertStore, SystemResolver, system_roots,
};
