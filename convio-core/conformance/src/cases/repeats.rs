use chrono::TimeDelta;
use convio_core::contact::ContactRef;
use convio_core::{
    Clock, Cube, LeadId, Measure, NewWebhook, RawLead, RepeatAction, RepeatPolicy, ReportQuery,
    WebhookSettings, WorkspaceHandle,
};
use serde_json::json;

use crate::{Subject, World, codes, created, duplicate, lead, lead_with, linked, taken};

pub(crate) async fn a_repeat_is_marked_with_the_lead_that_it_repeats(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = created(acme.ingest(lead(1)).await);
    let second = linked(acme.ingest(lead(1)).await);
    assert_eq!(second.duplicate_of, Some(first.lead));
    assert_eq!(acme.lead(second.lead).await.unwrap().unwrap().duplicate_of, Some(first.lead));
    assert_eq!(acme.lead(first.lead).await.unwrap().unwrap().duplicate_of, None);
    // The next one repeats the last.
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(linked(acme.ingest(lead(1)).await).duplicate_of, Some(second.lead));
    assert_eq!(repeats(&acme).await, 2);
}

pub(crate) async fn a_repeat_may_be_rejected_and_is_kept(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    policy(&acme, RepeatAction::Reject, Some(30)).await;
    let first = created(acme.ingest(lead(1)).await);
    let raw = r#"{"phone":"+12122000001"}"#;
    let refused = duplicate(acme.ingest(RawLead::json(raw)).await);
    assert_eq!(
        (refused.duplicate_of, codes(&refused.reasons)),
        (Some(first.lead), vec!["lead/duplicate".to_owned()])
    );
    let row = acme.rejection(refused.id).await.unwrap().unwrap();
    assert_eq!((row.duplicate_of, &row.reasons), (Some(first.lead), &refused.reasons));
    assert_eq!(acme.payload(refused.id).await.unwrap().unwrap().body.as_slice(), raw.as_bytes());
    // It is no lead of the contact, and no lead repeats it.
    assert_eq!(acme.contact(ContactRef::Id(first.contact)).await.unwrap().unwrap().leads, 1);
    assert_eq!(duplicate(acme.ingest(lead(1)).await).duplicate_of, Some(first.lead));
    assert_eq!(repeats(&acme).await, 0);
    // Released, it is still a repeat; an answer, and nothing changes.
    let head = world.store().head(acme.id()).await.unwrap();
    assert_eq!(duplicate(acme.release(refused.id).await).duplicate_of, Some(first.lead));
    assert_eq!(world.store().head(acme.id()).await.unwrap(), head);
    policy(&acme, RepeatAction::Flag, Some(30)).await;
    assert_eq!(linked(acme.release(refused.id).await).duplicate_of, Some(first.lead));
}

pub(crate) async fn repeats_may_be_accepted_like_any_other_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    policy(&acme, RepeatAction::Accept, Some(30)).await;
    created(acme.ingest(lead(1)).await);
    assert_eq!(linked(acme.ingest(lead(1)).await).duplicate_of, None);
    assert_eq!(repeats(&acme).await, 0);
    // Nothing was remembered.
    policy(&acme, RepeatAction::Flag, Some(30)).await;
    assert_eq!(linked(acme.ingest(lead(1)).await).duplicate_of, None);
}

pub(crate) async fn the_window_ends_after_its_days(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    policy(&acme, RepeatAction::Flag, Some(30)).await;
    let first = created(acme.ingest(lead(1)).await);
    world.clock.advance(TimeDelta::days(30) - TimeDelta::microseconds(1));
    let second = linked(acme.ingest(lead(1)).await);
    assert_eq!(second.duplicate_of, Some(first.lead));
    // At the very end it is over: this one opens the next window.
    world.clock.advance(TimeDelta::days(30));
    let third = linked(acme.ingest(lead(1)).await);
    assert_eq!(third.duplicate_of, None);
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(linked(acme.ingest(lead(1)).await).duplicate_of, Some(third.lead));
}

