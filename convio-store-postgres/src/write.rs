//! Writes what change sets made of pictures.

use std::collections::BTreeMap;

use convio_core::WorkspaceId;
use convio_core::change_set::{Picture, Puts, Version};
use convio_core::event::Head;
use convio_core::store::CommitError;
use sqlx::SqlStr;
use uuid::Uuid;

use crate::cells::int;
use crate::known::Known;
use crate::session::Lease;
use crate::sql::{Key, Sql, place};
use crate::table::{Args, Table};
use crate::{
    analytics, appointment, contact, conversion, delivery, event, gates, lead, payload, record, rejection,
    touch, webhook, workspace,
};

/// What is to be written: rows of some tables, and heads.
pub(crate) struct Writing {
    heads: Vec<NewHead>,
    /// Whether it makes the one workspace that it is about.
    makes: bool,
    tables: Vec<Part>,
    /// In one statement: all parameters. As plain statements: those of each table.
    args: Vec<Args>,
    plain: bool,
}

/// Rows of a table.
struct Part {
    table: &'static Table,
    /// Whether none of them is there: they were looked for under the head as it is.
    are_new: bool,
    /// Which of a statement's possible parts it is.
    bit: u64,
}

/// A head as it shall be.
struct NewHead {
    workspace: WorkspaceId,
    /// How often the workspace had been committed to when the picture was taken; `None` where it is made now.
    commits: Option<i64>,
    head: Head,
}

impl Writing {
    /// What is to be written, if anything is: of one workspace, where it is made by this or statements are plain.
    pub(crate) fn of(
        pictures: &BTreeMap<WorkspaceId, Picture<Known>>,
        plain: bool,
    ) -> Result<Option<Self>, CommitError> {
        let new_head = |(workspace, picture): (&WorkspaceId, &Picture<Known>)| {
            let commits = picture.below.head.map(|(_, commits)| commits);
            Some(NewHead { workspace: *workspace, commits, head: picture.head()? })
        };
        let heads: Vec<NewHead> = pictures.iter().filter_map(new_head).collect();
        if heads.is_empty() {
            return Ok(None);
        }
        let makes = heads.iter().any(|new| new.commits.is_none());
        if heads.len() > 1 && (makes || plain) {
            return Err(CommitError::Misuse("only one workspace can be written so".to_owned()));
        }
        let mut writing = Self { heads, makes, tables: Vec::new(), args: Vec::new(), plain };
        if !plain {
            writing.args.push(writing.head_args());
        }
        /// Rows of a table, each with its workspace; those that are new first, where that can be told.
        macro_rules! add {
            ($table:expr, $bind:expr, |$picture:ident| $rows:expr $(, new: |$row:pat_param| $is_new:expr)?) => {{
                let (mut new, mut others) = (Rows::default(), Rows::default());
                for (workspace, $picture) in pictures {
                    for row in $rows {
                        let is_new = false $(|| { let $row = &row; $is_new })?;
                        (if is_new { &mut new } else { &mut others }).push(workspace.uuid(), row);
                    }
                }
                writing.add(&$table, true, new, $bind)?;
                writing.add(&$table, false, others, $bind)?;
            }};
        }
        add!(gates::CLAIM, gates::bind_claims, |picture| picture.claims.iter(),
            new: |(name, _)| !picture.below.claims.contains_key(name));
        add!(gates::COUNTER, gates::bind_counters, |picture| picture.counters.iter());
        add!(workspace::WORKSPACE, workspace::bind, |picture| rows(&picture.workspaces));
        add!(webhook::WEBHOOK, webhook::bind, |picture| rows(&picture.webhooks));
        add!(gates::CONTACT_KEY, gates::bind_keys, |picture| picture.keys.iter(),
            new: |(key, _)| !picture.below.keys.contains_key(key));
        add!(contact::CONTACT, contact::bind, |picture| rows(&picture.contacts),
            new: |(_, before)| before.is_none());
        add!(gates::WINDOW, gates::bind_windows, |picture| picture.windows.iter(),
            new: |(window, _)| !picture.below.windows.contains_key(window));
        add!(lead::LEAD, lead::bind, |picture| rows(&picture.leads),
            new: |row| row.version == Version::ZERO.next());
        add!(payload::PAYLOAD, payload::bind, |picture| rows(&picture.payloads));
        add!(rejection::REJECTION, rejection::bind, |picture| rows(&picture.rejections));
        add!(touch::TOUCHPOINT, touch::bind, |picture| rows(&picture.touches));
        add!(appointment::APPOINTMENT, appointment::bind, |picture| rows(&picture.appointments));
        add!(conversion::CONVERSION, conversion::bind, |picture| rows(&picture.conversions));
        add!(delivery::DELIVERY, delivery::bind, |picture| rows(&picture.deliveries));
        add!(record::RECORD, record::bind, |picture| rows(&picture.records));
        add!(event::EVENT, event::bind, |picture| picture.events());
        add!(analytics::ROLLUP, analytics::bind, |picture| rows(&picture.rollups));
        Ok(Some(writing))
    }

