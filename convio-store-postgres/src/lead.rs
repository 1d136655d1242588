use convio_core::attribution::{ClickIds, LeadTouch};
use convio_core::change_set::Version;
use convio_core::lead::{
    Attempts, Interest, Lead, LeadFilter, LeadStatus, Priority, Progress, Reached, Stage,
};
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::{KnownOwner, StoreError};
use convio_core::{
    Campaign, ContactId, ConversionId, LeadId, LeadType, PostalCode, Product, ProviderId, Source, WebhookId,
    WorkspaceId,
};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::cells::{Cells, int, micros_up, to_json};
use crate::rows::{in_order, read_all};
use crate::session::{Session, page_args};
use crate::table::{Args, table};

table! {
    LEAD, bind: "lead" ["id"] Replaced, |row| &Lead {
        "id" uuid = row.id.uuid();
        "contact_id" uuid = row.contact.uuid();
        "webhook_id" uuid = row.webhook.uuid();
        "provider_id" uuid = row.provider.map(ProviderId::uuid);
        "source" text = row.interest.source.as_str();
        "lead_type" text = row.interest.lead_type.as_str();
        "campaign" text = row.interest.campaign.as_ref().map(Campaign::as_str);
        "product" text = row.interest.product.as_ref().map(Product::as_str);
        "external_id" text = row.interest.external_id.as_deref();
        "utm" json = to_json(&row.interest.utm)?;
        "custom" json = to_json(&row.custom)?;
        "postal_code" text = row.postal_code.as_ref().map(PostalCode::as_str);
        "flags" json = to_json(&row.flags)?;
        "test" bool = row.test;
        "status" text = row.progress.status.key.as_str();
        "stage" text = row.progress.status.stage.code();
        "reason" text = row.progress.reason.as_deref();
        "open_appointments" int8 = i64::from(row.progress.open_appointments);
        "reached" int2 = i16::from(row.progress.reached.0);
        "conversion_id" uuid = row.progress.conversion.map(ConversionId::uuid);
        "owner" text = row.owner.as_deref();
        "follow_up_at" timestamptz = row.follow_up_at;
        "priority" text = row.priority.code();
        "attempts" int8 = i64::from(row.attempts.count);
        "first_attempt_at" timestamptz = row.attempts.first_at;
        "last_attempt_at" timestamptz = row.attempts.last_at;
        "duplicate_of" uuid = row.duplicate_of.map(LeadId::uuid);
        "opened_contact" bool = row.opened_contact;
        "received_at" timestamptz = row.received_at;
        "created_at" timestamptz = row.created_at;
        "deleted_at" timestamptz = row.deleted_at;
        "version" int8 = int(row.version.0);
    }
}

impl Session<'_> {
    pub(crate) async fn fetch_leads(
        &self,
        workspace: WorkspaceId,
        ids: &[LeadId],
    ) -> Result<Vec<Option<Lead>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let args = Args::default().with(workspace.uuid()).with(keys);
        let rows = self.read(workspace, self.sql().select(&LEAD, BY_IDS), args).await?;
        in_order(ids, read_all(&rows, read)?, |row| row.id)
    }

    pub(crate) async fn list_leads(
        &self,
        workspace: WorkspaceId,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Result<Page<Lead>, StoreError> {
        let rest = if filter.contact.is_some() { LIST_OF_CONTACT } else { LIST };
        let args = page_args(workspace, page)
            .with(filter.contact.map(ContactId::uuid))
            .with(filter.webhook.map(WebhookId::uuid))
            .with(filter.stage.map(Stage::code))
            .with(filter.owner.as_deref())
            .with(filter.follow_up_by)
            .with(filter.received_before.map(micros_up))
            .with(filter.with_deleted);
        let rows = self.read(workspace, self.sql().select(&LEAD, rest), args).await?;
        Ok(Page::of(read_all(&rows, read)?, page.size(), |row| Cursor::id(row.id.uuid())))
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Lead, StoreError> {
    let mut cells = Cells::of(&LEAD, row)?;
    Ok(Lead {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: LeadId::from_uuid(cells.uuid()?),
        contact: ContactId::from_uuid(cells.uuid()?),
        webhook: WebhookId::from_uuid(cells.uuid()?),
        provider: cells.get::<Option<_>>()?.map(ProviderId::from_uuid),
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
            reached: Reached(cells.code()?),
            conversion: cells.get::<Option<_>>()?.map(ConversionId::from_uuid),
        },
        owner: cells.get()?,
        follow_up_at: cells.opt_time()?,
        priority: cells.map(|code: String| Priority::from_code(&code).ok_or("no priority"))?,
        attempts: Attempts { count: cells.small()?, first_at: cells.opt_time()?, last_at: cells.opt_time()? },
        duplicate_of: cells.get::<Option<_>>()?.map(LeadId::from_uuid),
        opened_contact: cells.get()?,
        received_at: cells.time()?,
        created_at: cells.time()?,
        deleted_at: cells.opt_time()?,
        version: Version(cells.count()?),
    })
}

/// A touch that [`TOUCHES_OF_LEAD`] and its like select.
pub(crate) fn read_touch(row: &PgRow) -> Result<LeadTouch, StoreError> {
    let mut cells = Cells::of(&LEAD, row)?;
    Ok(LeadTouch {
        lead: LeadId::from_uuid(cells.uuid()?),
        webhook: WebhookId::from_uuid(cells.uuid()?),
        provider: cells.get::<Option<_>>()?.map(ProviderId::from_uuid),
        source: cells.map(|text: String| Source::new(&text))?,
        campaign: cells.map_opt(|text: String| Campaign::new(&text))?,
        utm: cells.json()?,
        click_ids: ClickIds::of_custom(&cells.json()?),
        at: cells.time()?,
    })
}

/// Who was responsible before, as [`OWNER_BY_LEAD`] and [`OWNER_BY_APPOINTMENT`] select it, and the id that was asked by.
pub(crate) fn read_owner(row: &PgRow) -> Result<(Uuid, Option<KnownOwner>), StoreError> {
    let mut cells = Cells::of(&LEAD, row)?;
    let id = cells.uuid()?;
    let (owner, keeper): (Option<_>, Option<_>) = (cells.get()?, cells.get()?);
    Ok((id, owner.map(KnownOwner::OfLead).or_else(|| keeper.map(KnownOwner::OfAppointment))))
}

// The filters are one expression, of which the planner knows nothing. Apart, each would make it expect fewer rows, in the end
// so few that it would read and sort the whole workspace for each page, in place of walking along the ids.
macro_rules! list {
    ($contact:literal) => {
        concat!(
            "x.workspace_id = $1 AND x.id > $2 AND ",
            $contact,
            " AND coalesce(($5::uuid IS NULL OR x.webhook_id = $5) AND ($6::text IS NULL OR x.stage = $6)
              AND ($7::text IS NULL OR x.owner = $7) AND ($8::timestamptz IS NULL OR x.follow_up_at <= $8)
              AND ($9::timestamptz IS NULL OR x.received_at < $9) AND ($10 OR x.deleted_at IS NULL), false)
              ORDER BY x.id LIMIT $3"
        )
    };
}

