//! The tables that matter most, by their key fields; the queries that everyone writes, each as one call.

use chrono::{Days, TimeDelta};
use convio_core::contact::ContactFilter;
use convio_core::lead::LeadFilter;
use convio_core::service::SourceRate;
use convio_core::{AppointmentStatus, Clock, Lead, PageRequest, Phone, Schedule, Target, Validity, Zone};

use super::{appointment, contact, conversion, lead, leads_by, play};
use crate::{Subject, created, lead as new_lead};

pub(crate) async fn raw_lead_to_contact_to_leads_to_appointments_to_conversions(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    // From what was sent ...
    let raw = mission.acme.payload(mission.leads.solar.intake()).await.unwrap().unwrap();
    let first = lead(&mission.acme, raw.id.lead()).await;
    // ... to the person, to all that the person wanted ...
    let leads = leads_by(&mission.acme, &LeadFilter::of_contact(first.contact)).await;
    assert_eq!(leads, [mission.leads.solar, mission.leads.hvac, mission.leads.insurance]);
    // ... to the meetings of each, to what was sold there.
    let (mut meetings, mut sales) = (Vec::new(), Vec::new());
    for id in leads {
        let filter = convio_core::appointment::AppointmentFilter::of_lead(id);
        meetings.extend(mission.acme.appointments(&filter, &PageRequest::default()).await.unwrap().items);
        let filter = convio_core::conversion::ConversionFilter::of_lead(id);
        sales.extend(mission.acme.conversions(&filter, &PageRequest::default()).await.unwrap().items);
    }
    let ids: Vec<_> = meetings.iter().map(|meeting| meeting.id).collect();
    assert_eq!(ids, [mission.consultation, mission.estimate]);
    assert_eq!(sales.iter().map(|sale| sale.id).collect::<Vec<_>>(), [mission.sale]);
    assert_eq!(
        (sales[0].appointment, meetings[0].conversion),
        (Some(mission.consultation), Some(mission.sale))
    );
}

pub(crate) async fn contacts_show_their_key_fields(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let john = contact(&mission.acme, mission.john).await.person;
    assert_eq!(john.phone.unwrap().phone.e164(), "+15551234567");
    assert_eq!((john.first_name.as_deref(), john.last_name.as_deref()), (Some("John"), Some("Doe")));
    assert_eq!(john.email.unwrap().as_str(), "john@email.com");
}

pub(crate) async fn leads_show_their_key_fields(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let solar = lead(&mission.acme, mission.leads.solar).await;
    assert_eq!((solar.interest.source.as_str(), solar.interest.lead_type.as_str()), ("Google Ads", "Solar"));
    assert_eq!(solar.interest.campaign.unwrap().as_str(), "Solar Campaign");
    let webhook = mission.acme.webhook("google-solar").await.unwrap().unwrap();
    assert_eq!(solar.webhook, webhook.id);
}

pub(crate) async fn appointments_show_their_key_fields(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let estimate = appointment(&mission.acme, mission.estimate).await;
    assert_eq!(estimate.schedule.starts_at, mission.now + TimeDelta::days(3));
    assert_eq!(estimate.status, AppointmentStatus::Booked);
    assert_eq!(
        (estimate.staff.as_deref(), estimate.routing.target),
        (Some("bob"), Some(Target::team("hvac-crew")))
    );
}

pub(crate) async fn conversions_show_their_key_fields(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let sale = conversion(&mission.acme, mission.sale).await;
    assert_eq!(sale.value, "5000 USD".parse().unwrap());
    assert_eq!(sale.occurred_at, mission.now - TimeDelta::hours(22));
    assert_eq!(sale.conversion_type.as_str(), "Solar Sale");
}

