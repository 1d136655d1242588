//! The `sqlite3` program, as people use it, or python3's module of that name where there is none.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// Asks a file, which it only reads.
pub(crate) struct Program {
    name: &'static str,
    file: PathBuf,
}

/// What it answers: the names of the columns (none where there are no rows), and the rows.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A value as SQLite has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Program {
    pub(crate) fn on(file: &Path) -> Self {
        let runs = |name: &&str| {
            let args: &[&str] = if *name == "sqlite3" { &["--version"] } else { &["-c", "import sqlite3"] };
            Command::new(name).args(args).output().is_ok_and(|output| output.status.success())
        };
        let name = ["sqlite3", "python3"].into_iter().find(runs);
        let name = name
            .expect("a program that reads SQLite files: install `sqlite3` (Debian: apt-get install sqlite3)");
        Self { name, file: file.to_owned() }
    }

    /// The answer to a query.
    #[track_caller]
    pub(crate) fn ask(&self, sql: &str) -> Answer {
        let mut command = Command::new(self.name);
        match self.name {
            "sqlite3" => {
                command.args(["-init", "/dev/null", "-batch", "-bail", "-readonly", "-header", "-quote"]);
                // Plans are answered as rows, not drawn.
                command.args(["-cmd", ".explain off"])
            }
            _ => command.args(["-c", SCRIPT]),
        };
        let output = command.arg(&self.file).arg(sql).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}: {err}\n{sql}", self.name);
        let mut lines = out.lines().map(cells);
        let columns = lines.next().unwrap_or_default().into_iter().map(|cell| match cell {
            Cell::Text(name) => name,
            other => panic!("{other:?} is no name of a column"),
        });
        Answer { columns: columns.collect(), rows: lines.collect() }
    }

    /// The only row of the answer, by column.
    #[track_caller]
    pub(crate) fn row(&self, sql: &str) -> Vec<(String, Cell)> {
        let Answer { columns, mut rows } = self.ask(sql);
        assert_eq!(rows.len(), 1, "{sql}");
        columns.into_iter().zip(rows.remove(0)).collect()
    }

    /// The only cell of the answer.
    #[track_caller]
    pub(crate) fn cell(&self, sql: &str) -> Cell {
        let mut row = self.row(sql);
        assert_eq!(row.len(), 1, "{sql}");
        row.remove(0).1
    }

    /// The first column of the answer, in ascending order.
    #[track_caller]
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        let first = |row: Vec<Cell>| match row.into_iter().next() {
            Some(Cell::Text(text)) => text,
            other => panic!("{other:?} is no text"),
        };
        let mut texts: Vec<String> = self.ask(sql).rows.into_iter().map(first).collect();
        texts.sort_unstable();
        texts
    }
}

/// The literals of a line, as both programs write them.
fn cells(line: &str) -> Vec<Cell> {
    let (mut cells, mut rest) = (Vec::new(), line);
    loop {
        let end = match rest.strip_prefix('\'') {
            // A quote in a text is written twice.
            Some(text) => {
                let mut quotes = text.match_indices('\'').map(|(at, _)| at).peekable();
                let mut end = quotes.next().unwrap();
                while quotes.next_if_eq(&(end + 1)).is_some() {
                    end = quotes.next().unwrap();
                }
                end + 2
            }
            None => rest.find(',').unwrap_or(rest.len()),
        };
        cells.push(cell(&rest[..end]));
        match rest[end..].strip_prefix(',') {
            Some(more) => rest = more,
            None => return cells,
        }
    }
}

fn cell(literal: &str) -> Cell {
    let quoted = |text: &str| text.strip_suffix('\'').map(str::to_owned);
    if let Some(text) = literal.strip_prefix('\'').and_then(quoted) {
        return Cell::Text(text.replace("''", "'"));
    }
    if let Some(digits) = literal.strip_prefix("X'").and_then(quoted) {
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        return Cell::Blob((0..digits.len()).step_by(2).map(byte).collect());
    }
    match literal {
        "NULL" => Cell::Null,
        number => number.parse().map_or_else(|_| Cell::Real(number.parse().unwrap()), Cell::Integer),
    }
}

macro_rules! cell_from {
    ($($from:ty, $value:ident => $cell:expr;)+) => {$(
        impl From<$from> for Cell {
            fn from($value: $from) -> Self {
                $cell
            }
        }
    )+};
}

cell_from! {
    &str, text => Self::Text(text.to_owned());
    String, text => Self::Text(text);
    &String, text => Self::Text(text.clone());
    i32, n => Self::Integer(n.into());
    i64, n => Self::Integer(n);
    u64, n => Self::Integer(n.try_into().unwrap());
    u32, n => Self::Integer(n.into());
    f64, n => Self::Real(n);
    bool, yes => Self::Integer(yes.into());
    // An id in its native form.
    Uuid, id => Self::Blob(id.as_bytes().to_vec());
    DateTime<Utc>, at => Self::Text(at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
    NaiveDate, day => Self::Text(day.to_string());
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row by column.
macro_rules! row {
    ($($column:ident: $value:expr),+ $(,)?) => {
        vec![$((stringify!($column).to_owned(), $crate::relations::program::Cell::from($value))),+]
    };
}
pub(crate) use row;

/// Answers as `sqlite3 -header -quote` does.
const SCRIPT: &str = r#"
import sqlite3, sys
def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return "X'" + value.hex() + "'"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
found = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute(sys.argv[2])
rows = found.fetchall()
for row in ([[column[0] for column in found.description]] if rows else []) + rows:
    print(",".join(map(literal, row)))
"#;
