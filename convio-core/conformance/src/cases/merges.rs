use chrono::TimeDelta;
use convio_core::appointment::AppointmentFilter;
use convio_core::attribution::{NewTouch, TouchKind, TouchOf};
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::conversion::ConversionFilter;
use convio_core::event::EventBody;
use convio_core::lead::LeadFilter;
use convio_core::service::{CreditQuery, Dimension};
use convio_core::text::Source;
use convio_core::{
    Clock, Contact, ContactId, ContactKey, ConversionId, ErrorKind, LeadId, PageRequest, StreamRef, Version,
    WorkspaceHandle,
};
use pollster::block_on;
use serde_json::json;
use uuid::Uuid;

use super::concurrency::at_once;
use super::lead_work::{contact, in_order, row, schedule};
use super::sales::{money, sale};
use crate::{Snapshot, Subject, World, codes, lead, lead_with, phone, taken};

/// A contact of this number with a lead, and its lead.
async fn person(acme: &WorkspaceHandle<'_>, n: u32, fields: serde_json::Value) -> (ContactId, LeadId) {
    let accepted = taken(acme.ingest(lead_with(n, fields)).await);
    (accepted.contact, accepted.lead)
}

fn kinds(acme: &WorkspaceHandle<'_>, stream: StreamRef) -> Vec<&'static str> {
    let events = block_on(acme.history(stream, &PageRequest::default())).unwrap().items;
    events.iter().map(|event| event.body.kind()).collect()
}

/// The contacts of a snapshot but their versions, and whose each row is.
fn people(snapshot: &Snapshot) -> (Vec<Contact>, Vec<ContactId>) {
    let unversioned = |row: &Contact| Contact { version: Version(0), ..row.clone() };
    let contacts = snapshot.contacts.iter().map(unversioned).collect();
    let leads = snapshot.leads.iter().map(|row| row.contact);
    let visits = snapshot.appointments.iter().map(|row| row.contact);
    let sales = snapshot.conversions.iter().map(|row| row.contact);
    (contacts, leads.chain(visits).chain(sales).collect())
}

pub(crate) async fn two_contacts_become_one_with_all_they_have(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let (home, first) = person(&acme, 1, json!({"lastName": "Poe", "city": "Perth"})).await;
    world.clock.advance(TimeDelta::hours(1));
    let (work, second) = person(&acme, 2, json!({"lastName": null, "email": "ann@work.example"})).await;
    let deleted = taken(acme.ingest(lead_with(2, json!({"lastName": null}))).await).lead;
    acme.delete_lead(deleted).await.unwrap();
    let visit = acme.book(second, schedule()).await.unwrap().id;
    let early = world.clock.now() - TimeDelta::days(9);
    let sold = acme.convert(sale(second, "100 USD").occurred_at(early)).await.unwrap().id;
    acme.convert(sale(first, "7 JPY")).await.unwrap();
    let number = contact(&acme, work).await.number;

    world.clock.advance(TimeDelta::days(1));
    let ann = world.elsewhere(&acme).merge_contacts(work, home).await.unwrap();
    // Per field the latest that was said, as if all leads had come in for one.
    assert_eq!((ann.id, ann.leads, ann.conversions), (home, 2, 2));
    let person = &ann.person;
    assert_eq!(
        (person.last_name.as_deref(), person.city.as_deref(), person.email.as_ref().map(|it| it.as_str())),
        (Some("Poe"), Some("Perth"), Some("ann@work.example"))
    );
    assert_eq!((ann.first_touch.lead, ann.customer_since), (first, Some(early)));
    assert_eq!(ann.lifetime.iter().collect::<Vec<_>>(), [money("7 JPY"), money("100 USD")]);
    // What was the other's is found by whatever named it.
    let of = |id| ConversionFilter::of_contact(id);
    for id in [home, work] {
        let page = PageRequest::default();
        assert_eq!(acme.contact(ContactRef::Id(id)).await.unwrap(), Some(ann.clone()));
        assert_eq!(acme.leads(&LeadFilter::of_contact(id), &page).await.unwrap().items.len(), 2);
        let visits = acme.appointments(&AppointmentFilter::of_contact(id), &page).await.unwrap().items;
        assert_eq!(visits.iter().map(|row| (row.id, row.contact)).collect::<Vec<_>>(), [(visit, home)]);
        let sales = acme.conversions(&of(id), &page).await.unwrap().items;
        assert!(sales.len() == 2 && sales.iter().all(|row| row.contact == home));
        let keys = acme.contact_keys(id).await.unwrap();
        assert!(keys.len() == 3 && keys.contains(&ContactKey::of_merged(work)), "{keys:?}");
        assert_eq!(acme.journey(id).await.unwrap().conversions.len(), 2);
    }
    assert_eq!(acme.contact(ContactRef::Number(number)).await.unwrap(), Some(ann.clone()));
    for phone in [phone(1), phone(2)] {
        let phone = convio_core::Phone::from_e164(&phone, convio_core::Validity::Valid).unwrap();
        assert_eq!(acme.leads_of_phone(&phone).await.unwrap().len(), 2);
    }
    assert_eq!(row(&acme, deleted).await.contact, home, "deleted leads go too");
    // It is listed no more, unless it is asked for.
    let listed = async |filter: ContactFilter| {
        let found = acme.contacts(&filter, &PageRequest::default()).await.unwrap().items;
        found.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(ContactFilter::default()).await, [home]);
    assert_eq!(listed(ContactFilter::with_merged()).await, [home, work]);
    // Every row tells it.
    assert_eq!(kinds(&acme, StreamRef::Contact(home)).last(), Some(&"contact.merged"));
    assert_eq!(kinds(&acme, StreamRef::Contact(work)).last(), Some(&"contact.merged_into"));
    for stream in [
        StreamRef::Lead(second),
        StreamRef::Subject(convio_core::Subject::Appointment(visit)),
        StreamRef::Subject(convio_core::Subject::Conversion(sold)),
    ] {
        assert!(kinds(&acme, stream).contains(&"contact.reparented"), "{stream:?}");
    }
    in_order(&world, &acme).await;
    // What comes in under either number is one person's, and their sale too.
    let next = taken(acme.ingest(lead(2)).await);
    assert_eq!(next.contact, home);
    acme.convert(sale(next.lead, "1 USD")).await.unwrap();
    acme.void(sold, "a mistake").await.unwrap();
    let now = contact(&acme, home).await;
    assert_eq!((now.leads, now.conversions), (3, 2));
    // Told again, it changes nothing.
    let before = in_order(&world, &acme).await;
    assert_eq!(acme.merge_contacts(work, home).await.unwrap(), now);
    assert_eq!(in_order(&world, &acme).await, before);
}

pub(crate) async fn a_merged_id_leads_on_through_chains(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut ids = Vec::new();
    for n in 1..=4 {
        ids.push(person(&acme, n, json!({})).await.0);
    }
    let [a, b, c, d] = ids[..] else { panic!("{ids:?}") };
    acme.merge_contacts(a, b).await.unwrap();
    acme.merge_contacts(b, c).await.unwrap();
    acme.merge_contacts(d, c).await.unwrap();
    for id in [a, b, c, d] {
        assert_eq!(acme.contact(ContactRef::Id(id)).await.unwrap().unwrap().id, c);
        assert_eq!(
            acme.leads(&LeadFilter::of_contact(id), &PageRequest::default()).await.unwrap().items.len(),
            4
        );
    }
    assert_eq!(taken(acme.ingest(lead(1)).await).contact, c);
    in_order(&world, &acme).await;
    // Whatever was merged first: each comes out of whoever has it now.
    let back = acme.unmerge_contact(a).await.unwrap();
    assert_eq!((back.id, back.leads), (a, 2), "and what came in under its number");
    assert_eq!(contact(&acme, c).await.leads, 3);
    in_order(&world, &acme).await;
    let back = acme.unmerge_contact(b).await.unwrap();
    assert_eq!((back.id, back.leads), (b, 1));
    assert_eq!(taken(acme.ingest(lead(2)).await).contact, b);
    // And again, the other way around.
    acme.merge_contacts(c, a).await.unwrap();
    acme.merge_contacts(a, b).await.unwrap();
    for id in [a, b, c, d] {
        assert_eq!(acme.contact(ContactRef::Id(id)).await.unwrap().unwrap().id, b);
    }
    assert_eq!(contact(&acme, b).await.leads, 6);
    in_order(&world, &acme).await;
    // What came out and went elsewhere by itself is no longer what it once came with.
    acme.unmerge_contact(a).await.unwrap();
    acme.unmerge_contact(c).await.unwrap();
    acme.merge_contacts(a, c).await.unwrap();
    acme.merge_contacts(c, b).await.unwrap();
    acme.unmerge_contact(a).await.unwrap();
    acme.merge_contacts(a, b).await.unwrap();
    let back = acme.unmerge_contact(c).await.unwrap();
    assert_eq!(back.id, c);
    assert_eq!(acme.contact(ContactRef::Id(a)).await.unwrap().unwrap().id, b);
    assert_eq!(taken(acme.ingest(lead(1)).await).contact, b);
    acme.merge_contacts(a, b).await.unwrap(); // told again
    in_order(&world, &acme).await;
}

pub(crate) async fn a_merge_is_undone_to_the_field(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let (home, first) = person(&acme, 1, json!({"lastName": "Poe", "city": "Perth", "zip": "90210"})).await;
    world.clock.advance(TimeDelta::hours(1));
    let (work, second) = person(&acme, 2, json!({"lastName": "Roe", "email": "bea@work.example"})).await;
    acme.book(second, schedule()).await.unwrap();
    acme.convert(sale(second, "100 USD")).await.unwrap();
    acme.convert(sale(first, "30 USD")).await.unwrap();
    acme.identify(work, "visitor-2").await.unwrap();
    let before = in_order(&world, &acme).await;
    acme.merge_contacts(work, home).await.unwrap();
    in_order(&world, &acme).await;
    let back = world.elsewhere(&acme).unmerge_contact(work).await.unwrap();
    assert_eq!((back.id, back.merged_into), (work, None));
    let after = in_order(&world, &acme).await;
    assert_eq!(people(&after), people(&before));
    for id in [home, work] {
        let keys = |snapshot: &Snapshot| {
            let own = snapshot.keys.iter().find(|(of, _)| *of == id).map(|(_, keys)| keys.clone());
            own.unwrap().into_iter().filter(|key| *key != ContactKey::of_merged(id)).collect::<Vec<_>>()
        };
        assert_eq!(keys(&after), keys(&before));
        assert_eq!(kinds(&acme, StreamRef::Contact(id)).last(), Some(&"contact.unmerged"));
    }
    assert_eq!(acme.contact(ContactRef::Id(work)).await.unwrap(), Some(back));
    let merged = after.feed.iter().filter(|event| matches!(event.body, EventBody::ContactUnmerged(_)));
    assert_eq!(merged.count(), 2);
}

pub(crate) async fn what_came_in_between_goes_by_its_key(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let (home, _) = person(&acme, 1, json!({"city": "Perth"})).await;
    let (work, second) = person(&acme, 2, json!({"city": "Bath"})).await;
    acme.merge_contacts(work, home).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    let (_, of_home) = person(&acme, 1, json!({"street": "1 Home Rd"})).await;
    let (_, of_work) = person(&acme, 2, json!({"street": "2 Work Rd"})).await;
    acme.convert(sale(second, "100 USD")).await.unwrap();
    acme.convert(sale(of_home, "30 USD")).await.unwrap();
    let visit = acme.book(of_work, schedule()).await.unwrap().id;
    in_order(&world, &acme).await;
    let back = acme.unmerge_contact(work).await.unwrap();
    let other = contact(&acme, home).await;
    let street = |row: &Contact| row.person.street.clone();
    assert_eq!((back.leads, back.conversions, street(&back).as_deref()), (2, 1, Some("2 Work Rd")));
    assert_eq!((other.leads, other.conversions, street(&other).as_deref()), (2, 1, Some("1 Home Rd")));
    assert_eq!((back.person.city.as_deref(), other.person.city.as_deref()), (Some("Bath"), Some("Perth")));
    assert_eq!(acme.appointment(visit).await.unwrap().unwrap().contact, work);
    in_order(&world, &acme).await;
}

pub(crate) async fn what_can_not_be_merged_is_refused(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    let (a, lead_of_a) = person(&acme, 1, json!({})).await;
    let (b, _) = person(&acme, 2, json!({})).await;
    let (c, _) = person(&acme, 3, json!({})).await;
    let (theirs, _) = person(&other, 1, json!({})).await;
    let seen = contact(&acme, a).await;
    acme.delete_lead(lead_of_a).await.unwrap();
    acme.restore_lead(lead_of_a).await.unwrap();
    let before = [in_order(&world, &acme).await, in_order(&world, &other).await];
    let nobody = ContactId::from_uuid(Uuid::nil());
    let kind = |answer: Result<Contact, convio_core::Error>| answer.unwrap_err().kind();
    let same = acme.merge_contacts(a, a).await.unwrap_err();
    assert_eq!((same.kind(), codes(same.reasons())), (ErrorKind::Invalid, vec!["into/same".to_owned()]));
    for (from, into) in [(a, nobody), (nobody, a), (a, theirs), (theirs, a)] {
        assert_eq!(kind(acme.merge_contacts(from, into).await), ErrorKind::NotFound);
    }
    assert_eq!(kind(acme.merge_contacts(&seen, b).await), ErrorKind::Conflict, "it is not as it was seen");
    assert_eq!(kind(acme.merge_contacts(b, &seen).await), ErrorKind::Conflict);
    assert_eq!(kind(acme.unmerge_contact(a).await), ErrorKind::Conflict, "it was never merged");
    assert_eq!(kind(acme.unmerge_contact(nobody).await), ErrorKind::NotFound);
    assert_eq!([in_order(&world, &acme).await, in_order(&world, &other).await], before);
    acme.merge_contacts(a, b).await.unwrap();
    assert_eq!(kind(acme.merge_contacts(a, c).await), ErrorKind::Conflict, "it went elsewhere");
    assert_eq!(kind(acme.merge_contacts(c, a).await), ErrorKind::Conflict, "it takes nobody any more");
    // A visitor of one that went is the other one's.
    acme.identify(a, "visitor-1").await.unwrap();
    assert!(acme.contact_keys(b).await.unwrap().iter().any(|key| key.value == "visitor-1"));
    acme.unmerge_contact(a).await.unwrap();
    let back = contact(&acme, a).await;
    assert_eq!(acme.unmerge_contact(a).await.unwrap(), back, "told again");
    in_order(&world, &acme).await;
}

/// What each source has of a sale by a model: now, or as it was believed at the end of a day.
async fn earned(
    acme: &WorkspaceHandle<'_>,
    model: &str,
    as_of: Option<chrono::NaiveDate>,
) -> Vec<(String, i64)> {
    let day = |text: &str| text.parse().unwrap();
    let query = CreditQuery::new(model, Dimension::Source, day("2020-01-01"), day("2040-01-01"));
    let query = as_of.into_iter().fold(query, CreditQuery::as_of);
    let credits = acme.credits(&query).await.unwrap();
    let usd =
        |row: &convio_core::service::CreditRow| row.in_currency(convio_core::Currency::USD).unwrap().minor();
    assert_eq!(usd(&credits.total), 10_000, "all of it is always told");
    let rows = credits.rows.iter().map(|(source, row)| (source.clone(), usd(row)));
    rows.filter(|(_, minor)| *minor != 0).collect()
}

pub(crate) async fn merging_works_out_anew_who_earned_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let (home, _) = person(&acme, 1, json!({"source": "Google"})).await;
    let call = NewTouch::new(TouchOf::Contact(home), TouchKind::Call, Source::new("Radio").unwrap());
    world.clock.advance(TimeDelta::hours(1));
    acme.track(call).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    let (work, second) = person(&acme, 2, json!({"source": "Yelp"})).await;
    world.clock.advance(TimeDelta::hours(1));
    let sold: ConversionId = acme.convert(sale(second, "100 USD")).await.unwrap().id;
    let zone = acme.workspace().await.unwrap().unwrap().settings.zone;
    let day_of_sale = zone.day_of(world.clock.now());
    let alone = [("yelp".to_owned(), 10_000)];
    assert_eq!(earned(&acme, "first_touch", None).await, alone);

    world.clock.advance(TimeDelta::days(10));
    let day_of_merge = zone.day_of(world.clock.now());
    // Whoever stays: the sale is the one that stays behind, and then the one that goes.
    for (from, into) in [(home, work), (work, home)] {
        acme.merge_contacts(from, into).await.unwrap();
        assert_eq!(earned(&acme, "first_touch", None).await, [("google".to_owned(), 10_000)]);
        let linear = [("google".to_owned(), 3_334), ("radio".to_owned(), 3_333), ("yelp".to_owned(), 3_333)];
        assert_eq!(earned(&acme, "linear", None).await, linear);
        assert_eq!(earned(&acme, "linear", Some(day_of_merge)).await, linear);
        assert_eq!(earned(&acme, "linear", Some(day_of_sale)).await, alone, "as it was believed");
        let kept = acme.attribution(sold).await.unwrap().unwrap();
        let model = kept.model("linear").unwrap();
        let before = world.clock.now() - TimeDelta::days(5);
        let believed = |at| kept.believed("linear", at).unwrap().len();
        assert_eq!((believed(before), believed(world.clock.now())), (1, 3));
        assert!(!model.before.is_empty());
        in_order(&world, &acme).await;
        // A refund is shared as it is now.
        world.clock.advance(TimeDelta::hours(1));
        let less = convio_core::conversion::NewAdjustment::refund(money("0.03 USD"));
        acme.adjust(sold, less).await.unwrap();
        let more = convio_core::conversion::NewAdjustment::restatement(money("100 USD"));
        acme.adjust(sold, more).await.unwrap();
        assert_eq!(earned(&acme, "linear", None).await, linear);
        world.clock.advance(TimeDelta::hours(1));
        acme.unmerge_contact(from).await.unwrap();
        assert_eq!(earned(&acme, "linear", None).await, alone);
        in_order(&world, &acme).await;
        world.clock.advance(TimeDelta::hours(1));
    }
    // Where nothing is otherwise, nothing is written.
    let before = in_order(&world, &acme).await;
    acme.reattribute(sold).await.unwrap().unwrap();
    assert_eq!(in_order(&world, &acme).await, before);
}

