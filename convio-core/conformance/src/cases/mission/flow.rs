//! The diagram: who feeds whom.

use convio_core::appointment::AppointmentFilter;
use convio_core::contact::ContactRef;
use convio_core::conversion::ConversionFilter;
use convio_core::lead::{Format, LeadFilter};
use convio_core::routing::How;
use convio_core::service::Attribution;
use convio_core::{
    AppointmentStatus, Completion, Ingested, Money, NewAppointment, NewConversion, Outcome, Person, RawLead,
    Rule, Schedule, Stage, Target, WorkspaceHandle, Zone,
};
use serde_json::json;

use super::{
    appointment, appointments_by, contact, contacts, conversion, conversions_by, lead, leads_by, play, sound,
};
use crate::mission::{HVAC_BODY, SOLAR_BODY, WEBHOOKS};
use crate::{Subject, created, lead_with, linked};

pub(crate) async fn the_core_structure_and_the_main_data_flow_hold(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let acme = sound(&world, &mission.acme).await;
    let rows = [acme.contacts.len(), acme.leads.len(), acme.appointments.len(), acme.conversions.len()];
    assert_eq!(rows, [2, 4, 2, 1]);
    // The three webhooks of the document, and the one that every workspace has.
    assert_eq!((acme.webhooks.len(), acme.rejections.len()), (4, 0));
    let other = sound(&world, &mission.other).await;
    let rows = [other.contacts.len(), other.leads.len(), other.appointments.len(), other.conversions.len()];
    assert_eq!(rows, [1, 2, 1, 1]);
}

pub(crate) async fn lead_sources_reach_the_webhook_api(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let leads = [mission.leads.solar, mission.leads.hvac, mission.leads.insurance];
    let formats = [Format::Json, Format::Form, Format::Row];
    for (((name, _, source), id), format) in WEBHOOKS.into_iter().zip(leads).zip(formats) {
        let webhook = mission.acme.webhook(name).await.unwrap().unwrap();
        let row = lead(&mission.acme, id).await;
        assert_eq!((row.webhook, row.interest.source.as_str()), (webhook.id, source));
        let payload = mission.acme.payload(id.intake()).await.unwrap().unwrap();
        assert_eq!((payload.webhook, payload.format), (webhook.id, format));
        let activity = mission.acme.webhook_activity(webhook.id).await.unwrap();
        assert_eq!(activity.leads, if name == "google-solar" { 2 } else { 1 });
    }
}

pub(crate) async fn the_webhook_api_makes_contacts(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    assert_eq!(contacts(&mission.acme).await, [mission.john, mission.jane]);
    let new = created(mission.acme.ingest(lead_with(7, json!({})).webhook("facebook-hvac")).await);
    assert_eq!(contacts(&mission.acme).await, [mission.john, mission.jane, new.contact]);
    assert!(lead(&mission.acme, new.lead).await.opened_contact);
    // The same person through another webhook is no other contact.
    let known = linked(mission.acme.ingest(lead_with(7, json!({})).webhook("google-solar")).await);
    assert_eq!((known.contact, known.number), (new.contact, new.number));
    assert_eq!(contacts(&mission.acme).await.len(), 3);
}

pub(crate) async fn the_webhook_api_stores_leads(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    for (name, ..) in WEBHOOKS {
        let mut filter = LeadFilter::default();
        filter.webhook = Some(mission.acme.webhook(name).await.unwrap().unwrap().id);
        let before = leads_by(&mission.acme, &filter).await;
        let taken = mission.acme.ingest(lead_with(7, json!({})).webhook(name)).await.unwrap();
        let id = taken.accepted().unwrap().lead;
        assert!(!before.contains(&id));
        assert_eq!(leads_by(&mission.acme, &filter).await.len(), before.len() + 1);
        assert_eq!(leads_by(&mission.acme, &filter).await.last(), Some(&id));
    }
}

pub(crate) async fn contacts_come_to_appointments(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let of = async |contact| appointments_by(&mission.acme, &AppointmentFilter::of_contact(contact)).await;
    assert_eq!(of(mission.john).await, [mission.consultation, mission.estimate]);
    assert_eq!(of(mission.jane).await, []);
}

