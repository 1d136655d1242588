//! The statements that a store runs, with their cost in steps of SQLite's machine: whoever opens a connection in this
//! process is listened to.
#![allow(unsafe_code, reason = "SQLite calls a C function for each new connection")]

use std::collections::HashMap;
use std::ffi::{c_char, c_int};
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError};
use std::thread::ThreadId;

use rusqlite::auto_extension::{init_auto_extension, register_auto_extension};
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus, ffi};

/// Listens, alone in this process, to connections that are opened from now on.
pub(crate) struct Trace {
    _alone: MutexGuard<'static, ()>,
}

/// A statement that was run to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Its text.
    pub(crate) sql: String,
    /// The name of the thread that ran it.
    pub(crate) thread: String,
    /// Steps of SQLite's machine.
    pub(crate) steps: i32,
    /// Rows that it went through because no index led to the one wanted.
    pub(crate) scanned: i32,
}

impl Trace {
    /// Begins to listen.
    pub(crate) fn start() -> Self {
        static LISTENS: Once = Once::new();
        LISTENS.call_once(|| {
            // SAFETY: `listen` opens no connection, closes none, and registers nothing.
            unsafe { register_auto_extension(listen) }.unwrap();
        });
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let trace = Self { _alone: alone };
        trace.take();
        trace
    }

    /// The statements since the last call, in the order in which they ended.
    pub(crate) fn take(&self) -> Vec<Statement> {
        std::mem::take(&mut heard().statements)
    }
}

impl Statement {
    /// What it does to which table, such as `SELECT contact`.
    pub(crate) fn gist(&self) -> String {
        let words: Vec<&str> = self.sql.split_whitespace().collect();
        let after = |word| words.iter().position(|found| *found == word).and_then(|at| words.get(at + 1));
        let table = match words[0] {
            "SELECT" => after("FROM"),
            "INSERT" => after("INTO"),
            "UPDATE" | "SAVEPOINT" | "RELEASE" | "ROLLBACK" => words.get(1),
            _ => None,
        };
        [Some(&words[0]), table].into_iter().flatten().copied().collect::<Vec<_>>().join(" ")
    }
}

unsafe extern "C" fn listen(
    db: *mut ffi::sqlite3,
    message: *mut *mut c_char,
    _: *const ffi::sqlite3_api_routines,
) -> c_int {
    let begin = |conn: Connection| {
        conn.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(hear));
        Ok(())
    };
    // SAFETY: SQLite hands over a connection that is open, and what `begin` does with it is allowed here.
    unsafe { init_auto_extension(db, message, begin) }
}

fn hear(event: TraceEvent<'_>) {
    let TraceEvent::Profile(statement, _) = event else {
        return;
    };
    let thread = std::thread::current();
    let sql = statement.sql().into_owned();
    let counts =
        [StatementStatus::VmStep, StatementStatus::FullscanStep].map(|count| statement.get_status(count));
    let mut heard = heard();
    // A prepared statement counts on from run to run, and anew when it is prepared anew.
    let before = heard.before.insert((thread.id(), sql.clone()), counts).unwrap_or_default();
    let [steps, scanned] =
        [0, 1].map(|at| if counts[0] < before[0] { counts[at] } else { counts[at] - before[at] });
    let thread = thread.name().unwrap_or_default().to_owned();
    heard.statements.push(Statement { sql, thread, steps, scanned });
}

#[derive(Default)]
struct Heard {
    statements: Vec<Statement>,
    before: HashMap<(ThreadId, String), [i32; 2]>,
}

fn heard() -> MutexGuard<'static, Heard> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}

static HEARD: LazyLock<Mutex<Heard>> = LazyLock::new(Mutex::default);
static ALONE: Mutex<()> = Mutex::new(());
