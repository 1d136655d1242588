use async_trait::async_trait;
use chrono::TimeDelta;
use chrono::{DateTime, Utc};
use convio_core::analytics::AnalyticsRepository;
use convio_core::appointment::{AppointmentFilter, AppointmentRepository};
use convio_core::change_set::ClaimName;
use convio_core::contact::{ContactFilter, ContactRef, ContactRepository};
use convio_core::conversion::{ConversionFilter, ConversionRepository};
use convio_core::delivery::{Delivery, DeliveryFilter, DeliveryRepository};
use convio_core::event::{EventLog, FeedHead, Head};
use convio_core::lead::{LeadFilter, LeadRepository, Payload};
use convio_core::page::PAGE_ITEMS_MAX;
use convio_core::record::{BUSY_KIND, Record, Records};
use convio_core::rejection::{RejectionFilter, RejectionRepository};
use convio_core::store::Tick;
use convio_core::webhook::WebhookRepository;
use convio_core::workspace::WorkspaceRepository;
use convio_core::{
    Appointment, AppointmentId, Contact, ContactId, ContactKey, Conversion, ConversionId, Cursor, DeliveryId,
    EndpointId, Event, IntakeId, Lead, LeadId, Measure, Page, PageRequest, Position, Rejection, ReportQuery,
    Rollup, StoreError, StreamRef, Webhook, WebhookId, Workspace, WorkspaceId,
};
use std::sync::Arc;

use uuid::Uuid;

use super::Model;
use super::tenant::Tenant;
use crate::broken::Bug;

type Read<T> = Result<T, StoreError>;

impl Model {
    /// Each of these, in this order, or that it is not there.
    fn fetch<K, T>(
        &self,
        workspace: WorkspaceId,
        forgets: Bug,
        keys: &[K],
        find: impl Fn(&Tenant, &K) -> Option<T>,
    ) -> Vec<Option<T>> {
        let tenants = self.seen(workspace, forgets);
        let found = keys.iter().map(|key| tenants.iter().find_map(|tenant| find(tenant, key)));
        let mut rows: Vec<Option<T>> = found.collect();
        if self.makes(Bug::FetchesBackwards) {
            rows.reverse();
        }
        if self.makes(Bug::LeavesOutWhatIsMissing) {
            rows.retain(Option::is_some);
        }
        rows
    }

    /// All that match, by their cursor's order, after the cursor of the page, cut to its size.
    fn page<T>(
        &self,
        mut rows: Vec<T>,
        page: &PageRequest,
        place: impl Fn(&T) -> u128,
        cursor: impl Fn(&T) -> Cursor,
        matches: impl Fn(&T) -> bool,
    ) -> Page<T> {
        if !self.makes(Bug::SortsByArrival) {
            rows.sort_by_key(&place);
        }
        let cut_first = self.makes(Bug::FiltersWhatItCut);
        rows.retain(|row| cut_first || matches(row));
        if let Some(after) = page.after {
            let after = after.as_id().as_u128();
            let again = self.makes(Bug::RepeatsTheRowAtTheCursor);
            rows.retain(|row| place(row) > after || (place(row) == after && again));
            if self.makes(Bug::LosesTheRowAtTheCursor) && !rows.is_empty() {
                rows.remove(0);
            }
        }
        let bound = if self.makes(Bug::KnowsNoBound) { usize::MAX } else { PAGE_ITEMS_MAX };
        let size = page.limit.clamp(1, bound);
        let more = rows.len() > size || (rows.len() == size && self.makes(Bug::PromisesAnotherPage));
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(cursor);
        rows.retain(|row| matches(row));
        Page { items: rows, next }
    }
}

macro_rules! list {
    ($self:ident, $workspace:ident, $bug:ident, $rows:ident, $page:ident, $matches:expr) => {{
        let tenants = $self.seen($workspace, Bug::$bug);
        let rows: Vec<_> = tenants.iter().flat_map(|tenant| tenant.$rows.clone()).collect();
        Ok($self.page(rows, $page, |row| row.id.uuid().as_u128(), |row| Cursor::id(row.id.uuid()), $matches))
    }};
}

macro_rules! fetch {
    ($self:ident, $workspace:ident, $bug:ident, $rows:ident, $ids:ident) => {
        Ok($self.fetch($workspace, Bug::$bug, $ids, |tenant, id| {
            tenant.$rows.iter().find(|row| row.id == *id).cloned()
        }))
    };
}

