use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use convio_core::service::{Attribution, DailyConversions, DailyWebhook, Funnel, SourceRate};
use convio_core::{
    Channel, Clock, ConversionType, LeadId, Money, NewApiKey, NewWebhook, Outcome, Permission,
    ProviderSettings, RawLead, Rule, Target, WebhookId, WorkspaceHandle, Zone,
};
use serde_json::json;

use super::lead_work::{attempt, in_order, schedule};
use super::sales::{money, sale, totals};
use crate::{Subject, World, created, lead, lead_with, linked, rejected, replayed, taken};

pub(crate) async fn a_webhook_tells_day_by_day_what_it_brought(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let direct = acme.webhook("direct").await.unwrap().unwrap().id;
    let solar = acme.create_webhook(NewWebhook::named("solar")).await.unwrap().id;
    let start = world.clock.now();
    let after = |seconds| start + TimeDelta::seconds(seconds);
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(created(acme.ingest(lead_with(n, json!({"source": format!("source {n}")}))).await).lead);
    }
    created(acme.ingest(lead(3).webhook("solar")).await);
    rejected(acme.ingest(RawLead::json("{}").webhook("solar")).await);
    taken(acme.ingest(lead(4).test()).await);
    let day = 86_400;
    world.clock.advance(TimeDelta::days(1));
    let late = created(acme.ingest(lead(5).webhook("solar")).await).lead;
    world.clock.advance(TimeDelta::hours(1));
    for (id, value, seconds) in [
        (ids[0], "100 USD", day),
        (ids[0], "50.01 USD", day + 60), // the lead is sold once
        (ids[1], "7 JPY", day + 150),
        (ids[2], "1 USD", -day), // before it came in: it counts, and took no time
        (late, "10 USD", day + 90),
        (late, "0 EUR", day + 120), // worth nothing, and still a sale
    ] {
        acme.convert(sale(id, value).occurred_at(after(seconds))).await.unwrap();
    }
    let told = async |from: &str, to: &str| {
        let rows = world.elsewhere(&acme).daily_webhooks(date(from), date(to)).await.unwrap();
        rows.iter().map(shown).collect::<Vec<_>>()
    };
    let row = |day: &str, webhook, counts, revenue: &[&str], rate, seconds| {
        let revenue = revenue.iter().map(|sum| (*sum).to_owned()).collect();
        Shown { day: day.to_owned(), webhook, counts, revenue, rate, seconds }
    };
    let expected = [
        row("2027-02-28", direct, [0, 1, 1], &["1.00 USD"], None, None),
        row("2027-03-01", direct, [3, 0, 0], &[], Some(0.0), None),
        row("2027-03-01", solar, [1, 0, 0], &[], Some(0.0), None),
        row("2027-03-02", direct, [0, 2, 3], &["7 JPY", "150.01 USD"], None, Some(86_470.0)),
        row("2027-03-02", solar, [1, 1, 2], &["10.00 USD"], Some(1.0), Some(105.0)),
    ];
    assert_eq!(told("1970-01-01", "2999-12-31").await, expected);
    assert_eq!(told("2027-03-01", "2027-03-02").await, expected[1..]);
    assert_eq!(told("2027-03-02", "2027-03-02").await, expected[3..]);
    assert_eq!(told("2027-03-03", "2999-12-31").await, []);
    assert_eq!(told("2027-03-02", "2027-03-01").await, []);
    // Days of bookings, rejections and tests alone say nothing of this.
    world.clock.advance(TimeDelta::days(1));
    acme.book(ids[0], schedule()).await.unwrap();
    rejected(acme.ingest(RawLead::json("{}")).await);
    taken(acme.ingest(lead(6).test()).await);
    assert_eq!(told("1970-01-01", "2999-12-31").await, expected);
    in_order(&world, &acme).await;
}

