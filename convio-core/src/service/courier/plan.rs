//! From events to deliveries.

use std::collections::BTreeMap;

use super::Courier;
use crate::change_set::Write;
use crate::delivery::{APPOINTMENTS_KIND, Cause, Delivery, Endpoint, LEADS_KIND};
use crate::error::Error;
use crate::event::{Event, EventBody};
use crate::id::DeliveryId;
use crate::routing::{Decision, Target};
use crate::service::drive::Permit;
use crate::service::endpoints::routed;
use crate::service::{TRIES_MAX, WorkspaceHandle};
use crate::store::CommitError;
use crate::use_case::{ConfigSnapshot, routing_request};

impl Courier<'_> {
    /// Makes what is to be delivered of the next events; `None` where there are none.
    pub(super) async fn make(
        &mut self,
        permit: Permit,
        config: &ConfigSnapshot,
    ) -> Result<Option<usize>, Error> {
        let acme = self.acme.clone();
        let Some(batch) = self.feed.poll().await? else { return Ok(None) };
        let mut wanted = BTreeMap::new();
        for event in batch.events() {
            acme.tell(permit, config, event).await?;
            for delivery in acme.deliveries_of(permit, config, event).await? {
                wanted.entry(delivery.id).or_insert(delivery);
            }
        }
        let made = acme.keep_new(permit, wanted).await?;
        batch.ack().await?;
        Ok(Some(made))
    }
}

impl WorkspaceHandle<'_> {
    /// What is to be delivered because of an event.
    async fn deliveries_of(
        &self,
        permit: Permit,
        config: &ConfigSnapshot,
        event: &Event,
    ) -> Result<Vec<Delivery>, Error> {
        let (kind, now) = (event.body.kind(), self.now());
        // What happened before somebody asked for it is not delivered.
        let asked = |endpoint: &&Endpoint| endpoint.takes(kind) && event.at >= endpoint.created_at;
        let of_event = |endpoint: &Endpoint| {
            let cause = Cause::Event(event.position);
            Delivery::new(cause, kind, endpoint, event.at, now).about(event.lead_id())
        };
        let mut wanted: Vec<Delivery> = config.endpoints.iter().filter(asked).map(of_event).collect();
        match &event.body {
            EventBody::AppointmentBooked(booked) => {
                wanted.extend(of_appointment(config, event, &booked.routing, now));
            }
            EventBody::AppointmentAssigned { routing, .. } | EventBody::AppointmentRouted { routing, .. } => {
                wanted.extend(of_appointment(config, event, routing, now));
            }
            EventBody::LeadReceived(received) => {
                let webhook = config.webhook_by_id(received.webhook);
                let forwarding = webhook.map(|webhook| &webhook.settings.forwarding);
                let forwarding = forwarding.filter(|it| it.active && !it.rules.is_empty() && !received.test);
                if let (Some(forwarding), Some(lead)) = (forwarding, event.lead_id()) {
                    let found = self.store(permit).fetch_leads(self.id(), &[lead]).await?;
                    let Some(row) = found.into_iter().next().flatten() else { return Ok(wanted) };
                    let person = received.person();
                    let request = routing_request(&row, person, None, None, None, received.received_at);
                    let endpoints = forwarding.endpoints(&request).into_iter();
                    // Whoever reads the feed again forwards no lead that came in before there was anywhere to forward it to.
                    let open = endpoints
                        .filter_map(|name| config.endpoint(name).ok())
                        .filter(|it| it.is_open() && event.at >= it.created_at);
                    wanted.extend(open.map(|endpoint| routed(Cause::Lead(lead), LEADS_KIND, endpoint, now)));
                }
            }
            _ => {}
        }
        Ok(wanted)
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

/// The delivery of an appointment that was routed to an endpoint.
fn of_appointment(
    config: &ConfigSnapshot,
    event: &Event,
    routing: &Decision,
    now: chrono::DateTime<chrono::Utc>,
) -> Option<Delivery> {
    let Some(crate::event::Subject::Appointment(id)) = event.subject() else { return None };
    let Some(Target::Endpoint(name)) = &routing.target else { return None };
    let endpoint = config.endpoint(name).ok().filter(|endpoint| endpoint.is_open())?;
    let delivery = routed(Cause::Appointment(id), APPOINTMENTS_KIND, endpoint, now);
    Some(delivery.about(event.lead_id()))
}