    /// Adds the rows of a table, if there are any. Every call has a place of its own, which tells the table.
    fn add<R>(
        &mut self,
        table: &'static Table,
        are_new: bool,
        rows: Rows<R>,
        bind: fn(&[R], &mut Args) -> Result<(), CommitError>,
    ) -> Result<(), CommitError> {
        let Rows { workspaces, rows } = rows;
        let Some(workspace) = workspaces.first() else { return Ok(()) };
        let place = TABLES.iter().position(|known| std::ptr::eq(*known, table)).unwrap_or_default();
        let bit = 1_u64 << (2 * place + usize::from(are_new));
        self.tables.push(Part { table, are_new, bit });
        if self.plain {
            let mut args = Args::default().with(*workspace);
            bind(&rows, &mut args)?;
            self.args.push(args);
            return Ok(());
        }
        match self.args.last_mut() {
            Some(args) => {
                args.add(workspaces);
                bind(&rows, args)
            }
            None => Ok(()),
        }
    }

    /// An array for each: workspaces, commits, positions, contacts made, configurations.
    fn head_args(&self) -> Args {
        let of = |cell: fn(&NewHead) -> i64| self.heads.iter().map(cell).collect::<Vec<_>>();
        Args::default()
            .with(self.heads.iter().map(|new| new.workspace.uuid()).collect::<Vec<_>>())
            .with(of(|new| new.commits.unwrap_or(0)))
            .with(of(|new| int(new.head.feed.0)))
            .with(of(|new| int(new.head.contacts)))
            .with(of(|new| int(new.head.config.0)))
    }

    /// Writes it. Answers false, and writes nothing, if a workspace was committed to since the picture was taken.
    pub(crate) async fn run(self, lease: &mut Lease<'_>, sql: &Sql) -> Result<bool, sqlx::Error> {
        if self.plain {
            return self.run_plain(lease, sql).await;
        }
        let text = self.one_text(sql);
        let mut args = self.args;
        let args = args.pop().unwrap_or_default();
        Ok(!lease.rows(text, args).await?.is_empty())
    }

    /// Under the lock of the head nothing can have come between.
    async fn run_plain(self, lease: &mut Lease<'_>, sql: &Sql) -> Result<bool, sqlx::Error> {
        let text = if self.makes { MAKE_HEAD } else { MOVE_HEAD };
        for NewHead { workspace, commits: _, head } in self.heads {
            let args = Args::default().with(workspace.uuid()).with(int(head.feed.0)).with(int(head.contacts));
            if lease.rows(sql.fixed(text), args.with(int(head.config.0))).await?.is_empty() {
                return Ok(false);
            }
        }
        for (Part { table, are_new, bit }, args) in self.tables.into_iter().zip(self.args) {
            let text = sql.made(Key::Write(bit | PLAIN), || {
                let mut text = String::new();
                place(&mut text, &table.insert(true, are_new), table.columns.len(), 2);
                text
            });
            lease.rows(text, args).await?;
        }
        Ok(true)
    }

