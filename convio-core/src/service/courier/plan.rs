//! From events to deliveries.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::Courier;
use super::report::is_told;
use crate::change_set::Write;
use crate::delivery::{APPOINTMENTS_KIND, Cause, Delivery, Endpoint, LEADS_KIND};
use crate::error::Error;
use crate::event::{Event, EventBody};
use crate::id::{DeliveryId, LeadId};
use crate::lead::Lead;
use crate::routing::{Decision, Target};
use crate::service::drive::Permit;
use crate::service::endpoints::routed;
use crate::service::{TRIES_MAX, WorkspaceHandle};
use crate::store::CommitError;
use crate::use_case::{ConfigSnapshot, routing_request};
use crate::webhook::Forwarding;

impl Courier<'_> {
    /// Makes what is to be delivered of the next events; `None` where there are none.
    pub(super) async fn make(
        &mut self,
        permit: Permit,
        config: &ConfigSnapshot,
    ) -> Result<Option<usize>, Error> {
        let acme = self.acme.clone();
        let Some(batch) = self.feed.poll().await? else { return Ok(None) };
        let leads = acme.leads_of(permit, config, batch.events()).await?;
        let mut wanted = BTreeMap::new();
        for event in batch.events() {
            let lead = event.lead_id().and_then(|id| leads.get(&id));
            if let Some(lead) = lead {
                acme.tell(permit, config, event, lead).await?;
            }
            for delivery in deliveries_of(config, event, lead, acme.now()) {
                wanted.entry(delivery.id).or_insert(delivery);
            }
        }
        let made = acme.keep_new(permit, wanted).await?;
        batch.ack().await?;
        Ok(Some(made))
    }
}

impl WorkspaceHandle<'_> {
    /// The leads that must be known to tell what follows from these events.
    async fn leads_of(
        &self,
        permit: Permit,
        config: &ConfigSnapshot,
        events: &[Event],
    ) -> Result<BTreeMap<LeadId, Lead>, Error> {
        let asks = |event: &&Event| is_told(config, event) || forwarding_of(config, event).is_some();
        let ids: BTreeSet<LeadId> = events.iter().filter(asks).filter_map(Event::lead_id).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let ids: Vec<LeadId> = ids.into_iter().collect();
        let found = self.store(permit).fetch_leads(self.id(), &ids).await?;
        Ok(found.into_iter().flatten().map(|lead| (lead.id, lead)).collect())
    }

    /// Keeps those deliveries that are not there yet. Answers how many.
    async fn keep_new(
        &self,
        permit: Permit,
        mut wanted: BTreeMap<DeliveryId, Delivery>,
    ) -> Result<usize, Error> {
        for _ in 0..TRIES_MAX {
            let ids: Vec<DeliveryId> = wanted.keys().copied().collect();
            if ids.is_empty() {
                return Ok(0);
            }
            let there = self.store(permit).fetch_deliveries(self.id(), &ids).await?;
            for row in there.into_iter().flatten() {
                wanted.remove(&row.id);
            }
            if wanted.is_empty() {
                return Ok(0);
            }
            let mut changes = self.changes();
            changes.deliveries.extend(wanted.values().cloned().map(Write::Insert));
            match self.commit_one(changes).await {
                Ok(_) => return Ok(wanted.len()),
                // Somebody forwarded one of them by hand meanwhile.
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::conflict("deliveries were made by someone else again and again"))
    }
}

/// What is to be delivered because of an event.
fn deliveries_of(
    config: &ConfigSnapshot,
    event: &Event,
    lead: Option<&Lead>,
    now: DateTime<Utc>,
) -> Vec<Delivery> {
    let kind = event.body.kind();
    // What happened before somebody asked for it is not delivered. Nor does whoever reads the feed again forward a lead that came in
    // before there was anywhere to forward it to.
    let is_new_to = |endpoint: &&Endpoint| event.at >= endpoint.created_at;
    let of_event = |endpoint: &Endpoint| {
        let cause = Cause::Event(event.position);
        Delivery::new(cause, kind, endpoint, event.at, now).about(event.lead_id())
    };
    let takers = config.endpoints.iter().filter(|endpoint| endpoint.takes(kind));
    let mut wanted: Vec<Delivery> = takers.filter(is_new_to).map(of_event).collect();
    match &event.body {
        EventBody::AppointmentBooked(booked) => {
            wanted.extend(of_appointment(config, event, &booked.routing, now));
        }
        EventBody::AppointmentAssigned { routing, .. } | EventBody::AppointmentRouted { routing, .. } => {
            wanted.extend(of_appointment(config, event, routing, now));
        }
        EventBody::LeadReceived(received) => {
            if let (Some(forwarding), Some(lead)) = (forwarding_of(config, event), lead) {
                let request =
                    routing_request(lead, received.person(), None, None, None, received.received_at);
                let named = forwarding.endpoints(&request).into_iter();
                let open = named.filter_map(|name| config.endpoint(name).ok()).filter(|it| it.is_open());
                let of_lead = |endpoint| routed(Cause::Lead(lead.id), LEADS_KIND, endpoint, now);
                wanted.extend(open.filter(is_new_to).map(of_lead));
            }
        }
        _ => {}
    }
    wanted
}

/// The rules that a lead which has come in is forwarded by, if it may be.
fn forwarding_of<'c>(config: &'c ConfigSnapshot, event: &Event) -> Option<&'c Forwarding> {
    let EventBody::LeadReceived(received) = &event.body else { return None };
    let forwarding = &config.webhook_by_id(received.webhook)?.settings.forwarding;
    Some(forwarding).filter(|it| it.active && !it.rules.is_empty() && !received.test)
}

/// The delivery of an appointment that was routed to an endpoint.
fn of_appointment(
    config: &ConfigSnapshot,
    event: &Event,
    routing: &Decision,
    now: DateTime<Utc>,
) -> Option<Delivery> {
    let Some(crate::event::Subject::Appointment(id)) = event.subject() else { return None };
    let Some(Target::Endpoint(name)) = &routing.target else { return None };
    let endpoint = config.endpoint(name).ok().filter(|endpoint| endpoint.is_open())?;
    let delivery = routed(Cause::Appointment(id), APPOINTMENTS_KIND, endpoint, now);
    Some(delivery.about(event.lead_id()))
}
