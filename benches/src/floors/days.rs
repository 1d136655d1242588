//! The days of calendars, read by one statement that is written by hand, and not parsed.

use std::path::Path;

use rusqlite::{Connection, params};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::Result;
use crate::server::Server;

/// A connection to the records of a workspace.
pub struct BareDays {
    workspace: Uuid,
    link: Link,
}

enum Link {
    Sqlite(Connection),
    Postgres { conn: PgConnection, sql: String },
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DaysRead {
    /// How many records.
    pub records: u64,
    /// Bytes of their documents.
    pub bytes: u64,
}

impl BareDays {
    /// Those of a SQLite file.
    pub fn of_file(file: &Path, workspace: Uuid) -> Result<Self> {
        Ok(Self { workspace, link: Link::Sqlite(Connection::open(file)?) })
    }

    /// Those of a schema.
    pub async fn of_schema(server: &Server, schema: &str, workspace: Uuid) -> Result<Self> {
        let sql = format!(
            "SELECT x.key, x.body::text FROM unnest($2::text[]) AS n (key)
            CROSS JOIN LATERAL (SELECT * FROM {schema}.record AS t
                WHERE t.workspace_id = $1 AND t.kind = 'calendar.busy' AND t.key = n.key LIMIT 1) AS x"
        );
        Ok(Self { workspace, link: Link::Postgres { conn: server.connect().await?, sql } })
    }

    /// Reads the days under these keys.
    pub async fn read(&mut self, keys: &[String]) -> Result<DaysRead> {
        let mut read = DaysRead::default();
        let mut note = |body: &str| {
            read.records += 1;
            read.bytes += body.len() as u64;
        };
        match &mut self.link {
            Link::Sqlite(conn) => {
                let mut select = conn.prepare_cached(SQLITE)?;
                let mut rows =
                    select.query(params![self.workspace.as_bytes(), serde_json::to_string(keys)?])?;
                while let Some(row) = rows.next()? {
                    note(row.get_ref(1)?.as_str()?);
                }
            }
            Link::Postgres { conn, sql } => {
                let select =
                    sqlx::query(AssertSqlSafe(sql.as_str())).bind(self.workspace).bind(keys.to_vec());
                for row in select.fetch_all(conn).await? {
                    note(row.try_get(1)?);
                }
            }
        }
        Ok(read)
    }
}

const SQLITE: &str = "SELECT key, body FROM record
    WHERE workspace_id = ?1 AND kind = 'calendar.busy' AND key IN (SELECT value FROM json_each(?2))";
