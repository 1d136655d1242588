use std::sync::Arc;

use async_trait::async_trait;
use convio_core::analytics::AnalyticsRepository;
use convio_core::appointment::{AppointmentFilter, AppointmentRepository};
use convio_core::change_set::ClaimName;
use convio_core::contact::{ContactFilter, ContactRef, ContactRepository};
use convio_core::conversion::{ConversionFilter, ConversionRepository};
use convio_core::event::{EventLog, Head};
use convio_core::lead::{LeadFilter, LeadRepository};
use convio_core::record::{Record, Records};
use convio_core::rejection::{RejectionFilter, RejectionRepository};
use convio_core::webhook::WebhookRepository;
use convio_core::workspace::WorkspaceRepository;
use convio_core::{
    Appointment, AppointmentId, ChangeSet, CommitError, Contact, ContactId, ContactKey, Conversion,
    ConversionId, Durability, Event, IntakeId, Lead, LeadId, Loaded, Needs, Page, PageRequest, Payload,
    Position, Receipt, Rejection, ReportQuery, Rollup, Store, StoreError, StreamRef, Webhook, WebhookId,
    Workspace, WorkspaceId,
};
use uuid::Uuid;

/// One store, shared: several [`Convio`](convio_core::Convio)s over it behave like several processes on one database.
#[derive(Clone)]
pub struct Shared(pub Arc<dyn Store>);

type Read<T> = Result<T, StoreError>;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Shared {
    fn durability(&self) -> Durability {
        self.0.durability()
    }

    async fn load(&self, needs: &Needs) -> Read<Loaded> {
        self.0.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        self.0.commit(batch).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl WorkspaceRepository for Shared {
    async fn fetch_workspaces(&self, ids: &[WorkspaceId]) -> Read<Vec<Option<Workspace>>> {
        self.0.fetch_workspaces(ids).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl WebhookRepository for Shared {
    async fn fetch_webhooks(&self, workspace: WorkspaceId, ids: &[WebhookId]) -> Read<Vec<Option<Webhook>>> {
        self.0.fetch_webhooks(workspace, ids).await
    }

    async fn list_webhooks(&self, workspace: WorkspaceId, page: &PageRequest) -> Read<Page<Webhook>> {
        self.0.list_webhooks(workspace, page).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ContactRepository for Shared {
    async fn fetch_contacts(
        &self,
        workspace: WorkspaceId,
        refs: &[ContactRef],
    ) -> Read<Vec<Option<Contact>>> {
        self.0.fetch_contacts(workspace, refs).await
    }

    async fn list_contacts(
        &self,
        workspace: WorkspaceId,
        filter: &ContactFilter,
        page: &PageRequest,
    ) -> Read<Page<Contact>> {
        self.0.list_contacts(workspace, filter, page).await
    }

    async fn contact_keys(&self, workspace: WorkspaceId, contact: ContactId) -> Read<Vec<ContactKey>> {
        self.0.contact_keys(workspace, contact).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LeadRepository for Shared {
    async fn fetch_leads(&self, workspace: WorkspaceId, ids: &[LeadId]) -> Read<Vec<Option<Lead>>> {
        self.0.fetch_leads(workspace, ids).await
    }

    async fn list_leads(
        &self,
        workspace: WorkspaceId,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Read<Page<Lead>> {
        self.0.list_leads(workspace, filter, page).await
    }

    async fn fetch_holders(&self, workspace: WorkspaceId, names: &[ClaimName]) -> Read<Vec<Option<Uuid>>> {
        self.0.fetch_holders(workspace, names).await
    }

    async fn fetch_payloads(&self, workspace: WorkspaceId, ids: &[IntakeId]) -> Read<Vec<Option<Payload>>> {
        self.0.fetch_payloads(workspace, ids).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RejectionRepository for Shared {
    async fn fetch_rejections(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Read<Vec<Option<Rejection>>> {
        self.0.fetch_rejections(workspace, ids).await
    }

    async fn list_rejections(
        &self,
        workspace: WorkspaceId,
        filter: &RejectionFilter,
        page: &PageRequest,
    ) -> Read<Page<Rejection>> {
        self.0.list_rejections(workspace, filter, page).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AppointmentRepository for Shared {
    async fn fetch_appointments(
        &self,
        workspace: WorkspaceId,
        ids: &[AppointmentId],
    ) -> Read<Vec<Option<Appointment>>> {
        self.0.fetch_appointments(workspace, ids).await
    }

    async fn list_appointments(
        &self,
        workspace: WorkspaceId,
        filter: &AppointmentFilter,
        page: &PageRequest,
    ) -> Read<Page<Appointment>> {
        self.0.list_appointments(workspace, filter, page).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ConversionRepository for Shared {
    async fn fetch_conversions(
        &self,
        workspace: WorkspaceId,
        ids: &[ConversionId],
    ) -> Read<Vec<Option<Conversion>>> {
        self.0.fetch_conversions(workspace, ids).await
    }

    async fn list_conversions(
        &self,
        workspace: WorkspaceId,
        filter: &ConversionFilter,
        page: &PageRequest,
    ) -> Read<Page<Conversion>> {
        self.0.list_conversions(workspace, filter, page).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl EventLog for Shared {
    async fn history(
        &self,
        workspace: WorkspaceId,
        stream: StreamRef,
        page: &PageRequest,
    ) -> Read<Page<Event>> {
        self.0.history(workspace, stream, page).await
    }

    async fn feed(&self, workspace: WorkspaceId, after: Position, limit: usize) -> Read<Vec<Event>> {
        self.0.feed(workspace, after, limit).await
    }

    async fn head(&self, workspace: WorkspaceId) -> Read<Option<Head>> {
        self.0.head(workspace).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AnalyticsRepository for Shared {
    async fn report(&self, workspace: WorkspaceId, query: &ReportQuery) -> Read<Vec<Rollup>> {
        self.0.report(workspace, query).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Records for Shared {
    async fn fetch_record(&self, workspace: WorkspaceId, kind: &str, key: &str) -> Read<Option<Record>> {
        self.0.fetch_record(workspace, kind, key).await
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shared").field(&self.0.durability()).finish()
    }
}
