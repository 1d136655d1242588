use convio_core::contact::ContactRef;
use convio_core::event::EventBody;
use convio_core::lead::Format;
use convio_core::rejection::RejectionFilter;
use convio_core::webhook::WebhookSecret;
use convio_core::{
    DIRECT, DedupScope, ErrorKind, KeyKind, LeadType, NewWebhook, PageRequest, PhonePolicy, Position,
    RawLead, RepeatAction, RepeatPolicy, Source, StreamRef, Subject as Aggregate, Version, WebhookSettings,
};

use crate::{Subject, World, codes, created, lead, lead_with, rejected, taken};

pub(crate) async fn a_webhook_reads_back_as_created(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let new = NewWebhook::named("google-solar_2.0").with(every_setting);
    let webhook = acme.create_webhook(new).await.unwrap();
    let mut settings = WebhookSettings::default();
    every_setting(&mut settings);
    assert_eq!(webhook.settings, settings);
    assert_eq!((webhook.version, webhook.deleted_at), (Version(1), None));

    let there = world.elsewhere(&acme);
    assert_eq!(there.webhook("google-solar_2.0").await.unwrap().as_ref(), Some(&webhook));
    let fetched = world.store().fetch_webhooks(acme.id(), &[webhook.id]).await.unwrap();
    assert_eq!(fetched, [Some(webhook.clone())]);
    let listed = there.webhooks(&PageRequest::default()).await.unwrap().items;
    assert_eq!(listed.last(), Some(&webhook));
    let history =
        there.history(StreamRef::Subject(Aggregate::Webhook(webhook.id)), &PageRequest::default()).await;
    let created = EventBody::WebhookCreated { name: webhook.name.clone(), settings };
    assert_eq!(history.unwrap().items.into_iter().map(|event| event.body).collect::<Vec<_>>(), [created]);
}

