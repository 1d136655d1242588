use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use convio_core::event::EventBody;
use convio_core::service::{Atomicity, DailyUsage};
use convio_core::{
    Clock, Corrections, Error, ErrorKind, Ingested, NewWebhook, ProviderId, ProviderSettings, RawLead,
    RepeatAction, WebhookId, Zone,
};
use uuid::Uuid;

use super::lead_work::in_order;
use super::providers::{all_usage, day, usage, webhook, with};
use crate::{Snapshot, Subject, World, created, duplicate, lead, linked, phone, rejected, taken};

pub(crate) async fn a_provider_sends_so_many_leads_in_a_clock_hour(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("solar")).await.unwrap();
    let warm = world.elsewhere(&acme);
    for name in ["Bright Leads", "Other"] {
        acme.create_provider(name, with(|settings| settings.leads_per_hour_max = 4)).await.unwrap();
    }
    taken(warm.ingest(lead(1)).await);
    acme.configure_provider("Bright Leads", with(|settings| settings.leads_per_hour_max = 3)).await.unwrap();
    world.clock.advance(TimeDelta::minutes(59));
    // All webhooks count together, and so do all processes.
    let from = |n: u32| lead(n).webhook(["direct", "solar"][n as usize % 2]).provider("Bright Leads");
    for n in 1..=3 {
        taken([&acme, &warm][n as usize % 2].ingest(from(n)).await);
    }
    let before = in_order(&world, &acme).await;
    let message = "the provider's limit of leads per hour is reached; it is open again at the full hour";
    // Whenever it was received: a limit is one of calls, not of days gone by.
    let old = from(5).received_at(world.clock.now() - TimeDelta::days(3));
    for raw in [from(4), from(5), old] {
        for handle in [&acme, &warm, &world.elsewhere(&acme)] {
            assert_eq!(reached(handle.ingest(raw.clone()).await), message);
        }
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    // The other one, and leads of none, are not touched.
    for n in 4..=7 {
        created(acme.ingest(lead(n).provider("Other")).await);
    }
    assert_eq!(reached(acme.ingest(lead(8).provider("Other")).await), message);
    created(acme.ingest(lead(8)).await);
    // A limit that is raised elsewhere holds at once.
    acme.configure_provider("Bright Leads", with(|settings| settings.leads_per_hour_max = 4)).await.unwrap();
    taken(warm.ingest(from(9)).await);
    acme.configure_provider("Bright Leads", with(|settings| settings.leads_per_hour_max = 3)).await.unwrap();
    assert_eq!(reached(warm.ingest(from(10)).await), message);
    // At the full hour it is open again, for as many.
    world.clock.advance(TimeDelta::minutes(1));
    for n in 11..=13 {
        taken(acme.ingest(from(n)).await);
    }
    assert_eq!(reached(acme.ingest(from(14)).await), message);
    in_order(&world, &acme).await;
}

