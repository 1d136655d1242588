use convio_core::contact::ContactRef;
use convio_core::{
    ContactKey, DedupScope, KeyKind, KeyScope, NewWebhook, RawLead, WebhookSettings, WorkspaceHandle,
};
use serde_json::json;

use crate::{Subject, World, body_of, created, lead, lead_with, linked, phone, rejected, taken};

pub(crate) async fn six_spellings_of_one_number_are_one_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    in_region(&acme, "US").await;
    let contact = created(acme.ingest(spelt(SPELLINGS[0])).await).contact;
    for spelling in &SPELLINGS[1..] {
        assert_eq!(linked(acme.ingest(spelt(spelling)).await).contact, contact, "{spelling}");
    }
    assert_eq!(acme.contact(ContactRef::Id(contact)).await.unwrap().unwrap().leads, 6);
    assert_eq!(world.store().head(acme.id()).await.unwrap().unwrap().contacts, 1);
    assert_eq!(
        keys(&acme, contact).await,
        [(KeyScope::Workspace, KeyKind::Phone, "+12122000001".to_owned())]
    );
}

pub(crate) async fn an_extension_makes_no_other_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    in_region(&acme, "US").await;
    let contact = created(acme.ingest(spelt("212-200-0001 ext. 12")).await).contact;
    assert_eq!(linked(acme.ingest(spelt("212-200-0001 x34")).await).contact, contact);
    let row = acme.contact(ContactRef::Id(contact)).await.unwrap().unwrap();
    let phone = row.person.phone.unwrap();
    assert_eq!((phone.phone.e164(), phone.extension.as_deref()), ("+12122000001", Some("34")));
}

