use async_trait::async_trait;
use convio_core::change_set::Version;
use convio_core::page::{Page, PageRequest};
use convio_core::store::{CommitError, StoreError};
use convio_core::webhook::{Webhook, WebhookRepository};
use convio_core::{WebhookId, WorkspaceId};
use rusqlite::{Connection, Row, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, int, micros, to_json};
use crate::put::{Put, Sql};
use crate::readers::{query_all, query_one, query_page};

#[async_trait]
impl<A: Access> WebhookRepository for Sqlite<A> {
    async fn fetch_webhooks(
        &self,
        workspace: WorkspaceId,
        ids: &[WebhookId],
    ) -> Result<Vec<Option<Webhook>>, StoreError> {
        let ids = ids.to_vec();
        let sql = select("AND id = ?2");
        self.access
            .read(move |conn| {
                let key = |id: &WebhookId| params_of(workspace, *id);
                ids.iter().map(|id| query_one(conn, &sql, key(id), read)).collect()
            })
            .await
    }

    async fn list_webhooks(
        &self,
        workspace: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<Webhook>, StoreError> {
        let page = page.clone();
        let sql = select("AND id > ?2 ORDER BY id LIMIT ?3");
        self.access
            .read(move |conn| query_page(conn, &sql, workspace, &page, &[], read, |row| row.id.uuid()))
            .await
    }
}

/// All webhooks of a workspace.
pub(crate) fn all(conn: &Connection, workspace: WorkspaceId) -> Result<Vec<Webhook>, StoreError> {
    query_all(conn, &select("ORDER BY id"), [Id(workspace.uuid())], read)
}

/// The webhook of this name.
pub(crate) fn named(
    conn: &Connection,
    workspace: WorkspaceId,
    name: &str,
) -> Result<Option<WebhookId>, StoreError> {
    let sql = "SELECT id FROM webhook WHERE workspace_id = ?1 AND name = ?2";
    let values = params![Id(workspace.uuid()), name];
    let id = query_one(conn, sql, values, |row| Cells::of("webhook", row).uuid())?;
    Ok(id.map(WebhookId::from_uuid))
}

/// Writes a row whose version and name were checked: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Webhook) -> Result<(), CommitError> {
    let Webhook { id, workspace, name, settings, created_at, deleted_at, version } = row;
    put.row(params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        name,
        to_json(settings)?,
        micros(*created_at),
        deleted_at.map(micros),
        int(version.0),
    ])
}

fn select(rest: &str) -> String {
    format!(
        "SELECT workspace_id, id, name, settings, created_at, deleted_at, version FROM webhook
         WHERE workspace_id = ?1 {rest}"
    )
}

fn read(row: &Row<'_>) -> Result<Webhook, StoreError> {
    let mut cells = Cells::of("webhook", row);
    Ok(Webhook {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: WebhookId::from_uuid(cells.uuid()?),
        name: cells.get()?,
        settings: cells.json()?,
        created_at: cells.time()?,
        deleted_at: cells.opt_time()?,
        version: Version(cells.count()?),
    })
}

fn params_of(workspace: WorkspaceId, id: WebhookId) -> [Id; 2] {
    [Id(workspace.uuid()), Id(id.uuid())]
}

/// Writes a row, over the one that is there.
pub(crate) const PUT: Sql = Sql {
    head: "INSERT OR REPLACE INTO webhook (workspace_id, id, name, settings, created_at, deleted_at, version) VALUES",
    values: 7,
    tail: "",
};
