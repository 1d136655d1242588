use chrono::TimeDelta;
use convio_core::contact::ContactRef;
use convio_core::rejection::RejectionFilter;
use convio_core::{
    Clock, Corrections, ErrorKind, Ingested, NewWebhook, PageRequest, RawLead, RejectionState, RepeatAction,
    WorkspaceHandle,
};
use serde_json::json;

use crate::{
    Snapshot, Subject, World, body_of, codes, created, duplicate, lead, lead_with, linked, phone, rejected,
    replayed, taken,
};

pub(crate) async fn the_same_call_again_is_answered_as_the_first_time(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    taken(acme.ingest(lead(1)).await);
    let calls = [lead(1).idempotency_key("a"), lead(2).idempotency_key("b"), lead(1).external_id("c")];
    for raw in calls {
        let first = acme.ingest(raw.clone()).await.unwrap();
        let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
        world.clock.advance(TimeDelta::hours(71));
        for handle in [&acme, &world.elsewhere(&acme)] {
            assert_eq!(replayed(handle.ingest(raw.clone()).await), first);
        }
        let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
        assert_eq!(before.difference(&after), None, "a replay changed something");
    }
    // The first of them repeated a lead, and a replay says so too.
    let leads = acme.leads(&Default::default(), &Default::default()).await.unwrap().items;
    assert_eq!(leads[1].duplicate_of, Some(leads[0].id));
}

pub(crate) async fn the_same_lead_spelt_otherwise_is_the_same_call(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let one = RawLead::json(r#"{"phone":"+12122000001","zip":"02134","n":1.0}"#).idempotency_key("a");
    let two = RawLead::json("{ \"n\":1.0,\n\"zip\" : \"02134\",\"phone\":\"\\u002b12122000001\" }")
        .idempotency_key("a");
    let first = created(acme.ingest(one.clone()).await);
    assert_eq!(replayed(acme.ingest(two).await), Ingested::Created(first.clone()));
    // What is kept is what came first.
    assert_eq!(
        acme.payload(first.lead.intake()).await.unwrap().unwrap().body.as_slice(),
        br#"{"phone":"+12122000001","zip":"02134","n":1.0}"#
    );
}

pub(crate) async fn a_key_with_another_lead_is_a_conflict_that_names_the_key(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    taken(acme.ingest(lead(1).idempotency_key("a").external_id("x")).await);
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    for (raw, field) in [
        (lead(2).idempotency_key("a"), "idempotency_key/reused"),
        (lead(2).external_id("x"), "external_id/reused"),
        (lead_with(2, json!({"leadId": "x"})), "external_id/reused"),
        (RawLead::json("broken").idempotency_key("a"), "idempotency_key/reused"),
    ] {
        let error = acme.ingest(raw).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(codes(error.reasons()), [field]);
    }
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None, "a conflict changed something");
}

pub(crate) async fn an_external_id_is_remembered_for_ever(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = acme.ingest(lead(1).external_id("x")).await.unwrap();
    world.clock.advance(TimeDelta::days(36_500));
    assert_eq!(replayed(acme.ingest(lead(1).external_id("x")).await), first);
    // Also under an idempotency key of its own.
    assert_eq!(replayed(acme.ingest(lead(1).external_id("x").idempotency_key("new")).await), first);
    assert_eq!(acme.ingest(lead(2).external_id("x")).await.unwrap_err().kind(), ErrorKind::Conflict);
    let row = acme.lead(first.accepted().unwrap().lead).await.unwrap().unwrap();
    assert_eq!(row.interest.external_id.as_deref(), Some("x"));
}

pub(crate) async fn an_expired_key_may_be_used_again(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = acme.ingest(lead(1).idempotency_key("a")).await.unwrap();
    world.clock.advance(TimeDelta::hours(72) - TimeDelta::microseconds(1));
    assert_eq!(replayed(acme.ingest(lead(1).idempotency_key("a")).await), first);
    assert_eq!(acme.ingest(lead(2).idempotency_key("a")).await.unwrap_err().kind(), ErrorKind::Conflict);
    world.clock.advance(TimeDelta::microseconds(1));
    let second = acme.ingest(lead(2).idempotency_key("a")).await.unwrap();
    created(Ok(second.clone()));
    // From now on it is the second one's.
    world.clock.advance(TimeDelta::hours(71));
    assert_eq!(replayed(acme.ingest(lead(2).idempotency_key("a")).await), second);
    assert_eq!(acme.ingest(lead(1).idempotency_key("a")).await.unwrap_err().kind(), ErrorKind::Conflict);
}

pub(crate) async fn the_key_of_a_lead_received_long_ago_lives_as_long(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let old = || lead(1).received_at(world.clock.now() - TimeDelta::days(400)).idempotency_key("a");
    let first = acme.ingest(old()).await.unwrap();
    assert_eq!(replayed(acme.ingest(old()).await), first);
}

pub(crate) async fn keys_belong_to_their_webhook(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    let call = |n| lead(n).idempotency_key("a").external_id("x");
    created(acme.ingest(call(1)).await);
    created(acme.ingest(call(2).webhook("google")).await);
    let first = replayed(acme.ingest(call(2).webhook("google")).await);
    assert!(matches!(first, Ingested::Created(_)));
    // And to their workspace.
    created(world.acme().await.ingest(call(3)).await);
}

pub(crate) async fn an_idempotency_key_is_no_external_id(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    created(acme.ingest(lead(1).idempotency_key("a")).await);
    created(acme.ingest(lead(2).external_id("a")).await);
    assert_eq!(acme.ingest(lead(3).idempotency_key("a")).await.unwrap_err().kind(), ErrorKind::Conflict);
}

