use convio_core::event::EventBody;
use convio_core::lead::Format;
use convio_core::rejection::RejectionFilter;
use convio_core::{
    Corrections, ErrorKind, Ingested, IntakeId, KeyKind, NewWebhook, PageRequest, PhonePolicy, RawLead,
    RejectionState, StreamRef, Subject as Aggregate, Version,
};
use serde_json::json;

use crate::{Subject, World, codes, created, lead, lead_with, linked, phone, rejected, replayed, taken};

pub(crate) async fn every_reason_is_given_at_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let new = NewWebhook::named("strict").with(|settings| {
        settings.strict = true;
        settings.keys = vec![KeyKind::Phone, KeyKind::Email];
    });
    let webhook = acme.create_webhook(new).await.unwrap();
    let raw = r#"{"phone":"12","email":"nobody","zip":"!!!","product":"Solar"}"#;
    let refused = rejected(acme.ingest(RawLead::json(raw).webhook("strict")).await);
    let fields: Vec<&str> = refused.reasons.iter().map(|reason| reason.field.as_str()).collect();
    assert_eq!(fields, ["phone", "email", "postal_code"]);
    let row = acme.rejection(refused.id).await.unwrap().unwrap();
    assert_eq!((row.id, row.webhook, &row.reasons), (refused.id, webhook.id, &refused.reasons));
    assert_eq!((row.state, row.version, row.duplicate_of), (RejectionState::Held, Version(1), None));
    assert_eq!(row.corrections, Corrections::default());
    // No contact, no lead.
    assert_eq!(world.store().head(acme.id()).await.unwrap().unwrap().contacts, 0);
    assert_eq!(acme.lead(refused.id.lead()).await.unwrap(), None);
}

