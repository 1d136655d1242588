//! The rows of a feed, read by one statement a page, and made into no events.

use std::path::Path;

use rusqlite::{Connection, params};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::Result;
use crate::server::Server;

/// A connection to the events of a workspace.
pub struct BareFeed {
    workspace: Uuid,
    link: Link,
}

enum Link {
    Sqlite(Connection),
    Postgres { conn: PgConnection, sql: String },
}

impl BareFeed {
    /// Those of a SQLite file.
    pub fn of_file(file: &Path, workspace: Uuid) -> Result<Self> {
        Ok(Self { workspace, link: Link::Sqlite(Connection::open(file)?) })
    }

    /// Those of a schema.
    pub async fn of_schema(server: &Server, schema: &str, workspace: Uuid) -> Result<Self> {
        let sql = format!(
            "SELECT position, {COLUMNS} FROM {schema}.event WHERE workspace_id = $1 AND position > $2 ORDER BY position LIMIT $3"
        );
        Ok(Self { workspace, link: Link::Postgres { conn: server.connect().await?, sql } })
    }

    /// Reads all rows, so many at a time. Answers how many there are.
    pub async fn read(&mut self, page: i64) -> Result<u64> {
        let (mut read, mut after) = (0, 0);
        loop {
            let (rows, last) = self.page(after, page).await?;
            read += rows;
            after = last;
            if rows < page.unsigned_abs() {
                return Ok(read);
            }
        }
    }

    /// How many rows come next, and the position of the last one.
    async fn page(&mut self, after: i64, limit: i64) -> Result<(u64, i64)> {
        let (mut count, mut last) = (0, after);
        match &mut self.link {
            Link::Sqlite(conn) => {
                let sql = format!(
                    "SELECT position, {COLUMNS} FROM event WHERE workspace_id = ?1 AND position > ?2 ORDER BY position LIMIT ?3"
                );
                let mut select = conn.prepare_cached(&sql)?;
                let columns = select.column_count();
                let mut rows = select.query(params![self.workspace.as_bytes(), after, limit])?;
                while let Some(row) = rows.next()? {
                    last = row.get(0)?;
                    for column in 1..columns {
                        std::hint::black_box(row.get_ref(column)?);
                    }
                    count += 1;
                }
            }
            Link::Postgres { conn, sql } => {
                let select = sqlx::query(AssertSqlSafe(sql.as_str()));
                for row in select.bind(self.workspace).bind(after).bind(limit).fetch_all(conn).await? {
                    last = row.try_get(0)?;
                    for column in 1..row.len() {
                        std::hint::black_box(row.try_get_raw(column)?);
                    }
                    count += 1;
                }
            }
        }
        Ok((count, last))
    }
}

/// What an event is made of, but its workspace and position.
const COLUMNS: &str = "at, kind, contact_id, contact_seq, lead_id, lead_seq, subject_kind, subject_id, subject_seq, contact_number, \
    duplicate_of, actor, request, causation, facts, personal";
