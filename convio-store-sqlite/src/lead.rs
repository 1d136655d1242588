use async_trait::async_trait;
use convio_core::change_set::{Version, Write};
use convio_core::lead::{Format, Interest, Lead, LeadFilter, LeadRepository, LeadStatus, Payload, Stage};
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::{CommitError, StoreError};
use convio_core::{
    Campaign, ContactId, ConversionId, Fingerprint, IntakeId, LeadId, LeadType, PostalCode, Product, Source,
    WebhookId, WorkspaceId,
};
use rusqlite::{Connection, Row, params};

use crate::SqliteStore;
use crate::apply::{check_version, conflict, execute};
use crate::cells::{Cells, Id, int, micros, to_json};
use crate::readers::{after_id, page_limit, query_all, query_one};

#[async_trait]
impl LeadRepository for SqliteStore {
    async fn fetch_leads(
        &self,
        workspace: WorkspaceId,
        ids: &[LeadId],
    ) -> Result<Vec<Option<Lead>>, StoreError> {
        let ids = ids.to_vec();
        self.readers.run(move |conn| ids.iter().map(|id| fetch(conn, workspace, *id)).collect()).await
    }

    async fn list_leads(
        &self,
        workspace: WorkspaceId,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Result<Page<Lead>, StoreError> {
        let (contact, page) = (filter.contact, page.clone());
        self.readers
            .run(move |conn| {
                let (id, after, limit) = (Id(workspace.uuid()), after_id(&page), page_limit(&page));
                let rows = match contact {
                    Some(contact) => {
                        query_all(conn, LIST_OF_CONTACT, params![id, after, limit, Id(contact.uuid())], read)
                    }
                    None => query_all(conn, LIST, params![id, after, limit], read),
                };
                Ok(Page::of(rows?, page.size(), |row| Cursor::id(row.id.uuid())))
            })
            .await
    }

    async fn fetch_payloads(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Result<Vec<Option<Payload>>, StoreError> {
        let ids = ids.to_vec();
        self.readers.run(move |conn| ids.iter().map(|id| fetch_payload(conn, workspace, *id)).collect()).await
    }
}

pub(crate) fn fetch(
    conn: &Connection,
    workspace: WorkspaceId,
    id: LeadId,
) -> Result<Option<Lead>, StoreError> {
    query_one(conn, BY_ID, [Id(workspace.uuid()), Id(id.uuid())], read)
}

pub(crate) fn fetch_payload(
    conn: &Connection,
    workspace: WorkspaceId,
    id: IntakeId,
) -> Result<Option<Payload>, StoreError> {
    let sql =
        "SELECT workspace_id, id, webhook_id, format, body, headers, fingerprint, received_at FROM payload
               WHERE workspace_id = ?1 AND id = ?2";
    query_one(conn, sql, [Id(workspace.uuid()), Id(id.uuid())], |row| {
        let mut cells = Cells::of("payload", row);
        Ok(Payload {
            workspace: WorkspaceId::from_uuid(cells.uuid()?),
            id: IntakeId::from_uuid(cells.uuid()?),
            webhook: WebhookId::from_uuid(cells.uuid()?),
            format: cells.map(|code: String| Format::from_code(&code).ok_or("no format"))?,
            body: cells.get()?,
            headers: cells.json()?,
            fingerprint: cells.map(|bytes: [u8; 32]| Ok::<_, String>(Fingerprint::from_bytes(bytes)))?,
            received_at: cells.time()?,
        })
    })
}

/// 1 statement.
pub(crate) fn insert_payload(conn: &Connection, row: &Payload) -> Result<(), CommitError> {
    let Payload { id, workspace, webhook, format, body, headers, fingerprint, received_at } = row;
    let mut statement = conn
        .prepare_cached(
            "INSERT INTO payload (workspace_id, id, webhook_id, format, body, headers, fingerprint, received_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (workspace_id, id) DO NOTHING",
        )
        .map_err(crate::error::write_failed)?;
    let values = params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        Id(webhook.uuid()),
        format.code(),
        body,
        to_json(headers)?,
        fingerprint.as_bytes().as_slice(),
        micros(*received_at),
    ];
    match statement.execute(values).map_err(crate::error::write_failed)? {
        1 => Ok(()),
        _ => Err(conflict("payload", id)),
    }
}

/// 2 statements.
pub(crate) fn write(conn: &Connection, write: &Write<Lead>) -> Result<(), CommitError> {
    let Lead {
        id,
        workspace,
        contact,
        webhook,
        interest,
        custom,
        postal_code,
        flags,
        test,
        status,
        duplicate_of,
        opened_contact,
        conversion,
        received_at,
        created_at,
        version,
    } = write.row();
    let Interest { source, lead_type, campaign, product, utm, external_id } = interest;
    let LeadStatus { key, stage } = status;
    let row_key = [Id(workspace.uuid()), Id(id.uuid())];
    let version_sql = "SELECT version FROM lead WHERE workspace_id = ?1 AND id = ?2";
    check_version(conn, version_sql, row_key, write, || format!("lead `{id}`"))?;
    execute(
        conn,
        "INSERT OR REPLACE INTO lead (workspace_id, id, contact_id, webhook_id, source, lead_type, campaign, product,
         external_id, utm, custom, postal_code, flags, test, status, stage, duplicate_of, opened_contact, conversion_id,
         received_at, created_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
        params![
            Id(workspace.uuid()),
            Id(id.uuid()),
            Id(contact.uuid()),
            Id(webhook.uuid()),
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
            duplicate_of.map(|id| Id(id.uuid())),
            opened_contact,
            conversion.map(|id| Id(id.uuid())),
            micros(*received_at),
            micros(*created_at),
            int(version.0),
        ],
    )
}

fn read(row: &Row<'_>) -> Result<Lead, StoreError> {
    let mut cells = Cells::of("lead", row);
    Ok(Lead {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: LeadId::from_uuid(cells.uuid()?),
        contact: ContactId::from_uuid(cells.uuid()?),
        webhook: WebhookId::from_uuid(cells.uuid()?),
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
        status: LeadStatus {
            key: cells.get()?,
            stage: cells.map(|code: String| Stage::from_code(&code).ok_or("no stage"))?,
        },
        duplicate_of: cells.opt_uuid()?.map(LeadId::from_uuid),
        opened_contact: cells.get()?,
        conversion: cells.opt_uuid()?.map(ConversionId::from_uuid),
        received_at: cells.time()?,
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT workspace_id, id, contact_id, webhook_id, source, lead_type, campaign, product, external_id, utm,
             custom, postal_code, flags, test, status, stage, duplicate_of, opened_contact, conversion_id, received_at,
             created_at, version FROM lead WHERE workspace_id = ?1 AND ",
            $rest
        )
    };
}

const BY_ID: &str = select!("id = ?2");
const LIST: &str = select!("id > ?2 ORDER BY id LIMIT ?3");
const LIST_OF_CONTACT: &str = select!("contact_id = ?4 AND id > ?2 ORDER BY id LIMIT ?3");
