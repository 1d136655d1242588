//! What can be read of a workspace. Every call asks for [`Permission::Read`].

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use uuid::Uuid;

use super::WorkspaceHandle;
use super::drive::Permit;
use crate::api_key::Permission;
use crate::appointment::{Appointment, AppointmentFilter, Chain, Drift, MOVES_MAX};
use crate::change_set::{ClaimKind, ClaimName, Version};
use crate::contact::{Contact, ContactFilter, ContactKey, ContactRef, KeyKind};
use crate::conversion::{Conversion, ConversionFilter};
use crate::error::Error;
use crate::event::{Event, EventBody, Head, Position, StreamRef, Subject};
use crate::id::{AppointmentId, ContactId, ConversionId, IntakeId, LeadId, WebhookId, WorkspaceId};
use crate::lead::{Lead, LeadFilter, Payload};
use crate::page::{Cursor, PAGE_ITEMS_MAX, Page, PageRequest};
use crate::phone::Phone;
use crate::provider::Provider;
use crate::rejection::{Rejection, RejectionFilter};
use crate::routing::{Decision, RoutingRequest, RuleSet};
use crate::store::Store;
use crate::webhook::Webhook;
use crate::workspace::Workspace;

impl<'s> WorkspaceHandle<'s> {
    /// The store, for who may read.
    pub(super) async fn reader(&self) -> Result<&(dyn Store + 's), Error> {
        Ok(self.store(self.permit(Permission::Read).await?))
    }

    /// The workspace; `None` where there is none.
    pub async fn workspace(&self) -> Result<Option<Workspace>, Error> {
        Ok(one(self.reader().await?.fetch_workspaces(&[self.id()]).await?))
    }

    /// The webhook of this name, deleted ones included.
    pub async fn webhook(&self, name: &str) -> Result<Option<Webhook>, Error> {
        self.reader().await?;
        let config = self.current_config().await?;
        Ok(config.webhook(name).ok().cloned())
    }

    /// The provider of this name.
    pub async fn provider(&self, name: &str) -> Result<Option<Provider>, Error> {
        self.reader().await?;
        Ok(self.current_config().await?.provider(name).ok().cloned())
    }

    /// All providers, by id.
    pub async fn providers(&self) -> Result<Vec<Provider>, Error> {
        self.reader().await?;
        Ok(self.current_config().await?.providers.clone())
    }

    /// All webhooks, deleted ones included, by id.
    pub async fn webhooks(&self, page: &PageRequest) -> Result<Page<Webhook>, Error> {
        Ok(self.reader().await?.list_webhooks(self.id(), page).await?)
    }

    /// A contact, by id, number or key: of one that was merged the one that it became.
    pub async fn contact(&self, contact: ContactRef) -> Result<Option<Contact>, Error> {
        let store = self.reader().await?;
        let found = one(store.fetch_contacts(self.id(), &[contact]).await?);
        match found {
            Some(row) if row.merged_into.is_some() => {
                let key = ContactRef::Key(ContactKey::of_merged(row.id));
                Ok(one(store.fetch_contacts(self.id(), &[key]).await?))
            }
            found => Ok(found),
        }
    }

    /// Contacts, by id.
    pub async fn contacts(&self, filter: &ContactFilter, page: &PageRequest) -> Result<Page<Contact>, Error> {
        Ok(self.reader().await?.list_contacts(self.id(), filter, page).await?)
    }

    /// The keys of a contact; like leads, appointments and conversions, those of a merged one are the other's that it became.
    pub async fn contact_keys(&self, contact: ContactId) -> Result<Vec<ContactKey>, Error> {
        let keys = self.reader().await?.contact_keys(self.id(), contact).await?;
        match self.became(Some(contact), keys.is_empty()).await? {
            None => Ok(keys),
            Some(contact) => Ok(self.reader().await?.contact_keys(self.id(), contact).await?),
        }
    }

    /// The contact that a merged one became, where nothing was found of it.
    pub(super) async fn became(
        &self,
        contact: Option<ContactId>,
        found_nothing: bool,
    ) -> Result<Option<ContactId>, Error> {
        match contact.filter(|_| found_nothing) {
            Some(contact) => self.survivor(self.permit(Permission::Read).await?, contact).await,
            None => Ok(None),
        }
    }

