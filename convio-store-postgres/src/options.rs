use convio_core::store::StoreError;

use crate::schema::Schema;

/// How a store works with its database.
///
/// ```
/// use convio_store_postgres::Options;
/// // A second install beside the first, behind PgBouncer in transaction mode:
/// let options = Options::new().schema("convio_eu")?.behind_transaction_pooler();
/// # let _ = options;
/// # Ok::<(), convio_core::store::StoreError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    pub(crate) schema: Schema,
    pub(crate) held_max: usize,
    pub(crate) statement_cache: bool,
    pub(crate) row_security: bool,
    pub(crate) plain: bool,
    pub(crate) savepoints: bool,
    pub(crate) notify: bool,
}

impl Options {
    /// The schema `convio`, prepared statements, no held connections.
    pub fn new() -> Self {
        Self {
            schema: Schema::default(),
            held_max: 0,
            statement_cache: true,
            row_security: false,
            plain: false,
            savepoints: false,
            notify: false,
        }
    }

    /// Another schema than `convio`.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] for what can't be the name of a schema: see [`Schema::named`].
    pub fn schema(mut self, name: impl Into<String>) -> Result<Self, StoreError> {
        self.schema = Schema::named(name)?;
        Ok(self)
    }

    /// Keeps up to `n` connections of the pool between calls. sqlx tests a connection whenever it leaves a pool and whenever it
    /// comes back: a round trip each, which a held connection does not pay.
    ///
    /// A held connection is one that nobody else can use: leave the pool enough of its own. Before `pool.close()`, which waits
    /// for all of its connections, drop the store or call [`PgStore::release`](crate::PgStore::release).
    pub fn hold(mut self, n: usize) -> Self {
        self.held_max = n;
        self
    }

    /// For PgBouncer in transaction mode, and everything else that gives each transaction another connection: nothing is left
    /// on a connection, so no statement stays prepared, and each call is a transaction of its own.
    ///
    /// A call costs `BEGIN`, `COMMIT`, and a second round trip for each statement.
    pub fn behind_transaction_pooler(mut self) -> Self {
        self.statement_cache = false;
        self
    }

    /// Tells the server the workspace of each transaction, for the policies of
    /// [`PgStore::row_security_sql`](crate::PgStore::row_security_sql): a second lock behind ours. Each call is a transaction of its own.
    pub fn row_security(mut self) -> Self {
        self.row_security = true;
        self
    }

    /// One statement per table in a transaction, instead of one statement for all: for Citus, where a statement that writes
    /// several tables is slow, and where its parts do not see one moment.
    pub fn plain_statements(mut self) -> Self {
        self.plain = true;
        self
    }

    /// In a caller's transaction: a savepoint around each commit, so that even a failure of the database leaves the transaction
    /// usable. Two round trips more. Without it only such a failure ends the transaction: conflicts, lost gates and rejected
    /// leads are answers, and never do.
    pub fn savepoints(mut self) -> Self {
        self.savepoints = true;
        self
    }

    /// Tells other processes of each commit that makes events, by a `NOTIFY` after it, on the channel named as the schema: those that
    /// [`PgStore::listen`](crate::PgStore::listen) are woken. A round trip more for each commit; with a [`Coalesced`](convio_core::Coalesced) store,
    /// for each flight. Without it they find what happened when they look.
    pub fn notify(mut self) -> Self {
        self.notify = true;
        self
    }

    /// Whether nothing may run outside of a transaction.
    pub(crate) fn needs_transactions(&self) -> bool {
        !self.statement_cache || self.row_security
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
