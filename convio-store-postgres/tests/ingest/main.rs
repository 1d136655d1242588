//! The ingest statement against a real server: one test per race, and what the schema must hold afterwards.
//!
//! Needs `CONVIO_TEST_POSTGRES_URL`, a server whose role may create databases; without it every test fails.
//! Each test makes a database of its own and drops it.

mod claims;
mod gate;
mod merge;
mod number;
mod plan;
mod races;
mod schema;
mod stress;
mod support;
mod text;
mod whole;
