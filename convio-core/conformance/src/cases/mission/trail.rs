//! Events: what happened, and that all of it is there.

use chrono::TimeDelta;
use convio_core::event::EventBody;
use convio_core::{
    Actor, Clock, ConversionId, Custom, NewConversion, Outcome, PageRequest, Party, Position, Schedule,
    Stage, StreamRef, Subject as About, Target, Zone,
};
use serde_json::json;

use super::{contact, history, kinds, lead, play, sound};
use crate::{Subject, lead_with, linked};

pub(crate) async fn leads_have_their_events(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let of = async |lead| kinds(&mission.acme, StreamRef::Lead(lead)).await;
    let solar = ["lead.received", "appointment.booked", "conversion.recorded"];
    assert_eq!(of(mission.leads.solar).await, solar);
    assert_eq!(of(mission.leads.hvac).await, ["lead.received", "appointment.booked"]);
    assert_eq!(of(mission.leads.insurance).await, ["lead.received"]);
}

pub(crate) async fn appointments_have_their_events(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let of = async |id| kinds(&mission.acme, StreamRef::Subject(About::Appointment(id))).await;
    assert_eq!(of(mission.consultation).await, ["appointment.booked", "appointment.completed"]);
    assert_eq!(of(mission.estimate).await, ["appointment.booked"]);
}

pub(crate) async fn conversions_have_their_events(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let events = history(&mission.acme, of_conversion(mission.sale)).await;
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.contact_id(), event.lead_id()), (Some(mission.john), Some(mission.leads.solar)));
    let EventBody::ConversionRecorded(recorded) = &event.body else { panic!("{event:?}") };
    assert_eq!((recorded.value.minor(), recorded.appointment), (500_000, Some(mission.consultation)));
}

pub(crate) async fn every_major_table_has_its_events(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let acme = &mission.acme;
    let webhook = acme.webhook("google-solar").await.unwrap().unwrap();
    let key = acme.api_keys().await.unwrap()[0].id;
    let streams = [
        (StreamRef::Contact(mission.jane), vec!["lead.received"]),
        (StreamRef::Lead(mission.leads.insurance), vec!["lead.received"]),
        (StreamRef::Subject(About::Appointment(mission.estimate)), vec!["appointment.booked"]),
        (of_conversion(mission.sale), vec!["conversion.recorded"]),
        (StreamRef::Subject(About::Workspace(acme.id())), vec!["workspace.created"]),
        (StreamRef::Subject(About::Webhook(webhook.id)), vec!["webhook.created"]),
        (StreamRef::Subject(About::Provider(mission.provider)), vec!["provider.created"]),
        (StreamRef::Subject(About::ApiKey(key)), vec!["api_key.created"]),
        (StreamRef::Subject(About::Rules(acme.id())), vec!["rules.published"]),
    ];
    for (stream, expected) in streams {
        assert_eq!(kinds(acme, stream).await, expected);
        // No one else sees them.
        let theirs = kinds(&mission.other, stream).await;
        assert_eq!(theirs, Vec::<&str>::new(), "{stream:?}");
    }
}

pub(crate) async fn every_change_of_a_lead_status_is_a_lead_event(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let (id, acme) = (mission.leads.insurance, mission.acme.clone().acting_as(Actor::user("ines")));
    for (to, reason) in [("contacted", None), ("qualified", None), ("lost", Some("too dear")), ("new", None)]
    {
        world.clock.advance(TimeDelta::minutes(1));
        acme.move_lead(id, to, reason.map(str::to_owned)).await.unwrap();
    }
    world.clock.advance(TimeDelta::minutes(1));
    let visit = acme.book(id, Schedule::at(world.clock.now(), &Zone::UTC)).await.unwrap().id;
    acme.complete(visit, Outcome::Sold("30 USD".parse().unwrap())).await.unwrap();
    let spans = acme.lead_statuses(id).await.unwrap();
    let stages: Vec<_> = spans.iter().map(|span| span.value.stage).collect();
    let expected = [
        Stage::New,
        Stage::Contacted,
        Stage::Qualified,
        Stage::Lost,
        Stage::New,
        Stage::Scheduled,
        Stage::Won,
    ];
    assert_eq!(stages, expected);
    assert_eq!(spans[1].from, mission.now + TimeDelta::minutes(1));
    assert_eq!((spans[1].until, spans[6].until), (Some(mission.now + TimeDelta::minutes(2)), None));
    assert!(spans[1..].iter().all(|span| span.by == Actor::user("ines")));
    // One event each, in the order that they happened.
    let told: Vec<_> = history(&acme, StreamRef::Lead(id))
        .await
        .iter()
        .filter_map(|event| event.body.progress().map(|progress| progress.status.stage))
        .collect();
    assert_eq!(told, expected);
    // An illegal change is none, and leaves no event.
    assert!(acme.move_lead(id, "contacted", None).await.is_err());
    assert_eq!(acme.lead_statuses(id).await.unwrap(), spans);
}

