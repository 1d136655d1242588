use async_trait::async_trait;
use convio_core::delivery::{Delivery, DeliveryFilter, DeliveryRepository, DeliveryStatus};
use convio_core::event::Position;
use convio_core::page::{Page, PageRequest};
use convio_core::store::{CommitError, StoreError};
use convio_core::{AppointmentId, DeliveryId, EndpointId, LeadId, WorkspaceId};
use rusqlite::{Connection, Row, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, int, micros, range, to_json};
use crate::put::{Put, Sql};
use crate::readers::{query_all, query_one, query_page, snapshot};

#[async_trait]
impl<A: Access> DeliveryRepository for Sqlite<A> {
    async fn fetch_deliveries(
        &self,
        workspace: WorkspaceId,
        ids: &[DeliveryId],
    ) -> Result<Vec<Option<Delivery>>, StoreError> {
        let ids = ids.to_vec();
        let fetch = move |conn: &Connection, id: &DeliveryId| {
            query_one(conn, BY_ID, [Id(workspace.uuid()), Id(id.uuid())], read)
        };
        self.access.read(move |conn| ids.iter().map(|id| fetch(conn, id)).collect()).await
    }

    async fn list_deliveries(
        &self,
        workspace: WorkspaceId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.access.read(move |conn| list(conn, workspace, &filter, &page)).await
    }

    async fn next_deliveries(
        &self,
        workspace: WorkspaceId,
        endpoints: &[EndpointId],
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let endpoints = endpoints.to_vec();
        let next = move |conn: &Connection| {
            let mut all = Vec::new();
            for endpoint in &endpoints {
                let values = params![Id(workspace.uuid()), Id(endpoint.uuid()), int(limit as u64)];
                all.extend(query_all(conn, NEXT, values, read)?);
            }
            Ok(all)
        };
        self.access.read(move |conn| snapshot(conn, next)).await
    }
}

fn list(
    conn: &Connection,
    workspace: WorkspaceId,
    filter: &DeliveryFilter,
    page: &PageRequest,
) -> Result<Page<Delivery>, StoreError> {
    let sql = match (filter.appointment, filter.lead, filter.endpoint) {
        (Some(_), _, _) => LIST_OF_APPOINTMENT,
        (None, Some(_), _) => LIST_OF_LEAD,
        (None, None, Some(_)) => LIST_OF_ENDPOINT,
        (None, None, None) => LIST,
    };
    let appointment = filter.appointment.map(|id| Id(id.uuid()));
    let (lead, endpoint) = (filter.lead.map(|id| Id(id.uuid())), filter.endpoint.map(|id| Id(id.uuid())));
    let (from, until) = range(filter.from, filter.until);
    let status = filter.status.map(DeliveryStatus::code);
    let values = params![appointment, lead, endpoint, status, from, until];
    query_page(conn, sql, workspace, page, values, read, |row| row.id.uuid())
}

/// Writes a row whose version was checked: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Delivery) -> Result<(), CommitError> {
    let Delivery { id, workspace, endpoint, cause, lead, kind, status, next_attempt_at, .. } = row;
    let Delivery { attempts_made, created_at, ended_at, version, .. } = row;
    put.row(params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        Id(endpoint.uuid()),
        cause.position().map(|Position(n)| int(n)),
        lead.map(|id: LeadId| Id(id.uuid())),
        cause.appointment().map(|id: AppointmentId| Id(id.uuid())),
        kind,
        status.code(),
        next_attempt_at.map(micros),
        attempts_made,
        row.response_status(),
        micros(*created_at),
        ended_at.map(micros),
        int(version.0),
        to_json(row)?,
    ])
}

fn read(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let mut cells = Cells::of("delivery", row);
    let _ = (cells.uuid()?, cells.uuid()?);
    cells.json()
}

macro_rules! select {
    ($from:literal, $($rest:literal),+) => {
        concat!("SELECT workspace_id, id, body FROM ", $from, " WHERE workspace_id = ?1 AND ", $($rest),+)
    };
}

macro_rules! list {
    ($from:literal, $of:literal) => {
        select!(
            $from,
            $of,
            " AND id > ?2 AND (?4 IS NULL OR appointment_id = ?4) AND (?5 IS NULL OR lead_id = ?5) AND (?6 IS NULL OR endpoint_id = ?6)
                 AND (?7 IS NULL OR status = ?7) AND created_at >= ?8 AND created_at < ?9 ORDER BY id LIMIT ?3"
        )
    };
}

const BY_ID: &str = select!("delivery", "id = ?2");
const LIST: &str = list!("delivery", "1");
const LIST_OF_APPOINTMENT: &str = list!("delivery INDEXED BY delivery_appointment_ix", "appointment_id = ?4");
const LIST_OF_LEAD: &str = list!("delivery INDEXED BY delivery_lead_ix", "lead_id = ?5");
const LIST_OF_ENDPOINT: &str = list!("delivery INDEXED BY delivery_endpoint_ix", "endpoint_id = ?6");
const NEXT: &str = select!(
    "delivery INDEXED BY delivery_next_ix",
    "endpoint_id = ?2 AND next_attempt_at IS NOT NULL ORDER BY next_attempt_at, id LIMIT ?3"
);

/// Writes a row, over the one that is there.
pub(crate) const PUT: Sql = Sql {
    head: "INSERT OR REPLACE INTO delivery (workspace_id, id, endpoint_id, position, lead_id, appointment_id, kind, status,
           next_attempt_at, attempts, response_status, created_at, ended_at, version, body) VALUES",
    values: 15,
    tail: "",
};
