//! The readers: threads with a read-only connection each.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use convio_core::page::{Cursor, PageRequest};
use convio_core::store::{Fault, StoreError};
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use crate::cells::{Id, int};
use crate::error::{gone, read_failed};

type Job = Box<dyn FnOnce(&Connection) + Send>;

pub(crate) struct Readers {
    jobs: Option<Sender<Job>>,
    room: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(connections: Vec<Connection>) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let mut readers =
            Self { jobs: Some(jobs), room: Arc::new(Semaphore::new(READS_WAITING_MAX)), threads: Vec::new() };
        for conn in connections {
            let queue = queue.clone();
            let thread = std::thread::Builder::new()
                .name("convio-sqlite-read".to_owned())
                .spawn(move || while next(&queue).map(|job| job(&conn)).is_some() {})
                .map_err(|error| StoreError::Unavailable(Fault::new(error)))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs `read` on a reader. What it reads is one snapshot where it opens a transaction.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let unavailable = || StoreError::Unavailable(gone());
        let place = self.room.clone().acquire_owned().await.map_err(|_| unavailable())?;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            // A caller that went away needs no answer.
            let _ = answer.send(read(conn));
            drop(place);
        });
        self.jobs.as_ref().ok_or_else(unavailable)?.send(job).map_err(|_| unavailable())?;
        answered.await.map_err(|_| unavailable())?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Reads that wait at most; further callers wait for room.
const READS_WAITING_MAX: usize = 1_024;

/// The one row of a query, if there is one.
pub(crate) fn query_one<T>(
    conn: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(read_failed)?;
    let mut rows = statement.query(values).map_err(read_failed)?;
    rows.next().map_err(read_failed)?.map(read).transpose()
}

/// All rows of a query: bound it by a `LIMIT` or by what it is about.
pub(crate) fn query_all<T>(
    conn: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(read_failed)?;
    let mut rows = statement.query(values).map_err(read_failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(read_failed)? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// Runs reads as of one moment.
pub(crate) fn snapshot<T>(
    conn: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let tx = conn.unchecked_transaction().map_err(read_failed)?;
    let read = read(&tx)?;
    tx.finish().map_err(read_failed)?;
    Ok(read)
}

/// The id that a page starts after: none is nil.
pub(crate) fn after_id(page: &PageRequest) -> Id {
    Id(page.after.map_or(uuid::Uuid::nil(), Cursor::as_id))
}

/// One row more than the page holds: it tells whether there are more.
pub(crate) fn page_limit(page: &PageRequest) -> i64 {
    int(page.size() as u64 + 1)
}
