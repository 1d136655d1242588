use chrono::TimeDelta;
use convio_core::service::Atomicity;
use convio_core::{Corrections, ErrorKind, Ingested, NewWebhook, RawLead};

use crate::{Snapshot, Subject, World, created, lead, phone, rejected, taken};

pub(crate) async fn a_webhook_takes_so_many_leads_in_a_clock_hour(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let limited = NewWebhook::named("limited").with(|settings| settings.leads_per_hour_max = Some(3));
    acme.create_webhook(limited).await.unwrap();
    world.clock.advance(TimeDelta::minutes(59));
    for n in 1..=3 {
        created(acme.ingest(lead(n).webhook("limited")).await);
    }
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    for handle in [&acme, &world.elsewhere(&acme)] {
        let error = handle.ingest(lead(4).webhook("limited")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert!(error.is_retryable());
    }
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None, "a refused lead changed something");
    // Others are not touched.
    created(acme.ingest(lead(4)).await);
    created(world.acme().await.ingest(lead(4)).await);
    // At the full hour it is open again, for as many.
    world.clock.advance(TimeDelta::minutes(1));
    for n in 5..=7 {
        created(acme.ingest(lead(n).webhook("limited")).await);
    }
    assert_eq!(acme.ingest(lead(8).webhook("limited")).await.unwrap_err().kind(), ErrorKind::Overloaded);
}

pub(crate) async fn rejections_count_against_the_limit_and_releases_do_not(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let limited = NewWebhook::named("limited").with(|settings| settings.leads_per_hour_max = Some(1));
    acme.create_webhook(limited).await.unwrap();
    let refused = rejected(acme.ingest(RawLead::json("{}").webhook("limited")).await);
    assert_eq!(acme.ingest(lead(1).webhook("limited")).await.unwrap_err().kind(), ErrorKind::Overloaded);
    acme.correct(refused.id, Corrections::default().set("phone", phone(1))).await.unwrap();
    created(acme.release(refused.id).await);
}

pub(crate) async fn what_is_refused_uses_nothing_of_the_limit(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let limited = NewWebhook::named("limited").with(|settings| settings.leads_per_hour_max = Some(2));
    acme.create_webhook(limited).await.unwrap();
    taken(acme.ingest(lead(1).webhook("limited").idempotency_key("a")).await);
    for _ in 0..3 {
        // A conflict is not taken, so the second place stays free.
        let error = acme.ingest(lead(2).webhook("limited").idempotency_key("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
    taken(acme.ingest(lead(2).webhook("limited")).await);
}

pub(crate) async fn a_call_is_answered_again_also_at_the_limit(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let limited = NewWebhook::named("limited").with(|settings| settings.leads_per_hour_max = Some(1));
    acme.create_webhook(limited).await.unwrap();
    let raw = || lead(1).webhook("limited").idempotency_key("a");
    let first = acme.ingest(raw()).await.unwrap();
    assert_eq!(acme.ingest(lead(2).webhook("limited")).await.unwrap_err().kind(), ErrorKind::Overloaded);
    assert_eq!(acme.ingest(raw()).await.unwrap(), Ingested::Replayed(Box::new(first)));
}

pub(crate) async fn the_rows_of_a_batch_count_one_by_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let limited = NewWebhook::named("limited").with(|settings| settings.leads_per_hour_max = Some(2));
    acme.create_webhook(limited).await.unwrap();
    let rows = || (1..=3).map(|n| lead(n).webhook("limited")).collect::<Vec<_>>();
    // All or nothing: three do not fit, so none is taken.
    let error = acme.ingest_batch(rows(), Atomicity::AllOrNothing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    let batch = acme.ingest_batch(rows(), Atomicity::PerRow).await.unwrap();
    let kinds: Vec<_> =
        batch.rows.iter().map(|row| row.as_ref().err().map(convio_core::Error::kind)).collect();
    assert_eq!(kinds, [None, None, Some(ErrorKind::Overloaded)]);
}
