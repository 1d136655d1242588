use chrono::TimeDelta;
use convio_core::conversion::ConversionFilter;
use convio_core::event::{EventBody, StreamRef, Subject as About};
use convio_core::service::Totals;
use convio_core::{
    AppointmentId, Clock, Completion, ConversionType, Cube, Custom, ErrorKind, LeadId, Measure, Money,
    NewAppointment, NewConversion, Outcome, PageRequest, ReportQuery, Stage, Target, Version,
    WorkspaceHandle,
};
use serde_json::json;
use uuid::Uuid;

use super::lead_work::{contact, in_order, row, schedule};
use crate::{Subject, World, codes, created, lead, lead_with, linked};

pub(crate) async fn a_sale_names_the_visit_that_it_came_from(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let ours = created(acme.ingest(lead(1)).await).lead;
    let sibling = linked(acme.ingest(lead(1)).await).lead; // of the same contact, and still another lead
    let visit = acme.book(ours, schedule()).await.unwrap();
    let before = in_order(&world, &acme).await;
    let error = acme.convert(sale(sibling, "5 USD").from_appointment(visit.id)).await.unwrap_err();
    let wrong = (ErrorKind::Invalid, vec!["appointment/of_another_lead".to_owned()]);
    assert_eq!((error.kind(), codes(error.reasons())), wrong);
    let nowhere = AppointmentId::from_uuid(Uuid::from_u128(7));
    let theirs = world.acme().await;
    let other = created(theirs.ingest(lead(1)).await).lead;
    let other = theirs.book(other, schedule()).await.unwrap().id;
    for id in [nowhere, other] {
        let error = acme.convert(sale(ours, "5 USD").from_appointment(id)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    let sold = acme.convert(sale(ours, "5 USD").from_appointment(visit.id)).await.unwrap();
    assert_eq!((sold.appointment, sold.lead), (Some(visit.id), ours));
    // A sale that is told apart from its visit leaves the visit as it was: it is still to take place.
    assert_eq!(acme.appointment(visit.id).await.unwrap(), Some(visit));
    let lead = row(&acme, ours).await;
    assert_eq!((lead.progress.status.stage, lead.progress.open_appointments), (Stage::Won, 1));
    in_order(&world, &acme).await;
}

pub(crate) async fn everything_of_a_sale_is_kept_and_nothing_personal_logged(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let metadata = json!({"contract": "hunter2", "panels": 12, "rate": 1.0, "deep": {"a": [null, "ü"]}});
    let metadata: Custom = serde_json::from_value(metadata).unwrap();
    let new = sale(id, "5000.01 USD")
        .of_type(ConversionType::new("Up-Sell").unwrap())
        .sold_by("maria")
        .external_id("inv 1")
        .metadata(metadata.clone());
    assert!(!format!("{new:?}").contains("hunter2"));
    world.clock.advance(TimeDelta::seconds(90));
    let sold = acme.convert(new).await.unwrap();
    let read = world.elsewhere(&acme).conversion(sold.id).await.unwrap().unwrap();
    assert_eq!(read, sold);
    assert_eq!((read.conversion_type.as_str(), read.value), ("Up-Sell", money("5000.01 USD")));
    assert_eq!((read.sold_by.as_deref(), read.external_id.as_deref()), (Some("maria"), Some("inv 1")));
    assert_eq!((&read.metadata, read.seconds_to_convert), (&metadata, 90));
    assert_eq!(
        (read.day.to_string().as_str(), read.version, read.stands()),
        ("2027-03-01", Version(1), true)
    );
    let events = acme.history(of(sold.id), &PageRequest::default()).await.unwrap().items;
    let EventBody::ConversionRecorded(recorded) = &events[0].body else { panic!("{events:?}") };
    assert_eq!(recorded.metadata.as_ref(), Some(&metadata));
    // By completing a visit it is kept the same way, sold by who keeps the visit.
    let visit = NewAppointment::at(schedule()).direct(Target::person("omar"));
    let visit = acme.book(id, visit).await.unwrap();
    let done =
        Completion::from(Outcome::Sold(money("7 JPY"))).metadata(metadata.clone()).external_id("inv 2");
    let done = acme.complete(visit.id, done.of_type(ConversionType::new("Service").unwrap())).await.unwrap();
    let second = done.conversion.unwrap();
    assert_eq!((second.sold_by.as_deref(), &second.metadata), (Some("omar"), &metadata));
    assert_eq!((second.conversion_type.as_str(), second.external_id.as_deref()), ("Service", Some("inv 2")));
    let shown = format!("{sold:?} {done:?} {events:?}", done = done.appointment);
    assert!(!shown.contains("hunter2") && shown.contains("Custom(contract"), "{shown}");
    assert!(!format!("{:?}", in_order(&world, &acme).await).contains("hunter2"));
}

pub(crate) async fn wrong_fields_of_a_sale_are_all_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let visit = acme.book(id, schedule()).await.unwrap();
    let before = in_order(&world, &acme).await;
    let new = sale(id, "-0.01 USD").sold_by(" ").external_id("x".repeat(256));
    let error = acme.convert(new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(codes(error.reasons()), ["external_id/invalid", "sold_by/invalid", "value/negative"]);
    let error = acme.complete(visit.id, Outcome::Sold(money("-1 JPY"))).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["value/negative"]);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    assert_eq!(acme.convert(sale(id, "0 USD")).await.unwrap().value.minor(), 0, "nothing is a value");
}

pub(crate) async fn the_same_external_id_is_the_same_sale(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let ids = [created(acme.ingest(lead(1)).await).lead, created(acme.ingest(lead(2)).await).lead];
    let visit = acme.book(ids[0], schedule()).await.unwrap().id;
    let when = world.clock.now() - TimeDelta::days(1);
    let new = || sale(ids[0], "5 USD").external_id("inv-1").occurred_at(when);
    let first = acme.convert(new()).await.unwrap();
    let before = in_order(&world, &acme).await;
    world.clock.advance(TimeDelta::days(900));
    for handle in [&acme, &world.elsewhere(&acme)] {
        assert_eq!(handle.convert(new()).await.unwrap(), first);
        // The time below a microsecond is not kept, and so is no difference.
        assert_eq!(handle.convert(new().occurred_at(when + TimeDelta::nanoseconds(9))).await.unwrap(), first);
        for other in [
            sale(ids[1], "5 USD").external_id("inv-1").occurred_at(when),
            sale(ids[0], "5.01 USD").external_id("inv-1").occurred_at(when),
            sale(ids[0], "5 CAD").external_id("inv-1").occurred_at(when),
            sale(ids[0], "5 USD").external_id("inv-1"),
            new().occurred_at(when + TimeDelta::microseconds(1)),
            new().of_type(ConversionType::new("service").unwrap()),
            new().from_appointment(visit),
        ] {
            let error = handle.convert(other).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert_eq!(codes(error.reasons()), ["external_id/reused"]);
        }
        let taken = Completion::from(Outcome::Sold(money("5 USD"))).external_id("inv-1");
        let error = handle.complete(visit, taken).await.unwrap_err();
        assert_eq!(codes(error.reasons()), ["external_id/reused"], "and the visit stays open");
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    // Names of other letters are others, and so are those of another workspace.
    assert_ne!(acme.convert(new().external_id("INV-1")).await.unwrap().id, first.id);
    let other = world.acme().await;
    let theirs = created(other.ingest(lead(1)).await).lead;
    let own = other.convert(sale(theirs, "9 USD").external_id("inv-1")).await.unwrap();
    assert_ne!(own.id, first.id);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visit_sold_and_its_sale_told_again_are_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let visit = acme.book(id, schedule()).await.unwrap().id;
    let sold = Completion::from(Outcome::Sold(money("5 USD"))).external_id("inv-1");
    let sold = acme.complete(visit, sold).await.unwrap().conversion.unwrap();
    let before = in_order(&world, &acme).await;
    world.clock.advance(TimeDelta::days(2));
    let told = || sale(id, "5 USD").from_appointment(visit).external_id("inv-1");
    assert_eq!(world.elsewhere(&acme).convert(told()).await.unwrap(), sold);
    let error = acme.convert(told().of_type(ConversionType::new("service").unwrap())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
}

pub(crate) async fn currencies_are_kept_apart_everywhere(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    assert_eq!(totals(&acme).await, (0, "0.00 USD".into(), vec![]));
    let ids = [created(acme.ingest(lead(1)).await).lead, linked(acme.ingest(lead(1)).await).lead];
    let other = created(acme.ingest(lead(2)).await).lead;
    for (lead, value) in [
        (ids[0], "100.50 USD"),
        (ids[1], "7 JPY"),
        (ids[1], "0.25 USD"),
        (ids[0], "1.234 KWD"),
        (ids[0], "0 EUR"), // nothing, in another currency
        (other, "1000 JPY"),
    ] {
        acme.convert(sale(lead, value)).await.unwrap();
    }
    let person = contact(&acme, row(&acme, ids[0]).await.contact).await;
    let mut lifetime: Vec<String> = person.lifetime.iter().map(|sum| sum.to_string()).collect();
    lifetime.sort();
    assert_eq!(lifetime, ["1.234 KWD", "100.75 USD", "7 JPY"]);
    assert_eq!((person.conversions, person.lifetime.of("EUR".parse().unwrap()).minor()), (5, 0));
    let others = vec!["1007 JPY".to_owned(), "1.234 KWD".to_owned()];
    assert_eq!(totals(&world.elsewhere(&acme)).await, (6, "100.75 USD".into(), others));
    // The currency of the workspace says which of them is called revenue, and changes none.
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.currency = "JPY".parse().unwrap();
    acme.configure(settings).await.unwrap();
    let others = vec!["1.234 KWD".to_owned(), "100.75 USD".to_owned()];
    assert_eq!(totals(&acme).await, (6, "1007 JPY".into(), others));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_sale_is_in_all_places_at_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let head = acme.head().await.unwrap().unwrap();
    let mut first = None;
    for n in 1..=3 {
        world.clock.advance(TimeDelta::hours(1));
        let sold = acme.convert(sale(accepted.lead, "5 USD")).await.unwrap();
        let first = *first.get_or_insert(sold.id);
        // One event each, in the streams of the sale, the lead and the contact; all sums are up by then.
        let events = acme.feed(head.feed, 10).await.unwrap();
        assert_eq!((events.len(), events[n - 1].subject()), (n, Some(About::Conversion(sold.id))));
        let versions = (events[n - 1].lead_version(), events[n - 1].contact_version());
        assert_eq!(versions, (Some(Version(n as u64 + 1)), Some(Version(n as u64 + 1))));
        let all: Totals = acme.totals().await.unwrap();
        assert_eq!((all.conversions, all.revenue.minor()), (n as i64, 500 * n as i64));
        assert_eq!(all.last_activity_at, Some(world.clock.now()));
        let lead = row(&acme, accepted.lead).await;
        assert_eq!((lead.progress.conversion, lead.progress.status.stage), (Some(first), Stage::Won));
        let person = contact(&acme, accepted.contact).await;
        assert_eq!(
            (person.conversions as usize, person.lifetime.of("USD".parse().unwrap()).minor()),
            (n, 500 * n as i64)
        );
    }
    let listed =
        acme.conversions(&ConversionFilter::of_contact(accepted.contact), &PageRequest::default()).await;
    assert_eq!(listed.unwrap().items.len(), 3);
    let rows = acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(Measure::Converted)).sum::<i64>(), 1);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_test_lead_is_not_sold(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1).test()).await).lead;
    let visit = acme.book(id, schedule()).await.unwrap();
    let before = in_order(&world, &acme).await;
    let refused = [
        acme.convert(sale(id, "5 USD")).await.err(),
        acme.convert(sale(id, "5 USD").from_appointment(visit.id).external_id("inv-1")).await.err(),
        acme.complete(visit.id, Outcome::Sold(money("5 USD"))).await.err(),
    ];
    for error in refused {
        let error = error.expect("a test lead was sold");
        let message = format!("lead `{id}` is a test and can't be sold");
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Conflict, message));
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
}

