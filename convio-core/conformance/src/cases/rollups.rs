use chrono::{NaiveDate, TimeDelta, TimeZone, Utc};
use convio_core::service::Atomicity;
use convio_core::{
    Clock, Cube, Measure, Money, NewConversion, NewWebhook, Outcome, RawLead, ReportQuery, Rollup, Schedule,
};
use serde_json::json;

use super::events::eventful;
use crate::{Snapshot, Subject, World, check_invariants, created, lead, lead_with, rejected, taken};

pub(crate) async fn rollups_equal_a_recount_of_the_rows(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    eventful(&acme).await;
    world.clock.advance(TimeDelta::hours(20));
    let sources = ["Google", "google ", "Bing"];
    let rows = (10..30).map(|n| lead_with(n % 13, json!({ "source": sources[n as usize % 3] })));
    acme.ingest_batch(rows.collect(), Atomicity::PerRow).await.unwrap();
    let rows = (10..30).map(|n| lead(n % 7)).collect();
    assert!(acme.ingest_batch(rows, Atomicity::AllOrNothing).await.unwrap().applied);
    // The check counts every cube again, row by row.
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
    for cube in Cube::ALL {
        assert!(snapshot.rollups.iter().any(|row| row.cube == cube), "nothing of {cube:?} was counted");
    }
}

pub(crate) async fn days_are_those_of_the_workspace(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    world.clock.advance(TimeDelta::days(365));
    // Midnight in Los Angeles is 07:00 UTC in summer, 08:00 in winter; the clocks change on 2027-03-14.
    let instants = [
        (Utc.with_ymd_and_hms(2027, 3, 14, 7, 59, 59).unwrap(), "2027-03-13"),
        (Utc.with_ymd_and_hms(2027, 3, 14, 8, 0, 0).unwrap(), "2027-03-14"),
        (Utc.with_ymd_and_hms(2027, 3, 15, 6, 59, 59).unwrap(), "2027-03-14"),
        (Utc.with_ymd_and_hms(2027, 3, 15, 7, 0, 0).unwrap(), "2027-03-15"),
    ];
    for (n, (at, _)) in (0..).zip(instants) {
        created(acme.ingest(lead(n).received_at(at)).await);
    }
    let days = acme.daily_leads(day("2027-01-01"), day("2027-12-31")).await.unwrap();
    let counted: Vec<_> = days.iter().map(|row| (row.day.to_string(), row.leads)).collect();
    let expected =
        [("2027-03-13", 1), ("2027-03-14", 2), ("2027-03-15", 1)].map(|(day, n)| (day.to_owned(), n));
    assert_eq!(counted, expected);
}

pub(crate) async fn a_report_holds_both_its_ends_and_is_sorted(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    for n in 0..12 {
        let source = ["b", "a", "é", "Z"][n as usize % 4];
        let raw = lead_with(n, json!({ "source": source }));
        let webhook = ["direct", "google"][n as usize % 2];
        let at = world.clock.now() - TimeDelta::days(i64::from(n) % 5);
        created(acme.ingest(raw.webhook(webhook).received_at(at)).await);
    }
    // On one day and webhook, and not in the order of any language.
    for (n, source) in (20..).zip(["é", "f", "e\u{301}", "zz", "a b", "ab"]) {
        created(acme.ingest(lead_with(n, json!({ "source": source }))).await);
    }
    let all = acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap();
    let key = |row: &Rollup| (row.day, row.dims.clone());
    assert!(all.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])), "{all:?}");
    let (from, to) = (day("2027-02-26"), day("2027-02-28"));
    let some = acme.report(&ReportQuery { cube: Cube::Leads, from, to }).await.unwrap();
    let expected: Vec<Rollup> = all.into_iter().filter(|row| (from..=to).contains(&row.day)).collect();
    assert!(!expected.is_empty());
    assert_eq!(some, expected);
    let none = ReportQuery { cube: Cube::Leads, from: to, to: from };
    assert_eq!(acme.report(&none).await.unwrap(), []);
    for cube in [Cube::Appointments, Cube::Conversions] {
        assert_eq!(acme.report(&ReportQuery::all(cube)).await.unwrap(), []);
    }
}

