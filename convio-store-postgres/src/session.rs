//! Connections: those of a pool, some of them held, or the one of a caller's transaction.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use convio_core::WorkspaceId;
use convio_core::page::PageRequest;
use convio_core::store::{Bell, StoreError};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgRow};
use sqlx::{AssertSqlSafe, Connection, Postgres, SqlStr};
use tokio::sync::{MappedMutexGuard, MutexGuard};

use crate::cells::int;
use crate::error::{is_broken, is_gone, maybe_done, read_failed};
use crate::options::Options;
use crate::sql::Sql;
use crate::table::Args;

/// What both faces of the store, over a pool and in a caller's transaction, work with.
pub(crate) struct Session<'t> {
    link: Link<'t>,
    sql: Arc<Sql>,
    options: Options,
    retries: Arc<AtomicU64>,
    crowds: Arc<Mutex<HashMap<WorkspaceId, Crowd>>>,
    /// Rung for every commit that makes an event, and for what is heard of other processes.
    bell: Arc<Bell>,
}

enum Link<'t> {
    Pool { pool: PgPool, kept: Mutex<Kept> },
    Tx(tokio::sync::Mutex<&'t mut PgConnection>),
}

/// The connections that are kept between calls, and how many calls wait for one of the pool's.
///
/// A held connection never comes back to the pool of itself: while a call waits there, none is held, so that it gets the next one.
#[derive(Default)]
struct Kept {
    held: Vec<Held>,
    waiting: usize,
}

/// How crowded a workspace is: commits of ours that begin with its lock.
#[derive(Default)]
struct Crowd {
    /// How many more of them.
    left: u8,
    /// How many they were when it last turned out that others were faster.
    next: u8,
}

/// A call that waits for a connection of the pool.
struct Waiting<'k>(&'k Mutex<Kept>);

/// A connection that is kept between calls, and since when.
struct Held {
    conn: PoolConnection<Postgres>,
    since: Instant,
}

impl Session<'static> {
    pub(crate) fn over(pool: PgPool, options: Options) -> Self {
        let sql = Sql::of(&options.schema);
        let link = Link::Pool { pool, kept: Mutex::default() };
        let (retries, crowds, bell) = (Arc::default(), Arc::default(), Arc::default());
        Self { link, sql, options, retries, crowds, bell }
    }

    /// The same texts and options, in a caller's transaction.
    pub(crate) fn within<'t>(&self, conn: &'t mut PgConnection) -> Session<'t> {
        let (sql, options) = (self.sql.clone(), self.options.clone());
        let link = Link::Tx(tokio::sync::Mutex::new(conn));
        let (retries, crowds) = (self.retries.clone(), self.crowds.clone());
        // Nobody else sees yet what it commits.
        Session { link, sql, options, retries, crowds, bell: Arc::default() }
    }
}

impl<'t> Session<'t> {
    pub(crate) fn in_transaction(conn: &'t mut PgConnection, options: Options) -> Self {
        let sql = Sql::of(&options.schema);
        let link = Link::Tx(tokio::sync::Mutex::new(conn));
        let (retries, crowds, bell) = (Arc::default(), Arc::default(), Arc::default());
        Self { link, sql, options, retries, crowds, bell }
    }

