use chrono::TimeDelta;
use convio_core::conversion::{ConversionFilter, Voided};
use convio_core::event::EventBody;
use convio_core::{
    Clock, ConversionId, Cube, ErrorKind, Measure, Outcome, PageRequest, Pipeline, ReportQuery, Stage,
    Version, WorkspaceHandle,
};
use serde_json::json;
use uuid::Uuid;

use super::lead_work::{contact, in_order, row, schedule};
use super::sales::{money, of, sale, totals};
use crate::{Snapshot, Subject, World, codes, created, lead, lead_with, linked};

pub(crate) async fn the_only_sale_voided_leaves_all_as_if_it_had_not_been(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead_with(1, json!({"source": "Google"}))).await);
    created(acme.ingest(lead(2)).await);
    acme.move_lead(accepted.lead, "qualified", None).await.unwrap();
    let before = in_order(&world, &acme).await;
    world.clock.advance(TimeDelta::days(2));
    let sold = acme.convert(sale(accepted.lead, "5000 USD").external_id("inv-1")).await.unwrap();
    world.clock.advance(TimeDelta::days(2));
    let voided = world.elsewhere(&acme).void(sold.id, "typed twice \u{1F926}").await.unwrap();
    let end = Voided { at: world.clock.now(), reason: "typed twice \u{1F926}".into() };
    assert_eq!((voided.voided.as_ref(), voided.version, voided.stands()), (Some(&end), Version(2), false));

    let after = in_order(&world, &acme).await;
    assert_eq!(standing(&after), standing(&before));
    let lead = row(&acme, accepted.lead).await;
    assert_eq!((lead.progress, lead.version), (before.leads[0].progress.clone(), Version(4)));
    let mut person = contact(&acme, accepted.contact).await;
    assert_eq!((person.customer_since, person.conversions, person.version), (None, 0, Version(3)));
    person.version = Version(1);
    assert!(before.contacts.contains(&person), "the contact differs in more than its version");
    assert_eq!(totals(&acme).await, (0, "0.00 USD".into(), vec![]));
    // It stays readable, with its history, and is told from those that stand.
    assert_eq!(acme.conversion(sold.id).await.unwrap(), Some(voided.clone()));
    let events = acme.history(of(sold.id), &PageRequest::default()).await.unwrap().items;
    assert_eq!(
        events.iter().map(|event| event.body.kind()).collect::<Vec<_>>(),
        ["conversion.recorded", "conversion.voided"]
    );
    let EventBody::ConversionVoided(told) = &events[1].body else { panic!("{events:?}") };
    assert_eq!(
        (told.reason.as_str(), told.value, told.customer_since),
        (end.reason.as_str(), sold.value, None)
    );
    let mut filter = ConversionFilter::of_lead(accepted.lead);
    assert_eq!(
        acme.conversions(&filter, &PageRequest::default()).await.unwrap().items,
        std::slice::from_ref(&voided)
    );
    filter.standing = true;
    assert_eq!(acme.conversions(&filter, &PageRequest::default()).await.unwrap().items, []);
    // Its name is taken for ever: the same call again is answered with what it became.
    assert_eq!(acme.convert(sale(accepted.lead, "5000 USD").external_id("inv-1")).await.unwrap(), voided);
    assert_eq!(totals(&acme).await.0, 0);
}

pub(crate) async fn the_next_sale_that_stands_is_the_first_one_then(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let mut sold = Vec::new();
    for value in ["1 USD", "2 USD", "4 JPY"] {
        world.clock.advance(TimeDelta::days(1));
        sold.push(acme.convert(sale(id, value)).await.unwrap().id);
    }
    let check =
        async |conversion: Option<ConversionId>, stage: Stage, version: u64, converted: &[(&str, i64)]| {
            let lead = row(&acme, id).await;
            assert_eq!((lead.progress.conversion, lead.progress.status.stage), (conversion, stage));
            assert_eq!(lead.version, Version(version));
            let rows = acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap();
            let rows = rows.iter().map(|row| (row.day.to_string(), row.get(Measure::Converted)));
            let rows: Vec<_> = rows.filter(|(_, n)| *n != 0).collect();
            let expected: Vec<_> = converted.iter().map(|(day, n)| ((*day).to_owned(), *n)).collect();
            assert_eq!(rows, expected, "on which day it was sold for the first time");
            in_order(&world, &acme).await;
        };
    check(Some(sold[0]), Stage::Won, 4, &[("2027-03-02", 1)]).await;
    acme.void(sold[1], "a mistake").await.unwrap();
    check(Some(sold[0]), Stage::Won, 4, &[("2027-03-02", 1)]).await;
    acme.void(sold[0], "a mistake").await.unwrap();
    check(Some(sold[2]), Stage::Won, 5, &[("2027-03-04", 1)]).await;
    acme.void(sold[2], "a mistake").await.unwrap();
    check(None, Stage::Qualified, 6, &[]).await;
    let again = acme.convert(sale(id, "9 USD")).await.unwrap();
    check(Some(again.id), Stage::Won, 7, &[("2027-03-04", 1)]).await;
}

