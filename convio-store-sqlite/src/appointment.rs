use async_trait::async_trait;
use chrono::NaiveDateTime;
use convio_core::appointment::{
    Appointment, AppointmentFilter, AppointmentRepository, AppointmentStatus, Ended, NextStep, Schedule,
};
use convio_core::change_set::Version;
use convio_core::page::{Page, PageRequest};
use convio_core::store::{CommitError, StoreError};
use convio_core::{AppointmentId, AppointmentType, ContactId, ConversionId, LeadId, WorkspaceId, Zone};
use rusqlite::{Connection, Row, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, int, micros, range, to_json, word};
use crate::put::{Put, Sql};
use crate::readers::{query_one, query_page};

/// The columns, in the order in which they are written and read.
macro_rules! columns {
    () => {
        "workspace_id, id, lead_id, contact_id, type, starts_at, zone, wall, minutes, shifted, location, routing, staff,
         status, outcome, next_step, next_step_at, ended_at, ended_by, ended_reason, ended_late, conversion_id,
         rescheduled_from, rescheduled_to, external_id, booked_at, created_at, version"
    };
}

#[async_trait]
impl<A: Access> AppointmentRepository for Sqlite<A> {
    async fn fetch_appointments(
        &self,
        workspace: WorkspaceId,
        ids: &[AppointmentId],
    ) -> Result<Vec<Option<Appointment>>, StoreError> {
        let ids = ids.to_vec();
        self.access.read(move |conn| ids.iter().map(|id| fetch(conn, workspace, *id)).collect()).await
    }

    async fn list_appointments(
        &self,
        workspace: WorkspaceId,
        filter: &AppointmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Appointment>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.access.read(move |conn| list(conn, workspace, &filter, &page)).await
    }
}

pub(crate) fn fetch(
    conn: &Connection,
    workspace: WorkspaceId,
    id: AppointmentId,
) -> Result<Option<Appointment>, StoreError> {
    query_one(conn, BY_ID, [Id(workspace.uuid()), Id(id.uuid())], read)
}

/// Who keeps the newest appointment of a contact, but for one of them.
pub(crate) fn keeper(
    conn: &Connection,
    workspace: WorkspaceId,
    contact: ContactId,
    but: Option<AppointmentId>,
) -> Result<Option<String>, StoreError> {
    let but = but.map(|id| Id(id.uuid()));
    query_one(conn, KEEPER, params![Id(workspace.uuid()), Id(contact.uuid()), but], |row| {
        let mut cells = Cells::of("appointment", row);
        let (_, _) = (cells.uuid()?, cells.uuid()?);
        cells.get()
    })
}

fn list(
    conn: &Connection,
    workspace: WorkspaceId,
    filter: &AppointmentFilter,
    page: &PageRequest,
) -> Result<Page<Appointment>, StoreError> {
    let sql = match (filter.lead, filter.contact, filter.from.or(filter.until)) {
        (Some(_), _, _) => LIST_OF_LEAD,
        (None, Some(_), _) => LIST_OF_CONTACT,
        (None, None, Some(_)) => LIST_OF_RANGE,
        (None, None, None) => LIST,
    };
    let (from, until) = range(filter.from, filter.until);
    let values = params![
        filter.lead.map(|id| Id(id.uuid())),
        filter.contact.map(|id| Id(id.uuid())),
        from,
        until,
        filter.status.map(AppointmentStatus::code),
        filter.unrouted,
    ];
    query_page(conn, sql, workspace, page, values, read, |row| row.id.uuid())
}

/// Writes a row whose version was checked: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Appointment) -> Result<(), CommitError> {
    let Appointment {
        id,
        workspace,
        lead,
        contact,
        appointment_type,
        schedule,
        location,
        routing,
        staff,
        status,
        outcome,
        next_step,
        ended,
        conversion,
        rescheduled_from,
        rescheduled_to,
        external_id,
        booked_at,
        created_at,
        version,
    } = row;
    let Schedule { starts_at, zone, wall, minutes, shifted } = schedule;
    let next = next_step.as_ref().map(|NextStep { what, at }| (what, at.map(micros)));
    let ended = ended.as_ref();
    put.row(params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        Id(lead.uuid()),
        Id(contact.uuid()),
        appointment_type.as_str(),
        micros(*starts_at),
        zone.name(),
        wall.format(WALL).to_string(),
        minutes,
        shifted.as_ref().map(word).transpose()?,
        location,
        to_json(routing)?,
        staff,
        status.code(),
        outcome.as_ref().map(to_json).transpose()?,
        next.map(|(what, _)| what),
        next.and_then(|(_, at)| at),
        ended.map(|ended| micros(ended.at)),
        ended.and_then(|ended| ended.by).as_ref().map(word).transpose()?,
        ended.and_then(|ended| ended.reason.as_ref()),
        ended.map(|ended| ended.late),
        conversion.map(|id| Id(id.uuid())),
        rescheduled_from.map(|id| Id(id.uuid())),
        rescheduled_to.map(|id| Id(id.uuid())),
        external_id,
        micros(*booked_at),
        micros(*created_at),
        int(version.0),
        routing.target.as_ref().map(ToString::to_string),
        routing.how.code(),
    ])
}

