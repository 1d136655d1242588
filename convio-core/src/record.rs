//! Records: versioned documents that nobody queries by column, such as rule sets and API keys.

use std::fmt;

#[cfg(feature = "service")]
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::change_set::{Version, Write};
use crate::error::Error;
use crate::event::Subject;
use crate::id::{ApiKeyId, CalendarId, EndpointId, ProviderId, WorkspaceId};
use crate::store::{Fault, StoreError};

/// A versioned document of a workspace. `Debug` does not show the document, which may hold hashes of secrets.
#[derive(Clone, PartialEq)]
pub struct Record {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What kind of document it is, such as `routing.rules`.
    pub kind: String,
    /// Which one of that kind.
    pub key: String,
    /// The document.
    pub body: Value,
    /// How often it was written.
    pub version: Version,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({}/{} of {}, version {})", self.kind, self.key, self.workspace, self.version)
    }
}

impl Record {
    /// Whether it is part of the configuration: read with it, and counted by its version.
    pub fn is_config(&self) -> bool {
        CONFIG_KINDS.contains(&self.kind.as_str())
    }

    /// The aggregate that it keeps, whose events tell its changes; `None` for operational records, which have none.
    pub fn subject(&self) -> Option<Subject> {
        match self.kind.as_str() {
            RULES_KIND => Some(Subject::Rules(self.workspace)),
            ATTRIBUTION_KIND => Some(Subject::Attribution(self.workspace)),
            RATES_KIND => Some(Subject::Rates(self.workspace)),
            API_KEYS_KIND => self.key.parse::<ApiKeyId>().ok().map(Subject::ApiKey),
            CALENDARS_KIND => self.key.parse::<CalendarId>().ok().map(Subject::Calendar),
            ENDPOINTS_KIND => self.key.parse::<EndpointId>().ok().map(Subject::Endpoint),
            PROVIDERS_KIND => self.key.parse::<ProviderId>().ok().map(Subject::Provider),
            _ => None,
        }
    }

    /// What it keeps.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it can't be read.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        T::deserialize(&self.body).map_err(|error| StoreError::Corrupt {
            table: "record",
            column: "body".to_owned(),
            id: format!("{}/{}/{}", self.workspace, self.kind, self.key),
            fault: Fault::new(error),
        })
    }
}

/// What is kept as a record of its own.
pub(crate) trait Keeps: Serialize {
    const KIND: &'static str;
    fn record_key(&self) -> String;
    fn record_version(&self) -> Version;
    fn record_workspace(&self) -> WorkspaceId;

    /// The write that keeps it: an insert at version 1, and else an update of the version before.
    fn keep(&self) -> Result<Write<Record>, Error> {
        write_of(self.record_workspace(), (Self::KIND, self.record_key()), self, self.record_version())
    }
}

/// The write that makes this the record of a kind and key: an insert at version 1, and else an update of the version before.
pub(crate) fn write_of<T: Serialize + ?Sized>(
    workspace: WorkspaceId,
    (kind, key): (&str, String),
    body: &T,
    version: Version,
) -> Result<Write<Record>, Error> {
    let body = serde_json::to_value(body).map_err(|error| Error::bug(error.to_string()))?;
    let row = Record { workspace, kind: kind.to_owned(), key, body, version };
    Ok(match version.0 {
        0 | 1 => Write::Insert(row),
        n => Write::Update { row, at: Version(n - 1) },
    })
}