pub(crate) async fn every_update_of_an_appointment_is_an_appointment_event(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let acme = &mission.acme;
    let events = async |id| kinds(acme, StreamRef::Subject(About::Appointment(id))).await;
    acme.confirm(mission.estimate).await.unwrap();
    acme.assign(mission.estimate, Target::person("eva"), None).await.unwrap();
    let later = Schedule::at(mission.now + TimeDelta::days(4), &Zone::UTC);
    let moved = acme.reschedule(mission.estimate, later.clone(), Party::Staff, None).await.unwrap().id;
    acme.cancel(moved, Party::Customer, Some("changed their mind".into())).await.unwrap();
    let missed = acme.book(mission.leads.hvac, later.clone()).await.unwrap().id;
    let met = acme.book(mission.leads.hvac, later).await.unwrap().id;
    world.clock.advance(TimeDelta::days(5));
    acme.no_show(missed, Party::Customer).await.unwrap();
    acme.complete(met, Outcome::NotSold).await.unwrap();
    let updates =
        ["appointment.booked", "appointment.confirmed", "appointment.assigned", "appointment.rescheduled"];
    assert_eq!(events(mission.estimate).await, updates);
    assert_eq!(events(moved).await, ["appointment.booked", "appointment.cancelled"]);
    assert_eq!(events(missed).await, ["appointment.booked", "appointment.no_show"]);
    assert_eq!(events(met).await, ["appointment.booked", "appointment.completed"]);
    // As many events as the row counts.
    let row = super::appointment(acme, mission.estimate).await;
    assert_eq!(row.version.0, 4);
}

pub(crate) async fn every_step_of_a_conversion_is_a_conversion_event(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    mission.acme.void(mission.sale, "cancelled").await.unwrap();
    let events = history(&mission.acme, of_conversion(mission.sale)).await;
    let kinds: Vec<_> = events.iter().map(|event| event.body.kind()).collect();
    assert_eq!(kinds, ["conversion.recorded", "conversion.voided"]);
    let EventBody::ConversionRecorded(recorded) = &events[0].body else { panic!("{:?}", events[0]) };
    let metadata = json!({"panels": 18, "financing": "loan"}).as_object().cloned().map(Custom::from);
    assert_eq!((recorded.value.minor(), recorded.metadata.clone()), (500_000, metadata));
    let EventBody::ConversionVoided(voided) = &events[1].body else { panic!("{:?}", events[1]) };
    assert_eq!((voided.reason.as_str(), voided.value.minor()), ("cancelled", 500_000));
    // Both are in the histories of the lead and of the contact too.
    let solar = super::kinds(&mission.acme, StreamRef::Lead(mission.leads.solar)).await;
    assert_eq!(solar[solar.len() - 2..], kinds);
    let john = super::kinds(&mission.acme, StreamRef::Contact(mission.john)).await;
    assert_eq!(john[john.len() - 2..], kinds);
}

