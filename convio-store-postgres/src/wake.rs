//! Wake-ups: who waits for events hears of commits, its own store's at once, those of other processes where both sides ask for it.
//!
//! | | round trips |
//! |---|---|
//! | a commit | 0 more |
//! | a commit, with [`Options::notify`](crate::Options::notify) | 1 more, after it is committed |
//! | a commit in a caller's transaction | 0 more: tell of it with [`PgStore::notify`] once it is committed |
//!
//! `NOTIFY` is never part of a commit: a transaction that has sent one takes a lock of the whole server when it commits and holds it until
//! that is synced, so that all such commits go one after the other, whatever they write. Alone in a transaction it writes nothing that is
//! synced, and holds the lock for some microseconds.

use convio_core::store::{Fault, StoreError};
use sqlx::postgres::PgListener;

use crate::error::read_failed;
use crate::session::Session;
use crate::store::PgStore;
use crate::table::Args;

impl Session<'_> {
    /// Tells whoever waits that something was committed. That it can't be told is no reason to fail: they look by themselves in a while.
    pub(crate) async fn tell(&self) {
        self.bell().ring();
        if self.options().notify && !self.is_in_transaction() {
            let _ = self.notify().await;
        }
    }

    pub(crate) async fn notify(&self) -> Result<(), sqlx::Error> {
        let channel = self.sql().schema().name().to_owned();
        let mut lease = self.connection().await?;
        lease.rows(self.sql().fixed("SELECT pg_notify($1, '')"), Args::default().with(channel)).await?;
        lease.finish().await
    }
}

impl PgStore {
    /// Wakes whoever waits for events ([`EventLog::wait`](convio_core::event::EventLog::wait)), here and in other processes that
    /// [`listen`](Self::listen). For after the commit of a transaction of yours in which Convio did something: nobody else tells of it.
    ///
    /// # Errors
    /// The server can't be reached. Others find what happened when they look the next time.
    pub async fn notify(&self) -> Result<(), StoreError> {
        self.session().bell().ring();
        self.session().notify().await.map_err(read_failed)
    }

    /// Hears of what other processes commit, where they have [`Options::notify`](crate::Options::notify): wakes whoever waits on this store. Runs
    /// until it is dropped, on a connection of the pool that it keeps: run it in a task of yours. A lost connection is made again. It does not
    /// work through a pooler in transaction mode: give it a store over a direct connection.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn listen(&self) -> Result<(), StoreError> {
        let unavailable = |error| StoreError::Unavailable(Fault::new(error));
        let pool = self.session().pool().ok_or_else(|| StoreError::Misuse("there is no pool".to_owned()))?;
        let mut listener = PgListener::connect_with(pool).await.map_err(unavailable)?;
        listener.listen(self.schema().name()).await.map_err(unavailable)?;
        loop {
            // Also before the first one: what was told until now was not heard.
            self.session().bell().ring();
            // None: the connection was lost, and with it what was told meanwhile.
            listener.try_recv().await.map_err(unavailable)?;
        }
    }
}