pub(crate) async fn names_are_unique_also_among_the_deleted(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    for _ in 0..2 {
        let error = acme.create_webhook(NewWebhook::named("google")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(codes(error.reasons()), ["name/taken"]);
        // Deleted, the name is still its own.
        let _ = acme.delete_webhook("google").await;
    }
    // Names are compared as they are written.
    acme.create_webhook(NewWebhook::named("Google")).await.unwrap();
    assert_eq!(acme.webhooks(&PageRequest::default()).await.unwrap().items.len(), 3);
}

pub(crate) async fn a_name_may_be_used_in_two_workspaces(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    let one = acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    let two = other.create_webhook(NewWebhook::named("google")).await.unwrap();
    assert_ne!(one.id, two.id);
    acme.delete_webhook("google").await.unwrap();
    created(other.ingest(lead(1).webhook("google")).await);
}

pub(crate) async fn wrong_settings_are_all_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let wrong = |settings: &mut WebhookSettings| {
        settings.keys.clear();
        settings.idempotency_hours = 0;
        settings.leads_per_hour_max = Some(0);
    };
    let error = acme.create_webhook(NewWebhook::named("a b").with(wrong)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let expected =
        ["name/invalid", "keys/empty", "idempotency_hours/out_of_range", "leads_per_hour_max/out_of_range"];
    assert_eq!(codes(error.reasons()), expected);

    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    let mut settings = WebhookSettings::default();
    wrong(&mut settings);
    let error = acme.configure_webhook("google", settings).await.unwrap_err();
    assert_eq!((error.kind(), error.reasons().len()), (ErrorKind::Invalid, 3));
    assert_eq!(acme.webhook("google").await.unwrap().unwrap().version, Version(1));
}

pub(crate) async fn direct_is_never_deleted(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    assert_eq!(acme.delete_webhook(DIRECT).await.unwrap_err().kind(), ErrorKind::Conflict);
    let answer = acme.ingest(lead(1)).await;
    let lead = acme.lead(created(answer).lead).await.unwrap().unwrap();
    assert_eq!(lead.webhook, acme.webhook(DIRECT).await.unwrap().unwrap().id);
    assert_eq!(lead.interest.source.as_str(), DIRECT);
}

pub(crate) async fn configured_settings_hold_from_the_next_lead_on(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    let before = taken(acme.ingest(lead(1).webhook("google")).await);
    let mut settings = WebhookSettings::default();
    every_setting(&mut settings);
    settings.idempotency_required = false;
    settings.secret = None;
    let webhook = acme.configure_webhook("google", settings.clone()).await.unwrap();
    assert_eq!((webhook.version, &webhook.settings), (Version(2), &settings));
    assert_eq!(world.elsewhere(&acme).webhook("google").await.unwrap(), Some(webhook));
    let after = taken(acme.ingest(lead(2).webhook("google")).await);
    let sources = [before, after].map(|accepted| accepted.lead);
    let leads = world.store().fetch_leads(acme.id(), &sources).await.unwrap();
    let sources: Vec<String> =
        leads.into_iter().map(|lead| lead.unwrap().interest.source.to_string()).collect();
    assert_eq!(sources, ["google", "Google Ads"]);
}

pub(crate) async fn a_deleted_webhook_refuses_leads_and_keeps_them(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    created(acme.ingest(lead(1).webhook("google")).await);
    let deleted = acme.delete_webhook("google").await.unwrap();
    assert!(deleted.deleted_at.is_some());
    let refused = rejected(acme.ingest(lead(2).webhook("google")).await);
    assert_eq!(codes(&refused.reasons), ["webhook/deleted"]);
    // What else is wrong is said as well.
    let refused = rejected(acme.ingest(RawLead::json("{}").webhook("google")).await);
    assert_eq!(codes(&refused.reasons), ["webhook/deleted", "phone/missing"]);
    let held = acme.rejections(&RejectionFilter::held(), &PageRequest::default()).await.unwrap().items;
    assert_eq!(held.len(), 2);
    assert_eq!(held[0].webhook, deleted.id);
    let payload = acme.payload(held[1].id).await.unwrap().unwrap();
    assert_eq!((payload.body.as_slice(), payload.format), (b"{}".as_slice(), Format::Json));
    // Its history stays.
    assert_eq!(acme.webhook("google").await.unwrap(), Some(deleted));
    assert_eq!(world.store().head(acme.id()).await.unwrap().unwrap().contacts, 1);
}

pub(crate) async fn a_restored_webhook_takes_leads(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let new = acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    acme.delete_webhook("google").await.unwrap();
    let restored = acme.restore_webhook("google").await.unwrap();
    assert_eq!((restored.id, restored.deleted_at, restored.version), (new.id, None, Version(3)));
    created(acme.ingest(lead(1).webhook("google")).await);
    let feed = acme.feed(Position(0), 10).await.unwrap();
    let kinds: Vec<&str> = feed.iter().map(|event| event.body.kind()).collect();
    let expected = [
        "workspace.created",
        "webhook.created",
        "webhook.created",
        "webhook.deleted",
        "webhook.restored",
        "lead.received",
    ];
    assert_eq!(kinds, expected);
}

pub(crate) async fn an_inactive_webhook_refuses_leads_and_keeps_them(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google").with(|settings| settings.active = false)).await.unwrap();
    let refused =
        rejected(acme.ingest(lead_with(1, serde_json::json!({"zip": "90210"})).webhook("google")).await);
    assert_eq!(codes(&refused.reasons), ["webhook/inactive"]);
    assert!(acme.rejection(refused.id).await.unwrap().is_some());
    assert!(acme.payload(refused.id).await.unwrap().is_some());
}

pub(crate) async fn deleting_and_restoring_twice_are_conflicts(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    assert_eq!(acme.restore_webhook("google").await.unwrap_err().kind(), ErrorKind::Conflict);
    acme.delete_webhook("google").await.unwrap();
    assert_eq!(acme.delete_webhook("google").await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(acme.webhook("google").await.unwrap().unwrap().version, Version(2));
}

pub(crate) async fn an_unknown_webhook_is_not_found(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let head = world.store().head(acme.id()).await.unwrap();
    assert_eq!(acme.webhook("nobody").await.unwrap(), None);
    assert_eq!(acme.ingest(lead(1).webhook("nobody")).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(acme.delete_webhook("nobody").await.unwrap_err().kind(), ErrorKind::NotFound);
    let configured = acme.configure_webhook("nobody", WebhookSettings::default()).await;
    assert_eq!(configured.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.store().head(acme.id()).await.unwrap(), head);
}

pub(crate) async fn a_secret_must_be_shown(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let secret = WebhookSecret::of("1f0d9f7e6c5b4a39");
    let new = NewWebhook::named("safe").with(|settings| settings.secret = Some(secret));
    acme.create_webhook(new).await.unwrap();
    let head = world.store().head(acme.id()).await.unwrap();
    let through = |n| lead(n).webhook("safe");
    for raw in [through(1), through(1).secret("another one"), through(1).secret("")] {
        assert_eq!(acme.ingest(raw).await.unwrap_err().kind(), ErrorKind::Denied);
    }
    assert_eq!(world.store().head(acme.id()).await.unwrap(), head);
    created(acme.ingest(through(1).secret("1f0d9f7e6c5b4a39")).await);
    // What came in with it is released without it.
    let refused = rejected(acme.ingest(RawLead::json("{}").webhook("safe").secret("1f0d9f7e6c5b4a39")).await);
    let corrected = convio_core::Corrections::default().set("phone", crate::phone(2));
    acme.correct(refused.id, corrected).await.unwrap();
    created(acme.release(refused.id).await);
    // Another secret holds at once, in every process.
    let mut settings = acme.webhook("safe").await.unwrap().unwrap().settings;
    settings.secret = Some(WebhookSecret::of("the next one"));
    world.elsewhere(&acme).configure_webhook("safe", settings).await.unwrap();
    assert_eq!(
        acme.ingest(through(3).secret("1f0d9f7e6c5b4a39")).await.unwrap_err().kind(),
        ErrorKind::Denied
    );
    created(acme.ingest(through(3).secret("the next one")).await);
}

/// Every setting, other than it is by default.
fn every_setting(settings: &mut WebhookSettings) {
    settings.lead_type = LeadType::new("Solar").unwrap();
    settings.source = Source::new("Google Ads").ok();
    settings.region = "AU".parse().ok();
    settings.scope = DedupScope::Webhook;
    settings.keys = vec![KeyKind::Email, KeyKind::Phone, KeyKind::External, KeyKind::Digits];
    settings.phone = PhonePolicy::Valid;
    settings.repeat = RepeatPolicy { action: RepeatAction::Reject, window_days: None };
    settings.strict = true;
    settings.idempotency_required = true;
    settings.idempotency_hours = 1;
    settings.rank = 7;
    settings.leads_per_hour_max = Some(1_000);
    settings.active = true;
    settings.secret = Some(WebhookSecret::of("1f0d9f7e6c5b4a39"));
}

pub(crate) async fn a_webhook_says_what_its_senders_names_mean(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let new = NewWebhook::named("import").with(|settings| {
        let fields =
            [("Telefon", "phone"), ("Lead Source", "source"), ("Vorname", "first_name"), ("email", "")];
        settings.fields = fields.map(|(name, field)| (name.to_owned(), field.to_owned())).into();
    });
    acme.create_webhook(new).await.unwrap();
    let row = [
        ("Telefon", "+12125550123"),
        ("phone", "+12125550124"),
        ("Lead Origin", "API"),
        ("email", "no address"),
    ];
    let accepted = taken(acme.ingest(RawLead::row(row).webhook("import")).await);
    let contact = acme.contact(ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!(contact.person.phone.unwrap().phone.e164(), "+12125550123");
    assert_eq!(contact.person.email, None);
    let row = acme.lead(accepted.lead).await.unwrap().unwrap();
    // What would mean a field that another name is given is kept, as what means none is.
    let kept: Vec<&str> = row.custom.0.keys().map(String::as_str).collect();
    assert_eq!(kept, ["Lead Origin", "email", "phone"]);
    assert_eq!(row.interest.source.as_str(), "import");

    let wrong =
        NewWebhook::named("wrong").with(|settings| settings.fields = [("a".into(), "fone".into())].into());
    let error = acme.create_webhook(wrong).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["fields/unknown"]);
}
