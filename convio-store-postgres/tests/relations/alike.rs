//! The relations are those of SQLite, whose tests compare every column with the typed values: the same names, the same columns
//! in the same order, and the same in each, with the types of Postgres.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use convio_store_sqlite::SqliteStore;
use rusqlite::Connection;
use rusqlite::types::Value;
use uuid::Uuid;

use super::program::{Answer, Cell, Program, with_place};
use super::world::{fill, now};

#[test]
fn every_row_of_every_relation_is_that_of_sqlite() {
    with_place(async |place| {
        let (now, folder) = (now(), tempfile::tempdir().unwrap());
        let file = folder.path().join("leads.db");
        fill(SqliteStore::open(&file).unwrap(), now).await;
        fill(place.store(), now).await;
        let (sqlite, mut program) = (Connection::open(&file).unwrap(), Program::on(place).await);

        let views =
            "SELECT table_name::text FROM information_schema.views WHERE table_schema = current_schema()";
        let views: BTreeSet<String> = program.texts(views).await.into_iter().collect();
        assert_eq!(
            views,
            names(&sqlite, "SELECT name FROM sqlite_master WHERE type = 'view'").into_iter().collect()
        );
        for relation in views {
            let Answer { mut columns, mut rows } = program.ask(&format!("SELECT * FROM {relation}")).await;
            assert!(!rows.is_empty(), "{relation}");
            // What only Postgres has comes last.
            let common = names(&sqlite, &format!("SELECT name FROM pragma_table_info('{relation}')"));
            let more = columns.split_off(common.len());
            assert!(more.iter().all(|name| name.ends_with("source_as_written")), "{relation}: {more:?}");
            assert_eq!(columns, common, "{relation}");
            let folded: Vec<usize> = (0..columns.len())
                .filter(|at| more.contains(&format!("{}_as_written", columns[*at])))
                .collect();
            assert_eq!(folded.len(), more.len(), "{relation}");
            for row in &mut rows {
                row.truncate(common.len());
            }

            let mut wanted = cells(&sqlite, &relation);
            for row in &mut wanted {
                for (at, cell) in row.iter_mut().enumerate() {
                    let like = rows.iter().map(|row| &row[at]).find(|cell| **cell != Cell::Null);
                    cell.take_the_form_of(like.unwrap_or(&Cell::Null));
                    if let (true, Cell::Text(text)) = (folded.contains(&at), &mut *cell) {
                        text.make_ascii_lowercase();
                    }
                }
            }
            let in_order = |mut rows: Vec<Vec<Cell>>| {
                rows.sort_by_key(|row| format!("{row:?}"));
                rows.into_iter()
                    .map(|row| columns.iter().cloned().zip(row).collect::<Vec<_>>())
                    .collect::<Vec<_>>()
            };
            assert_eq!(in_order(rows), in_order(wanted), "{relation}");
        }
    });
}

impl Cell {
    /// What SQLite shows, as Postgres shows what is like this.
    fn take_the_form_of(&mut self, like: &Self) {
        let shown = std::mem::replace(self, Self::Null);
        *self = match (like, shown) {
            (Self::Id(_), Self::Bytes(bytes)) => Uuid::from_slice(&bytes).unwrap().into(),
            (Self::Time(_), Self::Text(text)) => {
                text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().into()
            }
            (Self::Day(_), Self::Text(text)) => text.parse::<NaiveDate>().unwrap().into(),
            (Self::Boolean(_), Self::Integer(flag @ 0..=1)) => (flag == 1).into(),
            (Self::Numeric(_), Self::Text(text)) => Self::Numeric(text),
            (Self::Json(_), Self::Text(text)) => Self::Json(serde_json::from_str(&text).unwrap()),
            (_, shown) => shown,
        };
    }
}

fn names(sqlite: &Connection, sql: &str) -> Vec<String> {
    let mut statement = sqlite.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn cells(sqlite: &Connection, relation: &str) -> Vec<Vec<Cell>> {
    let mut statement = sqlite.prepare(&format!("SELECT * FROM {relation}")).unwrap();
    let columns = statement.column_count();
    let cell = |value| match value {
        Value::Null => Cell::Null,
        Value::Integer(n) => Cell::Integer(n),
        Value::Real(n) => Cell::Real(n),
        Value::Text(text) => Cell::Text(text),
        Value::Blob(bytes) => Cell::Bytes(bytes),
    };
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at).map(cell)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
