//! Gates: rows that a change set must win. One connection writes, so what is read here holds until it is written.

use chrono::{DateTime, Utc};
use convio_core::change_set::{
    Claim, ClaimName, ContactMerge, CounterAdd, Decisions, GateLost, MergedContact, RepeatWindow,
};
use convio_core::contact::Contact;
use convio_core::store::{CommitError, StoreError};
use convio_core::{ContactId, LeadId, NumberSeries, WebhookId, WorkspaceId};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::apply::{conflict, execute};
use crate::cells::{Cells, Id, micros};
use crate::contact;
use crate::error::write_failed;
use crate::readers::query_one;

/// 1 statement.
pub(crate) fn count(conn: &Connection, workspace: WorkspaceId, add: CounterAdd) -> Result<(), CommitError> {
    let CounterAdd { key, window, n, at_most } = add;
    let used: Option<i64> = conn
        .prepare_cached(
            "INSERT INTO counter (workspace_id, key, window_at, used) SELECT ?1, ?2, ?3, ?4 WHERE ?4 <= ?5
             ON CONFLICT (workspace_id, key, window_at) DO UPDATE SET used = used + ?4 WHERE used + ?4 <= ?5
             RETURNING used",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![Id(workspace.uuid()), key, micros(window), n, at_most], |row| row.get(0))
                .optional()
        })
        .map_err(write_failed)?;
    used.map(drop).ok_or(CommitError::GateLost(GateLost::Counter { key }))
}

/// 2 statements, 1 when it is lost.
pub(crate) fn claim(
    conn: &Connection,
    workspace: WorkspaceId,
    claim: Claim,
    at: DateTime<Utc>,
) -> Result<(), CommitError> {
    let Claim { webhook, kind, value, fingerprint, holder, expires_at, yields } = claim;
    let webhook = Id(webhook.map_or(Uuid::nil(), WebhookId::uuid));
    let held: Option<(Id, Vec<u8>)> = conn
        .prepare_cached(
            "SELECT holder_id, fingerprint FROM claim WHERE workspace_id = ?1 AND webhook_id = ?2 AND kind = ?3
             AND value = ?4 AND (expires_at IS NULL OR expires_at > ?5) AND holder_id <> ?6
             AND (yields = 0 OR fingerprint = ?7)",
        )
        .and_then(|mut statement| {
            statement
                .query_row(
                    params![
                        Id(workspace.uuid()),
                        webhook,
                        kind.code(),
                        value,
                        micros(at),
                        Id(holder),
                        fingerprint.as_bytes()
                    ],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()
        })
        .map_err(write_failed)?;
    if let Some((Id(holds), held)) = held {
        return Err(CommitError::GateLost(GateLost::Claim {
            claimant: holder,
            kind,
            holder: holds,
            same_body: held == fingerprint.as_bytes(),
        }));
    }
    execute(
        conn,
        "INSERT INTO claim (workspace_id, webhook_id, kind, value, fingerprint, holder_id, expires_at, yields)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (workspace_id, webhook_id, kind, value) DO UPDATE SET
         fingerprint = excluded.fingerprint, holder_id = excluded.holder_id, expires_at = excluded.expires_at,
         yields = excluded.yields",
        params![
            Id(workspace.uuid()),
            webhook,
            kind.code(),
            value,
            fingerprint.as_bytes().as_slice(),
            Id(holder),
            expires_at.map(micros),
            yields,
        ],
    )
}

/// What holds this name.
pub(crate) fn holder(
    conn: &Connection,
    workspace: WorkspaceId,
    name: &ClaimName,
) -> Result<Option<Uuid>, StoreError> {
    let ClaimName { webhook, kind, value } = name;
    let webhook = Id(webhook.map_or(Uuid::nil(), WebhookId::uuid));
    let sql = "SELECT holder_id FROM claim WHERE workspace_id = ?1 AND webhook_id = ?2 AND kind = ?3 AND value = ?4";
    let values = params![Id(workspace.uuid()), webhook, kind.code(), value];
    query_one(conn, sql, values, |row| Cells::of("claim", row).uuid())
}

/// 3 statements for a known key (key, contact, update), 4 for a new one (key, candidate, key, contact).
pub(crate) fn merge(
    conn: &Connection,
    workspace: WorkspaceId,
    merge: ContactMerge,
    at: DateTime<Utc>,
    contacts_made: &mut u64,
) -> Result<MergedContact, CommitError> {
    let ContactMerge { candidate, key, offer, touch } = merge;
    let known = contact::by_key(conn, workspace, &key)?;
    let row = match known {
        Some(id) => {
            let mut row = contact::fetch(conn, workspace, id)?.ok_or_else(|| conflict("contact", id))?;
            let before = row.version;
            row.take(&offer, &touch);
            contact::update(conn, &row, before)?;
            row
        }
        None => {
            if contact::fetch(conn, workspace, candidate)?.is_some() {
                return Err(conflict("contact", candidate));
            }
            let number = NumberSeries::of(workspace).nth(*contacts_made);
            *contacts_made += 1;
            contact::insert_key(conn, workspace, &key, candidate)?;
            let row = Contact::opened(workspace, candidate, number, &offer, touch, at);
            contact::insert(conn, &row)?;
            row
        }
    };
    Ok(MergedContact {
        candidate,
        id: row.id,
        number: row.number,
        version: row.version,
        created: known.is_none(),
    })
}

/// 2 statements, 1 when it is lost.
pub(crate) fn window(
    conn: &Connection,
    workspace: WorkspaceId,
    window: RepeatWindow,
    decided: &Decisions,
) -> Result<Option<LeadId>, CommitError> {
    let RepeatWindow { contact, key, lead, received_at, cutoff, until, reject } = window;
    let contact: ContactId = decided.contact(contact);
    let last: Option<(i64, Id)> = conn
        .prepare_cached(
            "SELECT last_at, last_lead FROM repeat_window WHERE workspace_id = ?1 AND contact_id = ?2 AND key = ?3",
        )
        .and_then(|mut statement| {
            statement
                .query_row(
                    params![Id(workspace.uuid()), Id(contact.uuid()), key.as_bytes().as_slice()],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()
        })
        .map_err(write_failed)?;
    let last = last.map(|(at, lead)| (at, LeadId::from_uuid(lead.0)));
    let repeats = last.filter(|(at, _)| *at > micros(cutoff) && *at < micros(until)).map(|(_, lead)| lead);
    if let (Some(of), true) = (repeats, reject) {
        return Err(CommitError::GateLost(GateLost::Repeat { lead, of }));
    }
    let this = (micros(received_at), lead);
    let (last_at, last_lead) = last.map_or(this, |last| last.max(this));
    execute(
        conn,
        "INSERT INTO repeat_window (workspace_id, contact_id, key, last_at, last_lead) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (workspace_id, contact_id, key) DO UPDATE SET
         last_at = excluded.last_at, last_lead = excluded.last_lead",
        params![
            Id(workspace.uuid()),
            Id(contact.uuid()),
            key.as_bytes().as_slice(),
            last_at,
            Id(last_lead.uuid()),
        ],
    )?;
    Ok(repeats)
}