pub(crate) async fn leads_come_to_appointments(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let of = async |lead| appointments_by(&mission.acme, &AppointmentFilter::of_lead(lead)).await;
    assert_eq!(of(mission.leads.solar).await, [mission.consultation]);
    assert_eq!(of(mission.leads.hvac).await, [mission.estimate]);
    assert_eq!(of(mission.leads.insurance).await, []);
    let hvac = lead(&mission.acme, mission.leads.hvac).await.progress;
    assert_eq!((hvac.status.stage, hvac.open_appointments), (Stage::Scheduled, 1));
    let insurance = lead(&mission.acme, mission.leads.insurance).await.progress;
    assert_eq!((insurance.status.stage, insurance.open_appointments), (Stage::New, 0));
}

pub(crate) async fn appointments_come_to_conversions(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    assert_eq!(conversion(&mission.acme, mission.sale).await.appointment, Some(mission.consultation));
    assert_eq!(appointment(&mission.acme, mission.consultation).await.conversion, Some(mission.sale));
    assert_eq!(appointment(&mission.acme, mission.estimate).await.conversion, None);
}

pub(crate) async fn contacts_have_their_leads(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let leads = mission.leads;
    let of_john = leads_by(&mission.acme, &LeadFilter::of_contact(mission.john)).await;
    assert_eq!(of_john, [leads.solar, leads.hvac, leads.insurance]);
    assert_eq!(leads_by(&mission.acme, &LeadFilter::of_contact(mission.jane)).await.len(), 1);
    let counts =
        [contact(&mission.acme, mission.john).await.leads, contact(&mission.acme, mission.jane).await.leads];
    assert_eq!(counts, [3, 1]);
}

pub(crate) async fn workspaces_have_their_leads(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    for (of, not, leads) in [(&mission.acme, &mission.other, 4), (&mission.other, &mission.acme, 2)] {
        let ids = leads_by(of, &LeadFilter::default()).await;
        assert_eq!(ids.len(), leads);
        for id in ids {
            assert_eq!(lead(of, id).await.workspace, of.id());
            assert_eq!(not.lead(id).await.unwrap(), None);
        }
    }
}

pub(crate) async fn workspaces_have_their_contacts(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    for (of, not, count) in [(&mission.acme, &mission.other, 2), (&mission.other, &mission.acme, 1)] {
        let ids = contacts(of).await;
        assert_eq!(ids.len(), count);
        for id in ids {
            assert_eq!(contact(of, id).await.workspace, of.id());
            assert_eq!(not.contact(ContactRef::Id(id)).await.unwrap(), None);
        }
    }
}

pub(crate) async fn workspaces_have_their_appointments(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    for (of, not, count) in [(&mission.acme, &mission.other, 2), (&mission.other, &mission.acme, 1)] {
        let ids = appointments_by(of, &AppointmentFilter::default()).await;
        assert_eq!(ids.len(), count);
        for id in ids {
            assert_eq!(appointment(of, id).await.workspace, of.id());
            assert_eq!(not.appointment(id).await.unwrap(), None);
        }
    }
}

pub(crate) async fn workspaces_have_their_conversions(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    for (of, not) in [(&mission.acme, &mission.other), (&mission.other, &mission.acme)] {
        let ids = conversions_by(of, &ConversionFilter::default()).await;
        assert_eq!(ids.len(), 1);
        for id in ids {
            assert_eq!(conversion(of, id).await.workspace, of.id());
            assert_eq!(not.conversion(id).await.unwrap(), None);
        }
    }
}

