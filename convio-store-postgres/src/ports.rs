//! The traits of the port, for both faces of the store. Their work is in `Session`, by aggregate.

/// Implements every trait for a type whose `session()` does the work.
macro_rules! ports {
    ($([$($life:lifetime)?] $store:ty = $durability:expr;)+) => {$(
        #[async_trait]
        impl $(<$life>)? Store for $store {
            fn durability(&self) -> Durability {
                $durability
            }

            async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
                self.session().load(needs).await
            }

            async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
                self.session().commit(batch).await
            }
        }

        ports!(@trait [$($life)?] WorkspaceRepository for $store {
            fetch_workspaces(ids: &[WorkspaceId]) -> Vec<Option<Workspace>>;
        });
        ports!(@trait [$($life)?] WebhookRepository for $store {
            fetch_webhooks(workspace: WorkspaceId, ids: &[WebhookId]) -> Vec<Option<Webhook>>;
            list_webhooks(workspace: WorkspaceId, page: &PageRequest) -> Page<Webhook>;
        });
        ports!(@trait [$($life)?] ContactRepository for $store {
            fetch_contacts(workspace: WorkspaceId, refs: &[ContactRef]) -> Vec<Option<Contact>>;
            list_contacts(workspace: WorkspaceId, filter: &ContactFilter, page: &PageRequest) -> Page<Contact>;
            contact_keys(workspace: WorkspaceId, contact: ContactId) -> Vec<ContactKey>;
        });
        ports!(@trait [$($life)?] LeadRepository for $store {
            fetch_leads(workspace: WorkspaceId, ids: &[LeadId]) -> Vec<Option<Lead>>;
            list_leads(workspace: WorkspaceId, filter: &LeadFilter, page: &PageRequest) -> Page<Lead>;
            fetch_holders(workspace: WorkspaceId, names: &[ClaimName]) -> Vec<Option<Uuid>>;
            fetch_payloads(workspace: WorkspaceId, ids: &[IntakeId]) -> Vec<Option<Payload>>;
        });
        ports!(@trait [$($life)?] RejectionRepository for $store {
            fetch_rejections(workspace: WorkspaceId, ids: &[IntakeId]) -> Vec<Option<Rejection>>;
            list_rejections(workspace: WorkspaceId, filter: &RejectionFilter, page: &PageRequest) -> Page<Rejection>;
        });
        ports!(@trait [$($life)?] AppointmentRepository for $store {
            fetch_appointments(workspace: WorkspaceId, ids: &[AppointmentId]) -> Vec<Option<Appointment>>;
            list_appointments(workspace: WorkspaceId, filter: &AppointmentFilter, page: &PageRequest) -> Page<Appointment>;
        });
        ports!(@trait [$($life)?] ConversionRepository for $store {
            fetch_conversions(workspace: WorkspaceId, ids: &[ConversionId]) -> Vec<Option<Conversion>>;
            list_conversions(workspace: WorkspaceId, filter: &ConversionFilter, page: &PageRequest) -> Page<Conversion>;
        });
        ports!(@trait [$($life)?] EventLog for $store {
            history(workspace: WorkspaceId, stream: StreamRef, page: &PageRequest) -> Page<Event>;
            feed(workspace: WorkspaceId, after: Position, limit: usize) -> Vec<Event>;
            head(workspace: WorkspaceId) -> Option<Head>;
        });
        ports!(@trait [$($life)?] AnalyticsRepository for $store {
            report(workspace: WorkspaceId, query: &ReportQuery) -> Vec<Rollup>;
        });
        ports!(@trait [$($life)?] Records for $store {
            fetch_record(workspace: WorkspaceId, kind: &str, key: &str) -> Option<Record>;
        });
    )+};
    (@trait [$($life:lifetime)?] $port:ident for $store:ty {
        $($method:ident($($name:ident: $of:ty),*) -> $answer:ty;)+
    }) => {
        #[async_trait]
        impl $(<$life>)? $port for $store {
            $(async fn $method(&self, $($name: $of),*) -> Result<$answer, StoreError> {
                self.session().$method($($name),*).await
            })+
        }
    };
}

use async_trait::async_trait;
use convio_core::analytics::{AnalyticsRepository, ReportQuery, Rollup};
use convio_core::appointment::{Appointment, AppointmentFilter, AppointmentRepository};
use convio_core::change_set::{ChangeSet, ClaimName, Receipt};
use convio_core::contact::{Contact, ContactFilter, ContactKey, ContactRef, ContactRepository};
use convio_core::conversion::{Conversion, ConversionFilter, ConversionRepository};
use convio_core::event::{Event, EventLog, Head, Position, StreamRef};
use convio_core::lead::{Lead, LeadFilter, LeadRepository, Payload};
use convio_core::page::{Page, PageRequest};
use convio_core::record::{Record, Records};
use convio_core::rejection::{Rejection, RejectionFilter, RejectionRepository};
use convio_core::store::{CommitError, Durability, Loaded, Needs, Store, StoreError};
use convio_core::webhook::{Webhook, WebhookRepository};
use convio_core::workspace::{Workspace, WorkspaceRepository};
use convio_core::{AppointmentId, ContactId, ConversionId, IntakeId, LeadId, WebhookId, WorkspaceId};
use uuid::Uuid;

use crate::store::PgStore;
use crate::tx::PgTx;

ports! {
    [] PgStore = Durability::Synced;
    ['t] PgTx<'t> = Durability::CallerCommits;
}
