use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{BODY_BYTES_MAX, PayloadKind};
use crate::contact::ContactNumber;
use crate::event::{Event, Link};
use crate::id::{LeadId, WorkspaceId};

/// The body that tells an event, as Standard Webhooks has it: JSON of a `type`, a `timestamp` (when it happened, RFC 3339 in UTC, with
/// microseconds) and `data`.
///
/// | in `data` | | thin | facts | full |
/// |---|---|---|---|---|
/// | `payload` | how much is told: `thin`, `facts` or `full` | yes | yes | yes |
/// | `workspace`, `position` | whose event it is, and its place in the feed | yes | yes | yes |
/// | `contact`, `lead` | `id`, and `version` if the event changed it | yes | yes | yes |
/// | `subject` | what else it is about: `kind`, `id`, `version` | yes | yes | yes |
/// | `contact_number`, `duplicate_of` | what the commit decided | yes | yes | yes |
/// | `actor`, `request`, `causation` | who did it, and on what occasion | | yes | yes |
/// | `facts` | the event's facts, as stores keep them | | yes | yes |
/// | `personal` | its personal part | | | yes |
///
/// What is not there is left out, and a personal part that was erased is not there. Events of webhooks, endpoints and API keys are
/// always told thin, since their facts have hashes of secrets in them; so is one that would be longer than [`BODY_BYTES_MAX`].
///
/// ```
/// use convio_core::delivery::{PayloadKind, event_body};
/// # use convio_core::{Event, EventBody, Origin, Position, SequentialIds, WorkspaceId};
/// # let ids = SequentialIds::seeded(1);
/// # let at = "2027-03-02T10:00:00Z".parse()?;
/// # let event = Event {
/// #     workspace: WorkspaceId::new(&ids, at), position: Position(7), at, origin: Origin::default(),
/// #     body: EventBody::LeadAssigned { owner: Some("ann".to_owned()) },
/// #     contact: None, lead: None, about: None, contact_number: None, duplicate_of: None,
/// # };
/// let body: serde_json::Value = serde_json::from_slice(&event_body(&event, PayloadKind::Facts)?)?;
/// assert_eq!(body["type"], "lead.assigned");
/// assert_eq!(body["timestamp"], "2027-03-02T10:00:00.000000Z");
/// assert_eq!(body["data"]["facts"]["owner"], "ann");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The event can't be written as JSON.
pub fn event_body(event: &Event, kind: PayloadKind) -> serde_json::Result<Vec<u8>> {
    let is_secret = SECRET_FAMILIES.iter().any(|family| event.body.kind().starts_with(family));
    let kind = if is_secret { PayloadKind::Thin } else { kind };
    let body = serde_json::to_vec(&Body::of(event, kind)?)?;
    match body.len() > BODY_BYTES_MAX {
        true => serde_json::to_vec(&Body::of(event, PayloadKind::Thin)?),
        false => Ok(body),
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    payload: PayloadKind,
    workspace: WorkspaceId,
    position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead: Option<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_number: Option<ContactNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<LeadId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    personal: Option<Value>,
}

#[derive(Serialize)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}

impl<'a> Body<'a> {
    fn of(event: &'a Event, payload: PayloadKind) -> serde_json::Result<Self> {
        let has_facts = payload != PayloadKind::Thin;
        let origin = Some(&event.origin).filter(|_| has_facts);
        let facts = if has_facts { Some(serde_json::from_str(&event.body.facts()?)?) } else { None };
        let personal = if payload == PayloadKind::Full { event.body.personal()? } else { None };
        let data = Data {
            payload,
            workspace: event.workspace,
            position: event.position.0,
            contact: event.contact.map(|link| row(link, link.id.uuid())),
            lead: event.lead.map(|link| row(link, link.id.uuid())),
            subject: event.about.map(|(subject, version)| Row {
                kind: Some(subject.kind()),
                id: subject.uuid(),
                version: Some(version.0),
            }),
            contact_number: event.contact_number,
            duplicate_of: event.duplicate_of,
            actor: origin.map(|origin| origin.actor.as_str()),
            request: origin.and_then(|origin| origin.request.as_deref()),
            causation: origin.and_then(|origin| origin.causation.as_deref()),
            facts,
            personal: personal.as_deref().map(serde_json::from_str).transpose()?,
        };
        let timestamp = event.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        Ok(Self { r#type: event.body.kind(), timestamp, data })
    }
}

fn row<I>(link: Link<I>, id: Uuid) -> Row {
    Row { kind: None, id, version: link.version.map(|version| version.0) }
}

/// The kinds of events whose facts have hashes of secrets in them, or may have.
const SECRET_FAMILIES: [&str; 3] = ["api_key.", "webhook.", "endpoint."];
