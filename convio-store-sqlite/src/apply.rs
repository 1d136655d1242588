//! Applies change sets within the transaction that the caller holds.
//!
//! Core applies them to a [`Picture`] of each workspace, which reads single rows of the tables below it and writes none. What came
//! of them is then written table by table, each row once, in the order of its key.

use std::collections::BTreeMap;
use std::mem::take;

use convio_core::WorkspaceId;
use convio_core::change_set::{ChangeSet, Picture, Receipt};
use convio_core::store::CommitError;
use rusqlite::Connection;

use crate::access::Results;
use crate::error::{rolled_back, write_failed};
use crate::put::{Put, Sql};
use crate::tables::Tables;
use crate::{
    analytics, appointment, contact, conversion, delivery, event, gates, lead, payload, record, rejection,
    touch, webhook, workspace,
};

/// What change sets come to.
pub(crate) struct Applied {
    results: Results,
    /// Why nothing is kept of what was written.
    failed: Option<CommitError>,
}

/// What a transaction or a savepoint is put around.
pub(crate) type Work<'w> = &'w mut dyn FnMut(&Connection) -> Applied;

/// Applies change sets, each whole or not at all. `within` writes what `Work` does, or takes it back where that failed.
///
/// They are written together. Where that fails for a reason that is one change set's own, they are done again one by one, so that
/// its neighbours do not suffer.
pub(crate) fn apply(
    conn: &Connection,
    batch: Vec<ChangeSet>,
    within: impl Fn(&Connection, Work<'_>) -> Result<Applied, CommitError>,
) -> Results {
    let wanted = batch.len();
    let (mut batch, mut again) = if wanted > 1 { (batch.clone(), batch) } else { (batch, Vec::new()) };
    let applied = within(conn, &mut |conn| together(conn, take(&mut batch)));
    if wanted > 1 && applied.as_ref().is_ok_and(Applied::is_spoiled) {
        return results(within(conn, &mut |conn| apart(conn, take(&mut again))), wanted);
    }
    results(applied, wanted)
}

/// One by one, each in a savepoint.
fn apart(conn: &Connection, batch: Vec<ChangeSet>) -> Applied {
    let one = |changes| {
        let mut alone = vec![changes];
        results(in_savepoint(conn, &mut |conn| together(conn, take(&mut alone))), 1)
    };
    Applied { results: batch.into_iter().flat_map(one).collect(), failed: None }
}

/// Applies them, and writes what came of them.
fn together(conn: &Connection, batch: Vec<ChangeSet>) -> Applied {
    let mut pictures: BTreeMap<WorkspaceId, Picture<Tables<'_>>> = BTreeMap::new();
    let mut apply = |changes: ChangeSet| {
        let workspace = changes.workspace;
        let picture = pictures.entry(workspace).or_insert_with(|| Picture::over(Tables::of(conn, workspace)));
        picture.apply(changes)
    };
    let results = batch.into_iter().map(&mut apply).collect();
    let written = pictures.values().try_for_each(|picture| write(conn, picture));
    Applied { results, failed: written.err() }
}

/// Writes what was put to a picture.
fn write(conn: &Connection, picture: &Picture<Tables<'_>>) -> Result<(), CommitError> {
    let workspace = picture.below.workspace;
    macro_rules! put {
        ($rows:ident, $sql:expr, |$put:ident, $key:pat_param, $row:pat_param| $write:expr) => {
            let mut statement = Put::new(conn, &$sql, picture.$rows.iter().len());
            let $put = &mut statement;
            picture.$rows.iter().try_for_each(|($key, $row)| $write)?;
        };
    }
    put!(claims, gates::PUT_HELD, |put, name, held| gates::put_held(put, workspace, name, held));
    put!(counters, gates::PUT_USED, |put, (key, at), used| gates::put_used(put, workspace, key, *at, *used));
    put!(workspaces, workspace::PUT, |put, (), row| workspace::put(put, row));
    put!(webhooks, webhook::PUT, |put, _, row| webhook::put(put, row));
    put!(keys, contact::PUT_KEY, |put, key, id| contact::put_key(put, workspace, key, *id));
    let new = picture.contacts.iter().filter(|(_, (_, before))| before.is_none()).count();
    let (mut insert, mut update) =
        two(conn, [&contact::INSERT, &contact::UPDATE], new, picture.contacts.iter().len());
    for (_, (row, before)) in picture.contacts.iter() {
        match before {
            None => contact::put(&mut insert, row, true)?,
            Some(_) => contact::put(&mut update, row, false)?,
        }
    }
    put!(windows, gates::PUT_WINDOW, |put, (contact, key), last| {
        gates::put_window(put, workspace, *contact, *key, *last)
    });
    let new = picture.leads.iter().filter(|(id, _)| picture.below.new_leads.contains(id)).count();
    let (mut insert, mut put) = two(conn, [&lead::INSERT, &lead::UPDATE], new, picture.leads.iter().len());
    for (id, row) in picture.leads.iter() {
        match picture.below.new_leads.contains(id) {
            true => lead::put(&mut insert, row, true)?,
            false => lead::put(&mut put, row, false)?,
        }
    }
    put!(payloads, payload::INSERT, |put, _, row| payload::put(put, row));
    let new = picture.rejections.iter().filter(|(id, _)| picture.below.new_rejections.contains(id)).count();
    let (mut insert, mut put) =
        two(conn, [&rejection::INSERT, &rejection::PUT], new, picture.rejections.iter().len());
    for (id, row) in picture.rejections.iter() {
        match picture.below.new_rejections.contains(id) {
            true => rejection::put(&mut insert, row, true)?,
            false => rejection::put(&mut put, row, false)?,
        }
    }
    put!(touches, touch::PUT, |put, _, row| touch::put(put, row));
    put!(appointments, appointment::PUT, |put, _, row| appointment::put(put, row));
    put!(conversions, conversion::PUT, |put, _, row| conversion::put(put, row));
    put!(deliveries, delivery::PUT, |put, _, row| delivery::put(put, row));
    put!(records, record::PUT, |put, _, row| record::put(put, row));
    let mut insert = Put::new(conn, &event::INSERT, picture.events().len());
    picture.events().iter().try_for_each(|event| event::put(&mut insert, event))?;
    put!(rollups, analytics::ADD, |put, _, sums| analytics::add(put, workspace, sums));
    let mut put_head = Put::new(conn, &event::PUT_HEAD, 1);
    picture.head().map_or(Ok(()), |head| event::put_head(&mut put_head, workspace, head))
}

/// What writes the new ones among rows, and what writes the others.
fn two<'c>(
    conn: &'c Connection,
    [new, other]: [&'static Sql; 2],
    are_new: usize,
    rows: usize,
) -> (Put<'c>, Put<'c>) {
    (Put::new(conn, new, are_new), Put::new(conn, other, rows - are_new))
}

/// Puts a savepoint around what is done in the transaction that the connection is in.
pub(crate) fn in_savepoint(conn: &Connection, work: Work<'_>) -> Result<Applied, CommitError> {
    if conn.is_autocommit() {
        return Err(CommitError::Unavailable(rolled_back()));
    }
    run(conn, "SAVEPOINT convio").map_err(write_failed)?;
    let applied = work(conn);
    if applied.failed.is_some() && !conn.is_autocommit() {
        run(conn, "ROLLBACK TO convio").map_err(write_failed)?;
    }
    if !conn.is_autocommit() {
        run(conn, "RELEASE convio").map_err(write_failed)?;
    }
    Ok(applied)
}

pub(crate) fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(drop)
}

impl Applied {
    /// Nothing of it is kept, unless that is so already.
    pub(crate) fn fail(&mut self, error: CommitError) {
        self.failed.get_or_insert(error);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Whether one change set spoiled it for all: a row that was taken to be new is not, or one that the tables do not take.
    fn is_spoiled(&self) -> bool {
        matches!(self.failed, Some(CommitError::Conflict { .. } | CommitError::Misuse(_)))
    }
}

fn results(applied: Result<Applied, CommitError>, wanted: usize) -> Results {
    let Applied { mut results, failed } = match applied {
        Ok(applied) => applied,
        Err(error) => return vec![Err(error); wanted],
    };
    if let Some(error) = failed {
        // Who lost a gate or a row may have lost it to a neighbour that is not there now.
        let depends = |result: &&mut Result<Receipt, CommitError>| {
            matches!(result, Ok(_) | Err(CommitError::GateLost(_) | CommitError::Conflict { .. }))
        };
        for result in results.iter_mut().filter(depends) {
            *result = Err(error.clone());
        }
    }
    results
}