pub(crate) async fn repeats_are_those_of_whoever_it_is_now(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let solar = || json!({"product": "Solar"});
    let (home, _) = person(&acme, 1, json!({"product": "HVAC"})).await;
    let (work, first) = person(&acme, 2, solar()).await;
    let repeats = async |n: u32| {
        let (_, id) = person(&acme, n, solar()).await;
        let of = row(&acme, id).await.duplicate_of;
        acme.delete_lead(id).await.unwrap();
        (id, of)
    };
    acme.merge_contacts(work, home).await.unwrap();
    world.clock.advance(TimeDelta::hours(1));
    let (again, of) = repeats(1).await;
    assert_eq!(of, Some(first), "they asked for it under their other number");
    world.clock.advance(TimeDelta::hours(1));
    acme.unmerge_contact(work).await.unwrap();
    // Each has asked by itself alone.
    let (_, of) = repeats(2).await;
    assert_eq!(of, Some(first));
    world.clock.advance(TimeDelta::hours(1));
    let (_, of) = repeats(1).await;
    assert_eq!(of, Some(again));
    in_order(&world, &acme).await;
    // One who had something of another's and gave it on has nothing of it.
    let (third, _) = person(&acme, 3, json!({"product": "HVAC"})).await;
    let (fourth, _) = person(&acme, 4, json!({"product": "HVAC"})).await;
    acme.merge_contacts(work, third).await.unwrap();
    acme.merge_contacts(third, fourth).await.unwrap();
    acme.unmerge_contact(work).await.unwrap();
    acme.unmerge_contact(third).await.unwrap();
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(repeats(3).await.1, None);
    in_order(&world, &acme).await;
}

pub(crate) async fn leads_that_come_in_while_contacts_are_merged_are_not_lost(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let (home, _) = person(&acme, 1, json!({})).await;
    let (work, _) = person(&acme, 2, json!({})).await;
    let done = at_once(&world, &acme, 8, |handle, n| {
        block_on(async {
            match n {
                0 => drop(handle.merge_contacts(work, home).await),
                1 => drop(handle.unmerge_contact(work).await),
                n => {
                    for _ in 0..3 {
                        taken(handle.ingest(lead(1 + n as u32 % 2)).await);
                    }
                }
            }
        });
    });
    assert_eq!(done.len(), 8);
    in_order(&world, &acme).await;
    // Merged at last, whatever happened at once.
    let ann = acme.merge_contacts(work, home).await.unwrap();
    assert_eq!(ann.leads, 20);
    in_order(&world, &acme).await;
}
