//! Commits.
//!
//! What a change set depends on is read in one statement, core applies the change set to that picture, and one more statement
//! writes what came of it, if the workspace was not committed to in between: its head counts commits. If it was, the same is done
//! again under the lock of the head. Change sets of several workspaces share both statements: so callers whose commits travel
//! together (`convio_core::Coalesced`) make two trips, however many they are (`tests/flights.rs`). A conflict, a lost gate or a
//! rejected lead is found before anything is written, and never ends a transaction.
//!
//! What that costs, whole calls counted on the socket by `tests/trips.rs`, in the ways that [`crate::Options`] knows: on a held
//! connection, on one that sqlx's pool tests when it goes out and when it comes back, behind a transaction pooler, under row
//! security and as plain statements (these three held), in a caller's transaction whose own BEGIN and COMMIT are not counted, and
//! there within savepoints.
//!
//! | round trips, warm | held | of a pool | pooler | row security | plain | in a transaction | savepoints |
//! |---|---|---|---|---|---|---|---|
//! | a lead of a new contact | 1 | 3 | 4 | 3 | 18 | 1 | 3 |
//! | a lead that is rejected | 2 | 4 | 6 | 4 | 11 | 2 | 4 |
//! | `receive`: a lead with its appointment | 3 | 7 | 10 | 7 | 21 | 3 | 5 |
//! | `book` | 3 | 7 | 10 | 7 | 12 | 3 | 5 |
//! | `complete`, sold | 3 | 7 | 10 | 7 | 18 | 3 | 5 |
//! | `move_lead` | 3 | 7 | 10 | 7 | 10 | 3 | 5 |
//! | a batch of 100 | 4 | 6 | 6 | 4 | 18 | 3 | 4 |
//! | a batch of 2,500 | 12 | 18 | 18 | 12 | 54 | 9 | 12 |
//! | a batch of 100, all or nothing | 2 | 4 | 6 | 4 | 18 | 2 | 4 |
//! | `create_workspace` | 2 | 4 | 6 | 4 | 10 | 2 | 4 |
//! | `configure_webhook` | 2 | 4 | 6 | 4 | 8 | 2 | 4 |
//! | the first lead of a process | 2 | 6 | 8 | 6 | 19 | 2 | 4 |
//! | a lead, when another commit was faster | 4 | 8 | 8 | 6 | 18 | 3 | 6 |
//! | `move_lead`, when another commit was faster | 7 | 13 | 16 | 11 | 10 | 6 | 9 |
//! | a lead by id | 1 | 3 | 4 | 3 | 1 | 1 | 1 |
//!
//! A call reads what it changes first, if it changes something: one trip of those of `book` and `move_lead`. Of many leads each
//! group of [`GROUP_CHANGES_MAX`] is a transaction. A change set that another commit was faster than is applied again under the
//! lock: three trips more, in a caller's transaction two or three. `receive` reads the appointment that it made.

use std::collections::BTreeMap;

use convio_core::WorkspaceId;
use convio_core::change_set::{ChangeSet, Picture, Receipt};
use convio_core::store::{CommitError, Fault};

use crate::error::{commit_failed, is_gone, is_to_run_again, write_failed};
use crate::known::Known;
use crate::options::Options;
use crate::reading::Scope;
use crate::session::{Lease, Session};
use crate::wanted::{Wanted, known};
use crate::write::Writing;

type Results = Vec<Result<Receipt, CommitError>>;

/// Why a group was not committed.
pub(crate) enum Failed {
    /// The workspace was committed to since it was read: read it again, under its lock.
    Stale,
    /// Lost to another transaction: run it again.
    Again(CommitError),
    /// The connection is gone, and nothing was committed over it: run it again on another one.
    Gone(CommitError),
    /// It can't be.
    For(CommitError),
}

