//! Rows that a change set must win: names, counters, windows. One statement each.

use chrono::{DateTime, Utc};
use convio_core::change_set::{ClaimName, Held, Last};
use convio_core::store::{CommitError, StoreError};
use convio_core::{ContactId, Fingerprint, LeadId, WebhookId, WorkspaceId};
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::cells::{Cells, Id, micros};
use crate::put::{Put, Sql};
use crate::readers::query_one;

/// What holds this name.
pub(crate) fn held(
    conn: &Connection,
    workspace: WorkspaceId,
    name: &ClaimName,
) -> Result<Option<Held>, StoreError> {
    let ClaimName { webhook, kind, value } = name;
    let sql = "SELECT workspace_id, holder_id, fingerprint, expires_at, yields FROM claim
               WHERE workspace_id = ?1 AND webhook_id = ?2 AND kind = ?3 AND value = ?4";
    let values = params![Id(workspace.uuid()), scope(*webhook), kind.code(), value];
    query_one(conn, sql, values, |row| {
        let mut cells = Cells::of("claim", row);
        let _ = cells.uuid()?;
        Ok(Held {
            holder: cells.uuid()?,
            fingerprint: cells.map(|bytes: [u8; 32]| Ok::<_, String>(Fingerprint::from_bytes(bytes)))?,
            expires_at: cells.opt_time()?,
            yields: cells.get()?,
        })
    })
}

pub(crate) fn put_held(
    put: &mut Put<'_>,
    workspace: WorkspaceId,
    name: &ClaimName,
    held: &Held,
) -> Result<(), CommitError> {
    let ClaimName { webhook, kind, value } = name;
    let Held { holder, fingerprint, expires_at, yields } = held;
    put.row(params![
        Id(workspace.uuid()),
        scope(*webhook),
        kind.code(),
        value,
        fingerprint.as_bytes().as_slice(),
        Id(*holder),
        expires_at.map(micros),
        yields,
    ])
}

fn scope(webhook: Option<WebhookId>) -> Id {
    Id(webhook.map_or(Uuid::nil(), WebhookId::uuid))
}

/// What a counter's window has come to.
pub(crate) fn used(
    conn: &Connection,
    workspace: WorkspaceId,
    key: &str,
    window: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let sql =
        "SELECT workspace_id, key, used FROM counter WHERE workspace_id = ?1 AND key = ?2 AND window_at = ?3";
    let used = query_one(conn, sql, params![Id(workspace.uuid()), key, micros(window)], |row| {
        let mut cells = Cells::of("counter", row);
        let _: (_, String) = (cells.uuid()?, cells.get()?);
        cells.get()
    })?;
    Ok(used.unwrap_or(0))
}

pub(crate) fn put_used(
    put: &mut Put<'_>,
    workspace: WorkspaceId,
    key: &str,
    window: DateTime<Utc>,
    used: i64,
) -> Result<(), CommitError> {
    put.row(params![Id(workspace.uuid()), key, micros(window), used])
}

/// The last accepted lead of a contact under a repeat key.
pub(crate) fn last_in_window(
    conn: &Connection,
    workspace: WorkspaceId,
    contact: ContactId,
    key: Fingerprint,
) -> Result<Option<Last>, StoreError> {
    let sql = "SELECT workspace_id, contact_id, last_at, last_lead FROM repeat_window
               WHERE workspace_id = ?1 AND contact_id = ?2 AND key = ?3";
    let values = params![Id(workspace.uuid()), Id(contact.uuid()), key.as_bytes().as_slice()];
    query_one(conn, sql, values, |row| {
        let mut cells = Cells::of("repeat_window", row);
        let _ = (cells.uuid()?, cells.uuid()?);
        Ok((cells.time()?, LeadId::from_uuid(cells.uuid()?)))
    })
}

pub(crate) fn put_window(
    put: &mut Put<'_>,
    workspace: WorkspaceId,
    contact: ContactId,
    key: Fingerprint,
    (last_at, last_lead): Last,
) -> Result<(), CommitError> {
    put.row(params![
        Id(workspace.uuid()),
        Id(contact.uuid()),
        key.as_bytes().as_slice(),
        micros(last_at),
        Id(last_lead.uuid()),
    ])
}

pub(crate) const PUT_HELD: Sql = Sql {
    head: "INSERT OR FAIL INTO claim (workspace_id, webhook_id, kind, value, fingerprint, holder_id, expires_at, yields) VALUES",
    values: 8,
    tail: "ON CONFLICT (workspace_id, webhook_id, kind, value) DO UPDATE SET
           fingerprint = excluded.fingerprint, holder_id = excluded.holder_id, expires_at = excluded.expires_at,
           yields = excluded.yields",
};
pub(crate) const PUT_USED: Sql = Sql {
    head: "INSERT OR FAIL INTO counter (workspace_id, key, window_at, used) VALUES",
    values: 4,
    tail: "ON CONFLICT (workspace_id, key, window_at) DO UPDATE SET used = excluded.used",
};
pub(crate) const PUT_WINDOW: Sql = Sql {
    head: "INSERT OR FAIL INTO repeat_window (workspace_id, contact_id, key, last_at, last_lead) VALUES",
    values: 5,
    tail: "ON CONFLICT (workspace_id, contact_id, key) DO UPDATE SET
           last_at = excluded.last_at, last_lead = excluded.last_lead",
};