pub(crate) async fn routing_rules_send_appointments_on(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let consultation = appointment(&mission.acme, mission.consultation).await.routing;
    assert_eq!((consultation.how, consultation.target), (How::Rule, Some(Target::team("solar-west"))));
    let estimate = appointment(&mission.acme, mission.estimate).await.routing;
    let explained =
        "rule `hvac` of rules version 1 routes to team `hvac-crew`; before it, `solar` failed at products";
    assert_eq!(estimate.explain(), explained);
    // No rule sells insurance: the appointment is not lost, and another publication holds for the next one.
    let visit = book(&mission.acme, mission.leads.insurance).await;
    assert_eq!((visit.routing.how, visit.routing.target), (How::Unrouted, None));
    let all = Rule::to(Target::person("ines")).named("all").any_product().any_zip();
    mission.acme.publish_rules([all]).await.unwrap();
    let visit = book(&mission.acme, mission.leads.insurance).await;
    assert_eq!((visit.routing.target, visit.routing.rules_version.0), (Some(Target::person("ines")), 2));
}

pub(crate) async fn raw_lead_data_is_kept_as_it_was_sent(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let solar = mission.acme.payload(mission.leads.solar.intake()).await.unwrap().unwrap();
    assert_eq!(*solar.body, SOLAR_BODY.as_bytes());
    assert_eq!(solar.headers, [("user-agent".to_owned(), "landing/2".to_owned())]);
    let hvac = mission.acme.payload(mission.leads.hvac.intake()).await.unwrap().unwrap();
    assert_eq!(*hvac.body, HVAC_BODY.as_bytes());
    // What can't be taken is kept too.
    let refused = mission.acme.ingest(RawLead::json("no lead at all")).await.unwrap();
    let Ingested::Rejected(refused) = refused else { panic!("{refused:?}") };
    let kept = mission.acme.payload(refused.id).await.unwrap().unwrap();
    assert_eq!(*kept.body, b"no lead at all");
}

pub(crate) async fn customer_info_goes_to_the_contact(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let jane = contact(&mission.acme, mission.jane).await.person;
    assert_eq!((jane.first_name.as_deref(), jane.email), (Some("Jane"), None));
    // A later lead says more of her, and each field takes the newest that was said.
    let more =
        json!({"firstName": "Janet", "lastName": null, "email": "jane@roe.example", "city": "Pasadena"});
    let again = linked(mission.acme.ingest(lead_with(1, more).webhook("facebook-hvac")).await);
    assert_eq!(again.contact, mission.jane);
    let jane = contact(&mission.acme, mission.jane).await.person;
    let Person { first_name, last_name, email, city, .. } = jane;
    assert_eq!((first_name.as_deref(), last_name.as_deref()), (Some("Janet"), Some("Roe")));
    assert_eq!(email.unwrap().as_str(), "jane@roe.example");
    assert_eq!(city.as_deref(), Some("Pasadena"));
}

pub(crate) async fn lead_details_go_to_the_lead(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let details = async |id| {
        let row = lead(&mission.acme, id).await;
        let interest = row.interest;
        let product = interest.product.map(|product| product.as_str().to_owned());
        (
            product,
            interest.utm.source,
            row.postal_code.map(|code| code.as_str().to_owned()),
            interest.external_id,
        )
    };
    let some = |text: &str| Some(text.to_owned());
    let leads = mission.leads;
    assert_eq!(details(leads.solar).await, (some("Solar"), some("google"), some("90012"), None));
    assert_eq!(details(leads.hvac).await, (some("HVAC"), some("facebook"), None, None));
    assert_eq!(details(leads.insurance).await, (some("Insurance"), some("portal"), None, some("LC-1")));
}

/// The lead says no postal code: the contact's sends the appointment to its target, and who keeps it finds the customer.
pub(crate) async fn contact_details_go_with_the_appointment(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    assert_eq!(lead(&mission.acme, mission.leads.hvac).await.postal_code, None);
    let estimate = appointment(&mission.acme, mission.estimate).await;
    assert_eq!(estimate.routing.rule.as_deref(), Some("hvac"));
    let person = contact(&mission.acme, estimate.contact).await.person;
    assert_eq!(person.postal_code.unwrap().as_str(), "90012");
    assert_eq!(person.phone.unwrap().phone.e164(), "+15551234567");
    assert_eq!(person.street.as_deref(), Some("123 Main St"));
    // From outside an appointment comes with its customer, in one call.
    let raw = lead_with(7, json!({"product": "HVAC", "zip": "90012", "email": "ann@example.com"}));
    let received = mission.acme.receive(raw, schedule()).await.unwrap();
    let accepted = received.taken.accepted().unwrap().clone();
    let visit = received.appointment.unwrap();
    assert_eq!((visit.contact, visit.routing.target), (accepted.contact, Some(Target::team("hvac-crew"))));
    let person = contact(&mission.acme, visit.contact).await.person;
    assert_eq!(person.email.unwrap().as_str(), "ann@example.com");
}

