use std::collections::HashSet;

use chrono::{DateTime, Utc};
use convio_core::analytics::Measure;
use convio_core::change_set::{ClaimName, Held, Last, ReadRows, RollupKey, RowKey, Version};
use convio_core::contact::{Contact, ContactKey};
use convio_core::event::Head;
use convio_core::record::Record;
use convio_core::store::CommitError;
use convio_core::{ContactId, Fingerprint, IntakeId, LeadId, WebhookId, WorkspaceId};
use rusqlite::{Connection, params};

use crate::cells::Id;
use crate::error::read_failed;
use crate::readers::query_one;
use crate::{contact, event, gates, record, webhook};

/// The version of a row with an id.
macro_rules! version_of {
    ($table:literal) => {
        concat!("SELECT version FROM ", $table, " WHERE workspace_id = ?1 AND id = ?2")
    };
}

/// The rows of one workspace as they are stored. One connection writes, so what is read here holds until it is written.
///
/// Each call is one statement at most.
pub(crate) struct Tables<'c> {
    pub(crate) conn: &'c Connection,
    pub(crate) workspace: WorkspaceId,
    /// Leads that were taken to be new: their insert finds out.
    pub(crate) new_leads: HashSet<LeadId>,
    /// Rejections that were.
    pub(crate) new_rejections: HashSet<IntakeId>,
}

impl<'c> Tables<'c> {
    pub(crate) fn of(conn: &'c Connection, workspace: WorkspaceId) -> Self {
        Self { conn, workspace, new_leads: HashSet::new(), new_rejections: HashSet::new() }
    }
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
            RowKey::Delivery(id) => of(version_of!("delivery"), id.uuid()),
            RowKey::Touchpoint(id) => {
                let sql = "SELECT 1 FROM touchpoint WHERE workspace_id = ?1 AND id = ?2";
                version(self.conn, sql, [workspace, Id(id.uuid())])
            }
            RowKey::Record(kind, key) => version(
                self.conn,
                "SELECT version FROM record WHERE workspace_id = ?1 AND kind = ?2 AND key = ?3",
                params![workspace, kind, key],
            ),
        }
    }

    fn record(&mut self, kind: &str, key: &str) -> Result<Option<Record>, CommitError> {
        Ok(record::fetch(self.conn, self.workspace, kind, key)?)
    }

    fn is_free(&mut self, row: RowKey<'_>) -> Result<bool, CommitError> {
        match row {
            // The insert finds it out.
            RowKey::Contact(_) => Ok(true),
            RowKey::Lead(id) => {
                self.new_leads.insert(id);
                Ok(true)
            }
            RowKey::Rejection(id) => {
                self.new_rejections.insert(id);
                Ok(true)
            }
            row => Ok(self.version(row)?.is_none()),
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

fn version(conn: &Connection, sql: &str, key: impl rusqlite::Params) -> Result<Option<Version>, CommitError> {
    let found = query_one(conn, sql, key, |row| row.get::<_, i64>(0).map_err(read_failed))?;
    // None is below 1: such a row has no version that a write could expect.
    Ok(found.map(|version| Version(u64::try_from(version).unwrap_or_default())))
}