    pub(crate) fn sql(&self) -> &Sql {
        &self.sql
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// The pool; none in a caller's transaction.
    pub(crate) fn pool(&self) -> Option<&PgPool> {
        match &self.link {
            Link::Pool { pool, .. } => Some(pool),
            Link::Tx(_) => None,
        }
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        matches!(self.link, Link::Tx(_))
    }

    /// How often a commit was run again.
    pub(crate) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    pub(crate) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes whether another commit of these workspaces was faster. Where one was, the next ones of ours begin with its lock: one
    /// after the first time, and twice as many each time that it happens again at once.
    pub(crate) fn note_crowd(&self, workspaces: &[WorkspaceId], is_overtaken: bool) {
        let mut crowds = self.crowds.lock().unwrap_or_else(PoisonError::into_inner);
        for workspace in workspaces {
            if !is_overtaken {
                crowds.remove(workspace);
                continue;
            }
            if crowds.len() >= CROWDS_MAX {
                crowds.clear();
            }
            let crowd = crowds.entry(*workspace).or_default();
            crowd.next = (crowd.next * 2).clamp(1, LOCKED_MAX);
            crowd.left = crowd.next;
        }
    }

    /// Whether a commit had better begin with the lock of the workspace. In a caller's transaction that is no question: it has
    /// the lock from its first commit on.
    pub(crate) fn is_crowded(&self, workspace: WorkspaceId) -> bool {
        let mut crowds = self.crowds.lock().unwrap_or_else(PoisonError::into_inner);
        match crowds.get_mut(&workspace) {
            Some(crowd) if crowd.left > 0 && !self.is_in_transaction() => {
                crowd.left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Gives the held connections back to the pool.
    pub(crate) async fn release(&self) {
        for held in self.take_held() {
            drop(held.conn);
        }
    }

    /// Closes the held connections: one of them was found dead, and what ended it has most often ended all.
    pub(crate) fn drop_held(&self) {
        for held in self.take_held() {
            // Not given back: that asks for a runtime, and the connection is of no use to the pool.
            drop(held.conn.detach());
        }
    }

    fn take_held(&self) -> Vec<Held> {
        match &self.link {
            Link::Pool { kept, .. } => std::mem::take(&mut Kept::lock(kept).held),
            Link::Tx(_) => Vec::new(),
        }
    }

    /// A connection, for these workspaces: for one, where the server checks the workspace.
    ///
    /// Where statements are not kept prepared, or the server checks the workspace, everything runs in a transaction of ours.
    pub(crate) async fn lease(&self, workspaces: &[WorkspaceId]) -> Result<Lease<'_>, sqlx::Error> {
        let mut lease = self.connection().await?;
        if self.options.needs_transactions() {
            lease.begin(workspaces, None).await?;
        }
        Ok(lease)
    }

    /// A connection in a transaction of ours, or in the caller's, with the workspaces' heads locked. They come in the order of
    /// their ids.
    pub(crate) async fn locked(&self, workspaces: &[WorkspaceId]) -> Result<Lease<'_>, sqlx::Error> {
        let mut lease = self.connection().await?;
        let locked = lease.begin(workspaces, Some(self.sql())).await;
        if locked.is_err() && lease.is_within_savepoint {
            lease.end_savepoint(false).await?;
        }
        locked.map(|()| lease)
    }

    /// A connection as it is.
    pub(crate) async fn connection(&self) -> Result<Lease<'_>, sqlx::Error> {
        let conn = match &self.link {
            Link::Tx(_) => Conn::Tx(self.own_connection().await),
            Link::Pool { pool, kept } => {
                let conn = loop {
                    match Kept::take(kept) {
                        Ok(held) => {
                            if let Some(conn) = held.if_alive().await {
                                break conn;
                            }
                        }
                        Err(_waiting) => break pool.acquire().await?,
                    }
                };
                Conn::Pooled { conn: Some(conn), kept, is_whole: true }
            }
        };
        Ok(Lease {
            conn,
            options: &self.options,
            in_own_transaction: false,
            is_locked: false,
            is_within_savepoint: false,
        })
    }

    /// The caller's connection.
    pub(crate) async fn own_connection(&self) -> MappedMutexGuard<'_, PgConnection> {
        match &self.link {
            Link::Tx(conn) => MutexGuard::map(conn.lock().await, |conn| &mut **conn),
            Link::Pool { .. } => unreachable!("asked for by `PgTx` alone, which is never over a pool"),
        }
    }

    /// Whether what failed with this, and did nothing, is worth another connection. In a caller's transaction there is none.
    pub(crate) fn may_reconnect(&self, error: &sqlx::Error) -> bool {
        !self.is_in_transaction() && is_gone(error)
    }

    /// Reads rows in one statement. A connection that is gone is replaced, once.
    pub(crate) async fn read(
        &self,
        workspace: WorkspaceId,
        text: SqlStr,
        args: Args,
    ) -> Result<Vec<PgRow>, StoreError> {
        let args = args.finish().map_err(read_failed)?;
        match self.read_once(workspace, text.clone(), args.clone()).await {
            Err(error) if self.may_reconnect(&error) => {
                self.drop_held();
                self.read_once(workspace, text, args).await.map_err(read_failed)
            }
            read => read.map_err(read_failed),
        }
    }

    async fn read_once(
        &self,
        workspace: WorkspaceId,
        text: SqlStr,
        args: PgArguments,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut lease = self.lease(&[workspace]).await?;
        let rows = lease.rows_of(text, args).await?;
        lease.finish().await?;
        Ok(rows)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // A store may be dropped without a runtime.
        self.drop_held();
    }
}

