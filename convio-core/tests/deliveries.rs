//! EVT-6, EVT-7: a journey told to endpoints, event by event. What is personal is told by `full` alone.
#![cfg(all(feature = "delivery", feature = "service", feature = "phone"))]

use convio_core::delivery::{
    Cause, Delivery, DeliveryStatus, EventFilter, Guard, Health, NewEndpoint, PayloadKind, Request, Response,
    SendError, SignedHeaders, SigningSecret, Transport, Verifier, event_body,
};
use convio_core::event::Event;
use convio_core::{
    Convio, FixedClock, NewAppointment, NewWorkspace, Position, RawLead, Schedule, SequentialIds,
    WebhookSettings, WorkspaceHandle,
};
use convio_store_memory::MemoryStore;
use pollster::block_on;

const PERSONAL: [&str; 5] = ["Lovelace", "ada@acme.com", "2125550123", "Secret Road", "likes tea"];

fn acme() -> WorkspaceHandle<'static> {
    let clock = FixedClock("2027-01-01T12:00:00Z".parse().unwrap());
    let convio = Convio::with(MemoryStore::new(), clock, SequentialIds::seeded(1));
    block_on(convio.create_workspace(NewWorkspace::named("Acme"))).unwrap()
}

fn journey(acme: &WorkspaceHandle<'static>) -> Vec<Event> {
    let lead = r#"{"phone":"+12125550123","first_name":"Ada","last_name":"Lovelace","email":"ada@acme.com","hobby":"likes tea"}"#;
    block_on(async {
        let lead = acme.ingest(RawLead::json(lead)).await.unwrap().into_accepted().unwrap().lead;
        let at = Schedule::local("2027-02-02T10:00", "UTC").unwrap();
        acme.book(lead, NewAppointment::at(at).location("1 Secret Road")).await.unwrap();
        let refused = acme.ingest(RawLead::json(r#"{"last_name":"Lovelace","phone":"12"}"#)).await.unwrap();
        assert!(refused.into_accepted().is_err());
        let mut webhook = WebhookSettings::default();
        webhook.secret = Some(convio_core::webhook::WebhookSecret::of("1f0d9f7e6c5b4a39"));
        acme.configure_webhook("direct", webhook).await.unwrap();
        acme.feed(Position(0), 100).await.unwrap()
    })
}

#[test]
fn what_is_personal_is_told_in_full_alone() {
    let events = journey(&acme());
    let told = |kind| {
        let bodies: Vec<String> =
            events.iter().map(|event| String::from_utf8(event_body(event, kind).unwrap()).unwrap()).collect();
        bodies.join("\n")
    };
    let (thin, facts, full) = (told(PayloadKind::Thin), told(PayloadKind::Facts), told(PayloadKind::Full));
    for personal in PERSONAL {
        assert!(!thin.contains(personal) && !facts.contains(personal), "{personal}");
        assert!(full.contains(personal), "{personal}");
    }
    let hash = convio_core::Fingerprint::of_bytes(b"1f0d9f7e6c5b4a39").to_hex();
    assert!(!full.contains(&hash));
    assert!(thin.len() < facts.len() && facts.len() < full.len());
    for event in &events {
        for kind in [PayloadKind::Thin, PayloadKind::Facts, PayloadKind::Full] {
            let body: serde_json::Value = serde_json::from_slice(&event_body(event, kind).unwrap()).unwrap();
            assert_eq!(body["type"], event.body.kind());
            assert_eq!(body["data"]["position"], event.position.0);
        }
    }
}

/// A receiver that answers every second request, and verifies them all.
struct Receiver {
    secret: SigningSecret,
    now: convio_core::chrono::DateTime<convio_core::chrono::Utc>,
    seen: std::sync::Mutex<Vec<(String, Vec<u8>)>>,
}

#[async_trait::async_trait]
impl Transport for Receiver {
    async fn send(&self, request: &Request) -> Result<Response, SendError> {
        let signed = SignedHeaders::read(|name| request.header(name)).unwrap();
        let verifier = Verifier::of(self.secret.clone()).tolerance_seconds(u32::MAX);
        verifier.verify(&signed, &request.body, self.now).unwrap();
        let mut seen = self.seen.lock().unwrap();
        seen.push((signed.id, request.body.clone()));
        if seen.len() % 2 == 1 { Err(SendError::Timeout) } else { Ok(Response::new(200)) }
    }
}

/// All of it, as a driver of one thread would do it.
#[test]
fn a_journey_is_delivered_event_by_event() {
    let acme = acme();
    let events = journey(&acme);
    let (ids, guard) = (SequentialIds::seeded(2), Guard::new());
    let start = events[0].at;
    let secret = SigningSecret::new(&ids);
    let endpoint = NewEndpoint::to("https://hooks.example.com/in")
        .with(|settings| settings.events = EventFilter::only(["lead.", "appointment.booked"]))
        .signed_by(convio_core::delivery::SecretSource::reference("acme"))
        .create(acme.id(), start, &ids, &guard)
        .unwrap();
    let receiver = Receiver { secret: secret.clone(), now: start, seen: std::sync::Mutex::default() };
    let transport: &dyn Transport = &receiver;
    let mut health = Health::default();
    let wanted: Vec<&Event> = events.iter().filter(|event| endpoint.takes(event.body.kind())).collect();
    assert_eq!(wanted.len(), 3, "two leads, of which one was rejected, and an appointment");
    for event in &wanted {
        let cause = Cause::Event(event.position);
        let mut delivery = Delivery::new(cause, event.body.kind(), &endpoint, event.at, start);
        while let Some(now) = delivery.next_attempt_at {
            let sending = delivery.begin(now, &endpoint, &health).unwrap();
            let keys = endpoint.signing.keys(now, &|name| (name == "acme").then(|| secret.clone())).unwrap();
            let body = event_body(event, endpoint.settings.payload).unwrap();
            let request = sending.request(now, &endpoint, &keys, &guard, body).unwrap();
            let outcome = block_on(transport.send(&request));
            let answered = sending.answered(now, &outcome, &endpoint, &health).unwrap();
            assert_eq!((answered.disable, answered.notices.len()), (None, 0));
            (delivery, health) = (answered.delivery, answered.health);
        }
        assert_eq!((delivery.status, delivery.attempts_made), (DeliveryStatus::Success, 2));
    }
    let seen = receiver.seen.into_inner().unwrap();
    assert_eq!(seen.len(), 2 * wanted.len());
    assert!(seen.chunks(2).all(|pair| pair[0] == pair[1]), "the same id and body each time");
}
