//! Use cases: what must be read, and what shall be true.
//!
//! Each is a value with two pure steps, [`UseCase::needs`] and [`UseCase::plan`]; a driver, asynchronous or not, does the
//! reading and the committing between and after them. The same inputs make the same plan.

mod appointments;
mod attribution;
mod book;
mod calendars;
mod complete;
mod config;
mod convert;
mod drafts;
#[cfg(feature = "delivery")]
mod endpoints;
pub mod ingest;
mod leads;
mod merge;
mod providers;
mod publish;
mod rejections;
mod rollups;
mod settle;
mod spend;
mod webhooks;
mod workspaces;

use chrono::{DateTime, Utc};

use crate::api_key::Permission;
use crate::change_set::{ChangeSet, Receipt};
use crate::error::Error;
use crate::event::Origin;
use crate::id::{Ids, ProviderId, WorkspaceId};
use crate::store::{Loaded, Needs};

#[cfg(feature = "service")]
pub(crate) use appointments::settled_seats;
pub use appointments::{AppointmentChange, ChangeAppointment, Reschedule};
pub use attribution::{Identify, SetAttribution, SetRates, Track};
pub use book::Book;
#[cfg(feature = "service")]
pub(crate) use book::routing_request;
pub use calendars::{EndHold, HoldTime, SetCalendar};
pub use complete::{Complete, Completed};
pub use config::ConfigSnapshot;
pub use convert::{Adjust, Convert, Reattribute, Void};
pub use drafts::{DiscardDraft, PublishDraft, SaveDraft};
#[cfg(feature = "service")]
pub(crate) use drafts::{list_of, saved_of};
#[cfg(feature = "delivery")]
pub use endpoints::{ChangeEndpoint, CreateEndpoint, EndpointChange};
#[cfg(all(feature = "delivery", feature = "service"))]
pub(crate) use endpoints::{disable, health_write};
pub(crate) use ingest::check_names;
pub use leads::ChangeLead;
pub use merge::{Belongings, MergeContacts, UnmergeContact};
pub use providers::{CreateApiKey, CreatedApiKey, RevokeApiKey, SetProvider};
pub use publish::PublishRules;
pub use rejections::Correct;
pub use settle::{ChangeCommission, CommissionChange, ReturnLead};
pub use spend::ImportSpend;
pub use webhooks::{ChangeWebhook, CreateWebhook, WebhookChange};
pub use workspaces::{ChangeWorkspace, CreateWorkspace, WorkspaceChange};

/// Something that a caller wants done.
pub trait UseCase {
    /// What the caller gets once it is done.
    type Answer;

    /// What the caller must be permitted.
    fn permission(&self) -> Permission;

    /// Whether it goes by the configuration: all do, but the one that creates the workspace.
    fn is_configured(&self) -> bool {
        true
    }

    /// What must be read first, beside the configuration.
    fn needs(&self) -> Needs;

    /// The records that must be read too, by kind and key: one by one, and only those that are there.
    fn records(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What shall be true, given what was read; or why not.
    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Self::Answer>, Error>;

    /// Fills into the answer what only the commit decided.
    fn complete(&self, _answer: &mut Self::Answer, _receipt: &Receipt) {}
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
    /// The provider whose API key the caller came with.
    pub provider: Option<ProviderId>,
    /// The configuration, where the use case goes by one.
    pub config: Option<&'c ConfigSnapshot>,
}

impl<'c> Context<'c> {
    /// The configuration.
    fn config(&self) -> Result<&'c ConfigSnapshot, Error> {
        self.config.ok_or_else(|| Error::bug("this use case goes by the configuration, and was given none"))
    }

    /// The configuration of a workspace that is neither inactive nor deleted.
    fn open(&self) -> Result<&'c ConfigSnapshot, Error> {
        let config = self.config()?;
        match config.workspace.refusal() {
            None => Ok(config),
            Some(refusal) => Err(Error::denied(refusal)),
        }
    }

    /// A change set that holds under this configuration only.
    fn changes(&self, workspace: WorkspaceId) -> ChangeSet {
        let changes = ChangeSet::new(workspace, self.at, self.origin.clone());
        ChangeSet { config: self.config.map(|config| config.version), ..changes }
    }
}
