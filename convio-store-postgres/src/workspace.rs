use convio_core::change_set::Version;
use convio_core::store::StoreError;
use convio_core::workspace::{Workspace, WorkspaceSettings};
use convio_core::{Currency, WorkspaceId, Zone};
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int, to_json};
use crate::session::Session;
use crate::table::{Args, table};

table! {
    WORKSPACE, bind: "workspace" [] Replaced, |row| &Workspace {
        "name" text = row.settings.name.as_str();
        "zone" text = row.settings.zone.name();
        "currency" text = row.settings.currency.code();
        "active" bool = row.settings.active;
        "policy" json = to_json(&row.settings.policy)?;
        "created_at" timestamptz = row.created_at;
        "deleted_at" timestamptz = row.deleted_at;
        "version" int8 = int(row.version.0);
    }
}

impl Session<'_> {
    /// One statement for each: they may live on different servers.
    pub(crate) async fn fetch_workspaces(
        &self,
        ids: &[WorkspaceId],
    ) -> Result<Vec<Option<Workspace>>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let text = self.sql().select(&WORKSPACE, "x.workspace_id = $1");
            let rows = self.read(*id, text, Args::default().with(id.uuid())).await?;
            found.push(rows.first().map(read).transpose()?);
        }
        Ok(found)
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Workspace, StoreError> {
    let mut cells = Cells::of(&WORKSPACE, row)?;
    Ok(Workspace {
        id: WorkspaceId::from_uuid(cells.uuid()?),
        settings: WorkspaceSettings {
            name: cells.get()?,
            zone: cells.map(|name: String| Zone::parse(&name))?,
            currency: cells.map(|code: String| code.parse::<Currency>())?,
            active: cells.get()?,
            policy: cells.json()?,
        },
        created_at: cells.time()?,
        deleted_at: cells.opt_time()?,
        version: Version(cells.count()?),
    })
}
