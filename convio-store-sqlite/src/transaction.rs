//! A store inside a transaction of the caller's. The transaction stays on the thread that has it; what is asked of the store
//! comes to that thread as jobs.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use convio_core::change_set::ChangeSet;
use convio_core::store::{Bell, CommitError, Durability, StoreError, Tick};
use rusqlite::{Connection, Transaction};
use tokio::sync::{mpsc, oneshot};
use tokio::task::unconstrained;

use crate::Sqlite;
use crate::access::{Access, Job, Results};
use crate::apply::{apply, in_savepoint};
use crate::error::{ended, rolled_back};

/// A store inside a transaction of yours, from [`run`]. Cheap to clone.
///
/// It reads what the transaction reads, its own writes included. Each commit has a savepoint, so that one that fails leaves
/// the transaction as it was before it. It never commits and never rolls back the transaction: its durability is
/// [`CallerCommits`](Durability::CallerCommits). Once `run` has returned, every call is answered as
/// [`Unavailable`](convio_core::ErrorKind::Unavailable).
pub type TxStore = Sqlite<Inside>;

/// The way of a [`TxStore`] to the transaction: a queue to the thread that has it.
#[derive(Clone)]
pub struct Inside {
    jobs: mpsc::Sender<Job>,
    bell: Arc<Bell>,
}

/// Does asynchronous work inside a transaction of yours: with the store that it is given, Convio's rows are committed or
/// rolled back together with your own.
///
/// It runs on this thread until `work` is done. What the work awaits besides, such as another thread, is waited for; of a
/// runtime, give it no thread that its tasks need (`tokio::task::spawn_blocking`).
///
/// - Begin the transaction as [`Immediate`](rusqlite::TransactionBehavior::Immediate): another one takes the write lock at
///   its first write only, and fails there if someone else wrote since its first read.
/// - The schema must be there: by [`migrate`](crate::migrate()), or because a [`SqliteStore`](crate::SqliteStore) opened
///   the file.
/// - SQLite has one writer per file: a write through another connection, such as the one of a `SqliteStore`, waits until you
///   end the transaction. To wait for it in here is to wait for oneself.
/// - What it commits is as durable as your connection's `PRAGMA synchronous` says.
/// - Let the connection keep some 128 statements prepared (`set_prepared_statement_cache_capacity`): its default of 16 is
///   less than a lead takes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use convio_core::{Convio, Ingested, NewWorkspace, RawLead};
/// use convio_store_sqlite::{SqliteStore, run};
/// use rusqlite::{Connection, TransactionBehavior};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("shop.db");
/// let convio = Convio::new(SqliteStore::open(&path)?);
/// let acme = pollster::block_on(convio.create_workspace(NewWorkspace::named("Acme Solar")))?;
///
/// let mut conn = Connection::open(&path)?;
/// conn.execute_batch("CREATE TABLE visitor (name TEXT)")?;
/// let lead = RawLead::json(r#"{"name":"John Doe","phone":"+15551234567"}"#);
/// let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
/// tx.execute("INSERT INTO visitor (name) VALUES ('John Doe')", [])?;
/// let taken = run(&tx, async |store| acme.within(store).ingest(lead.clone()).await)?;
/// assert!(matches!(taken, Ingested::Created(_)));
/// tx.rollback()?; // neither John nor his lead is there
///
/// let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
/// tx.execute("INSERT INTO visitor (name) VALUES ('John Doe')", [])?;
/// let taken = run(&tx, async |store| acme.within(store).ingest(lead.clone()).await)?;
/// assert!(matches!(taken, Ingested::Created(_)));
/// tx.commit()?; // both are
///
/// let lead = taken.accepted().expect("created").lead;
/// assert!(pollster::block_on(acme.lead(lead))?.is_some());
/// # Ok(()) }
/// ```
pub fn run<T>(tx: &Transaction<'_>, work: impl AsyncFnOnce(TxStore) -> T) -> T {
    let (jobs, mut queue) = mpsc::channel::<Job>(JOBS_WAITING_MAX);
    let mut work = pin!(work(Sqlite { access: Inside { jobs, bell: Arc::default() } }));
    block_on(poll_fn(|context| {
        loop {
            if let Poll::Ready(answer) = work.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            match queue.poll_recv(context) {
                Poll::Ready(Some(job)) => job(tx),
                // Without a store there is nothing to come any more, but the work may go on.
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }))
}

impl Inside {
    /// Has something done in the transaction; `None` when it was not, because `run` is over. Dropped before its turn,
    /// nothing happens.
    async fn ask<T: Send + 'static>(&self, ask: impl FnOnce(&Connection) -> T + Send + 'static) -> Option<T> {
        let (answer, mut answered) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            if !answer.is_closed() {
                let _ = answer.send(ask(conn));
            }
        });
        self.jobs.send(job).await.ok()?;
        // A job that another thread hands over while `run` returns may stay in the queue for ever.
        let mut over = pin!(self.jobs.closed());
        poll_fn(|context| match Pin::new(&mut answered).poll(context) {
            Poll::Ready(answer) => Poll::Ready(answer.ok()),
            Poll::Pending => over.as_mut().poll(context).map(|()| answered.try_recv().ok()),
        })
        .await
    }
}

impl Access for Inside {
    fn durability(&self) -> Durability {
        Durability::CallerCommits
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inside = move |conn: &Connection| match conn.is_autocommit() {
            true => Err(StoreError::Unavailable(rolled_back())),
            false => read(conn),
        };
        self.ask(inside).await.unwrap_or_else(|| Err(StoreError::Unavailable(ended())))
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Results {
        let wanted = batch.len();
        let tells = batch.iter().any(|changes| !changes.events.is_empty());
        let answer = self.ask(|conn| apply(conn, batch, in_savepoint)).await;
        if tells {
            self.bell.ring();
        }
        answer.unwrap_or_else(|| vec![Err(CommitError::Unavailable(ended())); wanted])
    }

    fn wait(&self, seen: Tick) -> impl Future<Output = Tick> + Send {
        self.bell.wait(seen)
    }
}

/// Drives a future on this thread. Tokio's budget does not count here: a future that is told to give way can't.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let alarm = Arc::new(Alarm { thread: std::thread::current(), rung: AtomicBool::new(false) });
    let waker = Waker::from(alarm.clone());
    let mut future = pin!(unconstrained(future));
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return answer;
        }
        alarm.wait();
    }
}

/// Wakes a thread. The thread's token alone would not do: whatever the future waits for by itself may use it up.
struct Alarm {
    thread: Thread,
    rung: AtomicBool,
}

impl Alarm {
    fn wait(&self) {
        while !self.rung.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Calls that wait for the transaction at most; further ones wait for room.
const JOBS_WAITING_MAX: usize = 1_024;