/// Nothing is there but by its events: from them alone come the rows, and no number is missing.
pub(crate) async fn events_are_a_complete_history_of_everything(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let acme = &mission.acme;
    acme.note(mission.leads.insurance, "asks for a quote by mail").await.unwrap();
    acme.assign_lead(mission.leads.insurance, Some("ines".into())).await.unwrap();
    acme.delete_lead(mission.leads.insurance).await.unwrap();
    acme.restore_lead(mission.leads.insurance).await.unwrap();
    let all = sound(&world, acme).await;
    let positions: Vec<_> = all.feed.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=all.feed.len() as u64).collect::<Vec<_>>());
    assert_eq!(acme.head().await.unwrap().unwrap().feed, Position(all.feed.len() as u64));
    let last: Vec<_> = all.feed.iter().rev().take(4).map(|event| event.body.kind()).collect();
    assert_eq!(last, ["lead.restored", "lead.deleted", "lead.assigned", "lead.noted"]);
    let notes = acme.lead_notes(mission.leads.insurance).await.unwrap();
    assert_eq!(notes[0].text.as_deref(), Some("asks for a quote by mail"));
    // A history is read in pages like any list.
    let first = acme.history(StreamRef::Lead(mission.leads.insurance), &PageRequest::first(2)).await.unwrap();
    assert_eq!((first.items.len(), first.next.is_some()), (2, true));
}

pub(crate) async fn every_major_action_creates_an_event_record(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let at = mission.acme.head().await.unwrap().unwrap().feed;
    let acme = mission.acme.clone().acting_as(Actor::user("maria")).in_request("req-7");
    linked(acme.ingest(lead_with(1, json!({"product": "HVAC"}))).await);
    acme.move_lead(mission.leads.insurance, "contacted", None).await.unwrap();
    let visit = acme.book(mission.leads.insurance, Schedule::at(mission.now, &Zone::UTC)).await.unwrap().id;
    acme.complete(visit, Outcome::Undecided).await.unwrap();
    let sale = NewConversion::sale(mission.leads.insurance, "30 USD".parse().unwrap());
    let sale = acme.convert(sale).await.unwrap().id;
    acme.void(sale, "a test of the trail").await.unwrap();
    acme.publish_rules([]).await.unwrap();
    acme.delete_webhook("facebook-hvac").await.unwrap();
    let feed = acme.feed(at, 100).await.unwrap();
    let kinds: Vec<_> = feed.iter().map(|event| event.body.kind()).collect();
    let expected = [
        "lead.received",
        "lead.moved",
        "appointment.booked",
        "appointment.completed",
        "conversion.recorded",
        "conversion.voided",
        "rules.published",
        "webhook.deleted",
    ];
    assert_eq!(kinds, expected);
    for event in &feed {
        assert_eq!((event.at, &event.origin.actor), (world.clock.now(), &Actor::user("maria")));
        assert_eq!(event.origin.request.as_deref(), Some("req-7"));
    }
}

/// From the first contact through several campaigns to the sale, told by the histories of one person.
pub(crate) async fn the_complete_customer_journey_is_tracked(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let john = contact(&mission.acme, mission.john).await;
    assert_eq!(john.first_touch.lead, mission.leads.solar);
    let (mut leads, mut campaigns) = (Vec::new(), Vec::new());
    for event in history(&mission.acme, StreamRef::Contact(mission.john)).await {
        match &event.body {
            EventBody::LeadReceived(received) => {
                campaigns.push(received.interest.campaign.as_ref().unwrap().to_string());
                leads.push(event.lead_id().unwrap());
            }
            body => assert_eq!(body.kind(), "conversion.recorded"),
        }
    }
    assert_eq!(campaigns, ["Solar Campaign", "HVAC Campaign", "Insurance Campaign"]);
    assert_eq!(leads, [mission.leads.solar, mission.leads.hvac, mission.leads.insurance]);
    let spans = mission.acme.lead_statuses(mission.leads.solar).await.unwrap();
    let stages: Vec<_> = spans.iter().map(|span| span.value.stage).collect();
    assert_eq!(stages, [Stage::New, Stage::Scheduled, Stage::Won]);
    let solar = lead(&mission.acme, mission.leads.solar).await;
    assert_eq!(solar.progress.conversion, Some(mission.sale));
    assert_eq!(john.customer_since, Some(mission.now - TimeDelta::hours(22)));
    // With its audit trail, and apart from the other client, who knows the person too.
    sound(&world, &mission.acme).await;
    sound(&world, &mission.other).await;
    let theirs = history(&mission.other, StreamRef::Contact(mission.john)).await;
    assert_eq!(theirs, []);
    assert_eq!(kinds(&mission.other, StreamRef::Contact(mission.johnny)).await.len(), 3);
}

/// The stream of a conversion.
pub(super) fn of_conversion(id: ConversionId) -> StreamRef {
    StreamRef::Subject(About::Conversion(id))
}
