//! The readers: each sees one workspace, and lists by key.

use std::borrow::Borrow;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use convio_core::analytics::{AnalyticsRepository, ReportQuery, Rollup};
use convio_core::appointment::{AppointmentFilter, AppointmentRepository};
use convio_core::change_set::{ClaimName, RollupKey};
use convio_core::contact::{ContactFilter, ContactRef, ContactRepository};
use convio_core::conversion::{ConversionFilter, ConversionRepository};
use convio_core::delivery::{Delivery, DeliveryFilter, DeliveryRepository};
use convio_core::event::{Event, EventLog, FeedHead, Head, Position, StreamRef};
use convio_core::lead::{LeadFilter, LeadRepository, Payload};
use convio_core::record::{Record, Records};
use convio_core::rejection::{Rejection, RejectionFilter, RejectionRepository};
use convio_core::store::{StoreError, Tick};
use convio_core::webhook::WebhookRepository;
use convio_core::workspace::WorkspaceRepository;
use convio_core::{
    Appointment, AppointmentId, Contact, ContactId, ContactKey, Conversion, ConversionId, Cursor, DeliveryId,
    EndpointId, IntakeId, Lead, LeadId, Page, PageRequest, Version, Webhook, WebhookId, Workspace,
    WorkspaceId,
};
use uuid::Uuid;

use crate::MemoryStore;
use crate::state::keys_of;
use crate::state::{Owner, Sums, Tenant, digits};
use crate::table::Table;

type Read<T> = Result<T, StoreError>;
type Rows<'t, T> = Box<dyn Iterator<Item = &'t T> + 't>;

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

    /// A page of the rows that match. `rows` gives those that may, by id, that stand after this one.
    fn list<T: Listed>(
        &self,
        workspace: WorkspaceId,
        page: &PageRequest,
        matches: impl Fn(&T) -> bool,
        rows: impl for<'t> FnOnce(&'t Tenant, T::Id) -> Rows<'t, T>,
    ) -> Page<T> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(&workspace) else {
            return Page { items: Vec::new(), next: None };
        };
        // No id is nil, so nothing stands before the first one but it.
        let after = T::id_of(page.after.map_or(Uuid::nil(), Cursor::as_id));
        let rows = rows(tenant, after).filter(|row| matches(row));
        let items = rows.take(page.size() + 1).cloned().collect();
        Page::of(items, page.size(), |row: &T| Cursor::id(row.uuid()))
    }
}

#[async_trait]
impl WorkspaceRepository for MemoryStore {
    async fn fetch_workspaces(&self, ids: &[WorkspaceId]) -> Read<Vec<Option<Workspace>>> {
        let tenants = self.tenants();
        Ok(ids.iter().map(|id| tenants.get(id)?.workspace.as_deref().cloned()).collect())
    }
}

#[async_trait]
impl WebhookRepository for MemoryStore {
    async fn fetch_webhooks(&self, workspace: WorkspaceId, ids: &[WebhookId]) -> Read<Vec<Option<Webhook>>> {
        Ok(self.fetch(workspace, ids, |tenant, id| tenant.webhooks.get(id).cloned()))
    }

    async fn list_webhooks(&self, workspace: WorkspaceId, page: &PageRequest) -> Read<Page<Webhook>> {
        Ok(self.list(workspace, page, |_| true, |tenant, after| Box::new(tenant.webhooks.after(after))))
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
            tenant.contacts.get(&id).map(|row| Contact::clone(row))
        }))
    }

    async fn list_contacts(
        &self,
        workspace: WorkspaceId,
        filter: &ContactFilter,
        page: &PageRequest,
    ) -> Read<Page<Contact>> {
        Ok(self.list(
            workspace,
            page,
            |row| filter.matches(row),
            |tenant, after| match filter.phone.as_deref().map(digits) {
                Some(Some(digits)) => found(tenant.phones.of(digits, after), &tenant.contacts),
                Some(None) => Box::new(std::iter::empty()),
                None => Box::new(tenant.contacts.after(after).map(|row| &**row)),
            },
        ))
    }

    async fn contact_keys(&self, workspace: WorkspaceId, contact: ContactId) -> Read<Vec<ContactKey>> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(&workspace) else {
            return Ok(Vec::new());
        };
        Ok(keys_of(tenant, contact))
    }
}

#[async_trait]
impl LeadRepository for MemoryStore {
    async fn fetch_leads(&self, workspace: WorkspaceId, ids: &[LeadId]) -> Read<Vec<Option<Lead>>> {
        Ok(self.fetch(workspace, ids, |tenant, id| tenant.leads.get(id).map(|row| Lead::clone(row))))
    }

    async fn list_leads(
        &self,
        workspace: WorkspaceId,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Read<Page<Lead>> {
        let contact = filter.contact;
        Ok(self.list(
            workspace,
            page,
            |row| filter.matches(row),
            |tenant, after| match contact {
                Some(contact) => found(tenant.leads_of.of(contact, after), &tenant.leads),
                None => Box::new(tenant.leads.after(after).map(|row| &**row)),
            },
        ))
    }

    async fn fetch_holders(&self, workspace: WorkspaceId, names: &[ClaimName]) -> Read<Vec<Option<Uuid>>> {
        Ok(self.fetch(workspace, names, |tenant, name| tenant.claims.get(name).map(|held| held.holder)))
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
        let all = |row: &Rejection| filter.matches(row);
        Ok(self.list(workspace, page, all, |tenant, after| Box::new(tenant.rejections.after(after))))
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
        let owner = filter.lead.map(Owner::Lead).or(filter.contact.map(Owner::Contact));
        Ok(self.list(
            workspace,
            page,
            |row| filter.matches(row),
            |tenant, after| match owner {
                Some(owner) => found(tenant.appointments_of.of(owner, after), &tenant.appointments),
                None => Box::new(tenant.appointments.after(after)),
            },
        ))
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
        let owner = filter.lead.map(Owner::Lead).or(filter.contact.map(Owner::Contact));
        Ok(self.list(
            workspace,
            page,
            |row| filter.matches(row),
            |tenant, after| match owner {
                Some(owner) => found(tenant.conversions_of.of(owner, after), &tenant.conversions),
                None => Box::new(tenant.conversions.after(after)),
            },
        ))
    }
}

#[async_trait]
impl DeliveryRepository for MemoryStore {
    async fn fetch_deliveries(
        &self,
        workspace: WorkspaceId,
        ids: &[DeliveryId],
    ) -> Read<Vec<Option<Delivery>>> {
        Ok(self.fetch(workspace, ids, |tenant, id| tenant.deliveries.get(id).map(|row| Delivery::clone(row))))
    }

