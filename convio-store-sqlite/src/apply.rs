//! Applies one change set within the transaction that the caller holds.

use chrono::{DateTime, Utc};
use convio_core::analytics::{Measure, Rollup};
use convio_core::change_set::{
    self, ChangeSet, ClaimName, Held, Last, ReadRows, Receipt, RollupKey, RowKey, Rows, Version,
};
use convio_core::contact::{Contact, ContactKey};
use convio_core::event::{Event, Head};
use convio_core::lead::{Lead, Payload};
use convio_core::record::Record;
use convio_core::rejection::Rejection;
use convio_core::store::CommitError;
use convio_core::webhook::Webhook;
use convio_core::workspace::Workspace;
use convio_core::{Appointment, ContactId, Conversion, Fingerprint, IntakeId, WebhookId, WorkspaceId};
use rusqlite::{Connection, params};

use crate::cells::Id;
use crate::error::{read_failed, write_failed};
use crate::readers::query_one;
use crate::{
    analytics, appointment, contact, conversion, event, gates, lead, payload, record, rejection, webhook,
    workspace,
};

/// The version of a row with an id.
macro_rules! version_of {
    ($table:literal) => {
        concat!("SELECT version FROM ", $table, " WHERE workspace_id = ?1 AND id = ?2")
    };
}

/// Applies it whole, or fails: then the caller rolls back what was done.
pub(crate) fn apply(conn: &Connection, changes: ChangeSet) -> Result<Receipt, CommitError> {
    let workspace = changes.workspace;
    change_set::apply(&mut Tables { conn, workspace }, changes)
}

/// The rows of one workspace. One connection writes, so what is read here holds until it is written.
///
/// Each call is one statement.
struct Tables<'c> {
    conn: &'c Connection,
    workspace: WorkspaceId,
}

impl ReadRows for Tables<'_> {
    fn head(&mut self) -> Result<Option<Head>, CommitError> {
        Ok(event::head(self.conn, self.workspace)?)
    }

    fn held(&mut self, name: &ClaimName) -> Result<Option<Held>, CommitError> {
        Ok(gates::held(self.conn, self.workspace, name)?)
    }

    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, CommitError> {
        Ok(gates::used(self.conn, self.workspace, key, window)?)
    }

    fn contact_of(&mut self, key: &ContactKey) -> Result<Option<ContactId>, CommitError> {
        Ok(contact::by_key(self.conn, self.workspace, key)?)
    }

    fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, CommitError> {
        Ok(contact::fetch(self.conn, self.workspace, id)?)
    }

    fn last_in_window(&mut self, contact: ContactId, key: Fingerprint) -> Result<Option<Last>, CommitError> {
        Ok(gates::last_in_window(self.conn, self.workspace, contact, key)?)
    }

    fn webhook_named(&mut self, name: &str) -> Result<Option<WebhookId>, CommitError> {
        Ok(webhook::named(self.conn, self.workspace, name)?)
    }

    fn version(&mut self, row: RowKey<'_>) -> Result<Option<Version>, CommitError> {
        let workspace = Id(self.workspace.uuid());
        let of = |sql, id| version(self.conn, sql, [workspace, Id(id)]);
        match row {
            RowKey::Workspace => {
                version(self.conn, "SELECT version FROM workspace WHERE workspace_id = ?1", [workspace])
            }
            RowKey::Webhook(id) => of(version_of!("webhook"), id.uuid()),
            RowKey::Contact(id) => of(version_of!("contact"), id.uuid()),
            RowKey::Lead(id) => of(version_of!("lead"), id.uuid()),
            RowKey::Rejection(id) => of(version_of!("rejection"), id.uuid()),
            RowKey::Appointment(id) => of(version_of!("appointment"), id.uuid()),
            RowKey::Conversion(id) => of(version_of!("conversion"), id.uuid()),
            RowKey::Record(kind, key) => version(
                self.conn,
                "SELECT version FROM record WHERE workspace_id = ?1 AND kind = ?2 AND key = ?3",
                params![workspace, kind, key],
            ),
        }
    }

    // The insert finds it out.
    fn has_payload(&mut self, _: IntakeId) -> Result<bool, CommitError> {
        Ok(false)
    }

    // The columns take no sum that does not fit.
    fn sums(&mut self, _: &RollupKey) -> Result<Option<[i64; Measure::SLOTS]>, CommitError> {
        Ok(None)
    }
}

impl Rows for Tables<'_> {
    fn put_head(&mut self, head: Head) -> Result<(), CommitError> {
        event::put_head(self.conn, self.workspace, head)
    }

    fn put_held(&mut self, name: ClaimName, held: Held) -> Result<(), CommitError> {
        gates::put_held(self.conn, self.workspace, &name, held)
    }

    fn put_used(&mut self, key: String, window: DateTime<Utc>, used: i64) -> Result<(), CommitError> {
        gates::put_used(self.conn, self.workspace, &key, window, used)
    }

    fn put_key(&mut self, key: ContactKey, contact: ContactId) -> Result<(), CommitError> {
        contact::insert_key(self.conn, self.workspace, &key, contact)
    }

    fn put_contact(&mut self, row: Contact, before: Option<Version>) -> Result<(), CommitError> {
        contact::put(self.conn, &row, before)
    }

    fn put_window(&mut self, contact: ContactId, key: Fingerprint, last: Last) -> Result<(), CommitError> {
        gates::put_window(self.conn, self.workspace, contact, key, last)
    }

    fn put_workspace(&mut self, row: Workspace) -> Result<(), CommitError> {
        workspace::put(self.conn, &row)
    }

    fn put_webhook(&mut self, row: Webhook) -> Result<(), CommitError> {
        webhook::put(self.conn, &row)
    }

    fn put_lead(&mut self, row: Lead) -> Result<(), CommitError> {
        lead::put(self.conn, &row)
    }

    fn put_rejection(&mut self, row: Rejection) -> Result<(), CommitError> {
        rejection::put(self.conn, &row)
    }

    fn put_payload(&mut self, row: Payload) -> Result<(), CommitError> {
        payload::insert(self.conn, &row)
    }

    fn put_appointment(&mut self, row: Appointment) -> Result<(), CommitError> {
        appointment::put(self.conn, &row)
    }

    fn put_conversion(&mut self, row: Conversion) -> Result<(), CommitError> {
        conversion::put(self.conn, &row)
    }

    fn put_record(&mut self, row: Record) -> Result<(), CommitError> {
        record::put(self.conn, &row)
    }

    fn put_event(&mut self, event: Event) -> Result<(), CommitError> {
        event::insert(self.conn, &event)
    }

    fn add(&mut self, sums: Rollup) -> Result<(), CommitError> {
        analytics::add(self.conn, self.workspace, &sums)
    }
}

fn version(conn: &Connection, sql: &str, key: impl rusqlite::Params) -> Result<Option<Version>, CommitError> {
    let found = query_one(conn, sql, key, |row| row.get::<_, i64>(0).map_err(read_failed))?;
    // None is below 1: such a row has no version that a write could expect.
    Ok(found.map(|version| Version(u64::try_from(version).unwrap_or_default())))
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
