use convio_core::service::{Atomicity, BATCH_ROWS_MAX, CHUNK_ROWS_MAX};
use convio_core::{ErrorKind, Ingested, NewWebhook, RawLead, RepeatAction, WebhookSettings, WorkspaceHandle};
use serde_json::json;

use crate::{
    Snapshot, Subject, World, check_invariants, codes, created, duplicate, lead, lead_with, linked, rejected,
    replayed, taken,
};

pub(crate) async fn rows_are_answered_in_their_order(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let known = created(acme.ingest(lead(7)).await);
    let rows = vec![
        lead(1),
        RawLead::json("broken"),
        lead(7),
        lead(2).webhook("nobody"),
        lead(3).idempotency_key(" "),
        lead(4),
    ];
    let batch = acme.ingest_batch(rows, Atomicity::PerRow).await.unwrap();
    assert!(batch.applied);
    let [first, broken, seventh, nobody, blank, last] = batch.rows.try_into().unwrap();
    let (first, last) = (created(first), created(last));
    assert!(first.lead < last.lead);
    assert_eq!(codes(&rejected(broken).reasons), ["payload/unreadable"]);
    assert_eq!(linked(seventh).contact, known.contact);
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(blank.unwrap_err().kind(), ErrorKind::Invalid);
    for (accepted, name) in [(first, "Given1"), (last, "Given4")] {
        let contact =
            acme.contact(convio_core::contact::ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
        assert_eq!(contact.person.first_name.as_deref(), Some(name));
    }
}

pub(crate) async fn a_batch_comes_to_the_same_as_its_rows_one_by_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    let rows = || {
        let more = |n, zip: &str| lead_with(n, json!({"zip": zip, "product": "Solar"}));
        vec![
            lead(1),
            more(1, "02134"),
            lead(2),
            lead(1).idempotency_key("a"),
            lead(1),
            RawLead::json("{}"),
            lead(2),
        ]
    };
    let batch = acme.ingest_batch(rows(), Atomicity::PerRow).await.unwrap();
    let mut singles = Vec::new();
    for row in rows() {
        singles.push(other.ingest(row).await);
    }
    for (in_batch, single) in batch.rows.iter().zip(&singles) {
        let (in_batch, single) = (in_batch.as_ref().unwrap(), single.as_ref().unwrap());
        assert_eq!(std::mem::discriminant(in_batch), std::mem::discriminant(single));
    }
    let store = world.store();
    let one = Snapshot::of(&*store, acme.id(), 100).await.unwrap();
    let two = Snapshot::of(&*store, other.id(), 100).await.unwrap();
    let people = |snapshot: &Snapshot| -> Vec<_> {
        snapshot.contacts.iter().map(|row| (row.person.clone(), row.leads, row.version)).collect()
    };
    assert_eq!(people(&one), people(&two));
    let kinds =
        |snapshot: &Snapshot| -> Vec<_> { snapshot.feed.iter().map(|event| event.body.kind()).collect() };
    assert_eq!(kinds(&one), kinds(&two));
    let repeats = |snapshot: &Snapshot| -> Vec<_> {
        let place = |id| snapshot.leads.iter().position(|lead| lead.id == id);
        snapshot.leads.iter().map(|row| row.duplicate_of.and_then(place)).collect()
    };
    assert_eq!(repeats(&one), repeats(&two));
    assert_eq!(
        one.rollups.iter().map(|row| row.n).collect::<Vec<_>>(),
        two.rollups.iter().map(|row| row.n).collect::<Vec<_>>()
    );
}