pub(crate) async fn an_email_is_a_key_in_any_case(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    with_keys(&acme, &[KeyKind::Email]).await;
    let contact = created(acme.ingest(RawLead::json(r#"{"email":"Ana.Lima@X.com"}"#)).await).contact;
    assert_eq!(linked(acme.ingest(RawLead::json(r#"{"email":"ANA.LIMA@x.COM "}"#)).await).contact, contact);
    created(acme.ingest(RawLead::json(r#"{"email":"analima@x.com"}"#)).await);
    assert_eq!(
        keys(&acme, contact).await,
        [(KeyScope::Workspace, KeyKind::Email, "ana.lima@x.com".to_owned())]
    );
}

pub(crate) async fn the_senders_id_of_a_person_is_a_key_as_written(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    with_keys(&acme, &[KeyKind::External]).await;
    let of = |id: &str| RawLead::json(json!({ "customerId": id }).to_string());
    let contact = created(acme.ingest(of("c-7")).await).contact;
    assert_eq!(linked(acme.ingest(of("c-7")).await).contact, contact);
    for other in ["C-7", "c-70", "c_7", "c-7\u{301}", "%"] {
        assert_ne!(created(acme.ingest(of(other)).await).contact, contact, "{other}");
    }
}

pub(crate) async fn digits_are_a_key_where_no_number_can_be_read(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    rejected(acme.ingest(spelt("12-345-678")).await);
    with_keys(&acme, &[KeyKind::Phone, KeyKind::Digits]).await;
    let contact = created(acme.ingest(spelt("12-345-678")).await).contact;
    assert_eq!(linked(acme.ingest(spelt("123 456 78")).await).contact, contact);
    assert_eq!(keys(&acme, contact).await[0].1, KeyKind::Digits);
    // A number that can be read is a phone, whatever its digits.
    assert_ne!(created(acme.ingest(spelt(&phone(1))).await).contact, contact);
}

pub(crate) async fn the_first_key_that_a_lead_offers_is_the_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    with_keys(&acme, &[KeyKind::Email, KeyKind::Phone]).await;
    let mail = |n: u32, email: &str| lead_with(n, json!({ "email": email }));
    let ana = created(acme.ingest(mail(1, "ana@x.com")).await).contact;
    assert_eq!(linked(acme.ingest(mail(2, "ana@x.com")).await).contact, ana);
    // Her phone is no key of hers: nothing is merged by a second key.
    let other = created(acme.ingest(lead(1)).await).contact;
    assert_ne!(other, ana);
    assert_eq!(keys(&acme, ana).await.len(), 1);
    with_keys(&acme, &[KeyKind::Phone, KeyKind::Email]).await;
    assert_eq!(linked(acme.ingest(mail(1, "ana@x.com")).await).contact, other);
}

pub(crate) async fn a_scope_of_one_webhook_has_contacts_of_its_own(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let own = |settings: &mut WebhookSettings| settings.scope = DedupScope::Webhook;
    let buyer = acme.create_webhook(NewWebhook::named("buyer").with(own)).await.unwrap();
    acme.create_webhook(NewWebhook::named("other-buyer").with(own)).await.unwrap();
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    let everywhere = created(acme.ingest(lead(1)).await).contact;
    assert_eq!(linked(acme.ingest(lead(1).webhook("google")).await).contact, everywhere);
    let bought = created(acme.ingest(lead(1).webhook("buyer")).await).contact;
    assert_eq!(linked(acme.ingest(lead(1).webhook("buyer")).await).contact, bought);
    let other = created(acme.ingest(lead(1).webhook("other-buyer")).await).contact;
    assert!(everywhere != bought && bought != other && everywhere != other);
    assert_eq!(keys(&acme, bought).await, [(KeyScope::Webhook(buyer.id), KeyKind::Phone, phone(1))]);
    // Looked up by key, each is found in its own scope.
    for (scope, contact) in [(KeyScope::Workspace, everywhere), (KeyScope::Webhook(buyer.id), bought)] {
        let key = ContactKey { scope, kind: KeyKind::Phone, value: phone(1) };
        assert_eq!(acme.contact(ContactRef::Key(key)).await.unwrap().unwrap().id, contact);
    }
}

pub(crate) async fn a_key_of_one_kind_is_none_of_another(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    with_keys(&acme, &[KeyKind::External, KeyKind::Digits]).await;
    let external = created(acme.ingest(RawLead::json(r#"{"customerId":"12345678"}"#)).await).contact;
    let digits = created(acme.ingest(spelt("12-345-678")).await).contact;
    assert_ne!(external, digits);
    let kinds = [(KeyKind::External, external), (KeyKind::Digits, digits)];
    for (kind, contact) in kinds {
        let key = ContactKey { scope: KeyScope::Workspace, kind, value: "12345678".to_owned() };
        assert_eq!(acme.contact(ContactRef::Key(key)).await.unwrap().unwrap().id, contact);
    }
}

pub(crate) async fn one_key_in_two_workspaces_is_two_contacts(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    let here = created(acme.ingest(lead(1)).await);
    let there = created(other.ingest(lead(1)).await);
    assert_ne!(here.contact, there.contact);
    assert_eq!(other.contact(ContactRef::Id(there.contact)).await.unwrap().unwrap().leads, 1);
    linked(acme.ingest(lead(1)).await);
    assert_eq!(other.contact(ContactRef::Id(there.contact)).await.unwrap().unwrap().leads, 1);
}

pub(crate) async fn the_second_phone_of_a_lead_is_its_key_when_the_first_is_unreadable(
    subject: &dyn Subject,
) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let raw = RawLead::json(json!({"phone": "n/a", "mobile": "12", "phone2": phone(1)}).to_string());
    let contact = created(acme.ingest(raw).await).contact;
    assert_eq!(linked(acme.ingest(RawLead::json(body_of(1, json!({})))).await).contact, contact);
}

pub(crate) async fn without_any_key_a_lead_is_rejected_and_every_key_is_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    with_keys(&acme, &[KeyKind::Phone, KeyKind::Email, KeyKind::External]).await;
    let refused = rejected(acme.ingest(RawLead::json(r#"{"firstName":"Ana"}"#)).await);
    let fields: Vec<&str> = refused.reasons.iter().map(|reason| reason.field.as_str()).collect();
    assert_eq!(fields, ["phone", "email", "person_id"]);
    taken(acme.ingest(RawLead::json(r#"{"customerId":7}"#)).await);
}

/// One number as six senders write it.
pub(crate) const SPELLINGS: [&str; 6] = [
    "+12122000001",
    "(212) 200-0001",
    "212.200.0001",
    "1-212-200-0001",
    "tel: 12122000001",
    "+1 (212) 200 0001",
];

/// A lead with this phone and nothing else.
pub(crate) fn spelt(phone: &str) -> RawLead {
    RawLead::json(json!({ "phone": phone }).to_string())
}

/// Gives the direct webhook a region.
pub(crate) async fn in_region(acme: &WorkspaceHandle<'_>, region: &str) {
    let mut settings = WebhookSettings::default();
    settings.region = region.parse().ok();
    acme.configure_webhook("direct", settings).await.unwrap();
}

async fn with_keys(acme: &WorkspaceHandle<'_>, keys: &[KeyKind]) {
    let mut settings = WebhookSettings::default();
    settings.keys = keys.to_vec();
    acme.configure_webhook("direct", settings).await.unwrap();
}

async fn keys(
    acme: &WorkspaceHandle<'_>,
    contact: convio_core::ContactId,
) -> Vec<(KeyScope, KeyKind, String)> {
    let keys = acme.contact_keys(contact).await.unwrap();
    keys.into_iter().map(|key| (key.scope, key.kind, key.value)).collect()
}
