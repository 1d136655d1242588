//! Into another workspace of the same store.

use serde_json::{Map, Value, json};

use super::Courier;
use crate::appointment::{Appointment, NewAppointment};
use crate::contact::Contact;
use crate::delivery::{Delivered, Delivery, Destination, Endpoint, Outcome, Response, person_fields};
use crate::error::{Error, ErrorKind, Reason};
use crate::event::Actor;
use crate::id::{DeliveryId, WorkspaceId};
use crate::lead::{Lead, RawLead};
use crate::use_case::ConfigSnapshot;
use crate::use_case::ingest::Ingested;
use crate::workspace::{Grant, Told};

impl Courier<'_> {
    /// Gives a lead to the workspace that an endpoint is, if that grants it. Under the delivery's id, which is the external id there, it is taken
    /// once. Where it came through that workspace already it is not: two that forward to each other would never end.
    pub(super) async fn hand_over(
        &self,
        delivery: &Delivery,
        endpoint: &Endpoint,
        (lead, raw): (&Lead, RawLead),
    ) -> Result<(Outcome, Option<Delivered>), Error> {
        let Destination::Workspace(to) = endpoint.settings.to else {
            return Err(Error::bug("a URL takes no lead"));
        };
        if came_through(lead).split(' ').any(|id| id == to.to_string()) {
            return Ok((refused(422, "came_from_there"), None));
        }
        let there = self.acme.neighbour(to).caused_by(format!("delivery:{}", delivery.id));
        let there = there.acting_as(Actor::user(format!("workspace:{}", delivery.workspace)));
        let config = match there.current_config().await {
            Ok(config) => config,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((refused(403, "unknown"), None)),
            Err(error) => return Ok((failed(&error), None)),
        };
        let Some(grant) = grant_to(&config, delivery.workspace) else {
            return Ok((refused(403, "not_granted"), None));
        };
        match there.ingest(raw.webhook(grant.webhook.clone())).await {
            Ok(taken) => Ok(told(&taken)),
            Err(error) => Ok((failed(&error), None)),
        }
    }
}

/// What a workspace lets another one do.
pub(super) fn grant_to(config: &ConfigSnapshot, other: WorkspaceId) -> Option<&Grant> {
    config.workspace.settings.policy.grants.iter().find(|grant| grant.to == other)
}

/// Whether what becomes of a delivery is told.
pub(super) fn tells(grant: &Grant) -> bool {
    grant.told >= Told::Steps
}

/// What a workspace gives another one. Its own sources and campaigns mean nothing there, so they are told beside: who takes it has sources of
/// their own.
pub(super) fn raw_lead(
    config: &ConfigSnapshot,
    delivery: &Delivery,
    lead: &Lead,
    contact: &Contact,
    appointment: Option<&Appointment>,
) -> RawLead {
    let mut fields: Map<String, Value> = Map::clone(&lead.custom.0);
    fields.extend(person_fields(&contact.person));
    fields.extend(lead.postal_code.as_ref().map(|code| ("postal_code".to_owned(), json!(code))));
    fields.extend(lead.interest.product.as_ref().map(|product| ("product".to_owned(), json!(product))));
    fields.insert("lead_type".to_owned(), json!(lead.interest.lead_type));
    fields.insert("delivered_by".to_owned(), json!(config.workspace.settings.name));
    let through = format!("{} {}", came_through(lead), delivery.workspace);
    fields.insert(THROUGH.to_owned(), json!(through.trim_start()));
    fields.insert("delivered_source".to_owned(), json!(lead.interest.source));
    let id = external_id(delivery.workspace, delivery.id);
    let mut raw =
        RawLead::json(Value::Object(fields).to_string()).external_id(id.clone()).idempotency_key(id);
    raw.test = lead.test;
    let Some(row) = appointment else { return raw };
    let mut new = NewAppointment::at(row.schedule.clone()).of_type(row.appointment_type.clone());
    if let Some(location) = &row.location {
        new = new.location(location);
    }
    raw.appointment(new.booked_at(row.booked_at))
}

/// The workspaces that a lead was delivered by, one after the other.
fn came_through(lead: &Lead) -> &str {
    lead.custom.0.get(THROUGH).and_then(Value::as_str).unwrap_or_default()
}

/// The external id of what a delivery becomes.
fn external_id(owner: WorkspaceId, delivery: DeliveryId) -> String {
    format!("{EXTERNAL_ID}{owner}/{delivery}")
}

/// The delivery that a lead came by, and whose it is, if it came by one.
pub(super) fn came_by(lead: &Lead) -> Option<(WorkspaceId, DeliveryId)> {
    let rest = lead.interest.external_id.as_deref()?.strip_prefix(EXTERNAL_ID)?;
    let (owner, delivery) = rest.split_once('/')?;
    Some((owner.parse().ok()?, delivery.parse().ok()?))
}

/// What a workspace answers, as an endpoint of the web would.
fn told(taken: &Ingested) -> (Outcome, Option<Delivered>) {
    match taken {
        Ingested::Created(accepted) | Ingested::Linked(accepted) => {
            let delivered = Delivered { lead: accepted.lead, appointment: accepted.appointment };
            let body = json!({ "lead": delivered.lead, "appointment": delivered.appointment });
            (answer(201, &body), Some(delivered))
        }
        Ingested::Replayed(first) => told(first),
        Ingested::Duplicate(refused) => {
            (answer(409, &json!({ "rejection": refused.id, "duplicate": true })), None)
        }
        Ingested::Rejected(refused) => {
            (answer(422, &json!({ "rejection": refused.id, "reasons": codes(&refused.reasons) })), None)
        }
    }
}

fn failed(error: &Error) -> Outcome {
    let (status, why) = match error.kind() {
        ErrorKind::Denied => (403, "denied"),
        ErrorKind::NotFound => (404, "not_found"),
        ErrorKind::Invalid => (422, "invalid"),
        _ => (503, "not_now"),
    };
    answer(status, &json!({ "error": why, "reasons": codes(error.reasons()) }))
}

fn refused(status: u16, why: &str) -> Outcome {
    answer(status, &json!({ "error": why }))
}

/// Fields and codes: messages may show what was sent.
fn codes(reasons: &[Reason]) -> Vec<Value> {
    reasons.iter().map(|reason| json!({ "field": reason.field, "code": reason.code })).collect()
}

fn answer(status: u16, body: &Value) -> Outcome {
    Ok(Response::new(status).body(body.to_string()))
}

/// The field that tells the workspaces that a lead was delivered by.
const THROUGH: &str = "delivered_through";
/// What the external ids of leads begin with that came by a delivery.
const EXTERNAL_ID: &str = "convio/";
