use async_trait::async_trait;
use convio_core::change_set::Version;
use convio_core::page::{Page, PageRequest};
use convio_core::rejection::{Rejection, RejectionFilter, RejectionRepository, RejectionState};
use convio_core::store::{CommitError, StoreError};
use convio_core::{IntakeId, LeadId, ProviderId, WebhookId, WorkspaceId};
use rusqlite::{Connection, Row, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, int, micros, to_json};
use crate::put::{Put, Sql};
use crate::readers::{query_one, query_page};

/// The columns, in the order in which they are written and read.
macro_rules! columns {
    () => {
        "workspace_id, id, webhook_id, reasons, duplicate_of, external_id, provider_id, appointment, test, corrections,
         state, received_at, created_at, version"
    };
}

#[async_trait]
impl<A: Access> RejectionRepository for Sqlite<A> {
    async fn fetch_rejections(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Result<Vec<Option<Rejection>>, StoreError> {
        let ids = ids.to_vec();
        self.access.read(move |conn| ids.iter().map(|id| fetch(conn, workspace, *id)).collect()).await
    }

    async fn list_rejections(
        &self,
        workspace: WorkspaceId,
        filter: &RejectionFilter,
        page: &PageRequest,
    ) -> Result<Page<Rejection>, StoreError> {
        let (state, page) = (filter.state.map(RejectionState::code), page.clone());
        self.access
            .read(move |conn| {
                query_page(conn, LIST, workspace, &page, params![state], read, |row| row.id.uuid())
            })
            .await
    }
}

pub(crate) fn fetch(
    conn: &Connection,
    workspace: WorkspaceId,
    id: IntakeId,
) -> Result<Option<Rejection>, StoreError> {
    query_one(conn, BY_ID, [Id(workspace.uuid()), Id(id.uuid())], read)
}

/// Writes a row whose version was checked, or one that was taken to be new: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Rejection, new: bool) -> Result<(), CommitError> {
    let Rejection {
        id,
        workspace,
        webhook,
        reasons,
        duplicate_of,
        external_id,
        provider,
        appointment,
        test,
        corrections,
        state,
        received_at,
        created_at,
        version,
    } = row;
    let values = params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        Id(webhook.uuid()),
        to_json(reasons)?,
        duplicate_of.map(|id| Id(id.uuid())),
        external_id,
        provider.map(|id| Id(id.uuid())),
        appointment.as_ref().map(to_json).transpose()?,
        test,
        to_json(corrections)?,
        state.code(),
        micros(*received_at),
        micros(*created_at),
        int(version.0),
    ];
    if new { put.new_row(values, || format!("rejection `{id}`")) } else { put.row(values) }
}

fn read(row: &Row<'_>) -> Result<Rejection, StoreError> {
    let mut cells = Cells::of("rejection", row);
    Ok(Rejection {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: IntakeId::from_uuid(cells.uuid()?),
        webhook: WebhookId::from_uuid(cells.uuid()?),
        reasons: cells.json()?,
        duplicate_of: cells.opt_uuid()?.map(LeadId::from_uuid),
        external_id: cells.get()?,
        provider: cells.opt_uuid()?.map(ProviderId::from_uuid),
        appointment: cells.opt_json()?,
        test: cells.get()?,
        corrections: cells.json()?,
        state: cells.map(|code: String| RejectionState::from_code(&code).ok_or("no state"))?,
        received_at: cells.time()?,
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM rejection WHERE workspace_id = ?1 AND ", $rest)
    };
}

const BY_ID: &str = select!("id = ?2");
const LIST: &str = select!("id > ?2 AND (?4 IS NULL OR state = ?4) ORDER BY id LIMIT ?3");
/// Writes a row, over the one that is there.
pub(crate) const PUT: Sql =
    Sql { head: concat!("INSERT OR REPLACE INTO rejection (", columns!(), ") VALUES"), values: 14, tail: "" };
/// Writes a row, unless there is one.
pub(crate) const INSERT: Sql = Sql {
    head: concat!("INSERT OR FAIL INTO rejection (", columns!(), ") VALUES"),
    values: 14,
    tail: "ON CONFLICT (workspace_id, id) DO NOTHING",
};
