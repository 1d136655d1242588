//! What a commit must win, and what contacts are found by.

use chrono::{DateTime, Utc};
use convio_core::canonical::Fingerprint;
use convio_core::change_set::{ClaimKind, ClaimName, Held, Last};
use convio_core::contact::{ContactKey, KeyKind, KeyScope};
use convio_core::store::StoreError;
use convio_core::{ContactId, LeadId, WebhookId, WorkspaceId};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::cells::Cells;
use crate::payload::fingerprint;
use crate::rows::read_all;
use crate::session::Session;
use crate::table::{Args, table};

table! {
    CLAIM, bind_claims: "claim" ["webhook_id", "kind", "value"] Replaced, |row| (&ClaimName, &Held) {
        "webhook_id" uuid = webhook_code(row.0);
        "kind" int2 = i16::from(row.0.kind.code());
        "value" text = row.0.value.as_str();
        "fingerprint" bytea = row.1.fingerprint.as_bytes().as_slice();
        "holder_id" uuid = row.1.holder;
        "expires_at" timestamptz = row.1.expires_at;
        "yields" bool = row.1.yields;
    }
}

table! {
    COUNTER, bind_counters: "counter" ["key", "window_at"] Replaced, |row| (&(String, DateTime<Utc>), &i64) {
        "key" text = row.0.0.as_str();
        "window_at" timestamptz = row.0.1;
        "used" int8 = *row.1;
    }
}

table! {
    CONTACT_KEY, bind_keys: "contact_key" ["scope", "kind", "value"] Replaced, |row| (&ContactKey, &ContactId) {
        "scope" uuid = row.0.scope.code();
        "kind" int2 = i16::from(row.0.kind.code());
        "value" text = row.0.value.as_str();
        "contact_id" uuid = row.1.uuid();
    }
}

table! {
    WINDOW, bind_windows: "repeat_window" ["contact_id", "key"] Replaced,
    |row| (&(ContactId, Fingerprint), &Last) {
        "contact_id" uuid = row.0.0.uuid();
        "key" bytea = row.0.1.as_bytes().as_slice();
        "last_at" timestamptz = row.1.0;
        "last_lead" uuid = row.1.1.uuid();
    }
}

impl Session<'_> {
    /// What holds these names.
    pub(crate) async fn fetch_holders(
        &self,
        workspace: WorkspaceId,
        names: &[ClaimName],
    ) -> Result<Vec<Option<Uuid>>, StoreError> {
        let args = names_args(Args::default().with(workspace.uuid()), names.iter());
        let rows = self.read(workspace, self.sql().select(&CLAIM, BY_NAMES), args).await?;
        let found = read_all(&rows, read_claim)?;
        let holder = |name: &ClaimName| Some(found.iter().find(|(found, _)| found == name)?.1.holder);
        Ok(names.iter().map(holder).collect())
    }

    pub(crate) async fn fetch_used(
        &self,
        workspace: WorkspaceId,
        counters: &[(String, DateTime<Utc>)],
    ) -> Result<Vec<i64>, StoreError> {
        let args = Args::default()
            .with(workspace.uuid())
            .with(counters.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>())
            .with(counters.iter().map(|(_, window)| *window).collect::<Vec<_>>());
        let rows = self.read(workspace, self.sql().fixed(USED), args).await?;
        let found = read_all(&rows, read_counter)?;
        let used = |counter| found.iter().find(|(found, _)| found == counter).map(|(_, used)| *used);
        Ok(counters.iter().map(|counter| used(counter).unwrap_or(0)).collect())
    }

    /// The keys of a contact.
    pub(crate) async fn contact_keys(
        &self,
        workspace: WorkspaceId,
        contact: ContactId,
    ) -> Result<Vec<ContactKey>, StoreError> {
        let args = Args::default().with(workspace.uuid()).with(contact.uuid());
        let rows = self.read(workspace, self.sql().select(&CONTACT_KEY, OF_CONTACT), args).await?;
        Ok(read_all(&rows, read_key)?.into_iter().map(|(key, _)| key).collect())
    }
}