    /// A lead.
    pub async fn lead(&self, lead: LeadId) -> Result<Option<Lead>, Error> {
        Ok(one(self.reader().await?.fetch_leads(self.id(), &[lead]).await?))
    }

    /// The leads of a phone number, in E.164, across all contacts that have it: one per scope.
    pub async fn leads_of_phone(&self, phone: &Phone) -> Result<Vec<Lead>, Error> {
        let store = self.reader().await?;
        let filter = ContactFilter {
            phone: Some(phone.e164().to_owned()),
            with_merged: true,
            ..ContactFilter::default()
        };
        let contacts = store.list_contacts(self.id(), &filter, &PageRequest::first(PAGE_ITEMS_MAX)).await?;
        // Contacts that were merged are known by one of their numbers, and found by all of them.
        let config = self.current_config().await?;
        let key = |scope| ContactKey { scope, kind: KeyKind::Phone, value: phone.e164().to_owned() };
        let keys: Vec<_> = config.key_scopes().into_iter().map(|scope| ContactRef::Key(key(scope))).collect();
        let by_key = store.fetch_contacts(self.id(), &keys).await?;
        let mut ids = BTreeSet::new();
        for row in contacts.items.into_iter().chain(by_key.into_iter().flatten()) {
            let merged = row.merged_into.is_some();
            ids.insert(self.became(Some(row.id), merged).await?.unwrap_or(row.id));
        }
        let mut leads = Vec::new();
        for id in ids {
            let of_contact = LeadFilter::of_contact(id);
            let page = PageRequest::first(PAGE_ITEMS_MAX);
            leads.extend(store.list_leads(self.id(), &of_contact, &page).await?.items);
        }
        Ok(leads)
    }

    /// The contacts made on a day of the workspace's zone, by id.
    pub async fn contacts_created_on(
        &self,
        day: NaiveDate,
        page: &PageRequest,
    ) -> Result<Page<Contact>, Error> {
        let (from, until) = self.days(day, day).await?;
        self.contacts(&ContactFilter::created_between(from, until), page).await
    }

    /// The appointments that start within these days of the workspace's zone, both included, by id.
    pub async fn appointments_on(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        page: &PageRequest,
    ) -> Result<Page<Appointment>, Error> {
        let (from, until) = self.days(from, to).await?;
        self.appointments(&AppointmentFilter::between(from, until), page).await
    }

    /// The lead that came through this webhook under this id of the sender's; `None` also while it waits as a rejection.
    pub async fn lead_by_external_id(&self, webhook: &str, id: &str) -> Result<Option<Lead>, Error> {
        let Some(webhook) = self.webhook(webhook).await? else { return Ok(None) };
        let holder = self.holder(Some(webhook.id), ClaimKind::ExternalId, id).await?;
        match holder {
            Some(holder) => self.lead(LeadId::from_uuid(holder)).await,
            None => Ok(None),
        }
    }

    /// The appointments still to take place whose zones have other rules now than when they were booked, with what became of their
    /// times: to be asked after a release with a newer time zone database. Nothing is moved; [`Drift`] says what can be done. The
    /// page counts the appointments that are looked at, all that start from now on, by id; the answer has those that drifted, and
    /// where to go on.
    pub async fn drifted_appointments(
        &self,
        page: &PageRequest,
    ) -> Result<Page<(Appointment, Drift)>, Error> {
        let filter = AppointmentFilter { from: Some(self.now()), ..AppointmentFilter::default() };
        let Page { items, next } = self.appointments(&filter, page).await?;
        let open = items.into_iter().filter(|appointment| appointment.status.is_open());
        let drifted = open.filter_map(|row| row.schedule.drift().map(|drift| (row, drift)));
        Ok(Page { items: drifted.collect(), next })
    }

    /// The appointment that was booked under this id of the caller's.
    pub async fn appointment_by_external_id(&self, id: &str) -> Result<Option<Appointment>, Error> {
        match self.holder(None, ClaimKind::Appointment, id).await? {
            Some(holder) => self.appointment(AppointmentId::from_uuid(holder)).await,
            None => Ok(None),
        }
    }

    /// The conversion that was recorded under this id of the caller's, voided or not.
    pub async fn conversion_by_external_id(&self, id: &str) -> Result<Option<Conversion>, Error> {
        match self.holder(None, ClaimKind::Conversion, id).await? {
            Some(holder) => self.conversion(ConversionId::from_uuid(holder)).await,
            None => Ok(None),
        }
    }