/// The kind of the record that keeps the routing rules of a workspace.
pub const RULES_KIND: &str = "routing.rules";
/// Its key: a workspace has one set of rules in force.
pub const RULES_KEY: &str = "current";
/// The kind of records that keep API keys, by their id.
pub const API_KEYS_KIND: &str = "api_key";
/// The kind of records that keep providers, by their id.
pub const PROVIDERS_KIND: &str = "provider";
/// The kind of the records that keep saved drafts of rules, by name: no part of the configuration, which nothing but a publication changes.
/// They have no events: nobody goes by a draft, and the event of its publication names it.
pub const DRAFT_KIND: &str = "routing.draft";
/// The kind of the record that lists a workspace's drafts.
pub const DRAFTS_KIND: &str = "routing.drafts";
/// Its key: there is one.
pub const DRAFTS_KEY: &str = "all";
/// The kind of records that keep calendars, by their id.
pub const CALENDARS_KIND: &str = "calendar";
/// The kind of the records that keep what is taken of a calendar, by resource and day of UTC. They are written by commits alone, which
/// look at them as they do; the events of appointments tell the same.
pub const BUSY_KIND: &str = "calendar.busy";
/// The kind of the record that keeps how a workspace attributes conversions.
pub const ATTRIBUTION_KIND: &str = "attribution";
/// The kind of the record that keeps exchange rates into the currency of a workspace.
pub const RATES_KIND: &str = "rates";
/// The key of both: a workspace has one of each.
pub const ATTRIBUTION_KEY: &str = "current";
/// The kind of the records that keep who earned a conversion, by its id. They have no events: the events of touches, leads, settings and
/// the conversion tell the same.
pub const CREDITS_KIND: &str = "conversion.credits";
/// The kind of the records that keep what is needed to undo a merge, by the id of the contact that was merged. They have no events: those
/// of the contact tell the same.
pub const MERGE_KIND: &str = "contact.merge";
/// The kind of the records that keep what was spent on a day, by that day (`2026-11-28`). They have no events: an import says again
/// whatever it said before.
pub const SPEND_KIND: &str = "spend";
/// The kind of the records that keep a consumer, by its name, and each of its shards, by name and number (`crm/0`). They are no part of the
/// configuration and have no events: how far someone has read changes nothing.
pub const CONSUMER_KIND: &str = "consumer";
/// The kind of the records that keep the dead letters of a shard of a consumer.
pub const DEAD_LETTERS_KIND: &str = "consumer.dead";
/// The kind of the record that lists a workspace's consumers.
pub const CONSUMERS_KIND: &str = "consumers";
/// Its key: there is one.
pub const CONSUMERS_KEY: &str = "all";
/// The kind of records that keep endpoints, by their id.
pub const ENDPOINTS_KIND: &str = "endpoint";
/// The kind of the records that keep how an endpoint does, by its name. They are no part of the configuration and have no events: each attempt
/// may change them.
pub const HEALTH_KIND: &str = "endpoint.health";
/// The kinds of records that are part of the configuration: a store reads all of them for `Need::Config`.
pub const CONFIG_KINDS: [&str; 7] =
    [RULES_KIND, API_KEYS_KIND, PROVIDERS_KIND, CALENDARS_KIND, ATTRIBUTION_KIND, RATES_KIND, ENDPOINTS_KIND];

/// Reads records and counters.
#[cfg(feature = "service")]
#[async_trait::async_trait]
pub trait Records: Send + Sync {
    /// The records of this kind under these keys, in any order: those that are there.
    async fn fetch_records(
        &self,
        workspace: WorkspaceId,
        kind: &str,
        keys: &[String],
    ) -> Result<Vec<Record>, StoreError>;

    /// What these counters have come to, each in its window; 0 where nothing was counted.
    async fn fetch_used(
        &self,
        workspace: WorkspaceId,
        counters: &[(String, DateTime<Utc>)],
    ) -> Result<Vec<i64>, StoreError>;
}

/// The record of this kind and key; `None` where there is none.
///
/// # Errors
/// Those of the store.
#[cfg(feature = "service")]
pub async fn fetch_record<R: Records + ?Sized>(
    store: &R,
    workspace: WorkspaceId,
    kind: &str,
    key: &str,
) -> Result<Option<Record>, StoreError> {
    Ok(store.fetch_records(workspace, kind, &[key.to_owned()]).await?.pop())
}
