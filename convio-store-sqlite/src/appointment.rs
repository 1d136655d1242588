use async_trait::async_trait;
use chrono::NaiveDateTime;
use convio_core::appointment::{
    Appointment, AppointmentFilter, AppointmentRepository, AppointmentStatus, Schedule,
};
use convio_core::change_set::{Version, Write};
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::{CommitError, StoreError};
use convio_core::{AppointmentId, ContactId, ConversionId, LeadId, WorkspaceId, Zone};
use rusqlite::{Connection, Row, params};

use crate::SqliteStore;
use crate::apply::{check_version, execute};
use crate::cells::{Cells, Id, int, micros, to_json};
use crate::readers::{after_id, page_limit, query_all, query_one};

#[async_trait]
impl AppointmentRepository for SqliteStore {
    async fn fetch_appointments(
        &self,
        workspace: WorkspaceId,
        ids: &[AppointmentId],
    ) -> Result<Vec<Option<Appointment>>, StoreError> {
        let ids = ids.to_vec();
        self.readers.run(move |conn| ids.iter().map(|id| fetch(conn, workspace, *id)).collect()).await
    }

    async fn list_appointments(
        &self,
        workspace: WorkspaceId,
        filter: &AppointmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Appointment>, StoreError> {
        let (lead, contact, page) = (filter.lead, filter.contact, page.clone());
        self.readers
            .run(move |conn| {
                let (id, after, limit) = (Id(workspace.uuid()), after_id(&page), page_limit(&page));
                let contact = contact.map(|id| Id(id.uuid()));
                let rows = match (lead, contact) {
                    (Some(lead), of) => {
                        query_all(conn, LIST_OF_LEAD, params![id, after, limit, Id(lead.uuid()), of], read)
                    }
                    (None, Some(contact)) => {
                        query_all(conn, LIST_OF_CONTACT, params![id, after, limit, contact], read)
                    }
                    (None, None) => query_all(conn, LIST, params![id, after, limit], read),
                };
                Ok(Page::of(rows?, page.size(), |row| Cursor::id(row.id.uuid())))
            })
            .await
    }
}

pub(crate) fn fetch(
    conn: &Connection,
    workspace: WorkspaceId,
    id: AppointmentId,
) -> Result<Option<Appointment>, StoreError> {
    query_one(conn, BY_ID, [Id(workspace.uuid()), Id(id.uuid())], read)
}

/// 2 statements.
pub(crate) fn write(conn: &Connection, write: &Write<Appointment>) -> Result<(), CommitError> {
    let Appointment {
        id,
        workspace,
        lead,
        contact,
        schedule,
        routing,
        status,
        outcome,
        conversion,
        created_at,
        version,
    } = write.row();
    let Schedule { starts_at, zone, wall, minutes } = schedule;
    let key = [Id(workspace.uuid()), Id(id.uuid())];
    let version_sql = "SELECT version FROM appointment WHERE workspace_id = ?1 AND id = ?2";
    check_version(conn, version_sql, key, write, || format!("appointment `{id}`"))?;
    execute(
        conn,
        "INSERT OR REPLACE INTO appointment (workspace_id, id, lead_id, contact_id, starts_at, zone, wall, minutes,
         target, routing, status, outcome, conversion_id, created_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            Id(workspace.uuid()),
            Id(id.uuid()),
            Id(lead.uuid()),
            Id(contact.uuid()),
            micros(*starts_at),
            zone.name(),
            wall.format(WALL).to_string(),
            minutes,
            routing.target.as_ref().map(ToString::to_string),
            to_json(routing)?,
            status.code(),
            outcome.as_ref().map(to_json).transpose()?,
            conversion.map(|id| Id(id.uuid())),
            micros(*created_at),
            int(version.0),
        ],
    )
}

fn read(row: &Row<'_>) -> Result<Appointment, StoreError> {
    let mut cells = Cells::of("appointment", row);
    Ok(Appointment {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: AppointmentId::from_uuid(cells.uuid()?),
        lead: LeadId::from_uuid(cells.uuid()?),
        contact: ContactId::from_uuid(cells.uuid()?),
        schedule: Schedule {
            starts_at: cells.time()?,
            zone: cells.map(|name: String| Zone::parse(&name))?,
            wall: cells.map(|text: String| NaiveDateTime::parse_from_str(&text, WALL))?,
            minutes: cells.small()?,
        },
        routing: cells.json()?,
        status: cells.map(|code: String| AppointmentStatus::from_code(&code).ok_or("no status"))?,
        outcome: cells.opt_json()?,
        conversion: cells.opt_uuid()?.map(ConversionId::from_uuid),
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT workspace_id, id, lead_id, contact_id, starts_at, zone, wall, minutes, routing, status, outcome,
             conversion_id, created_at, version FROM appointment WHERE workspace_id = ?1 AND ",
            $rest
        )
    };
}

const WALL: &str = "%Y-%m-%dT%H:%M:%S";
const BY_ID: &str = select!("id = ?2");
const LIST: &str = select!("id > ?2 ORDER BY id LIMIT ?3");
const LIST_OF_LEAD: &str =
    select!("lead_id = ?4 AND id > ?2 AND (?5 IS NULL OR contact_id = ?5) ORDER BY id LIMIT ?3");
const LIST_OF_CONTACT: &str = select!("contact_id = ?4 AND id > ?2 ORDER BY id LIMIT ?3");
