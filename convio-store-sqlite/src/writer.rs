//! The writer: one thread, one connection. What waits at the same time shares a transaction and its sync.
//!
//! | per group | statements | |
//! |---|---|---|
//! | `BEGIN IMMEDIATE`, `COMMIT` | 2 | 1 sync of the log |
//! | head of each workspace | 2 | read, and written |
//! | day's sums | 1 for each row of a cube | whatever number of leads adds to it |
//!
//! | per lead | reads | writes, 16 of each kind by one statement |
//! |---|---|---|
//! | makes its contact | 1 | 6 |
//! | of a known contact | 3 | 5 |
//! | with an idempotency key or external id | 1 more for each | 1 more for each |
//! | counted against a limit | 1 more for each | 1 more for each |
//! | rejected | 0 | 3 |
//! | replayed | 1, and 4 on a reader | 0, and no sync |
//!
//! So a lead alone in its group that makes its contact costs 12 statements, and one thousand of them in a group 1,425.
//!
//! A group is applied to pictures and then written, see [`apply`](crate::apply). It is done again, change set by change set, where a
//! row of one of them can't be written; the log is copied into the file elsewhere, see [`checkpoint`](crate::checkpoint).

use std::sync::Arc;
use std::thread::JoinHandle;

use convio_core::change_set::ChangeSet;
use convio_core::store::{Bell, CommitError, Fault, StoreError};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::access::Results;
use crate::apply::{Applied, Work, apply, run};
use crate::checkpoint::Checkpoints;
use crate::error::{commit_failed, gone, read_failed, rolled_back};

struct Job {
    batch: Vec<ChangeSet>,
    answer: oneshot::Sender<Results>,
}

pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(
        conn: Connection,
        checkpoints: Checkpoints,
        bell: Arc<Bell>,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(JOBS_WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("convio-sqlite-write".to_owned())
            .spawn(move || write(&conn, queue, checkpoints, &bell))
            .map_err(|error| StoreError::Unavailable(Fault::new(error)))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Hands a batch to the writer and waits until it is committed. Dropped before it is handed over, nothing happens;
    /// after that, all of it does.
    pub(crate) async fn commit(&self, batch: Vec<ChangeSet>) -> Results {
        let wanted = batch.len();
        if wanted == 0 {
            return Vec::new();
        }
        let (answer, answered) = oneshot::channel();
        let sent = match &self.jobs {
            Some(jobs) => jobs.send(Job { batch, answer }).await.is_ok(),
            None => false,
        };
        if !sent {
            return vec![Err(CommitError::Unavailable(gone())); wanted];
        }
        answered.await.unwrap_or_else(|_| vec![Err(CommitError::Unknown(gone())); wanted])
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(conn: &Connection, mut queue: mpsc::Receiver<Job>, mut checkpoints: Checkpoints, bell: &Bell) {
    Checkpoints::listen(conn);
    while let Some(first) = queue.blocking_recv() {
        let mut size = first.batch.len();
        let mut group = vec![first];
        while size < GROUP_CHANGES_MAX {
            let Ok(job) = queue.try_recv() else { break };
            size += job.batch.len();
            group.push(job);
        }
        let (batches, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|job| (job.batch, job.answer)).unzip();
        let tells = batches.iter().flatten().any(|changes: &ChangeSet| !changes.events.is_empty());
        let results = commit(conn, batches);
        if tells {
            bell.ring();
        }
        for (results, answer) in results.into_iter().zip(answers) {
            // A caller that went away needs no answer: its work is done all the same.
            let _ = answer.send(results);
        }
        checkpoints.tend();
    }
    drop(checkpoints);
    // The last writer leaves a tidy file; failing at it costs the next one some reading of the log.
    let _ = conn.execute_batch("PRAGMA optimize");
}

fn commit(conn: &Connection, group: Vec<Vec<ChangeSet>>) -> Vec<Results> {
    let shape: Vec<usize> = group.iter().map(Vec::len).collect();
    let mut results = apply(conn, group.into_iter().flatten().collect(), in_transaction).into_iter();
    shape.into_iter().map(|size| results.by_ref().take(size).collect()).collect()
}

fn in_transaction(conn: &Connection, work: Work<'_>) -> Result<Applied, CommitError> {
    run(conn, "BEGIN IMMEDIATE").map_err(read_failed)?;
    let mut applied = work(conn);
    if conn.is_autocommit() {
        // SQLite ended the transaction by itself, as when the disk is full.
        applied.fail(CommitError::Unavailable(rolled_back()));
        return Ok(applied);
    }
    if !applied.has_failed()
        && let Err(error) = run(conn, "COMMIT")
    {
        applied.fail(commit_failed(error));
    }
    if applied.has_failed() && !conn.is_autocommit() {
        let _ = run(conn, "ROLLBACK");
    }
    Ok(applied)
}

/// Batches that wait at most; further callers wait for room.
const JOBS_WAITING_MAX: usize = 1_024;
/// Change sets of one transaction after which no more are taken in: the first of them waits for all.
const GROUP_CHANGES_MAX: usize = 1_024;