    async fn list_deliveries(
        &self,
        workspace: WorkspaceId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Read<Page<Delivery>> {
        Ok(self.list(
            workspace,
            page,
            |row: &Delivery| filter.matches(row),
            |tenant, after| Box::new(tenant.deliveries.after(after).map(|row| &**row)),
        ))
    }

    async fn next_deliveries(
        &self,
        workspace: WorkspaceId,
        endpoints: &[EndpointId],
        limit: usize,
    ) -> Read<Vec<Delivery>> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(&workspace) else { return Ok(Vec::new()) };
        let first = (DateTime::<Utc>::MIN_UTC, DeliveryId::from_uuid(Uuid::nil()));
        let next = |endpoint: &EndpointId| tenant.deliveries_next.of(*endpoint, first).take(limit);
        let ids = endpoints.iter().flat_map(next).map(|(_, id)| id);
        Ok(ids.filter_map(|id| tenant.deliveries.get(id)).map(|row| Delivery::clone(row)).collect())
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

    async fn heads(&self, after: Option<WorkspaceId>, limit: usize) -> Read<Vec<FeedHead>> {
        let tenants = self.tenants();
        let rest = tenants.iter().filter(|(id, _)| after.is_none_or(|after| **id > after));
        let mut heads: Vec<FeedHead> =
            rest.map(|(id, tenant)| FeedHead { workspace: *id, feed: tenant.head().feed }).collect();
        heads.sort_unstable_by_key(|head| head.workspace);
        heads.truncate(limit);
        Ok(heads)
    }

    async fn wait(&self, seen: Tick) -> Read<Tick> {
        Ok(self.bell.wait(seen).await)
    }
}

#[async_trait]
impl AnalyticsRepository for MemoryStore {
    async fn report(&self, workspace: WorkspaceId, query: &ReportQuery) -> Read<Vec<Rollup>> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(&workspace) else {
            return Ok(Vec::new());
        };
        let from = Arc::new((query.cube, query.from, <[String; 3]>::default()));
        let rows = tenant.rollups.rows().range(from..);
        let rows = rows.take_while(|(key, _)| key.0 == query.cube && key.1 <= query.to);
        let row = |(key, &(n, last_at)): (&Arc<RollupKey>, &Sums)| {
            let (cube, day, dims) = RollupKey::clone(key);
            Rollup { cube, day, dims, n, last_at }
        };
        Ok(rows.map(row).collect())
    }
}

#[async_trait]
impl Records for MemoryStore {
    async fn fetch_records(&self, workspace: WorkspaceId, kind: &str, keys: &[String]) -> Read<Vec<Record>> {
        let tenants = self.tenants();
        let tenant = tenants.get(&workspace);
        let record = |key: &String| tenant?.records.get(&(kind.to_owned(), key.clone())).cloned();
        Ok(keys.iter().filter_map(record).collect())
    }

    async fn fetch_used(
        &self,
        workspace: WorkspaceId,
        counters: &[(String, DateTime<Utc>)],
    ) -> Read<Vec<i64>> {
        let tenants = self.tenants();
        let tenant = tenants.get(&workspace);
        let used = |counter| tenant.and_then(|tenant| tenant.counters.get(counter)).copied();
        Ok(counters.iter().map(|counter| used(counter).unwrap_or(0)).collect())
    }
}

fn event(tenant: &Tenant, position: Position) -> Option<Event> {
    let at = usize::try_from(position.0).ok()?.checked_sub(1)?;
    tenant.events.get(at).map(|event: &Arc<Event>| Event::clone(event))
}

/// The rows that an index names.
fn found<'t, I: Ord + Clone + 't, R: Borrow<T>, T: 't>(
    ids: impl Iterator<Item = &'t I> + 't,
    rows: &'t Table<I, R>,
) -> Rows<'t, T> {
    Box::new(ids.filter_map(|id| rows.get(id)).map(Borrow::borrow))
}

/// A row that lists go by the id of.
trait Listed: Clone {
    type Id;
    fn id_of(uuid: Uuid) -> Self::Id;
    fn uuid(&self) -> Uuid;
}

macro_rules! listed {
    ($($row:ty, $id:ty;)+) => {$(
        impl Listed for $row {
            type Id = $id;

            fn id_of(uuid: Uuid) -> $id {
                <$id>::from_uuid(uuid)
            }

            fn uuid(&self) -> Uuid {
                self.id.uuid()
            }
        }
    )+};
}

listed! {
    Webhook, WebhookId;
    Contact, ContactId;
    Lead, LeadId;
    Rejection, IntakeId;
    Appointment, AppointmentId;
    Conversion, ConversionId;
    Delivery, DeliveryId;
}
