//! Statements that read several sets of rows as of one moment.

use std::collections::BTreeSet;

use convio_core::WorkspaceId;
use sqlx::SqlStr;
use sqlx::postgres::PgRow;

use crate::session::{Lease, Session};
use crate::sql::{Key, Sql, place};
use crate::table::{Args, Table};

/// Sets of rows to be read, each known by a number.
pub(crate) struct Reading<'a> {
    scope: Scope,
    parts: Vec<Part<'a>>,
}

/// Whose rows are read.
#[derive(Clone, Copy)]
pub(crate) enum Scope {
    /// Those of one workspace, `$1`: a statement that a cluster can send to the one node that has them.
    One(WorkspaceId),
    /// Those of any number of workspaces: each key comes with its own.
    Many,
}

/// Rows that arrays name. Each is looked up by itself: a subquery with a `LIMIT` is neither joined by a hash of the whole
/// workspace nor read in parallel. That the arrays are selected hides their length from the planner: the plan is the same for one
/// row and for a thousand, the server keeps it from the sixth time on, and no long list makes it compile the statement.
pub(crate) struct Lookup {
    /// The columns of `n`, and their types.
    pub(crate) names: &'static [(&'static str, &'static str)],
    /// What finds `x` for one row of `n`; `{w}` is the workspace.
    pub(crate) rows: &'static str,
}

/// Adds the parameters of a part.
type Bind<'a> = dyn Fn(&mut Args, Scope) + Send + Sync + 'a;

struct Part<'a> {
    set: u8,
    cells: Cells,
    from: From,
    bind: Box<Bind<'a>>,
}

#[derive(Clone, Copy)]
pub(crate) enum Cells {
    Of(&'static Table),
    These(&'static str),
}

enum From {
    /// `x` is the row; `$1` is the workspace, `{0}`, `{1}` ... are this many parameters of its own.
    Text(&'static str, usize),
    Lookup(&'static Lookup),
}

impl<'a> Reading<'a> {
    pub(crate) fn of(scope: Scope) -> Self {
        Self { scope, parts: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Asks for rows of a table, of the one workspace.
    pub(crate) fn rows(
        &mut self,
        set: u8,
        table: &'static Table,
        from: &'static str,
        parameters: usize,
        bind: impl Fn(&mut Args) + Send + Sync + 'a,
    ) {
        let bind = Box::new(move |args: &mut Args, _| bind(args));
        self.parts.push(Part { set, cells: Cells::Of(table), from: From::Text(from, parameters), bind });
    }

    /// Asks for some cells, of the one workspace.
    pub(crate) fn cells(
        &mut self,
        set: u8,
        cells: &'static str,
        from: &'static str,
        parameters: usize,
        bind: impl Fn(&mut Args) + Send + Sync + 'a,
    ) {
        let bind = Box::new(move |args: &mut Args, _| bind(args));
        self.parts.push(Part { set, cells: Cells::These(cells), from: From::Text(from, parameters), bind });
    }

    /// Asks for what has these keys, if there are any: `bind` adds an array for each name of the lookup.
    pub(crate) fn look_up<K: Sync>(
        &mut self,
        set: u8,
        cells: Cells,
        lookup: &'static Lookup,
        keys: &'a BTreeSet<(WorkspaceId, K)>,
        bind: impl Fn(&mut Args, &[&'a K]) + Send + Sync + 'a,
    ) {
        if keys.is_empty() {
            return;
        }
        let bind = Box::new(move |args: &mut Args, scope| {
            if matches!(scope, Scope::Many) {
                args.add(keys.iter().map(|(workspace, _)| workspace.uuid()).collect::<Vec<_>>());
            }
            bind(args, &keys.iter().map(|(_, key)| key).collect::<Vec<_>>());
        });
        self.parts.push(Part { set, cells, from: From::Lookup(lookup), bind });
    }

    /// Reads all sets in one statement; as plain statements one after the other, where what is read is locked.
    pub(crate) async fn run(
        &self,
        lease: &mut Lease<'_>,
        session: &Session<'_>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let is_one_moment = !(session.options().plain && lease.is_locked());
        if is_one_moment {
            return lease.rows(self.text(session.sql(), &self.parts), self.args(&self.parts)).await;
        }
        let mut rows = Vec::new();
        for part in self.parts.chunks(1) {
            rows.extend(lease.rows(self.text(session.sql(), part), self.args(part)).await?);
        }
        Ok(rows)
    }

    fn args(&self, parts: &[Part<'_>]) -> Args {
        let mut args = Args::default();
        if let Scope::One(workspace) = self.scope {
            args.add(workspace.uuid());
        }
        for part in parts {
            (part.bind)(&mut args, self.scope);
        }
        args
    }

    fn text(&self, sql: &Sql, parts: &[Part<'_>]) -> SqlStr {
        let is_one = matches!(self.scope, Scope::One(_));
        sql.made(Key::Read(is_one, parts.iter().map(|part| part.set).collect()), || {
            let (mut text, mut next) = (String::new(), if is_one { 2 } else { 1 });
            for (n, Part { set, cells, from, .. }) in parts.iter().enumerate() {
                let cells = match cells {
                    Cells::Of(table) => table.cells("x"),
                    Cells::These(cells) => (*cells).to_owned(),
                };
                let (from, parameters) = match from {
                    From::Text(from, parameters) => ((*from).to_owned(), *parameters),
                    From::Lookup(lookup) => lookup.text(is_one),
                };
                let union = if n == 0 { "" } else { "\nUNION ALL " };
                let part = format!("{union}(SELECT {set}::int2 AS set, ROW({cells}) AS cells FROM {from})");
                place(
                    &mut text,
                    &part.replace("{w}", if is_one { "$1" } else { "n.workspace_id" }),
                    parameters,
                    next,
                );
                next += parameters;
            }
            text
        })
    }
}

impl Lookup {
    /// What the rows are selected from, and how many parameters that has.
    fn text(&self, is_one: bool) -> (String, usize) {
        let workspaces = (!is_one).then_some(("workspace_id", "uuid"));
        let (mut arrays, mut names) = (Vec::new(), Vec::new());
        for (n, (name, sql_type)) in workspaces.iter().chain(self.names).enumerate() {
            arrays.push(format!("(SELECT {{{n}}}::{sql_type}[])"));
            names.push(*name);
        }
        let keys = match names.len() {
            0 => "(SELECT) AS n".to_owned(),
            _ => format!("unnest({}) AS n ({})", arrays.join(", "), names.join(", ")),
        };
        (format!("{keys}\n    {}", self.rows), names.len())
    }
}
