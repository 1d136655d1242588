//! stub
pub const MIGRATION_0001: &str = include_str!("../migrations/0001_init.sql");
pub const INGEST_ONE: &str = include_str!("ingest_one.sql");