fn read(row: &Row<'_>) -> Result<Appointment, StoreError> {
    let mut cells = Cells::of("appointment", row);
    Ok(Appointment {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: AppointmentId::from_uuid(cells.uuid()?),
        lead: LeadId::from_uuid(cells.uuid()?),
        contact: ContactId::from_uuid(cells.uuid()?),
        appointment_type: cells.map(|text: String| AppointmentType::new(&text))?,
        schedule: Schedule {
            starts_at: cells.time()?,
            zone: cells.map(|name: String| Zone::parse(&name))?,
            wall: cells.map(|text: String| NaiveDateTime::parse_from_str(&text, WALL))?,
            minutes: cells.small()?,
            shifted: cells.opt_word()?,
        },
        location: cells.get()?,
        routing: cells.json()?,
        staff: cells.get()?,
        status: cells.map(|code: String| AppointmentStatus::from_code(&code).ok_or("no status"))?,
        outcome: cells.opt_json()?,
        next_step: {
            let (what, at): (Option<String>, _) = (cells.get()?, cells.opt_time()?);
            what.map(|what| NextStep { what, at })
        },
        ended: {
            let (at, by, reason) = (cells.opt_time()?, cells.opt_word()?, cells.get()?);
            let late: Option<bool> = cells.get()?;
            at.map(|at| Ended { at, by, reason, late: late.unwrap_or_default() })
        },
        conversion: cells.opt_uuid()?.map(ConversionId::from_uuid),
        rescheduled_from: cells.opt_uuid()?.map(AppointmentId::from_uuid),
        rescheduled_to: cells.opt_uuid()?.map(AppointmentId::from_uuid),
        external_id: cells.get()?,
        booked_at: cells.time()?,
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

macro_rules! list {
    ($from:literal, $of:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM ",
            $from,
            " WHERE workspace_id = ?1 AND ",
            $of,
            " AND (?8 IS NULL OR status = ?8) AND (NOT ?9 OR target IS NULL) ORDER BY id LIMIT ?3"
        )
    };
}

/// With the fraction of the second, where there is one.
const WALL: &str = "%Y-%m-%dT%H:%M:%S%.f";
const BY_ID: &str = concat!("SELECT ", columns!(), " FROM appointment WHERE workspace_id = ?1 AND id = ?2");
/// The limit is `OWNER_ROWS_MAX`.
const KEEPER: &str = "SELECT a.workspace_id, a.id, a.staff
    FROM (SELECT workspace_id, id, lead_id, staff, status FROM appointment INDEXED BY appointment_contact_ix
          WHERE workspace_id = ?1 AND contact_id = ?2 AND id IS NOT ?3 ORDER BY id DESC LIMIT 20) AS a
    WHERE a.staff IS NOT NULL AND a.status <> 'rescheduled' AND EXISTS (
        SELECT 1 FROM lead AS l WHERE l.workspace_id = ?1 AND l.id = a.lead_id AND NOT l.test AND l.deleted_at IS NULL)
    ORDER BY a.id DESC LIMIT 1";
const LIST: &str = list!("appointment", "id > ?2");
const LIST_OF_LEAD: &str = list!(
    "appointment INDEXED BY appointment_lead_ix",
    "lead_id = ?4 AND id > ?2 AND (?5 IS NULL OR contact_id = ?5) AND starts_at >= ?6 AND starts_at < ?7"
);
const LIST_OF_CONTACT: &str = list!(
    "appointment INDEXED BY appointment_contact_ix",
    "contact_id = ?5 AND id > ?2 AND starts_at >= ?6 AND starts_at < ?7"
);
// The index gives the ids of the range, and these the rows in their order: no row outside of it is read, and none is sorted.
const LIST_OF_RANGE: &str = list!(
    "appointment",
    "id IN (SELECT id FROM appointment INDEXED BY appointment_starts_ix
            WHERE workspace_id = ?1 AND starts_at >= ?6 AND starts_at < ?7 AND id > ?2)"
);

/// Writes a row, over the one that is there.
pub(crate) const PUT: Sql = Sql {
    head: concat!("INSERT OR REPLACE INTO appointment (", columns!(), ", target, how) VALUES"),
    values: 30,
    tail: "",
};
