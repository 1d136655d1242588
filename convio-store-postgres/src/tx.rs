use std::fmt;
use std::ops::DerefMut;

use sqlx::postgres::PgConnection;

use crate::options::Options;
use crate::session::Session;

/// The store inside a transaction of yours: **the workspace is locked from the first write on until you end the transaction**, so
/// commit soon.
///
/// It never begins, commits or rolls back: your rollback undoes all that was done through it, your commit makes it durable
/// together with your own rows. Conflicts, lost gates and rejected leads are answers and leave the transaction usable; a failure
/// of the database ends it, as it does for your own statements, unless [`Options::savepoints`] is set.
///
/// It counts on READ COMMITTED, Postgres' default. Above that level a commit that someone else was faster with fails with a
/// serialization failure ([`is_retryable`](convio_core::Error::is_retryable)), and the transaction is to be run again from its start.
///
/// A transaction that touches several workspaces can deadlock with another one that touches them in another order: do it in the
/// order of their ids, or run it again when the server ends it for that.
pub struct PgTx<'t> {
    session: Session<'t>,
}

impl<'t> PgTx<'t> {
    /// The store in the schema `convio`, in the transaction of this connection. A `&mut Transaction` will do.
    pub fn new(conn: &'t mut PgConnection) -> Self {
        Self::with(conn, Options::new())
    }

    /// The same, with options. [`PgStore::within`](crate::PgStore::within) gives those of a store.
    pub fn with(conn: &'t mut PgConnection, options: Options) -> Self {
        Self { session: Session::in_transaction(conn, options) }
    }

    /// The connection, for statements of your own between two calls.
    pub async fn connection(&self) -> impl DerefMut<Target = PgConnection> + '_ {
        self.session.own_connection().await
    }

    pub(crate) fn of(session: Session<'t>) -> Self {
        Self { session }
    }

    pub(crate) fn session(&self) -> &Session<'t> {
        &self.session
    }
}

impl fmt::Debug for PgTx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgTx").field("schema", self.session.sql().schema()).finish_non_exhaustive()
    }
}