pub(crate) async fn contacts_created_today_are_one_call(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let page = PageRequest::default();
    let on = async |day| {
        let found = mission.acme.contacts_created_on(day, &page).await.unwrap();
        found.items.into_iter().map(|contact| contact.id).collect::<Vec<_>>()
    };
    let today = Zone::UTC.day_of(mission.now);
    world.clock.advance(TimeDelta::days(1));
    let late = created(mission.acme.ingest(new_lead(7)).await).contact;
    assert_eq!(on(today).await, [mission.john, mission.jane]);
    assert_eq!(on(today + Days::new(1)).await, [late]);
    assert_eq!(on(today - Days::new(1)).await, []);
}

/// Today and the six days after it, and the last day whole: an appointment on its afternoon is one of the week's.
pub(crate) async fn appointments_of_the_next_week_are_one_call(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let today = Zone::UTC.day_of(world.clock.now());
    let schedule = Schedule::at(mission.now + TimeDelta::days(7), &Zone::UTC);
    let last = mission.acme.book(mission.leads.insurance, schedule).await.unwrap().id;
    let schedule = Schedule::at(mission.now + TimeDelta::days(8), &Zone::UTC);
    mission.acme.book(mission.leads.insurance, schedule).await.unwrap();
    let found =
        mission.acme.appointments_on(today, today + Days::new(7), &PageRequest::default()).await.unwrap();
    let ids: Vec<_> = found.items.into_iter().map(|row| row.id).collect();
    assert_eq!(ids, [mission.estimate, last]);
}

pub(crate) async fn leads_of_a_phone_are_one_call(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let phone = Phone::from_e164("+15551234567", Validity::Possible).unwrap();
    let ids = |leads: Vec<Lead>| leads.into_iter().map(|lead| lead.id).collect::<Vec<_>>();
    let found = ids(mission.acme.leads_of_phone(&phone).await.unwrap());
    assert_eq!(found, [mission.leads.solar, mission.leads.hvac, mission.leads.insurance]);
    // The other client has the same phone, and gets its own leads only.
    let theirs = ids(mission.other.leads_of_phone(&phone).await.unwrap());
    assert_eq!(theirs, leads_by(&mission.other, &LeadFilter::of_contact(mission.johnny)).await);
    let unknown = Phone::from_e164("+15551234568", Validity::Possible).unwrap();
    assert_eq!(mission.acme.leads_of_phone(&unknown).await.unwrap(), []);
}

pub(crate) async fn conversion_rates_by_source_are_one_call(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let today = Zone::UTC.day_of(mission.now);
    let rates = mission.acme.conversion_rates(today - Days::new(30), today).await.unwrap();
    let of = |source: &str, leads, converted| SourceRate { source: source.to_owned(), leads, converted };
    assert_eq!(rates, [of("facebook", 1, 0), of("google ads", 2, 1), of("leadco portal", 1, 0)]);
    let shares: Vec<_> = rates.iter().map(SourceRate::rate).collect();
    assert_eq!(shares, [Some(0.0), Some(0.5), Some(0.0)]);
}

pub(crate) async fn workspace_statistics_are_one_call(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    for (of, name, revenue) in
        [(&mission.acme, "Acme Home", "5000.00 USD"), (&mission.other, "Zenith Roofs", "1200.00 USD")]
    {
        assert_eq!(of.workspace().await.unwrap().unwrap().settings.name, name);
        let totals = of.totals().await.unwrap();
        assert_eq!((totals.conversions, totals.revenue.to_string().as_str()), (1, revenue));
        assert_eq!((totals.other_revenue, totals.last_activity_at), (vec![], Some(mission.now)));
    }
}

pub(crate) async fn contacts_with_several_leads_are_one_call(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let several = ContactFilter::with_several_leads();
    let found = mission.acme.contacts(&several, &PageRequest::default()).await.unwrap().items;
    let told: Vec<_> = found.iter().map(|contact| (contact.id, contact.leads)).collect();
    assert_eq!(told, [(mission.john, 3)]);
    let theirs = mission.other.contacts(&several, &PageRequest::default()).await.unwrap().items;
    let told: Vec<_> = theirs.iter().map(|contact| (contact.id, contact.leads)).collect();
    assert_eq!(told, [(mission.johnny, 2)]);
}