pub(crate) async fn a_lead_with_an_open_visit_goes_back_to_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.policy.pipeline =
        Pipeline::default().status("installed", Stage::Won).allow("won", ["installed"]);
    acme.configure(settings).await.unwrap();
    let id = created(acme.ingest(lead(1)).await).lead;
    let visits = [acme.book(id, schedule()).await.unwrap(), acme.book(id, schedule()).await.unwrap()];
    let sold = acme.complete(visits[0].id, Outcome::Sold(money("5 USD"))).await.unwrap();
    acme.move_lead(id, "installed", None).await.unwrap();
    let conversion = sold.conversion.unwrap();
    acme.void(conversion.id, "not paid").await.unwrap();
    let lead = row(&acme, id).await;
    assert_eq!((lead.progress.status.stage, lead.progress.open_appointments), (Stage::Scheduled, 1));
    // The visit took place and ended as it ended: it still names what was voided.
    let visit = acme.appointment(visits[0].id).await.unwrap();
    assert_eq!(visit, Some(sold.appointment));
    let sold = acme.complete(visits[1].id, Outcome::Sold(money("6 USD"))).await.unwrap().conversion.unwrap();
    acme.void(&sold, "not paid either").await.unwrap();
    let lead = row(&acme, id).await;
    assert_eq!((lead.progress.status.stage, lead.progress.conversion), (Stage::Qualified, None));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_customer_is_one_since_the_earliest_sale_that_stands(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = created(acme.ingest(lead(1)).await);
    let leads = [first.lead, linked(acme.ingest(lead(1)).await).lead];
    let now = world.clock.now();
    let mut sold = Vec::new();
    for (n, days) in [20, 30, 10].into_iter().enumerate() {
        let at = now - TimeDelta::days(days);
        sold.push(
            acme.convert(sale(leads[n % 2], ["1 USD", "2 JPY", "4 USD"][n]).occurred_at(at)).await.unwrap(),
        );
    }
    let since = async || {
        let person = contact(&acme, first.contact).await;
        let mut sums: Vec<String> = person.lifetime.iter().map(|sum| sum.to_string()).collect();
        sums.sort();
        let days = person.customer_since.map(|since| (now - since).num_days());
        (days, person.conversions, sums.join(", "))
    };
    assert_eq!(since().await, (Some(30), 3, "2 JPY, 5.00 USD".into()));
    acme.void(sold[1].id, "a mistake").await.unwrap(); // that of the other lead
    assert_eq!(since().await, (Some(20), 2, "5.00 USD".into()), "a sum that comes to nothing is left out");
    acme.void(sold[2].id, "a mistake").await.unwrap();
    assert_eq!(since().await, (Some(20), 1, "1.00 USD".into()));
    // One that happened long ago makes it earlier again, and voided later again.
    let old = acme.convert(sale(leads[1], "1 USD").occurred_at(now - TimeDelta::days(400))).await.unwrap();
    assert_eq!(since().await.0, Some(400));
    acme.void(old.id, "a mistake").await.unwrap();
    assert_eq!(since().await, (Some(20), 1, "1.00 USD".into()));
    acme.void(sold[0].id, "a mistake").await.unwrap();
    assert_eq!(since().await, (None, 0, String::new()));
    in_order(&world, &acme).await;
}

pub(crate) async fn every_sum_of_every_cube_goes_back(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    created(acme.ingest(lead_with(1, json!({"source": "Google"}))).await);
    world.clock.advance(TimeDelta::days(1));
    let id = linked(acme.ingest(lead_with(1, json!({"source": "Bing"}))).await).lead;
    world.clock.advance(TimeDelta::days(1));
    linked(acme.ingest(lead_with(1, json!({"source": "Yelp"}))).await);
    acme.convert(sale(id, "7 JPY")).await.unwrap(); // what stands
    let before = in_order(&world, &acme).await;
    let mut sold = Vec::new();
    for (value, hours) in [("5 USD", 1), ("0.01 USD", -100), ("1000 JPY", -10), ("0 EUR", 0)] {
        let at = world.clock.now() + TimeDelta::hours(hours);
        sold.push(acme.convert(sale(id, value).occurred_at(at)).await.unwrap());
        world.clock.advance(TimeDelta::days(1));
    }
    // The zone that the workspace has by now does not matter: a sale goes back on the day that it was counted on.
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.zone = convio_core::Zone::parse("Asia/Tokyo").unwrap();
    acme.configure(settings).await.unwrap();
    for sold in sold.iter().rev() {
        acme.void(sold, "a mistake").await.unwrap();
    }
    let after = in_order(&world, &acme).await;
    assert_eq!(standing(&after), standing(&before));
    assert_eq!(totals(&acme).await, (1, "0.00 USD".into(), vec!["7 JPY".into()]));
}

