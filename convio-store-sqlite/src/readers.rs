//! The readers: threads with a read-only connection each.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use convio_core::WorkspaceId;
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::{Fault, StoreError};
use rusqlite::{Connection, ToSql};
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;

use crate::access::Job;
use crate::cells::{Id, int};
use crate::error::{gone, read_failed};

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

/// Runs reads as of one moment. Within a transaction they are so already: nobody else writes there in between.
pub(crate) fn snapshot<T>(
    conn: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if !conn.is_autocommit() {
        return read(conn);
    }
    let tx = conn.unchecked_transaction().map_err(read_failed)?;
    let read = read(&tx)?;
    tx.finish().map_err(read_failed)?;
    Ok(read)
}

/// A page of a list by id. In `sql`, `?1` is the workspace, `?2` the id that the page starts after (none is nil), `?3` its
/// limit; what the list goes by besides starts at `?4`.
///
/// Where a list goes by an index, `sql` names it: left to itself, SQLite may as well go through the whole workspace, most of
/// all with statistics that it took while the file was young.
pub(crate) fn query_page<T>(
    conn: &Connection,
    sql: &str,
    workspace: WorkspaceId,
    page: &PageRequest,
    filter: &[&dyn ToSql],
    read: impl Fn(&rusqlite::Row<'_>) -> Result<T, StoreError>,
    id: impl Fn(&T) -> Uuid,
) -> Result<Page<T>, StoreError> {
    let after = Id(page.after.map_or(Uuid::nil(), Cursor::as_id));
    let (workspace, limit) = (Id(workspace.uuid()), page_limit(page));
    let values = [&[&workspace as &dyn ToSql, &after, &limit], filter].concat();
    let rows = query_all(conn, sql, values.as_slice(), read)?;
    Ok(Page::of(rows, page.size(), |row| Cursor::id(id(row))))
}

/// One row more than the page holds: it tells whether there are more.
pub(crate) fn page_limit(page: &PageRequest) -> i64 {
    int(page.size() as u64 + 1)
}
