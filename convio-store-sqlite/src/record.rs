use async_trait::async_trait;
use chrono::{DateTime, Utc};
use convio_core::WorkspaceId;
use convio_core::change_set::Version;
use convio_core::record::{CONFIG_KINDS, Record, Records};
use convio_core::store::{CommitError, StoreError};
use rusqlite::{Connection, Row, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, int, to_json};
use crate::error::read_failed;
use crate::gates;
use crate::put::{Put, Sql};
use crate::readers::{query_all, query_one, snapshot};

#[async_trait]
impl<A: Access> Records for Sqlite<A> {
    async fn fetch_records(
        &self,
        workspace: WorkspaceId,
        kind: &str,
        keys: &[String],
    ) -> Result<Vec<Record>, StoreError> {
        let (kind, keys) = (kind.to_owned(), keys.to_vec());
        let found = move |conn: &Connection| {
            // Each statement by itself would begin to read anew.
            snapshot(conn, |conn| {
                let mut select = conn.prepare_cached(BY_KEY).map_err(read_failed)?;
                let mut found = Vec::new();
                for key in &keys {
                    let mut rows =
                        select.query(params![Id(workspace.uuid()), kind, key]).map_err(read_failed)?;
                    found.extend(rows.next().map_err(read_failed)?.map(read).transpose()?);
                }
                Ok(found)
            })
        };
        self.access.read(found).await
    }

    async fn fetch_used(
        &self,
        workspace: WorkspaceId,
        counters: &[(String, DateTime<Utc>)],
    ) -> Result<Vec<i64>, StoreError> {
        let counters = counters.to_vec();
        let used = move |conn: &Connection| {
            counters.iter().map(|(key, window)| gates::used(conn, workspace, key, *window)).collect()
        };
        self.access.read(used).await
    }
}

pub(crate) fn fetch(
    conn: &Connection,
    workspace: WorkspaceId,
    kind: &str,
    key: &str,
) -> Result<Option<Record>, StoreError> {
    query_one(conn, BY_KEY, params![Id(workspace.uuid()), kind, key], read)
}

/// The records of a workspace's configuration.
pub(crate) fn of_config(conn: &Connection, workspace: WorkspaceId) -> Result<Vec<Record>, StoreError> {
    let [a, b, c, d, e, f, g] = CONFIG_KINDS;
    query_all(conn, OF_KINDS, params![Id(workspace.uuid()), a, b, c, d, e, f, g], read)
}

/// Writes a row whose version was checked: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Record) -> Result<(), CommitError> {
    let Record { workspace, kind, key, body, version } = row;
    put.row(params![Id(workspace.uuid()), kind, key, to_json(body)?, int(version.0)])
}

fn read(row: &Row<'_>) -> Result<Record, StoreError> {
    let mut cells = Cells::of("record", row);
    Ok(Record {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        kind: cells.get()?,
        key: cells.get()?,
        body: cells.json()?,
        version: Version(cells.count()?),
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT workspace_id, kind, key, body, version FROM record WHERE workspace_id = ?1 AND ",
            $rest
        )
    };
}

const BY_KEY: &str = select!("kind = ?2 AND key = ?3");
const OF_KINDS: &str = select!("kind IN (?2, ?3, ?4, ?5, ?6, ?7, ?8) ORDER BY kind, key");

/// Writes a row, over the one that is there.
pub(crate) const PUT: Sql = Sql {
    head: "INSERT OR REPLACE INTO record (workspace_id, kind, key, body, version) VALUES",
    values: 5,
    tail: "",
};
