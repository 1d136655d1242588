//! The rollups are what SQL counts from events and rows: written apart from the code that keeps them, and from the conformance
//! kit's own recount.

use std::sync::Arc;

use chrono::{DateTime, Datelike};
use convio_conformance::{Case, Subject};
use convio_core::{Store, Zone};
use convio_store_sqlite::SqliteStore;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, types::Value};

#[test]
fn rollups_equal_a_recount_in_sql() {
    let subject = OnDisk::new();
    Case::named("random::operations_match_the_model").expect("the case").run(&subject);
    let conn = subject.connect();
    assert_eq!(differences(&conn), [] as [String; 0]);
    assert_eq!(rows(&conn, UNEVEN_CREDITS, |row| row.get::<_, String>(0)), [] as [String; 0]);
    let paid_back = "SELECT count(*) > 0 FROM conversion_credits WHERE credit_minor < 0";
    assert_eq!(rows(&conn, paid_back, |row| row.get::<_, bool>(0)), [true], "something was paid back");
    let cubes: Vec<i64> = rows(&conn, "SELECT DISTINCT cube FROM rollup ORDER BY cube", |row| row.get(0));
    assert_eq!(cubes, (0..10).collect::<Vec<_>>(), "the lists touch every cube");
}

#[test]
fn the_recount_notices_a_sum_that_is_off() {
    let subject = OnDisk::new();
    Case::named("random::operations_match_the_model").expect("the case").run(&subject);
    let conn = subject.connect();
    for cube in 0..10 {
        conn.execute_batch("BEGIN").expect("a transaction");
        assert_eq!(conn.execute(ADD_ONE, [cube]).expect("an update"), 1, "cube {cube}");
        assert!(!differences(&conn).is_empty(), "cube {cube}");
        conn.execute_batch("ROLLBACK").expect("the end of it");
    }
}

/// Every row that is kept and not counted, or counted and not kept.
fn differences(conn: &Connection) -> Vec<String> {
    rows(conn, include_str!("recount.sql"), |row| {
        let cells: rusqlite::Result<Vec<Value>> =
            (0..row.as_ref().column_count()).map(|at| row.get(at)).collect();
        Ok(format!("{:?}", cells?))
    })
}

fn rows<T>(conn: &Connection, sql: &str, read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let mut statement = conn.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| read(row)).expect("rows");
    rows.collect::<rusqlite::Result<_>>().expect("rows that can be read")
}

struct OnDisk {
    store: Arc<SqliteStore>,
    folder: tempfile::TempDir,
}

impl OnDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(SqliteStore::open(folder.path().join("leads.db")).expect("a store"));
        Self { store, folder }
    }

    /// A connection with the functions that the recount asks for.
    fn connect(&self) -> Connection {
        let conn = Connection::open(self.folder.path().join("leads.db")).expect("the file");
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        conn.create_scalar_function("day_of", 2, flags, |context| {
            let (micros, zone): (i64, String) = (context.get(0)?, context.get(1)?);
            let at = DateTime::from_timestamp_micros(micros).expect("a time");
            let day = Zone::parse(&zone).expect("a zone").day_of(at);
            Ok(i64::from(day.num_days_from_ce()) - 719_163)
        })
        .expect("a function");
        conn.create_scalar_function("fold", 1, flags, |context| Ok(context.get::<String>(0)?.to_lowercase()))
            .expect("a function");
        conn.create_scalar_function("target", 1, flags, |context| {
            let Some(json) = context.get::<Option<String>>(0)? else { return Ok(String::new()) };
            let target: serde_json::Value = serde_json::from_str(&json).expect("a target");
            let (kind, name) = target.as_object().and_then(|target| target.iter().next()).expect("a kind");
            Ok(format!("{kind} `{}`", name.as_str().expect("a name")))
        })
        .expect("a function");
        conn
    }
}

impl Subject for OnDisk {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        None
    }
}

/// Conversions whose credits are not what they are worth, by some model: nothing, where they were voided.
const UNEVEN_CREDITS: &str = "SELECT k.conversion_uuid || ' ' || k.model || ' ' || sum(k.credit_minor)
    FROM conversion_credits k
    JOIN conversion c ON c.workspace_id = k.workspace_id AND hex(c.id) = upper(replace(k.conversion_uuid, '-', ''))
    GROUP BY k.conversion_uuid, k.model
    HAVING sum(k.credit_minor) <> iif(c.voided_at IS NULL, c.net_minor, 0)
        OR sum(k.conversion_millionths) <> iif(c.voided_at IS NULL, 1000000, 0)";

/// Makes one row of a cube wrong.
const ADD_ONE: &str = "UPDATE rollup SET n0 = n0 + 1 WHERE (workspace_id, cube, day, d1, d2, d3) =
    (SELECT workspace_id, cube, day, d1, d2, d3 FROM rollup WHERE cube = ?1 LIMIT 1)";