pub(crate) async fn a_sale_before_its_lead_counts_and_is_not_timed(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead_with(1, json!({"source": "Google"}))).await).lead;
    let now = world.clock.now();
    let seconds = async |ago: TimeDelta| {
        acme.convert(sale(id, "5 USD").occurred_at(now - ago)).await.unwrap().seconds_to_convert
    };
    assert_eq!(seconds(TimeDelta::hours(1)).await, -3_600);
    assert_eq!(seconds(TimeDelta::zero()).await, 0);
    // A time to come counts as now.
    assert_eq!(seconds(-TimeDelta::seconds(50)).await, 0);
    world.clock.advance(TimeDelta::seconds(100));
    assert_eq!(seconds(-TimeDelta::seconds(500)).await, 100);
    for cube in [Cube::Conversions, Cube::FirstTouch, Cube::LastTouch, Cube::Sales] {
        let rows = acme.report(&ReportQuery::all(cube)).await.unwrap();
        let measures = [Measure::Conversions, Measure::ValueMinor, Measure::Seconds, Measure::Timed];
        assert_eq!(measures.map(|measure| rows[0].get(measure)), [4, 2_000, 100, 3], "{cube:?}");
    }
    let today = "2027-03-01".parse().unwrap();
    assert_eq!(acme.daily_webhooks(today, today).await.unwrap()[0].average_seconds(), Some(100.0 / 3.0));
    in_order(&world, &acme).await;
}

