use std::fmt::Debug;

use convio_core::{Corrections, NewWebhook, RawLead, RepeatAction, WebhookSettings};
use serde_json::json;

use crate::plans::{Plans, commit};
use crate::{Snapshot, Subject, World, rejected, taken};

pub(crate) async fn rows_and_events_show_no_personal_datum_in_debug(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let secret = convio_core::webhook::WebhookSecret::of(SECRET);
    acme.create_webhook(NewWebhook::named("safe").with(|settings| settings.secret = Some(secret)))
        .await
        .unwrap();
    taken(acme.ingest(personal(PHONE).webhook("safe").secret(SECRET)).await);
    let refused = rejected(acme.ingest(personal("12")).await);
    let corrected = Corrections::default().set("phone", PHONE).set("first_name", NAME);
    hides(&acme.correct(refused.id, corrected).await.unwrap());
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    for event in &snapshot.feed {
        hides(&event);
    }
    hides(&snapshot);
    hides(
        &world.store().load(&convio_core::Needs::of(acme.id(), [convio_core::Need::Config])).await.unwrap(),
    );
}

pub(crate) async fn answers_and_errors_show_no_personal_datum(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let secret = convio_core::webhook::WebhookSecret::of(SECRET);
    acme.create_webhook(NewWebhook::named("safe").with(|settings| settings.secret = Some(secret)))
        .await
        .unwrap();
    let mut settings = WebhookSettings::default();
    settings.repeat.action = RepeatAction::Reject;
    acme.configure_webhook("direct", settings).await.unwrap();
    hides(&acme.ingest(personal(PHONE).idempotency_key("a")).await.unwrap());
    let error =
        acme.ingest(personal("12").webhook("safe").secret("wrong-secret-of-theirs")).await.unwrap_err();
    hides(&error);
    assert!(!error.to_string().contains("wrong-secret-of-theirs"));
    for raw in [personal("12"), personal(PHONE), RawLead::json(format!("{NAME} {PHONE} {MAIL}"))] {
        let answer = acme.ingest(raw.clone()).await.unwrap();
        hides(&raw);
        for reason in &answer.accepted().unwrap_err().reasons {
            hides(reason);
        }
        hides(&answer);
    }
    let error = acme.ingest(personal("12").idempotency_key("a")).await.unwrap_err();
    hides(&error);
    hides(&error.to_string());
}

pub(crate) async fn what_a_store_refuses_shows_no_personal_datum(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    let raw = || personal(PHONE).idempotency_key("a");
    commit(&*world.store(), plans.ingest(raw()).changes).await.unwrap();
    let mut conflict = plans.ingest(personal(PHONE)).changes;
    conflict.records.push(plans.write_record("absent", 4, Some(3)));
    let mut misuse = plans.ingest(personal(PHONE)).changes;
    misuse.events.clear();
    let mut stale = plans.ingest(personal(PHONE)).changes;
    stale.config = Some(convio_core::ConfigVersion(99));
    let mut exists = plans.ingest(personal(PHONE)).changes;
    exists.payloads.push(exists.payloads[0].clone());
    for changes in [conflict, misuse, stale, exists, plans.ingest(raw()).changes] {
        hides(&changes);
        let error = commit(&*world.store(), changes).await.unwrap_err();
        hides(&error);
        hides(&error.to_string());
        let error = convio_core::Error::from(error);
        hides(&error);
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            hides(&cause.to_string());
            source = cause.source();
        }
    }
}

/// A lead in which every personal field is one of a few words that stand nowhere else.
fn personal(phone: &str) -> RawLead {
    let body = json!({
        "firstName": NAME, "lastName": NAME, "phone": phone, "email": MAIL, "street": STREET, "address2": STREET,
        "city": CITY, "customerId": PERSON, "remark": NAME, "nested": {"remark": [NAME, MAIL]},
    });
    RawLead::json(body.to_string()).header("X-Name", NAME)
}

#[track_caller]
fn hides(value: &dyn Debug) {
    let text = format!("{value:?} {value:#?}");
    for word in [NAME, MAIL, PHONE, &PHONE[2..], STREET, CITY, PERSON, SECRET] {
        assert!(!text.contains(word), "`{word}` is shown: {text}");
    }
}

const NAME: &str = "Zyxwvut";
const MAIL: &str = "qwerty@asdfgh.com";
const PHONE: &str = "+12122345678";
const STREET: &str = "Yxcvbnm Street 77";
const CITY: &str = "Hgfdsatown";
const PERSON: &str = "person-0815-4711";
const SECRET: &str = "jumped-over-the-lazy-dog";
