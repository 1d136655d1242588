//! Analytics: from sums that are kept, by the day of each event.

use chrono::{NaiveDate, TimeDelta};
use convio_core::service::{Attribution, DailyConversions, DailyWebhook};
use convio_core::{Cube, Measure, Money, NewConversion, ReportQuery, WebhookId, Zone};
use serde_json::json;

use super::{conversion, play, sound};
use crate::mission::Mission;
use crate::{Subject, created, lead as new_lead, lead_with};

pub(crate) async fn leads_feed_the_lead_analytics(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let solar = webhook(&mission, "google-solar").await;
    let today = day(&mission, 0);
    let leads = async || {
        let rows = mission.acme.daily_leads(today, today).await.unwrap();
        let row = rows.into_iter().find(|row| row.webhook == solar);
        row.map(|row| (row.source, row.leads, row.contacts))
    };
    assert_eq!(leads().await, None);
    created(mission.acme.ingest(new_lead(7).webhook("google-solar")).await);
    assert_eq!(leads().await, Some(("google ads".to_owned(), 1, 1)));
    // A test counts nowhere.
    created(mission.acme.ingest(new_lead(8).webhook("google-solar").test()).await);
    assert_eq!(leads().await, Some(("google ads".to_owned(), 1, 1)));
}

pub(crate) async fn conversions_feed_the_conversion_analytics(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let today = day(&mission, 0);
    let rows = async || {
        let rows = mission.acme.daily_conversions(Attribution::Lead, today, today).await.unwrap();
        rows.into_iter().map(|row| (row.source, row.conversions, row.value.to_string())).collect::<Vec<_>>()
    };
    let before = rows().await;
    assert!(before.iter().all(|(source, ..)| source != "facebook"));
    mission.acme.convert(NewConversion::sale(mission.leads.hvac, "90 USD".parse().unwrap())).await.unwrap();
    let mut after = before;
    after.push(("facebook".to_owned(), 1, "90.00 USD".to_owned()));
    after.sort();
    assert_eq!(rows().await, after);
}

pub(crate) async fn lead_analytics_are_daily_statistics_by_webhook(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let [solar, hvac, portal] = [
        webhook(&mission, "google-solar").await,
        webhook(&mission, "facebook-hvac").await,
        webhook(&mission, "insurance-portal").await,
    ];
    let sold_on = conversion(&mission.acme, mission.sale).await.day;
    let rows = mission.acme.daily_webhooks(day(&mission, 30), day(&mission, 0)).await.unwrap();
    let told = |of: WebhookId, on: NaiveDate| {
        let row: Option<&DailyWebhook> = rows.iter().find(|row| row.webhook == of && row.day == on);
        row.map(|row| (row.leads, row.converted, row.conversions, row.revenue.clone()))
    };
    assert_eq!(told(solar, day(&mission, 10)), Some((1, 0, 0, vec![])));
    assert_eq!(told(hvac, day(&mission, 6)), Some((1, 0, 0, vec![])));
    assert_eq!(told(portal, day(&mission, 2)), Some((1, 0, 0, vec![])));
    // The sale counts on the day that it happened, which is the day that Jane's lead came in: one lead, one sold.
    assert_eq!(sold_on, day(&mission, 1));
    assert_eq!(told(solar, sold_on), Some((1, 1, 1, vec!["5000 USD".parse().unwrap()])));
    assert_eq!(rows.iter().filter(|row| row.leads + row.conversions > 0).count(), 4);
    let row = rows.iter().find(|row| row.day == sold_on).unwrap();
    let seconds = (TimeDelta::days(10) - TimeDelta::hours(22)).num_seconds();
    assert_eq!((row.rate(), row.average_seconds()), (Some(1.0), Some(seconds as f64)));
    // The workspace of the other client has statistics of its own.
    let theirs = mission.other.daily_webhooks(day(&mission, 30), day(&mission, 0)).await.unwrap();
    assert!(theirs.iter().all(|row| ![solar, hvac, portal].contains(&row.webhook)));
    assert_eq!(theirs.iter().map(|row| row.leads).sum::<i64>(), 2);
}

pub(crate) async fn conversion_analytics_are_revenue_and_performance(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let sold_on = conversion(&mission.acme, mission.sale).await.day;
    let second = NewConversion::sale(mission.leads.solar, "1000.01 USD".parse().unwrap())
        .of_type(conversion(&mission.acme, mission.sale).await.conversion_type)
        .occurred_at(mission.now - TimeDelta::hours(22));
    mission.acme.convert(second).await.unwrap();
    let rows = async |by| -> Vec<DailyConversions> {
        mission.acme.daily_conversions(by, day(&mission, 30), day(&mission, 0)).await.unwrap()
    };
    for (by, source) in [
        (Attribution::Lead, "google ads"),
        (Attribution::FirstTouch, "google ads"),
        (Attribution::LastTouch, "leadco portal"),
    ] {
        let rows = rows(by).await;
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(
            (row.day, row.source.as_str(), row.conversion_type.as_str()),
            (sold_on, source, "solar sale")
        );
        assert_eq!((row.conversions, row.value), (2, Money::from_minor(600_001, "USD".parse().unwrap())));
        // 3,000.005 dollars, rounded half away from zero.
        assert_eq!(row.average(), Some("3000.01 USD".parse().unwrap()));
        let seconds = (TimeDelta::days(10) - TimeDelta::hours(22)).num_seconds();
        assert_eq!(row.average_seconds(), Some(seconds as f64));
    }
    // How far the leads came: four in, two with an appointment, one that was kept and sold.
    let funnel = mission.acme.funnel(None, day(&mission, 30), day(&mission, 0)).await.unwrap();
    assert_eq!((funnel.received, funnel.scheduled, funnel.met, funnel.won, funnel.lost), (4, 2, 1, 1, 0));
}

/// However many leads there are, a report reads one row per day, webhook and source.
pub(crate) async fn reports_come_from_sums_that_are_kept(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let read = async || {
        let rows = mission.acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap();
        (rows.len(), rows.iter().map(|row| row.get(Measure::Leads)).sum::<i64>())
    };
    created(mission.acme.ingest(lead_with(7, json!({})).webhook("google-solar")).await);
    let (rows, leads) = read().await;
    assert_eq!(leads, 5);
    for n in 10..60 {
        created(mission.acme.ingest(new_lead(n).webhook("google-solar")).await);
    }
    assert_eq!(read().await, (rows, leads + 50));
    // And they are what a recount of all rows comes to.
    sound(&world, &mission.acme).await;
}

/// The day this many days ago, in the zone of the workspace.
fn day(mission: &Mission<'_>, days_ago: i64) -> NaiveDate {
    Zone::UTC.day_of(mission.now - TimeDelta::days(days_ago))
}

async fn webhook(mission: &Mission<'_>, name: &str) -> WebhookId {
    mission.acme.webhook(name).await.unwrap().unwrap().id
}
