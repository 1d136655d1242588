//! The asynchronous face: use cases driven over a [`Store`], with retries that have a bound.

mod attribution;
mod calendars;
mod coalesced;
mod consumer;
mod contacts;
#[cfg(feature = "delivery")]
mod courier;
mod drafts;
mod drive;
#[cfg(feature = "delivery")]
mod endpoints;
mod feeds;
mod handle;
mod ingest;
mod keys;
mod leads;
mod preview;
mod reads;
mod reports;
mod routing;
mod settle;
mod spend;
#[cfg(feature = "stream")]
mod stream;
mod system;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::error::Error;
use crate::id::{ApiKeyId, Ids, WorkspaceId};
use crate::store::Store;
use crate::use_case::{ConfigSnapshot, CreateWorkspace};
use crate::workspace::NewWorkspace;

pub use attribution::{CreditQuery, CreditRow, Credits, Dimension, JOURNEY_CONVERSIONS_MAX};
pub use coalesced::Coalesced;
pub use consumer::{Batch, Consumer, ConsumerState, LAG_COUNTED_MAX, REWIND_MARGIN, Rewind, ShardState};
#[cfg(feature = "delivery")]
pub use courier::{Courier, Sent, Step};
pub use drive::WorkspaceHandle;
#[cfg(feature = "delivery")]
pub use endpoints::DELIVERIES_CONSUMER;
pub use feeds::{Feeds, HEADS_MAX};
pub use ingest::{Atomicity, BATCH_ROWS_MAX, BatchAnswer, CHUNK_ROWS_MAX, Received};
pub use leads::Expired;
pub use reports::{
    Attribution, DailyConversions, DailyLeads, DailyUsage, DailyWebhook, Funnel, SourceRate, Totals,
    WebhookActivity,
};
pub use routing::{REPLAY_MAX, Replay, Rerouted};
pub use spend::{EconomicsReport, SourceEconomics};
#[cfg(feature = "stream")]
pub use stream::{EventStream, STREAM_EVENTS_MAX};
pub use system::{RandomIds, SystemClock};

/// Convio over one store. Cheap to clone; clones share everything.
///
/// The store may borrow (`'s`): a store that wraps a caller's transaction lives as long as that.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// use convio_core::{Convio, Ingested, NewWorkspace, RawLead};
/// use convio_store_memory::MemoryStore;
///
/// let convio = Convio::new(MemoryStore::new());
/// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar").zone("America/Los_Angeles")).await?;
/// let taken = acme.ingest(RawLead::json(r#"{"firstName":"John","phone":"+15551234567"}"#)).await?;
/// assert!(matches!(taken, Ingested::Created(_)));
/// # Ok(()) }) }
/// ```
#[derive(Clone)]
pub struct Convio<'s> {
    inner: Arc<Inner<'s>>,
}

struct Inner<'s> {
    store: Box<dyn Store + 's>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    configs: RwLock<HashMap<WorkspaceId, Cached>>,
    /// When the use of an API key was last noted by this process.
    key_uses: Mutex<HashMap<ApiKeyId, DateTime<Utc>>>,
}

/// A configuration as it was read last.
#[derive(Clone)]
struct Cached {
    config: Arc<ConfigSnapshot>,
    /// Whether this process knows of no change since.
    stands: bool,
}

impl<'s> Convio<'s> {
    /// Convio over `store`, with the clock and the random numbers of the system.
    pub fn new(store: impl Store + 's) -> Self {
        Self::with(store, SystemClock, RandomIds::default())
    }

    /// Convio over `store`, with time and ids from where you want them.
    pub fn with(store: impl Store + 's, clock: impl Clock + 'static, ids: impl Ids + 'static) -> Self {
        Self::of(store, Arc::new(clock), Arc::new(ids))
    }

