//! The readers: each sees one workspace, and lists by key.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use convio_core::analytics::{AnalyticsRepository, ReportQuery, Rollup};
use convio_core::appointment::{AppointmentFilter, AppointmentRepository};
use convio_core::contact::{ContactFilter, ContactRef, ContactRepository};
use convio_core::conversion::{ConversionFilter, ConversionRepository};
use convio_core::event::{Event, EventLog, Head, Position, StreamRef};
use convio_core::lead::{LeadFilter, LeadRepository, Payload};
use convio_core::record::{Record, Records};
use convio_core::rejection::{Rejection, RejectionFilter, RejectionRepository};
use convio_core::store::StoreError;
use convio_core::webhook::WebhookRepository;
use convio_core::workspace::WorkspaceRepository;
use convio_core::{
    Appointment, AppointmentId, Contact, ContactId, ContactKey, Conversion, ConversionId, Cursor, IntakeId,
    Lead, LeadId, Page, PageRequest, Version, Webhook, WebhookId, Workspace, WorkspaceId,
};

use crate::MemoryStore;
use crate::state::Tenant;
use crate::table::Table;

type Read<T> = Result<T, StoreError>;

impl MemoryStore {
    fn fetch<K, T>(
        &self,
        workspace: WorkspaceId,
        keys: &[K],
        get: impl Fn(&Tenant, &K) -> Option<T>,
    ) -> Vec<Option<T>> {
        let tenants = self.tenants();
        let tenant = tenants.get(&workspace);
        keys.iter().map(|key| get(tenant?, key)).collect()
    }

    fn list<K: Ord + Clone, T: Clone>(
        &self,
        workspace: WorkspaceId,
        table: impl Fn(&Tenant) -> &Table<K, T>,
        page: &PageRequest,
        at: fn(Cursor) -> K,
        cursor: fn(&T) -> Cursor,
        matches: impl Fn(&T) -> bool,
    ) -> Page<T> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(&workspace) else {
            return Page { items: Vec::new(), next: None };
        };
        let from = page.after.map_or(Bound::Unbounded, |cursor| Bound::Excluded(at(cursor)));
        let rows = table(tenant).rows().range((from, Bound::Unbounded)).map(|(_, row)| row);
        let items = rows.filter(|row| matches(row)).take(page.size() + 1).cloned().collect();
        Page::of(items, page.size(), cursor)
    }
}

#[async_trait]
impl WorkspaceRepository for MemoryStore {
    async fn fetch_workspaces(&self, ids: &[WorkspaceId]) -> Read<Vec<Option<Workspace>>> {
        let tenants = self.tenants();
        Ok(ids.iter().map(|id| tenants.get(id)?.workspace.clone()).collect())
    }
}

#[async_trait]
impl WebhookRepository for MemoryStore {
    async fn fetch_webhooks(&self, workspace: WorkspaceId, ids: &[WebhookId]) -> Read<Vec<Option<Webhook>>> {
        Ok(self.fetch(workspace, ids, |tenant, id| tenant.webhooks.get(id).cloned()))
    }

    async fn list_webhooks(&self, workspace: WorkspaceId, page: &PageRequest) -> Read<Page<Webhook>> {
        let key = (|c: Cursor| WebhookId::from_uuid(c.as_id())) as fn(Cursor) -> WebhookId;
        let cursor = (|row: &Webhook| Cursor::id(row.id.uuid())) as fn(&Webhook) -> Cursor;
        Ok(self.list(workspace, |tenant| &tenant.webhooks, page, key, cursor, |_| true))
    }
}

#[async_trait]
impl ContactRepository for MemoryStore {
    async fn fetch_contacts(
        &self,
        workspace: WorkspaceId,
        refs: &[ContactRef],
    ) -> Read<Vec<Option<Contact>>> {
        Ok(self.fetch(workspace, refs, |tenant, contact| {
            let id = match contact {
                ContactRef::Id(id) => *id,
                ContactRef::Number(number) => *tenant.numbers.get(number)?,
                ContactRef::Key(key) => *tenant.keys.get(key)?,
            };
            tenant.contacts.get(&id).cloned()
        }))
    }

