//! What every store must do, one file per topic, one function per case.

pub(crate) mod access;
pub(crate) mod appointments;
pub(crate) mod batches;
pub(crate) mod concurrency;
pub(crate) mod config;
pub(crate) mod conversions;
pub(crate) mod durability;
pub(crate) mod events;
pub(crate) mod gates;
pub(crate) mod ingest;
pub(crate) mod isolation;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod lookups;
pub(crate) mod merge;
pub(crate) mod numbers;
pub(crate) mod pages;
pub(crate) mod ports;
pub(crate) mod privacy;
pub(crate) mod random;
pub(crate) mod rejections;
pub(crate) mod repeats;
pub(crate) mod replays;
pub(crate) mod rollups;
pub(crate) mod webhooks;
pub(crate) mod workspaces;
