use async_trait::async_trait;
use convio_core::change_set::Version;
use convio_core::contact::Touch;
use convio_core::conversion::{Conversion, ConversionFilter, ConversionRepository, Voided};
use convio_core::page::{Page, PageRequest};
use convio_core::store::{CommitError, StoreError};
use convio_core::{
    AppointmentId, ContactId, ConversionId, ConversionType, Currency, LeadId, Money, Source, WorkspaceId,
};
use rusqlite::{Connection, Row, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, days, int, micros, to_json};
use crate::put::{Put, Sql};
use crate::readers::{query_all, query_one, query_page};

/// The columns, in the order in which they are written and read.
macro_rules! columns {
    () => {
        "workspace_id, id, lead_id, contact_id, appointment_id, type, value_minor, net_minor, currency, adjustments, rate, first_source, first_lead,
         first_at, last_source, last_lead, last_at, sold_by, external_id, metadata, occurred_at, day, seconds_to_convert,
         returned, commissions, voided_at, void_reason, created_at, version"
    };
}

#[async_trait]
impl<A: Access> ConversionRepository for Sqlite<A> {
    async fn fetch_conversions(
        &self,
        workspace: WorkspaceId,
        ids: &[ConversionId],
    ) -> Result<Vec<Option<Conversion>>, StoreError> {
        let ids = ids.to_vec();
        self.access.read(move |conn| ids.iter().map(|id| fetch(conn, workspace, *id)).collect()).await
    }

    async fn list_conversions(
        &self,
        workspace: WorkspaceId,
        filter: &ConversionFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversion>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.access.read(move |conn| list(conn, workspace, &filter, &page)).await
    }
}

pub(crate) fn fetch(
    conn: &Connection,
    workspace: WorkspaceId,
    id: ConversionId,
) -> Result<Option<Conversion>, StoreError> {
    query_one(conn, BY_ID, [Id(workspace.uuid()), Id(id.uuid())], read)
}

/// All conversions of a contact, by id.
pub(crate) fn of_contact(
    conn: &Connection,
    workspace: WorkspaceId,
    contact: ContactId,
) -> Result<Vec<Conversion>, StoreError> {
    query_all(conn, OF_CONTACT, [Id(workspace.uuid()), Id(contact.uuid())], read)
}

fn list(
    conn: &Connection,
    workspace: WorkspaceId,
    filter: &ConversionFilter,
    page: &PageRequest,
) -> Result<Page<Conversion>, StoreError> {
    let sql = match (filter.lead, filter.contact) {
        (Some(_), _) => LIST_OF_LEAD,
        (None, Some(_)) => LIST_OF_CONTACT,
        (None, None) => LIST,
    };
    let ids = [filter.lead.map(LeadId::uuid), filter.contact.map(ContactId::uuid)];
    let [lead, contact] = ids.map(|id| id.map(Id));
    query_page(conn, sql, workspace, page, params![lead, contact, filter.standing], read, |row| row.id.uuid())
}

/// Writes a row whose version was checked: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Conversion) -> Result<(), CommitError> {
    let Conversion {
        id,
        workspace,
        lead,
        contact,
        appointment,
        conversion_type,
        value,
        net,
        adjustments,
        rate,
        first_touch,
        last_touch,
        sold_by,
        external_id,
        metadata,
        occurred_at,
        day,
        seconds_to_convert,
        returned,
        commissions,
        voided,
        created_at,
        version,
    } = row;
    let Touch { source: first_source, lead: first_lead, at: first_at } = first_touch;
    let Touch { source: last_source, lead: last_lead, at: last_at } = last_touch;
    let (voided_at, void_reason) = voided.as_ref().map(|Voided { at, reason }| (micros(*at), reason)).unzip();
    put.row(params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        Id(lead.uuid()),
        Id(contact.uuid()),
        appointment.map(|id| Id(id.uuid())),
        conversion_type.as_str(),
        value.minor(),
        net.minor(),
        value.currency().code(),
        to_json(adjustments)?,
        rate.as_ref().map(to_json).transpose()?,
        first_source.as_str(),
        Id(first_lead.uuid()),
        micros(*first_at),
        last_source.as_str(),
        Id(last_lead.uuid()),
        micros(*last_at),
        sold_by,
        external_id,
        to_json(metadata)?,
        micros(*occurred_at),
        days(*day),
        seconds_to_convert,
        returned.as_ref().map(to_json).transpose()?,
        to_json(commissions)?,
        voided_at,
        void_reason,
        micros(*created_at),
        int(version.0),
    ])
}