pub(crate) async fn rejections_count_against_a_providers_limits_and_releases_do_not(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let three = with(|settings| {
        settings.leads_per_hour_max = 3;
        (settings.leads_per_day_max, settings.leads_per_month_max) = (Some(3), Some(3));
    });
    acme.create_provider("Bright Leads", three).await.unwrap();
    let from = |raw: RawLead| raw.provider("Bright Leads");
    let good = || from(lead(1)).idempotency_key("good");
    let bad = || from(RawLead::json("{}")).idempotency_key("bad");
    let first = acme.ingest(good()).await;
    let refused = rejected(acme.ingest(bad()).await);
    // What is answered again, and what is no lead, counts for nothing.
    for _ in 0..4 {
        assert!(matches!(acme.ingest(good()).await, Ok(Ingested::Replayed(_))));
        assert!(matches!(acme.ingest(bad()).await, Ok(Ingested::Replayed(_))));
        let error = acme.ingest(from(lead(2)).idempotency_key("good")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(acme.ingest(good().webhook("nowhere")).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    rejected(acme.ingest(from(RawLead::json("no"))).await);
    reached(acme.ingest(from(lead(3))).await);
    // At the limit the calls before it are answered as they were.
    let before = in_order(&world, &acme).await;
    assert_eq!(acme.ingest(good()).await.unwrap(), Ingested::Replayed(Box::new(first.unwrap())));
    let again = Ingested::Replayed(Box::new(Ingested::Rejected(refused.clone())));
    assert_eq!(world.elsewhere(&acme).ingest(bad()).await.unwrap(), again);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    // A release is the workspace's own doing: the limit neither stops it nor is used by it.
    acme.correct(refused.id, Corrections::default().set("phone", phone(4))).await.unwrap();
    created(acme.release(refused.id).await);
    let four = with(|settings| settings.leads_per_hour_max = 4);
    acme.configure_provider("Bright Leads", four).await.unwrap();
    created(acme.ingest(from(lead(5))).await);
    reached(acme.ingest(from(lead(6))).await);
    in_order(&world, &acme).await;
}

pub(crate) async fn quotas_start_again_at_midnight_and_on_the_first(subject: &dyn Subject) {
    let world = World::of(subject); // seven in the morning of 2027-03-01 in Los Angeles
    let acme = world.acme().await;
    let daily = acme.create_provider("Daily", with(|settings| settings.leads_per_day_max = Some(2)));
    daily.await.unwrap();
    let monthly = acme.create_provider("Monthly", with(|settings| settings.leads_per_month_max = Some(2)));
    monthly.await.unwrap();
    let start = world.clock.now();
    let until = |time: &str| {
        let time: DateTime<Utc> = time.parse().unwrap();
        world.clock.advance(time - world.clock.now());
    };
    let from = |name: &str| lead(1).provider(name);
    let day = "the provider's limit of leads per day is reached; it is open again tomorrow";
    let month = "the provider's limit of leads per month is reached; it is open again next month";
    for n in 0..2 {
        taken(acme.ingest(from("Daily")).await);
        // One that was received last month is sent now.
        taken(acme.ingest(from("Monthly").received_at(start - TimeDelta::days(n))).await);
    }
    // The day of the workspace goes on over midnight in London.
    for time in ["2027-03-01T15:59:59Z", "2027-03-02T00:00:00Z", "2027-03-02T07:59:59.999999Z"] {
        until(time);
        assert_eq!(reached(world.elsewhere(&acme).ingest(from("Daily")).await), day, "{time}");
        assert_eq!(reached(acme.ingest(from("Monthly")).await), month, "{time}");
    }
    until("2027-03-02T08:00:00Z");
    for _ in 0..2 {
        taken(acme.ingest(from("Daily")).await);
    }
    assert_eq!(reached(acme.ingest(from("Daily")).await), day);
    assert_eq!(reached(acme.ingest(from("Monthly")).await), month);
    // In summer midnight comes an hour earlier; a day without leads leaves nothing for the next one.
    for time in ["2027-04-01T00:00:00Z", "2027-04-01T06:59:59.999999Z"] {
        until(time);
        assert_eq!(reached(acme.ingest(from("Monthly")).await), month, "{time}");
    }
    for _ in 0..2 {
        taken(acme.ingest(from("Daily")).await);
    }
    assert_eq!(reached(acme.ingest(from("Daily")).await), day);
    until("2027-04-01T07:00:00Z");
    for name in ["Monthly", "Daily", "Monthly", "Daily"] {
        taken(acme.ingest(from(name)).await);
    }
    assert_eq!(reached(acme.ingest(from("Daily")).await), day);
    assert_eq!(reached(acme.ingest(from("Monthly")).await), month);
    // Elsewhere in the world it is another day already.
    until("2027-04-01T22:00:00Z");
    assert_eq!(reached(acme.ingest(from("Daily")).await), day);
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.zone = Zone::parse("Asia/Tokyo").unwrap();
    world.elsewhere(&acme).configure(settings).await.unwrap();
    taken(acme.ingest(from("Daily")).await);
    in_order(&world, &acme).await;
}

pub(crate) async fn what_one_limit_refuses_uses_nothing_of_another(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let narrow = NewWebhook::named("narrow").with(|settings| settings.leads_per_hour_max = Some(2));
    acme.create_webhook(narrow).await.unwrap();
    let settings = |day: Option<u32>, month: Option<u32>| {
        with(|settings| {
            settings.leads_per_hour_max = 3;
            (settings.leads_per_day_max, settings.leads_per_month_max) = (day, month);
        })
    };
    acme.create_provider("Bright Leads", settings(Some(1), Some(2))).await.unwrap();
    let from = |n: u32| lead(n).provider("Bright Leads");
    let per = async |raw: RawLead| {
        let message = reached(acme.ingest(raw).await);
        message.split(" is reached").next().unwrap().to_owned()
    };
    taken(acme.ingest(from(1).webhook("narrow")).await);
    for n in 2..6 {
        assert_eq!(per(from(n).webhook("narrow")).await, "the provider's limit of leads per day");
    }
    taken(acme.ingest(lead(6).webhook("narrow")).await); // the second of the webhook
    assert_eq!(per(from(7).webhook("narrow")).await, "the webhook's limit of leads per hour");
    // With the smaller quota gone there is as much left of the next one as if nothing had been refused.
    acme.configure_provider("Bright Leads", settings(None, Some(2))).await.unwrap();
    taken(acme.ingest(from(8)).await);
    for n in 9..12 {
        assert_eq!(per(from(n)).await, "the provider's limit of leads per month");
    }
    acme.configure_provider("Bright Leads", settings(None, None)).await.unwrap();
    taken(acme.ingest(from(12)).await);
    assert_eq!(per(from(13)).await, "the provider's limit of leads per hour");
    in_order(&world, &acme).await;
}

pub(crate) async fn usage_is_counted_per_provider_webhook_and_day(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let rejecting = NewWebhook::named("solar").with(|settings| settings.repeat.action = RepeatAction::Reject);
    let solar = acme.create_webhook(rejecting).await.unwrap().id;
    let direct = webhook(&acme, "direct").await;
    let bright = acme.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap().id;
    let other = acme.create_provider("Other", ProviderSettings::default()).await.unwrap().id;
    let (from, at) = (|raw: RawLead| raw.provider("Bright Leads"), world.clock.now());
    created(acme.ingest(from(lead(1)).idempotency_key("a")).await);
    linked(acme.ingest(from(lead(1))).await); // a repeat
    created(acme.ingest(from(lead(2)).webhook("solar")).await);
    duplicate(acme.ingest(from(lead(2)).webhook("solar")).await);
    linked(acme.ingest(lead(1).provider("Other")).await);
    // What is not counted: tests, calls that came before, leads of no provider, what limits keep out.
    taken(acme.ingest(from(lead(3)).test()).await);
    rejected(acme.ingest(from(RawLead::json("{}")).test()).await);
    assert!(matches!(acme.ingest(from(lead(1)).idempotency_key("a")).await, Ok(Ingested::Replayed(_))));
    rejected(acme.ingest(RawLead::json("{}")).await);
    let one = with(|settings| settings.leads_per_hour_max = 1);
    acme.configure_provider("Other", one).await.unwrap();
    reached(acme.ingest(lead(4).provider("Other")).await);
    world.clock.advance(TimeDelta::days(1));
    let refused = rejected(acme.ingest(RawLead::json("{}").provider("Other")).await);
    let late = at - TimeDelta::hours(8); // eleven in the evening of the day before
    world.clock.advance(TimeDelta::hours(1));
    created(acme.ingest(lead(5).provider("Other").received_at(late)).await);

    let today = at + TimeDelta::days(1);
    let mut expected = vec![
        usage("2027-02-28", other, direct, [1, 0, 0], late),
        usage("2027-03-01", bright, direct, [2, 1, 0], at),
        usage("2027-03-01", bright, solar, [1, 0, 1], at),
        usage("2027-03-01", other, direct, [1, 1, 0], at),
        usage("2027-03-02", other, direct, [0, 0, 1], today),
    ];
    assert_eq!(all_usage(&world.elsewhere(&acme)).await, expected);
    // A release counts as taken on the day that it was received, and the rejection is not undone.
    acme.correct(refused.id, Corrections::default().set("phone", phone(6))).await.unwrap();
    world.clock.advance(TimeDelta::days(3));
    created(acme.release(refused.id).await);
    expected[4].taken = 1;
    assert_eq!(all_usage(&acme).await, expected);
    let (from, to) = (day("2027-03-01"), day("2027-03-01"));
    assert_eq!(acme.provider_usage(from, to).await.unwrap(), expected[1..4]);
    in_order(&world, &acme).await;
}

pub(crate) async fn usage_is_what_the_events_tell(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let rejecting = NewWebhook::named("solar").with(|settings| settings.repeat.action = RepeatAction::Reject);
    acme.create_webhook(rejecting).await.unwrap();
    for name in ["Bright Leads", "Other"] {
        acme.create_provider(name, with(|settings| settings.leads_per_hour_max = 40)).await.unwrap();
    }
    let raw = |n: u32| {
        let raw = if n % 6 == 5 { RawLead::json("{}") } else { lead(n * 7 % 31) };
        let raw = raw.webhook(["direct", "solar"][n as usize / 2 % 2]);
        let raw = raw.received_at(world.clock.now() - TimeDelta::hours(i64::from(n) * 5 % 60));
        let raw = if n % 11 == 3 { raw.test() } else { raw };
        match n % 5 {
            0 => raw,
            1 | 2 => raw.provider("Bright Leads"),
            _ => raw.provider("Other"),
        }
    };
    for n in 0..40 {
        let _ = acme.ingest(raw(n)).await.unwrap();
    }
    let rows = (40..140).map(raw).collect();
    let batch = world.elsewhere(&acme).ingest_batch(rows, Atomicity::PerRow).await.unwrap();
    let over = batch.rows.iter().filter(|row| row.as_ref().is_err_and(|error| error.is_retryable())).count();
    assert!(over > 10, "{over} rows are over the limit");
    let snapshot = in_order(&world, &acme).await;
    let told = all_usage(&acme).await;
    assert_eq!(told, recount(&snapshot));
    let sums: [fn(&DailyUsage) -> i64; 3] = [|row| row.taken, |row| row.repeats, |row| row.rejected];
    for sum in sums {
        assert!(told.iter().map(sum).sum::<i64>() > 5, "{told:?}");
    }
    let pairs: BTreeSet<_> = told.iter().map(|row| (row.provider, row.webhook)).collect();
    assert_eq!(pairs.len(), 4);
}

pub(crate) async fn the_last_use_of_a_provider_is_its_latest_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("solar")).await.unwrap();
    let bright = acme.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap().id;
    let other = acme.create_provider("Other", ProviderSettings::default()).await.unwrap().id;
    let used = async || {
        let there = world.elsewhere(&acme);
        [there.provider_last_used(bright).await.unwrap(), there.provider_last_used(other).await.unwrap()]
    };
    let start = world.clock.now();
    let hours = |n| Some(start + TimeDelta::hours(n));
    let hour = || world.clock.advance(TimeDelta::hours(1));
    let from = |raw: RawLead| raw.provider("Bright Leads");
    taken(acme.ingest(lead(1)).await);
    taken(acme.ingest(from(lead(1)).test()).await);
    assert_eq!(used().await, [None, None]);
    hour();
    taken(acme.ingest(from(lead(1)).idempotency_key("a")).await);
    assert_eq!(used().await, [hours(1), None]);
    hour();
    // What came in late is no later use, and a call that came before is none at all.
    taken(acme.ingest(from(lead(2)).received_at(start - TimeDelta::days(9))).await);
    assert!(matches!(acme.ingest(from(lead(1)).idempotency_key("a")).await, Ok(Ingested::Replayed(_))));
    assert_eq!(used().await, [hours(1), None]);
    let refused = rejected(acme.ingest(from(RawLead::json("{}")).webhook("solar")).await);
    assert_eq!(used().await, [hours(2), None]);
    hour();
    acme.correct(refused.id, Corrections::default().set("phone", phone(3))).await.unwrap();
    created(acme.release(refused.id).await);
    assert_eq!(used().await, [hours(2), None]);
    taken(acme.ingest(lead(1).provider("Other")).await);
    assert_eq!(used().await, [hours(2), hours(3)]);
    let nobody = ProviderId::from_uuid(Uuid::from_u128(7));
    assert_eq!(acme.provider_last_used(nobody).await.unwrap(), None);
}

/// Counts what the feed tells of providers, in a zone that has been the same all the time.
fn recount(snapshot: &Snapshot) -> Vec<DailyUsage> {
    let zone = &snapshot.workspace.as_ref().unwrap().settings.zone;
    let mut days: BTreeMap<(NaiveDate, ProviderId, WebhookId), DailyUsage> = BTreeMap::new();
    for event in &snapshot.feed {
        let (provider, webhook, at, test) = match &event.body {
            EventBody::LeadReceived(lead) => (lead.provider, lead.webhook, lead.received_at, lead.test),
            EventBody::LeadRejected(lead) => (lead.provider, lead.webhook, lead.received_at, lead.test),
            _ => continue,
        };
        let Some(provider) = provider.filter(|_| !test) else { continue };
        let day = zone.day_of(at);
        let row = days.entry((day, provider, webhook));
        let row =
            row.or_insert_with(|| DailyUsage { day, ..usage("1970-01-01", provider, webhook, [0; 3], at) });
        row.last_at = row.last_at.max(Some(at));
        if matches!(event.body, EventBody::LeadRejected(_)) {
            row.rejected += 1;
            continue;
        }
        row.taken += 1;
        row.repeats += i64::from(event.duplicate_of.is_some());
    }
    days.into_values().collect()
}

/// What the sender is told whose limit is reached.
#[track_caller]
fn reached(answer: Result<Ingested, Error>) -> String {
    let error = answer.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Overloaded, true), "{error}");
    error.to_string()
}