impl Kept {
    fn lock(kept: &Mutex<Self>) -> std::sync::MutexGuard<'_, Self> {
        kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A held connection, or where there is none, a place among those that wait.
    fn take(kept: &Mutex<Self>) -> Result<Held, Waiting<'_>> {
        let mut locked = Self::lock(kept);
        locked.held.pop().ok_or_else(|| {
            locked.waiting += 1;
            Waiting(kept)
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        Kept::lock(self.0).waiting -= 1;
    }
}

impl Held {
    /// The connection, unless it lay for a while and the server, or something on the way, has closed it since. What is sent over
    /// such a one is lost, and nobody knows whether the server got it.
    async fn if_alive(self) -> Option<PoolConnection<Postgres>> {
        let Self { mut conn, since } = self;
        if since.elapsed() < TRUSTED_FOR || conn.ping().await.is_ok() {
            return Some(conn);
        }
        drop(conn.detach());
        None
    }
}

/// A connection for the time of one call. Dropped before its end, as when the caller goes away, it is closed: nobody else
/// meets what was left half done on it.
pub(crate) struct Lease<'l> {
    conn: Conn<'l>,
    options: &'l Options,
    in_own_transaction: bool,
    /// Whether the head of the workspace is locked.
    is_locked: bool,
    is_within_savepoint: bool,
}

enum Conn<'l> {
    Pooled { conn: Option<PoolConnection<Postgres>>, kept: &'l Mutex<Kept>, is_whole: bool },
    Tx(MappedMutexGuard<'l, PgConnection>),
}

impl Lease<'_> {
    /// Begins a transaction of ours, if the caller has none, tells the server the workspace where it checks that, and locks the
    /// heads, if there are texts to do so by: all in one round trip.
    async fn begin(&mut self, workspaces: &[WorkspaceId], lock: Option<&Sql>) -> Result<(), sqlx::Error> {
        let mut statements = Vec::new();
        if matches!(self.conn, Conn::Pooled { .. }) {
            statements.push("BEGIN ISOLATION LEVEL READ COMMITTED".to_owned());
            self.in_own_transaction = true;
        }
        if lock.is_some() && self.has_savepoints() {
            statements.push(SAVEPOINT.to_owned());
            self.is_within_savepoint = true;
        }
        if let ([workspace], true) = (workspaces, self.options.row_security) {
            statements.push(format!("SET LOCAL {WORKSPACE_SETTING} = '{workspace}'"));
        }
        if let Some(sql) = lock {
            let ids: Vec<String> = workspaces.iter().map(|workspace| format!("'{workspace}'")).collect();
            let heads = format!("{}.head WHERE workspace_id IN ({})", sql.schema(), ids.join(", "));
            statements.push(format!("SELECT commits FROM {heads} ORDER BY workspace_id FOR NO KEY UPDATE"));
        }
        if !statements.is_empty() {
            self.run(statements.join("; ")).await?;
        }
        self.is_locked = lock.is_some();
        Ok(())
    }

    /// Whether commits in this transaction of the caller's are each within a savepoint.
    fn has_savepoints(&self) -> bool {
        self.options.savepoints && matches!(self.conn, Conn::Tx(_))
    }

    /// Begins a savepoint, where the caller wants them and there is none yet.
    pub(crate) async fn begin_savepoint(&mut self) -> Result<(), sqlx::Error> {
        if !self.has_savepoints() || self.is_within_savepoint {
            return Ok(());
        }
        self.is_within_savepoint = true;
        self.run(SAVEPOINT.to_owned()).await
    }

    /// Ends the savepoint, if there is one, and takes back what was done in it unless it is to be kept.
    pub(crate) async fn end_savepoint(&mut self, keep: bool) -> Result<(), sqlx::Error> {
        if !std::mem::take(&mut self.is_within_savepoint) {
            return Ok(());
        }
        let end = if keep {
            "RELEASE SAVEPOINT convio"
        } else {
            "ROLLBACK TO SAVEPOINT convio; RELEASE SAVEPOINT convio"
        };
        self.run(end.to_owned()).await
    }

    /// Runs statements without parameters in one round trip, their text made by us.
    pub(crate) async fn run(&mut self, text: String) -> Result<(), sqlx::Error> {
        let was_whole = self.mark(false);
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut **self).await;
        self.mark(was_whole && done.as_ref().err().is_none_or(|error| !is_broken(error)));
        done.map(drop)
    }

    /// All rows of a statement: bound it by a `LIMIT` or by what it is about.
    pub(crate) async fn rows(&mut self, text: SqlStr, args: Args) -> Result<Vec<PgRow>, sqlx::Error> {
        self.rows_of(text, args.finish()?).await
    }

    async fn rows_of(&mut self, text: SqlStr, args: PgArguments) -> Result<Vec<PgRow>, sqlx::Error> {
        let is_cached = self.options.statement_cache;
        let was_whole = self.mark(false);
        let mut is_answered = false;
        let query = sqlx::query_with(text, args).persistent(is_cached).map(|row: PgRow| {
            is_answered = true;
            row
        });
        let rows = query.fetch_all(&mut **self).await;
        self.mark(was_whole && rows.as_ref().err().is_none_or(|error| !is_broken(error)));
        // Every statement of ours that writes answers a row, before it commits: where the server says that it ends the
        // connection, and has answered none, it has written nothing.
        rows.map_err(|error| if is_answered { maybe_done(error) } else { error })
    }

    /// Whether the head of the workspace is locked: then what is read in several statements is as of one moment.
    pub(crate) fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Whether a transaction of ours is open: what was written is not committed yet.
    pub(crate) fn is_in_own_transaction(&self) -> bool {
        self.in_own_transaction
    }

    /// Ends a transaction of ours, if there is one, and gives the connection back.
    pub(crate) async fn finish(self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    /// Takes back what a transaction of ours did, if there is one, and gives the connection back.
    pub(crate) async fn roll_back(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<(), sqlx::Error> {
        if self.in_own_transaction {
            self.run(how.to_owned()).await.map_err(maybe_done)?;
            self.in_own_transaction = false;
        }
        if let Conn::Pooled { conn, kept, is_whole: true } = &mut self.conn
            && let Some(conn) = conn.take()
        {
            let mut kept = Kept::lock(kept);
            if kept.waiting == 0 && kept.held.len() < self.options.held_max {
                kept.held.push(Held { conn, since: now() });
            }
            // Else it goes back to the pool, and to whoever waits there.
        }
        Ok(())
    }

    /// A statement that is under way when the lease is dropped leaves the connection unusable. Answers what it was before.
    fn mark(&mut self, whole: bool) -> bool {
        match &mut self.conn {
            Conn::Pooled { is_whole, .. } => std::mem::replace(is_whole, whole),
            Conn::Tx(_) => true,
        }
    }
}

impl Deref for Lease<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.conn {
            Conn::Pooled { conn: Some(conn), .. } => conn,
            // Taken only by `end`, which takes the lease with it.
            Conn::Pooled { conn: None, .. } => unreachable!("the lease has ended"),
            Conn::Tx(conn) => conn,
        }
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.conn {
            Conn::Pooled { conn: Some(conn), .. } => conn,
            Conn::Pooled { conn: None, .. } => unreachable!("the lease has ended"),
            Conn::Tx(conn) => conn,
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Conn::Pooled { conn, .. } = &mut self.conn {
            // Taken out of the pool and closed at once: no runtime is asked for, which a dropped call may not have.
            drop(conn.take().map(PoolConnection::detach));
        }
    }
}

