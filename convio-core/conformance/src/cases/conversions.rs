use chrono::TimeDelta;
use convio_core::contact::ContactRef;
use convio_core::conversion::ConversionFilter;
use convio_core::{
    Clock, ConversionType, ErrorKind, LeadId, Money, NewConversion, PageRequest, Stage, Version,
};
use serde_json::json;

use crate::{Snapshot, Subject, World, check_invariants, codes, created, lead, lead_with, linked};

pub(crate) async fn a_sale_is_recorded_on_its_lead_and_its_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    world.clock.advance(TimeDelta::days(2));
    let sold = acme.convert(NewConversion::sale(accepted.lead, usd("89.90"))).await.unwrap();
    assert_eq!((sold.lead, sold.contact, sold.appointment), (accepted.lead, accepted.contact, None));
    assert_eq!((sold.value.minor(), sold.conversion_type.as_str()), (8_990, "sale"));
    assert_eq!(
        (sold.occurred_at, sold.created_at, sold.version),
        (world.clock.now(), world.clock.now(), Version(1))
    );
    let row = acme.lead(accepted.lead).await.unwrap().unwrap();
    assert_eq!(
        (row.progress.status.stage, row.progress.conversion, row.version),
        (Stage::Won, Some(sold.id), Version(2))
    );
    let contact = acme.contact(ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!((contact.conversions, contact.customer_since), (1, Some(world.clock.now())));
    let listed =
        acme.conversions(&ConversionFilter::of_lead(accepted.lead), &PageRequest::default()).await.unwrap();
    assert_eq!(listed.items, [sold]);
}

pub(crate) async fn a_sale_is_credited_to_the_first_touch(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let from = |source: &str| lead_with(1, json!({ "source": source }));
    created(acme.ingest(from("Google Ads")).await);
    world.clock.advance(TimeDelta::days(1));
    let second = linked(acme.ingest(from("Facebook")).await);
    let sold = acme.convert(NewConversion::sale(second.lead, usd("5"))).await.unwrap();
    assert_eq!(sold.first_touch.source.as_str(), "Google Ads");
    // An earlier touch that comes late changes what comes after it.
    let earlier = from("Door").received_at(world.clock.now() - TimeDelta::days(90));
    linked(acme.ingest(earlier).await);
    let later = acme.convert(NewConversion::sale(second.lead, usd("5"))).await.unwrap();
    assert_eq!(later.first_touch.source.as_str(), "Door");
    let kept = world.store().fetch_conversions(acme.id(), &[sold.id]).await.unwrap();
    assert_eq!(kept, [Some(sold)]);
}

pub(crate) async fn a_lead_may_be_sold_several_times_and_names_the_first(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let mut ids = Vec::new();
    for value in ["100.00 USD", "0.01 USD", "7 JPY", "1.234 KWD", "0 USD"] {
        let new = NewConversion::sale(accepted.lead, value.parse().unwrap());
        ids.push(acme.convert(new.of_type(ConversionType::new("Up-sell").unwrap())).await.unwrap().id);
    }
    let row = acme.lead(accepted.lead).await.unwrap().unwrap();
    assert_eq!((row.progress.conversion, row.version), (Some(ids[0]), Version(6)));
    let contact = acme.contact(ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!((contact.conversions, contact.version), (5, Version(6)));
    let mut sums: Vec<String> = contact.lifetime.iter().map(|sum| sum.to_string()).collect();
    sums.sort();
    assert_eq!(sums, ["1.234 KWD", "100.01 USD", "7 JPY"]);
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 2).await.unwrap();
    check_invariants(&snapshot).unwrap();
}

pub(crate) async fn a_customer_is_one_since_the_earliest_sale(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let now = world.clock.now();
    for days in [10, 30, 20] {
        let at = now - TimeDelta::days(days) + TimeDelta::nanoseconds(1_999);
        let sold = acme.convert(NewConversion::sale(accepted.lead, usd("5")).occurred_at(at)).await.unwrap();
        assert_eq!(sold.occurred_at, now - TimeDelta::days(days) + TimeDelta::microseconds(1));
    }
    let contact = acme.contact(ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!(contact.customer_since, Some(now - TimeDelta::days(30) + TimeDelta::microseconds(1)));
}

pub(crate) async fn the_largest_value_is_kept_and_what_overflows_is_refused(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let most = Money::from_minor(i64::MAX, "USD".parse().unwrap());
    let sold = acme.convert(NewConversion::sale(accepted.lead, most)).await.unwrap();
    let kept = world.store().fetch_conversions(acme.id(), &[sold.id]).await.unwrap();
    assert_eq!(kept[0].as_ref().unwrap().value, most);
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    let error = acme.convert(NewConversion::sale(accepted.lead, usd("0.01"))).await.unwrap_err();
    assert_eq!(
        (error.kind(), codes(error.reasons())),
        (ErrorKind::Invalid, vec!["value/overflow".to_owned()])
    );
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
}

pub(crate) async fn negative_values_and_unknown_leads_are_refused(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    let ours = created(acme.ingest(lead(1)).await);
    let theirs = created(other.ingest(lead(1)).await);
    let error = acme.convert(NewConversion::sale(ours.lead, usd("-0.01"))).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["value/negative"]);
    for lead in [LeadId::from_uuid(uuid::Uuid::from_u128(7)), theirs.lead] {
        let error = acme.convert(NewConversion::sale(lead, usd("5"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(other.lead(theirs.lead).await.unwrap().unwrap().version, Version(1));
}

fn usd(decimal: &str) -> Money {
    format!("{decimal} USD").parse().unwrap()
}
