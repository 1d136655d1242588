use async_trait::async_trait;
use chrono::{DateTime, Utc};
use convio_core::attribution::{ClickIds, LeadTouch};
use convio_core::change_set::{ClaimName, Version};
use convio_core::lead::{
    Attempts, Interest, Lead, LeadFilter, LeadRepository, LeadStatus, Payload, Priority, Progress, Reached,
    Stage,
};
use convio_core::page::{Page, PageRequest};
use convio_core::store::{CommitError, ContactOf, KnownOwner, StoreError};
use convio_core::{
    Campaign, ContactId, ConversionId, IntakeId, LeadId, LeadType, PostalCode, Product, ProviderId, Source,
    WebhookId, WorkspaceId,
};
use rusqlite::{Connection, Row, params};

use uuid::Uuid;

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, int, micros, micros_up, to_json};
use crate::put::{Put, Sql};
use crate::readers::{query_all, query_one, query_page};
use crate::{appointment, gates, payload};

/// The columns, in the order in which they are written and read.
macro_rules! columns {
    () => {
        "workspace_id, id, contact_id, webhook_id, provider_id, source, lead_type, campaign, product, external_id, utm,
         custom, postal_code, flags, test, status, stage, reason, open_appointments, reached, conversion_id, owner,
         follow_up_at, priority, attempts, first_attempt_at, last_attempt_at, duplicate_of, opened_contact, received_at,
         created_at, deleted_at, version"
    };
}

#[async_trait]
impl<A: Access> LeadRepository for Sqlite<A> {
    async fn fetch_leads(
        &self,
        workspace: WorkspaceId,
        ids: &[LeadId],
    ) -> Result<Vec<Option<Lead>>, StoreError> {
        let ids = ids.to_vec();
        self.access.read(move |conn| ids.iter().map(|id| fetch(conn, workspace, *id)).collect()).await
    }

    async fn list_leads(
        &self,
        workspace: WorkspaceId,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Result<Page<Lead>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.access.read(move |conn| list(conn, workspace, &filter, &page)).await
    }

    async fn fetch_holders(
        &self,
        workspace: WorkspaceId,
        names: &[ClaimName],
    ) -> Result<Vec<Option<Uuid>>, StoreError> {
        let names = names.to_vec();
        self.access
            .read(move |conn| {
                let holder = |name| Ok(gates::held(conn, workspace, name)?.map(|held| held.holder));
                names.iter().map(holder).collect()
            })
            .await
    }

