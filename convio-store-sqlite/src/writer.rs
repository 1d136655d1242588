//! The writer: one thread, one connection. What waits at the same time shares a transaction and its sync.
//!
//! | per group | per change set |
//! |---|---|
//! | `BEGIN IMMEDIATE`, `COMMIT` (1 sync of the log) | `SAVEPOINT`, its rows, `RELEASE` |
//!
//! | a lead, alone in its group | statements |
//! |---|---|
//! | makes its contact | 17 |
//! | of a known contact | 16 |
//! | with an idempotency key or external id | 2 more for each |
//! | counted against a limit | 2 more for each |
//! | rejected | 11 |
//! | replayed | 7 here, no sync; 4 on a reader |

use std::thread::JoinHandle;

use convio_core::change_set::{ChangeSet, Receipt};
use convio_core::store::{CommitError, Fault, StoreError};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::access::Results;
use crate::apply::apply;
use crate::error::{commit_failed, gone, read_failed, rolled_back, write_failed};

struct Job {
    batch: Vec<ChangeSet>,
    answer: oneshot::Sender<Results>,
}

pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(conn: Connection) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(JOBS_WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("convio-sqlite-write".to_owned())
            .spawn(move || write(&conn, queue))
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

fn write(conn: &Connection, mut queue: mpsc::Receiver<Job>) {
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
        for (results, answer) in commit(conn, batches).into_iter().zip(answers) {
            // A caller that went away needs no answer: its work is done all the same.
            let _ = answer.send(results);
        }
    }
    // The last writer leaves a tidy file; failing at it costs the next one some reading of the log.
    let _ = conn.execute_batch("PRAGMA optimize");
}

fn commit(conn: &Connection, group: Vec<Vec<ChangeSet>>) -> Vec<Results> {
    let shape: Vec<usize> = group.iter().map(Vec::len).collect();
    let failed = |error: &CommitError| shape.iter().map(|size| vec![Err(error.clone()); *size]).collect();
    if let Err(error) = run(conn, "BEGIN IMMEDIATE") {
        return failed(&read_failed(error).into());
    }
    let mut results: Vec<Results> = group
        .into_iter()
        .map(|batch| batch.into_iter().map(|changes| one(conn, changes)).collect())
        .collect();
    let committed = if conn.is_autocommit() {
        // SQLite ended the transaction by itself, as when the disk is full.
        Err(CommitError::Unavailable(rolled_back()))
    } else {
        run(conn, "COMMIT").map_err(commit_failed)
    };
    if let Err(error) = committed {
        if !conn.is_autocommit() {
            let _ = run(conn, "ROLLBACK");
        }
        // Who lost a gate or a row may have lost it to a neighbour that is not there now.
        let depends = |result: &&mut Result<Receipt, CommitError>| {
            matches!(result, Ok(_) | Err(CommitError::GateLost(_) | CommitError::Conflict { .. }))
        };
        for result in results.iter_mut().flatten().filter(depends) {
            *result = Err(error.clone());
        }
    }
    results
}

/// One change set in its savepoint.
pub(crate) fn one(conn: &Connection, changes: ChangeSet) -> Result<Receipt, CommitError> {
    if conn.is_autocommit() {
        return Err(CommitError::Unavailable(rolled_back()));
    }
    run(conn, "SAVEPOINT convio").map_err(write_failed)?;
    let result = apply(conn, changes);
    if result.is_err() && !conn.is_autocommit() {
        run(conn, "ROLLBACK TO convio").map_err(write_failed)?;
    }
    if !conn.is_autocommit() {
        run(conn, "RELEASE convio").map_err(write_failed)?;
    }
    result
}

fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(drop)
}

/// Batches that wait at most; further callers wait for room.
const JOBS_WAITING_MAX: usize = 1_024;
/// Change sets of one transaction after which no more are taken in: the first of them waits for all.
const GROUP_CHANGES_MAX: usize = 1_024;
