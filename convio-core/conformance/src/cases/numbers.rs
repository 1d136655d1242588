use convio_core::contact::ContactRef;
use convio_core::service::Atomicity;
use convio_core::{ContactNumber, NumberSeries, RawLead, WorkspaceHandle};

use crate::{Subject, World, created, lead, linked, rejected};

pub(crate) async fn contacts_are_numbered_by_the_series_of_their_workspace(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    for n in 0..5 {
        for handle in [&acme, &other] {
            let accepted = created(handle.ingest(lead(n)).await);
            assert_eq!(accepted.number, NumberSeries::of(handle.id()).nth(n.into()));
            assert_eq!(accepted.number.to_string().len(), 6);
        }
    }
    let batch = acme.ingest_batch((5..15).map(lead).collect(), Atomicity::PerRow).await.unwrap();
    let batch = batch
        .rows
        .into_iter()
        .chain(acme.ingest_batch((15..25).map(lead).collect(), Atomicity::AllOrNothing).await.unwrap().rows);
    for (n, answer) in (5..).zip(batch) {
        assert_eq!(created(answer).number, NumberSeries::of(acme.id()).nth(n));
    }
    assert_eq!(made(&world, &acme).await, 25);
}

pub(crate) async fn only_a_new_contact_uses_a_number(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let series = NumberSeries::of(acme.id());
    let first = created(acme.ingest(lead(1).idempotency_key("a")).await);
    assert_eq!(linked(acme.ingest(lead(1)).await).number, first.number);
    rejected(acme.ingest(RawLead::json("{}")).await);
    let _ = acme.ingest(lead(1).idempotency_key("a")).await.unwrap();
    acme.ingest(lead(2).idempotency_key("a")).await.unwrap_err();
    let kept_out = vec![lead(3), RawLead::json("{}")];
    assert!(!acme.ingest_batch(kept_out, Atomicity::AllOrNothing).await.unwrap().applied);
    let kept_out = vec![lead(3), lead(4), lead(5).idempotency_key("a")];
    assert!(!acme.ingest_batch(kept_out, Atomicity::AllOrNothing).await.unwrap().applied);
    // One that fails after its contacts were made.
    let mut settings = convio_core::WebhookSettings::default();
    settings.repeat.action = convio_core::RepeatAction::Reject;
    acme.configure_webhook("direct", settings).await.unwrap();
    assert!(!acme.ingest_batch(vec![lead(3), lead(1)], Atomicity::AllOrNothing).await.unwrap().applied);
    assert_eq!(made(&world, &acme).await, 1);
    assert_eq!(created(acme.ingest(lead(2)).await).number, series.nth(1));
}

pub(crate) async fn a_number_leads_to_its_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    for n in 0..10 {
        let accepted = created(acme.ingest(lead(n)).await);
        let found = acme.contact(ContactRef::Number(accepted.number)).await.unwrap();
        assert_eq!(found.map(|contact| contact.id), Some(accepted.contact));
        assert_eq!(other.contact(ContactRef::Number(accepted.number)).await.unwrap(), None);
    }
    let unused = NumberSeries::of(acme.id()).nth(10);
    let longest = ContactNumber::from_stored(999_999_999_999_999_999).unwrap();
    for number in [unused, longest] {
        assert_eq!(acme.contact(ContactRef::Number(number)).await.unwrap(), None);
    }
}

async fn made(world: &World<'_>, acme: &WorkspaceHandle<'_>) -> u64 {
    world.store().head(acme.id()).await.unwrap().unwrap().contacts
}