fn read(row: &Row<'_>) -> Result<Conversion, StoreError> {
    let mut cells = Cells::of("conversion", row);
    let workspace = WorkspaceId::from_uuid(cells.uuid()?);
    let id = ConversionId::from_uuid(cells.uuid()?);
    let lead = LeadId::from_uuid(cells.uuid()?);
    let contact = ContactId::from_uuid(cells.uuid()?);
    let appointment = cells.opt_uuid()?.map(AppointmentId::from_uuid);
    let conversion_type = cells.map(|text: String| ConversionType::new(&text))?;
    let (value, net) = (cells.get()?, cells.get()?);
    let currency = cells.map(|code: String| code.parse::<Currency>())?;
    Ok(Conversion {
        workspace,
        id,
        lead,
        contact,
        appointment,
        conversion_type,
        value: Money::from_minor(value, currency),
        net: Money::from_minor(net, currency),
        adjustments: cells.json()?,
        rate: cells.opt_json()?,
        first_touch: touch(&mut cells)?,
        last_touch: touch(&mut cells)?,
        sold_by: cells.get()?,
        external_id: cells.get()?,
        metadata: cells.json()?,
        occurred_at: cells.time()?,
        day: cells.day()?,
        seconds_to_convert: cells.get()?,
        returned: cells.opt_json()?,
        commissions: cells.json()?,
        voided: {
            let at = cells.opt_time()?;
            let reason: Option<String> = cells.get()?;
            at.map(|at| Voided { at, reason: reason.unwrap_or_default() })
        },
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

fn touch(cells: &mut Cells<'_>) -> Result<Touch, StoreError> {
    Ok(Touch {
        source: cells.map(|text: String| Source::new(&text))?,
        lead: LeadId::from_uuid(cells.uuid()?),
        at: cells.time()?,
    })
}

macro_rules! select {
    ($from:literal, $rest:literal) => {
        concat!("SELECT ", columns!(), " FROM ", $from, " WHERE workspace_id = ?1 AND ", $rest)
    };
}

const BY_ID: &str = select!("conversion", "id = ?2");
const OF_CONTACT: &str =
    select!("conversion INDEXED BY conversion_contact_ix", "contact_id = ?2 ORDER BY id");
const LIST: &str = select!("conversion", "id > ?2 AND (NOT ?6 OR voided_at IS NULL) ORDER BY id LIMIT ?3");
const LIST_OF_LEAD: &str = select!(
    "conversion INDEXED BY conversion_lead_ix",
    "lead_id = ?4 AND id > ?2 AND (?5 IS NULL OR contact_id = ?5) AND (NOT ?6 OR voided_at IS NULL)
     ORDER BY id LIMIT ?3"
);
const LIST_OF_CONTACT: &str = select!(
    "conversion INDEXED BY conversion_contact_ix",
    "contact_id = ?5 AND id > ?2 AND (NOT ?6 OR voided_at IS NULL) ORDER BY id LIMIT ?3"
);

/// Writes a row, over the one that is there.
pub(crate) const PUT: Sql = Sql {
    head: concat!("INSERT OR REPLACE INTO conversion (", columns!(), ") VALUES"),
    values: 29,
    tail: "",
};