    /// An appointment.
    pub async fn appointment(&self, id: AppointmentId) -> Result<Option<Appointment>, Error> {
        Ok(one(self.reader().await?.fetch_appointments(self.id(), &[id]).await?))
    }

    /// An appointment with all those that it was moved from; `None` where there is none. Each move costs a read.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when it was moved more than [`MOVES_MAX`] times.
    pub async fn appointment_chain(&self, id: AppointmentId) -> Result<Option<Chain>, Error> {
        Ok(one(self.appointment_chains(&[id]).await?))
    }

    /// Appointments with all those that each was moved from, in the same order and number; `None` where there is none. They are
    /// read together: as many reads as the one that was moved most often has appointments, times the thousands of ids.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when one was moved more than [`MOVES_MAX`] times.
    pub async fn appointment_chains(&self, ids: &[AppointmentId]) -> Result<Vec<Option<Chain>>, Error> {
        let store = self.reader().await?;
        let mut chains = Vec::with_capacity(ids.len());
        for ids in ids.chunks(PAGE_ITEMS_MAX) {
            chains.extend(chains_of(store, self.id(), ids).await?);
        }
        Ok(chains)
    }

    /// A conversion, voided ones included.
    pub async fn conversion(&self, id: ConversionId) -> Result<Option<Conversion>, Error> {
        Ok(one(self.reader().await?.fetch_conversions(self.id(), &[id]).await?))
    }

    /// Leads, by id, deleted ones left out unless the filter says otherwise.
    pub async fn leads(&self, filter: &LeadFilter, page: &PageRequest) -> Result<Page<Lead>, Error> {
        let found = self.reader().await?.list_leads(self.id(), filter, page).await?;
        match self.became(filter.contact, found.items.is_empty()).await? {
            None => Ok(found),
            contact => {
                let filter = LeadFilter { contact, ..filter.clone() };
                Ok(self.reader().await?.list_leads(self.id(), &filter, page).await?)
            }
        }
    }

    /// What came in, byte for byte, whether it became a lead or a rejection.
    pub async fn payload(&self, intake: IntakeId) -> Result<Option<Payload>, Error> {
        Ok(one(self.reader().await?.fetch_payloads(self.id(), &[intake]).await?))
    }

    /// A rejection.
    pub async fn rejection(&self, id: IntakeId) -> Result<Option<Rejection>, Error> {
        Ok(one(self.reader().await?.fetch_rejections(self.id(), &[id]).await?))
    }

    /// Rejections, by id.
    pub async fn rejections(
        &self,
        filter: &RejectionFilter,
        page: &PageRequest,
    ) -> Result<Page<Rejection>, Error> {
        Ok(self.reader().await?.list_rejections(self.id(), filter, page).await?)
    }

