//! Use cases: what must be read, and what shall be true.
//!
//! Each is a value with two pure steps, [`UseCase::needs`] and [`UseCase::plan`]; a driver, asynchronous or not, does the
//! reading and the committing between and after them. The same inputs make the same plan.

mod book;
mod complete;
mod config;
mod convert;
pub mod ingest;
mod publish;
mod rejections;
mod webhooks;
mod workspaces;

use chrono::{DateTime, Utc};

use crate::change_set::ChangeSet;
use crate::error::Error;
use crate::event::Origin;
use crate::id::{Ids, WorkspaceId};
use crate::store::{Loaded, Needs};

pub use book::Book;
pub use complete::{Complete, Completed};
pub use config::ConfigSnapshot;
pub use convert::Convert;
pub use publish::{PublishRules, RULES_KEY, RULES_KIND, rules_of};
pub use rejections::Correct;
pub use webhooks::{ChangeWebhook, CreateWebhook, WebhookChange};
pub use workspaces::{ChangeWorkspace, CreateWorkspace, WorkspaceChange};

/// Something that a caller wants done.
pub trait UseCase {
    /// What the caller gets once it is done.
    type Answer;

    /// What must be read first.
    fn needs(&self) -> Needs;

    /// What shall be true, given what was read; or why not.
    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Self::Answer>, Error>;
}

/// What a plan wants, and what the caller gets once it is so.
#[derive(Debug)]
pub struct Plan<A> {
    /// What shall be true.
    pub changes: ChangeSet,
    /// What the caller gets.
    pub answer: A,
}

/// What comes in from outside: time, ids, and who asks.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// Now, in whole microseconds.
    pub at: DateTime<Utc>,
    /// Where new ids come from.
    pub ids: &'c dyn Ids,
    /// Who asks.
    pub origin: &'c Origin,
}

impl Context<'_> {
    fn changes(&self, workspace: WorkspaceId) -> ChangeSet {
        ChangeSet::new(workspace, self.at, self.origin.clone())
    }
}