pub(crate) async fn daily_leads_say_what_became_of_them(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = created(acme.ingest(lead(1)).await);
    taken(acme.ingest(lead(1)).await);
    rejected(acme.ingest(RawLead::json("{}")).await);
    world.clock.advance(TimeDelta::days(1));
    let visit = acme.book(first.lead, Schedule::local("2027-03-09T10:00", "UTC").unwrap()).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    acme.complete(visit.id, Outcome::Sold(usd(500_000))).await.unwrap();
    acme.convert(NewConversion::sale(first.lead, usd(1))).await.unwrap();
    let days = acme.daily_leads(NaiveDate::MIN, NaiveDate::MAX).await.unwrap();
    let counts: Vec<_> = days
        .iter()
        .map(|row| [row.leads, row.contacts, row.repeats, row.rejected, row.booked, row.converted])
        .collect();
    // Each thing counts on the day that it happened; a lead is sold for the first time once.
    assert_eq!(counts, [[2, 1, 1, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]);
    let webhook = acme.webhook("direct").await.unwrap().unwrap().id;
    assert!(days.iter().all(|row| row.webhook == webhook && row.source == "direct"));
    let activity = acme.webhook_activity(webhook).await.unwrap();
    assert_eq!((activity.leads, activity.last_lead_at), (2, Some(world.clock.now() - TimeDelta::days(2))));
}

pub(crate) async fn conversion_rates_are_leads_sold_per_lead_and_source(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut leads = Vec::new();
    for n in 0..8 {
        let source = if n < 5 { "Google Ads" } else { "Bing" };
        leads.push(created(acme.ingest(lead_with(n, json!({ "source": source }))).await).lead);
    }
    for n in [0, 0, 1, 7] {
        acme.convert(NewConversion::sale(leads[n], usd(100))).await.unwrap();
    }
    let today = day("2027-03-01");
    let rates = acme.conversion_rates(today, today).await.unwrap();
    let rates: Vec<_> = rates.iter().map(|rate| (rate.source.as_str(), rate.leads, rate.converted)).collect();
    assert_eq!(rates, [("bing", 3, 1), ("google ads", 5, 2)]);
    let yesterday = today - TimeDelta::days(1);
    assert!(acme.conversion_rates(yesterday, yesterday).await.unwrap().is_empty());
}

pub(crate) async fn values_are_summed_per_source_type_and_currency(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let one = created(acme.ingest(lead_with(1, json!({"source": "Google Ads"}))).await).lead;
    let large = i64::MAX / 4;
    for (minor, currency) in [(large, "USD"), (large, "USD"), (7, "JPY"), (0, "USD")] {
        let value = Money::from_minor(minor, currency.parse().unwrap());
        acme.convert(NewConversion::sale(one, value)).await.unwrap();
    }
    let rows = acme.report(&ReportQuery::all(Cube::Conversions)).await.unwrap();
    let sums: Vec<_> = rows
        .iter()
        .map(|row| (row.dims.clone(), row.get(Measure::Conversions), row.get(Measure::ValueMinor)))
        .collect();
    let dims = |currency: &str| ["google ads", "sale", currency].map(str::to_owned);
    assert_eq!(sums, [(dims("JPY"), 1, 7), (dims("USD"), 3, large * 2)]);
}

pub(crate) async fn a_sum_that_no_longer_fits_is_refused_whole(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let leads = [created(acme.ingest(lead(1)).await).lead, created(acme.ingest(lead(2)).await).lead];
    // Each fits its contact; together they do not fit the row of their day, source, type and currency.
    acme.convert(NewConversion::sale(leads[0], usd(i64::MAX))).await.unwrap();
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    acme.convert(NewConversion::sale(leads[1], usd(1))).await.unwrap_err();
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
    // Other sums are not touched by it.
    acme.convert(NewConversion::sale(leads[1], Money::from_minor(1, "JPY".parse().unwrap()))).await.unwrap();
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    check_invariants(&after).unwrap();
}

pub(crate) async fn a_new_zone_holds_for_what_happens_from_then_on(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    // Half past one in the morning of the 2nd in London, still the 1st in Los Angeles.
    world.clock.advance(TimeDelta::minutes(10 * 60 + 30));
    created(acme.ingest(lead(1)).await);
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.zone = convio_core::Zone::parse("Europe/London").unwrap();
    world.elsewhere(&acme).configure(settings).await.unwrap();
    created(acme.ingest(lead(2)).await);
    let days = acme.daily_leads(NaiveDate::MIN, NaiveDate::MAX).await.unwrap();
    assert_eq!(days.iter().map(|row| row.day.to_string()).collect::<Vec<_>>(), ["2027-03-01", "2027-03-02"]);
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
}

pub(crate) async fn a_row_keeps_the_latest_time_whatever_the_order(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let now = world.clock.now();
    for minutes in [30, 10, 20] {
        taken(acme.ingest(lead(1).received_at(now - TimeDelta::minutes(minutes))).await);
    }
    rejected(acme.ingest(RawLead::json("{}")).await);
    let rows = acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap();
    let expected = Some(now - TimeDelta::minutes(10));
    assert_eq!(
        rows.iter().map(|row| (row.get(Measure::Leads), row.last_at)).collect::<Vec<_>>(),
        [(3, expected)]
    );
    // What is no lead has no time of its own.
    let other = world.acme().await;
    rejected(other.ingest(RawLead::json("{}")).await);
    assert_eq!(other.report(&ReportQuery::all(Cube::Leads)).await.unwrap()[0].last_at, None);
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, "USD".parse().unwrap())
}
