//! Convio's store on Postgres: your pool, your transaction, your schema.

mod analytics;
mod appointment;
mod cells;
mod commit;
mod contact;
mod conversion;
mod error;
mod event;
mod gates;
mod ingest;
mod lead;
mod load;
mod migrate;
mod options;
mod payload;
mod picture;
mod ports;
mod reading;
mod record;
mod rejection;
mod rows;
mod schema;
mod session;
mod sql;
mod store;
mod table;
mod tx;
mod wanted;
mod webhook;
mod workspace;
mod write;

pub use migrate::{MIGRATIONS, Migration, migrations_sql};
pub use options::Options;
pub use schema::Schema;
pub use store::PgStore;
pub use tx::PgTx;
