//! What every store must do, one file per topic, one function per case.

pub(crate) mod batches;
pub(crate) mod config;
pub(crate) mod ingest;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod rejections;
pub(crate) mod repeats;
pub(crate) mod replays;
pub(crate) mod webhooks;
pub(crate) mod workspaces;
