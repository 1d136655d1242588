use convio_core::change_set::GateLost;
use convio_core::service::Atomicity;
use convio_core::use_case::ingest::plan;
use convio_core::use_case::{ConfigSnapshot, Context};
use convio_core::{
    Clock, CommitError, ConfigVersion, ErrorKind, Need, Needs, NewWebhook, Origin, SequentialIds,
    WebhookSettings,
};

use crate::{Subject, World, codes, created, lead, linked, rejected, taken};

pub(crate) async fn a_deletion_elsewhere_is_noticed_at_the_next_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    created(acme.ingest(lead(1).webhook("google")).await); // now its configuration is at hand
    world.elsewhere(&acme).delete_webhook("google").await.unwrap();
    let refused = rejected(acme.ingest(lead(1).webhook("google")).await);
    assert_eq!(codes(&refused.reasons), ["webhook/deleted"]);
}

pub(crate) async fn a_webhook_created_elsewhere_is_found(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    taken(acme.ingest(lead(1)).await);
    let there = world.elsewhere(&acme);
    there.create_webhook(NewWebhook::named("google")).await.unwrap();
    linked(acme.ingest(lead(1).webhook("google")).await);
    there.create_webhook(NewWebhook::named("bing")).await.unwrap();
    let batch =
        acme.ingest_batch(vec![lead(2).webhook("bing"), lead(3)], Atomicity::AllOrNothing).await.unwrap();
    assert!(batch.applied);
    assert!(acme.webhook("bing").await.unwrap().is_some());
}

pub(crate) async fn settings_changed_elsewhere_hold_from_the_next_lead_on(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    taken(acme.ingest(lead(1).webhook("google")).await);
    let mut settings = WebhookSettings::default();
    settings.idempotency_required = true;
    world.elsewhere(&acme).configure_webhook("google", settings).await.unwrap();
    let error = acme.ingest(lead(1).webhook("google")).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["idempotency_key/missing"]);
}

pub(crate) async fn a_key_no_longer_required_elsewhere_is_not_asked_for(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google").with(|settings| settings.idempotency_required = true))
        .await
        .unwrap();
    let error = acme.ingest(lead(1).webhook("google")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    world.elsewhere(&acme).configure_webhook("google", WebhookSettings::default()).await.unwrap();
    created(acme.ingest(lead(1).webhook("google")).await);
}

pub(crate) async fn a_release_knows_of_a_restore_elsewhere(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    acme.delete_webhook("google").await.unwrap();
    let refused = rejected(acme.ingest(lead(1).webhook("google")).await);
    assert_eq!(codes(&rejected(acme.release(refused.id).await).reasons), ["webhook/deleted"]);
    world.elsewhere(&acme).restore_webhook("google").await.unwrap();
    assert_eq!(created(acme.release(refused.id).await).lead, refused.id.lead());
}

pub(crate) async fn a_whole_batch_knows_of_a_restore_elsewhere(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    acme.delete_webhook("google").await.unwrap();
    let rows = || vec![lead(1).webhook("google"), lead(2)];
    assert!(!acme.ingest_batch(rows(), Atomicity::AllOrNothing).await.unwrap().applied);
    world.elsewhere(&acme).restore_webhook("google").await.unwrap();
    assert!(acme.ingest_batch(rows(), Atomicity::AllOrNothing).await.unwrap().applied);
}

pub(crate) async fn leads_leave_the_configuration_version_alone(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let config = async || world.store().head(acme.id()).await.unwrap().unwrap().config;
    let before = config().await;
    let taken = taken(acme.ingest(lead(1)).await);
    rejected(acme.ingest(convio_core::RawLead::json("{}")).await);
    acme.convert(convio_core::NewConversion::sale(taken.lead, "5 USD".parse().unwrap())).await.unwrap();
    assert_eq!(config().await, before);
}

pub(crate) async fn every_change_of_a_webhook_raises_the_configuration_version(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let config = async || world.store().head(acme.id()).await.unwrap().unwrap().config;
    let mut last = config().await;
    assert!(last > ConfigVersion(0));
    for change in 0..4 {
        match change {
            0 => acme.create_webhook(NewWebhook::named("google")).await.unwrap(),
            1 => acme.configure_webhook("google", WebhookSettings::default()).await.unwrap(),
            2 => acme.delete_webhook("google").await.unwrap(),
            _ => acme.restore_webhook("google").await.unwrap(),
        };
        let now = config().await;
        assert!(now > last, "change {change} left the version at {now:?}");
        last = now;
    }
}

pub(crate) async fn a_stale_configuration_loses_the_gate_and_applies_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let store = world.store();
    let loaded = store.load(&Needs::of(acme.id(), [Need::Config])).await.unwrap();
    let config = ConfigSnapshot::of(loaded, acme.id()).unwrap();
    let ids = SequentialIds::seeded(100);
    let context = Context {
        at: world.clock.now(),
        ids: &ids,
        origin: &Origin::default(),
        provider: None,
        config: Some(&config),
    };
    let first = plan(&lead(1), &config, &context).unwrap();
    let second = plan(&lead(2), &config, &context).unwrap();
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    let head = store.head(acme.id()).await.unwrap().unwrap();
    let answers = store.commit(vec![first.changes, second.changes]).await;
    for answer in &answers {
        let Err(CommitError::GateLost(GateLost::Config { current })) = answer else {
            panic!("a stale configuration was taken: {answer:?}");
        };
        assert_eq!(*current, Some(head.config));
    }
    assert_eq!(answers.len(), 2);
    assert_eq!(store.head(acme.id()).await.unwrap(), Some(head));
    assert_eq!(store.fetch_leads(acme.id(), &[first.intake.lead()]).await.unwrap(), [None]);
    assert_eq!(store.fetch_payloads(acme.id(), &[first.intake]).await.unwrap(), [None]);
}
