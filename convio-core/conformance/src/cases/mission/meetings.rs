//! Appointments, and the conversions that they lead to.

use chrono::TimeDelta;
use convio_core::appointment::AppointmentFilter;
use convio_core::contact::ContactRef;
use convio_core::conversion::ConversionFilter;
use convio_core::{
    Appointment, AppointmentId, AppointmentStatus, Clock, Completion, ConversionType, NewConversion, Outcome,
    Party, Permission, Schedule, Stage, Target, Zone,
};
use serde_json::json;

use super::{appointment, appointments_by, contact, conversion, conversions_by, lead, play};
use crate::mission::Mission;
use crate::{Subject, lead_with, linked};

pub(crate) async fn appointments_are_consultations_and_meetings(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let consultation = appointment(&mission.acme, mission.consultation).await;
    assert_eq!(consultation.appointment_type.as_str(), "Solar Consultation");
    assert_eq!(consultation.schedule.minutes, 90);
    let estimate = appointment(&mission.acme, mission.estimate).await;
    assert_eq!(estimate.appointment_type.as_str(), "HVAC Estimate");
    assert_eq!(estimate.schedule.ends_at() - estimate.schedule.starts_at, TimeDelta::minutes(45));
    // A meeting may be moved: another one then stands in its place.
    let later = Schedule::at(mission.now + TimeDelta::days(4), &Zone::UTC);
    let moved = mission.acme.reschedule(mission.estimate, later, Party::Customer, None).await.unwrap();
    assert_eq!(moved.rescheduled_from, Some(mission.estimate));
    let old = appointment(&mission.acme, mission.estimate).await;
    assert_eq!((old.status, old.rescheduled_to), (AppointmentStatus::Rescheduled, Some(moved.id)));
    assert_eq!(
        (moved.appointment_type, moved.location, moved.staff),
        (old.appointment_type, old.location, old.staff)
    );
}

pub(crate) async fn the_solar_consultation_is_appointment_1(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let first = nth(&mission, 0).await;
    assert_eq!((first.id, first.lead), (mission.consultation, mission.leads.solar));
    assert_eq!(first.appointment_type.as_str(), "Solar Consultation");
}

pub(crate) async fn the_hvac_estimate_is_appointment_2(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let second = nth(&mission, 1).await;
    assert_eq!((second.id, second.lead), (mission.estimate, mission.leads.hvac));
    assert_eq!(second.appointment_type.as_str(), "HVAC Estimate");
}

pub(crate) async fn appointments_link_to_contacts_and_leads(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    for (id, of) in [(mission.consultation, mission.leads.solar), (mission.estimate, mission.leads.hvac)] {
        let row = appointment(&mission.acme, id).await;
        assert_eq!((row.lead, row.contact), (of, mission.john));
        assert_eq!(lead(&mission.acme, row.lead).await.contact, row.contact);
    }
}

pub(crate) async fn appointments_track_schedule_status_location_and_staff(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let estimate = appointment(&mission.acme, mission.estimate).await;
    let starts_at = mission.now + TimeDelta::days(3);
    assert_eq!((estimate.schedule.starts_at, estimate.schedule.minutes), (starts_at, 45));
    assert_eq!((estimate.schedule.zone.name(), estimate.schedule.wall), ("UTC", starts_at.naive_utc()));
    assert_eq!(estimate.status, AppointmentStatus::Booked);
    assert_eq!(estimate.location.as_deref(), Some("123 Main St, basement"));
    assert_eq!(estimate.staff.as_deref(), Some("bob"));
    let confirmed = mission.acme.confirm(mission.estimate).await.unwrap();
    assert_eq!(confirmed.status, AppointmentStatus::Confirmed);
    let given =
        mission.acme.assign(mission.estimate, Target::team("hvac-north"), Some("eva".into())).await.unwrap();
    assert_eq!(
        (given.staff.as_deref(), given.routing.target.as_ref()),
        (Some("eva"), Some(&Target::team("hvac-north")))
    );
    world.clock.advance(TimeDelta::days(3));
    let missed = mission.acme.no_show(mission.estimate, Party::Customer).await.unwrap();
    assert_eq!((missed.status, missed.ended.unwrap().at), (AppointmentStatus::NoShow, world.clock.now()));
    // The consultation was kept by Maria, in the time that was said.
    let consultation = appointment(&mission.acme, mission.consultation).await;
    assert_eq!(
        (consultation.status, consultation.staff.as_deref()),
        (AppointmentStatus::Completed, Some("maria"))
    );
    assert_eq!(consultation.schedule.starts_at, mission.now - TimeDelta::days(1));
    assert_eq!(consultation.booked_at, mission.now - TimeDelta::days(9));
}