/// A conversion of this lead, worth this.
pub(super) fn sale(lead: LeadId, value: &str) -> NewConversion {
    NewConversion::sale(lead, money(value))
}

/// An amount and its currency.
pub(super) fn money(text: &str) -> Money {
    text.parse().unwrap()
}

/// The stream of a conversion.
pub(super) fn of(id: convio_core::ConversionId) -> StreamRef {
    StreamRef::Subject(About::Conversion(id))
}

/// The totals of a workspace: how many, in its own currency, in all others.
pub(super) async fn totals(acme: &WorkspaceHandle<'_>) -> (i64, String, Vec<String>) {
    let Totals { conversions, revenue, other_revenue, .. } = acme.totals().await.unwrap();
    (conversions, revenue.to_string(), other_revenue.iter().map(Money::to_string).collect())
}

pub(crate) async fn a_sale_and_a_visit_are_answered_again_although_their_lead_was_deleted(
    subject: &dyn Subject,
) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let visit = || convio_core::NewAppointment::at(schedule()).external_id("visit-1");
    let booked = acme.book(id, visit()).await.unwrap();
    let sold = acme.convert(sale(id, "5 USD").external_id("inv-1")).await.unwrap();
    acme.delete_lead(id).await.unwrap();
    assert_eq!(acme.book(id, visit()).await.unwrap(), booked);
    assert_eq!(acme.convert(sale(id, "5 USD").external_id("inv-1")).await.unwrap(), sold);
    // Another one is refused for what is wrong now.
    let refused = [
        acme.convert(sale(id, "6 USD").external_id("inv-1")).await.err(),
        acme.convert(sale(id, "5 USD").external_id("inv-2")).await.err(),
        acme.book(id, visit().external_id("visit-2")).await.err(),
    ];
    for error in refused {
        assert_eq!(error.map(|error| error.to_string()), Some(format!("lead `{id}` is deleted")));
    }
    in_order(&world, &acme).await;
}
