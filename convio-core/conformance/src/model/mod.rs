//! A store so plain that it can be checked by eye: vectors, scanned from end to end, under one lock. It takes a copy of the
//! workspace, works on the copy, and puts it in place of the workspace if nothing failed. Numbers are found by counting.
//!
//! It shares no code with any other store, nor with [`Decisions`](convio_core::change_set::Decisions), which those share.
//! With a [`Bug`] it is a store that is wrong on purpose.

mod apply;
mod contacts;
mod events;
mod gates;
mod mangle;
mod read;
mod tenant;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use convio_core::change_set::Receipt;
use convio_core::store::{Bell, Fault};
use convio_core::{ChangeSet, CommitError, Durability, Loaded, Need, Needs, Store, StoreError, WorkspaceId};

use crate::Subject;
use crate::broken::Bug;
use tenant::Tenant;

/// The naive store.
pub struct Model {
    state: Mutex<State>,
    durability: Durability,
    bug: Option<Bug>,
    bell: Bell,
}

#[derive(Default)]
struct State {
    live: Vec<Arc<Tenant>>,
    /// What a crash leaves.
    synced: Vec<Arc<Tenant>>,
    /// What was there before the last commit.
    before: Vec<Arc<Tenant>>,
}

impl Model {
    /// A store whose commits are synced before they are answered: a crash loses none.
    pub fn synced() -> Self {
        Self { state: Mutex::default(), durability: Durability::Synced, bug: None, bell: Bell::new() }
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
            state.live.iter_mut().for_each(|tenant| Arc::make_mut(tenant).claims.clear());
        }
    }

    fn makes(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic can't leave it half done: what is worked on is a copy.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The workspaces that a query looks at: the one asked for, unless it forgets to say which.
    fn seen(&self, workspace: WorkspaceId, forgets: Bug) -> Vec<Arc<Tenant>> {
        let state = self.state();
        let behind = self.makes(Bug::ReadsBehindTheLastCommit) && forgets == Bug::FetchesLeadsOfAnyone;
        let tenants = if behind { &state.before } else { &state.live };
        let all = self.makes(forgets);
        tenants.iter().filter(|tenant| all || tenant.id == workspace).cloned().collect()
    }

    fn commit_one(&self, state: &mut State, changes: ChangeSet) -> Result<Receipt, CommitError> {
        let older = std::mem::replace(&mut state.before, state.live.clone());
        self.take_an_old_picture(&mut state.live, &older);
        let result = self.apply(&mut state.live, changes);
        state.synced =
            if self.makes(Bug::AnswersBeforeSync) { state.before.clone() } else { state.live.clone() };
        result
    }

    /// What is newer than the commit before the last one is not seen.
    fn take_an_old_picture(&self, live: &mut [Arc<Tenant>], older: &[Arc<Tenant>]) {
        for tenant in live {
            let Some(old) = older.iter().find(|old| old.id == tenant.id) else { continue };
            if self.makes(Bug::FindsKeysInAnOldPicture) {
                Arc::make_mut(tenant).keys.truncate(old.keys.len());
            }
            if self.makes(Bug::ClaimsInAnOldPicture) {
                Arc::make_mut(tenant).claims.truncate(old.claims.len());
            }
            if self.makes(Bug::CountsInAnOldPicture) {
                Arc::make_mut(tenant).counted.truncate(old.counted.len());
            }
            if self.makes(Bug::ComparesInAnOldPicture) {
                Arc::make_mut(tenant).windows.truncate(old.windows.len());
            }
        }
    }

    /// [`Bug::ChecksThenWrites`]: what it finds true now, it writes when it has the lock again.
    fn check_then_write(&self, changes: ChangeSet) -> Result<Receipt, CommitError> {
        let mut copy = self.state().live.clone();
        self.apply(&mut copy, changes.clone())?;
        std::thread::sleep(Duration::from_micros(200));
        let mut state = self.state();
        Self::broken(Bug::IgnoresVersions).commit_one(&mut state, changes)
    }
}

#[async_trait]
impl Store for Model {
    fn durability(&self) -> Durability {
        if self.makes(Bug::UnderstatesItsDurability) { Durability::Process } else { self.durability }
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        let seen = self.seen(needs.workspace, Bug::LoadsFromAnyone);
        for need in &needs.items {
            let own = matches!(need, Need::Config);
            for tenant in seen.iter().filter(|tenant| !own || tenant.id == needs.workspace) {
                tenant.load(*need, &mut loaded, self.bug);
            }
        }
        Ok(loaded)
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        let tells = batch.iter().any(|changes| !changes.events.is_empty());
        let answers = match self.makes(Bug::ChecksThenWrites) {
            true => batch.into_iter().map(|changes| self.check_then_write(changes)).collect(),
            false => self.commit_all(batch),
        };
        if tells && !self.makes(Bug::RingsForNobody) {
            self.bell.ring();
        }
        answers
    }
}

impl Model {
    fn commit_all(&self, mut batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        let mut state = self.state();
        let backwards = self.makes(Bug::AppliesBatchesBackwards);
        if backwards {
            batch.reverse();
        }
        let mut answers = Vec::new();
        let workspaces: Vec<WorkspaceId> = batch.iter().map(|changes| changes.workspace).collect();
        for changes in batch {
            let failed =
                answers.iter().find_map(|answer: &Result<_, CommitError>| answer.as_ref().err().cloned());
            answers.push(match failed {
                Some(error) if self.makes(Bug::FailsTheRestOfTheBatch) => Err(error),
                Some(_) if self.makes(Bug::DiesOfItsFirstFailure) => {
                    Err(CommitError::Unavailable(Fault::new("the transaction is aborted")))
                }
                _ => self.commit_one(&mut state, changes),
            });
        }
        if backwards {
            answers.reverse();
        }
        if self.makes(Bug::AnswersByWorkspace) {
            let mut sorted: Vec<_> = workspaces.into_iter().zip(answers).collect();
            sorted.sort_by_key(|(workspace, _)| *workspace);
            answers = sorted.into_iter().map(|(_, answer)| answer).collect();
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

/// The model as a subject, which may crash.
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
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("durability", &self.durability)
            .field("bug", &self.bug)
            .finish_non_exhaustive()
    }
}
