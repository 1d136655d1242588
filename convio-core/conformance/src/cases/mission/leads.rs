//! Leads: what each of them is an interest in.

use std::collections::BTreeMap;

use convio_core::lead::LeadFilter;
use convio_core::{Custom, LeadType, Stage};
use serde_json::{Value, json};

use super::{contact, lead, leads_by, play};
use crate::mission::Mission;
use crate::{Subject, lead_with, linked};

pub(crate) async fn leads_are_campaign_specific_records(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let mut told = Vec::new();
    for id in [mission.leads.solar, mission.leads.hvac, mission.leads.insurance] {
        let row = lead(&mission.acme, id).await;
        told.push((row.interest.campaign.unwrap().to_string(), row.interest.lead_type));
    }
    let of = |kind: &str| (format!("{kind} Campaign"), LeadType::new(kind).unwrap());
    assert_eq!(told, ["Solar", "HVAC", "Insurance"].map(of));
    // What happens to one of them leaves the others alone.
    let stages = async || {
        let mut stages = Vec::new();
        for id in [mission.leads.solar, mission.leads.hvac, mission.leads.insurance] {
            stages.push(lead(&mission.acme, id).await.progress.status.stage);
        }
        stages
    };
    assert_eq!(stages().await, [Stage::Won, Stage::Scheduled, Stage::New]);
    mission.acme.move_lead(mission.leads.insurance, "contacted", None).await.unwrap();
    assert_eq!(stages().await, [Stage::Won, Stage::Scheduled, Stage::Contacted]);
}

pub(crate) async fn the_solar_campaign_is_lead_1(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    assert_eq!(nth_campaign(&mission, 0).await, (mission.leads.solar, "Solar Campaign".to_owned()));
}

pub(crate) async fn the_hvac_campaign_is_lead_2(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    assert_eq!(nth_campaign(&mission, 1).await, (mission.leads.hvac, "HVAC Campaign".to_owned()));
}

pub(crate) async fn the_insurance_campaign_is_lead_3(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    assert_eq!(nth_campaign(&mission, 2).await, (mission.leads.insurance, "Insurance Campaign".to_owned()));
}

/// Whoever asks again makes a lead of it, which names the one that it repeats; another campaign repeats nothing.
pub(crate) async fn each_lead_is_one_specific_interest(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let ask = |product: &str, campaign: &str| {
        let body = json!({"phone": "+15551234567", "product": product, "campaign": campaign});
        mission.acme.ingest(lead_with(1, body))
    };
    let again = linked(ask("Insurance", "Insurance Campaign").await);
    assert_eq!((again.contact, again.duplicate_of), (mission.john, Some(mission.leads.insurance)));
    assert_ne!(again.lead, mission.leads.insurance);
    assert_eq!(linked(ask("Insurance", "Autumn Campaign").await).duplicate_of, None);
    assert_eq!(linked(ask("Car Insurance", "Insurance Campaign").await).duplicate_of, None);
    assert_eq!(leads_by(&mission.acme, &LeadFilter::of_contact(mission.john)).await.len(), 6);
}

pub(crate) async fn leads_link_back_to_the_contact(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    for id in [mission.leads.solar, mission.leads.hvac, mission.leads.insurance] {
        let person = contact(&mission.acme, lead(&mission.acme, id).await.contact).await;
        assert_eq!((person.id, person.person.first_name.as_deref()), (mission.john, Some("John")));
    }
    // The first one made the contact, the others found it.
    let opened = async |id| lead(&mission.acme, id).await.opened_contact;
    assert!(opened(mission.leads.solar).await && !opened(mission.leads.hvac).await);
}

pub(crate) async fn leads_contain_campaign_utm_and_industry_fields(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let solar = lead(&mission.acme, mission.leads.solar).await;
    assert_eq!(solar.interest.campaign.as_ref().unwrap().as_str(), "Solar Campaign");
    let utm = solar.interest.utm.clone();
    let utm = [utm.source, utm.medium, utm.campaign, utm.term, utm.content].map(Option::unwrap);
    assert_eq!(utm, ["google", "cpc", "spring", "solar panels", "ad-7"]);
    let typed: BTreeMap<String, Value> = solar.custom().unwrap();
    assert_eq!((&typed["roof_type"], &typed["monthly_bill"]), (&json!("tile"), &json!(180)));
    assert_eq!((&typed["homeowner"], typed.len()), (&json!(true), 3));
    // Each industry has fields of its own, kept as they were sent and nothing beside them.
    let custom = async |id| lead(&mission.acme, id).await.custom;
    let fields = |value: Value| Custom::from(value.as_object().unwrap().clone());
    assert_eq!(custom(mission.leads.hvac).await, fields(json!({"system_age": "12", "fuel": "gas"})));
    assert_eq!(custom(mission.leads.insurance).await, fields(json!({"Coverage": "home"})));
}

pub(crate) async fn multiple_leads_belong_to_the_same_contact(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let mut of = Vec::new();
    for id in [mission.leads.solar, mission.leads.hvac, mission.leads.insurance] {
        let row = lead(&mission.acme, id).await;
        of.push((row.contact, row.webhook));
    }
    assert!(of.iter().all(|(contact, _)| *contact == mission.john));
    let mut webhooks: Vec<_> = of.into_iter().map(|(_, webhook)| webhook).collect();
    webhooks.dedup();
    assert_eq!(webhooks.len(), 3);
    // A single correction of the person holds for all of them.
    let moved = lead_with(
        1,
        json!({"phone": "+15551234567", "firstName": null, "lastName": null, "city": "Pasadena"}),
    );
    linked(mission.acme.ingest(moved).await);
    for id in [mission.leads.solar, mission.leads.hvac, mission.leads.insurance] {
        let row = contact(&mission.acme, lead(&mission.acme, id).await.contact).await;
        assert_eq!((row.person.city.as_deref(), row.leads), (Some("Pasadena"), 4));
    }
}

/// The `n`-th lead of John Doe, by when it was received, and its campaign.
async fn nth_campaign(mission: &Mission<'_>, n: usize) -> (convio_core::LeadId, String) {
    let mut leads = Vec::new();
    for id in leads_by(&mission.acme, &LeadFilter::of_contact(mission.john)).await {
        leads.push(lead(&mission.acme, id).await);
    }
    leads.sort_by_key(|lead| lead.received_at);
    (leads[n].id, leads[n].interest.campaign.as_ref().unwrap().to_string())
}
