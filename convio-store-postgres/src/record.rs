use convio_core::WorkspaceId;
use convio_core::change_set::Version;
use convio_core::record::Record;
use convio_core::store::StoreError;
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int, to_json};
use crate::rows::read_all;
use crate::session::Session;
use crate::table::{Args, table};

table! {
    RECORD, bind: "record" ["kind", "key"] Replaced, |row| &Record {
        "kind" text = row.kind.as_str();
        "key" text = row.key.as_str();
        "body" json = to_json(&row.body)?;
        "version" int8 = int(row.version.0);
    }
}

impl Session<'_> {
    pub(crate) async fn fetch_records(
        &self,
        workspace: WorkspaceId,
        kind: &str,
        keys: &[String],
    ) -> Result<Vec<Record>, StoreError> {
        let args = Args::default().with(workspace.uuid()).with(kind).with(keys.to_vec());
        let text = self.sql().select(&RECORD, "x.workspace_id = $1 AND x.kind = $2 AND x.key = ANY($3)");
        let rows = self.read(workspace, text, args).await?;
        read_all(&rows, read)
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Record, StoreError> {
    let mut cells = Cells::of(&RECORD, row)?;
    Ok(Record {
        workspace: WorkspaceId::from_uuid(cells.uuid()?),
        kind: cells.get()?,
        key: cells.get()?,
        body: cells.json()?,
        version: Version(cells.count()?),
    })
}
