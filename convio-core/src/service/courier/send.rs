//! From deliveries to receivers.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Courier, Sent};
use crate::contact::ContactRef;
use crate::delivery::{
    Answered, Cause, Delivered, Delivery, Destination, Endpoint, Health, Outcome, SendError, event_body,
    routed_body,
};
use crate::error::{Error, ErrorKind};
use crate::event::Position;
use crate::id::DeliveryId;
use crate::record::{HEALTH_KIND, Record};
use crate::routing::Target;
use crate::service::TRIES_MAX;
use crate::service::drive::Permit;
use crate::service::endpoints::update;
use crate::store::CommitError;
use crate::use_case::{ConfigSnapshot, disable, health_write};

/// How an endpoint does, as it was read.
type KeptHealth = (Health, Option<Record>);

/// What an attempt is about.
pub(super) enum Parcel {
    /// This body goes to a URL.
    Body(Vec<u8>),
    /// This lead goes to another workspace.
    Lead(Box<(crate::lead::Lead, crate::lead::RawLead)>),
    /// There is nothing to be delivered any more.
    Gone,
}

impl Courier<'_> {
    /// Tries the delivery that is due and that nobody else tries; `None` where there is none.
    pub(super) async fn send(
        &mut self,
        permit: Permit,
        config: &ConfigSnapshot,
    ) -> Result<Option<Sent>, Error> {
        self.due = None;
        let now = self.acme.now();
        // What still waits for a deleted one is called off.
        let is_asked = |it: &&Endpoint| it.refusal().is_none() || it.deleted_at.is_some();
        let open: Vec<&Endpoint> = config.endpoints.iter().filter(is_asked).collect();
        if open.is_empty() {
            return Ok(None);
        }
        let healths = self.healths(permit, &open).await?;
        let throttled = |endpoint: &Endpoint| {
            healths
                .get(&endpoint.name)
                .and_then(|(health, _)| health.throttled_until)
                .filter(|until| *until > now)
        };
        let ids: Vec<_> = open.iter().filter(|it| throttled(it).is_none()).map(|it| it.id).collect();
        let mut due: Option<DateTime<Utc>> = open.iter().filter_map(|it| throttled(it)).min();
        let mut next = self.acme.store(permit).next_deliveries(self.acme.id(), &ids, LOOKED_AT).await?;
        next.sort_by_key(|delivery| delivery.next_attempt_at);
        let endpoint_of = |delivery: &Delivery| open.iter().find(|endpoint| endpoint.id == delivery.endpoint);
        let is_in_vain = |delivery: &Delivery| {
            delivery.sending_since.is_none()
                && endpoint_of(delivery).is_some_and(|it| it.deleted_at.is_some())
        };
        let is_ready =
            |delivery: &Delivery| delivery.is_due(now) || delivery.is_lost(now) || is_in_vain(delivery);
        let (ready, waiting): (Vec<Delivery>, Vec<Delivery>) = next.into_iter().partition(is_ready);
        due = due.into_iter().chain(waiting.iter().filter_map(|delivery| delivery.next_attempt_at)).min();
        self.due = due;
        for delivery in ready {
            let Some(endpoint) = endpoint_of(&delivery) else { continue };
            if is_in_vain(&delivery) {
                return self.call_off(permit, delivery.id).await;
            }
            if delivery.is_lost(now) {
                match self.answer(permit, &delivery, &Err(SendError::Lost), None).await? {
                    Some(sent) => return Ok(Some(sent)),
                    None => continue,
                }
            }
            let health = healths.get(&endpoint.name).map(|(health, _)| health.clone()).unwrap_or_default();
            let Some(sending) = self.begin(&delivery, endpoint, &health).await? else { continue };
            let (outcome, delivered) = match self.parcel(permit, config, &sending, endpoint).await? {
                Parcel::Gone => return self.call_off(permit, sending.id).await,
                Parcel::Body(body) => (self.transmit(&sending, endpoint, body).await?, None),
                Parcel::Lead(it) => self.hand_over(&sending, endpoint, (&it.0, it.1)).await?,
            };
            if let Some(sent) = self.answer(permit, &sending, &outcome, delivered).await? {
                return Ok(Some(sent));
            }
        }
        Ok(None)
    }

    /// Ends a delivery of what is no more, or to an endpoint that is no more. One that has ended meanwhile stays as it is.
    async fn call_off(&self, permit: Permit, id: DeliveryId) -> Result<Option<Sent>, Error> {
        let cancel = |delivery: &Delivery, now| match delivery.status.is_final() {
            true => Ok(delivery.clone()),
            false => delivery.cancel(now),
        };
        let delivery = self.acme.change_delivery(permit, id, cancel).await?;
        Ok(Some(Sent { delivery, notices: Vec::new() }))
    }

    /// Takes a delivery to be sent; `None` where someone else was faster.
    async fn begin(
        &self,
        delivery: &Delivery,
        endpoint: &Endpoint,
        health: &Health,
    ) -> Result<Option<Delivery>, Error> {
        // A secret that is not where it should be is waited for, and costs no attempt.
        let is_url = matches!(endpoint.settings.to, Destination::Url(_));
        let keys = endpoint.signing.keys(self.acme.now(), &|name| (self.vault)(name));
        let mut changes = self.acme.changes();
        let next = match is_url && keys.is_err() {
            true => delivery.postpone(changes.at + TimeDelta::seconds(SECRET_SECONDS))?,
            false => delivery.begin(changes.at, endpoint, health)?,
        };
        let begun = next.sending_since.is_some();
        let next = update(&mut changes, delivery, next);
        match self.acme.commit_one(changes).await {
            Ok(_) => Ok(Some(next).filter(|_| begun)),
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What is to be delivered, as it is now.
    async fn parcel(
        &self,
        permit: Permit,
        config: &ConfigSnapshot,
        delivery: &Delivery,
        endpoint: &Endpoint,
    ) -> Result<Parcel, Error> {
        let unwritable = |error: serde_json::Error| Error::bug(error.to_string());
        let store = self.acme.store(permit);
        let (lead, appointment) = match delivery.cause {
            Cause::Event(Position(at)) => {
                let found = store.feed(self.acme.id(), Position(at.saturating_sub(1)), 1).await?;
                let Some(event) = found.first() else { return Ok(Parcel::Gone) };
                let body = event_body(event, endpoint.settings.payload).map_err(unwritable)?;
                return Ok(Parcel::Body(body));
            }
            Cause::Lead(lead) => (lead, None),
            Cause::Appointment(id) => {
                let found = store.fetch_appointments(self.acme.id(), &[id]).await?;
                let Some(row) = found.into_iter().next().flatten() else { return Ok(Parcel::Gone) };
                // It went to someone else meanwhile, or it is over.
                let is_its = row.routing.target == Some(Target::endpoint(endpoint.name.clone()));
                if !is_its || !row.status.is_open() {
                    return Ok(Parcel::Gone);
                }
                (row.lead, Some(row))
            }
        };
        let found = store.fetch_leads(self.acme.id(), &[lead]).await?;
        let Some(lead) = found.into_iter().next().flatten().filter(|lead| lead.deleted_at.is_none()) else {
            return Ok(Parcel::Gone);
        };
        let found = store.fetch_contacts(self.acme.id(), &[ContactRef::Id(lead.contact)]).await?;
        let Some(contact) = found.into_iter().next().flatten() else { return Ok(Parcel::Gone) };
        Ok(match endpoint.settings.to {
            Destination::Url(_) => {
                let (payload, who) = (endpoint.settings.payload, (&lead, &contact));
                Parcel::Body(routed_body(delivery, who, appointment.as_ref(), payload).map_err(unwritable)?)
            }
            Destination::Workspace(_) => {
                let raw = super::local::raw_lead(config, delivery, &lead, &contact, appointment.as_ref());
                Parcel::Lead(Box::new((lead, raw)))
            }
        })
    }

    /// Sends a body once.
    async fn transmit(
        &self,
        delivery: &Delivery,
        endpoint: &Endpoint,
        body: Vec<u8>,
    ) -> Result<Outcome, Error> {
        let now = self.acme.now();
        let Ok(keys) = endpoint.signing.keys(now, &|name| (self.vault)(name)) else {
            return Ok(Err(SendError::Lost));
        };
        match delivery.request(now, endpoint, &keys, &self.guard, body) {
            Ok(request) => Ok(self.transport.send(&request).await),
            Err(error) if error.kind() == ErrorKind::Invalid => Ok(Err(SendError::Refused)),
            Err(error) => Err(error),
        }
    }

    /// Keeps what came of an attempt: the delivery, how its endpoint does, and that it is disabled, in one commit. `None` where
    /// it was cancelled or given up meanwhile.
    async fn answer(
        &self,
        permit: Permit,
        sending: &Delivery,
        outcome: &Outcome,
        delivered: Option<Delivered>,
    ) -> Result<Option<Sent>, Error> {
        for _ in 0..TRIES_MAX {
            let config = self.acme.current_config().await?;
            let endpoint = config.endpoints.iter().find(|endpoint| endpoint.id == sending.endpoint);
            let endpoint = endpoint.ok_or_else(|| Error::bug("an endpoint is gone"))?;
            let healths = self.healths(permit, &[endpoint]).await?;
            let (health, record) = healths.get(&endpoint.name).cloned().unwrap_or_default();
            let mut changes = self.acme.changes();
            let answered = sending.answered(changes.at, outcome, endpoint, &health)?;
            let Answered { mut delivery, health: next, disable: disabled, notices } = answered;
            delivery.delivered = delivered.or(delivery.delivered);
            let delivery = update(&mut changes, sending, delivery);
            if is_worth_keeping(&health, &next) {
                changes.records.push(health_write(endpoint, record.as_ref(), &next)?);
            }
            if let Some(disabled) = disabled {
                disable(&mut changes, endpoint, &disabled)?;
            }
            match self.acme.commit_one(changes).await {
                Ok(_) => return Ok(Some(Sent { delivery, notices })),
                Err(CommitError::Conflict { .. }) => {
                    let there = self.acme.delivery_of(permit, sending.id).await?;
                    if there.is_none_or(|there| there.version != sending.version) {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::conflict("the endpoint was changed by someone else again and again"))
    }

    async fn healths(
        &self,
        permit: Permit,
        endpoints: &[&Endpoint],
    ) -> Result<BTreeMap<String, KeptHealth>, Error> {
        let names: Vec<String> = endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        let records = self.acme.store(permit).fetch_records(self.acme.id(), HEALTH_KIND, &names).await?;
        let read = |record: Record| Ok((record.key.clone(), (record.read()?, Some(record))));
        records.into_iter().map(read).collect()
    }
}

/// Whether this is to be written. Success after success is noted once a minute: otherwise all couriers would contend for one record.
fn is_worth_keeping(before: &Health, next: &Health) -> bool {
    let same = before.failing_since == next.failing_since && before.throttled_until == next.throttled_until;
    let is_fresh = |at: DateTime<Utc>| {
        next.succeeded_at.is_some_and(|next| next - at < TimeDelta::seconds(SUCCESS_NOTED_SECONDS))
    };
    !(same && next.failures == before.failures && before.succeeded_at.is_some_and(is_fresh))
}

/// Deliveries of each endpoint that are looked at: as many couriers find work at once.
const LOOKED_AT: usize = 16;
/// How long a delivery waits for a secret that is not where it should be.
const SECRET_SECONDS: i64 = 60;
/// How often a success is noted where nothing else changes.
const SUCCESS_NOTED_SECONDS: i64 = 60;