pub(crate) async fn a_lead_that_comes_in_years_late_repeats_none_of_today(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    policy(&acme, RepeatAction::Flag, Some(30)).await;
    let today = created(acme.ingest(lead(1)).await);
    let received = |days: i64| lead(1).received_at(world.clock.now() - TimeDelta::days(days));
    assert_eq!(linked(acme.ingest(received(1_000)).await).duplicate_of, None);
    assert_eq!(linked(acme.ingest(received(30)).await).duplicate_of, None);
    assert_eq!(linked(acme.ingest(received(29)).await).duplicate_of, Some(today.lead));
}

pub(crate) async fn a_window_without_days_never_ends(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    policy(&acme, RepeatAction::Reject, None).await;
    let first = created(acme.ingest(lead(1)).await);
    world.clock.advance(TimeDelta::days(36_500));
    assert_eq!(duplicate(acme.ingest(lead(1)).await).duplicate_of, Some(first.lead));
}

pub(crate) async fn another_product_or_campaign_repeats_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let asks = |product: Option<&str>, campaign: Option<&str>| {
        lead_with(1, json!({"product": product, "campaign": campaign}))
    };
    let mut firsts = Vec::new();
    for (product, campaign) in [
        (None, None),
        (Some("Solar"), None),
        (None, Some("Solar")),
        (Some("Solar"), Some("May")),
        (Some("Roof"), None),
    ] {
        let accepted = taken(acme.ingest(asks(product, campaign)).await);
        assert_eq!(accepted.duplicate_of, None, "{product:?} {campaign:?}");
        firsts.push(accepted.lead);
    }
    // Case and blanks make no other product.
    let repeat = taken(acme.ingest(asks(Some(" SOLAR "), Some("may"))).await);
    assert_eq!(repeat.duplicate_of, Some(firsts[3]));
    assert_eq!(taken(acme.ingest(asks(None, None)).await).duplicate_of, Some(firsts[0]));
}

pub(crate) async fn another_contact_repeats_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    policy(&acme, RepeatAction::Reject, Some(30)).await;
    created(acme.ingest(lead(1)).await);
    created(acme.ingest(lead(2)).await);
    created(world.acme().await.ingest(lead(1)).await);
}

pub(crate) async fn a_lead_repeats_one_of_another_webhook_too(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let reject = |settings: &mut WebhookSettings| settings.repeat.action = RepeatAction::Reject;
    acme.create_webhook(NewWebhook::named("google").with(reject)).await.unwrap();
    let first = created(acme.ingest(lead(1)).await);
    assert_eq!(duplicate(acme.ingest(lead(1).webhook("google")).await).duplicate_of, Some(first.lead));
}

pub(crate) async fn the_latest_lead_counts_whatever_the_order_of_arrival(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    policy(&acme, RepeatAction::Flag, Some(10)).await;
    let now = world.clock.now();
    let ago = |days: i64| lead(1).received_at(now - TimeDelta::days(days));
    let newest = created(acme.ingest(ago(1)).await);
    // Received before it, arrived after it: the window still holds the newest.
    let older = linked(acme.ingest(ago(8)).await);
    assert_eq!(older.duplicate_of, Some(newest.lead));
    let next = linked(acme.ingest(ago(0)).await);
    assert_eq!(next.duplicate_of, Some(newest.lead));
}

async fn policy(acme: &WorkspaceHandle<'_>, action: RepeatAction, window_days: Option<u32>) {
    let mut settings = WebhookSettings::default();
    settings.repeat = RepeatPolicy { action, window_days };
    acme.configure_webhook("direct", settings).await.unwrap();
}

async fn repeats(acme: &WorkspaceHandle<'_>) -> i64 {
    let rows = acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap();
    let leads: Vec<LeadId> = acme
        .leads(&Default::default(), &Default::default())
        .await
        .unwrap()
        .items
        .iter()
        .map(|lead| lead.id)
        .collect();
    assert_eq!(rows.iter().map(|row| row.get(Measure::Leads)).sum::<i64>(), leads.len() as i64);
    rows.iter().map(|row| row.get(Measure::Repeats)).sum()
}
