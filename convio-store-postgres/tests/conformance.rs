//! The store over a pool does what every store must do.

#[path = "support/in_schema.rs"]
mod in_schema;
mod support;

convio_conformance::conformance!(in_schema::InSchema::new);