pub(crate) async fn each_attribution_tells_of_its_own_source(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut ids = Vec::new();
    for source in ["Google Ads", "Bing", "Yelp"] {
        ids.push(taken(acme.ingest(lead_with(1, json!({ "source": source }))).await).lead);
        world.clock.advance(TimeDelta::hours(1));
    }
    let first = created(acme.ingest(lead_with(2, json!({"source": "google  ads"}))).await).lead;
    world.clock.advance(TimeDelta::hours(1)); // four hours after the first lead
    for (id, value, kind) in [
        (ids[1], "5 USD", "Sale"),
        (ids[1], "8 JPY", "sale"), // of another currency
        (ids[2], "3 USD", "Up-Sell"),
        (first, "2 USD", "sale"),
    ] {
        acme.convert(sale(id, value).of_type(ConversionType::new(kind).unwrap())).await.unwrap();
    }
    let told = async |by| {
        let rows =
            world.elsewhere(&acme).daily_conversions(by, NaiveDate::MIN, NaiveDate::MAX).await.unwrap();
        let row = |row: &DailyConversions| {
            assert_eq!(row.day, date("2027-03-01"));
            let hours = row.average_seconds().unwrap() / 3_600.0;
            let average = row.average().unwrap();
            let of = format!("{} {}", row.source, row.conversion_type);
            format!("{of}: {} for {}, {average} each, {hours} h", row.conversions, row.value)
        };
        rows.iter().map(row).collect::<Vec<_>>()
    };
    let by_lead = [
        "bing sale: 1 for 8 JPY, 8 JPY each, 3 h",
        "bing sale: 1 for 5.00 USD, 5.00 USD each, 3 h",
        "google ads sale: 1 for 2.00 USD, 2.00 USD each, 1 h",
        "yelp up-sell: 1 for 3.00 USD, 3.00 USD each, 2 h",
    ];
    let by_first = [
        "google ads sale: 1 for 8 JPY, 8 JPY each, 3 h",
        "google ads sale: 2 for 7.00 USD, 3.50 USD each, 2 h",
        "google ads up-sell: 1 for 3.00 USD, 3.00 USD each, 2 h",
    ];
    let by_last = [
        "google ads sale: 1 for 2.00 USD, 2.00 USD each, 1 h",
        "yelp sale: 1 for 8 JPY, 8 JPY each, 3 h",
        "yelp sale: 1 for 5.00 USD, 5.00 USD each, 3 h",
        "yelp up-sell: 1 for 3.00 USD, 3.00 USD each, 2 h",
    ];
    assert_eq!(told(Attribution::Lead).await, by_lead);
    assert_eq!(told(Attribution::FirstTouch).await, by_first);
    assert_eq!(told(Attribution::LastTouch).await, by_last);
    in_order(&world, &acme).await;
}

pub(crate) async fn averages_are_rounded_half_away_from_zero(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let cases: [(&[&str], &str); 8] = [
        (&["0.01 USD", "0.02 USD"], "0.02 USD"),                 // 1.5
        (&["0 EUR", "0.01 EUR"], "0.01 EUR"),                    // 0.5, which others round to the even 0
        (&["2 JPY", "3 JPY"], "3 JPY"),                          // 2.5
        (&["1 KRW", "1 KRW", "2 KRW"], "1 KRW"),                 // 1.33
        (&["0.001 KWD", "0.001 KWD", "0.003 KWD"], "0.002 KWD"), // 1.67
        (&["0 CHF", "0 CHF"], "0.00 CHF"),
        (&["0 SEK", "0 SEK", "0.01 SEK"], "0.00 SEK"), // 0.33
        (&["92233720368547758.07 GBP"], "92233720368547758.07 GBP"),
    ];
    for value in cases.iter().flat_map(|(values, _)| *values) {
        acme.convert(sale(id, value)).await.unwrap();
    }
    for by in [Attribution::Lead, Attribution::FirstTouch, Attribution::LastTouch] {
        let rows = acme.daily_conversions(by, NaiveDate::MIN, NaiveDate::MAX).await.unwrap();
        assert_eq!(rows.len(), cases.len());
        for (values, average) in cases {
            let row = rows.iter().find(|row| row.value.currency() == money(average).currency()).unwrap();
            assert_eq!((row.conversions, row.average()), (values.len() as i64, Some(money(average))));
        }
    }
}

