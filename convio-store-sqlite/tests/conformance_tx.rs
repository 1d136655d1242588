//! Inside a caller's transaction the store does what every store must do: here each call has a transaction of its own, on the
//! caller's connection, and the caller commits it before the call is answered.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use convio_conformance::Subject;
use convio_core::analytics::AnalyticsRepository;
use convio_core::appointment::{AppointmentFilter, AppointmentRepository};
use convio_core::change_set::ClaimName;
use convio_core::contact::{ContactFilter, ContactRef, ContactRepository};
use convio_core::conversion::{ConversionFilter, ConversionRepository};
use convio_core::delivery::{Delivery, DeliveryFilter, DeliveryRepository};
use convio_core::event::{EventLog, FeedHead, Head};
use convio_core::lead::{LeadFilter, LeadRepository};
use convio_core::record::{Record, Records};
use convio_core::rejection::{RejectionFilter, RejectionRepository};
use convio_core::store::{Bell, Tick};
use convio_core::webhook::WebhookRepository;
use convio_core::workspace::WorkspaceRepository;
use convio_core::{
    Appointment, AppointmentId, ChangeSet, CommitError, Contact, ContactId, ContactKey, Conversion,
    ConversionId, DeliveryId, Durability, EndpointId, Event, IntakeId, Lead, LeadId, Loaded, Needs, Page,
    PageRequest, Payload, Position, Receipt, Rejection, ReportQuery, Rollup, Store, StoreError, StreamRef,
    Webhook, WebhookId, Workspace, WorkspaceId,
};
use convio_store_sqlite::{Migrate, TxStore, migrate, run};
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;
use uuid::Uuid;

convio_conformance::conformance!(OnDisk::new);

/// A file of a service that keeps its own connections to it.
struct OnDisk {
    store: Arc<Caller>,
    folders: Mutex<Vec<TempDir>>,
}

impl OnDisk {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let store = Arc::new(Caller::open(&folder.path().join(FILE)));
        Self { store, folders: Mutex::new(vec![folder]) }
    }
}

impl Subject for OnDisk {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// The files as they are while they are open: nothing of an orderly end has happened to them.
    fn reopen(&self) -> Option<Arc<dyn Store>> {
        let mut folders = self.folders.lock().expect("no panic");
        let copy = TempDir::new().expect("a folder");
        for file in [FILE.to_owned(), format!("{FILE}-wal")] {
            let from = folders[0].path().join(&file);
            if from.exists() {
                std::fs::copy(from, copy.path().join(&file)).expect("the file can be copied");
            }
        }
        let store = Caller::open(&copy.path().join(FILE));
        folders.push(copy);
        Some(Arc::new(store))
    }
}

/// A caller with connections of its own.
struct Caller {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    bell: Bell,
}

impl Caller {
    fn open(path: &Path) -> Self {
        let mut conn = connect(path);
        conn.pragma_update(None, "journal_mode", "WAL").expect("a write-ahead log");
        migrate(&mut conn, Migrate::Apply).expect("the schema");
        Self { path: path.to_owned(), idle: Mutex::new(vec![conn]), bell: Bell::new() }
    }

    fn call<T>(&self, work: impl AsyncFnOnce(TxStore) -> T) -> T {
        let idle = self.idle.lock().expect("no panic").pop();
        let mut conn = idle.unwrap_or_else(|| connect(&self.path));
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).expect("the lock");
        let answer = run(&tx, work);
        tx.commit().expect("a commit");
        self.idle.lock().expect("no panic").push(conn);
        answer
    }
}

fn connect(path: &Path) -> Connection {
    let conn = Connection::open(path).expect("a connection");
    conn.pragma_update(None, "synchronous", "FULL").expect("synced commits");
    // SQLite's own patience ends.
    let wait = |_| {
        std::thread::sleep(Duration::from_millis(1));
        true
    };
    conn.busy_handler(Some(wait)).expect("patience");
    conn
}

type Read<T> = Result<T, StoreError>;

macro_rules! in_a_transaction_each {
    ($($port:ident {
        $(fn $name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)+
        $($(as $this:ident: fn $other:ident($($other_arg:ident: $other_kind:ty),*) -> $other_answer:ty { $how:expr })+)?
    })+) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl $port for Caller {
            $(async fn $name(&self, $($arg: $kind),*) -> $answer {
                self.call(async |store| store.$name($($arg),*).await)
            })+
            $($(async fn $other(&self, $($other_arg: $other_kind),*) -> $other_answer {
                let $this = self;
                Ok($how.await)
            })+)?
        }
    )+};
}

