use std::sync::Mutex;

use chrono::TimeDelta;
use convio_core::{Durability, ErrorKind, Ingested, NewConversion, NewWebhook, NumberSeries};
use pollster::block_on;

use super::events::eventful;
use crate::{Snapshot, Subject, World, check_invariants, created, lead, replayed, taken};

pub(crate) async fn what_is_acknowledged_survives_a_crash(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut before = Vec::new();
    eventful(&acme).await;
    // The very last commit counts as much as the others.
    for n in 20..23 {
        created(acme.ingest(lead(n)).await);
        before.push(Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap());
    }
    let Some(store) = subject.reopen() else {
        assert_eq!(
            world.store().durability(),
            Durability::Process,
            "a store that is not reopened must say why"
        );
        return;
    };
    assert_eq!(store.durability(), Durability::Synced);
    let after = Snapshot::of(&*store, acme.id(), 100).await.unwrap();
    assert_eq!(before.last().unwrap().difference(&after), None, "what was acknowledged was lost");
}

pub(crate) async fn after_a_crash_everything_goes_on_where_it_was(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let limited = NewWebhook::named("limited").with(|settings| settings.leads_per_hour_max = Some(1));
    acme.create_webhook(limited).await.unwrap();
    let first = created(acme.ingest(lead(1).idempotency_key("a").external_id("x")).await);
    taken(acme.ingest(lead(2).webhook("limited")).await);
    let Some(store) = subject.reopen() else {
        assert_eq!(
            world.store().durability(),
            Durability::Process,
            "a store that is not reopened must say why"
        );
        return;
    };
    let acme = world.convio_on(store.clone()).workspace(acme.id());
    // Names are still claimed, the limit is still used up, the window still open, numbers go on.
    assert_eq!(replayed(acme.ingest(lead(1).idempotency_key("a")).await), Ingested::Created(first.clone()));
    assert_eq!(acme.ingest(lead(3).external_id("x")).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(acme.ingest(lead(3).webhook("limited")).await.unwrap_err().kind(), ErrorKind::Overloaded);
    assert_eq!(taken(acme.ingest(lead(1)).await).duplicate_of, Some(first.lead));
    assert_eq!(created(acme.ingest(lead(3)).await).number, NumberSeries::of(acme.id()).nth(2));
    acme.convert(NewConversion::sale(first.lead, "5 USD".parse().unwrap())).await.unwrap();
    world.clock.advance(TimeDelta::hours(1));
    taken(acme.ingest(lead(4).webhook("limited")).await);
    let snapshot = Snapshot::of(&*store, acme.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
}

pub(crate) async fn what_many_writers_were_told_survives_a_crash(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (told, acme, subject) = (&told, &acme, subject);
            scope.spawn(move || {
                let _held = subject.enter();
                for row in 0..5 {
                    let accepted = taken(block_on(acme.ingest(lead(n * 3 + row))));
                    told.lock().unwrap().push(accepted);
                }
            });
        }
    });
    let Some(store) = subject.reopen() else {
        assert_eq!(
            world.store().durability(),
            Durability::Process,
            "a store that is not reopened must say why"
        );
        return;
    };
    let snapshot = Snapshot::of(&*store, acme.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
    let told = told.into_inner().unwrap();
    assert_eq!(snapshot.leads.len(), told.len());
    for accepted in told {
        let kept = snapshot.leads.iter().find(|lead| lead.id == accepted.lead);
        assert_eq!(kept.map(|lead| lead.contact), Some(accepted.contact));
    }
}