pub(crate) async fn a_strict_webhook_rejects_what_others_flag(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for (name, strict) in [("strict", true), ("lax", false)] {
        let new = NewWebhook::named(name).with(|settings| settings.strict = strict);
        acme.create_webhook(new).await.unwrap();
    }
    let valid = NewWebhook::named("valid").with(|settings| settings.phone = PhonePolicy::Valid);
    acme.create_webhook(valid).await.unwrap();
    let raw = || lead_with(1, json!({"email": "nobody"}));
    let flagged = created(acme.ingest(raw().webhook("lax")).await);
    assert_eq!(flagged.flags[0].field, "email");
    assert_eq!(rejected(acme.ingest(raw().webhook("strict")).await).reasons, flagged.flags);
    let possible = || RawLead::json(r#"{"phone":"+15551234567"}"#);
    created(acme.ingest(possible().webhook("strict")).await);
    let refused = rejected(acme.ingest(possible().webhook("valid")).await);
    assert_eq!(codes(&refused.reasons), ["phone/not_valid"]);
}

pub(crate) async fn a_payload_is_kept_byte_for_byte(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let everything: Vec<u8> = (0..=255).collect();
    let large = vec![b'x'; 256 * 1024];
    let bodies: [&[u8]; 8] = [
        b"",
        b"{",
        b"null",
        b"[1, 2]",
        b"\xEF\xBB\xBF{ \"phone\" : \"12\" }\r\n",
        b"\0",
        &everything,
        &large,
    ];
    for body in bodies {
        let refused = rejected(acme.ingest(RawLead::json(body)).await);
        let payload = acme.payload(refused.id).await.unwrap().unwrap();
        assert_eq!(*payload.body, body);
        assert_eq!((payload.id, payload.workspace, payload.format), (refused.id, acme.id(), Format::Json));
    }
    // What became a lead is kept as it came, too.
    let body = b"{\"phone\":\"+1 (212) 200-0001\",  \"x\": 1.0,\"x\":\"\\u00e9\"}\n";
    let accepted = taken(acme.ingest(RawLead::json(body)).await);
    assert_eq!(acme.payload(accepted.lead.intake()).await.unwrap().unwrap().body.as_slice(), body);
}

pub(crate) async fn rejections_are_listed_by_state(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut ids = Vec::new();
    for n in 1..=3 {
        let body = format!(r#"{{"email":"lead{n}@x.com"}}"#);
        ids.push(rejected(acme.ingest(RawLead::json(body)).await).id);
    }
    acme.correct(ids[1], Corrections::default().set("phone", phone(1))).await.unwrap();
    created(acme.release(ids[1]).await);
    let page = PageRequest::default();
    let list = async |filter: &RejectionFilter| -> Vec<IntakeId> {
        acme.rejections(filter, &page).await.unwrap().items.iter().map(|row| row.id).collect()
    };
    assert_eq!(list(&RejectionFilter::default()).await, ids);
    assert_eq!(list(&RejectionFilter::held()).await, [ids[0], ids[2]]);
    let mut released = RejectionFilter::default();
    released.state = Some(RejectionState::Released);
    assert_eq!(list(&released).await, [ids[1]]);
}

pub(crate) async fn a_corrected_rejection_becomes_a_lead_of_the_same_id(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let body = r#"{"firstName":"Ana","phone":"12","roof":"tile"}"#;
    let refused = rejected(acme.ingest(RawLead::json(body)).await);
    let row = acme.correct(refused.id, Corrections::default().set("phone", "12 34")).await.unwrap();
    assert_eq!((row.version, row.state), (Version(2), RejectionState::Held));
    // Still wrong: an answer, and nothing changes.
    let still = rejected(acme.release(refused.id).await);
    assert_eq!((still.id, still.reasons[0].field.as_str()), (refused.id, "phone"));
    assert_eq!(acme.rejection(refused.id).await.unwrap(), Some(row));
    // A second correction adds to the first one.
    let more = Corrections::default().set("phone", phone(1)).set("last_name", "Lima");
    let row = acme.correct(refused.id, more).await.unwrap();
    assert_eq!(row.corrections.0.len(), 2);

    let accepted = created(acme.release(refused.id).await);
    assert_eq!(accepted.lead, refused.id.lead());
    let contact =
        acme.contact(convio_core::contact::ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!(contact.person.first_name.as_deref(), Some("Ana"));
    assert_eq!(contact.person.last_name.as_deref(), Some("Lima"));
    assert_eq!(acme.lead(accepted.lead).await.unwrap().unwrap().custom.0["roof"], "tile");
    let row = acme.rejection(refused.id).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.version, &row.reasons),
        (RejectionState::Released, Version(4), &refused.reasons)
    );
    assert_eq!(acme.payload(refused.id).await.unwrap().unwrap().body.as_slice(), body.as_bytes());
    let history =
        acme.history(StreamRef::Subject(Aggregate::Rejection(refused.id)), &PageRequest::default()).await;
    let kinds: Vec<&str> = history.unwrap().items.iter().map(|event| event.body.kind()).collect();
    assert_eq!(kinds, ["lead.rejected", "rejection.corrected", "rejection.corrected", "rejection.released"]);
}

pub(crate) async fn a_second_release_is_answered_as_the_first(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    taken(acme.ingest(lead(1)).await);
    let refused = rejected(acme.ingest(lead_with(1, json!({"phone": "12"}))).await);
    acme.correct(refused.id, Corrections::default().set("phone", phone(1))).await.unwrap();
    let first = linked(acme.release(refused.id).await);
    let head = world.store().head(acme.id()).await.unwrap();
    assert_eq!(replayed(acme.release(refused.id).await), Ingested::Linked(first));
    assert_eq!(world.store().head(acme.id()).await.unwrap(), head);
    let late = acme.correct(refused.id, Corrections::default().set("phone", phone(2))).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
}

pub(crate) async fn corrections_of_unknown_fields_are_all_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let refused = rejected(acme.ingest(RawLead::json("{}")).await);
    let wrong = Corrections::default().set("fon", "1").set("phone", phone(1)).set("zap", "2");
    let error = acme.correct(refused.id, wrong).await.unwrap_err();
    assert_eq!(
        (error.kind(), codes(error.reasons())),
        (ErrorKind::Invalid, vec!["fon/unknown".into(), "zap/unknown".into()])
    );
    assert_eq!(acme.rejection(refused.id).await.unwrap().unwrap().version, Version(1));
    let unknown = IntakeId::from_uuid(uuid::Uuid::from_u128(7));
    assert_eq!(acme.correct(unknown, Corrections::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(acme.release(unknown).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub(crate) async fn an_unreadable_payload_is_released_by_corrections_that_say_it_all(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let refused = rejected(acme.ingest(RawLead::json("first name: Ana")).await);
    assert_eq!(codes(&refused.reasons), ["payload/unreadable"]);
    assert_eq!(rejected(acme.release(refused.id).await).reasons, refused.reasons);
    acme.correct(refused.id, Corrections::default().set("first_name", "Ana").set("phone", phone(1)))
        .await
        .unwrap();
    created(acme.release(refused.id).await);
}

pub(crate) async fn a_rejection_leaves_the_external_id_free_and_a_release_claims_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let wrong = |phone: &str| lead_with(1, json!({"phone": phone})).external_id("x");
    let refused = rejected(acme.ingest(wrong("12")).await);
    let other = rejected(acme.ingest(wrong("13")).await);
    assert_ne!(refused.id, other.id);
    for id in [refused.id, other.id] {
        acme.correct(id, Corrections::default().set("phone", phone(1))).await.unwrap();
    }
    let released = created(acme.release(refused.id).await);
    assert_eq!(acme.lead(released.lead).await.unwrap().unwrap().interest.external_id.as_deref(), Some("x"));
    assert_eq!(acme.ingest(lead(1).external_id("x")).await.unwrap_err().kind(), ErrorKind::Conflict);
    // Both came under one name: only one becomes a lead.
    assert_eq!(acme.release(other.id).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(acme.rejection(other.id).await.unwrap().unwrap().state, RejectionState::Held);
}

pub(crate) async fn a_released_lead_keeps_its_time_and_its_test_mark(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let then = chrono::DateTime::from_timestamp(1_700_000_000, 123_000).unwrap();
    let refused = rejected(acme.ingest(RawLead::json("{}").received_at(then).test()).await);
    world.clock.advance(chrono::TimeDelta::days(3));
    acme.correct(refused.id, Corrections::default().set("phone", phone(1))).await.unwrap();
    let accepted = created(acme.release(refused.id).await);
    let row = acme.lead(accepted.lead).await.unwrap().unwrap();
    assert_eq!((row.received_at, row.test), (then, true));
    assert_eq!(row.created_at, convio_core::Clock::now(&world.clock));
    let history = acme.history(StreamRef::Lead(row.id), &PageRequest::default()).await.unwrap().items;
    assert!(matches!(&history[0].body, EventBody::LeadReceived(received) if received.received_at == then));
}
