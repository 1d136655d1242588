//! Statements that read several sets of rows as of one moment.

use std::fmt::Write as _;

use convio_core::WorkspaceId;
use sqlx::SqlStr;
use sqlx::postgres::PgRow;

use crate::session::{Lease, Session};
use crate::sql::{Key, Sql, place};
use crate::table::{Args, Table};

/// Sets of rows to be read, each known by a number.
pub(crate) struct Reading<'a> {
    workspace: WorkspaceId,
    parts: Vec<Part<'a>>,
}

struct Part<'a> {
    set: u8,
    cells: Cells,
    /// `x` is the row; `$1` is the workspace, `{0}`, `{1}` ... are parameters of its own.
    from: &'static str,
    parameters: usize,
    bind: Box<dyn Fn(&mut Args) + Send + Sync + 'a>,
}

#[derive(Clone, Copy)]
enum Cells {
    Of(&'static Table),
    These(&'static str),
}

impl<'a> Reading<'a> {
    pub(crate) fn of(workspace: WorkspaceId) -> Self {
        Self { workspace, parts: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Asks for rows of a table.
    pub(crate) fn rows(
        &mut self,
        set: u8,
        table: &'static Table,
        from: &'static str,
        parameters: usize,
        bind: impl Fn(&mut Args) + Send + Sync + 'a,
    ) {
        self.parts.push(Part { set, cells: Cells::Of(table), from, parameters, bind: Box::new(bind) });
    }

    /// Asks for some cells.
    pub(crate) fn cells(
        &mut self,
        set: u8,
        cells: &'static str,
        from: &'static str,
        parameters: usize,
        bind: impl Fn(&mut Args) + Send + Sync + 'a,
    ) {
        self.parts.push(Part { set, cells: Cells::These(cells), from, parameters, bind: Box::new(bind) });
    }

    /// Reads all sets in one statement; as plain statements one after the other, where what is read is locked.
    pub(crate) async fn run(
        &self,
        lease: &mut Lease<'_>,
        session: &Session<'_>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let is_one_moment = !(session.options().plain && lease.is_locked());
        if is_one_moment {
            return lease.rows(text(session.sql(), &self.parts), self.args(&self.parts)).await;
        }
        let mut rows = Vec::new();
        for part in self.parts.chunks(1) {
            rows.extend(lease.rows(text(session.sql(), part), self.args(part)).await?);
        }
        Ok(rows)
    }

    fn args(&self, parts: &[Part<'_>]) -> Args {
        let mut args = Args::default().with(self.workspace.uuid());
        for part in parts {
            (part.bind)(&mut args);
        }
        args
    }
}

fn text(sql: &Sql, parts: &[Part<'_>]) -> SqlStr {
    let sets = parts.iter().map(|part| part.set).collect();
    sql.made(Key::Read(sets), || {
        let mut text = String::new();
        let mut next = 2;
        for (n, Part { set, cells, from, parameters, .. }) in parts.iter().enumerate() {
            let cells = match cells {
                Cells::Of(table) => table.cells("x"),
                Cells::These(cells) => (*cells).to_owned(),
            };
            let union = if n == 0 { "" } else { "\nUNION ALL " };
            let _ = write!(text, "{union}(SELECT {set}::int2 AS set, ROW({cells}) AS cells FROM ");
            place(&mut text, from, *parameters, next);
            text.push(')');
            next += parameters;
        }
        text
    })
}