    async fn list_contacts(
        &self,
        workspace: WorkspaceId,
        filter: &ContactFilter,
        page: &PageRequest,
    ) -> Read<Page<Contact>> {
        let key = (|c: Cursor| ContactId::from_uuid(c.as_id())) as fn(Cursor) -> ContactId;
        let cursor = (|row: &Contact| Cursor::id(row.id.uuid())) as fn(&Contact) -> Cursor;
        Ok(self.list(workspace, |tenant| &tenant.contacts, page, key, cursor, |row| filter.matches(row)))
    }

    async fn contact_keys(&self, workspace: WorkspaceId, contact: ContactId) -> Read<Vec<ContactKey>> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(&workspace) else {
            return Ok(Vec::new());
        };
        Ok(keys_of(tenant, contact))
    }
}

fn keys_of(tenant: &Tenant, contact: ContactId) -> Vec<ContactKey> {
    use convio_core::{KeyKind, KeyScope};
    let least = ContactKey { scope: KeyScope::Workspace, kind: KeyKind::Phone, value: String::new() };
    let own = tenant.keys_of.rows().range((contact, least)..);
    own.take_while(|((owner, _), ())| *owner == contact).map(|((_, key), ())| key.clone()).collect()
}

#[async_trait]
impl LeadRepository for MemoryStore {
    async fn fetch_leads(&self, workspace: WorkspaceId, ids: &[LeadId]) -> Read<Vec<Option<Lead>>> {
        Ok(self.fetch(workspace, ids, |tenant, id| tenant.leads.get(id).cloned()))
    }

    async fn list_leads(
        &self,
        workspace: WorkspaceId,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Read<Page<Lead>> {
        let cursor = (|row: &Lead| Cursor::id(row.id.uuid())) as fn(&Lead) -> Cursor;
        if let Some(contact) = filter.contact {
            let tenants = self.tenants();
            let Some(tenant) = tenants.get(&workspace) else {
                return Ok(Page { items: Vec::new(), next: None });
            };
            // No id is nil, so nothing stands before the first one but it.
            let from = LeadId::from_uuid(page.after.unwrap_or(Cursor::number(0)).as_id());
            let own = tenant.leads_of.rows().range((Bound::Excluded((contact, from)), Bound::Unbounded));
            let own = own.map(|(key, ())| key).take_while(|(owner, _)| *owner == contact);
            let items =
                own.filter_map(|(_, lead)| tenant.leads.get(lead).cloned()).take(page.size() + 1).collect();
            return Ok(Page::of(items, page.size(), cursor));
        }
        let key = (|c: Cursor| LeadId::from_uuid(c.as_id())) as fn(Cursor) -> LeadId;
        Ok(self.list(workspace, |tenant| &tenant.leads, page, key, cursor, |row| filter.matches(row)))
    }

    async fn fetch_payloads(&self, workspace: WorkspaceId, ids: &[IntakeId]) -> Read<Vec<Option<Payload>>> {
        Ok(self.fetch(workspace, ids, |tenant, id| tenant.payloads.get(id).cloned()))
    }
}

#[async_trait]
impl RejectionRepository for MemoryStore {
    async fn fetch_rejections(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Read<Vec<Option<Rejection>>> {
        Ok(self.fetch(workspace, ids, |tenant, id| tenant.rejections.get(id).cloned()))
    }

    async fn list_rejections(
        &self,
        workspace: WorkspaceId,
        filter: &RejectionFilter,
        page: &PageRequest,
    ) -> Read<Page<Rejection>> {
        let key = (|c: Cursor| IntakeId::from_uuid(c.as_id())) as fn(Cursor) -> IntakeId;
        let cursor = (|row: &Rejection| Cursor::id(row.id.uuid())) as fn(&Rejection) -> Cursor;
        Ok(self.list(workspace, |tenant| &tenant.rejections, page, key, cursor, |row| filter.matches(row)))
    }
}

#[async_trait]
impl AppointmentRepository for MemoryStore {
    async fn fetch_appointments(
        &self,
        workspace: WorkspaceId,
        ids: &[AppointmentId],
    ) -> Read<Vec<Option<Appointment>>> {
        Ok(self.fetch(workspace, ids, |tenant, id| tenant.appointments.get(id).cloned()))
    }