/// For how long a connection lay, which nothing but the age of a held one depends on.
#[expect(clippy::disallowed_methods, reason = "a deadline at the edge: nothing is decided by it but a ping")]
fn now() -> Instant {
    Instant::now()
}

/// The parameters that every page of a list by id starts with: `$1` the workspace, `$2` the id that the page starts after
/// (none is nil), `$3` one row more than the page holds, which tells whether there are more.
pub(crate) fn page_args(workspace: WorkspaceId, page: &PageRequest) -> Args {
    let after = page.after.map_or(uuid::Uuid::nil(), convio_core::page::Cursor::as_id);
    Args::default().with(workspace.uuid()).with(after).with(page_limit(page))
}

/// One row more than the page holds.
pub(crate) fn page_limit(page: &PageRequest) -> i64 {
    int(page.size() as u64 + 1)
}

/// The setting by which policies of row-level security know the workspace.
pub(crate) const WORKSPACE_SETTING: &str = "convio.workspace_id";
/// How long a held connection is used without a look at it. A server that starts again takes longer, most often, and a look
/// after this long is a round trip that nobody notices.
const TRUSTED_FOR: Duration = Duration::from_secs(5);
const SAVEPOINT: &str = "SAVEPOINT convio";
/// Commits in a row that begin with the lock at most: then one tries without it again.
const LOCKED_MAX: u8 = 64;
/// Workspaces that are remembered as crowded; past it all are forgotten.
const CROWDS_MAX: usize = 10_000;
