use async_trait::async_trait;
use convio_core::change_set::{Version, Write};
use convio_core::conversion::{Conversion, ConversionFilter, ConversionRepository};
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::{CommitError, StoreError};
use convio_core::{
    AppointmentId, ContactId, ConversionId, ConversionType, Currency, LeadId, Money, Source, WorkspaceId,
};
use rusqlite::{Connection, Row, params};

use crate::SqliteStore;
use crate::apply::{check_version, execute};
use crate::cells::{Cells, Id, int, micros};
use crate::readers::{after_id, page_limit, query_all, query_one};

#[async_trait]
impl ConversionRepository for SqliteStore {
    async fn fetch_conversions(
        &self,
        workspace: WorkspaceId,
        ids: &[ConversionId],
    ) -> Result<Vec<Option<Conversion>>, StoreError> {
        let ids = ids.to_vec();
        self.readers
            .run(move |conn| {
                let key = |id: &ConversionId| [Id(workspace.uuid()), Id(id.uuid())];
                ids.iter().map(|id| query_one(conn, BY_ID, key(id), read)).collect()
            })
            .await
    }

    async fn list_conversions(
        &self,
        workspace: WorkspaceId,
        filter: &ConversionFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversion>, StoreError> {
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

/// 2 statements.
pub(crate) fn write(conn: &Connection, write: &Write<Conversion>) -> Result<(), CommitError> {
    let Conversion {
        id,
        workspace,
        lead,
        contact,
        appointment,
        conversion_type,
        value,
        first_touch,
        occurred_at,
        created_at,
        version,
    } = write.row();
    let key = [Id(workspace.uuid()), Id(id.uuid())];
    let version_sql = "SELECT version FROM conversion WHERE workspace_id = ?1 AND id = ?2";
    check_version(conn, version_sql, key, write, || format!("conversion `{id}`"))?;
    execute(
        conn,
        "INSERT OR REPLACE INTO conversion (workspace_id, id, lead_id, contact_id, appointment_id, type, value_minor,
         currency, first_touch, occurred_at, created_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            Id(workspace.uuid()),
            Id(id.uuid()),
            Id(lead.uuid()),
            Id(contact.uuid()),
            appointment.map(|id| Id(id.uuid())),
            conversion_type.as_str(),
            value.minor(),
            value.currency().code(),
            first_touch.as_str(),
            micros(*occurred_at),
            micros(*created_at),
            int(version.0),
        ],
    )
}

fn read(row: &Row<'_>) -> Result<Conversion, StoreError> {
    let mut cells = Cells::of("conversion", row);
    Ok(Conversion {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: ConversionId::from_uuid(cells.uuid()?),
        lead: LeadId::from_uuid(cells.uuid()?),
        contact: ContactId::from_uuid(cells.uuid()?),
        appointment: cells.opt_uuid()?.map(AppointmentId::from_uuid),
        conversion_type: cells.map(|text: String| ConversionType::new(&text))?,
        value: {
            let minor = cells.get()?;
            Money::from_minor(minor, cells.map(|code: String| code.parse::<Currency>())?)
        },
        first_touch: cells.map(|text: String| Source::new(&text))?,
        occurred_at: cells.time()?,
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT workspace_id, id, lead_id, contact_id, appointment_id, type, value_minor, currency, first_touch,
             occurred_at, created_at, version FROM conversion WHERE workspace_id = ?1 AND ",
            $rest
        )
    };
}

const BY_ID: &str = select!("id = ?2");
const LIST: &str = select!("id > ?2 ORDER BY id LIMIT ?3");
const LIST_OF_LEAD: &str =
    select!("lead_id = ?4 AND id > ?2 AND (?5 IS NULL OR contact_id = ?5) ORDER BY id LIMIT ?3");
const LIST_OF_CONTACT: &str = select!("contact_id = ?4 AND id > ?2 ORDER BY id LIMIT ?3");
