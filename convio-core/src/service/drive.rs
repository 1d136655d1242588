//! The driver: read, plan, commit; again when something else was faster.

use std::sync::Arc;

use super::{TRIES_MAX, WorkspaceHandle};
use crate::change_set::{ChangeSet, GateLost, Receipt};
use crate::error::Error;
use crate::store::{CommitError, Need, Needs};
use crate::use_case::{ConfigSnapshot, Context, UseCase};

impl WorkspaceHandle<'_> {
    /// Runs a use case: reads what it needs, plans, commits, and plans again when a row or the configuration was changed
    /// in between, a bounded number of times.
    ///
    /// # Errors
    /// Those of the plan; [`Conflict`](crate::ErrorKind::Conflict) when the bound is reached; those of the store.
    pub async fn run<U: UseCase>(&self, use_case: &U) -> Result<U::Answer, Error> {
        let mut last = None;
        for _ in 0..TRIES_MAX {
            let needs = use_case.needs();
            let loaded = if needs.items.is_empty() {
                crate::store::Loaded::default()
            } else {
                self.convio.store().load(&needs).await?
            };
            let plan = use_case.plan(&loaded, &self.context())?;
            match self.commit_one(plan.changes).await {
                Ok(_) => return Ok(plan.answer),
                Err(
                    error @ (CommitError::Conflict { .. }
                    | CommitError::GateLost(GateLost::Config { current: Some(_) })),
                ) => {
                    last = Some(error);
                }
                Err(CommitError::GateLost(GateLost::Config { current: None })) => {
                    return Err(Error::not_found("workspace", self.id));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(last.map_or_else(|| Error::bug("no try was made"), Error::from))
    }

    /// Commits one change set.
    pub(super) async fn commit_one(&self, changes: ChangeSet) -> Result<Receipt, CommitError> {
        let mut results = self.commit(vec![changes]).await;
        results.pop().unwrap_or_else(|| Err(CommitError::Misuse("the store answered nothing".to_owned())))
    }

    /// Commits change sets, and checks that the store answers each.
    pub(super) async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        let wanted = batch.len();
        if batch.iter().any(ChangeSet::changes_config) {
            self.convio.inner.cache(self.id, None);
        }
        let results = self.convio.store().commit(batch).await;
        if results.len() == wanted {
            return results;
        }
        let message = format!("the store answered {} of {wanted} change sets", results.len());
        vec![Err(CommitError::Misuse(message)); wanted]
    }

    /// The configuration: the one at hand, or a fresh one.
    pub(super) async fn config(&self, fresh: bool) -> Result<Arc<ConfigSnapshot>, Error> {
        let inner = &self.convio.inner;
        if let Some(config) = inner.cached(self.id).filter(|_| !fresh) {
            return Ok(config);
        }
        let loaded = inner.store.load(&Needs::of(self.id, [Need::Config])).await?;
        let config = Arc::new(ConfigSnapshot::of(loaded, self.id)?);
        inner.cache(self.id, Some(config.clone()));
        Ok(config)
    }

    pub(super) fn context(&self) -> Context<'_> {
        let inner = &self.convio.inner;
        Context { at: crate::clock::micros(inner.clock.now()), ids: &*inner.ids, origin: &self.origin }
    }
}