in_a_transaction_each! {
    WorkspaceRepository {
        fn fetch_workspaces(ids: &[WorkspaceId]) -> Read<Vec<Option<Workspace>>>;
    }
    WebhookRepository {
        fn fetch_webhooks(workspace: WorkspaceId, ids: &[WebhookId]) -> Read<Vec<Option<Webhook>>>;
        fn list_webhooks(workspace: WorkspaceId, page: &PageRequest) -> Read<Page<Webhook>>;
    }
    ContactRepository {
        fn fetch_contacts(workspace: WorkspaceId, refs: &[ContactRef]) -> Read<Vec<Option<Contact>>>;
        fn list_contacts(workspace: WorkspaceId, filter: &ContactFilter, page: &PageRequest) -> Read<Page<Contact>>;
        fn contact_keys(workspace: WorkspaceId, contact: ContactId) -> Read<Vec<ContactKey>>;
    }
    LeadRepository {
        fn fetch_leads(workspace: WorkspaceId, ids: &[LeadId]) -> Read<Vec<Option<Lead>>>;
        fn list_leads(workspace: WorkspaceId, filter: &LeadFilter, page: &PageRequest) -> Read<Page<Lead>>;
        fn fetch_holders(workspace: WorkspaceId, names: &[ClaimName]) -> Read<Vec<Option<Uuid>>>;
        fn fetch_payloads(workspace: WorkspaceId, ids: &[IntakeId]) -> Read<Vec<Option<Payload>>>;
    }
    RejectionRepository {
        fn fetch_rejections(workspace: WorkspaceId, ids: &[IntakeId]) -> Read<Vec<Option<Rejection>>>;
        fn list_rejections(workspace: WorkspaceId, filter: &RejectionFilter, page: &PageRequest) -> Read<Page<Rejection>>;
    }
    AppointmentRepository {
        fn fetch_appointments(workspace: WorkspaceId, ids: &[AppointmentId]) -> Read<Vec<Option<Appointment>>>;
        fn list_appointments(workspace: WorkspaceId, filter: &AppointmentFilter, page: &PageRequest) -> Read<Page<Appointment>>;
    }
    ConversionRepository {
        fn fetch_conversions(workspace: WorkspaceId, ids: &[ConversionId]) -> Read<Vec<Option<Conversion>>>;
        fn list_conversions(workspace: WorkspaceId, filter: &ConversionFilter, page: &PageRequest) -> Read<Page<Conversion>>;
    }
    DeliveryRepository {
        fn fetch_deliveries(workspace: WorkspaceId, ids: &[DeliveryId]) -> Read<Vec<Option<Delivery>>>;
        fn list_deliveries(workspace: WorkspaceId, filter: &DeliveryFilter, page: &PageRequest) -> Read<Page<Delivery>>;
        fn next_deliveries(workspace: WorkspaceId, endpoints: &[EndpointId], limit: usize) -> Read<Vec<Delivery>>;
    }
    EventLog {
        fn history(workspace: WorkspaceId, stream: StreamRef, page: &PageRequest) -> Read<Page<Event>>;
        fn feed(workspace: WorkspaceId, after: Position, limit: usize) -> Read<Vec<Event>>;
        fn head(workspace: WorkspaceId) -> Read<Option<Head>>;
        fn heads(after: Option<WorkspaceId>, limit: usize) -> Read<Vec<FeedHead>>;
        as caller: fn wait(seen: Tick) -> Read<Tick> { caller.bell.wait(seen) }
    }
    AnalyticsRepository {
        fn report(workspace: WorkspaceId, query: &ReportQuery) -> Read<Vec<Rollup>>;
    }
    Records {
        fn fetch_records(workspace: WorkspaceId, kind: &str, keys: &[String]) -> Read<Vec<Record>>;
        fn fetch_used(workspace: WorkspaceId, counters: &[(String, DateTime<Utc>)]) -> Read<Vec<i64>>;
    }
}

#[async_trait]
impl Store for Caller {
    /// It commits before it answers, with synced commits.
    fn durability(&self) -> Durability {
        assert_eq!(self.call(async |store| store.durability()), Durability::CallerCommits);
        Durability::Synced
    }

    async fn load(&self, needs: &Needs) -> Read<Loaded> {
        self.call(async |store| store.load(needs).await)
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        let results = self.call(async |store| store.commit(batch).await);
        self.bell.ring(); // nobody but the caller knows when it has committed
        results
    }
}

const FILE: &str = "service.db";
