//! Commits.
//!
//! What a change set depends on is read in one statement, core applies the change set to that picture, and one more statement
//! writes what came of it, if the workspace was not committed to in between: its head counts commits. If it was, the same is done
//! again under the lock of the head. So a conflict, a lost gate or a rejected lead is found before anything is written, and never
//! ends a transaction.
//!
//! | a change set, warm, on a held connection | round trips | behind a transaction pooler |
//! |---|---|---|
//! | a lead that is taken ([`crate::ingest`]) | 1 | 4 |
//! | anything else | 2 | 6 |
//! | when something else was faster | 5 more | 8 more |
//! | many: each group of [`GROUP_CHANGES_MAX`] | 5 | 8 |
//! | in a caller's transaction | 1 or 2; 3 more when something else was faster | |

use std::collections::BTreeMap;

use convio_core::WorkspaceId;
use convio_core::change_set::{ChangeSet, Receipt, apply};
use convio_core::store::{CommitError, Fault};

use crate::error::{commit_failed, is_gone, is_to_run_again, write_failed};
use crate::session::{Lease, Session};
use crate::table::Args;
use crate::wanted::{Wanted, picture};
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
        let mut results: Vec<Option<Result<Receipt, CommitError>>> = batch.iter().map(|_| None).collect();
        // By workspace in a fixed order: two callers whose transactions touch the same ones take their locks alike.
        let mut groups: BTreeMap<WorkspaceId, Vec<(usize, ChangeSet)>> = BTreeMap::new();
        for (n, changes) in batch.into_iter().enumerate() {
            groups.entry(changes.workspace).or_default().push((n, changes));
        }
        for (workspace, group) in groups {
            let (mut places, mut changes, mut bytes) = (Vec::new(), Vec::new(), 0);
            let mut group = group.into_iter().peekable();
            while let Some((n, next)) = group.next() {
                bytes += next.payloads.iter().map(|payload| payload.body.len()).sum::<usize>();
                places.push(n);
                changes.push(next);
                if group.peek().is_none() || changes.len() == GROUP_CHANGES_MAX || bytes > GROUP_BYTES_MAX {
                    let done = self.commit_group(workspace, std::mem::take(&mut changes)).await;
                    for (n, result) in places.drain(..).zip(done) {
                        results[n] = Some(result);
                    }
                    bytes = 0;
                }
            }
        }
        let lost = || Err(CommitError::Misuse("a change set was not answered".to_owned()));
        results.into_iter().map(|result| result.unwrap_or_else(lost)).collect()
    }

    /// Change sets of one workspace.
    async fn commit_group(&self, workspace: WorkspaceId, changes: Vec<ChangeSet>) -> Results {
        match self.try_group(workspace, &changes).await {
            Ok(results) => results,
            // One of them is more than the database takes: the others need not suffer for it.
            Err(CommitError::Misuse(_) | CommitError::Conflict { .. })
                if changes.len() > 1 && !self.is_in_transaction() =>
            {
                let mut results = Vec::with_capacity(changes.len());
                for one in changes {
                    let one = [one];
                    results.push(match self.try_group(workspace, &one).await {
                        Ok(mut done) => done.pop().unwrap_or_else(|| Err(CommitError::Misuse(String::new()))),
                        Err(error) => Err(error),
                    });
                }
                results
            }
            Err(error) => changes.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn try_group(&self, workspace: WorkspaceId, changes: &[ChangeSet]) -> Result<Results, CommitError> {
        // A group is worth the trips of a lock; one change set seldom needs it.
        let mut locked = changes.len() > 1 || self.options().plain;
        let (mut last, mut is_replaced) = (None, false);
        for _ in 0..TRIES_MAX {
            match self.attempt(workspace, changes, locked).await {
                Ok(results) => return Ok(results),
                Err(Failed::For(error)) => return Err(error),
                Err(Failed::Stale) => locked = true,
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
        workspace: WorkspaceId,
        changes: &[ChangeSet],
        locked: bool,
    ) -> Result<Results, Failed> {
        let lease = if locked { self.transaction(workspace).await } else { self.lease(workspace).await };
        let mut lease = lease.map_err(before)?;
        if self.is_in_transaction() && self.options().savepoints {
            return self.within_savepoint(lease, workspace, changes, locked).await;
        }
        let done = self.steps(&mut lease, workspace, changes, locked).await;
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

    async fn within_savepoint(
        &self,
        mut lease: Lease<'_>,
        workspace: WorkspaceId,
        changes: &[ChangeSet],
        locked: bool,
    ) -> Result<Results, Failed> {
        lease.run("SAVEPOINT convio".to_owned()).await.map_err(before)?;
        let done = self.steps(&mut lease, workspace, changes, locked).await;
        let end = match &done {
            Ok(_) => "RELEASE SAVEPOINT convio",
            Err(_) => "ROLLBACK TO SAVEPOINT convio; RELEASE SAVEPOINT convio",
        };
        lease.run(end.to_owned()).await.map_err(before)?;
        done.map(|(results, _)| results)
    }

    /// Reads, applies, writes. Tells whether anything was written.
    async fn steps(
        &self,
        lease: &mut Lease<'_>,
        workspace: WorkspaceId,
        changes: &[ChangeSet],
        locked: bool,
    ) -> Result<(Results, bool), Failed> {
        if locked {
            lease
                .rows(self.sql().fixed(LOCK), Args::default().with(workspace.uuid()))
                .await
                .map_err(before)?;
            lease.note_lock();
        }
        // Without a transaction a statement commits by itself.
        let ends_with_it = !lease.is_in_own_transaction() && !self.is_in_transaction();
        if let ([one], false, false) = (changes, locked, self.options().plain)
            && let Some(lead) = crate::ingest::LeadAlone::of(one)
        {
            let result = lead.run(lease, self.sql(), if ends_with_it { at_commit } else { before }).await?;
            let wrote = result.is_ok();
            return Ok((vec![result], wrote));
        }
        let wanted = Wanted::by(changes);
        let rows = wanted.reading(workspace).run(lease, self).await.map_err(before)?;
        let mut picture = picture(&rows).map_err(|error| Failed::For(error.into()))?;
        let mut results = Vec::with_capacity(changes.len());
        for one in changes {
            let result = apply(&mut picture, one.clone());
            match result {
                Ok(_) => picture.settle(),
                Err(_) => picture.roll_back(),
            }
            results.push(result);
        }
        let plain = self.options().plain && locked;
        let Some(writing) = Writing::of(workspace, &picture, plain).map_err(Failed::For)? else {
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

const LOCK: &str = "SELECT commits FROM {s}.head WHERE workspace_id = $1 FOR NO KEY UPDATE";
/// Change sets of one transaction: what is waited for by other writers of the workspace.
const GROUP_CHANGES_MAX: usize = 1_000;
/// Bytes of payloads of one transaction: what is held in memory and sent at once.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How often a commit is run again when the server ends it for another one's sake. Under the lock of the head one time is the
/// rule; more happens only where other programs lock the same rows.
const TRIES_MAX: usize = 16;
