//! What the subject is compared with: the fastest known form of the bare thing, with the same durability.

pub mod days;
pub mod disk;
pub mod feed;
pub mod pgbench;
pub mod postgres;
pub mod sqlite;
