//! Asks a database in SQL alone, as a person with `psql` does: the answer comes as text, and each cell is read by the type that
//! the database names.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Column, Row, TypeInfo, ValueRef};
use uuid::Uuid;

use crate::support::{Place, connect, run};

/// A session in UTC that finds the relations by their names alone.
pub(crate) struct Program(PgConnection);

/// What it answers: the names of the columns (none where there are no rows), and the rows.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A value as Postgres has it: two are equal if their types are too.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    /// With all its decimals.
    Numeric(String),
    Boolean(bool),
    Text(String),
    Id(Uuid),
    Time(DateTime<Utc>),
    Day(NaiveDate),
    Json(Value),
    /// No relation has it; SQLite's ids are bytes.
    Bytes(Vec<u8>),
}

impl Program {
    pub(crate) async fn on(place: &Place) -> Self {
        let mut program = Self(connect().await);
        program.run(&format!("SET TimeZone = 'UTC'; SET search_path = {}", place.schema)).await;
        program
    }

    /// The answer to a query.
    pub(crate) async fn ask(&mut self, sql: &str) -> Answer {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut self.0).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let names = |row: &PgRow| row.columns().iter().map(|column| column.name().to_owned()).collect();
        Answer {
            columns: rows.first().map(names).unwrap_or_default(),
            rows: rows.iter().map(|row| (0..row.len()).map(|at| cell(row, at)).collect()).collect(),
        }
    }

    /// The rows of the answer.
    pub(crate) async fn rows(&mut self, sql: &str) -> Vec<Vec<Cell>> {
        self.ask(sql).await.rows
    }

    /// The only row of the answer.
    pub(crate) async fn row(&mut self, sql: &str) -> Vec<Cell> {
        let mut rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql}");
        rows.remove(0)
    }

    /// The first column of the answer, of texts.
    pub(crate) async fn texts(&mut self, sql: &str) -> Vec<String> {
        let first = |row: Vec<Cell>| match row.into_iter().next() {
            Some(Cell::Text(text)) => text,
            other => panic!("{other:?} is no text"),
        };
        self.rows(sql).await.into_iter().map(first).collect()
    }

    /// Does something.
    pub(crate) async fn run(&mut self, sql: &str) {
        self.attempt(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }

    /// Does something, if it may.
    pub(crate) async fn attempt(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.0).await.map(drop)
    }
}

/// Looks at a new schema, in the runtime.
pub(crate) fn with_place(look: impl AsyncFnOnce(&Place)) {
    let place = Place::new();
    run(look(&place));
}

/// These columns of the answer.
#[track_caller]
pub(crate) fn pick(answer: &Answer, columns: &[&str]) -> Vec<Vec<Cell>> {
    let at = |name: &&str| answer.columns.iter().position(|column| column == name).expect(name);
    let at: Vec<usize> = columns.iter().map(at).collect();
    answer.rows.iter().map(|row| at.iter().map(|at| row[*at].clone()).collect()).collect()
}

/// The rows in an order of their own: the queries ask for none.
pub(crate) fn sorted(mut rows: Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

fn cell(row: &PgRow, at: usize) -> Cell {
    let raw = row.try_get_raw(at).unwrap();
    if raw.is_null() {
        return Cell::Null;
    }
    match row.column(at).type_info().name() {
        "INT2" => Cell::Integer(row.get::<i16, _>(at).into()),
        "INT4" => Cell::Integer(row.get::<i32, _>(at).into()),
        "INT8" => Cell::Integer(row.get(at)),
        "FLOAT8" => Cell::Real(row.get(at)),
        "NUMERIC" => Cell::Numeric(raw.as_str().unwrap().to_owned()),
        "BOOL" => Cell::Boolean(row.get(at)),
        "TEXT" => Cell::Text(row.get(at)),
        "UUID" => Cell::Id(row.get(at)),
        "TIMESTAMPTZ" => Cell::Time(row.get(at)),
        "DATE" => Cell::Day(row.get(at)),
        "JSON" => Cell::Json(serde_json::from_str(raw.as_str().unwrap()).unwrap()),
        other => panic!("no relation has a column of the type {other}"),
    }
}

/// An amount, as it is shown.
pub(crate) fn amount(text: impl Into<String>) -> Cell {
    Cell::Numeric(text.into())
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
    bool, yes => Self::Boolean(yes);
    Uuid, id => Self::Id(id);
    DateTime<Utc>, at => Self::Time(at);
    NaiveDate, day => Self::Day(day);
    Value, json => Self::Json(json);
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row as Postgres has it.
macro_rules! cells {
    ($($cell:expr),+ $(,)?) => {
        vec![$($crate::relations::program::Cell::from($cell)),+]
    };
}
pub(crate) use cells;
