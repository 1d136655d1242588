use async_trait::async_trait;
use convio_core::change_set::Version;
use convio_core::store::{CommitError, StoreError};
use convio_core::workspace::{Workspace, WorkspaceRepository, WorkspaceSettings};
use convio_core::{Currency, WorkspaceId, Zone};
use rusqlite::{Connection, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, int, micros, to_json};
use crate::put::{Put, Sql};
use crate::readers::query_one;

#[async_trait]
impl<A: Access> WorkspaceRepository for Sqlite<A> {
    async fn fetch_workspaces(&self, ids: &[WorkspaceId]) -> Result<Vec<Option<Workspace>>, StoreError> {
        let ids = ids.to_vec();
        self.access.read(move |conn| ids.iter().map(|id| fetch(conn, *id)).collect()).await
    }
}

pub(crate) fn fetch(conn: &Connection, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
    let sql = "SELECT workspace_id, name, zone, currency, active, policy, created_at, deleted_at, version FROM workspace
               WHERE workspace_id = ?1";
    query_one(conn, sql, [Id(id.uuid())], |row| {
        let mut cells = Cells::of("workspace", row);
        Ok(Workspace {
            id: WorkspaceId::from_uuid(cells.uuid()?),
            settings: WorkspaceSettings {
                name: cells.get()?,
                zone: cells.map(|name: String| Zone::parse(&name))?,
                currency: cells.map(|code: String| code.parse::<Currency>())?,
                active: cells.get()?,
                policy: cells.json()?,
            },
            created_at: cells.time()?,
            deleted_at: cells.opt_time()?,
            version: Version(cells.count()?),
        })
    })
}

/// Writes a row whose version was checked: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Workspace) -> Result<(), CommitError> {
    let Workspace { id, settings, created_at, deleted_at, version } = row;
    let WorkspaceSettings { name, zone, currency, active, policy } = settings;
    put.row(params![
        Id(id.uuid()),
        name,
        zone.name(),
        currency.code(),
        active,
        to_json(policy)?,
        micros(*created_at),
        deleted_at.map(micros),
        int(version.0)
    ])
}

/// Writes a row, over the one that is there.
pub(crate) const PUT: Sql = Sql {
    head: "INSERT OR REPLACE INTO workspace (workspace_id, name, zone, currency, active, policy, created_at, deleted_at, version) VALUES",
    values: 9,
    tail: "",
};