/// Three arrays: webhooks, kinds, values.
pub(crate) fn names_args<'n>(args: Args, names: impl Iterator<Item = &'n ClaimName> + Clone) -> Args {
    args.with(names.clone().map(webhook_code).collect::<Vec<_>>())
        .with(names.clone().map(|name| i16::from(name.kind.code())).collect::<Vec<_>>())
        .with(names.map(|name| name.value.as_str()).collect::<Vec<_>>())
}

pub(crate) fn read_claim(row: &PgRow) -> Result<(ClaimName, Held), StoreError> {
    let mut cells = Cells::of(&CLAIM, row)?;
    let _ = cells.uuid()?;
    let webhook = cells.uuid()?;
    let name = ClaimName {
        webhook: (!webhook.is_nil()).then(|| WebhookId::from_uuid(webhook)),
        kind: cells.map(|code: i16| claim_kind(code).ok_or("no kind of claim"))?,
        value: cells.get()?,
    };
    let held = Held {
        fingerprint: cells.map(fingerprint)?,
        holder: cells.get()?,
        expires_at: cells.opt_time()?,
        yields: cells.get()?,
    };
    Ok((name, held))
}

pub(crate) fn read_counter(row: &PgRow) -> Result<((String, DateTime<Utc>), i64), StoreError> {
    let mut cells = Cells::of(&COUNTER, row)?;
    let _ = cells.uuid()?;
    Ok(((cells.get()?, cells.time()?), cells.get()?))
}

pub(crate) fn read_key(row: &PgRow) -> Result<(ContactKey, ContactId), StoreError> {
    let mut cells = Cells::of(&CONTACT_KEY, row)?;
    let _ = cells.uuid()?;
    let key = ContactKey {
        scope: KeyScope::from_code(cells.uuid()?),
        kind: cells
            .map(|code: i16| u8::try_from(code).ok().and_then(KeyKind::from_code).ok_or("no kind of key"))?,
        value: cells.get()?,
    };
    Ok((key, ContactId::from_uuid(cells.uuid()?)))
}

pub(crate) fn read_window(row: &PgRow) -> Result<((ContactId, Fingerprint), Last), StoreError> {
    let mut cells = Cells::of(&WINDOW, row)?;
    let _ = cells.uuid()?;
    let window = (ContactId::from_uuid(cells.uuid()?), cells.map(fingerprint)?);
    Ok((window, (cells.time()?, LeadId::from_uuid(cells.uuid()?))))
}

/// The kind that [`ClaimKind::code`] makes this code of.
pub(crate) fn claim_kind(code: i16) -> Option<ClaimKind> {
    u8::try_from(code).ok().and_then(ClaimKind::from_code)
}

pub(crate) fn webhook_code(name: &ClaimName) -> Uuid {
    name.webhook.map_or(Uuid::nil(), WebhookId::uuid)
}

const BY_NAMES: &str = "x.workspace_id = $1 AND EXISTS (SELECT FROM unnest($2::uuid[], $3::int2[], $4::text[])
    AS n (webhook_id, kind, value) WHERE n.webhook_id = x.webhook_id AND n.kind = x.kind AND n.value = x.value)";
/// One after the other, whatever the planner holds of the table: it may be empty for long.
const USED: &str = "SELECT 0::int2 AS set, ROW(x.workspace_id, x.key, x.window_at, x.used) AS cells
    FROM unnest($2::text[], $3::timestamptz[]) AS n (key, window_at)
    CROSS JOIN LATERAL (SELECT * FROM {s}.counter AS t WHERE t.workspace_id = $1 AND t.key = n.key
        AND t.window_at = n.window_at LIMIT 1) AS x";
const OF_CONTACT: &str = "x.workspace_id = $1 AND x.contact_id = $2 ORDER BY x.scope, x.kind, x.value";
