use chrono::{Days, NaiveDate, TimeDelta};
use convio_core::analytics::{SPEND_DAYS_MAX, Spend};
use convio_core::money::{Currency, ExchangeRate, Rates};
use convio_core::service::SourceEconomics;
use convio_core::text::{Campaign, Source};
use convio_core::{Clock, ErrorKind, LeadId, Version, WorkspaceHandle};
use serde_json::json;

use super::lead_work::in_order;
use super::sales::{money, sale};
use crate::{Subject, World, codes, lead_with, taken};

pub(crate) async fn what_was_spent_is_noted_once_for_each_day_and_campaign(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let day = world.clock.now().date_naive();
    let next = day + Days::new(1);
    let rows = vec![
        spend(day, "Google", None, "10 USD"),
        spend(day, "Google", Some("Spring"), "5 USD"),
        spend(next, "Bing", None, "7 USD"),
    ];
    let noted = acme.import_spend(rows.clone()).await.unwrap();
    assert_eq!(noted.iter().map(|day| (day.day, day.rows.len())).collect::<Vec<_>>(), [(day, 2), (next, 1)]);
    // The same again changes nothing but the count, and a corrected row takes the place of the first.
    world.elsewhere(&acme).import_spend(rows).await.unwrap();
    acme.import_spend(vec![spend(day, "GOOGLE", Some("spring"), "6 USD")]).await.unwrap();
    let kept = acme.spend(day, next).await.unwrap();
    let told: Vec<_> = kept.iter().flat_map(|day| &day.rows).map(|row| row.spend.cost.to_string()).collect();
    assert_eq!(told, ["10.00 USD", "6.00 USD", "7.00 USD"]);
    assert_eq!(kept.iter().map(|day| day.version).collect::<Vec<_>>(), [Version(3), Version(2)]);
    assert_eq!(acme.spend(next, next).await.unwrap().len(), 1);
    assert_eq!(acme.spend(next, day).await.unwrap(), []);
    let long = acme.spend(day, day + Days::new(SPEND_DAYS_MAX as u64)).await.unwrap_err();
    assert_eq!(codes(long.reasons()), ["to/out_of_range"]);
    assert_eq!(world.acme().await.spend(day, next).await.unwrap(), [], "of another workspace");
    in_order(&world, &acme).await;
}

pub(crate) async fn costs_and_returns_are_those_worked_out_by_hand(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let google = arrive(&acme, 1, "Google").await;
    arrive(&acme, 2, "Google").await;
    world.clock.advance(TimeDelta::hours(1));
    arrive(&acme, 1, "Bing").await;
    arrive(&acme, 3, "Fair").await;
    let eur: Currency = "EUR".parse().unwrap();
    let first = acme.convert(sale(google, "100 USD")).await.unwrap();
    let day = first.day;
    let rate = ExchangeRate {
        from: eur,
        to: Currency::USD,
        rate: "1.1".parse().unwrap(),
        day,
        source: "ECB".into(),
    };
    acme.set_rates(Rates::new(Currency::USD, 7, [rate]).unwrap()).await.unwrap();
    acme.convert(sale(google, "100 EUR")).await.unwrap();
    acme.convert(sale(google, "7 GBP")).await.unwrap();
    let rows = vec![
        spend(day, "google", None, "30 USD"),
        spend(day, "google", Some("Spring"), "10 EUR"),
        spend(day, "Radio", None, "20 USD"),
        spend(day, "Radio", Some("Spring"), "3 GBP"),
    ];
    acme.import_spend(rows).await.unwrap();
    let report = acme.economics("linear", day, day).await.unwrap();
    let told: Vec<String> = report.sources.iter().map(tell).collect();
    // Half of each sale is Google's and half is Bing's: 50 + 55 USD, and 3.50 GBP that no rate is known of.
    assert_eq!(
        told,
        [
            "bing: 0.00 USD for 1 leads, 1500000, 105.00 USD; cpl 0.00 USD, cpa 0.00 USD, roas -, roi -; [] [3.50 GBP]",
            "fair: 0.00 USD for 1 leads, 0, 0.00 USD; cpl 0.00 USD, cpa -, roas -, roi -; [] []",
            "google: 41.00 USD for 2 leads, 1500000, 105.00 USD; cpl 20.50 USD, cpa 27.33 USD, roas 2.5610, roi 1.5610; [] [3.50 GBP]",
            "radio: 20.00 USD for 0 leads, 0, 0.00 USD; cpl -, cpa -, roas 0.0000, roi -1.0000; [3.00 GBP] []",
        ]
    );
    assert_eq!(
        tell(&report.total),
        ": 61.00 USD for 4 leads, 3000000, 210.00 USD; cpl 15.25 USD, cpa 20.33 USD, roas 3.4426, roi 2.4426; [3.00 GBP] [7.00 GBP]"
    );
    let nothing = acme.economics("linear", day + Days::new(9), day + Days::new(9)).await.unwrap();
    assert_eq!(nothing.sources, []);
    assert_eq!((nothing.total.economics.cpl(), nothing.total.economics.roas()), (None, None));
    in_order(&world, &acme).await;
}

pub(crate) async fn wrong_rows_of_an_import_are_all_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let day = world.clock.now().date_naive();
    let mut clicked = spend(day, "Bing", None, "1 USD");
    clicked.clicks = Some(u64::MAX);
    let rows = vec![
        spend(day, "Google", None, "-1 USD"),
        clicked,
        spend(day, "google", None, "2 USD"),
        spend(day, "Yelp", None, "2 USD"),
    ];
    let wrong = acme.import_spend(rows).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Invalid);
    assert_eq!(
        codes(wrong.reasons()),
        ["rows[0].cost/below_zero", "rows[1].clicks/too_large", "rows[2]/repeated"]
    );
    let many =
        (0..=SPEND_DAYS_MAX as u64).map(|n| spend(day + Days::new(n), "Google", None, "1 USD")).collect();
    let wrong = acme.import_spend(many).await.unwrap_err();
    assert_eq!(codes(wrong.reasons()), ["rows/too_many_days"]);
    assert_eq!(acme.spend(day, day + Days::new(300)).await.unwrap(), [], "nothing of it is noted");
    acme.import_spend(vec![]).await.unwrap();
}

fn spend(day: NaiveDate, source: &str, campaign: Option<&str>, cost: &str) -> Spend {
    Spend {
        day,
        source: Source::new(source).unwrap(),
        campaign: campaign.map(|name| Campaign::new(name).unwrap()),
        cost: money(cost),
        clicks: None,
        impressions: None,
    }
}

async fn arrive(acme: &WorkspaceHandle<'_>, n: u32, source: &str) -> LeadId {
    taken(acme.ingest(lead_with(n, json!({ "source": source }))).await).lead
}

fn tell(of: &SourceEconomics) -> String {
    fn or<T: ToString>(it: Option<T>) -> String {
        it.map_or_else(|| "-".to_owned(), |it| it.to_string())
    }
    let it = &of.economics;
    let others = |sums: &[convio_core::Money]| {
        let all: Vec<String> = sums.iter().map(ToString::to_string).collect();
        format!("[{}]", all.join(", "))
    };
    format!(
        "{}: {} for {} leads, {}, {}; cpl {}, cpa {}, roas {}, roi {}; {} {}",
        of.source,
        it.spend(),
        it.leads(),
        it.millionths(),
        it.revenue(),
        or(it.cpl()),
        or(it.cpa()),
        or(it.roas()),
        or(it.roi()),
        others(&of.other_spend),
        others(&of.other_revenue),
    )
}
