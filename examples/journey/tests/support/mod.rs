//! The program as its user runs it, and what another program finds in its database.
#![allow(dead_code, reason = "each test binary takes what it needs")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own, gone afterwards.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.path("journey.db")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// `journey --db DB ARGUMENTS`
pub(crate) fn journey(db: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_journey"));
    command.arg("--db").arg(db).args(arguments);
    command
}

/// What it prints, if it succeeds.
pub(crate) fn text(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The JSON that it prints.
pub(crate) fn figures(db: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&text(journey(db, arguments).arg("--json"))).unwrap()
}

/// What it says when it fails.
pub(crate) fn failure(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    said(&output)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Starts it and kills it as soon as it has said `line`.
pub(crate) fn kill_at(mut command: Command, line: &str) {
    let mut job = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(job.stderr.take().unwrap());
    let reached = said.lines().map_while(Result::ok).any(|said| said == line);
    job.kill().unwrap();
    let status = job.wait().unwrap();
    assert!(reached, "the job never said `{line}`");
    assert!(!status.success(), "the job was faster than the kill");
}

/// The database, opened by another program.
pub(crate) fn open(db: &Path) -> Connection {
    Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// The only number that a query gives.
pub(crate) fn number(db: &Path, query: &str) -> i64 {
    open(db).query_row(query, [], |row| row.get(0)).unwrap()
}

/// Every row of every table, as text.
pub(crate) fn dump(db: &Path) -> Vec<String> {
    let conn = open(db);
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut tables = conn.prepare(tables).unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut dump = Vec::new();
    for name in names {
        let mut all = conn.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<String> =
                (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect();
            dump.push(format!("{name}: {}", cells.join(", ")));
        }
    }
    dump
}
