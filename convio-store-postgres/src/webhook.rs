use convio_core::change_set::Version;
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::StoreError;
use convio_core::webhook::Webhook;
use convio_core::{WebhookId, WorkspaceId};
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int, to_json};
use crate::rows::{in_order, read_all};
use crate::session::{Session, page_args};
use crate::table::{Args, table};

table! {
    WEBHOOK, bind: "webhook" ["id"] Replaced, |row| &Webhook {
        "id" uuid = row.id.uuid();
        "name" text = row.name.as_str();
        "settings" json = to_json(&row.settings)?;
        "created_at" timestamptz = row.created_at;
        "deleted_at" timestamptz = row.deleted_at;
        "version" int8 = int(row.version.0);
    }
}

impl Session<'_> {
    pub(crate) async fn fetch_webhooks(
        &self,
        workspace: WorkspaceId,
        ids: &[WebhookId],
    ) -> Result<Vec<Option<Webhook>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let args = Args::default().with(workspace.uuid()).with(keys);
        let rows = self.read(workspace, self.sql().select(&WEBHOOK, BY_IDS), args).await?;
        in_order(ids, read_all(&rows, read)?, |row| row.id)
    }

    pub(crate) async fn list_webhooks(
        &self,
        workspace: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<Webhook>, StoreError> {
        let rows =
            self.read(workspace, self.sql().select(&WEBHOOK, LIST), page_args(workspace, page)).await?;
        Ok(Page::of(read_all(&rows, read)?, page.size(), |row| Cursor::id(row.id.uuid())))
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Webhook, StoreError> {
    let mut cells = Cells::of(&WEBHOOK, row)?;
    Ok(Webhook {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        id: WebhookId::from_uuid(cells.uuid()?),
        name: cells.get()?,
        settings: cells.json()?,
        created_at: cells.time()?,
        deleted_at: cells.opt_time()?,
        version: Version(cells.count()?),
    })
}

const BY_IDS: &str = "x.workspace_id = $1 AND x.id = ANY($2)";
const LIST: &str = "x.workspace_id = $1 AND x.id > $2 ORDER BY x.id LIMIT $3";
