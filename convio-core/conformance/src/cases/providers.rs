use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use convio_core::event::{EventBody, StreamRef, Subject as About};
use convio_core::service::{Atomicity, DailyUsage};
use convio_core::{
    Actor, Clock, Corrections, Error, ErrorKind, Ingested, NewWebhook, PageRequest, Provider, ProviderId,
    ProviderSettings, RawLead, Version, WebhookId, WorkspaceHandle,
};
use uuid::Uuid;

use super::lead_work::{in_order, row};
use crate::{Subject, World, codes, created, lead, linked, phone, rejected, taken};

pub(crate) async fn a_provider_keeps_its_name_and_its_history(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await.acting_as(Actor::user("boss"));
    let made = acme.create_provider(" Bright \t Leads ", ProviderSettings::default()).await.unwrap();
    assert_eq!((made.name.as_str(), made.version), ("Bright Leads", Version(1)));
    assert_eq!(made.created_at, world.clock.now());
    let defaults = &made.settings;
    assert!(defaults.active && defaults.webhooks.is_none());
    let limits = (defaults.leads_per_hour_max, defaults.leads_per_day_max, defaults.leads_per_month_max);
    assert_eq!(limits, (1_000, None, None));
    let other = acme.create_provider("Zażółć", ProviderSettings::default()).await.unwrap();

    world.clock.advance(TimeDelta::days(1));
    let direct = webhook(&acme, "direct").await;
    let settings = with(|settings| {
        settings.active = false;
        settings.webhooks = Some([direct].into());
        (settings.leads_per_hour_max, settings.leads_per_day_max) = (7, Some(50));
        settings.leads_per_month_max = Some(u32::MAX);
    });
    let there = world.elsewhere(&acme);
    let changed = there.configure_provider("Bright  Leads", settings.clone()).await.unwrap();
    assert_eq!(changed, Provider { settings, version: Version(2), ..made.clone() });
    for handle in [&acme, &there, &world.elsewhere(&acme)] {
        assert_eq!(handle.provider("Bright Leads").await.unwrap().as_ref(), Some(&changed));
        assert_eq!(handle.providers().await.unwrap(), [changed.clone(), other.clone()]);
        assert_eq!(handle.provider("Nobody").await.unwrap(), None);
    }
    // Its history tells all of it, and nothing of the other one.
    let stream = StreamRef::Subject(About::Provider(made.id));
    let history = acme.history(stream, &PageRequest::default()).await.unwrap().items;
    assert_eq!(history.len(), 2);
    assert_eq!(Provider::fold(&history[..1]), Some(made));
    assert_eq!(Provider::fold(&history), Some(changed));
    assert_eq!(history[0].origin.actor, Actor::user("boss"));
    assert_eq!(Provider::fold(&history[1..]), None);
    in_order(&world, &acme).await;
}

pub(crate) async fn names_of_providers_are_unique(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap();
    let before = in_order(&world, &acme).await;
    for handle in [&acme, &world.elsewhere(&acme)] {
        for name in ["Bright Leads", "\u{a0}Bright   Leads\n"] {
            let error = handle.create_provider(name, ProviderSettings::default()).await.unwrap_err();
            let taken = (ErrorKind::Conflict, vec!["name/taken".to_owned()]);
            assert_eq!((error.kind(), codes(error.reasons())), taken);
        }
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    // Another workspace has names of its own, and so has another case.
    world.acme().await.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap();
    acme.create_provider("bright leads", ProviderSettings::default()).await.unwrap();
    in_order(&world, &acme).await;
}

pub(crate) async fn wrong_settings_of_a_provider_are_all_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap();
    let theirs = webhook(&world.acme().await, "direct").await;
    let before = in_order(&world, &acme).await;
    let zero = with(|settings| {
        settings.leads_per_hour_max = 0;
        (settings.leads_per_day_max, settings.leads_per_month_max) = (Some(0), Some(0));
        settings.webhooks = Some([].into());
    });
    let mut wrong = vec![
        "leads_per_hour_max/out_of_range",
        "leads_per_day_max/out_of_range",
        "leads_per_month_max/out_of_range",
        "webhooks/empty",
    ];
    let error = acme.configure_provider("Bright Leads", zero.clone()).await.unwrap_err();
    assert_eq!((error.kind(), codes(error.reasons())), (ErrorKind::Invalid, owned(&wrong)));
    wrong.push("name/invalid");
    for name in ["", " \t", &*"x".repeat(201)] {
        let error = acme.create_provider(name, zero.clone()).await.unwrap_err();
        assert_eq!((error.kind(), codes(error.reasons())), (ErrorKind::Invalid, owned(&wrong)));
    }
    // Webhooks are those of the workspace, and each that is not is named.
    let nowhere = WebhookId::from_uuid(Uuid::from_u128(7));
    let direct = webhook(&acme, "direct").await;
    let unknown = with(|settings| settings.webhooks = Some([theirs, nowhere, direct].into()));
    for error in [
        acme.create_provider("Other", unknown.clone()).await.unwrap_err(),
        acme.configure_provider("Bright Leads", unknown).await.unwrap_err(),
    ] {
        assert_eq!(codes(error.reasons()), ["webhooks/unknown", "webhooks/unknown"]);
        assert!(error.reasons().iter().any(|reason| reason.message.contains(&theirs.to_string())));
    }
    let error = acme.configure_provider("Other", ProviderSettings::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotFound, UNKNOWN));
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    acme.create_provider(&"x".repeat(200), ProviderSettings::default()).await.unwrap();
}