// The limit is `JOURNEY_ROWS_MAX`.
macro_rules! touches {
    ($contact:literal) => {
        concat!(
            "{s}.lead AS x
             WHERE x.contact_id = ",
            $contact,
            " AND x.workspace_id = $1 AND x.received_at <= {1} AND NOT x.test AND x.deleted_at IS NULL
             ORDER BY x.received_at DESC, x.id DESC LIMIT 1000"
        )
    };
}

// Of the newest leads the first one that has an owner, and only where there is none the newest appointments. The limit is
// `OWNER_ROWS_MAX`.
macro_rules! owner {
    ($of:literal, $id:literal, $others:literal) => {
        concat!(
            "{s}.",
            $of,
            " LEFT JOIN LATERAL (SELECT n.owner
                  FROM (SELECT l.id, l.owner, l.test, l.deleted_at FROM {s}.lead AS l
                        WHERE l.contact_id = o.contact_id AND l.workspace_id = $1 ORDER BY l.id DESC LIMIT 20) AS n
                  WHERE n.owner IS NOT NULL AND NOT n.test AND n.deleted_at IS NULL ORDER BY n.id DESC LIMIT 1) AS known ON true
             LEFT JOIN LATERAL (SELECT n.staff
                  FROM (SELECT a.id, a.lead_id, a.staff, a.status FROM {s}.appointment AS a
                        WHERE a.workspace_id = $1 AND a.contact_id = o.contact_id AND ",
            $others,
            " ORDER BY a.id DESC LIMIT 20) AS n
                  WHERE known.owner IS NULL AND n.staff IS NOT NULL AND n.status <> 'rescheduled' AND EXISTS (
                      SELECT FROM {s}.lead AS l WHERE l.workspace_id = $1 AND l.id = n.lead_id AND NOT l.test
                      AND l.deleted_at IS NULL)
                  ORDER BY n.id DESC LIMIT 1) AS kept ON true
             WHERE o.workspace_id = $1 AND o.owner IS NULL AND ",
            $id,
            " = {0}"
        )
    };
}

const BY_IDS: &str = "x.workspace_id = $1 AND x.id = ANY($2)";
const LIST: &str = list!("$4::uuid IS NULL");
const LIST_OF_CONTACT: &str = list!("x.contact_id = $4");
pub(crate) const TOUCH_CELLS: &str =
    "x.id, x.webhook_id, x.provider_id, x.source, x.campaign, x.utm::text, x.custom::text, x.received_at";
pub(crate) const TOUCHES_OF_LEAD: &str =
    touches!("(SELECT o.contact_id FROM {s}.lead AS o WHERE o.workspace_id = $1 AND o.id = {0})");
pub(crate) const TOUCHES_OF_APPOINTMENT: &str =
    touches!("(SELECT o.contact_id FROM {s}.appointment AS o WHERE o.workspace_id = $1 AND o.id = {0})");
pub(crate) const TOUCHES_OF_CONTACT: &str = touches!("{0}");
pub(crate) const OWNER_BY_LEAD: &str = owner!("lead AS o", "o.id", "true");
pub(crate) const OWNER_BY_LEAD_CELLS: &str = "o.id, known.owner, kept.staff";
pub(crate) const OWNER_BY_APPOINTMENT: &str = owner!(
    "appointment AS v JOIN {s}.lead AS o ON o.workspace_id = $1 AND o.id = v.lead_id",
    "v.workspace_id = $1 AND v.id",
    "a.id <> v.id"
);
pub(crate) const OWNER_BY_APPOINTMENT_CELLS: &str = "v.id, known.owner, kept.staff";
