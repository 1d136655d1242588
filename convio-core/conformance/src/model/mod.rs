//! A store so plain that it can be checked by eye: vectors, scanned from end to end, under one lock. It takes a copy of the
//! workspace, works on the copy, and puts it in place of the workspace if nothing failed. Numbers are found by counting.
//!
//! It shares no code with any other store, nor with [`Decisions`](convio_core::change_set::Decisions), which those share.
//! With a [`Bug`] it is a store that is wrong on purpose.

mod apply;
mod contacts;
mod events;
mod read;
mod tenant;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use convio_core::change_set::Receipt;
use convio_core::{ChangeSet, CommitError, Durability, Loaded, Needs, Store, StoreError, WorkspaceId};

use crate::broken::Bug;
use crate::{Held, Subject};
use tenant::Tenant;

/// The naive store.
pub struct Model {
    state: Mutex<State>,
    durability: Durability,
    bug: Option<Bug>,
}

#[derive(Default)]
struct State {
    live: Vec<Tenant>,
    /// What a crash leaves.
    synced: Vec<Tenant>,
    /// What was there before the last commit.
    before: Vec<Tenant>,
}

impl Model {
    /// A store whose commits are synced before they are answered: a crash loses none.
    pub fn synced() -> Self {
        Self { state: Mutex::default(), durability: Durability::Synced, bug: None }
    }

    /// A store of which nothing outlives the process.
    pub fn volatile() -> Self {
        Self { durability: Durability::Process, ..Self::synced() }
    }

    /// A store that makes this mistake.
    pub fn broken(bug: Bug) -> Self {
        Self { bug: Some(bug), ..Self::synced() }
    }

    /// Crashes, and is there again with what was synced.
    pub fn crash(&self) {
        let mut state = self.state();
        state.live = state.synced.clone();
        if self.makes(Bug::SyncsNoClaims) {
            state.live.iter_mut().for_each(|tenant| tenant.claims.clear());
        }
    }

    fn makes(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The workspaces that a query looks at: the one asked for, unless the query forgets it.
    fn seen(&self, workspace: WorkspaceId, forgets: Bug) -> Vec<Tenant> {
        let state = self.state();
        let tenants = if self.makes(Bug::ReadsBehindTheLastCommit) { &state.before } else { &state.live };
        let all = self.makes(forgets);
        tenants.iter().filter(|tenant| all || tenant.id == workspace).cloned().collect()
    }

    fn commit_one(&self, state: &mut State, changes: ChangeSet) -> Result<Receipt, CommitError> {
        state.before = state.live.clone();
        let result = self.apply(&mut state.live, changes);
        state.synced = if self.makes(Bug::AnswersBeforeSync) { state.before.clone() } else { state.live.clone() };
        result
    }
}

#[async_trait]
impl Store for Model {
    fn durability(&self) -> Durability {
        if self.makes(Bug::UnderstatesItsDurability) { Durability::Process } else { self.durability }
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for tenant in self.seen(needs.workspace, Bug::LoadsFromAnyone) {
            for need in &needs.items {
                tenant.load(*need, &mut loaded, self.makes(Bug::LoadsTooLittle));
            }
        }
        Ok(loaded)
    }

    async fn commit(&self, mut batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        if self.makes(Bug::ChecksThenWrites) {
            return batch.into_iter().map(|changes| self.check_then_write(changes)).collect();
        }
        let mut state = self.state();
        let backwards = self.makes(Bug::AppliesBatchesBackwards);
        if backwards {
            batch.reverse();
        }
        let mut failed: Option<CommitError> = None;
        let mut answers: Vec<_> = batch
            .into_iter()
            .map(|changes| {
                let answer = match &failed {
                    Some(error) => Err(error.clone()),
                    None => self.commit_one(&mut state, changes),
                };
                if self.makes(Bug::FailsTheRestOfTheBatch) {
                    failed = failed.take().or_else(|| answer.as_ref().err().cloned());
                }
                answer
            })
            .collect();
        if backwards {
            answers.reverse();
        }
        if self.makes(Bug::ShiftsAnswers) && !answers.is_empty() {
            answers.rotate_right(1);
        }
        if self.makes(Bug::ForgetsAnAnswer) && answers.len() > 1 {
            answers.pop();
        }
        answers
    }
}

impl Model {
    /// [`Bug::ChecksThenWrites`]: what it found true under the lock, it writes under the next one.
    fn check_then_write(&self, changes: ChangeSet) -> Result<Receipt, CommitError> {
        let mut copy = self.state().live.clone();
        let receipt = self.apply(&mut copy, changes.clone())?;
        std::thread::yield_now();
        let mut state = self.state();
        let forced = Self { bug: Some(Bug::IgnoresVersionsOfContacts), ..Self::synced() };
        let mut unversioned = changes;
        unversioned.leads.retain(|write| matches!(write, convio_core::change_set::Write::Insert(_)));
        let rows: Vec<_> = copy.iter().flat_map(|tenant| tenant.leads.clone()).collect();
        let result = forced.apply_unchecked(&mut state.live, unversioned, &rows);
        state.synced = state.live.clone();
        result.map(|_| receipt)
    }
}

/// The model as a subject, whose crash can be had.
#[derive(Debug)]
pub struct Modelled(Arc<Model>);

impl Modelled {
    /// This model, as a subject.
    pub fn new(model: Model) -> Self {
        Self(Arc::new(model))
    }
}

impl Subject for Modelled {
    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        if self.0.durability == Durability::Process {
            return None;
        }
        self.0.crash();
        Some(self.0.clone())
    }

    fn enter(&self) -> Box<dyn Held + '_> {
        Box::new(())
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("durability", &self.durability).field("bug", &self.bug).finish_non_exhaustive()
    }
}