    /// Appointments, by id.
    pub async fn appointments(
        &self,
        filter: &AppointmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Appointment>, Error> {
        let found = self.reader().await?.list_appointments(self.id(), filter, page).await?;
        match self.became(filter.contact, found.items.is_empty()).await? {
            None => Ok(found),
            contact => {
                let filter = AppointmentFilter { contact, ..filter.clone() };
                Ok(self.reader().await?.list_appointments(self.id(), &filter, page).await?)
            }
        }
    }

    /// Conversions, by id.
    pub async fn conversions(
        &self,
        filter: &ConversionFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversion>, Error> {
        let found = self.reader().await?.list_conversions(self.id(), filter, page).await?;
        match self.became(filter.contact, found.items.is_empty()).await? {
            None => Ok(found),
            contact => {
                let filter = ConversionFilter { contact, ..filter.clone() };
                Ok(self.reader().await?.list_conversions(self.id(), &filter, page).await?)
            }
        }
    }

    /// The routing rules in force; version 0 when none were published.
    pub async fn rules(&self) -> Result<RuleSet, Error> {
        self.reader().await?;
        Ok(RuleSet::clone(self.current_config().await?.rules_at(self.now()).rules()))
    }

    /// The routing rules of an earlier publication, as its event keeps them; `None` where there was none.
    pub async fn rules_at(&self, version: Version) -> Result<Option<RuleSet>, Error> {
        let permit = self.permit(Permission::Read).await?;
        self.publication(permit, version).await
    }

    pub(super) async fn publication(
        &self,
        permit: Permit,
        version: Version,
    ) -> Result<Option<RuleSet>, Error> {
        let Some(before) = version.0.checked_sub(1) else { return Ok(None) };
        let stream = StreamRef::Subject(Subject::Rules(self.id()));
        let page = PageRequest { after: (before > 0).then(|| Cursor::number(before)), limit: 1 };
        let found = self.store(permit).history(self.id(), stream, &page).await?;
        Ok(found.items.into_iter().next().and_then(|event| match event.body {
            EventBody::RulesPublished(rules) => Some(rules),
            _ => None,
        }))
    }

    /// Where the rules in force would send a request now, and why, by what caps and turns have come to. Nothing is written.
    pub async fn explain(&self, request: &RoutingRequest) -> Result<Decision, Error> {
        let store = self.reader().await?;
        let config = self.current_config().await?;
        let rules = config.rules_at(self.now());
        let counters = rules.counters(request, &[]);
        if counters.is_empty() {
            return Ok(rules.decide(request));
        }
        let used = store.fetch_used(self.id(), &counters).await?;
        let used = |key: &str, window: DateTime<Utc>| {
            let found = counters.iter().position(|(of, at)| of == key && *at == window);
            found.and_then(|n| used.get(n)).copied().ok_or_else(|| Error::bug("a counter was not named"))
        };
        rules.decide_with(request, &[], used)
    }

    /// The events of one aggregate, oldest first.
    pub async fn history(&self, stream: StreamRef, page: &PageRequest) -> Result<Page<Event>, Error> {
        Ok(self.reader().await?.history(self.id(), stream, page).await?)
    }

    /// The workspace's events after a position, in order and without a gap. Keep the position of the last one you have
    /// dealt with, and ask again from there: each event is seen at least once, and none is missed.
    pub async fn feed(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        Ok(self.reader().await?.feed(self.id(), after, PageRequest::first(limit).size()).await?)
    }

    /// Where the workspace stands: the position of its last event tells whether anything happened. `None` where there is no
    /// such workspace.
    pub async fn head(&self) -> Result<Option<Head>, Error> {
        Ok(self.reader().await?.head(self.id()).await?)
    }
}

impl WorkspaceHandle<'_> {
    async fn holder(
        &self,
        webhook: Option<WebhookId>,
        kind: ClaimKind,
        value: &str,
    ) -> Result<Option<Uuid>, Error> {
        let name = ClaimName { webhook, kind, value: value.to_owned() };
        Ok(one(self.reader().await?.fetch_holders(self.id(), &[name]).await?))
    }

    /// When the first of these days starts in the workspace's zone, and when the last one has ended.
    async fn days(&self, from: NaiveDate, to: NaiveDate) -> Result<(DateTime<Utc>, DateTime<Utc>), Error> {
        let config = self.current_config().await?;
        let midnight = |day: NaiveDate| config.workspace.settings.zone.local(day.and_time(NaiveTime::MIN)).at;
        Ok((midnight(from), midnight(to.succ_opt().unwrap_or(to))))
    }
}

/// One read for the appointments, and one for those that each round of them was moved from.
async fn chains_of(
    store: &dyn Store,
    workspace: WorkspaceId,
    ids: &[AppointmentId],
) -> Result<Vec<Option<Chain>>, Error> {
    // The last one first, as they are found.
    let mut found: Vec<Vec<Appointment>> = vec![Vec::new(); ids.len()];
    let mut wanted: Vec<(usize, AppointmentId)> = ids.iter().copied().enumerate().collect();
    while !wanted.is_empty() {
        let round: Vec<_> = wanted.iter().map(|(_, id)| *id).collect();
        let rows = store.fetch_appointments(workspace, &round).await?;
        let mut before = Vec::new();
        for ((n, _), row) in wanted.into_iter().zip(rows) {
            let Some(row) = row else { continue };
            before.extend(row.rescheduled_from.map(|id| (n, id)));
            found[n].push(row);
            if found[n].len() > MOVES_MAX + 1 {
                let message = format!("an appointment was moved more than {MOVES_MAX} times");
                return Err(Error::conflict(message));
            }
        }
        wanted = before;
    }
    let chain = |mut rows: Vec<Appointment>| {
        rows.reverse();
        (!rows.is_empty()).then(|| Chain::of(rows)).transpose()
    };
    found.into_iter().map(chain).collect()
}

fn one<T>(rows: Vec<Option<T>>) -> Option<T> {
    rows.into_iter().next().flatten()
}
