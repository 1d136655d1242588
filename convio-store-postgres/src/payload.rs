use std::sync::Arc;

use convio_core::lead::{Format, Payload};
use convio_core::store::StoreError;
use convio_core::{Fingerprint, IntakeId, WebhookId, WorkspaceId};
use sqlx::postgres::PgRow;

use crate::cells::{Cells, to_json};
use crate::rows::{in_order, read_all};
use crate::session::Session;
use crate::table::{Args, table};

table! {
    PAYLOAD, bind: "payload" ["id"] Refused, |row| &Payload {
        "id" uuid = row.id.uuid();
        "webhook_id" uuid = row.webhook.uuid();
        "format" text = row.format.code();
        "body" bytea = row.body.as_slice();
        "headers" json = to_json(&row.headers)?;
        "fingerprint" bytea = row.fingerprint.as_bytes().as_slice();
        "received_at" timestamptz = row.received_at;
    }
}

impl Session<'_> {
    pub(crate) async fn fetch_payloads(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Result<Vec<Option<Payload>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let args = Args::default().with(workspace.uuid()).with(keys);
        let text = self.sql().select(&PAYLOAD, "x.workspace_id = $1 AND x.id = ANY($2)");
        let rows = self.read(workspace, text, args).await?;
        in_order(ids, read_all(&rows, read)?, |row| row.id)
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Payload, StoreError> {
    let mut cells = Cells::of(&PAYLOAD, row)?;
    Ok(Payload {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: IntakeId::from_uuid(cells.uuid()?),
        webhook: WebhookId::from_uuid(cells.uuid()?),
        format: cells.map(|code: String| Format::from_code(&code).ok_or("no format"))?,
        body: Arc::new(cells.get()?),
        headers: cells.json()?,
        fingerprint: cells.map(fingerprint)?,
        received_at: cells.time()?,
    })
}

/// A fingerprint of 32 bytes.
pub(crate) fn fingerprint(bytes: Vec<u8>) -> Result<Fingerprint, String> {
    let bytes: [u8; 32] =
        bytes.try_into().map_err(|bytes: Vec<u8>| format!("{} bytes, not 32", bytes.len()))?;
    Ok(Fingerprint::from_bytes(bytes))
}
