use chrono::{DateTime, TimeDelta, Utc};
use convio_core::contact::ContactRef;
use convio_core::service::Atomicity;
use convio_core::{Clock, Contact, ContactId, NewWebhook, RawLead, WorkspaceHandle};
use serde_json::{Value, json};

use crate::{Snapshot, Subject, World, check_invariants, created, linked, phone, taken};

pub(crate) async fn the_order_of_arrival_does_not_matter(subject: &dyn Subject) {
    let world = World::of(subject);
    let now = world.clock.now();
    let mut people = Vec::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
        let acme = ranked(&world).await;
        let mut contact = None;
        for n in order {
            contact = Some(taken(acme.ingest(four_leads(now)[n].clone()).await).contact);
        }
        people.push(settled(&world, &acme, contact.unwrap()).await);
    }
    let expected = &people[0];
    assert_eq!(expected.person.first_name.as_deref(), Some("Trusted"), "the higher rank wins");
    assert_eq!(expected.person.last_name.as_deref(), Some("Newest"), "of equal ranks the newer one wins");
    assert_eq!(expected.person.city.as_deref(), Some("Oldtown"), "what only one lead says stays");
    assert_eq!(expected.first_touch.source.as_str(), "first");
    for other in &people[1..] {
        assert_eq!(other.person, expected.person);
        assert_eq!((other.first_touch.at, other.leads), (expected.first_touch.at, expected.leads));
        assert_eq!(other.first_touch.source, expected.first_touch.source);
    }
}

pub(crate) async fn a_batch_merges_like_its_rows_one_by_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let now = world.clock.now();
    let mut people = Vec::new();
    for atomicity in [Some(Atomicity::PerRow), Some(Atomicity::AllOrNothing), None] {
        let acme = ranked(&world).await;
        let mut rows = four_leads(now);
        rows.rotate_left(2);
        let contact = match atomicity {
            Some(atomicity) => {
                let batch = acme.ingest_batch(rows, atomicity).await.unwrap();
                taken(batch.rows.into_iter().next().unwrap()).contact
            }
            None => {
                let mut contact = None;
                for row in rows {
                    contact = Some(taken(acme.ingest(row).await).contact);
                }
                contact.unwrap()
            }
        };
        people.push(settled(&world, &acme, contact).await);
    }
    assert_eq!(people[0].person, people[1].person);
    assert_eq!(people[0].person, people[2].person);
}

pub(crate) async fn an_older_lead_that_comes_late_fills_gaps_only(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let now = world.clock.now();
    let newer = created(acme.ingest(says(now, json!({"firstName": "New", "city": "Newtown"}))).await);
    let late =
        says(now - TimeDelta::days(9), json!({"firstName": "Old", "lastName": "Lima", "source": "before"}));
    let older = linked(acme.ingest(late).await);
    let contact = settled(&world, &acme, newer.contact).await;
    assert_eq!(contact.person.first_name.as_deref(), Some("New"));
    assert_eq!(contact.person.last_name.as_deref(), Some("Lima"));
    // But the first touch is the one received first.
    assert_eq!((contact.first_touch.lead, contact.first_touch.source.as_str()), (older.lead, "before"));
    assert_eq!(contact.first_touch.at, now - TimeDelta::days(9));
}

pub(crate) async fn a_lead_that_says_nothing_of_a_field_leaves_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let all = json!({
        "firstName": "Ana", "lastName": "Lima", "email": "ana@x.com", "street": "1 Main St", "address2": "Apt 2",
        "city": "Oldtown", "state": "CA", "zip": "02134", "country": "US",
    });
    let contact = created(acme.ingest(says(world.clock.now(), all)).await).contact;
    let before = settled(&world, &acme, contact).await;
    for empty in [json!({}), json!({"firstName": "", "lastName": null, "email": "n/a", "city": "-"})] {
        world.clock.advance(TimeDelta::days(1));
        linked(acme.ingest(says(world.clock.now(), empty)).await);
    }
    let after = settled(&world, &acme, contact).await;
    let phone = |contact: &Contact| contact.person.phone.clone().unwrap();
    assert_eq!(after.person, before.person);
    assert_eq!(phone(&after), phone(&before));
    assert_eq!((after.leads, after.version.0), (3, 3));
    let said = [
        after.person.street.as_deref(),
        after.person.street2.as_deref(),
        after.person.state.as_deref(),
        after.person.country.as_deref(),
    ];
    assert_eq!(said, [Some("1 Main St"), Some("Apt 2"), Some("CA"), Some("US")]);
}

pub(crate) async fn of_two_leads_of_one_instant_one_always_wins(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let now = world.clock.now();
    let first = created(acme.ingest(says(now, json!({"city": "One"}))).await);
    let second = linked(acme.ingest(says(now, json!({"city": "Two"}))).await);
    let contact = settled(&world, &acme, first.contact).await;
    let greater = if second.lead > first.lead { "Two" } else { "One" };
    assert_eq!(contact.person.city.as_deref(), Some(greater));
    assert_eq!(contact.first_touch.lead, first.lead.min(second.lead));
}

pub(crate) async fn microseconds_count_and_nothing_below(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let at = world.clock.now() - TimeDelta::days(1);
    let tick = TimeDelta::microseconds(1);
    let contact = created(acme.ingest(says(at + tick, json!({"city": "Later"}))).await).contact;
    linked(acme.ingest(says(at, json!({"city": "Earlier"}))).await);
    assert_eq!(settled(&world, &acme, contact).await.person.city.as_deref(), Some("Later"));
    let stamp = settled(&world, &acme, contact).await.stamps.of(convio_core::contact::Field::City).unwrap();
    assert_eq!(stamp.at, at + tick);
}

/// Four leads of one person: the oldest, one of higher rank, and the newest of the rank of most.
fn four_leads(now: DateTime<Utc>) -> Vec<RawLead> {
    let days = |n| now - TimeDelta::days(n);
    vec![
        says(
            days(9),
            json!({"firstName": "First", "lastName": "Oldest", "city": "Oldtown", "source": "first"}),
        ),
        says(days(5), json!({"firstName": "Trusted", "source": "crm"})).webhook("crm"),
        says(days(1), json!({"firstName": "Last", "lastName": "Newest"})),
        says(days(3), json!({"firstName": "Middle", "lastName": "Middle", "email": "mid@x.com"})),
    ]
}

fn says(received_at: DateTime<Utc>, fields: Value) -> RawLead {
    let mut body = json!({ "phone": phone(1) });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    RawLead::json(body.to_string()).received_at(received_at)
}

async fn ranked(world: &World<'_>) -> WorkspaceHandle<'static> {
    let acme = world.acme().await;
    let new = NewWebhook::named("crm").with(|settings| settings.rank = 200);
    acme.create_webhook(new).await.unwrap();
    acme
}

/// The contact, once everything around it was found in order.
async fn settled(world: &World<'_>, acme: &WorkspaceHandle<'_>, contact: ContactId) -> Contact {
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
    acme.contact(ContactRef::Id(contact)).await.unwrap().unwrap()
}
