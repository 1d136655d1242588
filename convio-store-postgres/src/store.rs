use std::fmt;
use std::sync::Arc;

use convio_core::store::{Fault, StoreError};
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};

use crate::distribute::{distribute, distribution_sql};
use crate::error::read_failed;
use crate::migrate;
use crate::options::Options;
use crate::schema::Schema;
use crate::security::row_security_sql;
use crate::session::Session;
use crate::tx::PgTx;

/// A store on a Postgres database, over a pool of yours or one of its own.
///
/// Acknowledged commits survive the loss of power, as long as the server's `synchronous_commit` and `fsync` are left on.
///
/// The runtime is the one that your `sqlx` is built with; without one (feature `runtime-tokio` here or there) sqlx panics at the
/// first use.
///
/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct PgStore {
    session: Arc<Session<'static>>,
}

impl PgStore {
    /// A store over a pool, in the schema `convio`. Changes nothing: see [`PgStore::migrate`].
    pub fn new(pool: PgPool) -> Self {
        Self::with(pool, Options::new())
    }

    /// A store over a pool, with options.
    pub fn with(pool: PgPool, options: Options) -> Self {
        Self { session: Arc::new(Session::over(pool, options)) }
    }

    /// Connects to a URL with a pool of its own, which holds its connections, and brings the schema `convio` up to date.
    ///
    /// # Errors
    /// No such server; no right to make the schema; a schema that is newer than this version.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with(url, Options::new().hold(OWN_CONNECTIONS_MAX as usize)).await
    }

    /// The same, with options.
    ///
    /// # Errors
    /// Those of [`PgStore::connect`].
    pub async fn connect_with(url: &str, options: Options) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new().max_connections(OWN_CONNECTIONS_MAX);
        let pool = pool.connect(url).await.map_err(|error| StoreError::Unavailable(Fault::new(error)))?;
        let store = Self::with(pool, options);
        store.migrate().await?;
        Ok(store)
    }

    /// Brings the schema up to date: makes it, and takes the steps that are missing. Any number of processes may do so at once.
    ///
    /// # Errors
    /// No right to do so; a schema that is newer than this version, which is left as it is.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut lease = self.session.connection().await.map_err(read_failed)?;
        migrate::migrate(&mut lease, self.schema()).await?;
        lease.finish().await.map_err(read_failed)
    }

    /// Whether the schema is that of this version. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] says what is missing, or that the schema is newer.
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut lease = self.session.connection().await.map_err(read_failed)?;
        migrate::check(&mut lease, self.schema()).await?;
        lease.finish().await.map_err(read_failed)
    }

    /// Statements that switch row-level security on: from then on the server itself shows and takes rows of one workspace only,
    /// the one that a transaction of this store names, also to the owner of the tables. Run them with the rights of the owner,
    /// and use [`Options::row_security`]; without it nobody sees a row. Superusers, and roles with `BYPASSRLS`, see all.
    ///
    /// The setting `convio.workspace_id` is set for one transaction at a time (`SET LOCAL`), so that nothing of it is left on a
    /// connection that goes back to a pool.
    pub fn row_security_sql(&self) -> Vec<String> {
        row_security_sql(self.schema())
    }

    /// Statements that distribute the tables over a Citus cluster, by workspace: an optional step after
    /// [`PgStore::migrate`]. Use [`Options::plain_statements`] then.
    pub fn distribution_sql(&self) -> Vec<String> {
        distribution_sql(self.schema())
    }

    /// Distributes the tables: runs [`PgStore::distribution_sql`].
    ///
    /// # Errors
    /// [`StoreError::Misuse`] where the database is not a Citus cluster: nothing is done.
    pub async fn distribute(&self) -> Result<(), StoreError> {
        let mut lease = self.session.connection().await.map_err(read_failed)?;
        distribute(&mut lease, self.schema()).await?;
        lease.finish().await.map_err(read_failed)
    }

    /// The store inside a transaction of yours, with this store's schema and options.
    ///
    /// See [`PgTx`].
    pub fn within<'t>(&self, conn: &'t mut PgConnection) -> PgTx<'t> {
        PgTx::of(self.session.within(conn))
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        self.session.sql().schema()
    }

    /// How often a commit was run again since the store was made: another one of the same workspace was faster, or the server
    /// ended it for another's sake.
    pub fn retries(&self) -> u64 {
        self.session.retries()
    }

    /// Gives held connections back to the pool. Before `pool.close()`, which waits for all of them.
    pub async fn release(&self) {
        self.session.release().await;
    }

    pub(crate) fn session(&self) -> &Session<'static> {
        &self.session
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").field("schema", self.schema()).finish_non_exhaustive()
    }
}

/// Connections of a pool of our own: as many as one workspace or a few can keep busy, far from a server's limit.
const OWN_CONNECTIONS_MAX: u32 = 8;