pub(crate) async fn an_unknown_provider_is_not_found(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    world.acme().await.create_provider("Other", ProviderSettings::default()).await.unwrap();
    created(acme.ingest(lead(1)).await);
    let before = in_order(&world, &acme).await;
    for handle in [&acme, &world.elsewhere(&acme)] {
        for raw in [lead(2), RawLead::json("{}"), lead(2).test()] {
            let error = handle.ingest(raw.provider("Other").idempotency_key("a")).await.unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotFound, UNKNOWN));
        }
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    // One that is created elsewhere is known at once.
    world.elsewhere(&acme).create_provider("Other", ProviderSettings::default()).await.unwrap();
    created(acme.ingest(lead(2).provider("Other").idempotency_key("a")).await);
}

pub(crate) async fn an_inactive_provider_is_denied_at_once_everywhere(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let warm = world.elsewhere(&acme);
    for name in ["Bright Leads", "Other"] {
        acme.create_provider(name, ProviderSettings::default()).await.unwrap();
        taken(warm.ingest(lead(1).provider(name)).await); // now the configuration is at hand
    }
    acme.configure_provider("Bright Leads", with(|settings| settings.active = false)).await.unwrap();
    let before = in_order(&world, &acme).await;
    // Each process learns of it by its first call, whatever that one is.
    let cold = world.elsewhere(&acme);
    let third = world.elsewhere(&acme);
    for handle in [&warm, &cold, &acme] {
        for raw in [lead(2), RawLead::json("{}"), lead(2).test()] {
            let error = handle.ingest(raw.provider("Bright Leads")).await.unwrap_err();
            let told = (error.kind(), error.to_string());
            assert_eq!(told, (ErrorKind::Denied, "provider `Bright Leads` is inactive".to_owned()));
        }
    }
    let rows = vec![lead(2).provider("Other"), lead(3).provider("Bright Leads")];
    let batch = third.ingest_batch(rows.clone(), Atomicity::AllOrNothing).await.unwrap();
    let kinds: Vec<_> = batch.rows.iter().map(|row| row.as_ref().unwrap_err().kind()).collect();
    assert_eq!((kinds, batch.applied), (vec![ErrorKind::Conflict, ErrorKind::Denied], false));
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    // Others go on, in the same batch too.
    let batch = third.ingest_batch(rows, Atomicity::PerRow).await.unwrap();
    assert!(batch.rows[0].is_ok());
    assert_eq!(batch.rows[1].as_ref().unwrap_err().kind(), ErrorKind::Denied);
    created(warm.ingest(lead(3)).await);
    // And it is let in again as soon.
    acme.configure_provider("Bright Leads", ProviderSettings::default()).await.unwrap();
    created(warm.ingest(lead(4).provider("Bright Leads")).await);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_provider_uses_the_webhooks_that_it_may(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let solar = acme.create_webhook(NewWebhook::named("solar")).await.unwrap().id;
    acme.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap();
    let warm = world.elsewhere(&acme);
    let send = async |webhook: &str| {
        let raw = lead(1).webhook(webhook).provider("Bright Leads");
        warm.ingest(raw).await.map(|_| ()).map_err(|error| (error.kind(), error.to_string()))
    };
    let no = Err((ErrorKind::Denied, "provider `Bright Leads` may not use this webhook".to_owned()));
    assert_eq!((send("direct").await, send("solar").await), (Ok(()), Ok(())), "all of them");
    acme.configure_provider("Bright Leads", with(|settings| settings.webhooks = Some([solar].into())))
        .await
        .unwrap();
    let before = in_order(&world, &acme).await;
    assert_eq!(send("direct").await, no);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    assert_eq!(send("solar").await, Ok(()));
    // A webhook that is made later is not among those that were named, and is among all.
    let later = acme.create_webhook(NewWebhook::named("later")).await.unwrap().id;
    assert_eq!(send("later").await, no);
    let both = with(|settings| settings.webhooks = Some([solar, later].into()));
    acme.configure_provider("Bright Leads", both).await.unwrap();
    assert_eq!((send("direct").await, send("solar").await, send("later").await), (no, Ok(()), Ok(())));
    acme.configure_provider("Bright Leads", ProviderSettings::default()).await.unwrap();
    assert_eq!(send("direct").await, Ok(()));
    created(acme.ingest(lead(2)).await); // one of no provider goes anywhere
    in_order(&world, &acme).await;
}

pub(crate) async fn a_lead_keeps_the_provider_that_sent_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let bright = acme.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap().id;
    let other = acme.create_provider("Other", ProviderSettings::default()).await.unwrap().id;
    let first = created(acme.ingest(lead(1).provider("Bright Leads")).await).lead;
    let second = linked(acme.ingest(lead(1).provider("Other")).await).lead;
    let none = linked(acme.ingest(lead(1)).await).lead;
    let refused = rejected(acme.ingest(RawLead::json("{}").provider("Bright Leads")).await).id;
    let theirs = async |acme: &WorkspaceHandle<'_>| {
        let kept = acme.rejection(refused).await.unwrap().unwrap().provider;
        [
            row(acme, first).await.provider,
            row(acme, second).await.provider,
            row(acme, none).await.provider,
            kept,
        ]
    };
    let expected = [Some(bright), Some(other), None, Some(bright)];
    assert_eq!(theirs(&world.elsewhere(&acme)).await, expected);
    acme.configure_provider("Bright Leads", with(|settings| settings.leads_per_hour_max = 2)).await.unwrap();
    acme.correct(refused, Corrections::default().set("phone", phone(2))).await.unwrap();
    let released = created(acme.release(refused).await).lead;
    assert_eq!(row(&acme, released).await.provider, Some(bright));
    assert_eq!(theirs(&acme).await, expected);
    // The history tells it as well.
    let history = acme.history(StreamRef::Lead(released), &PageRequest::default()).await.unwrap().items;
    assert!(
        matches!(&history[0].body, EventBody::LeadReceived(received) if received.provider == Some(bright))
    );
    in_order(&world, &acme).await;
}

