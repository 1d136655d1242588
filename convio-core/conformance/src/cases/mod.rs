//! What every store must do, one file per topic, one function per case.

pub(crate) mod config;
pub(crate) mod webhooks;
pub(crate) mod workspaces;