#[async_trait]
impl WorkspaceRepository for Model {
    async fn fetch_workspaces(&self, ids: &[WorkspaceId]) -> Read<Vec<Option<Workspace>>> {
        let tenants = self.state().live.clone();
        let find =
            |id: &WorkspaceId| tenants.iter().find(|tenant| tenant.id == *id)?.workspaces.first().cloned();
        Ok(ids.iter().map(find).collect())
    }
}

#[async_trait]
impl WebhookRepository for Model {
    async fn fetch_webhooks(&self, workspace: WorkspaceId, ids: &[WebhookId]) -> Read<Vec<Option<Webhook>>> {
        fetch!(self, workspace, FetchesWebhooksOfAnyone, webhooks, ids)
    }

    async fn list_webhooks(&self, workspace: WorkspaceId, page: &PageRequest) -> Read<Page<Webhook>> {
        list!(self, workspace, ListsWebhooksOfAnyone, webhooks, page, |_| true)
    }
}

#[async_trait]
impl ContactRepository for Model {
    async fn fetch_contacts(
        &self,
        workspace: WorkspaceId,
        refs: &[ContactRef],
    ) -> Read<Vec<Option<Contact>>> {
        Ok(self.fetch(workspace, Bug::FetchesContactsOfAnyone, refs, |tenant, by| {
            let owner = |key: &ContactKey| {
                tenant.keys.iter().find(|(other, _)| other == key).map(|(_, owner)| *owner)
            };
            let found = tenant.contacts.iter().find(|contact| match by {
                ContactRef::Id(id) => contact.id == *id,
                ContactRef::Number(number) => contact.number == *number,
                ContactRef::Key(key) => owner(key) == Some(contact.id),
            });
            found.cloned()
        }))
    }

    async fn list_contacts(
        &self,
        workspace: WorkspaceId,
        filter: &ContactFilter,
        page: &PageRequest,
    ) -> Read<Page<Contact>> {
        list!(self, workspace, ListsContactsOfAnyone, contacts, page, |row| filter.matches(row))
    }

    async fn contact_keys(&self, workspace: WorkspaceId, contact: ContactId) -> Read<Vec<ContactKey>> {
        let tenants = self.seen(workspace, Bug::ListsKeysOfAnyone);
        let own = tenants.iter().flat_map(|tenant| &tenant.keys).filter(|(_, owner)| *owner == contact);
        let mut keys: Vec<ContactKey> = own.map(|(key, _)| key.clone()).collect();
        keys.sort();
        Ok(keys)
    }
}

#[async_trait]
impl LeadRepository for Model {
    async fn fetch_leads(&self, workspace: WorkspaceId, ids: &[LeadId]) -> Read<Vec<Option<Lead>>> {
        fetch!(self, workspace, FetchesLeadsOfAnyone, leads, ids)
    }

    async fn list_leads(
        &self,
        workspace: WorkspaceId,
        filter: &LeadFilter,
        page: &PageRequest,
    ) -> Read<Page<Lead>> {
        let mut filter = filter.clone();
        filter.with_deleted |= self.makes(Bug::ListsDeletedLeads);
        list!(self, workspace, ListsLeadsOfAnyone, leads, page, |row| filter.matches(row))
    }

    async fn fetch_holders(&self, workspace: WorkspaceId, names: &[ClaimName]) -> Read<Vec<Option<Uuid>>> {
        let tenants = self.seen(workspace, Bug::ShowsHoldersOfAnyone);
        let holder = |name: &ClaimName| {
            let ClaimName { webhook, kind, value } = name;
            let mut claims = tenants.iter().flat_map(|tenant| tenant.claims.iter().rev());
            claims
                .find(|claim| claim.webhook == *webhook && claim.kind == *kind && claim.value == *value)
                .map(|claim| claim.holder)
        };
        Ok(names.iter().map(holder).collect())
    }

    async fn fetch_payloads(&self, workspace: WorkspaceId, ids: &[IntakeId]) -> Read<Vec<Option<Payload>>> {
        fetch!(self, workspace, FetchesPayloadsOfAnyone, payloads, ids)
    }
}

#[async_trait]
impl RejectionRepository for Model {
    async fn fetch_rejections(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Read<Vec<Option<Rejection>>> {
        fetch!(self, workspace, FetchesRejectionsOfAnyone, rejections, ids)
    }

    async fn list_rejections(
        &self,
        workspace: WorkspaceId,
        filter: &RejectionFilter,
        page: &PageRequest,
    ) -> Read<Page<Rejection>> {
        list!(self, workspace, ListsRejectionsOfAnyone, rejections, page, |row| filter.matches(row))
    }
}

#[async_trait]
impl AppointmentRepository for Model {
    async fn fetch_appointments(
        &self,
        workspace: WorkspaceId,
        ids: &[AppointmentId],
    ) -> Read<Vec<Option<Appointment>>> {
        fetch!(self, workspace, FetchesAppointmentsOfAnyone, appointments, ids)
    }