pub(crate) async fn rows_of_several_providers_travel_together(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("solar")).await.unwrap();
    let direct = webhook(&acme, "direct").await;
    let two = with(|settings| settings.leads_per_hour_max = 2);
    let mut ids = vec![acme.create_provider("Bright Leads", two.clone()).await.unwrap().id];
    ids.push(
        acme.create_provider("Other", with(|settings| settings.webhooks = Some([direct].into())))
            .await
            .unwrap()
            .id,
    );
    acme.create_provider("Gone", with(|settings| settings.active = false)).await.unwrap();
    let rows = || {
        vec![
            lead(1).provider("Bright Leads"),
            lead(2).provider("Other"),
            lead(3),
            lead(4).provider("Nobody"),
            RawLead::json("{}").provider("Bright Leads"),
            lead(5).provider("Gone"),
            lead(6).provider("Other").webhook("solar"),
            lead(7).provider("Bright Leads"), // the third
            lead(8).provider("Other"),
        ]
    };
    let before = in_order(&world, &acme).await;
    let batch = world.elsewhere(&acme).ingest_batch(rows(), Atomicity::AllOrNothing).await.unwrap();
    assert!(!batch.applied);
    // Nor is anything taken where only a limit is in the way.
    let good = [1, 2, 3].map(|n| lead(n).provider("Bright Leads")).into_iter();
    let good = good.chain([lead(4).provider("Other"), lead(5)]).collect();
    let error = acme.ingest_batch(good, Atomicity::AllOrNothing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);

    let batch = acme.ingest_batch(rows(), Atomicity::PerRow).await.unwrap();
    let told: Vec<_> =
        batch.rows.iter().map(|row| row.as_ref().map(Ingested::http_status).map_err(Error::kind)).collect();
    let expected = [
        Ok(201),
        Ok(201),
        Ok(201),
        Err(ErrorKind::NotFound),
        Ok(422),
        Err(ErrorKind::Denied),
        Err(ErrorKind::Denied),
        Err(ErrorKind::Overloaded),
        Ok(201),
    ];
    assert_eq!((told, batch.applied), (expected.to_vec(), true));
    let mut providers = Vec::new();
    for answer in batch.rows.iter().flatten() {
        if let Ok(accepted) = answer.accepted() {
            providers.push(row(&acme, accepted.lead).await.provider);
        }
    }
    assert_eq!(providers, [Some(ids[0]), Some(ids[1]), None, Some(ids[1])]);
    let at = world.clock.now();
    let mut expected = [
        usage("2027-03-01", ids[0], direct, [1, 0, 1], at),
        usage("2027-03-01", ids[1], direct, [2, 0, 0], at),
    ];
    expected.sort_by_key(|row| row.provider);
    assert_eq!(all_usage(&acme).await, expected);
    in_order(&world, &acme).await;
}

pub(super) fn usage(
    on: &str,
    provider: ProviderId,
    webhook: WebhookId,
    [taken, repeats, rejected]: [i64; 3],
    last: DateTime<Utc>,
) -> DailyUsage {
    DailyUsage { day: day(on), provider, webhook, taken, repeats, rejected, last_at: Some(last) }
}

pub(super) async fn all_usage(acme: &WorkspaceHandle<'_>) -> Vec<DailyUsage> {
    acme.provider_usage(NaiveDate::MIN, NaiveDate::MAX).await.unwrap()
}

pub(super) fn with(set: impl FnOnce(&mut ProviderSettings)) -> ProviderSettings {
    let mut settings = ProviderSettings::default();
    set(&mut settings);
    settings
}

pub(super) async fn webhook(acme: &WorkspaceHandle<'_>, name: &str) -> WebhookId {
    acme.webhook(name).await.unwrap().unwrap().id
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// What is said of a provider that does not exist.
const UNKNOWN: &str = "no provider `Other` in this workspace";
