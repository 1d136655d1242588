use chrono::NaiveDateTime;
use convio_core::appointment::{
    Appointment, AppointmentFilter, AppointmentStatus, Ended, NextStep, Schedule,
};
use convio_core::change_set::Version;
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::StoreError;
use convio_core::{AppointmentId, AppointmentType, ContactId, ConversionId, LeadId, WorkspaceId, Zone};
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int, micros_up, to_json, word};
use crate::rows::{in_order, read_all};
use crate::session::{Session, page_args};
use crate::table::{Args, table};

table! {
    APPOINTMENT, bind: "appointment" ["id"] Replaced, |row| &Appointment {
        "id" uuid = row.id.uuid();
        "lead_id" uuid = row.lead.uuid();
        "contact_id" uuid = row.contact.uuid();
        "type" text = row.appointment_type.as_str();
        "starts_at" timestamptz = row.schedule.starts_at;
        "zone" text = row.schedule.zone.name();
        "wall" text = row.schedule.wall.format(WALL).to_string();
        "minutes" int8 = i64::from(row.schedule.minutes);
        "shifted" text = row.schedule.shifted.as_ref().map(word).transpose()?;
        "location" text = row.location.as_deref();
        "routing" json = to_json(&row.routing)?;
        "staff" text = row.staff.as_deref();
        "status" text = row.status.code();
        "outcome" json = row.outcome.as_ref().map(to_json).transpose()?;
        "next_step" text = row.next_step.as_ref().map(|next| next.what.as_str());
        "next_step_at" timestamptz = row.next_step.as_ref().and_then(|next| next.at);
        "ended_at" timestamptz = row.ended.as_ref().map(|ended| ended.at);
        "ended_by" text = row.ended.as_ref().and_then(|ended| ended.by).as_ref().map(word).transpose()?;
        "ended_reason" text = row.ended.as_ref().and_then(|ended| ended.reason.as_deref());
        "ended_late" bool = row.ended.as_ref().map(|ended| ended.late);
        "conversion_id" uuid = row.conversion.map(ConversionId::uuid);
        "rescheduled_from" uuid = row.rescheduled_from.map(AppointmentId::uuid);
        "rescheduled_to" uuid = row.rescheduled_to.map(AppointmentId::uuid);
        "external_id" text = row.external_id.as_deref();
        "booked_at" timestamptz = row.booked_at;
        "created_at" timestamptz = row.created_at;
        "version" int8 = int(row.version.0);
    }
    also {
        "target" text = row.routing.target.as_ref().map(ToString::to_string);
        "how" text = row.routing.how.code();
    }
}

impl Session<'_> {
    pub(crate) async fn fetch_appointments(
        &self,
        workspace: WorkspaceId,
        ids: &[AppointmentId],
    ) -> Result<Vec<Option<Appointment>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let args = Args::default().with(workspace.uuid()).with(keys);
        let rows = self.read(workspace, self.sql().select(&APPOINTMENT, BY_IDS), args).await?;
        in_order(ids, read_all(&rows, read)?, |row| row.id)
    }

    pub(crate) async fn list_appointments(
        &self,
        workspace: WorkspaceId,
        filter: &AppointmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Appointment>, StoreError> {
        let rest = match (filter.lead, filter.contact, filter.from.or(filter.until)) {
            (Some(_), _, _) => LIST_OF_LEAD,
            (None, Some(_), _) => LIST_OF_CONTACT,
            (None, None, Some(_)) => LIST_OF_RANGE,
            (None, None, None) => LIST,
        };
        let args = page_args(workspace, page)
            .with(filter.lead.map(LeadId::uuid))
            .with(filter.contact.map(ContactId::uuid))
            .with(filter.from.map(micros_up))
            .with(filter.until.map(micros_up))
            .with(filter.status.map(AppointmentStatus::code))
            .with(filter.unrouted);
        let rows = self.read(workspace, self.sql().select(&APPOINTMENT, rest), args).await?;
        Ok(Page::of(read_all(&rows, read)?, page.size(), |row| Cursor::id(row.id.uuid())))
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Appointment, StoreError> {
    let mut cells = Cells::of(&APPOINTMENT, row)?;
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
        conversion: cells.get::<Option<_>>()?.map(ConversionId::from_uuid),
        rescheduled_from: cells.get::<Option<_>>()?.map(AppointmentId::from_uuid),
        rescheduled_to: cells.get::<Option<_>>()?.map(AppointmentId::from_uuid),
        external_id: cells.get()?,
        booked_at: cells.time()?,
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

// The filters are one expression, of which the planner knows nothing: see `lead.rs`.
macro_rules! list {
    ($of:literal) => {
        concat!(
            "x.workspace_id = $1 AND x.id > $2 AND ",
            $of,
            " AND coalesce(($8::text IS NULL OR x.status = $8) AND (NOT $9 OR x.target IS NULL), false)
              ORDER BY x.id LIMIT $3"
        )
    };
}

/// With the fraction of the second, where there is one.
const WALL: &str = "%Y-%m-%dT%H:%M:%S%.f";
const BY_IDS: &str = "x.workspace_id = $1 AND x.id = ANY($2)";
const LIST: &str =
    list!("$4::uuid IS NULL AND $5::uuid IS NULL AND $6::timestamptz IS NULL AND $7::timestamptz IS NULL");
const LIST_OF_LEAD: &str = list!(
    "x.lead_id = $4 AND ($5::uuid IS NULL OR x.contact_id = $5)
              AND x.starts_at >= coalesce($6::timestamptz, '-infinity') AND x.starts_at < coalesce($7::timestamptz, 'infinity')"
);
const LIST_OF_CONTACT: &str = list!(
    "x.contact_id = $5 AND $4::uuid IS NULL
              AND x.starts_at >= coalesce($6::timestamptz, '-infinity') AND x.starts_at < coalesce($7::timestamptz, 'infinity')"
);
// Within a range of time its rows are few: they are found by it, and sorted.
const LIST_OF_RANGE: &str = list!(
    "$5::uuid IS NULL AND $4::uuid IS NULL
              AND x.starts_at >= coalesce($6::timestamptz, '-infinity') AND x.starts_at < coalesce($7::timestamptz, 'infinity')"
);
