//! The store over a pool does what every store must do, also when concurrent commits travel together.

#[path = "support/in_schema.rs"]
mod in_schema;
mod support;

use convio_conformance::Together;

convio_conformance::conformance!(|| Together::new(in_schema::InSchema::new()));
