//! What every store must do, one file per topic, one function per case.

pub(crate) mod config;
pub(crate) mod ingest;
pub(crate) mod rejections;
pub(crate) mod replays;
pub(crate) mod webhooks;
pub(crate) mod workspaces;
