use chrono::TimeDelta;
use convio_core::change_set::{Claim, ClaimKind, GateLost};
use convio_core::{
    ChangeSet, CommitError, ConfigVersion, Fingerprint, RepeatAction, WebhookSettings, WorkspaceHandle,
    WorkspaceId,
};

use crate::plans::{Plans, commit};
use crate::{Snapshot, Subject, World, created, lead};

pub(crate) async fn an_unknown_workspace_loses_the_gate(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    let nobody = WorkspaceId::from_uuid(uuid::Uuid::from_u128(7));
    let mut empty = plans.empty();
    empty.workspace = nobody;
    for config in [None, Some(ConfigVersion(0)), Some(ConfigVersion(1))] {
        empty.config = config;
        let answer = commit(&*world.store(), empty.clone()).await;
        let lost = matches!(answer, Err(CommitError::GateLost(GateLost::Config { current: None })));
        assert!(lost, "{answer:?}");
    }
    assert_eq!(world.store().head(nobody).await.unwrap(), None);
}

pub(crate) async fn a_counter_goes_up_to_its_limit_and_no_further(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    let store = world.store();
    let add = async |key: &str, n: i64, at_most: i64| {
        let mut changes = plans.empty();
        changes.counters.push(plans.counter(key, n, at_most));
        match commit(&*store, changes).await {
            Ok(_) => true,
            Err(CommitError::GateLost(GateLost::Counter { key: lost })) => {
                assert_eq!(lost, key);
                false
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(add("c", 3, 5).await);
    assert!(!add("c", 3, 5).await, "three more are six");
    assert!(add("c", 2, 5).await, "what was refused was not counted");
    assert!(!add("c", 1, 5).await);
    assert!(add("c", 1, 6).await, "the limit is that of the call");
    assert!(!add("d", 6, 5).await && add("d", 5, 5).await, "another counter");
    world.clock.advance(TimeDelta::hours(1));
    assert!(add("c", 5, 5).await, "another window");
}

pub(crate) async fn counters_that_fail_together_count_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    let both = |second: i64| -> ChangeSet {
        let mut changes = plans.empty();
        changes.counters = vec![plans.counter("a", 1, 1), plans.counter("b", second, 1)];
        changes
    };
    assert!(commit(&*world.store(), both(2)).await.is_err());
    assert!(commit(&*world.store(), both(1)).await.is_ok());
    // The same counter twice in one change set adds up.
    let mut twice = plans.empty();
    twice.counters = vec![plans.counter("c", 1, 1), plans.counter("c", 1, 1)];
    assert!(commit(&*world.store(), twice).await.is_err());
}

pub(crate) async fn a_claim_names_its_holder_and_whether_it_is_the_same(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    let first = plans.ingest(lead(1).idempotency_key("a").external_id("x"));
    commit(&*world.store(), first.changes.clone()).await.unwrap();
    for (n, key, id, lost) in [
        (1, "a", "y", ClaimKind::IdempotencyKey),
        (2, "a", "y", ClaimKind::IdempotencyKey),
        (1, "b", "x", ClaimKind::ExternalId),
        (1, "a", "x", ClaimKind::IdempotencyKey),
    ] {
        let again = plans.ingest(lead(n).idempotency_key(key).external_id(id));
        let answer = commit(&*world.store(), again.changes).await;
        let (claimant, holder) = (again.intake.uuid(), first.intake.uuid());
        let expected = GateLost::Claim { claimant, kind: lost, holder, same_body: n == 1 };
        assert!(matches!(&answer, Err(CommitError::GateLost(gate)) if *gate == expected), "{answer:?}");
    }
    // Losing one, it keeps none of the others: "b" and "y" are free.
    let free = plans.ingest(lead(1).idempotency_key("b").external_id("y"));
    commit(&*world.store(), free.changes).await.unwrap();
}

pub(crate) async fn an_expired_claim_is_taken_over_by_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    let claim = |plans: &Plans, hours: i64, body: &str| {
        let mut changes = plans.empty();
        let intake = plans.ingest(lead(1)).intake;
        changes.claims.push(Claim {
            webhook: Some(convio_core::WebhookId::from_uuid(uuid::Uuid::from_u128(1))),
            kind: ClaimKind::IdempotencyKey,
            value: "a".to_owned(),
            fingerprint: Fingerprint::of_bytes(body.as_bytes()),
            holder: intake.uuid(),
            expires_at: Some(changes.at + TimeDelta::hours(hours)),
            yields: false,
        });
        (changes, intake)
    };
    let store = world.store();
    commit(&*store, claim(&plans, 1, "one").0).await.unwrap();
    world.clock.advance(TimeDelta::hours(1) - TimeDelta::microseconds(1));
    assert!(commit(&*store, claim(&plans, 1, "two").0).await.is_err(), "it lives for one microsecond more");
    world.clock.advance(TimeDelta::microseconds(1));
    let (second, holder) = claim(&plans, 2, "two");
    commit(&*store, second).await.unwrap();
    let answer = commit(&*store, claim(&plans, 1, "two").0).await;
    let Err(CommitError::GateLost(GateLost::Claim { holder: held_by, same_body, .. })) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!((held_by, same_body), (holder.uuid(), true));
    world.clock.advance(TimeDelta::minutes(119));
    assert!(commit(&*store, claim(&plans, 1, "two").0).await.is_err(), "the new one has its own life");
}

pub(crate) async fn a_repeat_names_the_lead_that_it_repeats(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    reject_repeats(&acme).await;
    let first = created(acme.ingest(lead(1)).await);
    let plans = Plans::of(&world, acme.id()).await;
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    let again = plans.ingest(lead(1));
    let answer = commit(&*world.store(), again.changes).await;
    let expected = GateLost::Repeat { lead: again.intake.lead(), of: first.lead };
    assert!(matches!(&answer, Err(CommitError::GateLost(gate)) if *gate == expected), "{answer:?}");
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
}

pub(crate) async fn of_several_lost_gates_the_first_is_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    reject_repeats(&acme).await;
    created(acme.ingest(lead(1).idempotency_key("a")).await);
    let plans = Plans::of(&world, acme.id()).await;
    // It loses all four; then one less each time, in the order in which a store applies them.
    let lost = async |config: bool, counter: bool, claim: bool| {
        let raw = if claim { lead(1).idempotency_key("a") } else { lead(1) };
        let mut changes = plans.ingest(raw).changes;
        if config {
            changes.config = Some(ConfigVersion(99));
        }
        if counter {
            changes.counters.push(plans.counter("c", 1, 0));
        }
        match commit(&*world.store(), changes).await {
            Err(CommitError::GateLost(gate)) => gate,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(lost(true, true, true).await, GateLost::Config { .. }));
    assert!(matches!(lost(false, true, true).await, GateLost::Claim { .. }));
    assert!(matches!(lost(false, true, false).await, GateLost::Counter { .. }));
    assert!(matches!(lost(false, false, false).await, GateLost::Repeat { .. }));
}

async fn reject_repeats(acme: &WorkspaceHandle<'_>) {
    let mut settings = WebhookSettings::default();
    settings.repeat.action = RepeatAction::Reject;
    acme.configure_webhook("direct", settings).await.unwrap();
}