pub(crate) async fn rates_are_those_of_the_days_asked_for(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("solar")).await.unwrap();
    let arrive = async |n: u32, webhook: &str, source: &str| {
        let raw = lead_with(n, json!({ "source": source })).webhook(webhook);
        taken(acme.ingest(raw).await).lead
    };
    let sell = async |id: LeadId| drop(acme.convert(sale(id, "5 USD")).await.unwrap());
    let bing = arrive(1, "direct", "Bing").await;
    let mut google = Vec::new();
    for n in 2..6 {
        google
            .push(arrive(n, ["direct", "solar"][n as usize % 2], ["Google", "google"][n as usize / 4]).await);
    }
    world.clock.advance(TimeDelta::days(1));
    arrive(6, "solar", "GOOGLE").await;
    sell(google[0]).await;
    sell(google[1]).await;
    world.clock.advance(TimeDelta::days(1));
    sell(bing).await;
    sell(google[1]).await; // it was sold before
    let told = async |from: &str, to: &str| {
        let rates = world.elsewhere(&acme).conversion_rates(date(from), date(to)).await.unwrap();
        let rate = |rate: SourceRate| {
            let per = rate.rate();
            (rate.source, rate.leads, rate.converted, per)
        };
        rates.into_iter().map(rate).collect::<Vec<_>>()
    };
    let of = |source: &str, leads, converted, rate| (source.to_owned(), leads, converted, rate);
    let (first, second, third) = ("2027-03-01", "2027-03-02", "2027-03-03");
    assert_eq!(told(first, first).await, [of("bing", 1, 0, Some(0.0)), of("google", 4, 0, Some(0.0))]);
    assert_eq!(told(second, second).await, [of("google", 1, 2, Some(2.0))]);
    assert_eq!(told(third, third).await, [of("bing", 0, 1, None)]);
    assert_eq!(told(first, second).await, [of("bing", 1, 0, Some(0.0)), of("google", 5, 2, Some(0.4))]);
    assert_eq!(told(second, third).await, [of("bing", 0, 1, None), of("google", 1, 2, Some(2.0))]);
    assert_eq!(told(first, third).await, [of("bing", 1, 1, Some(1.0)), of("google", 5, 2, Some(0.4))]);
    assert_eq!((told("2027-03-04", "2027-12-31").await, told(third, first).await), (vec![], vec![]));
}

pub(crate) async fn totals_tell_when_anything_last_happened(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let nothing = acme.totals().await.unwrap();
    assert_eq!((nothing.conversions, nothing.revenue, &*nothing.other_revenue), (0, money("0 USD"), &[][..]));
    assert_eq!(nothing.last_activity_at, Some(world.clock.now()));
    let moves = async |what: &str| {
        let last = world.elsewhere(&acme).totals().await.unwrap().last_activity_at;
        assert_eq!(last, Some(world.clock.now()), "{what}");
        world.clock.advance(TimeDelta::minutes(1));
    };
    world.clock.advance(TimeDelta::minutes(1));
    let old = world.clock.now() - TimeDelta::days(9);
    let id = created(acme.ingest(lead(1).idempotency_key("a").received_at(old)).await).lead;
    moves("an old lead that came in now").await;
    taken(acme.ingest(lead(2).test()).await);
    moves("a test").await;
    rejected(acme.ingest(RawLead::json("{}")).await);
    moves("a rejection").await;
    acme.note(id, "note").await.unwrap();
    moves("a note").await;
    let visit = acme.book(id, schedule()).await.unwrap().id;
    moves("a booking").await;
    acme.confirm(visit).await.unwrap();
    moves("a confirmation").await;
    let sold = acme.convert(sale(id, "5 USD").occurred_at(old)).await.unwrap();
    moves("an old sale that is told now").await;
    acme.convert(sale(id, "7 JPY")).await.unwrap();
    moves("a sale").await;
    acme.void(sold.id, "a mistake").await.unwrap();
    moves("a sale voided").await;
    acme.create_webhook(NewWebhook::named("solar")).await.unwrap();
    moves("a webhook").await;
    acme.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap();
    moves("a provider").await;
    acme.publish_rules([Rule::to(Target::team("west")).any_product().any_zip()]).await.unwrap();
    moves("rules").await;
    let key = acme.create_api_key(NewApiKey::named("key").may([Permission::Read])).await.unwrap();
    moves("an API key").await;
    acme.configure(acme.workspace().await.unwrap().unwrap().settings).await.unwrap();
    moves("settings").await;
    acme.delete_lead(id).await.unwrap();
    moves("a deletion").await;
    assert_eq!(totals(&acme).await, (1, "0.00 USD".into(), vec!["7 JPY".into()]));
    // What changes nothing is no activity: it was a minute ago.
    let _ = replayed(acme.ingest(lead(1).idempotency_key("a").received_at(old)).await);
    acme.note(id, "note").await.unwrap_err();
    acme.convert(sale(id, "5 USD")).await.unwrap_err();
    world.convio().authenticate(key.token.expose()).await.unwrap().totals().await.unwrap();
    let last = acme.totals().await.unwrap().last_activity_at;
    assert_eq!(last, Some(world.clock.now() - TimeDelta::minutes(1)));
    // Another workspace knows nothing of it.
    assert_eq!(totals(&world.acme().await).await, (0, "0.00 USD".into(), vec![]));
}