    async fn fetch_payloads(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Result<Vec<Option<Payload>>, StoreError> {
        let ids = ids.to_vec();
        self.access
            .read(move |conn| ids.iter().map(|id| payload::fetch(conn, workspace, *id)).collect())
            .await
    }
}

pub(crate) fn fetch(
    conn: &Connection,
    workspace: WorkspaceId,
    id: LeadId,
) -> Result<Option<Lead>, StoreError> {
    query_one(conn, BY_ID, [Id(workspace.uuid()), Id(id.uuid())], read)
}

/// The contact that is meant; `None` where there is none.
pub(crate) fn contact_of(
    conn: &Connection,
    workspace: WorkspaceId,
    of: ContactOf,
) -> Result<Option<ContactId>, StoreError> {
    let (sql, id) = match of {
        ContactOf::Lead(id) => (CONTACT_OF_LEAD, id.uuid()),
        ContactOf::Appointment(id) => (CONTACT_OF_APPOINTMENT, id.uuid()),
        ContactOf::Itself(id) => return Ok(Some(id)),
    };
    query_one(conn, sql, [Id(workspace.uuid()), Id(id)], |row| {
        let mut cells = Cells::of("lead", row);
        let _ = (cells.uuid()?, cells.uuid()?);
        Ok(ContactId::from_uuid(cells.uuid()?))
    })
}

/// The newest leads of a contact that count, at or before a time, by time and id.
pub(crate) fn touches(
    conn: &Connection,
    workspace: WorkspaceId,
    contact: ContactId,
    at: DateTime<Utc>,
) -> Result<Vec<LeadTouch>, StoreError> {
    let values = params![Id(workspace.uuid()), Id(contact.uuid()), micros(at)];
    let mut touches = query_all(conn, TOUCHES, values, |row| {
        let mut cells = Cells::of("lead", row);
        let _ = cells.uuid()?;
        Ok(LeadTouch {
            lead: LeadId::from_uuid(cells.uuid()?),
            webhook: WebhookId::from_uuid(cells.uuid()?),
            provider: cells.opt_uuid()?.map(ProviderId::from_uuid),
            source: cells.map(|text: String| Source::new(&text))?,
            campaign: cells.map_opt(|text: String| Campaign::new(&text))?,
            utm: cells.json()?,
            click_ids: ClickIds::of_custom(&cells.json()?),
            at: cells.time()?,
        })
    })?;
    touches.reverse();
    Ok(touches)
}

/// Who was responsible for a contact before, where the lead has no owner of its own.
pub(crate) fn owner(
    conn: &Connection,
    workspace: WorkspaceId,
    of: ContactOf,
) -> Result<Option<KnownOwner>, StoreError> {
    let (sql, id, but) = match of {
        ContactOf::Lead(id) => (OWNER_BY_LEAD, id.uuid(), None),
        ContactOf::Appointment(id) => (OWNER_BY_APPOINTMENT, id.uuid(), Some(id)),
        ContactOf::Itself(_) => return Ok(None),
    };
    let found = query_one(conn, sql, [Id(workspace.uuid()), Id(id)], |row| {
        let mut cells = Cells::of("lead", row);
        let (_, _) = (cells.uuid()?, cells.uuid()?);
        Ok((ContactId::from_uuid(cells.uuid()?), cells.get()?))
    })?;
    match found {
        Some((_, Some(owner))) => Ok(Some(KnownOwner::OfLead(owner))),
        Some((contact, None)) => {
            Ok(appointment::keeper(conn, workspace, contact, but)?.map(KnownOwner::OfAppointment))
        }
        None => Ok(None),
    }
}

fn list(
    conn: &Connection,
    workspace: WorkspaceId,
    filter: &LeadFilter,
    page: &PageRequest,
) -> Result<Page<Lead>, StoreError> {
    let sql = if filter.contact.is_some() { LIST_OF_CONTACT } else { LIST };
    let values = params![
        filter.contact.map(|id| Id(id.uuid())),
        filter.webhook.map(|id| Id(id.uuid())),
        filter.stage.map(Stage::code),
        filter.owner,
        filter.follow_up_by.map(micros),
        filter.received_before.map(micros_up),
        filter.with_deleted,
    ];
    query_page(conn, sql, workspace, page, values, read, |row| row.id.uuid())
}

/// Writes a row whose version was checked, or one that was taken to be new: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Lead, new: bool) -> Result<(), CommitError> {
    let Lead {
        id,
        workspace,
        contact,
        webhook,
        provider,
        interest,
        custom,
        postal_code,
        flags,
        test,
        progress,
        owner,
        follow_up_at,
        priority,
        attempts,
        duplicate_of,
        opened_contact,
        deleted_at,
        received_at,
        created_at,
        version,
    } = row;
    let Interest { source, lead_type, campaign, product, utm, external_id } = interest;
    let Progress { status, reason, open_appointments, reached, conversion } = progress;
    let LeadStatus { key, stage } = status;
    let Attempts { count, first_at, last_at } = attempts;
    let values = params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        Id(contact.uuid()),
        Id(webhook.uuid()),
        provider.map(|id| Id(id.uuid())),
        source.as_str(),
        lead_type.as_str(),
        campaign.as_ref().map(Campaign::as_str),
        product.as_ref().map(Product::as_str),
        external_id,
        to_json(utm)?,
        to_json(custom)?,
        postal_code.as_ref().map(PostalCode::as_str),
        to_json(flags)?,
        test,
        key,
        stage.code(),
        reason,
        open_appointments,
        reached.0,
        conversion.map(|id| Id(id.uuid())),
        owner,
        follow_up_at.map(micros),
        priority.code(),
        count,
        first_at.map(micros),
        last_at.map(micros),
        duplicate_of.map(|id| Id(id.uuid())),
        opened_contact,
        micros(*received_at),
        micros(*created_at),
        deleted_at.map(micros),
        int(version.0),
    ];
    if new { put.new_row(values, || format!("lead `{id}`")) } else { put.row(values) }
}

