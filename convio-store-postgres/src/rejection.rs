use convio_core::change_set::Version;
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::rejection::{Rejection, RejectionFilter, RejectionState};
use convio_core::store::StoreError;
use convio_core::{IntakeId, LeadId, ProviderId, WebhookId, WorkspaceId};
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int, to_json};
use crate::rows::{in_order, read_all};
use crate::session::{Session, page_args};
use crate::table::{Args, table};

table! {
    REJECTION, bind: "rejection" ["id"] Replaced, |row| &Rejection {
        "id" uuid = row.id.uuid();
        "webhook_id" uuid = row.webhook.uuid();
        "reasons" json = to_json(&row.reasons)?;
        "duplicate_of" uuid = row.duplicate_of.map(LeadId::uuid);
        "external_id" text = row.external_id.as_deref();
        "provider_id" uuid = row.provider.map(ProviderId::uuid);
        "appointment" json = row.appointment.as_ref().map(to_json).transpose()?;
        "test" bool = row.test;
        "corrections" json = to_json(&row.corrections)?;
        "state" text = row.state.code();
        "received_at" timestamptz = row.received_at;
        "created_at" timestamptz = row.created_at;
        "version" int8 = int(row.version.0);
    }
}

impl Session<'_> {
    pub(crate) async fn fetch_rejections(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Result<Vec<Option<Rejection>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let args = Args::default().with(workspace.uuid()).with(keys);
        let rows = self.read(workspace, self.sql().select(&REJECTION, BY_IDS), args).await?;
        in_order(ids, read_all(&rows, read)?, |row| row.id)
    }

    pub(crate) async fn list_rejections(
        &self,
        workspace: WorkspaceId,
        filter: &RejectionFilter,
        page: &PageRequest,
    ) -> Result<Page<Rejection>, StoreError> {
        let args = page_args(workspace, page).with(filter.state.map(RejectionState::code));
        let rows = self.read(workspace, self.sql().select(&REJECTION, LIST), args).await?;
        Ok(Page::of(read_all(&rows, read)?, page.size(), |row| Cursor::id(row.id.uuid())))
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Rejection, StoreError> {
    let mut cells = Cells::of(&REJECTION, row)?;
    Ok(Rejection {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: IntakeId::from_uuid(cells.uuid()?),
        webhook: WebhookId::from_uuid(cells.uuid()?),
        reasons: cells.json()?,
        duplicate_of: cells.get::<Option<_>>()?.map(LeadId::from_uuid),
        external_id: cells.get()?,
        provider: cells.get::<Option<_>>()?.map(ProviderId::from_uuid),
        appointment: cells.opt_json()?,
        test: cells.get()?,
        corrections: cells.json()?,
        state: cells.map(|code: String| RejectionState::from_code(&code).ok_or("no state"))?,
        received_at: cells.time()?,
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

const BY_IDS: &str = "x.workspace_id = $1 AND x.id = ANY($2)";
const LIST: &str =
    "x.workspace_id = $1 AND x.id > $2 AND ($4::text IS NULL OR x.state = $4) ORDER BY x.id LIMIT $3";
