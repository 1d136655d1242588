//! Writes what change sets made of a picture.

use convio_core::WorkspaceId;
use convio_core::event::Head;
use convio_core::store::CommitError;
use sqlx::SqlStr;

use crate::cells::int;
use crate::picture::Picture;
use crate::session::Lease;
use crate::sql::{Key, Sql, place};
use crate::table::{Args, Table};
use crate::{
    analytics, appointment, contact, conversion, event, gates, lead, payload, record, rejection, webhook,
    workspace,
};

/// What is to be written: rows of some tables, and the head.
pub(crate) struct Writing {
    workspace: WorkspaceId,
    /// How often the workspace had been committed to when the picture was taken; `None` where it is made now.
    commits: Option<i64>,
    head: Head,
    tables: Vec<(u32, &'static Table)>,
    /// In one statement: all parameters. As plain statements: those of each table.
    args: Vec<Args>,
    plain: bool,
}

impl Writing {
    /// What is to be written, if anything is.
    pub(crate) fn of(
        workspace: WorkspaceId,
        picture: &Picture,
        plain: bool,
    ) -> Result<Option<Self>, CommitError> {
        let Some(head) = picture.new_head else { return Ok(None) };
        let commits = picture.head.map(|(_, commits)| commits);
        let mut writing = Self { workspace, commits, head, tables: Vec::new(), args: Vec::new(), plain };
        if !plain {
            let head_args = Args::default().with(workspace.uuid()).with(commits.unwrap_or(0));
            writing
                .args
                .push(head_args.with(int(head.feed.0)).with(int(head.contacts)).with(int(head.config.0)));
        }
        writing.add(&gates::CLAIM, &picture.claims.written(), gates::bind_claims)?;
        writing.add(&gates::COUNTER, &picture.counters.written(), gates::bind_counters)?;
        writing.add(&workspace::WORKSPACE, &rows(picture.workspaces.written()), workspace::bind)?;
        writing.add(&webhook::WEBHOOK, &rows(picture.webhooks.written()), webhook::bind)?;
        writing.add(&gates::CONTACT_KEY, &picture.keys.written(), gates::bind_keys)?;
        writing.add(&contact::CONTACT, &rows(picture.contacts.written()), contact::bind)?;
        writing.add(&gates::WINDOW, &picture.windows.written(), gates::bind_windows)?;
        writing.add(&lead::LEAD, &rows(picture.leads.written()), lead::bind)?;
        writing.add(&payload::PAYLOAD, &rows(picture.payloads.written()), payload::bind)?;
        writing.add(&rejection::REJECTION, &rows(picture.rejections.written()), rejection::bind)?;
        writing.add(&appointment::APPOINTMENT, &rows(picture.appointments.written()), appointment::bind)?;
        writing.add(&conversion::CONVERSION, &rows(picture.conversions.written()), conversion::bind)?;
        writing.add(&record::RECORD, &rows(picture.records.written()), record::bind)?;
        writing.add(&event::EVENT, &picture.events.iter().collect::<Vec<_>>(), event::bind)?;
        writing.add(&analytics::ROLLUP, &rows(picture.rollups.written()), analytics::bind)?;
        Ok(Some(writing))
    }

    /// Adds the rows of a table, if there are any. Every call has a place of its own, which tells the table.
    fn add<R>(
        &mut self,
        table: &'static Table,
        rows: &[R],
        bind: fn(&[R], &mut Args) -> Result<(), CommitError>,
    ) -> Result<(), CommitError> {
        if rows.is_empty() {
            return Ok(());
        }
        let bit = TABLES.iter().position(|known| std::ptr::eq(*known, table)).unwrap_or_default();
        self.tables.push((1 << bit, table));
        if self.plain {
            self.args.push(Args::default().with(self.workspace.uuid()));
        }
        match self.args.last_mut() {
            Some(args) => bind(rows, args),
            None => Ok(()),
        }
    }

    /// Writes it. Answers false, and writes nothing, if the workspace was committed to since the picture was taken.
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
        let head = self.head;
        let text = if self.commits.is_some() { MOVE_HEAD } else { MAKE_HEAD };
        let args =
            Args::default().with(self.workspace.uuid()).with(int(head.feed.0)).with(int(head.contacts));
        if lease.rows(sql.fixed(text), args.with(int(head.config.0))).await?.is_empty() {
            return Ok(false);
        }
        for ((bit, table), args) in self.tables.into_iter().zip(self.args) {
            let text = sql.made(Key::Write(bit | PLAIN), || {
                let mut text = String::new();
                let insert = table.insert().replace(" FROM gate CROSS JOIN unnest(", " FROM unnest(");
                place(&mut text, &insert, table.columns.len(), 2);
                text
            });
            lease.rows(text, args).await?;
        }
        Ok(true)
    }

    fn one_text(&self, sql: &Sql) -> SqlStr {
        let made = if self.commits.is_some() { 0 } else { MADE };
        let key = self.tables.iter().fold(made, |key, (bit, _)| key | bit);
        sql.made(Key::Write(key), || {
            let mut text = format!("WITH gate AS {}", if made == 0 { GATE } else { NEW_GATE });
            let mut next = 6;
            for (_, table) in &self.tables {
                text.push_str(&format!(",\nin_{} AS (", table.name));
                place(&mut text, &table.insert(), table.columns.len(), next);
                text.push(')');
                next += table.columns.len();
            }
            text.push_str(if made == 0 { MOVED } else { "" });
            text.push_str("\nSELECT 1 FROM gate");
            text
        })
    }
}

fn rows<'p, K, V>(written: Vec<(&'p K, &'p V)>) -> Vec<&'p V> {
    written.into_iter().map(|(_, row)| row).collect()
}

/// The names of all tables, that of the head first.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    std::iter::once("head").chain(TABLES.iter().map(|table| table.name))
}

static TABLES: [&Table; 15] = [
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
    &appointment::APPOINTMENT,
    &conversion::CONVERSION,
    &record::RECORD,
    &event::EVENT,
    &analytics::ROLLUP,
];
/// In the key of a text: the workspace is made by it.
const MADE: u32 = 1 << 30;
/// In the key of a text: it is a statement for one table.
const PLAIN: u32 = 1 << 31;

// The row is there and as it was when the picture was taken, or nothing is written. A commit that is under way is waited for,
// and its newest row is looked at.
const GATE: &str =
    "MATERIALIZED (SELECT 1 FROM {s}.head WHERE workspace_id = $1 AND commits = $2 FOR NO KEY UPDATE)";
const NEW_GATE: &str = "(INSERT INTO {s}.head (workspace_id, feed, contacts, config, commits)
    VALUES ($1, $3, $4, $5, $2 + 1) ON CONFLICT (workspace_id) DO NOTHING RETURNING 1)";
const MOVED: &str =
    ",\nmoved AS (UPDATE {s}.head AS h SET feed = $3, contacts = $4, config = $5, commits = $2 + 1
    FROM gate WHERE h.workspace_id = $1)";
const MOVE_HEAD: &str = "UPDATE {s}.head SET feed = $2, contacts = $3, config = $4, commits = commits + 1
    WHERE workspace_id = $1 RETURNING 1";
const MAKE_HEAD: &str = "INSERT INTO {s}.head (workspace_id, feed, contacts, config, commits)
    VALUES ($1, $2, $3, $4, 1) ON CONFLICT (workspace_id) DO NOTHING RETURNING 1";
