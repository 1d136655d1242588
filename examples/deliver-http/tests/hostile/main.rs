//! Receivers that mean harm, on real sockets of this machine: what the transport makes of each, and what the state machine makes of that.
//!
//! The clock of the state machine jumps. Real time passes only where a receiver keeps the transport waiting, until the shortest timeout
//! that an endpoint can have; nothing is expected to be faster than anything else.

mod addresses;
mod bodies;
mod certificates;
mod hangs;
mod machine;
mod statuses;
mod support;
mod wire;
