//! Applies one change set, in the order of [`convio_core::change_set`], within the transaction that the caller holds.

use convio_core::WorkspaceId;
use convio_core::change_set::{
    ChangeSet, ConfigVersion, ContactWrite, Decisions, GateLost, Receipt, Version, Write,
};
use convio_core::event::{Head, Position, StreamRef, Subject};
use convio_core::store::CommitError;
use rusqlite::{Connection, OptionalExtension, params};

use crate::cells::{Id, int};
use crate::error::write_failed;
use crate::{
    analytics, appointment, contact, conversion, event, gates, lead, payload, record, rejection, webhook,
    workspace,
};

/// Applies it whole, or fails: then the caller rolls back what was done.
pub(crate) fn apply(conn: &Connection, changes: ChangeSet) -> Result<Receipt, CommitError> {
    changes.check().map_err(CommitError::Misuse)?;
    let changes_config = changes.changes_config();
    let ChangeSet {
        workspace,
        at,
        origin,
        config,
        counters,
        claims,
        workspaces,
        webhooks,
        contacts,
        windows,
        leads,
        rejections,
        payloads,
        appointments,
        conversions,
        records,
        events,
        rollups,
    } = changes;
    let creates = workspaces.iter().any(|write| matches!(write, Write::Insert(_)));
    let mut head = match (event::head(conn, workspace)?, creates) {
        (Some(head), false) => head,
        (None, true) => insert_head(conn, workspace)?,
        (Some(_), true) => return Err(conflict("workspace", workspace)),
        (None, false) => return Err(CommitError::GateLost(GateLost::Config { current: None })),
    };
    if config.is_some_and(|expected| expected != head.config) {
        return Err(CommitError::GateLost(GateLost::Config { current: Some(head.config) }));
    }
    let mut decided = Decisions::default();
    for claim in claims {
        gates::claim(conn, workspace, claim, at)?;
    }
    for add in counters {
        gates::count(conn, workspace, add)?;
    }
    for write in &workspaces {
        workspace::write(conn, write)?;
        decided.wrote(StreamRef::Subject(Subject::Workspace(write.row().id)), write.row().version);
    }
    for write in &webhooks {
        webhook::write(conn, write)?;
        decided.wrote(StreamRef::Subject(Subject::Webhook(write.row().id)), write.row().version);
    }
    if changes_config {
        head.config = ConfigVersion(head.config.0 + 1);
    }
    for write in contacts {
        match write {
            ContactWrite::Merge(merge) => {
                let lead = merge.touch.lead;
                let merged = gates::merge(conn, workspace, *merge, at, &mut head.contacts)?;
                decided.merged(lead, merged);
            }
            ContactWrite::Update { row, at } => {
                contact::update(conn, &row, at)?;
                decided.wrote(StreamRef::Contact(row.id), row.version);
            }
        }
    }
    for window in windows {
        let lead = window.lead;
        let of = gates::window(conn, workspace, window, &decided)?;
        decided.repeated(lead, of);
    }
    for mut write in leads {
        if let Write::Insert(row) = &mut write {
            decided.complete_lead(row);
        }
        lead::write(conn, &write)?;
        decided.wrote(StreamRef::Lead(write.row().id), write.row().version);
    }
    for row in &payloads {
        payload::insert(conn, row)?;
    }
    for write in &rejections {
        rejection::write(conn, write)?;
        decided.wrote(StreamRef::Subject(Subject::Rejection(write.row().id)), write.row().version);
    }
    for mut write in appointments {
        if let Write::Insert(row) = &mut write {
            decided.complete_appointment(row);
        }
        appointment::write(conn, &write)?;
        decided.wrote(StreamRef::Subject(Subject::Appointment(write.row().id)), write.row().version);
    }
    for write in &conversions {
        conversion::write(conn, write)?;
        decided.wrote(StreamRef::Subject(Subject::Conversion(write.row().id)), write.row().version);
    }
    for write in &records {
        record::write(conn, write)?;
        if let Some(subject) = write.row().subject() {
            decided.wrote(StreamRef::Subject(subject), write.row().version);
        }
    }
    for new in events {
        head.feed = Position(head.feed.0 + 1);
        event::insert(conn, &decided.number(workspace, at, &origin, head.feed, new))?;
    }
    for delta in rollups {
        analytics::add(conn, workspace, &decided.sums(&delta), &delta)?;
    }
    update_head(conn, workspace, head)?;
    Ok(decided.receipt(head.feed))
}

fn insert_head(conn: &Connection, workspace: WorkspaceId) -> Result<Head, CommitError> {
    let head = Head { feed: Position(0), contacts: 0, config: ConfigVersion(0) };
    conn.prepare_cached("INSERT INTO head (workspace_id, feed, contacts, config) VALUES (?1, 0, 0, 0)")
        .and_then(|mut statement| statement.execute([Id(workspace.uuid())]))
        .map_err(write_failed)?;
    Ok(head)
}

fn update_head(conn: &Connection, workspace: WorkspaceId, head: Head) -> Result<(), CommitError> {
    let Head { feed, contacts, config } = head;
    conn.prepare_cached("UPDATE head SET feed = ?2, contacts = ?3, config = ?4 WHERE workspace_id = ?1")
        .and_then(|mut statement| {
            statement.execute(params![Id(workspace.uuid()), int(feed.0), int(contacts), int(config.0)])
        })
        .map_err(write_failed)
        .and_then(|rows| if rows == 1 { Ok(()) } else { Err(conflict("head", workspace)) })
}

/// Refuses a write that what is there does not allow: an insert of what exists, an update of another version.
///
/// `version_sql` selects the version of the row by the parameters given.
pub(crate) fn check_version<T>(
    conn: &Connection,
    version_sql: &str,
    key: impl rusqlite::Params,
    write: &Write<T>,
    what: impl FnOnce() -> String,
) -> Result<(), CommitError> {
    let found: Option<i64> = conn
        .prepare_cached(version_sql)
        .and_then(|mut statement| statement.query_row(key, |row| row.get(0)).optional())
        .map_err(write_failed)?;
    let expected = match write {
        Write::Insert(_) => None,
        Write::Update { at: Version(at), .. } => Some(int(*at)),
    };
    if found == expected { Ok(()) } else { Err(CommitError::Conflict { what: what() }) }
}

/// Runs a write that is checked already.
pub(crate) fn execute(
    conn: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<(), CommitError> {
    conn.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(values))
        .map(drop)
        .map_err(write_failed)
}

pub(crate) fn conflict(kind: &str, id: impl std::fmt::Display) -> CommitError {
    CommitError::Conflict { what: format!("{kind} `{id}`") }
}
