//! Writes rows, many by one statement where there are many.

use convio_core::store::CommitError;
use rusqlite::{CachedStatement, Connection, ToSql};

use crate::error::write_failed;

/// A statement that writes a row, and can write several: `head (?, ?, ...), (?, ?, ...) tail`.
pub(crate) struct Sql {
    /// `INSERT ... VALUES`. Where it says `OR FAIL`, a statement of many rows keeps no journal of its own: one that fails is not
    /// gone on with, and what it has written is taken back with all the rest.
    pub(crate) head: &'static str,
    /// Values of a row; 0 where the head says them, and so is for one row alone.
    pub(crate) values: usize,
    pub(crate) tail: &'static str,
}

/// Writes as many rows as were announced.
pub(crate) struct Put<'c> {
    conn: &'c Connection,
    sql: &'static Sql,
    /// Rows to come.
    left: usize,
    statement: Option<CachedStatement<'c>>,
    /// Rows of the statement, and those of them that are bound.
    rows: usize,
    bound: usize,
}

impl<'c> Put<'c> {
    pub(crate) fn new(conn: &'c Connection, sql: &'static Sql, rows: usize) -> Self {
        Self { conn, sql, left: rows, statement: None, rows: 0, bound: 0 }
    }

    /// Writes a row that was checked.
    pub(crate) fn row(&mut self, values: &[&dyn ToSql]) -> Result<(), CommitError> {
        self.bind(values).map(drop)
    }

    /// Writes a row that was taken to be new: the statement writes nothing where there is one already.
    pub(crate) fn new_row(
        &mut self,
        values: &[&dyn ToSql],
        what: impl FnOnce() -> String,
    ) -> Result<(), CommitError> {
        match self.bind(values)? {
            Some(written) if written < self.rows => {
                let what = if self.rows == 1 { what() } else { "a row that was taken to be new".to_owned() };
                Err(CommitError::Conflict { what })
            }
            _ => Ok(()),
        }
    }

    /// Binds a row. With the last one of the statement, it is run, and tells how many rows it wrote.
    fn bind(&mut self, values: &[&dyn ToSql]) -> Result<Option<usize>, CommitError> {
        if self.bound == 0 {
            let rows = if self.left >= ROWS && self.sql.values > 0 { ROWS } else { 1 };
            if self.rows != rows {
                self.rows = rows;
                self.statement =
                    Some(self.conn.prepare_cached(&self.sql.of_rows(rows)).map_err(write_failed)?);
            }
        }
        let Some(statement) = &mut self.statement else { return Ok(None) };
        for (value, at) in values.iter().zip(1 + self.bound * values.len()..) {
            statement.raw_bind_parameter(at, value).map_err(write_failed)?;
        }
        self.left = self.left.saturating_sub(1);
        self.bound += 1;
        if self.bound < self.rows {
            return Ok(None);
        }
        self.bound = 0;
        statement.raw_execute().map(Some).map_err(write_failed)
    }
}

impl Sql {
    fn of_rows(&self, rows: usize) -> String {
        let Self { head, values, tail } = self;
        if *values == 0 {
            return (*head).to_owned();
        }
        let row = format!("({})", vec!["?"; *values].join(", "));
        format!("{head} {} {tail}", vec![row; rows].join(", "))
    }
}

/// Rows of one statement. More gain little, and rows that fill no statement are written one by one.
const ROWS: usize = 16;