pub(crate) async fn appointments_record_outcomes_and_next_steps(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let consultation = appointment(&mission.acme, mission.consultation).await;
    assert_eq!(consultation.outcome, Some(Outcome::Sold("5000 USD".parse().unwrap())));
    let next = consultation.next_step.unwrap();
    assert_eq!(
        (next.what.as_str(), next.at),
        ("install the panels", Some(mission.now + TimeDelta::days(14)))
    );
    assert_eq!(consultation.ended.unwrap().at, mission.now - TimeDelta::hours(22));
    world.clock.advance(TimeDelta::days(4));
    let undecided = Completion::from(Outcome::Undecided).next_step("send the quote", None);
    let done = mission.acme.complete(mission.estimate, undecided).await.unwrap();
    assert_eq!((done.appointment.outcome, done.conversion), (Some(Outcome::Undecided), None));
    let kept = appointment(&mission.acme, mission.estimate).await;
    assert_eq!(kept, done.appointment);
    assert_eq!(
        (kept.next_step.unwrap().what.as_str(), kept.ended.unwrap().at),
        ("send the quote", world.clock.now())
    );
}

pub(crate) async fn a_lead_can_have_many_appointments(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let mut expected = vec![mission.estimate];
    for day in 4..24 {
        let schedule = Schedule::at(mission.now + TimeDelta::days(day), &Zone::UTC);
        expected.push(mission.acme.book(mission.leads.hvac, schedule).await.unwrap().id);
    }
    let of_lead = AppointmentFilter::of_lead(mission.leads.hvac);
    assert_eq!(appointments_by(&mission.acme, &of_lead).await, expected);
    assert_eq!(lead(&mission.acme, mission.leads.hvac).await.progress.open_appointments, 21);
    // All of them for the same campaign of the same person.
    let of_contact = appointments_by(&mission.acme, &AppointmentFilter::of_contact(mission.john)).await;
    assert_eq!(of_contact.len(), 22);
}

pub(crate) async fn a_contact_can_have_many_appointments_across_leads(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let schedule = Schedule::at(mission.now + TimeDelta::days(5), &Zone::UTC);
    let third = mission.acme.book(mission.leads.insurance, schedule).await.unwrap().id;
    let of_contact = appointments_by(&mission.acme, &AppointmentFilter::of_contact(mission.john)).await;
    assert_eq!(of_contact, [mission.consultation, mission.estimate, third]);
    let mut leads = Vec::new();
    for id in of_contact {
        leads.push(appointment(&mission.acme, id).await.lead);
    }
    assert_eq!(leads, [mission.leads.solar, mission.leads.hvac, mission.leads.insurance]);
}

pub(crate) async fn several_appointments_lead_to_one_conversion(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let first = mission.acme.complete(mission.estimate, Outcome::Undecided).await.unwrap();
    assert_eq!((first.conversion, first.appointment.conversion), (None, None));
    let schedule = Schedule::at(mission.now, &Zone::UTC);
    let second = mission.acme.book(mission.leads.hvac, schedule).await.unwrap().id;
    let sold = mission.acme.complete(second, Outcome::Sold("800 USD".parse().unwrap())).await.unwrap();
    let sold = sold.conversion.unwrap();
    let of_lead = ConversionFilter::of_lead(mission.leads.hvac);
    assert_eq!(conversions_by(&mission.acme, &of_lead).await, [sold.id]);
    assert_eq!(sold.appointment, Some(second));
    let hvac = lead(&mission.acme, mission.leads.hvac).await.progress;
    assert_eq!((hvac.status.stage, hvac.conversion, hvac.open_appointments), (Stage::Won, Some(sold.id), 0));
    let both = appointments_by(&mission.acme, &AppointmentFilter::of_lead(mission.leads.hvac)).await;
    assert_eq!(both, [mission.estimate, second]);
}

pub(crate) async fn conversions_are_successful_sales_and_revenue(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    assert_eq!(conversions_by(&mission.acme, &ConversionFilter::default()).await, [mission.sale]);
    let solar = lead(&mission.acme, mission.leads.solar).await.progress;
    assert_eq!((solar.status.stage, solar.conversion), (Stage::Won, Some(mission.sale)));
    let totals = mission.acme.totals().await.unwrap();
    assert_eq!((totals.conversions, totals.revenue.to_string()), (1, "5000.00 USD".to_owned()));
    // One that was voided is no success: it stays readable, and counts nowhere.
    mission.acme.void(mission.sale, "cancelled").await.unwrap();
    assert!(!conversion(&mission.acme, mission.sale).await.stands());
    let mut standing = ConversionFilter::default();
    standing.standing = true;
    assert_eq!(conversions_by(&mission.acme, &standing).await, []);
    let totals = mission.acme.totals().await.unwrap();
    assert_eq!((totals.conversions, totals.revenue.minor()), (0, 0));
    assert_eq!(lead(&mission.acme, mission.leads.solar).await.progress.conversion, None);
}

