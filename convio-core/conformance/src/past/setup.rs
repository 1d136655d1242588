use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use convio_core::analytics::Spend;
use convio_core::attribution::AttributionSettings;
use convio_core::availability::Hours;
use convio_core::consumer::{ConsumerSettings, Retry};
use convio_core::money::{Currency, ExchangeRate, Rate, Rates};
use convio_core::{
    CalendarSettings, Clock, NewApiKey, NewHold, NewWebhook, NewWorkspace, Permission, Position,
    ProviderSettings, RepeatAction, Resource, Rule, Schedule, Source, Target, WorkspaceHandle, Zone,
};
use serde_json::json;

use super::{ACME, OTHER};
use crate::{World, created, lead_with};

/// Both workspaces with their settings, webhooks, providers, keys, rules, calendars, attribution and rates.
pub(super) async fn workspaces(world: &World<'_>) -> WorkspaceHandle<'static> {
    let new = NewWorkspace::named("Acme Solar").zone("America/Los_Angeles").currency("USD");
    let acme = world.convio().create_workspace_with_id(ACME, new).await.unwrap();
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.policy.lead_days_max = Some(90);
    acme.configure(settings).await.unwrap();
    webhooks(&acme).await;
    senders(&acme).await;
    acme.publish_rules([
        Rule::to(Target::team("west")).named("west").products(["Solar"]).zips(["90012", "90210"]),
        Rule::to(Target::team("rest")).named("rest").any_product().any_zip(),
    ])
    .await
    .unwrap();
    let rules = [Rule::to(Target::person("ann")).any_product().any_zip()];
    acme.save_draft("summer", rules, None).await.unwrap();
    let open = CalendarSettings::open(Hours::always(Zone::UTC));
    acme.set_calendar(Resource::thing("van"), open.capacity(2)).await.unwrap();
    acme.set_attribution(AttributionSettings::default()).await.unwrap();
    acme.set_rates(rates()).await.unwrap();

    let new = NewWorkspace::named("Zenith Roofs").zone("UTC").currency("EUR");
    let other = world.convio().create_workspace_with_id(OTHER, new).await.unwrap();
    created(other.ingest(lead_with(1, json!({"source": "Referral"}))).await);
    other.delete().await.unwrap();
    other.restore().await.unwrap();
    world.clock.advance(TimeDelta::hours(1));
    acme
}

async fn webhooks(acme: &WorkspaceHandle<'_>) {
    let new = NewWebhook::named("google-solar").with(|settings| {
        settings.source = Some(Source::new("Google Ads").unwrap());
        settings.leads_per_hour_max = Some(100);
        settings.strict = true;
        settings.repeat.action = RepeatAction::Reject;
    });
    let mut settings = acme.create_webhook(new).await.unwrap().settings;
    settings.region = Some("US".parse().unwrap());
    acme.configure_webhook("google-solar", settings).await.unwrap();
    acme.delete_webhook("google-solar").await.unwrap();
    acme.restore_webhook("google-solar").await.unwrap();
}

/// A provider and its keys.
async fn senders(acme: &WorkspaceHandle<'_>) {
    let mut settings = ProviderSettings::default();
    let webhook = acme.webhook("google-solar").await.unwrap().unwrap();
    settings.webhooks = Some(BTreeSet::from([webhook.id]));
    let provider = acme.create_provider("LeadCo", settings.clone()).await.unwrap();
    settings.leads_per_day_max = Some(500);
    acme.configure_provider("LeadCo", settings).await.unwrap();
    let new = NewApiKey::named("leadco").may([Permission::Ingest]).of_provider(provider.id);
    acme.create_api_key(new).await.unwrap();
    let office = acme.create_api_key(NewApiKey::named("office").may(Permission::ALL)).await.unwrap();
    acme.revoke_api_key(office.key.id).await.unwrap();
}

/// A consumer that has read some of it, with a dead letter; money that was spent; a hold.
pub(super) async fn what_reads_the_feed(acme: &WorkspaceHandle<'static>) {
    let once = ConsumerSettings::new().retry(Retry::times(1));
    acme.create_consumer("crm", once, Position(0)).await.unwrap();
    for _ in 0..2 {
        let mut worker = acme.consumer("crm");
        let batch = worker.poll().await.unwrap().unwrap();
        let first = batch.events()[0].position;
        batch.nack(first, "not reachable").await.unwrap();
    }
    let spent = Spend {
        day: NaiveDate::from_ymd_opt(2027, 3, 1).unwrap(),
        source: Source::new("Google Ads").unwrap(),
        campaign: None,
        cost: "12.50 USD".parse().unwrap(),
        clicks: Some(7),
        impressions: None,
    };
    acme.import_spend(vec![spent]).await.unwrap();
    let schedule = Schedule::local("2028-01-10T10:00", "UTC").unwrap();
    acme.hold(NewHold::at(schedule, 5).of(Resource::thing("van"), 1)).await.unwrap();
}

/// From yen.
fn rates() -> Rates {
    let rate = ExchangeRate {
        from: "JPY".parse().unwrap(),
        to: Currency::USD,
        rate: Rate::new(7, 3).unwrap(),
        day: NaiveDate::from_ymd_opt(2027, 1, 1).unwrap(),
        source: "a bank".to_owned(),
    };
    Rates::new(Currency::USD, u32::MAX, [rate]).unwrap()
}

/// What the clock shows, so many hours later.
pub(super) fn hours_later(world: &World<'_>, hours: i64) -> Schedule {
    Schedule::at(world.clock.now() + TimeDelta::hours(hours), &Zone::UTC)
}
