use convio_core::WorkspaceId;
use convio_core::change_set::Version;
use convio_core::record::Record;
use convio_core::store::StoreError;
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int, to_json};
use crate::rows::read_all;
use crate::session::Session;
use crate::sql::Key;
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
        let key = Key::Select(std::ptr::from_ref(&RECORD) as usize, BY_KEYS.as_ptr() as usize);
        let text = self.sql().made(key, || {
            format!("SELECT 0::int2 AS set, ROW({}) AS cells FROM {BY_KEYS}", RECORD.cells("x"))
        });
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

/// A lookup for each key: by `= ANY($3)` a generic plan may compare every record of the kind with every key.
const BY_KEYS: &str = "unnest($3::text[]) AS n (key)
    CROSS JOIN LATERAL (SELECT * FROM {s}.record AS t WHERE t.workspace_id = $1 AND t.kind = $2 AND t.key = n.key LIMIT 1) AS x";
