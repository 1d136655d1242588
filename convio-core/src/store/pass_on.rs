//! Stores that wrap a store: what they do not change is passed on.

/// Implements every trait that a [`Store`](crate::Store) must have but `Store` itself, by calling the method of the same name on
/// a part of the type: for wrappers, which then say in `impl Store` what they do differently.
///
/// The generics are named first, then the type, then the part.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use convio_core::store::{CommitError, Durability, Loaded, Needs, Store, StoreError, async_trait};
/// use convio_core::{ChangeSet, Receipt};
///
/// /// Counts the commits of a store.
/// struct Counted<S> {
///     inner: S,
///     commits: AtomicUsize,
/// }
///
/// #[async_trait]
/// impl<S: Store> Store for Counted<S> {
///     fn durability(&self) -> Durability {
///         self.inner.durability()
///     }
///
///     async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
///         self.inner.load(needs).await
///     }
///
///     async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
///         self.commits.fetch_add(1, Ordering::Relaxed);
///         self.inner.commit(batch).await
///     }
/// }
/// convio_core::pass_on_reads!([S: Store] Counted<S>, |store| store.inner);
///
/// # pollster::block_on(async {
/// let store = Counted { inner: convio_store_memory::MemoryStore::new(), commits: AtomicUsize::new(0) };
/// assert!(store.commit(Vec::new()).await.is_empty());
/// assert_eq!(store.commits.into_inner(), 1);
/// # });
/// ```
#[macro_export]
macro_rules! pass_on_reads {
    ([$($generics:tt)*] $store:ty, |$this:ident| $to:expr) => {
        const _: () = {
            use $crate::analytics::{AnalyticsRepository, ReportQuery, Rollup};
            use $crate::appointment::{Appointment, AppointmentFilter, AppointmentRepository};
            use $crate::change_set::ClaimName;
            use $crate::contact::{Contact, ContactFilter, ContactKey, ContactRef, ContactRepository};
            use $crate::conversion::{Conversion, ConversionFilter, ConversionRepository};
            use $crate::delivery::{Delivery, DeliveryFilter, DeliveryRepository};
            use $crate::event::{Event, EventLog, FeedHead, Head, Position, StreamRef};
            use $crate::id::{
                AppointmentId, ContactId, ConversionId, DeliveryId, EndpointId, IntakeId, LeadId, WebhookId, WorkspaceId,
            };
            use $crate::lead::{Lead, LeadFilter, LeadRepository, Payload};
            use $crate::page::{Page, PageRequest};
            use $crate::record::{Record, Records};
            use $crate::store::{DateTime, Tick, Utc};
            use $crate::rejection::{Rejection, RejectionFilter, RejectionRepository};
            use $crate::webhook::{Webhook, WebhookRepository};
            use $crate::workspace::{Workspace, WorkspaceRepository};

            $crate::pass_on_reads! { @ports [$($generics)*] [$store] [$this $to]
                WorkspaceRepository {
                    fetch_workspaces(ids: &[WorkspaceId]) -> Vec<Option<Workspace>>;
                }
                WebhookRepository {
                    fetch_webhooks(workspace: WorkspaceId, ids: &[WebhookId]) -> Vec<Option<Webhook>>;
                    list_webhooks(workspace: WorkspaceId, page: &PageRequest) -> Page<Webhook>;
                }
                ContactRepository {
                    fetch_contacts(workspace: WorkspaceId, refs: &[ContactRef]) -> Vec<Option<Contact>>;
                    list_contacts(workspace: WorkspaceId, filter: &ContactFilter, page: &PageRequest) -> Page<Contact>;
                    contact_keys(workspace: WorkspaceId, contact: ContactId) -> Vec<ContactKey>;
                }
                LeadRepository {
                    fetch_leads(workspace: WorkspaceId, ids: &[LeadId]) -> Vec<Option<Lead>>;
                    list_leads(workspace: WorkspaceId, filter: &LeadFilter, page: &PageRequest) -> Page<Lead>;
                    fetch_holders(workspace: WorkspaceId, names: &[ClaimName]) -> Vec<Option<$crate::store::Uuid>>;
                    fetch_payloads(workspace: WorkspaceId, ids: &[IntakeId]) -> Vec<Option<Payload>>;
                }
                RejectionRepository {
                    fetch_rejections(workspace: WorkspaceId, ids: &[IntakeId]) -> Vec<Option<Rejection>>;
                    list_rejections(workspace: WorkspaceId, filter: &RejectionFilter, page: &PageRequest) -> Page<Rejection>;
                }
                AppointmentRepository {
                    fetch_appointments(workspace: WorkspaceId, ids: &[AppointmentId]) -> Vec<Option<Appointment>>;
                    list_appointments(
                        workspace: WorkspaceId, filter: &AppointmentFilter, page: &PageRequest
                    ) -> Page<Appointment>;
                }
                ConversionRepository {
                    fetch_conversions(workspace: WorkspaceId, ids: &[ConversionId]) -> Vec<Option<Conversion>>;
                    list_conversions(
                        workspace: WorkspaceId, filter: &ConversionFilter, page: &PageRequest
                    ) -> Page<Conversion>;
                }
                DeliveryRepository {
                    fetch_deliveries(workspace: WorkspaceId, ids: &[DeliveryId]) -> Vec<Option<Delivery>>;
                    list_deliveries(
                        workspace: WorkspaceId, filter: &DeliveryFilter, page: &PageRequest
                    ) -> Page<Delivery>;
                    next_deliveries(
                        workspace: WorkspaceId, endpoints: &[EndpointId], limit: usize
                    ) -> Vec<Delivery>;
                }
                EventLog {
                    history(workspace: WorkspaceId, stream: StreamRef, page: &PageRequest) -> Page<Event>;
                    feed(workspace: WorkspaceId, after: Position, limit: usize) -> Vec<Event>;
                    head(workspace: WorkspaceId) -> Option<Head>;
                    heads(after: Option<WorkspaceId>, limit: usize) -> Vec<FeedHead>;
                    wait(seen: Tick) -> Tick;
                }
                AnalyticsRepository { report(workspace: WorkspaceId, query: &ReportQuery) -> Vec<Rollup>; }
                Records {
                    fetch_records(workspace: WorkspaceId, kind: &str, keys: &[String]) -> Vec<Record>;
                    fetch_used(workspace: WorkspaceId, counters: &[(String, DateTime<Utc>)]) -> Vec<i64>;
                }
            }
        };
    };
    (@ports $generics:tt $store:tt $to:tt $($port:ident { $($methods:tt)+ })+) => {
        $($crate::pass_on_reads! { @port $generics $store $to $port { $($methods)+ } })+
    };
    (@port [$($generics:tt)*] [$store:ty] [$this:ident $to:expr] $port:ident {
        $($method:ident($($name:ident: $of:ty),*) -> $answer:ty;)+
    }) => {
        #[$crate::store::async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<$($generics)*> $port for $store {
            $(async fn $method(&self, $($name: $of),*) -> Result<$answer, $crate::store::StoreError> {
                let $this = self;
                $to.$method($($name),*).await
            })+
        }
    };
}