    async fn list_appointments(
        &self,
        workspace: WorkspaceId,
        filter: &AppointmentFilter,
        page: &PageRequest,
    ) -> Read<Page<Appointment>> {
        let key = (|c: Cursor| AppointmentId::from_uuid(c.as_id())) as fn(Cursor) -> AppointmentId;
        let cursor = (|row: &Appointment| Cursor::id(row.id.uuid())) as fn(&Appointment) -> Cursor;
        Ok(self.list(workspace, |tenant| &tenant.appointments, page, key, cursor, |row| filter.matches(row)))
    }
}

#[async_trait]
impl ConversionRepository for MemoryStore {
    async fn fetch_conversions(
        &self,
        workspace: WorkspaceId,
        ids: &[ConversionId],
    ) -> Read<Vec<Option<Conversion>>> {
        Ok(self.fetch(workspace, ids, |tenant, id| tenant.conversions.get(id).cloned()))
    }

    async fn list_conversions(
        &self,
        workspace: WorkspaceId,
        filter: &ConversionFilter,
        page: &PageRequest,
    ) -> Read<Page<Conversion>> {
        let key = (|c: Cursor| ConversionId::from_uuid(c.as_id())) as fn(Cursor) -> ConversionId;
        let cursor = (|row: &Conversion| Cursor::id(row.id.uuid())) as fn(&Conversion) -> Cursor;
        Ok(self.list(workspace, |tenant| &tenant.conversions, page, key, cursor, |row| filter.matches(row)))
    }
}

#[async_trait]
impl EventLog for MemoryStore {
    async fn history(
        &self,
        workspace: WorkspaceId,
        stream: StreamRef,
        page: &PageRequest,
    ) -> Read<Page<Event>> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(&workspace) else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let after = Version(page.after.map_or(0, Cursor::as_number));
        let own = tenant.streams.rows().range((Bound::Excluded((stream, after)), Bound::Unbounded));
        let own = own.take_while(|((owner, _), _)| *owner == stream).map(|(_, position)| position);
        let events = own.filter_map(|position| event(tenant, *position)).take(page.size() + 1).collect();
        Ok(Page::of(events, page.size(), |event: &Event| {
            Cursor::number(event.version_in(stream).map_or(0, |version| version.0))
        }))
    }

    async fn feed(&self, workspace: WorkspaceId, after: Position, limit: usize) -> Read<Vec<Event>> {
        let tenants = self.tenants();
        let events = tenants.get(&workspace).map_or(&[][..], |tenant| &tenant.events);
        let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(events.len());
        Ok(events[from..].iter().take(limit).map(|event| Event::clone(event)).collect())
    }

    async fn head(&self, workspace: WorkspaceId) -> Read<Option<Head>> {
        Ok(self.tenants().get(&workspace).map(Tenant::head))
    }
}

#[async_trait]
impl AnalyticsRepository for MemoryStore {
    async fn report(&self, workspace: WorkspaceId, query: &ReportQuery) -> Read<Vec<Rollup>> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(&workspace) else {
            return Ok(Vec::new());
        };
        let from = (query.cube, query.from, <[String; 3]>::default());
        let rows = tenant.rollups.rows().range(from..).map(|(_, row)| row);
        Ok(rows.take_while(|row| row.cube == query.cube && row.day <= query.to).cloned().collect())
    }
}

#[async_trait]
impl Records for MemoryStore {
    async fn fetch_record(&self, workspace: WorkspaceId, kind: &str, key: &str) -> Read<Option<Record>> {
        let tenants = self.tenants();
        let key = (kind.to_owned(), key.to_owned());
        Ok(tenants.get(&workspace).and_then(|tenant| tenant.records.get(&key).cloned()))
    }
}

fn event(tenant: &Tenant, position: Position) -> Option<Event> {
    let at = usize::try_from(position.0).ok()?.checked_sub(1)?;
    tenant.events.get(at).map(|event: &Arc<Event>| Event::clone(event))
}
