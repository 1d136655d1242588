use std::sync::Arc;

use convio_core::lead::{Format, Payload};
use convio_core::store::{CommitError, StoreError};
use convio_core::{Fingerprint, IntakeId, WebhookId, WorkspaceId};
use rusqlite::{Connection, params};

use crate::cells::{Cells, Id, micros, to_json};
use crate::error::write_failed;
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

/// 1 statement.
pub(crate) fn insert(conn: &Connection, row: &Payload) -> Result<(), CommitError> {
    let Payload { id, workspace, webhook, format, body, headers, fingerprint, received_at } = row;
    let mut statement = conn
        .prepare_cached(
            "INSERT INTO payload (workspace_id, id, webhook_id, format, body, headers, fingerprint, received_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (workspace_id, id) DO NOTHING",
        )
        .map_err(write_failed)?;
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
    match statement.execute(values).map_err(write_failed)? {
        1 => Ok(()),
        _ => Err(CommitError::Conflict { what: format!("payload `{id}`") }),
    }
}
