//! Providers: who sends leads, what they may, what they did.

use chrono::{NaiveDate, TimeDelta};
use convio_core::provider::ProviderSettings;
use convio_core::service::DailyUsage;
use convio_core::{Actor, Clock, ErrorKind, RawLead, WorkspaceHandle, Zone};
use serde_json::json;

use super::{history, lead, play};
use crate::mission::Mission;
use crate::{Subject, World, codes, created, lead_with, linked, rejected};

pub(crate) async fn providers_send_through_the_webhook_api(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let portal = mission.acme.webhook("insurance-portal").await.unwrap().unwrap();
    let insurance = lead(&mission.acme, mission.leads.insurance).await;
    assert_eq!((insurance.provider, insurance.webhook), (Some(mission.provider), portal.id));
    assert_eq!(lead(&mission.acme, mission.leads.solar).await.provider, None);
    let mut filter = convio_core::lead::LeadFilter::default();
    filter.webhook = Some(portal.id);
    assert_eq!(super::leads_by(&mission.acme, &filter).await, [mission.leads.insurance]);
    let company = company(&world, &mission).await;
    let accepted = created(company.ingest(lead_with(7, json!({})).webhook("insurance-portal")).await);
    assert_eq!(lead(&mission.acme, accepted.lead).await.provider, Some(mission.provider));
}

pub(crate) async fn providers_leave_a_usage_log(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let portal = mission.acme.webhook("insurance-portal").await.unwrap().unwrap();
    let sent_at = mission.now - TimeDelta::days(2);
    let (sent_on, today) = (Zone::UTC.day_of(sent_at), Zone::UTC.day_of(mission.now));
    let first = DailyUsage {
        day: sent_on,
        provider: mission.provider,
        webhook: portal.id,
        taken: 1,
        repeats: 0,
        rejected: 0,
        last_at: Some(sent_at),
    };
    assert_eq!(usage(&mission, sent_on, today).await, std::slice::from_ref(&first));
    world.clock.advance(TimeDelta::minutes(5));
    let company = company(&world, &mission).await;
    let john = json!({"phone": "+15551234567", "product": "Insurance", "campaign": "Insurance Campaign"});
    let again = linked(company.ingest(lead_with(1, john).webhook("insurance-portal")).await);
    assert_eq!(again.duplicate_of, Some(mission.leads.insurance));
    let _ = rejected(company.ingest(RawLead::json("{}").webhook("insurance-portal")).await);
    // What others send through the same webhook is not the provider's.
    created(mission.acme.ingest(lead_with(7, json!({})).webhook("insurance-portal")).await);
    let second = DailyUsage {
        day: today,
        taken: 1,
        repeats: 1,
        rejected: 1,
        last_at: Some(world.clock.now()),
        ..first.clone()
    };
    assert_eq!(usage(&mission, sent_on, today).await, [first, second]);
}

pub(crate) async fn providers_are_companies_that_send_leads_via_api(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let provider = mission.acme.provider("LeadCo").await.unwrap().unwrap();
    assert_eq!((provider.id, provider.name.as_str()), (mission.provider, "LeadCo"));
    assert_eq!(mission.acme.providers().await.unwrap(), [provider]);
    assert_eq!(mission.other.providers().await.unwrap(), []);
    // It comes with a key of its own, and its leads are told to be sent by it.
    let company = company(&world, &mission).await;
    let received = history(&mission.acme, convio_core::StreamRef::Lead(mission.leads.insurance)).await;
    assert_eq!(received[0].origin.actor, Actor::api_key(company.api_key_id().unwrap()));
    // Who has no key of it names it instead.
    let named = lead_with(7, json!({})).webhook("insurance-portal").provider("LeadCo");
    let named = created(mission.acme.ingest(named).await);
    assert_eq!(lead(&mission.acme, named.lead).await.provider, Some(mission.provider));
}

pub(crate) async fn providers_have_rate_limits_and_access_control(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let company = company(&world, &mission).await;
    let send = |n: u32| company.ingest(lead_with(n, json!({})).webhook("insurance-portal"));
    // Access: its webhook and no other, leads and nothing else.
    let elsewhere = company.ingest(lead_with(7, json!({})).webhook("google-solar")).await.unwrap_err();
    let says = "provider `LeadCo` may not use this webhook";
    assert_eq!((elsewhere.kind(), elsewhere.to_string().as_str()), (ErrorKind::Denied, says));
    let read = company.lead(mission.leads.insurance).await.unwrap_err();
    assert_eq!(read.kind(), ErrorKind::Denied);
    // Rate: so many in a clock hour, then none until the next one.
    let mut settings = mission.acme.provider("LeadCo").await.unwrap().unwrap().settings;
    settings.leads_per_hour_max = 3;
    mission.acme.configure_provider("LeadCo", settings.clone()).await.unwrap();
    created(send(7).await);
    created(send(8).await);
    let over = send(9).await.unwrap_err();
    assert_eq!(over.kind(), ErrorKind::Overloaded);
    let says = "the provider's limit of leads per hour is reached; it is open again at the full hour";
    assert_eq!(over.to_string(), says);
    world.clock.advance(TimeDelta::hours(1));
    created(send(9).await);
    settings.active = false;
    mission.acme.configure_provider("LeadCo", settings).await.unwrap();
    let off = send(10).await.unwrap_err();
    assert_eq!((off.kind(), off.to_string().as_str()), (ErrorKind::Denied, "provider `LeadCo` is inactive"));
}

pub(crate) async fn usage_tracks_what_providers_do(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let activity = async || mission.acme.provider_last_used(mission.provider).await.unwrap();
    assert_eq!(activity().await, Some(mission.now - TimeDelta::days(2)));
    let quiet = mission.acme.create_provider("QuietCo", ProviderSettings::default()).await.unwrap();
    assert_eq!(mission.acme.provider_last_used(quiet.id).await.unwrap(), None);
    let company = company(&world, &mission).await;
    let mut expected = vec![(Zone::UTC.day_of(mission.now - TimeDelta::days(2)), 1, 0)];
    for (n, days) in [(7, 0), (8, 1), (9, 1)] {
        world.clock.advance(TimeDelta::days(days));
        created(company.ingest(lead_with(n, json!({})).webhook("insurance-portal")).await);
        let refused = rejected(company.ingest(RawLead::json("{}").webhook("insurance-portal")).await);
        assert_eq!(codes(&refused.reasons), ["phone/missing"]);
        expected.push((Zone::UTC.day_of(world.clock.now()), 1, 1));
    }
    assert_eq!(activity().await, Some(world.clock.now()));
    let rows = usage(&mission, expected[0].0, Zone::UTC.day_of(world.clock.now())).await;
    let told: Vec<_> = rows.iter().map(|row| (row.day, row.taken, row.rejected)).collect();
    assert_eq!(told, expected);
    // When its key was last used is known too.
    let keys = mission.acme.api_keys().await.unwrap();
    let key = keys.iter().find(|key| key.settings.provider == Some(mission.provider)).unwrap();
    assert!(mission.acme.api_key_last_used(key.id).await.unwrap().is_some());
}

/// The handle of the provider's own software.
async fn company(world: &World<'_>, mission: &Mission<'_>) -> WorkspaceHandle<'static> {
    world.convio().authenticate(mission.tokens.provider.expose()).await.unwrap()
}

async fn usage(mission: &Mission<'_>, from: NaiveDate, to: NaiveDate) -> Vec<DailyUsage> {
    mission.acme.provider_usage(from, to).await.unwrap()
}
