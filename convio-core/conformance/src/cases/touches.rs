use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use convio_core::contact::Touch;
use convio_core::event::EventBody;
use convio_core::service::Attribution;
use convio_core::{
    Clock, Completion, Conversion, DedupScope, LeadId, NewWebhook, Outcome, PageRequest, WorkspaceHandle,
};
use serde_json::json;

use super::lead_work::{in_order, row, schedule};
use super::sales::{money, of, sale};
use crate::{Subject, World, created, lead_with, linked, taken};

pub(crate) async fn the_last_touch_is_the_last_lead_by_then(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let start = world.clock.now();
    let day = |n| start + TimeDelta::days(n);
    let ids = [arrive(&acme, "Google Ads", day(0)).await, {
        world.clock.advance(TimeDelta::days(30));
        arrive(&acme, "Facebook", day(10)).await
    }];
    let last = arrive(&acme, "Yelp", day(20)).await;
    // Whichever lead of the contact is sold, the touches are the contact's.
    for sold in [ids[0], ids[1], last] {
        for (when, source, touch) in [
            (day(0), "Google Ads", ids[0]),
            (day(10) - TimeDelta::microseconds(1), "Google Ads", ids[0]),
            (day(10), "Facebook", ids[1]), // of that very moment
            (day(20) - TimeDelta::microseconds(1), "Facebook", ids[1]),
            (day(25), "Yelp", last),
        ] {
            let sold = sell(&acme, sold, when).await;
            assert_eq!(told(&sold.last_touch), (source, touch), "{when}");
            assert_eq!(told(&sold.first_touch), ("Google Ads", ids[0]), "{when}");
            assert_eq!(sold.last_touch, row(&acme, touch).await.touch());
        }
        // Without a time it is now.
        let now = acme.convert(sale(sold, "5 USD")).await.unwrap();
        assert_eq!((told(&now.last_touch), now.occurred_at), (("Yelp", last), day(30)));
        let events = acme.history(of(now.id), &PageRequest::default()).await.unwrap().items;
        let EventBody::ConversionRecorded(recorded) = &events[0].body else { panic!("{events:?}") };
        assert_eq!((&recorded.first_touch, &recorded.last_touch), (&now.first_touch, &now.last_touch));
        assert_eq!(acme.conversion(now.id).await.unwrap(), Some(now));
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn of_two_leads_of_one_moment_the_greater_id_is_the_last(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let now = world.clock.now();
    world.clock.advance(TimeDelta::days(1));
    let mut ids = Vec::new();
    // Ids of several processes do not ascend in the order of arrival.
    for n in 0..6 {
        let handle = if n % 2 == 0 { world.elsewhere(&acme) } else { acme.clone() };
        ids.push(arrive(&handle, &format!("source {n}"), now).await);
        let sold = sell(&acme, ids[0], now).await;
        assert_eq!(Some(&sold.last_touch.lead), ids.iter().max());
        assert_eq!(Some(&sold.first_touch.lead), ids.iter().min());
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn tests_and_deleted_leads_are_no_last_touch(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = arrive(&acme, "Google", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(1));
    let deleted = arrive(&acme, "Deleted", world.clock.now()).await;
    acme.delete_lead(deleted).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    taken(acme.ingest(lead_with(1, json!({"source": "Test"})).test()).await);
    let last = async || {
        let sold = acme.convert(sale(first, "5 USD")).await.unwrap();
        sold.last_touch.source.as_str().to_owned()
    };
    assert_eq!(last().await, "Google");
    acme.restore_lead(deleted).await.unwrap();
    assert_eq!(last().await, "Deleted", "a restored lead is one again");
    acme.delete_lead(deleted).await.unwrap();
    let visit = acme.book(first, schedule()).await.unwrap();
    let sold = acme.complete(visit.id, Outcome::Sold(money("5 USD"))).await.unwrap().conversion.unwrap();
    assert_eq!(told(&sold.last_touch), ("Google", first));
    in_order(&world, &acme).await;
}

pub(crate) async fn without_a_lead_before_it_a_sale_is_touched_by_its_own(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let start = world.clock.now();
    world.clock.advance(TimeDelta::days(9));
    let first = arrive(&acme, "Google", start).await;
    let second = arrive(&acme, "Bing", start + TimeDelta::days(5)).await;
    let sold = sell(&acme, second, start - TimeDelta::microseconds(1)).await;
    assert_eq!((told(&sold.last_touch), told(&sold.first_touch)), (("Bing", second), ("Google", first)));
    let sold = sell(&acme, second, start).await;
    assert_eq!(told(&sold.last_touch), ("Google", first));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_lead_that_comes_late_changes_no_sale_that_is_stored(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let start = world.clock.now();
    world.clock.advance(TimeDelta::days(9));
    let first = arrive(&acme, "Google", start).await;
    let when = start + TimeDelta::days(5);
    let stored = sell(&acme, first, when).await;
    let before = in_order(&world, &acme).await.rollups;
    let earlier = arrive(&acme, "Door", start - TimeDelta::days(1)).await;
    let between = arrive(&acme, "Yelp", start + TimeDelta::days(4)).await;
    arrive(&acme, "After", when + TimeDelta::microseconds(1)).await;
    assert_eq!(acme.conversion(stored.id).await.unwrap(), Some(stored.clone()));
    let after = in_order(&world, &acme).await.rollups;
    let of_sales = |rows: Vec<convio_core::Rollup>| {
        rows.into_iter().filter(|row| row.cube != convio_core::Cube::Leads).collect::<Vec<_>>()
    };
    assert_eq!(of_sales(after), of_sales(before));
    let next = sell(&acme, first, when).await;
    assert_eq!((told(&next.first_touch), told(&next.last_touch)), (("Door", earlier), ("Yelp", between)));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visit_is_credited_by_the_time_that_it_took_place(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let start = world.clock.now();
    world.clock.advance(TimeDelta::days(9));
    let first = arrive(&acme, "Google", start).await;
    let second = arrive(&acme, "Bing", start + TimeDelta::days(5)).await;
    for (days, expected) in [(4, ("Google", first)), (5, ("Bing", second)), (99, ("Bing", second))] {
        let visit = acme.book(first, schedule()).await.unwrap();
        let sold =
            Completion::from(Outcome::Sold(money("5 USD"))).completed_at(start + TimeDelta::days(days));
        let sold = acme.complete(visit.id, sold).await.unwrap().conversion.unwrap();
        assert_eq!(told(&sold.last_touch), expected, "after {days} days");
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn leads_of_other_contacts_touch_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let apart = NewWebhook::named("apart").with(|settings| settings.scope = DedupScope::Webhook);
    acme.create_webhook(apart).await.unwrap();
    acme.create_webhook(NewWebhook::named("shared")).await.unwrap();
    let ours = arrive(&acme, "Google", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(1));
    let raw = |n, source: &str| lead_with(n, json!({ "source": source }));
    // The same phone in a scope of its own is another contact; another phone is one too.
    created(acme.ingest(raw(1, "Apart").webhook("apart")).await);
    created(acme.ingest(raw(2, "Neighbour")).await);
    let sold = acme.convert(sale(ours, "5 USD")).await.unwrap();
    assert_eq!(told(&sold.last_touch), ("Google", ours));
    let theirs = linked(acme.ingest(raw(1, "Shared").webhook("shared")).await).lead;
    let sold = acme.convert(sale(ours, "5 USD")).await.unwrap();
    assert_eq!(told(&sold.last_touch), ("Shared", theirs), "whatever webhook it came through");
    in_order(&world, &acme).await;
}

pub(crate) async fn each_attribution_counts_for_its_own_source(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    arrive(&acme, "Google  Ads", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(1));
    let sold = arrive(&acme, "Facebook", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(1));
    arrive(&acme, "Yelp", world.clock.now()).await;
    for value in ["5 USD", "6 USD", "7 JPY"] {
        acme.convert(sale(sold, value)).await.unwrap();
    }
    let (from, to) = (NaiveDate::MIN, NaiveDate::MAX);
    for (by, source) in [
        (Attribution::Lead, "facebook"),
        (Attribution::FirstTouch, "google ads"),
        (Attribution::LastTouch, "yelp"),
    ] {
        let days = acme.daily_conversions(by, from, to).await.unwrap();
        let rows: Vec<_> = days.iter().map(|row| (row.source.as_str(), row.conversions, row.value)).collect();
        assert_eq!(rows, [(source, 1, money("7 JPY")), (source, 2, money("11 USD"))], "{by:?}");
    }
    in_order(&world, &acme).await;
}

/// A lead of the one contact, from this source, received then.
async fn arrive(acme: &WorkspaceHandle<'_>, source: &str, at: DateTime<Utc>) -> LeadId {
    taken(acme.ingest(lead_with(1, json!({ "source": source })).received_at(at)).await).lead
}

async fn sell(acme: &WorkspaceHandle<'_>, lead: LeadId, at: DateTime<Utc>) -> Conversion {
    acme.convert(sale(lead, "5 USD").occurred_at(at)).await.unwrap()
}

fn told(touch: &Touch) -> (&str, LeadId) {
    (touch.source.as_str(), touch.lead)
}
