use convio_core::WorkspaceId;
use convio_core::analytics::{Cube, ReportQuery, Rollup};
use convio_core::store::StoreError;
use sqlx::postgres::PgRow;

use crate::cells::Cells;
use crate::rows::read_all;
use crate::session::Session;
use crate::table::{Args, table};

table! {
    ROLLUP, bind: "rollup" ["cube", "day", "d1", "d2", "d3"] Added, |row| &Rollup {
        "cube" int2 = i16::from(row.cube.code());
        "day" date = row.day;
        "d1" text = row.dims[0].as_str();
        "d2" text = row.dims[1].as_str();
        "d3" text = row.dims[2].as_str();
        "n0" int8 = row.n[0];
        "n1" int8 = row.n[1];
        "n2" int8 = row.n[2];
        "n3" int8 = row.n[3];
        "n4" int8 = row.n[4];
        "n5" int8 = row.n[5];
        "last_at" timestamptz = row.last_at;
    }
}

impl Session<'_> {
    pub(crate) async fn report(
        &self,
        workspace: WorkspaceId,
        query: &ReportQuery,
    ) -> Result<Vec<Rollup>, StoreError> {
        let args = Args::default().with(workspace.uuid()).with(i16::from(query.cube.code()));
        let args = args.with(query.from.max(FIRST_DAY)).with(query.to.min(LAST_DAY));
        let rows = self.read(workspace, self.sql().select(&ROLLUP, OF_DAYS), args).await?;
        read_all(&rows, read)
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Rollup, StoreError> {
    let mut cells = Cells::of(&ROLLUP, row)?;
    let _ = cells.uuid()?;
    Ok(Rollup {
        cube: cells.map(|code: i16| u8::try_from(code).ok().and_then(Cube::from_code).ok_or("no cube"))?,
        day: cells.day()?,
        dims: [cells.get()?, cells.get()?, cells.get()?],
        n: [cells.get()?, cells.get()?, cells.get()?, cells.get()?, cells.get()?, cells.get()?],
        last_at: cells.opt_time()?,
    })
}

const OF_DAYS: &str =
    "x.workspace_id = $1 AND x.cube = $2 AND x.day BETWEEN $3 AND $4 ORDER BY x.day, x.d1, x.d2, x.d3";
/// Days that Postgres knows, of those that chrono does: it begins in 4713 BC.
const FIRST_DAY: chrono::NaiveDate = chrono::NaiveDate::from_ymd_opt(-4000, 1, 1).expect("a day");
const LAST_DAY: chrono::NaiveDate = chrono::NaiveDate::from_ymd_opt(200_000, 1, 1).expect("a day");