impl Session<'_> {
    pub(crate) async fn commit(&self, batch: Vec<ChangeSet>) -> Results {
        let tells = batch.iter().any(|changes| !changes.events.is_empty());
        let results = self.commit_all(batch).await;
        if tells && results.iter().any(Result::is_ok) {
            self.tell().await;
        }
        results
    }

    async fn commit_all(&self, batch: Vec<ChangeSet>) -> Results {
        let mut results: Vec<Option<Result<Receipt, CommitError>>> = batch.iter().map(|_| None).collect();
        // By workspace in a fixed order: two callers whose transactions touch the same ones take their locks alike. Those of
        // one workspace stay in the order given.
        let mut batch: Vec<(usize, ChangeSet)> = batch.into_iter().enumerate().collect();
        batch.sort_by_key(|(_, changes)| changes.workspace);
        let mut batch = batch.into_iter().peekable();
        let mut group = Group::default();
        while let Some((n, changes)) = batch.next() {
            group.add(n, changes);
            if batch.peek().is_none_or(|(_, next)| group.ends_before(next, self.options())) {
                let Group { places, changes, bytes: _ } = std::mem::take(&mut group);
                for (n, result) in places.into_iter().zip(self.commit_group(changes).await) {
                    results[n] = Some(result);
                }
            }
        }
        let lost = || Err(CommitError::Misuse("a change set was not answered".to_owned()));
        results.into_iter().map(|result| result.unwrap_or_else(lost)).collect()
    }

    async fn commit_group(&self, changes: Vec<ChangeSet>) -> Results {
        match self.try_group(&changes).await {
            Ok(results) => results,
            // One of them is more than the database takes: the others need not suffer for it.
            Err(CommitError::Misuse(_) | CommitError::Conflict { .. })
                if changes.len() > 1 && !self.is_in_transaction() =>
            {
                let mut results = Vec::with_capacity(changes.len());
                for one in changes {
                    let one = [one];
                    results.push(match self.try_group(&one).await {
                        Ok(mut done) => done.pop().unwrap_or_else(|| Err(CommitError::Misuse(String::new()))),
                        Err(error) => Err(error),
                    });
                }
                results
            }
            Err(error) => changes.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn try_group(&self, changes: &[ChangeSet]) -> Result<Results, CommitError> {
        let mut workspaces: Vec<WorkspaceId> = changes.iter().map(|changes| changes.workspace).collect();
        workspaces.dedup();
        let is_crowded = workspaces.iter().filter(|workspace| self.is_crowded(**workspace)).count() > 0;
        let mut locked = is_crowded || changes.len() >= LOCKED_CHANGES_MIN || self.options().plain;
        let (mut last, mut is_replaced) = (None, false);
        for _ in 0..TRIES_MAX {
            match self.attempt(&workspaces, changes, locked).await {
                Ok(results) => {
                    if !locked {
                        self.note_crowd(&workspaces, false);
                    }
                    return Ok(results);
                }
                Err(Failed::For(error)) => return Err(error),
                Err(Failed::Stale) => {
                    locked = true;
                    self.note_crowd(&workspaces, true);
                }
                Err(Failed::Again(error) | Failed::Gone(error)) if self.is_in_transaction() => {
                    return Err(error);
                }
                Err(Failed::Again(error)) => last = Some(error),
                // Once: a held connection that died while nobody used it is no news, a server that goes down is.
                Err(Failed::Gone(error)) if is_replaced => return Err(error),
                Err(Failed::Gone(error)) => {
                    (last, is_replaced) = (Some(error), true);
                    self.drop_held();
                }
            }
            self.count_retry();
        }
        let message = "other commits were faster every time";
        Err(last.unwrap_or_else(|| CommitError::Unavailable(Fault::new(message))))
    }

    async fn attempt(
        &self,
        workspaces: &[WorkspaceId],
        changes: &[ChangeSet],
        locked: bool,
    ) -> Result<Results, Failed> {
        let lease = if locked { self.locked(workspaces).await } else { self.lease(workspaces).await };
        let mut lease = lease.map_err(before)?;
        lease.begin_savepoint().await.map_err(before)?;
        let done = self.steps(&mut lease, changes).await;
        lease.end_savepoint(done.is_ok()).await.map_err(before)?;
        match done {
            Ok((results, true)) => {
                lease.finish().await.map_err(at_commit)?;
                Ok(results)
            }
            // Nothing was written: the lock goes, and so does the connection's transaction.
            Ok((results, false)) => {
                lease.roll_back().await.map_err(before)?;
                Ok(results)
            }
            Err(failed) => {
                // A connection that fails at this too is closed with the lease.
                if !matches!(failed, Failed::For(CommitError::Unknown(_))) {
                    let _ = lease.roll_back().await;
                }
                Err(failed)
            }
        }
    }

    /// Reads, applies, writes. Tells whether anything was written.
    async fn steps(&self, lease: &mut Lease<'_>, changes: &[ChangeSet]) -> Result<(Results, bool), Failed> {
        // Without a transaction a statement commits by itself.
        let ends_with_it = !lease.is_in_own_transaction() && !self.is_in_transaction();
        if let ([one], false) = (changes, self.options().plain)
            && let Some(lead) = crate::ingest::LeadAlone::of(one)
        {
            let result = lead.run(lease, self.sql(), if ends_with_it { at_commit } else { before }).await?;
            let wrote = result.is_ok();
            return Ok((vec![result], wrote));
        }
        let Some(first) = changes.first() else { return Ok((Vec::new(), false)) };
        let scope = if self.options().plain { Scope::One(first.workspace) } else { Scope::Many };
        let rows = Wanted::by(changes).reading(scope).run(lease, self).await.map_err(before)?;
        let known = known(&rows).map_err(|error| Failed::For(error.into()))?;
        let mut pictures: BTreeMap<WorkspaceId, Picture<Known>> =
            known.into_iter().map(|(workspace, known)| (workspace, Picture::over(known))).collect();
        let mut results = Vec::with_capacity(changes.len());
        for one in changes {
            results.push(pictures.entry(one.workspace).or_default().apply(one.clone()));
        }
        let plain = self.options().plain && lease.is_locked();
        let Some(writing) = Writing::of(&pictures, plain).map_err(Failed::For)? else {
            return Ok((results, false));
        };
        match writing.run(lease, self.sql()).await {
            Ok(true) => Ok((results, true)),
            Ok(false) => Err(Failed::Stale),
            Err(error) if ends_with_it => Err(at_commit(error)),
            Err(error) => Err(before(error)),
        }
    }
}

/// Change sets of one transaction.
#[derive(Default)]
struct Group {
    places: Vec<usize>,
    changes: Vec<ChangeSet>,
    bytes: usize,
}

impl Group {
    fn add(&mut self, place: usize, changes: ChangeSet) {
        self.bytes += changes.payloads.iter().map(|payload| payload.body.len()).sum::<usize>();
        self.places.push(place);
        self.changes.push(changes);
    }

    /// Whether the next one is for another group.
    fn ends_before(&self, next: &ChangeSet, options: &Options) -> bool {
        let is_of_another = |last: &ChangeSet| last.workspace != next.workspace;
        // A policy of the server's, or a node of a cluster, knows one workspace at a time; and a new head is written by itself.
        let is_apart = |last: &ChangeSet| (options.plain || options.row_security) && is_of_another(last);
        let makes = |changes: &ChangeSet| !changes.workspaces.is_empty();
        self.changes.len() >= GROUP_CHANGES_MAX
            || self.bytes > GROUP_BYTES_MAX
            || self.changes.last().is_some_and(|last| is_apart(last) || makes(last) || makes(next))
    }
}

/// What failed before anything could be committed.
pub(crate) fn before(error: sqlx::Error) -> Failed {
    let is_to_run_again = is_to_run_again(&error);
    let is_gone = is_gone(&error);
    sorted(write_failed(error), is_to_run_again, is_gone)
}

/// What failed while it may have been committed.
pub(crate) fn at_commit(error: sqlx::Error) -> Failed {
    let is_to_run_again = is_to_run_again(&error);
    let is_gone = is_gone(&error);
    sorted(commit_failed(error), is_to_run_again, is_gone)
}

fn sorted(error: CommitError, is_to_run_again: bool, is_gone: bool) -> Failed {
    match error {
        error @ CommitError::Unknown(_) => Failed::For(error),
        error if is_to_run_again => Failed::Again(error),
        error if is_gone => Failed::Gone(error),
        error => Failed::For(error),
    }
}

/// From this many change sets on, the trips of a lock are worth less than the work that is lost when another commit was faster.
const LOCKED_CHANGES_MIN: usize = 100;
/// Change sets of one transaction: what is waited for by other writers of the workspace.
const GROUP_CHANGES_MAX: usize = 1_000;
/// Bytes of payloads of one transaction: what is held in memory and sent at once.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How often a commit is run again when the server ends it for another one's sake. Under the lock of the head one time is the
/// rule; more happens only where other programs lock the same rows.
const TRIES_MAX: usize = 16;