    async fn list_appointments(
        &self,
        workspace: WorkspaceId,
        filter: &AppointmentFilter,
        page: &PageRequest,
    ) -> Read<Page<Appointment>> {
        let mut filter = filter.clone();
        if self.makes(Bug::ClosesRangesOfTime) {
            filter.until = filter.until.map(|until| until + TimeDelta::microseconds(1));
        }
        list!(self, workspace, ListsAppointmentsOfAnyone, appointments, page, |row| filter.matches(row))
    }
}

#[async_trait]
impl ConversionRepository for Model {
    async fn fetch_conversions(
        &self,
        workspace: WorkspaceId,
        ids: &[ConversionId],
    ) -> Read<Vec<Option<Conversion>>> {
        fetch!(self, workspace, FetchesConversionsOfAnyone, conversions, ids)
    }

    async fn list_conversions(
        &self,
        workspace: WorkspaceId,
        filter: &ConversionFilter,
        page: &PageRequest,
    ) -> Read<Page<Conversion>> {
        list!(self, workspace, ListsConversionsOfAnyone, conversions, page, |row| filter.matches(row))
    }
}

#[async_trait]
impl DeliveryRepository for Model {
    async fn fetch_deliveries(
        &self,
        workspace: WorkspaceId,
        ids: &[DeliveryId],
    ) -> Read<Vec<Option<Delivery>>> {
        fetch!(self, workspace, FetchesDeliveriesOfAnyone, deliveries, ids)
    }

    async fn list_deliveries(
        &self,
        workspace: WorkspaceId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Read<Page<Delivery>> {
        list!(self, workspace, ListsDeliveriesOfAnyone, deliveries, page, |row| filter.matches(row))
    }

    async fn next_deliveries(
        &self,
        workspace: WorkspaceId,
        endpoints: &[EndpointId],
        limit: usize,
    ) -> Read<Vec<Delivery>> {
        let tenants = self.seen(workspace, Bug::GivesNextDeliveriesOfAnyone);
        let mut rows: Vec<_> = tenants.iter().flat_map(|tenant| tenant.deliveries.clone()).collect();
        rows.retain(|row| row.next_attempt_at.is_some());
        if !self.makes(Bug::TriesDeliveriesInNoOrder) {
            rows.sort_by_key(|row| (row.next_attempt_at, row.id));
        }
        let of = |endpoint: &EndpointId| {
            let own = rows.iter().filter(|row| row.endpoint == *endpoint);
            own.take(limit).cloned().collect::<Vec<_>>()
        };
        let next = endpoints.iter().flat_map(of);
        if self.makes(Bug::LimitsDeliveriesOfAllEndpoints) {
            return Ok(next.take(limit).collect());
        }
        Ok(next.collect())
    }
}

#[async_trait]
impl EventLog for Model {
    async fn history(
        &self,
        workspace: WorkspaceId,
        stream: StreamRef,
        page: &PageRequest,
    ) -> Read<Page<Event>> {
        let tenants = self.seen(workspace, Bug::ShowsHistoriesOfAnyone);
        let events = tenants.iter().flat_map(|tenant| tenant.events.clone());
        let own: Vec<Event> = events.filter(|event| event.version_in(stream).is_some()).collect();
        let version = |event: &Event| event.version_in(stream).map_or(0, |version| version.0);
        Ok(self.page(own, page, |row| version(row).into(), |row| Cursor::number(version(row)), |_| true))
    }

    async fn feed(&self, workspace: WorkspaceId, after: Position, limit: usize) -> Read<Vec<Event>> {
        let tenants = self.seen(workspace, Bug::ShowsTheFeedOfAnyone);
        let again = self.makes(Bug::FeedsTheLastAgain);
        let mut events: Vec<Event> = tenants.iter().flat_map(|tenant| tenant.events.clone()).collect();
        let last = events.len() as u64;
        if self.makes(Bug::ShowsTheLaterFirst) && last.is_multiple_of(2) {
            events.retain(|event| event.position.0 + 1 != last);
        }
        events.retain(|event| event.position > after || (again && event.position == after));
        events.truncate(limit);
        Ok(events)
    }

    async fn head(&self, workspace: WorkspaceId) -> Read<Option<Head>> {
        let tenants = self.state().live.clone();
        let Some(tenant) = tenants.iter().find(|tenant| tenant.id == workspace) else { return Ok(None) };
        let mut feed = tenant.events.last().map_or(Position(0), |event| event.position);
        if self.makes(Bug::HeadLagsBehind) {
            feed.0 -= 1;
        }
        Ok(Some(Head { feed, contacts: tenant.contacts.len() as u64 + tenant.wasted, config: tenant.config }))
    }