    fn of(store: impl Store + 's, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let inner = Inner {
            store: Box::new(store),
            clock,
            ids,
            configs: RwLock::default(),
            key_uses: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Convio with the same clock and ids over another store: one that works inside a transaction of yours, in which you
    /// want to create a workspace or to authenticate. It shares nothing else with this one, so that it reads each
    /// configuration once more; for a workspace whose handle you have, [`WorkspaceHandle::within`] spares that, and says
    /// what holds inside of a transaction.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::{Convio, NewWorkspace};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let inside = convio.within(MemoryStore::new()); // stands for a store inside of a transaction
    /// let acme = inside.create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// assert!(acme.workspace().await?.is_some());
    /// assert!(convio.workspace(acme.id()).workspace().await?.is_none());
    /// # Ok(()) }) }
    /// ```
    pub fn within<'t>(&self, store: impl Store + 't) -> Convio<'t> {
        Convio::of(store, self.inner.clock.clone(), self.inner.ids.clone())
    }

    /// The store.
    pub fn store(&self) -> &(dyn Store + 's) {
        &*self.inner.store
    }

    /// Creates a workspace, with its `direct` webhook.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every field that is wrong.
    pub async fn create_workspace(&self, new: NewWorkspace) -> Result<WorkspaceHandle<'s>, Error> {
        self.create_workspace_with_id(WorkspaceId::new(&*self.inner.ids, self.inner.clock.now()), new).await
    }

    /// Creates a workspace under an id of your own, such as the one that your service knows the client by.
    ///
    /// # Errors
    /// Those of [`Convio::create_workspace`]; [`Conflict`](crate::ErrorKind::Conflict) when there is one already.
    pub async fn create_workspace_with_id(
        &self,
        id: WorkspaceId,
        new: NewWorkspace,
    ) -> Result<WorkspaceHandle<'s>, Error> {
        let handle = self.workspace(id);
        handle.run(&CreateWorkspace { id, new }).await?;
        Ok(handle)
    }

    /// The handle of a workspace. Reads nothing: whether it exists shows at the first call.
    pub fn workspace(&self, id: WorkspaceId) -> WorkspaceHandle<'s> {
        WorkspaceHandle::new(self.clone(), id)
    }
}

impl Inner<'_> {
    fn cached(&self, workspace: WorkspaceId) -> Option<Arc<ConfigSnapshot>> {
        self.entry(workspace).filter(|cached| cached.stands).map(|cached| cached.config)
    }

    /// The configuration that was at hand last, of which some may still be as it was.
    fn cached_before(&self, workspace: WorkspaceId) -> Option<Arc<ConfigSnapshot>> {
        self.entry(workspace).map(|cached| cached.config)
    }

    fn entry(&self, workspace: WorkspaceId) -> Option<Cached> {
        // A panic elsewhere leaves the map whole: entries are put in complete.
        self.configs.read().unwrap_or_else(PoisonError::into_inner).get(&workspace).cloned()
    }

    fn cache(&self, workspace: WorkspaceId, config: Arc<ConfigSnapshot>) {
        let mut configs = self.configs.write().unwrap_or_else(PoisonError::into_inner);
        if configs.len() >= CONFIGS_MAX {
            configs.clear();
        }
        configs.insert(workspace, Cached { config, stands: true });
    }

    fn outdate(&self, workspace: WorkspaceId) {
        let mut configs = self.configs.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = configs.get_mut(&workspace) {
            cached.stands = false;
        }
    }
}

impl WorkspaceHandle<'_> {
    /// Whether this process did not note a use of this key within the hour.
    fn is_worth_noting(&self, id: ApiKeyId, now: DateTime<Utc>) -> bool {
        let mut uses = self.key_uses().lock().unwrap_or_else(PoisonError::into_inner);
        if uses.get(&id).is_some_and(|noted| now - *noted < keys::NOTED_EVERY) {
            return false;
        }
        if uses.len() >= CONFIGS_MAX {
            uses.clear();
        }
        uses.insert(id, now);
        true
    }
}

impl fmt::Debug for Convio<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Convio").field("durability", &self.inner.store.durability()).finish_non_exhaustive()
    }
}

/// How often a call plans again when something else was faster: each round another caller got ahead, so under fair locks
/// many rounds mean a hot row, and the caller should hear of it.
pub(crate) const TRIES_MAX: usize = 64;
/// How many configurations are kept at hand; past it all are read again as they are needed.
const CONFIGS_MAX: usize = 10_000;
