//! A store that fails on demand.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::Mutex;

use async_trait::async_trait;
use convio_core::analytics::AnalyticsRepository;
use convio_core::appointment::{AppointmentFilter, AppointmentRepository};
use convio_core::change_set::{ChangeSet, ClaimName, Receipt};
use convio_core::contact::{ContactFilter, ContactRef, ContactRepository};
use convio_core::conversion::{ConversionFilter, ConversionRepository};
use convio_core::event::{EventLog, Head};
use convio_core::lead::{LeadFilter, LeadRepository};
use convio_core::record::{Record, Records};
use convio_core::rejection::{RejectionFilter, RejectionRepository};
use convio_core::store::{CommitError, Durability, Fault, Loaded, Needs, Store, StoreError};
use convio_core::webhook::WebhookRepository;
use convio_core::workspace::WorkspaceRepository;
use convio_core::*;
use convio_store_memory::MemoryStore;
use uuid::Uuid;

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It is done.
    Fine,
    /// It is not done, and said to be.
    Unavailable,
    /// It is done, and the answer is lost.
    Unknown,
    /// It is not done, and nobody can tell.
    Nowhere,
    /// Of its change sets only the even ones are done.
    Half,
}

/// A store in memory that fails as it is told, and keeps how many change sets each commit had.
pub(crate) struct Moody {
    inner: MemoryStore,
    moods: Mutex<Vec<Mood>>,
    last: Mutex<Mood>,
    commits: Mutex<Vec<usize>>,
}

impl Moody {
    pub(crate) fn new() -> Self {
        Self {
            inner: MemoryStore::new(),
            moods: Mutex::default(),
            last: Mutex::new(Mood::Fine),
            commits: Mutex::default(),
        }
    }

    /// From the next commit on: these, and then the last one for ever.
    pub(crate) fn be(&self, moods: &[Mood]) {
        *self.moods.lock().unwrap() = moods.iter().rev().copied().collect();
    }

    /// How many change sets each commit had since the last time that this was asked.
    pub(crate) fn commits(&self) -> Vec<usize> {
        std::mem::take(&mut self.commits.lock().unwrap())
    }

    fn mood(&self) -> Mood {
        let mut last = self.last.lock().unwrap();
        if let Some(mood) = self.moods.lock().unwrap().pop() {
            *last = mood;
        }
        *last
    }
}

#[async_trait]
impl Store for &'static Moody {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.inner.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        self.commits.lock().unwrap().push(batch.len());
        let fault = || Fault::new("a bad mood");
        match self.mood() {
            Mood::Fine => self.inner.commit(batch).await,
            Mood::Unavailable => batch.iter().map(|_| Err(CommitError::Unavailable(fault()))).collect(),
            Mood::Nowhere => batch.iter().map(|_| Err(CommitError::Unknown(fault()))).collect(),
            Mood::Unknown => {
                let done = self.inner.commit(batch).await;
                done.into_iter().map(|done| done.and_then(|_| Err(CommitError::Unknown(fault())))).collect()
            }
            Mood::Half => {
                let mut answers = Vec::new();
                for (n, changes) in batch.into_iter().enumerate() {
                    match n % 2 {
                        0 => answers.extend(self.inner.commit(vec![changes]).await),
                        _ => answers.push(Err(CommitError::Unavailable(fault()))),
                    }
                }
                answers
            }
        }
    }
}

macro_rules! pass_on {
    ($($port:ident { $($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)+ })+) => {$(
        #[async_trait]
        impl $port for &'static Moody {
            $(async fn $name(&self, $($arg: $ty),*) -> Result<$out, StoreError> {
                self.inner.$name($($arg),*).await
            })+
        }
    )+};
}

pass_on! {
    WorkspaceRepository { fetch_workspaces(ids: &[WorkspaceId]) -> Vec<Option<Workspace>>; }
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
        fetch_holders(workspace: WorkspaceId, names: &[ClaimName]) -> Vec<Option<Uuid>>;
        fetch_payloads(workspace: WorkspaceId, ids: &[IntakeId]) -> Vec<Option<Payload>>;
    }
    RejectionRepository {
        fetch_rejections(workspace: WorkspaceId, ids: &[IntakeId]) -> Vec<Option<Rejection>>;
        list_rejections(workspace: WorkspaceId, filter: &RejectionFilter, page: &PageRequest) -> Page<Rejection>;
    }
    AppointmentRepository {
        fetch_appointments(workspace: WorkspaceId, ids: &[AppointmentId]) -> Vec<Option<Appointment>>;
        list_appointments(workspace: WorkspaceId, filter: &AppointmentFilter, page: &PageRequest) -> Page<Appointment>;
    }
    ConversionRepository {
        fetch_conversions(workspace: WorkspaceId, ids: &[ConversionId]) -> Vec<Option<Conversion>>;
        list_conversions(workspace: WorkspaceId, filter: &ConversionFilter, page: &PageRequest) -> Page<Conversion>;
    }
    EventLog {
        history(workspace: WorkspaceId, stream: StreamRef, page: &PageRequest) -> Page<Event>;
        feed(workspace: WorkspaceId, after: Position, limit: usize) -> Vec<Event>;
        head(workspace: WorkspaceId) -> Option<Head>;
    }
    AnalyticsRepository { report(workspace: WorkspaceId, query: &ReportQuery) -> Vec<Rollup>; }
    Records { fetch_record(workspace: WorkspaceId, kind: &str, key: &str) -> Option<Record>; }
}