pub(crate) async fn the_solar_sale_of_5000_dollars_is_conversion_1(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let of_john = conversions_by(&mission.acme, &ConversionFilter::of_contact(mission.john)).await;
    assert_eq!(of_john, [mission.sale]);
    let sale = conversion(&mission.acme, mission.sale).await;
    assert_eq!(
        (sale.conversion_type.as_str(), sale.value.to_string().as_str()),
        ("Solar Sale", "5000.00 USD")
    );
    assert_eq!(sale.appointment, Some(mission.consultation));
}

pub(crate) async fn conversions_track_when_contacts_become_customers(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let since = async |id| contact(&mission.acme, id).await.customer_since;
    let sold_at = conversion(&mission.acme, mission.sale).await.occurred_at;
    assert_eq!(sold_at, mission.now - TimeDelta::hours(22));
    assert_eq!((since(mission.john).await, since(mission.jane).await), (Some(sold_at), None));
    // The earliest sale that stands is the one.
    let earlier = mission.now - TimeDelta::days(8);
    let sale = NewConversion::sale(mission.leads.solar, "1 USD".parse().unwrap()).occurred_at(earlier);
    let earliest = mission.acme.convert(sale).await.unwrap();
    assert_eq!(since(mission.john).await, Some(earlier));
    mission.acme.void(earliest.id, "a mistake").await.unwrap();
    assert_eq!(since(mission.john).await, Some(sold_at));
    mission.acme.void(mission.sale, "cancelled").await.unwrap();
    assert_eq!(since(mission.john).await, None);
}

pub(crate) async fn conversions_link_back_to_contact_and_lead(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let sale = conversion(&mission.acme, mission.sale).await;
    assert_eq!((sale.contact, sale.lead), (mission.john, mission.leads.solar));
    assert_eq!(lead(&mission.acme, sale.lead).await.contact, sale.contact);
    // They originate in his first lead; the insurance one was the last before the sale.
    assert_eq!(
        (sale.first_touch.lead, sale.first_touch.source.as_str()),
        (mission.leads.solar, "Google Ads")
    );
    assert_eq!(
        (sale.last_touch.lead, sale.last_touch.source.as_str()),
        (mission.leads.insurance, "LeadCo Portal")
    );
    // One without an appointment links back too.
    let again = linked(mission.acme.ingest(lead_with(1, json!({}))).await);
    let direct = NewConversion::sale(again.lead, "7 USD".parse().unwrap());
    let direct = mission.acme.convert(direct).await.unwrap();
    assert_eq!((direct.contact, direct.lead, direct.appointment), (mission.jane, again.lead, None));
    let jane = mission.acme.contact(ContactRef::Id(direct.contact)).await.unwrap().unwrap();
    assert_eq!(jane.conversions, 1);
}

pub(crate) async fn conversions_record_value_type_and_metadata(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let sale = conversion(&mission.acme, mission.sale).await;
    assert_eq!((sale.value.minor(), sale.value.currency().code()), (500_000, "USD"));
    assert_eq!(sale.conversion_type, ConversionType::new("solar sale").unwrap());
    assert_eq!(serde_json::to_value(&sale.metadata).unwrap(), json!({"panels": 18, "financing": "loan"}));
    assert_eq!((sale.external_id.as_deref(), sale.sold_by.as_deref()), (Some("INV-1001"), Some("maria")));
    assert_eq!(sale.seconds_to_convert, (TimeDelta::days(10) - TimeDelta::hours(22)).num_seconds());
    // Who recorded it had the permission, and is named.
    let people = world.convio().authenticate(mission.tokens.crm.expose()).await.unwrap();
    let keys = mission.acme.api_keys().await.unwrap();
    let crm = keys.iter().find(|key| Some(key.id) == people.api_key_id()).unwrap();
    assert!(crm.settings.permissions.contains(&Permission::Convert));
    let recorded = super::history(&mission.acme, super::of_conversion(mission.sale)).await;
    assert_eq!(recorded[0].origin.actor, convio_core::Actor::api_key(crm.id));
}

/// The `n`-th appointment of John Doe, by when it starts.
async fn nth(mission: &Mission<'_>, n: usize) -> Appointment {
    let ids: Vec<AppointmentId> =
        appointments_by(&mission.acme, &AppointmentFilter::of_contact(mission.john)).await;
    let mut rows = Vec::new();
    for id in ids {
        rows.push(appointment(&mission.acme, id).await);
    }
    rows.sort_by_key(|row| row.schedule.starts_at);
    rows.swap_remove(n)
}