pub(crate) async fn rows_of_one_contact_are_one_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    for atomicity in [Atomicity::PerRow, Atomicity::AllOrNothing] {
        let acme = world.acme().await;
        let batch = acme.ingest_batch(vec![lead(1), lead(2), lead(1), lead(1)], atomicity).await.unwrap();
        let [one, two, again, last] = batch.rows.try_into().unwrap();
        let (one, two) = (created(one), created(two));
        let (again, last) = (linked(again), linked(last));
        assert_eq!((again.contact, last.contact, again.number), (one.contact, one.contact, one.number));
        assert_ne!(one.number, two.number);
        assert_eq!((again.duplicate_of, last.duplicate_of), (Some(one.lead), Some(again.lead)));
        let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
        crate::check_invariants(&snapshot).unwrap();
        assert_eq!(snapshot.contacts.iter().map(|row| row.leads).collect::<Vec<_>>(), [3, 1]);
    }
}

pub(crate) async fn one_call_twice_in_a_batch_is_taken_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let rows = vec![
        lead(1).idempotency_key("a"),
        lead(1).idempotency_key("a"),
        lead(2).idempotency_key("a"),
        lead(3).external_id("x"),
        lead(3).external_id("x"),
    ];
    let batch = acme.ingest_batch(rows, Atomicity::PerRow).await.unwrap();
    let [first, again, other, third, third_again] = batch.rows.try_into().unwrap();
    assert_eq!(replayed(again), first.unwrap());
    assert_eq!(codes(other.unwrap_err().reasons()), ["idempotency_key/reused"]);
    assert_eq!(replayed(third_again), third.unwrap());
    assert_eq!(world.store().head(acme.id()).await.unwrap().unwrap().contacts, 2);
}

pub(crate) async fn repeats_within_a_batch_are_rejected_where_repeats_are(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    reject_repeats(&acme).await;
    let batch = acme.ingest_batch(vec![lead(1), lead(1), lead(2)], Atomicity::PerRow).await.unwrap();
    let [first, again, other] = batch.rows.try_into().unwrap();
    assert_eq!(duplicate(again).duplicate_of, Some(created(first).lead));
    created(other);
}

pub(crate) async fn all_or_nothing_takes_all(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let batch = acme.ingest_batch((1..=20).map(lead).collect(), Atomicity::AllOrNothing).await.unwrap();
    assert!(batch.applied);
    assert_eq!(batch.rows.into_iter().map(created).count(), 20);
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!((snapshot.contacts.len(), snapshot.leads.len(), snapshot.feed.len()), (20, 20, 22));
}

pub(crate) async fn all_or_nothing_takes_nothing_when_one_row_is_rejected(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    taken(acme.ingest(lead(9)).await);
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    let rows = vec![lead(1), RawLead::json("broken"), lead(2).idempotency_key(" ")];
    let batch = acme.ingest_batch(rows, Atomicity::AllOrNothing).await.unwrap();
    assert!(!batch.applied);
    let [first, broken, blank] = batch.rows.try_into().unwrap();
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(codes(&rejected(broken).reasons), ["payload/unreadable"]);
    assert_eq!(blank.unwrap_err().kind(), ErrorKind::Invalid);
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
}

pub(crate) async fn all_or_nothing_takes_nothing_when_one_gate_is_lost(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    reject_repeats(&acme).await;
    let known = taken(acme.ingest(lead(9).idempotency_key("a")).await);
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    // A key that another lead has.
    let batch = acme
        .ingest_batch(vec![lead(1), lead(2).idempotency_key("a")], Atomicity::AllOrNothing)
        .await
        .unwrap();
    let [first, reused] = batch.rows.try_into().unwrap();
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(codes(reused.unwrap_err().reasons()), ["idempotency_key/reused"]);
    // A lead that repeats one.
    let batch = acme.ingest_batch(vec![lead(1), lead(9), lead(2)], Atomicity::AllOrNothing).await.unwrap();
    assert!(!batch.applied);
    let [first, repeat, last] = batch.rows.try_into().unwrap();
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(duplicate(repeat).duplicate_of, Some(known.lead));
    assert_eq!(last.unwrap_err().kind(), ErrorKind::Conflict);
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
    // None of the names or numbers that were wanted is used up.
    let batch = acme.ingest_batch(vec![lead(1), lead(2)], Atomicity::AllOrNothing).await.unwrap();
    assert!(batch.applied);
}