    fn one_text(&self, sql: &Sql) -> SqlStr {
        let made = if self.makes { MADE } else { 0 };
        let key = self.tables.iter().fold(made, |key, part| key | part.bit);
        sql.made(Key::Write(key), || {
            let mut text = format!("WITH {}", if self.makes { NEW_GATE } else { GATE });
            let mut next = 6;
            for Part { table, are_new, .. } in &self.tables {
                let word = if *are_new { "new" } else { "in" };
                text.push_str(&format!(",\n{word}_{} AS (", table.name));
                let parameters = table.columns.len() + 1;
                place(&mut text, &table.insert(false, *are_new), parameters, next);
                text.push(')');
                next += parameters;
            }
            text.push_str(if self.makes { "" } else { MOVED });
            text.push_str("\nSELECT 1 FROM gate");
            text
        })
    }
}

/// Rows to be written, and the workspace of each.
struct Rows<R> {
    workspaces: Vec<Uuid>,
    rows: Vec<R>,
}

impl<R> Rows<R> {
    fn push(&mut self, workspace: Uuid, row: R) {
        self.workspaces.push(workspace);
        self.rows.push(row);
    }
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self { workspaces: Vec::new(), rows: Vec::new() }
    }
}

fn rows<'p, K: Ord + 'p, V>(puts: &'p Puts<K, V>) -> impl Iterator<Item = &'p V> {
    puts.iter().map(|(_, row)| row)
}

/// The names of all tables, that of the head first.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    std::iter::once("head").chain(TABLES.iter().map(|table| table.name))
}

static TABLES: [&Table; 17] = [
    &gates::CLAIM,
    &gates::COUNTER,
    &workspace::WORKSPACE,
    &webhook::WEBHOOK,
    &gates::CONTACT_KEY,
    &contact::CONTACT,
    &gates::WINDOW,
    &lead::LEAD,
    &payload::PAYLOAD,
    &rejection::REJECTION,
    &touch::TOUCHPOINT,
    &appointment::APPOINTMENT,
    &conversion::CONVERSION,
    &delivery::DELIVERY,
    &record::RECORD,
    &event::EVENT,
    &analytics::ROLLUP,
];
/// In the key of a text: the workspace is made by it.
const MADE: u64 = 1 << 62;
/// In the key of a text: it is a statement for one table.
const PLAIN: u64 = 1 << 63;

// All rows are there and as they were when the picture was taken, or nothing is written. A commit that is under way is waited
// for, and its newest row is looked at. One after the other in the order of their ids: whoever locks several does so in this order.
const GATE: &str = "locked AS MATERIALIZED (
    SELECT h.workspace_id FROM unnest($1::uuid[], $2::int8[]) AS n (workspace_id, commits)
    CROSS JOIN LATERAL (SELECT t.workspace_id FROM {s}.head AS t WHERE t.workspace_id = n.workspace_id AND t.commits = n.commits
        LIMIT 1 FOR NO KEY UPDATE) AS h
),
gate AS MATERIALIZED (SELECT 1 FROM locked HAVING count(*) = cardinality($1::uuid[]))";
const NEW_GATE: &str = "gate AS (
    INSERT INTO {s}.head (workspace_id, feed, contacts, config, commits)
    SELECT workspace_id, feed, contacts, config, commits + 1
    FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[], $5::int8[]) AS n (workspace_id, commits, feed, contacts, config)
    ON CONFLICT (workspace_id) DO NOTHING RETURNING 1
)";
const MOVED: &str = ",
moved AS (
    UPDATE {s}.head AS h SET feed = n.feed, contacts = n.contacts, config = n.config, commits = n.commits + 1
    FROM gate CROSS JOIN unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[], $5::int8[])
        AS n (workspace_id, commits, feed, contacts, config)
    WHERE h.workspace_id = n.workspace_id
)";
const MOVE_HEAD: &str = "UPDATE {s}.head SET feed = $2, contacts = $3, config = $4, commits = commits + 1
    WHERE workspace_id = $1 RETURNING 1";
const MAKE_HEAD: &str = "INSERT INTO {s}.head (workspace_id, feed, contacts, config, commits)
    VALUES ($1, $2, $3, $4, 1) ON CONFLICT (workspace_id) DO NOTHING RETURNING 1";
