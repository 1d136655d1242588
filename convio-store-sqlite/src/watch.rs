//! Wake-ups: who waits for events hears of this store's commits at once, and of those of other connections to the file, in this process or in
//! another one, within [`LOOK_EVERY`].
//!
//! For the latter a thread looks at `PRAGMA data_version`, which tells whether another connection has committed: some microseconds, no lock and no
//! read of a table. It is started by the first wait, and looks only while someone waits.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use convio_core::store::{Bell, Tick};
use rusqlite::Connection;

/// What makes the connection that is looked through.
type Connect = Box<dyn FnOnce() -> rusqlite::Result<Connection> + Send>;

pub(crate) struct Watch {
    bell: Arc<Bell>,
    /// Apart, so that a store is moved lightly.
    state: Box<Mutex<State>>,
}

/// At most one of these is there: nothing was waited for yet, or the thread runs.
#[derive(Default)]
struct State {
    connect: Option<Connect>,
    thread: Option<(SyncSender<()>, JoinHandle<()>)>,
}

impl Watch {
    pub(crate) fn new(
        bell: Arc<Bell>,
        connect: impl FnOnce() -> rusqlite::Result<Connection> + Send + 'static,
    ) -> Self {
        let state = State { connect: Some(Box::new(connect)), thread: None };
        Self { bell, state: Box::new(Mutex::new(state)) }
    }

    /// Waits until there may be an event that `seen` does not know of.
    pub(crate) async fn wait(&self, seen: Tick) -> Tick {
        if seen != Tick::default() {
            self.begin();
        }
        self.bell.wait(seen).await
    }

    /// Has the thread look. Where it can't be started, or the file can't be opened once more, only this store's commits are heard of: whoever
    /// waits looks after some time in any case.
    fn begin(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connect) = state.connect.take() {
            let (awaited, is_awaited) = sync_channel(1);
            let bell = self.bell.clone();
            let look = move || {
                if let Ok(conn) = connect() {
                    look(&conn, &is_awaited, &bell);
                }
            };
            let thread = std::thread::Builder::new().name("convio-sqlite-watch".to_owned()).spawn(look);
            state.thread = thread.ok().map(|thread| (awaited, thread));
        }
        if let Some((awaited, _)) = &state.thread {
            // One that it has not heard yet will do.
            let _ = awaited.try_send(());
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some((awaited, thread)) = state.thread.take() {
            drop(awaited);
            let _ = thread.join();
        }
    }
}

/// Rings when another connection has committed, while someone waits.
fn look(conn: &Connection, is_awaited: &Receiver<()>, bell: &Bell) {
    let version = || conn.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).ok();
    let mut last = None;
    while is_awaited.recv().is_ok() {
        // Whoever sent that is about to wait, or does already.
        let mut idle = 0;
        while idle < IDLE_LOOKS {
            let now = version();
            if now != last {
                last = now;
                bell.ring();
            }
            idle = if bell.is_awaited() { 0 } else { idle + 1 };
            match is_awaited.recv_timeout(LOOK_EVERY) {
                Ok(()) => idle = 0,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// How late another process is heard of at most: soon for people, and a few hundred microseconds of work a second.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Looks without anybody who waits, before the thread sleeps: whoever is woken comes back soon, most often.
const IDLE_LOOKS: u32 = 10;
