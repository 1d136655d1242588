use serde_json::{Value, json};

use super::*;
use crate::event::{Event, EventBody, Link, Origin, Subject};
use crate::id::{AppointmentId, ContactId, LeadId, WebhookId};
use crate::text::Private;
use crate::webhook::{WebhookSecret, WebhookSettings};
use crate::{Actor, ContactNumber, Version};

fn event(body: EventBody) -> Event {
    let ids = SequentialIds::seeded(5);
    let uuid = |n: u128| uuid::Uuid::from_u128(n);
    Event {
        workspace: WorkspaceId::from_uuid(uuid(1)),
        position: Position(7),
        at: after(0) + TimeDelta::microseconds(1_500),
        origin: Origin { actor: Actor::user("jane"), request: Some("r-1".to_owned()), causation: None },
        body,
        contact: Some(Link { id: ContactId::from_uuid(uuid(2)), version: None }),
        lead: Some(Link { id: LeadId::from_uuid(uuid(3)), version: Some(Version(4)) }),
        about: Some((Subject::Appointment(AppointmentId::new(&ids, start())), Version(1))),
        contact_number: ContactNumber::from_stored(123_456),
        duplicate_of: None,
    }
}

fn body(event: &Event, kind: PayloadKind) -> Value {
    serde_json::from_slice(&event_body(event, kind).unwrap()).unwrap()
}

#[test]
fn how_much_is_told_is_what_was_asked_for() {
    let noted = event(EventBody::LeadNoted { text: Some(Private("calls back".to_owned())) });
    let thin = body(&noted, PayloadKind::Thin);
    let mut data = json!({
        "payload": "thin",
        "workspace": "00000000-0000-0000-0000-000000000001",
        "position": 7,
        "contact": {"id": "00000000-0000-0000-0000-000000000002"},
        "lead": {"id": "00000000-0000-0000-0000-000000000003", "version": 4},
        "subject": {"kind": "appointment", "id": noted.subject().unwrap().uuid(), "version": 1},
        "contact_number": 123_456,
    });
    assert_eq!(thin, json!({"type": "lead.noted", "timestamp": "2027-03-02T10:00:00.001500Z", "data": data}));
    let more = json!({"payload": "facts", "actor": "user:jane", "request": "r-1", "facts": {}});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(body(&noted, PayloadKind::Facts)["data"], data);
    let more = json!({"payload": "full", "personal": "calls back"});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(body(&noted, PayloadKind::Full)["data"], data);
    let erased = event(EventBody::LeadNoted { text: None });
    assert_eq!(body(&erased, PayloadKind::Full)["data"]["personal"], Value::Null);
}

#[test]
fn type_timestamp_and_data_stand_in_this_order() {
    let text =
        String::from_utf8(event_body(&event(EventBody::LeadDeleted), PayloadKind::Thin).unwrap()).unwrap();
    assert!(text.starts_with(
        r#"{"type":"lead.deleted","timestamp":"2027-03-02T10:00:00.001500Z","data":{"payload":"thin","#
    ));
}

#[test]
fn hashes_of_secrets_are_never_told() {
    let secret = Some(WebhookSecret::of("1f0d9f7e6c5b4a39"));
    let settings = WebhookSettings { secret, ..WebhookSettings::default() };
    let hash = crate::Fingerprint::of_bytes(b"1f0d9f7e6c5b4a39").to_hex();
    let created = EventBody::WebhookCreated { name: "x".to_owned(), settings: settings.clone() };
    let configured = EventBody::WebhookConfigured { settings };
    let key = format!(r#"{{"name":"k","permissions":[],"hash":"{hash}"}}"#);
    let key = EventBody::from_parts("api_key.created", &key, None).unwrap();
    for secret in [created, configured, key, EventBody::WebhookDeleted, EventBody::ApiKeyRevoked] {
        let told = body(&event(secret), PayloadKind::Full);
        assert_eq!(told["data"]["payload"], "thin");
        assert!(!told.to_string().contains(&hash));
    }
    let id = WebhookId::from_uuid(uuid::Uuid::from_u128(9));
    let mut about = event(EventBody::WebhookDeleted);
    about.about = Some((Subject::Webhook(id), Version(2)));
    assert_eq!(body(&about, PayloadKind::Full)["data"]["subject"]["id"], id.to_string());
}

#[test]
fn an_event_that_is_too_long_is_told_thin() {
    let long = |bytes: usize| event(EventBody::LeadNoted { text: Some(Private("x".repeat(bytes))) });
    let told = |event: &Event| event_body(event, PayloadKind::Full).unwrap();
    let over = told(&long(BODY_BYTES_MAX));
    assert!(over.len() < 1_000);
    assert_eq!(body(&long(BODY_BYTES_MAX), PayloadKind::Full)["data"]["payload"], "thin");
    let room = BODY_BYTES_MAX - told(&long(0)).len();
    assert_eq!(told(&long(room)).len(), BODY_BYTES_MAX);
}
