use convio_core::delivery::{Delivery, DeliveryFilter, DeliveryStatus};
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::StoreError;
use convio_core::{AppointmentId, DeliveryId, EndpointId, LeadId, WorkspaceId};
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int, to_json};
use crate::rows::{in_order, read_all};
use crate::session::{Session, page_args};
use crate::table::{Args, table};

table! {
    DELIVERY, bind: "delivery" ["id"] Replaced, |row| &Delivery {
        "id" uuid = row.id.uuid();
        "body" json = to_json(row)?;
    } also {
        "endpoint_id" uuid = row.endpoint.uuid();
        "position" int8 = row.cause.position().map(|position| int(position.0));
        "lead_id" uuid = row.lead.map(LeadId::uuid);
        "appointment_id" uuid = row.cause.appointment().map(AppointmentId::uuid);
        "kind" text = row.kind.as_str();
        "status" text = row.status.code();
        "next_attempt_at" timestamptz = row.next_attempt_at;
        "attempts" int8 = i64::from(row.attempts_made);
        "response_status" int8 = row.response_status().map(i64::from);
        "created_at" timestamptz = row.created_at;
        "ended_at" timestamptz = row.ended_at;
        "version" int8 = int(row.version.0);
    }
}

impl Session<'_> {
    pub(crate) async fn fetch_deliveries(
        &self,
        workspace: WorkspaceId,
        ids: &[DeliveryId],
    ) -> Result<Vec<Option<Delivery>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let args = Args::default().with(workspace.uuid()).with(keys);
        let rows = self.read(workspace, self.sql().select(&DELIVERY, BY_IDS), args).await?;
        in_order(ids, read_all(&rows, read)?, |row| row.id)
    }

    pub(crate) async fn list_deliveries(
        &self,
        workspace: WorkspaceId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        let rest = match (filter.appointment, filter.lead, filter.endpoint) {
            (Some(_), _, _) => LIST_OF_APPOINTMENT,
            (None, Some(_), _) => LIST_OF_LEAD,
            (None, None, Some(_)) => LIST_OF_ENDPOINT,
            (None, None, None) => LIST,
        };
        let args = page_args(workspace, page)
            .with(filter.appointment.map(AppointmentId::uuid))
            .with(filter.lead.map(LeadId::uuid))
            .with(filter.endpoint.map(EndpointId::uuid))
            .with(filter.status.map(DeliveryStatus::code))
            .with(filter.from)
            .with(filter.until);
        let rows = self.read(workspace, self.sql().select(&DELIVERY, rest), args).await?;
        Ok(Page::of(read_all(&rows, read)?, page.size(), |row| Cursor::id(row.id.uuid())))
    }

    pub(crate) async fn next_deliveries(
        &self,
        workspace: WorkspaceId,
        endpoints: &[EndpointId],
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let keys: Vec<_> = endpoints.iter().map(|id| id.uuid()).collect();
        let args = Args::default().with(workspace.uuid()).with(keys).with(int(limit as u64));
        let rows = self.read(workspace, self.sql().select(&DELIVERY, NEXT), args).await?;
        read_all(&rows, read)
    }
}

fn read(row: &PgRow) -> Result<Delivery, StoreError> {
    let mut cells = Cells::of(&DELIVERY, row)?;
    let _ = (cells.uuid()?, cells.uuid()?);
    cells.json()
}

macro_rules! list {
    ($of:literal) => {
        concat!(
            "x.workspace_id = $1 AND x.id > $2 AND ",
            $of,
            " AND ($7::text IS NULL OR x.status = $7) AND ($8::timestamptz IS NULL OR x.created_at >= $8)
            AND ($9::timestamptz IS NULL OR x.created_at < $9) ORDER BY x.id LIMIT $3"
        )
    };
}

const BY_IDS: &str = "x.workspace_id = $1 AND x.id = ANY($2)";
const LIST: &str = list!("$4::uuid IS NULL AND $5::uuid IS NULL AND $6::uuid IS NULL");
const LIST_OF_APPOINTMENT: &str = list!(
    "x.appointment_id = $4 AND ($5::uuid IS NULL OR x.lead_id = $5) AND ($6::uuid IS NULL OR x.endpoint_id = $6)"
);
const LIST_OF_LEAD: &str =
    list!("x.lead_id = $5 AND $4::uuid IS NULL AND ($6::uuid IS NULL OR x.endpoint_id = $6)");
const LIST_OF_ENDPOINT: &str = list!("x.endpoint_id = $6 AND $4::uuid IS NULL AND $5::uuid IS NULL");
/// Of each endpoint by itself: one with many due takes no place of another.
const NEXT: &str = "x.workspace_id = $1 AND x.id IN (
    SELECT n.id FROM unnest($2::uuid[]) AS e (id) CROSS JOIN LATERAL (
        SELECT d.id FROM {s}.delivery AS d
        WHERE d.workspace_id = $1 AND d.endpoint_id = e.id AND d.next_attempt_at IS NOT NULL
        ORDER BY d.next_attempt_at, d.id LIMIT $3) AS n)
    ORDER BY x.endpoint_id, x.next_attempt_at, x.id";
