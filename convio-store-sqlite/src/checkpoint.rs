//! Checkpoints: the log is copied into the file by a thread and a connection of its own, while the writer goes on.
//!
//! A log that is written to all the time never comes to its end this way, and only at its end can it begin anew. So where it has
//! grown large, the writer waits for what is left to be copied, once, before it begins its next group.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use convio_core::store::{Fault, StoreError};
use rusqlite::Connection;

thread_local! {
    /// Pages in the log, as of the last commit of this thread.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// What the writer holds of the checkpointer.
pub(crate) struct Checkpoints {
    asks: Option<SyncSender<Option<SyncSender<()>>>>,
    thread: Option<JoinHandle<()>>,
    log_pages_max: u32,
    /// Where the log is copied next, and where it is waited for.
    next: u32,
    wait: u32,
}

impl Checkpoints {
    pub(crate) fn start(conn: Connection, log_pages_max: u32) -> Result<Self, StoreError> {
        let (asks, asked) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("convio-sqlite-checkpoint".to_owned())
            .spawn(move || copy(&conn, &asked))
            .map_err(|error| StoreError::Unavailable(Fault::new(error)))?;
        let next = STEP_PAGES.min(log_pages_max);
        Ok(Self { asks: Some(asks), thread: Some(thread), log_pages_max, next, wait: log_pages_max })
    }

    /// Counts what this connection commits to the log, on the thread that calls this. Its commits copy nothing by themselves then.
    pub(crate) fn listen(conn: &Connection) {
        conn.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(u32::try_from(pages).unwrap_or_default());
            Ok(())
        }));
    }

    /// Between two groups: has the log copied where it has grown, and waits for that where it has grown large.
    pub(crate) fn tend(&mut self) {
        let pages = LOG_PAGES.get();
        let Some(asks) = &self.asks else { return };
        if pages < self.next.saturating_sub(STEP_PAGES) {
            // It began anew.
            (self.next, self.wait) = (STEP_PAGES.min(self.log_pages_max), self.log_pages_max);
        }
        if pages >= self.wait {
            let (done, is_done) = sync_channel(1);
            if asks.send(Some(done)).is_ok() {
                let _ = is_done.recv();
            }
            // A reader that began long ago keeps the log from beginning anew: it grows on until that one is through.
            (self.next, self.wait) = (pages + STEP_PAGES, pages + STEP_PAGES);
        } else if pages >= self.next {
            // One that is asked for already will do.
            let _ = asks.try_send(None);
            self.next = pages + STEP_PAGES;
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn copy(conn: &Connection, asked: &Receiver<Option<SyncSender<()>>>) {
    while let Ok(done) = asked.recv() {
        // What comes while the first pass copies much is little, and copied by the next: only at the end of the log is the file
        // synced, and better here than while the writer waits.
        let is_left = |_: &usize| {
            let (pages, copied): (i64, i64) = conn
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))
                // Nothing depends on it: what is in the log is safe there, and copied the next time.
                .unwrap_or_default();
            copied < pages
        };
        (0..PASSES_MAX).take_while(is_left).for_each(drop);
        if let Some(done) = done {
            let _ = done.send(());
        }
    }
}

/// Passes over the log in a row.
const PASSES_MAX: usize = 3;
/// Pages by which the log grows until it is copied again: SQLite's own measure.
const STEP_PAGES: u32 = 1_000;
