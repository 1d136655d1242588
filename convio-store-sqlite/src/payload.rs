use std::sync::Arc;

use convio_core::lead::{Format, Payload};
use convio_core::store::{CommitError, StoreError};
use convio_core::{Fingerprint, IntakeId, WebhookId, WorkspaceId};
use rusqlite::{Connection, params};

use crate::cells::{Cells, Id, micros, to_json};
use crate::put::{Put, Sql};
use crate::readers::query_one;

pub(crate) fn fetch(
    conn: &Connection,
    workspace: WorkspaceId,
    id: IntakeId,
) -> Result<Option<Payload>, StoreError> {
    let sql =
        "SELECT workspace_id, id, webhook_id, format, body, headers, fingerprint, received_at FROM payload
               WHERE workspace_id = ?1 AND id = ?2";
    query_one(conn, sql, [Id(workspace.uuid()), Id(id.uuid())], |row| {
        let mut cells = Cells::of("payload", row);
        Ok(Payload {
            workspace: WorkspaceId::from_uuid(cells.uuid()?),
            id: IntakeId::from_uuid(cells.uuid()?),
            webhook: WebhookId::from_uuid(cells.uuid()?),
            format: cells.map(|code: String| Format::from_code(&code).ok_or("no format"))?,
            body: Arc::new(cells.get()?),
            headers: cells.json()?,
            fingerprint: cells.map(|bytes: [u8; 32]| Ok::<_, String>(Fingerprint::from_bytes(bytes)))?,
            received_at: cells.time()?,
        })
    })
}

/// Writes a row that was taken to be new: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Payload) -> Result<(), CommitError> {
    let Payload { id, workspace, webhook, format, body, headers, fingerprint, received_at } = row;
    let values = params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        Id(webhook.uuid()),
        format.code(),
        body.as_slice(),
        to_json(headers)?,
        fingerprint.as_bytes().as_slice(),
        micros(*received_at),
    ];
    put.new_row(values, || format!("payload `{id}`"))
}

/// Writes a row, unless there is one.
pub(crate) const INSERT: Sql = Sql {
    head: "INSERT OR FAIL INTO payload (workspace_id, id, webhook_id, format, body, headers, fingerprint, received_at) VALUES",
    values: 8,
    tail: "ON CONFLICT (workspace_id, id) DO NOTHING",
};