pub(crate) async fn every_report_begins_its_days_at_local_midnight(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap();
    let until = |time: &str| {
        let time: DateTime<Utc> = time.parse().unwrap();
        world.clock.advance(time - world.clock.now());
    };
    // Midnight in London, the last moment of the day in Los Angeles, the first one of the next, that in London again.
    until("2027-03-02T00:00:00Z");
    all_steps(&acme, 1, &world).await;
    until("2027-03-02T07:59:59.999999Z");
    all_steps(&acme, 2, &world).await;
    assert_eq!(told_on(&acme, "2027-03-02").await, [0; 12]);
    until("2027-03-02T08:00:00Z");
    all_steps(&acme, 3, &world).await;
    until("2027-03-03T07:59:59.999999Z");
    // The day of what is told later is that of its own time.
    let last = "2027-03-02T07:59:59.999999Z".parse().unwrap();
    taken(acme.ingest(lead(4).received_at(last).provider("Bright Leads")).await);
    assert_eq!(told_on(&acme, "2027-02-28").await, [0; 12]);
    assert_eq!(told_on(&acme, "2027-03-01").await, [3, 3, 2, 2, 2, 3, 2, 2, 2, 2, 2, 3]);
    assert_eq!(told_on(&acme, "2027-03-02").await, [1; 12]);
    assert_eq!(told_on(&acme, "2027-03-03").await, [0; 12]);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_new_zone_leaves_the_days_before_it_as_they_were(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_provider("Bright Leads", ProviderSettings::default()).await.unwrap();
    world.clock.advance(TimeDelta::hours(12)); // seven in the evening, and noon of the next day in Tokyo
    all_steps(&acme, 1, &world).await;
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    for (zone, n, days) in [
        ("Asia/Tokyo", 2, [[1; 12], [1; 12]]),
        ("America/Los_Angeles", 3, [[2; 12], [1; 12]]),
        ("Europe/London", 4, [[2; 12], [2; 12]]),
    ] {
        let before = days_of(&acme).await;
        settings.zone = Zone::parse(zone).unwrap();
        world.elsewhere(&acme).configure(settings.clone()).await.unwrap();
        assert_eq!(days_of(&acme).await, before, "{zone}: days that are counted stay");
        all_steps(&acme, n, &world).await;
        assert_eq!(days_of(&acme).await, days, "{zone}");
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn voided_sales_are_gone_from_every_report(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead_with(1, json!({"source": "Google"}))).await).lead;
    linked(acme.ingest(lead_with(1, json!({"source": "Bing"}))).await);
    world.clock.advance(TimeDelta::days(2));
    let before = (everything(&acme, None).await, everything(&acme, Some("2027-03-03")).await);
    let mut sold = Vec::new();
    for value in ["5 USD", "7 JPY", "0.01 USD"] {
        sold.push(acme.convert(sale(id, value)).await.unwrap().id);
        world.clock.advance(TimeDelta::seconds(5));
    }
    let during = (everything(&acme, None).await, everything(&acme, Some("2027-03-03")).await);
    let all = during.0.iter().zip(&before.0).chain(during.1.iter().zip(&before.1));
    all.for_each(|(during, before)| assert_ne!(during, before, "a sale is not told of"));
    for (n, id) in sold.into_iter().enumerate() {
        world.clock.advance(TimeDelta::days(1));
        [&acme, &world.elsewhere(&acme)][n % 2].void(id, "a mistake").await.unwrap();
    }
    let after = (everything(&acme, None).await, everything(&acme, Some("2027-03-03")).await);
    assert_eq!(after, before);
    in_order(&world, &acme).await;
}

/// Every report in which a sale counts, over one day or over all.
async fn everything(acme: &WorkspaceHandle<'_>, day: Option<&str>) -> Vec<String> {
    let (from, to) = day.map_or((NaiveDate::MIN, NaiveDate::MAX), |day| (date(day), date(day)));
    let mut told = Vec::new();
    for by in [Attribution::Lead, Attribution::FirstTouch, Attribution::LastTouch] {
        told.push(format!("{:?}", acme.daily_conversions(by, from, to).await.unwrap()));
    }
    told.push(format!("{:?}", acme.daily_webhooks(from, to).await.unwrap()));
    told.push(format!("{:?}", acme.daily_leads(from, to).await.unwrap()));
    told.push(format!("{:?}", acme.conversion_rates(from, to).await.unwrap()));
    told.push(format!("{:?}", acme.funnel(None, from, to).await.unwrap()));
    told.push(format!("{:?}", totals(acme).await));
    told
}

/// A lead by a provider that comes to every step there is, at one moment.
async fn all_steps(acme: &WorkspaceHandle<'_>, n: u32, world: &World<'_>) {
    let id = taken(acme.ingest(lead(n).provider("Bright Leads")).await).lead;
    acme.record_attempt(id, attempt(Channel::Call, true, world.clock.now())).await.unwrap();
    let visit = acme.book(id, schedule()).await.unwrap();
    acme.complete(visit.id, Outcome::NotSold).await.unwrap(); // met, and lost
    acme.convert(sale(id, "1 USD")).await.unwrap();
}

/// What each report tells of one day, as one number each.
async fn told_on(acme: &WorkspaceHandle<'_>, day: &str) -> [i64; 12] {
    let (from, to) = (date(day), date(day));
    let webhooks = acme.daily_webhooks(from, to).await.unwrap();
    let sum = |of: fn(&DailyWebhook) -> i64| webhooks.iter().map(of).sum::<i64>();
    let usage = acme.provider_usage(from, to).await.unwrap();
    let rates = acme.conversion_rates(from, to).await.unwrap();
    let Funnel { received, contacted, scheduled, met, won, lost } =
        acme.funnel(None, from, to).await.unwrap();
    let mut by = Vec::new();
    for attribution in [Attribution::Lead, Attribution::FirstTouch, Attribution::LastTouch] {
        let rows = acme.daily_conversions(attribution, from, to).await.unwrap();
        by.push(rows.iter().map(|row| row.conversions).sum::<i64>());
    }
    assert_eq!([contacted, scheduled, met, lost], [won; 4]);
    assert_eq!((sum(|row| row.conversions), by[1]), (won, by[2]));
    [
        sum(|row| row.leads),
        received,
        sum(|row| row.converted),
        won,
        sum(|row| row.revenue.iter().map(Money::minor).sum::<i64>()) / 100,
        usage.iter().map(|row| row.taken).sum(),
        by[0],
        by[1],
        acme.daily_leads(from, to).await.unwrap().iter().map(|row| row.booked).sum(),
        acme.daily_leads(from, to).await.unwrap().iter().map(|row| row.converted).sum(),
        rates.iter().map(|rate| rate.converted).sum(),
        rates.iter().map(|rate| rate.leads).sum(),
    ]
}

/// What is told of the two days in question.
async fn days_of(acme: &WorkspaceHandle<'_>) -> [[i64; 12]; 2] {
    [told_on(acme, "2027-03-01").await, told_on(acme, "2027-03-02").await]
}

#[derive(Debug, PartialEq)]
struct Shown {
    day: String,
    webhook: WebhookId,
    /// Leads, sold leads, conversions.
    counts: [i64; 3],
    revenue: Vec<String>,
    rate: Option<f64>,
    seconds: Option<f64>,
}

fn shown(row: &DailyWebhook) -> Shown {
    Shown {
        day: row.day.to_string(),
        webhook: row.webhook,
        counts: [row.leads, row.converted, row.conversions],
        revenue: row.revenue.iter().map(Money::to_string).collect(),
        rate: row.rate(),
        seconds: row.average_seconds(),
    }
}

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
