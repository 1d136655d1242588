use async_trait::async_trait;
use convio_core::WorkspaceId;
use convio_core::analytics::{AnalyticsRepository, Cube, ReportQuery, Rollup};
use convio_core::store::{CommitError, StoreError};
use rusqlite::{Row, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, days, micros};
use crate::put::{Put, Sql};
use crate::readers::query_all;

#[async_trait]
impl<A: Access> AnalyticsRepository for Sqlite<A> {
    async fn report(&self, workspace: WorkspaceId, query: &ReportQuery) -> Result<Vec<Rollup>, StoreError> {
        let sql = "SELECT workspace_id, cube, day, d1, d2, d3, n0, n1, n2, n3, n4, n5, last_at FROM rollup
                   WHERE workspace_id = ?1 AND cube = ?2 AND day BETWEEN ?3 AND ?4 ORDER BY day, d1, d2, d3";
        let values = (Id(workspace.uuid()), query.cube.code(), days(query.from), days(query.to));
        self.access.read(move |conn| query_all(conn, sql, values, read)).await
    }
}

/// Adds sums to a row, which need not exist: 1 statement.
pub(crate) fn add(put: &mut Put<'_>, workspace: WorkspaceId, sums: &Rollup) -> Result<(), CommitError> {
    let Rollup { cube, day, dims: [d1, d2, d3], n: [n0, n1, n2, n3, n4, n5], last_at } = sums;
    put.row(params![
        Id(workspace.uuid()),
        cube.code(),
        days(*day),
        d1,
        d2,
        d3,
        n0,
        n1,
        n2,
        n3,
        n4,
        n5,
        last_at.map(micros)
    ])
}

fn read(row: &Row<'_>) -> Result<Rollup, StoreError> {
    let mut cells = Cells::of("rollup", row);
    let _ = cells.uuid()?;
    Ok(Rollup {
        cube: cells.map(|code: u8| Cube::from_code(code).ok_or("no cube"))?,
        day: cells.day()?,
        dims: [cells.get()?, cells.get()?, cells.get()?],
        n: [cells.get()?, cells.get()?, cells.get()?, cells.get()?, cells.get()?, cells.get()?],
        last_at: cells.opt_time()?,
    })
}

pub(crate) const ADD: Sql = Sql {
    head: "INSERT OR FAIL INTO rollup (workspace_id, cube, day, d1, d2, d3, n0, n1, n2, n3, n4, n5, last_at) VALUES",
    values: 13,
    tail: "ON CONFLICT (workspace_id, cube, day, d1, d2, d3) DO UPDATE SET n0 = n0 + excluded.n0, n1 = n1 + excluded.n1,
           n2 = n2 + excluded.n2, n3 = n3 + excluded.n3, n4 = n4 + excluded.n4, n5 = n5 + excluded.n5,
           last_at = coalesce(max(last_at, excluded.last_at), last_at, excluded.last_at)",
};
