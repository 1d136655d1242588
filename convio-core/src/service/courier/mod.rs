//! The courier: makes deliveries of what the feed tells, and sends them.
//!
//! | step | reads | commits | round trips on Postgres |
//! |---|---|---|---|
//! | finds nothing to do | whether the configuration is the newest; the consumer and the feed; health; what is next | 0 | 5 |
//! | makes deliveries of a batch of events | the first three, and what is there already; 1 commit less once it has its shard | 3 | 10 |
//! | the same, of leads to forward or to report on | also those leads, at once; each report is a read and a commit in its owner's workspace | and those | one more, and those |
//! | sends one | all of the first, what it delivers, and the configuration and health again | 2 | 12 |

mod local;
mod plan;
mod report;
mod send;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::endpoints::DELIVERIES_CONSUMER;
use super::{Consumer, WorkspaceHandle};
use crate::api_key::Permission;
use crate::delivery::{Delivery, Guard, Notice, SigningSecret, Transport};
use crate::error::{Error, ErrorKind};

/// A worker that brings what a workspace has for its endpoints there: events, by what each endpoint asks for, leads, by the forwarding rules of
/// their webhook, and appointments that are routed to an endpoint. Any number of couriers may work for a workspace, in any number of processes.
///
/// What it has to do it finds in the store, so one that dies loses nothing: whatever it was sending is sent again, under the same
/// `webhook-id`, once its lease is over. A delivery arrives at least once. In a workspace of the same store it arrives
/// once: it is ingested there under its id.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// use convio_core::delivery::{DeliveryStatus, EventFilter, Guard, NewEndpoint, Request, Response, SendError, Transport};
/// use convio_core::service::Step;
/// use convio_core::{Convio, NewWorkspace, RawLead};
/// use convio_store_memory::MemoryStore;
///
/// struct Client; // stands for an HTTP client
/// #[async_trait::async_trait]
/// impl Transport for Client {
///     async fn send(&self, request: &Request) -> Result<Response, SendError> {
///         assert_eq!(request.url.expose(), "https://hooks.example.com/in");
///         Ok(Response::new(200))
///     }
/// }
///
/// let convio = Convio::new(MemoryStore::new());
/// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
/// let crm = NewEndpoint::to("https://hooks.example.com/in").named("crm");
/// let crm = crm.with(|settings| settings.events = EventFilter::only(["lead."]));
/// acme.create_endpoint(crm, &Guard::new()).await?;
/// acme.ingest(RawLead::json(r#"{"phone":"+12125550123"}"#)).await?;
///
/// let mut courier = acme.courier(Client, Guard::new());
/// let mut sent = Vec::new();
/// loop {
///     match courier.step().await? {
///         Step::Sent(it) => sent.push((it.delivery.kind, it.delivery.status)),
///         Step::Made(_) => {}
///         Step::Idle => break, // wait for news, or until something is due
///     }
/// }
/// assert_eq!(sent, [("lead.received".to_owned(), DeliveryStatus::Success)]);
/// # Ok(()) }) }
/// ```
pub struct Courier<'s> {
    acme: WorkspaceHandle<'s>,
    feed: Consumer<'s>,
    transport: Arc<dyn Transport + 's>,
    guard: Guard,
    vault: Vault<'s>,
    due: Option<DateTime<Utc>>,
}

/// What gives the secrets that are kept elsewhere, by their names.
type Vault<'s> = Arc<dyn Fn(&str) -> Option<SigningSecret> + Send + Sync + 's>;

/// What a courier did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It read events, and made so many deliveries of them.
    Made(usize),
    /// It tried a delivery.
    Sent(Box<Sent>),
    /// There is nothing to do now.
    Idle,
}

/// A delivery that was tried, or found to be lost or in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What became of it.
    pub delivery: Delivery,
    /// What the workspace is to be told by another way, since deliveries are what went wrong.
    pub notices: Vec<Notice>,
}

impl<'s> WorkspaceHandle<'s> {
    /// A new courier of the workspace, which sends by this client to what this guard allows. It asks for
    /// [`Admin`](crate::Permission::Admin), since it may send whatever the workspace has. Deliveries to other workspaces go through this
    /// handle's store, which must know them.
    pub fn courier(&self, transport: impl Transport + 's, guard: Guard) -> Courier<'s> {
        Courier {
            acme: self.clone(),
            feed: self.consumer(DELIVERIES_CONSUMER).events_per_batch(EVENTS_PER_BATCH),
            transport: Arc::new(transport),
            guard,
            vault: Arc::new(|_| None),
            due: None,
        }
    }
}

impl<'s> Courier<'s> {
    /// The same, with the secrets that are kept elsewhere: given a [name](crate::delivery::SecretSource::Reference), the secret. A delivery whose
    /// secret is not there waits.
    #[must_use]
    pub fn secrets(mut self, vault: impl Fn(&str) -> Option<SigningSecret> + Send + Sync + 's) -> Self {
        self.vault = Arc::new(vault);
        self
    }

    /// Does what is to be done next: makes deliveries of a batch of events, or tries one delivery. In a workspace that is inactive or deleted
    /// nothing is.
    ///
    /// # Errors
    /// Those of the store: nothing is lost, and the next step goes on. What a receiver does is no error.
    pub async fn step(&mut self) -> Result<Step, Error> {
        let permit = self.acme.permit(Permission::Admin).await?;
        let config = self.acme.current_config().await?;
        if config.workspace.refusal().is_some() {
            return Ok(Step::Idle);
        }
        if !config.endpoints.is_empty() || !config.workspace.settings.policy.grants.is_empty() {
            match self.make(permit, &config).await {
                Ok(None) => {}
                Ok(Some(made)) => return Ok(Step::Made(made)),
                // What others deliver here is reported, though this workspace has no endpoint of its own.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.acme.ensure_consumer(permit).await?;
                    return Ok(Step::Made(0));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(self.send(permit, &config).await?.map_or(Step::Idle, |sent| Step::Sent(Box::new(sent))))
    }

    /// From when on there may be more to do than the last step found, though nothing new happens: a delivery is to be tried again, or whoever
    /// is sending it is to be given up.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.due.into_iter().chain(self.feed.due()).min()
    }

    /// Waits until there may be news, in this workspace or another. It never hears of time, nor of deliveries that others replay: wait no longer
    /// than you can be late, and no longer than until [`due`](Self::due), and step in any case.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn wait(&mut self) -> Result<(), Error> {
        self.feed.wait().await
    }
}

impl std::fmt::Debug for Courier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Courier({})", self.acme.id())
    }
}

/// Events that deliveries are made of at once: with the most endpoints that is a commit of ten thousand rows, if all take all.
const EVENTS_PER_BATCH: usize = 100;
