//! Consumers: named readers of a workspace's feed that the store remembers.
//!
//! A consumer is split into shards. Each has a cursor, and a lease that one worker has at a time; an event belongs to the shard of its
//! contact, or else of its lead, or else of what it is about ([`shard_of`]). So the events of one contact are handled one after the other, in
//! order, by one worker at a time, however many there are.
//!
//! All that is decided here is decided by values alone: [`Shard`] is what is kept, its methods are what may happen to it. The service reads
//! and writes it ([`Consumer`](crate::service::Consumer)); it is a record, so that every store has consumers without a table of their own
//! (`docs/adr/0022-consumers.md`).

mod dead;
#[cfg(feature = "service")]
mod kept;
mod partition;
mod settings;
mod shard;
#[cfg(test)]
mod tests;

pub use dead::DeadLetter;
pub use partition::shard_of;
pub use settings::{ConsumerSettings, Retry};
pub use shard::{Again, Failing, Fenced, Lease, NotFree, Refusal, Shard, Token, Verdict, Work};

#[cfg(feature = "service")]
pub(crate) use dead::DeadLetters;
#[cfg(feature = "service")]
pub(crate) use kept::{Group, KeptShard, check_name, shard_key};

/// Most shards of a consumer: one read tells the state of all.
pub const SHARDS_MAX: u16 = 64;
/// Longest lease: as long as a worker that died keeps its shard.
pub const LEASE_SECONDS_MAX: u32 = 3_600;
/// Most tries of an event before it is a dead letter.
pub const TRIES_MAX: u32 = 100;
/// Longest wait before an event is tried again: a day.
pub const RETRY_SECONDS_MAX: u32 = 86_400;
/// Most dead letters of a shard. One that would be the next is tried again and again instead, and its shard waits for it: nothing is dropped.
pub const DEAD_LETTERS_MAX: usize = 1_000;
/// Longest reason that is kept of what failed; longer ones are cut.
pub const REASON_BYTES_MAX: usize = 1_000;
/// Most events of a batch: a batch is held in memory whole.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// Most consumers of a workspace: one record lists them.
pub const CONSUMERS_MAX: usize = 100;
