//! Deliveries over HTTP: what a service adds to `convio_core::delivery`, and something to try it with.
//!
//! ```text
//! feed -> consumer -> drive.rs: begin, request -> transport/ -> receiver/ -> answered -> ack
//! ```
//!
//! | file | what |
//! |---|---|
//! | `transport/` | [`HttpTransport`]: one request over a connection of its own, by the contract of `Transport`, line by line |
//! | `receiver/` | [`receiver`]: verifies signatures, knows what it has had, and misbehaves when it is told to |
//! | `drive.rs` | [`Driver`]: takes events off the feed and delivers each to its end |
//! | `tests/hostile/` | receivers that mean harm, on real sockets, and what the state machine makes of them |
//!
//! `cargo run -p deliver-http` shows all of it at once. `cargo run -p deliver-http --bin receiver` is a receiver by itself, to point
//! an endpoint at: the calls that it takes are in [`receiver`].

mod drive;
mod receiver;
mod transport;

pub use drive::{Attempted, Driver, Failure, Summary};
pub use receiver::{Heard, IDS_MAX, receiver};
pub use transport::{
    ADDRESSES_TRIED_MAX, HEAD_BYTES_MAX, HttpTransport, Resolve, RootCertStore, SystemResolver, system_roots,
};
