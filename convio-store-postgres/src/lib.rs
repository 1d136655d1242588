//! Convio's store on Postgres: your pool, your transaction, your schema.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let url = std::env::var("CONVIO_TEST_POSTGRES_URL")?;
//! use convio_core::{Convio, Ingested, NewConversion, NewWorkspace, RawLead};
//! use convio_store_postgres::{Options, PgStore};
//! use sqlx::PgPool;
//!
//! let pool = PgPool::connect(&url).await?; // or the pool that you have
//! let store = PgStore::with(pool.clone(), Options::new().schema("convio_doc")?);
//! store.migrate().await?; // any number of processes may do so at once
//!
//! let tx_store = store.clone(); // cheap: for the transactions below
//! let convio = Convio::new(store);
//! let acme = convio.create_workspace(NewWorkspace::named("Acme Solar").currency("USD")).await?;
//! let taken = acme.ingest(RawLead::json(r#"{"name":"John Doe","phone":"+15551234567"}"#)).await?;
//! assert!(matches!(taken, Ingested::Created(_)));
//! let lead = taken.into_accepted()?.lead;
//!
//! // In a transaction of yours, with rows of yours: both or neither.
//! let mut tx = pool.begin().await?;
//! sqlx::query("CREATE TEMPORARY TABLE orders (total bigint)").execute(&mut *tx).await?;
//! sqlx::query("INSERT INTO orders VALUES (9000)").execute(&mut *tx).await?;
//! acme.within(tx_store.within(&mut tx)).convert(NewConversion::sale(lead, "90.00 USD".parse()?)).await?;
//! tx.rollback().await?;
//! assert_eq!(acme.totals().await?.conversions, 0);
//! # sqlx::raw_sql("DROP SCHEMA convio_doc CASCADE").execute(&pool).await?;
//! # Ok(()) }
//! ```
//!
//! # What it asks for
//!
//! PostgreSQL 14 or newer, with UTF-8. A runtime for sqlx: the feature `runtime-tokio`, here or on your own `sqlx`, and TLS there
//! if you want it; nothing of either is forced on you. No extension, no trigger, no task of its own;
//! no `LISTEN` unless you call [`PgStore::listen`].
//!
//! # How a commit works
//!
//! Core decides on a picture of the rows; one statement writes what came of it, if the picture is still true. One lead alone is
//! one statement that does both. See `docs/adr/0013-a-picture-and-one-statement.md`.
//!
//! # Cancelled calls
//!
//! A call may be dropped at any time: what it wanted is done whole or not at all. Its connection is closed, so nobody meets what
//! was left half done. A statement that waits for a lock just then may still be run by the server once it gets it, unless
//! `client_connection_check_interval` is set there: an idempotency key tells. A connection that dies without a word is noticed by the operating system only: set a deadline
//! around calls, and `tcp_user_timeout` or `keepalives` on the server.

mod analytics;
mod appointment;
mod cells;
mod commit;
mod contact;
mod conversion;
mod delivery;
mod distribute;
mod error;
mod event;
mod gates;
mod ingest;
mod known;
mod lead;
mod load;
mod migrate;
mod options;
mod payload;

mod ports;
mod reading;
mod record;
mod rejection;
mod rows;
mod schema;
mod security;
mod session;
mod sql;
mod store;
mod table;
mod touch;
mod tx;
mod wake;
mod wanted;
mod webhook;
mod workspace;
mod write;

pub use migrate::{MIGRATIONS, Migration, migrations_sql};
pub use options::Options;
pub use schema::Schema;
pub use store::PgStore;
pub use tx::PgTx;