pub(crate) async fn all_or_nothing_with_one_key_twice_is_kept_out(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    for other in [1, 2] {
        let rows = vec![lead(1).idempotency_key("a"), lead(3), lead(other).idempotency_key("a")];
        let batch = acme.ingest_batch(rows, Atomicity::AllOrNothing).await.unwrap();
        assert!(!batch.applied);
        let [first, second, again] = batch.rows.try_into().unwrap();
        assert_eq!([first, second].map(|row| row.unwrap_err().kind()), [ErrorKind::Conflict; 2]);
        assert_eq!(codes(again.unwrap_err().reasons()), ["idempotency_key/reused"]);
        let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
        assert_eq!(before.difference(&after), None);
    }
}

pub(crate) async fn an_empty_batch_is_answered_with_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for atomicity in [Atomicity::PerRow, Atomicity::AllOrNothing] {
        let batch = acme.ingest_batch(Vec::new(), atomicity).await.unwrap();
        assert!(batch.rows.is_empty() && !batch.applied);
    }
    assert!(world.store().commit(Vec::new()).await.is_empty());
}

pub(crate) async fn a_batch_has_a_bound(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let rows = vec![RawLead::json("{}"); BATCH_ROWS_MAX + 1];
    let error = acme.ingest_batch(rows, Atomicity::PerRow).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["rows/too_many"]);
}

pub(crate) async fn any_number_of_rows_is_taken_and_answered_in_order(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let rows = CHUNK_ROWS_MAX + 150;
    let again = CHUNK_ROWS_MAX + 7; // says what the fourth row said, a chunk later
    let row = |n: usize| match n {
        3 => lead(3).idempotency_key("once"),
        n if n == again => lead(3).idempotency_key("once"),
        n if n % 100 == 99 => RawLead::json("{}"),
        n => lead((n % 700) as u32),
    };
    let mut answers = Vec::new();
    let sent = acme
        .ingest_many((0..rows).map(row), |n, answer| {
            assert_eq!(n, answers.len());
            answers.push(answer.unwrap());
        })
        .await;
    assert_eq!((sent, answers.len()), (rows, rows));
    for (n, answer) in answers.iter().enumerate() {
        let is_as_expected = match answer {
            Ingested::Created(_) => n < 700,
            Ingested::Linked(_) => n >= 700,
            Ingested::Rejected(_) => n % 100 == 99,
            Ingested::Replayed(first) => n == again && **first == answers[3],
            _ => false,
        };
        assert!(is_as_expected, "{n}: {answer:?}");
    }
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 500).await.unwrap();
    check_invariants(&snapshot).unwrap();
    assert_eq!(snapshot.leads.len() + snapshot.rejections.len(), rows - 1);
    assert_eq!(acme.ingest_many([], |_, _| unreachable!()).await, 0);
}

pub(crate) async fn rows_of_several_webhooks_travel_together(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let own = |settings: &mut WebhookSettings| settings.scope = convio_core::DedupScope::Webhook;
    acme.create_webhook(NewWebhook::named("buyer").with(own)).await.unwrap();
    acme.create_webhook(NewWebhook::named("gone")).await.unwrap();
    acme.delete_webhook("gone").await.unwrap();
    let rows = vec![lead(1), lead(1).webhook("buyer"), lead(1).webhook("gone"), lead(1).webhook("buyer")];
    let batch = acme.ingest_batch(rows, Atomicity::PerRow).await.unwrap();
    let [direct, buyer, gone, again] = batch.rows.try_into().unwrap();
    assert_ne!(created(direct).contact, created(buyer).contact);
    assert_eq!(codes(&rejected(gone).reasons), ["webhook/deleted"]);
    assert!(matches!(again, Ok(Ingested::Linked(_))));
}

async fn reject_repeats(acme: &WorkspaceHandle<'_>) {
    let mut settings = WebhookSettings::default();
    settings.repeat.action = RepeatAction::Reject;
    acme.configure_webhook("direct", settings).await.unwrap();
}