pub(crate) async fn lead_details_go_with_the_appointment(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    // One contact, one postal code: what each lead asks for makes the difference.
    let routed = async |id| appointment(&mission.acme, id).await.routing.target.unwrap();
    assert_eq!(routed(mission.consultation).await, Target::team("solar-west"));
    assert_eq!(routed(mission.estimate).await, Target::team("hvac-crew"));
    // A lead's own postal code goes before the contact's.
    let far = lead_with(1, json!({"product": "HVAC", "zip": "10001"})).webhook("facebook-hvac");
    let far = linked(mission.acme.ingest(far).await);
    assert_eq!(book(&mission.acme, far.lead).await.routing.how, How::Unrouted);
}

pub(crate) async fn appointment_results_become_conversions(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let lost = book(&mission.acme, mission.leads.insurance).await;
    let done = mission.acme.complete(lost.id, Outcome::NotSold).await.unwrap();
    assert_eq!((done.appointment.status, done.conversion), (AppointmentStatus::Completed, None));
    let before = mission.acme.head().await.unwrap().unwrap();
    let sold = Completion::from(Outcome::Sold("1800.50 USD".parse().unwrap()));
    let done = mission.acme.complete(mission.estimate, sold).await.unwrap();
    let sold = done.conversion.unwrap();
    assert_eq!((sold.appointment, sold.lead), (Some(mission.estimate), mission.leads.hvac));
    assert_eq!((sold.value.minor(), sold.sold_by.as_deref()), (180_050, Some("bob")));
    assert_eq!(done.appointment.conversion, Some(sold.id));
    let feed = mission.acme.feed(before.feed, 10).await.unwrap();
    let kinds: Vec<_> = feed.iter().map(|event| event.body.kind()).collect();
    assert_eq!(kinds, ["appointment.completed", "conversion.recorded"]);
    let snapshot = sound(&world, &mission.acme).await;
    assert_eq!(snapshot.conversions.len(), 2);
}

pub(crate) async fn revenue_is_tracked_from_conversions(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let day = conversion(&mission.acme, mission.sale).await.day;
    let revenue = async || {
        let rows = mission.acme.daily_conversions(Attribution::Lead, day, day).await.unwrap();
        let row = rows.into_iter().find(|row| row.conversion_type == "solar sale");
        let totals = mission.acme.totals().await.unwrap();
        (row.map(|row| (row.conversions, row.value)), totals.conversions, totals.revenue)
    };
    let usd = |minor| Money::from_minor(minor, "USD".parse().unwrap());
    assert_eq!(revenue().await, (Some((1, usd(500_000))), 1, usd(500_000)));
    let first = conversion(&mission.acme, mission.sale).await;
    let again = NewConversion::sale(mission.leads.solar, usd(25_050))
        .of_type(first.conversion_type)
        .occurred_at(first.occurred_at);
    let again = mission.acme.convert(again).await.unwrap();
    assert_eq!(revenue().await, (Some((2, usd(525_050))), 2, usd(525_050)));
    mission.acme.void(again.id, "entered twice").await.unwrap();
    mission.acme.void(mission.sale, "cancelled within the week").await.unwrap();
    assert_eq!(revenue().await, (None, 0, usd(0)));
}

async fn book(acme: &WorkspaceHandle<'_>, lead: convio_core::LeadId) -> convio_core::Appointment {
    acme.book(lead, NewAppointment::at(schedule())).await.unwrap()
}

fn schedule() -> Schedule {
    Schedule::local("2027-03-09T10:00", Zone::UTC.name()).unwrap()
}