fn read(row: &Row<'_>) -> Result<Lead, StoreError> {
    let mut cells = Cells::of("lead", row);
    Ok(Lead {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: LeadId::from_uuid(cells.uuid()?),
        contact: ContactId::from_uuid(cells.uuid()?),
        webhook: WebhookId::from_uuid(cells.uuid()?),
        provider: cells.opt_uuid()?.map(ProviderId::from_uuid),
        interest: Interest {
            source: cells.map(|text: String| Source::new(&text))?,
            lead_type: cells.map(|text: String| LeadType::new(&text))?,
            campaign: cells.map_opt(|text: String| Campaign::new(&text))?,
            product: cells.map_opt(|text: String| Product::new(&text))?,
            external_id: cells.get()?,
            utm: cells.json()?,
        },
        custom: cells.json()?,
        postal_code: cells.map_opt(|text: String| PostalCode::parse(&text))?,
        flags: cells.json()?,
        test: cells.get()?,
        progress: Progress {
            status: LeadStatus {
                key: cells.get()?,
                stage: cells.map(|code: String| Stage::from_code(&code).ok_or("no stage"))?,
            },
            reason: cells.get()?,
            open_appointments: cells.small()?,
            reached: Reached(cells.get()?),
            conversion: cells.opt_uuid()?.map(ConversionId::from_uuid),
        },
        owner: cells.get()?,
        follow_up_at: cells.opt_time()?,
        priority: cells.map(|code: String| Priority::from_code(&code).ok_or("no priority"))?,
        attempts: Attempts { count: cells.small()?, first_at: cells.opt_time()?, last_at: cells.opt_time()? },
        duplicate_of: cells.opt_uuid()?.map(LeadId::from_uuid),
        opened_contact: cells.get()?,
        received_at: cells.time()?,
        created_at: cells.time()?,
        deleted_at: cells.opt_time()?,
        version: Version(cells.count()?),
    })
}

macro_rules! list {
    ($from:literal, $contact:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM ",
            $from,
            " WHERE workspace_id = ?1 AND id > ?2 AND ",
            $contact,
            " AND (?5 IS NULL OR webhook_id = ?5) AND (?6 IS NULL OR stage = ?6) AND (?7 IS NULL OR owner = ?7)
              AND (?8 IS NULL OR follow_up_at <= ?8) AND (?9 IS NULL OR received_at < ?9)
              AND (?10 OR deleted_at IS NULL) ORDER BY id LIMIT ?3"
        )
    };
}

// The limit is `OWNER_ROWS_MAX`.
macro_rules! owner {
    ($of:literal) => {
        concat!(
            "SELECT o.workspace_id, o.id, o.contact_id,
                (SELECT owner FROM (SELECT id, owner, test, deleted_at FROM lead INDEXED BY lead_contact_ix
                                    WHERE contact_id = o.contact_id AND workspace_id = ?1 ORDER BY id DESC LIMIT 20)
                 WHERE owner IS NOT NULL AND NOT test AND deleted_at IS NULL ORDER BY id DESC LIMIT 1)
             FROM lead AS o WHERE o.workspace_id = ?1 AND o.owner IS NULL AND o.id = ",
            $of
        )
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM lead WHERE workspace_id = ?1 AND id = ?2");
const LIST: &str = list!("lead", "?4 IS NULL");
const LIST_OF_CONTACT: &str = list!("lead INDEXED BY lead_contact_ix", "contact_id = ?4");
const CONTACT_OF_LEAD: &str =
    "SELECT workspace_id, id, contact_id FROM lead WHERE workspace_id = ?1 AND id = ?2";
const CONTACT_OF_APPOINTMENT: &str =
    "SELECT workspace_id, id, contact_id FROM appointment WHERE workspace_id = ?1 AND id = ?2";
// The limit is `JOURNEY_ROWS_MAX`.
const TOUCHES: &str = "SELECT workspace_id, id, webhook_id, provider_id, source, campaign, utm, custom, received_at
     FROM lead INDEXED BY lead_contact_ix WHERE contact_id = ?2 AND workspace_id = ?1 AND received_at <= ?3 AND NOT test
     AND deleted_at IS NULL ORDER BY received_at DESC, id DESC LIMIT 1000";
const OWNER_BY_LEAD: &str = owner!("?2");
const OWNER_BY_APPOINTMENT: &str =
    owner!("(SELECT lead_id FROM appointment WHERE workspace_id = ?1 AND id = ?2)");

/// Writes a row over the one that is there.
pub(crate) const UPDATE: Sql = Sql {
    head: "UPDATE lead SET contact_id = ?3, webhook_id = ?4, provider_id = ?5, source = ?6, lead_type = ?7, campaign = ?8,
           product = ?9, external_id = ?10, utm = ?11, custom = ?12, postal_code = ?13, flags = ?14, test =
           ?15, status = ?16, stage = ?17, reason = ?18, open_appointments = ?19, reached = ?20, conversion_id
           = ?21, owner = ?22, follow_up_at = ?23, priority = ?24, attempts = ?25, first_attempt_at = ?26,
           last_attempt_at = ?27, duplicate_of = ?28, opened_contact = ?29, received_at = ?30, created_at =
           ?31, deleted_at = ?32, version = ?33
           WHERE workspace_id = ?1 AND id = ?2",
    values: 0,
    tail: "",
};
/// Writes a row, unless there is one.
pub(crate) const INSERT: Sql = Sql {
    head: concat!("INSERT OR FAIL INTO lead (", columns!(), ") VALUES"),
    values: 33,
    tail: "ON CONFLICT (workspace_id, id) DO NOTHING",
};