pub(crate) async fn a_required_key_must_be_there(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google").with(|settings| settings.idempotency_required = true))
        .await
        .unwrap();
    let error = acme.ingest(lead(1).webhook("google")).await.unwrap_err();
    assert_eq!(
        (error.kind(), codes(error.reasons())),
        (ErrorKind::Invalid, vec!["idempotency_key/missing".into()])
    );
    created(acme.ingest(lead(1).webhook("google").idempotency_key("a")).await);
}

pub(crate) async fn unusable_names_are_refused_and_usable_ones_kept_apart(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let head = world.store().head(acme.id()).await.unwrap();
    let error = acme.ingest(lead(1).idempotency_key(" \t").external_id("x".repeat(256))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(codes(error.reasons()), ["idempotency_key/invalid", "external_id/invalid"]);
    let error = acme.ingest(RawLead::json("x".repeat(256 * 1024 + 1))).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["payload/too_large"]);
    assert_eq!(world.store().head(acme.id()).await.unwrap(), head);
    // Names differ where their bytes do.
    let names = ["a", "A", " a", "a ", "ä", "a\u{308}", "a%", "a_", "", &"x".repeat(255), &"ü".repeat(127)];
    for (n, name) in (1..).zip(names.into_iter().filter(|name| !name.is_empty())) {
        created(acme.ingest(lead(n).idempotency_key(name)).await);
    }
}

pub(crate) async fn a_replayed_rejection_is_that_rejection(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let raw = || RawLead::json(r#"{"phone":"12"}"#).idempotency_key("a");
    let first = rejected(acme.ingest(raw()).await);
    assert_eq!(replayed(acme.ingest(raw()).await), Ingested::Rejected(first));
    let page = acme.rejections(&Default::default(), &Default::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
}

pub(crate) async fn a_replayed_duplicate_is_that_duplicate(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let new = NewWebhook::named("strict").with(|settings| settings.repeat.action = RepeatAction::Reject);
    acme.create_webhook(new).await.unwrap();
    let first = created(acme.ingest(lead(1).webhook("strict")).await);
    let raw = || lead(1).webhook("strict").idempotency_key("a");
    let refused = duplicate(acme.ingest(raw()).await);
    assert_eq!(refused.duplicate_of, Some(first.lead));
    assert_eq!(replayed(acme.ingest(raw()).await), Ingested::Duplicate(refused));
}

pub(crate) async fn after_a_release_the_replay_is_the_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    acme.delete_webhook("google").await.unwrap();
    let raw = || lead(1).webhook("google").idempotency_key("a");
    let refused = rejected(acme.ingest(raw()).await);
    acme.restore_webhook("google").await.unwrap();
    let released = created(acme.release(refused.id).await);
    assert_eq!(replayed(acme.ingest(raw()).await), Ingested::Created(released));
    assert_eq!(acme.rejection(refused.id).await.unwrap().unwrap().state, RejectionState::Released);
    assert_eq!(leads_of_one(&acme).await, 1);
}

pub(crate) async fn without_a_key_the_same_lead_twice_is_two(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = created(acme.ingest(RawLead::json(body_of(1, json!({})))).await);
    let second = linked(acme.ingest(RawLead::json(body_of(1, json!({})))).await);
    assert_ne!(first.lead, second.lead);
    assert_eq!(leads_of_one(&acme).await, 2);
}

/// How many leads the contact of the first lead has.
async fn leads_of_one(acme: &WorkspaceHandle<'_>) -> u32 {
    let leads = acme.leads(&Default::default(), &Default::default()).await.unwrap().items;
    acme.contact(ContactRef::Id(leads[0].contact)).await.unwrap().unwrap().leads
}

pub(crate) async fn a_rejected_row_that_comes_again_is_answered_as_the_first_time(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let bad = || RawLead::json(r#"{"firstName":"Ann","phone":"no"}"#).external_id("row-1");
    let first = rejected(acme.ingest(bad()).await);
    world.clock.advance(chrono::TimeDelta::days(400));
    let again = replayed(acme.ingest(bad()).await);
    assert_eq!(again, Ingested::Rejected(first.clone()));
    assert_eq!(acme.lead_by_external_id("direct", "row-1").await.unwrap(), None);
    let kept = acme.rejections(&RejectionFilter::default(), &PageRequest::default()).await.unwrap().items;
    assert_eq!(kept.len(), 1);
    // Released under its own id, which it keeps from then on.
    acme.correct(first.id, Corrections::default().set("phone", phone(1))).await.unwrap();
    let lead = created(acme.release(first.id).await).lead;
    assert_eq!(acme.lead_by_external_id("direct", "row-1").await.unwrap().map(|lead| lead.id), Some(lead));
    assert_eq!(replayed(acme.ingest(bad()).await).accepted().map(|accepted| accepted.lead), Ok(lead));
}

pub(crate) async fn a_corrected_lead_may_come_under_the_id_of_a_rejected_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let bad = || RawLead::json(r#"{"phone":"no"}"#).external_id("row-1");
    let first = rejected(acme.ingest(bad()).await);
    let good = created(acme.ingest(lead(1).external_id("row-1")).await);
    assert_eq!(
        acme.lead_by_external_id("direct", "row-1").await.unwrap().map(|lead| lead.id),
        Some(good.lead)
    );
    // The name is the good one's for ever: neither the bad one nor its release takes it.
    let error = acme.ingest(bad()).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["external_id/reused"]);
    acme.correct(first.id, Corrections::default().set("phone", phone(2))).await.unwrap();
    let error = acme.release(first.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(matches!(acme.ingest(lead(1).external_id("row-1")).await, Ok(Ingested::Replayed(_))));
}