pub(crate) async fn voiding_asks_for_a_reason_and_happens_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let sold = acme.convert(sale(id, "5 USD")).await.unwrap();
    let before = in_order(&world, &acme).await;
    for reason in ["", " \n", &*"x".repeat(8 * 1024 + 1)] {
        let error = acme.void(sold.id, reason).await.unwrap_err();
        let wrong = (ErrorKind::Invalid, vec!["reason/invalid".to_owned()]);
        assert_eq!((error.kind(), codes(error.reasons())), wrong);
    }
    let (other, nowhere) = (world.acme().await, ConversionId::from_uuid(Uuid::from_u128(7)));
    for error in [other.void(sold.id, "a mistake").await, acme.void(nowhere, "a mistake").await] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    let voided = acme.void(&sold, "a mistake").await.unwrap();
    let before = in_order(&world, &acme).await;
    for handle in [&acme, &world.elsewhere(&acme)] {
        let error = handle.void(&sold, "again").await.unwrap_err();
        let message = format!("conversion `{}` was changed by someone else", sold.id);
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Conflict, message));
        for error in [handle.void(&voided, "again").await, handle.void(sold.id, "again").await] {
            let message = format!("conversion `{}` is voided already", sold.id);
            assert_eq!(error.unwrap_err().to_string(), message);
        }
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
}

pub(crate) async fn a_sale_of_a_deleted_lead_can_be_voided(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let sold = acme.convert(sale(accepted.lead, "5 USD")).await.unwrap();
    acme.delete_lead(accepted.lead).await.unwrap();
    acme.void(sold.id, "a mistake").await.unwrap();
    assert_eq!(totals(&acme).await, (0, "0.00 USD".into(), vec![]));
    assert_eq!(contact(&acme, accepted.contact).await.customer_since, None);
    let restored = acme.restore_lead(accepted.lead).await.unwrap();
    assert_eq!((restored.progress.status.stage, restored.progress.conversion), (Stage::Qualified, None));
    in_order(&world, &acme).await;
}

pub(crate) async fn reports_know_nothing_of_a_voided_sale(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let sold = acme.convert(sale(id, "5 USD")).await.unwrap();
    let today = "2027-03-01".parse().unwrap();
    let told = async |acme: &WorkspaceHandle<'_>| {
        let by = convio_core::service::Attribution::LastTouch;
        let webhooks = acme.daily_webhooks(today, today).await.unwrap();
        (
            acme.daily_conversions(by, today, today).await.unwrap().len(),
            (webhooks[0].leads, webhooks[0].converted, webhooks[0].conversions, webhooks[0].revenue.len()),
            webhooks[0].average_seconds(),
            acme.funnel(None, today, today).await.unwrap().won,
            acme.conversion_rates(today, today).await.unwrap()[0].rate(),
        )
    };
    assert_eq!(told(&acme).await, (1, (1, 1, 1, 1), Some(0.0), 1, Some(1.0)));
    acme.void(sold.id, "a mistake").await.unwrap();
    assert_eq!(told(&world.elsewhere(&acme)).await, (0, (1, 0, 0, 0), None, 0, Some(0.0)));
}

/// The sums that are kept. When the last of what a row counts happened stays, also where that was voided.
fn standing(snapshot: &Snapshot) -> Vec<convio_core::Rollup> {
    let mut rows: Vec<convio_core::Rollup> = Vec::new();
    for row in &snapshot.rollups {
        let mut row = convio_core::Rollup { last_at: None, ..row.clone() };
        // Credits are kept by the day of the booking too: what was booked goes back on the day that it went back.
        if row.cube == Cube::Credits {
            row.dims[2].truncate("USD>USD".len());
        }
        match rows
            .iter_mut()
            .find(|other| (other.cube, other.day, &other.dims) == (row.cube, row.day, &row.dims))
        {
            Some(other) => other.n.iter_mut().zip(row.n).for_each(|(sum, n)| *sum += n),
            None => rows.push(row),
        }
    }
    rows.retain(|row| row.n != [0; Measure::SLOTS]);
    rows
}