    async fn heads(&self, after: Option<WorkspaceId>, limit: usize) -> Read<Vec<FeedHead>> {
        let state = self.state();
        let behind = self.makes(Bug::ShowsFeedsBehind);
        let tenants = if behind { &state.before } else { &state.live };
        let mut heads = Vec::new();
        for tenant in tenants {
            let again = self.makes(Bug::ShowsTheLastFeedAgain) && after == Some(tenant.id);
            let is_next = after.is_none_or(|after| tenant.id > after) || again;
            let is_hidden = tenant.workspaces.iter().any(|row| row.deleted_at.is_some())
                && self.makes(Bug::ShowsNoFeedsOfTheDeleted);
            if is_next && !is_hidden {
                let feed = tenant.events.last().map_or(Position(0), |event| event.position);
                heads.push(FeedHead { workspace: tenant.id, feed });
            }
        }
        if !self.makes(Bug::SortsNoFeeds) {
            heads.sort_by_key(|head| head.workspace);
        }
        heads.truncate(limit);
        Ok(heads)
    }

    async fn wait(&self, seen: Tick) -> Read<Tick> {
        let seen = match self.makes(Bug::WaitsForTheNext) && seen != Tick::default() {
            true => self.bell.wait(Tick::default()).await,
            false => seen,
        };
        Ok(self.bell.wait(seen).await)
    }
}

#[async_trait]
impl AnalyticsRepository for Model {
    async fn report(&self, workspace: WorkspaceId, query: &ReportQuery) -> Read<Vec<Rollup>> {
        let ReportQuery { cube, from, to } = *query;
        let mut rows: Vec<Rollup> = Vec::new();
        for tenant in self.seen(workspace, Bug::ReportsOnAnyone) {
            for one in tenant.counts.iter().filter(|one| one.cube == cube && one.day >= from && one.day <= to)
            {
                if one.day == to && self.makes(Bug::LeavesOutTheLastDay) {
                    continue;
                }
                let found = rows.iter().position(|row| row.day == one.day && row.dims == one.dims);
                let place = found.unwrap_or_else(|| {
                    let n = [0; Measure::SLOTS];
                    rows.push(Rollup { cube, day: one.day, dims: one.dims.clone(), n, last_at: None });
                    rows.len() - 1
                });
                let row = &mut rows[place];
                row.n.iter_mut().zip(one.n).for_each(|(sum, n)| *sum += n);
                let latest = if self.makes(Bug::KeepsTheLastTimeCounted) {
                    one.at.or(row.last_at)
                } else {
                    row.last_at.max(one.at)
                };
                row.last_at = latest;
            }
        }
        if !self.makes(Bug::SortsNoReport) {
            rows.sort_by(|one, other| (one.day, &one.dims).cmp(&(other.day, &other.dims)));
        }
        if self.makes(Bug::SortsReportsByLocale) {
            let locale = |dims: &[String; 3]| dims.clone().map(|dim| dim.to_lowercase().replace('é', "e"));
            rows.sort_by_key(|row| (row.day, locale(&row.dims)));
        }
        Ok(rows)
    }
}

#[async_trait]
impl Records for Model {
    async fn fetch_records(&self, workspace: WorkspaceId, kind: &str, keys: &[String]) -> Read<Vec<Record>> {
        let tenants = self.seen(workspace, Bug::FetchesRecordsOfAnyone);
        if kind == BUSY_KIND {
            let days = |tenant: &Arc<Tenant>| -> Vec<Record> {
                keys.iter().filter_map(|key| Self::busy_day(tenant, key)).collect()
            };
            return Ok(tenants.iter().flat_map(days).collect());
        }
        let records = tenants.iter().flat_map(|tenant| &tenant.records);
        Ok(records.filter(|record| record.kind == kind && keys.contains(&record.key)).cloned().collect())
    }

    async fn fetch_used(
        &self,
        workspace: WorkspaceId,
        counters: &[(String, DateTime<Utc>)],
    ) -> Read<Vec<i64>> {
        let tenants = self.seen(workspace, Bug::FetchesCountersOfAnyone);
        let used = |(key, window): &(String, DateTime<Utc>)| {
            let counted = tenants.iter().flat_map(|tenant| &tenant.counted);
            counted.filter(|it| it.key == *key && it.window == *window).map(|it| it.n).sum()
        };
        Ok(counters.iter().map(used).collect())
    }
}
