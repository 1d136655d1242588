use chrono::TimeDelta;
use convio_core::event::EventBody;
use convio_core::routing::How;
use convio_core::service::{Atomicity, Received};
use convio_core::{
    Appointment, AppointmentStatus, AppointmentType, Clock, Corrections, Cube, ErrorKind, Ingested, Measure,
    NewAppointment, NewWebhook, Outcome, Party, RawLead, RejectionState, RepeatAction, ReportQuery, Rule,
    Stage, Target, Version, WorkspaceHandle,
};
use serde_json::json;

use super::lead_work::{contact, in_order, row, schedule};
use crate::{Subject, World, codes, created, duplicate, lead, lead_with, linked, phone, rejected, replayed};

pub(crate) async fn a_visit_and_its_customer_are_one_commit(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    rules(&acme).await;
    let head = acme.head().await.unwrap().unwrap();
    let new = lasting(30).of_type(AppointmentType::new("HVAC Estimate").unwrap()).location("12 Main St");
    let raw = lead_with(1, json!({"product": "HVAC", "zip": "02134", "source": "Yelp"}));
    let Received { taken, appointment } = acme.receive(raw, new).await.unwrap();
    let accepted = created(Ok(taken));
    let visit = appointment.unwrap();
    assert_eq!((accepted.appointment, visit.id.uuid()), (Some(visit.id), accepted.lead.uuid()));
    assert_eq!((visit.lead, visit.contact), (accepted.lead, accepted.contact));
    assert_eq!(
        (visit.appointment_type.as_str(), visit.location.as_deref()),
        ("HVAC Estimate", Some("12 Main St"))
    );
    assert_eq!(
        (visit.schedule.minutes, visit.status, visit.version),
        (30, AppointmentStatus::Booked, Version(1))
    );
    assert_eq!((visit.routing.how, visit.routing.target.clone()), (How::Rule, Some(Target::team("hvac"))));
    assert_eq!(acme.appointment(visit.id).await.unwrap(), Some(visit.clone()));
    let lead = row(&acme, accepted.lead).await;
    assert_eq!((lead.progress.status.stage, lead.progress.open_appointments), (Stage::Scheduled, 1));
    assert_eq!((lead.version, contact(&acme, lead.contact).await.leads), (Version(1), 1));
    // Two events, and nothing else: the lead with its contact, and the visit that mentions both.
    let events = world.elsewhere(&acme).feed(head.feed, 10).await.unwrap();
    assert_eq!(
        events.iter().map(|event| event.body.kind()).collect::<Vec<_>>(),
        ["lead.received", "appointment.booked"]
    );
    assert_eq!(acme.head().await.unwrap().unwrap().feed.0, head.feed.0 + 2);
    assert_eq!((events[1].contact_id(), events[1].lead_id()), (Some(lead.contact), Some(lead.id)));
    assert_eq!((events[1].contact_version(), events[1].lead_version()), (None, None));
    // From here on it is a visit like any other.
    let sold = acme.complete(&visit, Outcome::Sold("5000 USD".parse().unwrap())).await.unwrap();
    assert_eq!(sold.conversion.unwrap().lead, lead.id);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_customer_who_is_known_keeps_their_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let known = created(acme.ingest(lead(1)).await);
    let head = acme.head().await.unwrap().unwrap();
    let Received { taken, appointment } = acme.receive(lead(1), visit()).await.unwrap();
    let second = linked(Ok(taken));
    let visit = appointment.unwrap();
    assert_eq!((second.contact, visit.contact, visit.lead), (known.contact, known.contact, second.lead));
    assert_eq!(world.elsewhere(&acme).appointment(visit.id).await.unwrap(), Some(visit.clone()));
    let of_contact = convio_core::appointment::AppointmentFilter::of_contact(known.contact);
    assert_eq!(acme.appointments(&of_contact, &Default::default()).await.unwrap().items, [visit]);
    let events = acme.feed(head.feed, 10).await.unwrap();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.contact_id() == Some(known.contact)));
    assert_eq!(contact(&acme, known.contact).await.leads, 2);
    assert_eq!(
        row(&acme, known.lead).await.progress.status.stage,
        Stage::New,
        "the visit is not of this lead"
    );
    in_order(&world, &acme).await;
}

pub(crate) async fn what_comes_from_outside_is_routed_or_kept_unrouted(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    rules(&acme).await;
    for (n, product, new, how, target) in [
        (1, "HVAC", visit(), How::Rule, Some(Target::team("hvac"))),
        (2, "Solar", visit(), How::Unrouted, None),
        (3, "HVAC", visit().direct(Target::person("omar")), How::Direct, Some(Target::person("omar"))),
    ] {
        let raw = lead_with(n, json!({"product": product, "zip": "02134"}));
        let visit = acme.receive(raw, new).await.unwrap().appointment.unwrap();
        assert_eq!((visit.routing.how, visit.routing.target), (how, target));
    }
    let mut unrouted = convio_core::appointment::AppointmentFilter::default();
    unrouted.unrouted = true;
    assert_eq!(acme.appointments(&unrouted, &Default::default()).await.unwrap().items.len(), 1);
    // Rules published elsewhere hold for the very next one.
    let all = Rule::to(Target::team("all")).any_product().any_zip();
    world.elsewhere(&acme).publish_rules([all]).await.unwrap();
    let visit = acme.receive(lead(4), visit()).await.unwrap().appointment.unwrap();
    assert_eq!(visit.routing.target, Some(Target::team("all")));
    in_order(&world, &acme).await;
}

pub(crate) async fn the_same_call_again_is_answered_with_the_same_visit(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let calls: [(RawLead, NewAppointment); 3] = [
        (lead(1).idempotency_key("a"), visit()),
        (lead(2).external_id("x"), visit()),
        (lead(3), visit().external_id("cal-3")), // the visit's own id alone is enough
    ];
    for (raw, new) in calls {
        let first = acme.receive(raw.clone(), new.clone()).await.unwrap();
        let before = in_order(&world, &acme).await;
        for handle in [&acme, &world.elsewhere(&acme)] {
            let again = handle.receive(raw.clone(), new.clone()).await.unwrap();
            assert_eq!(replayed(Ok(again.taken)), first.taken);
            assert_eq!(again.appointment, first.appointment);
            let alone = replayed(handle.ingest(raw.clone().appointment(new.clone())).await);
            assert_eq!(alone, first.taken);
        }
        assert_eq!(before.difference(&in_order(&world, &acme).await), None, "a replay changed something");
        // Whatever became of it, it is the same visit.
        let off = acme.cancel(first.appointment.unwrap().id, Party::Customer, None).await.unwrap();
        assert_eq!(acme.receive(raw, new).await.unwrap().appointment, Some(off));
    }
}

pub(crate) async fn one_key_with_another_visit_is_a_conflict(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let raw = || lead(1).idempotency_key("a").external_id("x");
    acme.receive(raw(), visit()).await.unwrap();
    acme.ingest(lead(2).idempotency_key("b")).await.unwrap().accepted().unwrap();
    let before = in_order(&world, &acme).await;
    let other = || lasting(30);
    for (raw, new, field) in [
        (raw(), Some(other()), "idempotency_key/reused"),
        (raw(), Some(visit().location("12 Main St")), "idempotency_key/reused"),
        (raw(), None, "idempotency_key/reused"),
        (lead(1).external_id("x"), Some(other()), "external_id/reused"),
        (lead(1).external_id("x"), None, "external_id/reused"),
        (lead(2).idempotency_key("b"), Some(visit()), "idempotency_key/reused"),
    ] {
        let error = match new {
            Some(new) => acme.receive(raw, new).await.unwrap_err(),
            None => acme.ingest(raw).await.unwrap_err(),
        };
        assert_eq!((error.kind(), codes(error.reasons())), (ErrorKind::Conflict, vec![field.to_owned()]));
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
}

pub(crate) async fn an_external_id_is_one_for_visits_that_are_booked_and_received(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    let ours = created(acme.ingest(lead(1)).await).lead;
    acme.book(ours, visit().external_id("cal-1")).await.unwrap();
    acme.receive(lead(2), visit().external_id("cal-2")).await.unwrap();
    let before = in_order(&world, &acme).await;
    // Of the whole workspace, whatever webhook they come through; nothing of the lead is stored either.
    for (raw, id) in
        [(lead(1), "cal-1"), (lead(3).webhook("google"), "cal-1"), (lead(3).webhook("google"), "cal-2")]
    {
        let error = acme.receive(raw, visit().external_id(id)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(codes(error.reasons()), ["appointment.external_id/reused"]);
    }
    let error = acme.book(ours, visit().external_id("cal-2")).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["external_id/reused"]);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    // An id of a visit is none of a lead, nor of a sale, nor of another workspace.
    created(acme.ingest(lead(4).external_id("cal-1")).await);
    let sale = convio_core::NewConversion::sale(ours, "5 USD".parse().unwrap()).external_id("cal-1");
    acme.convert(sale).await.unwrap();
    created(world.acme().await.receive(lead(1), visit().external_id("cal-1")).await.map(|one| one.taken));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_rejected_lead_keeps_its_visit_and_a_release_books_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    rules(&acme).await;
    let new = lasting(30).location("12 Main St").external_id("cal-1");
    let raw = lead_with(1, json!({"phone": "12", "product": "HVAC", "zip": "02134"})).idempotency_key("a");
    let Received { taken, appointment } = acme.receive(raw.clone(), new.clone()).await.unwrap();
    let refused = rejected(Ok(taken));
    assert_eq!(appointment, None);
    let kept = world.elsewhere(&acme).rejection(refused.id).await.unwrap().unwrap();
    assert_eq!(kept.appointment, Some(new.clone()));
    assert!(!format!("{kept:?}").contains("Main St"));
    let snapshot = in_order(&world, &acme).await;
    assert_eq!((snapshot.leads.len(), snapshot.appointments.len()), (0, 0));
    let EventBody::LeadRejected(told) = &snapshot.feed.last().unwrap().body else {
        panic!("{:?}", snapshot.feed)
    };
    assert_eq!(told.appointment, Some(new.clone()));
    let again = acme.receive(raw.clone(), new.clone()).await.unwrap();
    assert_eq!((replayed(Ok(again.taken)), again.appointment), (Ingested::Rejected(refused.clone()), None));
    // Released while it can't be taken, nothing is booked.
    assert!(matches!(acme.release(refused.id).await.unwrap(), Ingested::Rejected(_)));

    world.clock.advance(TimeDelta::days(1));
    acme.correct(refused.id, Corrections::default().set("phone", phone(1))).await.unwrap();
    let head = acme.head().await.unwrap().unwrap();
    let accepted = created(acme.release(refused.id).await);
    let events = acme.feed(head.feed, 10).await.unwrap();
    let mut kinds: Vec<_> = events.iter().map(|event| event.body.kind()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["appointment.booked", "lead.received", "rejection.released"]);
    let visit = acme.appointment(accepted.appointment.unwrap()).await.unwrap().unwrap();
    assert_eq!(
        (visit.lead, visit.contact, visit.booked_at),
        (accepted.lead, accepted.contact, world.clock.now())
    );
    assert_eq!((visit.location.as_deref(), visit.schedule.minutes), (Some("12 Main St"), 30));
    assert_eq!(visit.routing.target, Some(Target::team("hvac")));
    assert_eq!(acme.rejection(refused.id).await.unwrap().unwrap().state, RejectionState::Released);
    // From now on the call, and the visit's own id, mean this one.
    let again = acme.receive(raw, new.clone()).await.unwrap();
    assert_eq!((replayed(Ok(again.taken)), again.appointment), (Ingested::Created(accepted), Some(visit)));
    let error = acme.receive(lead(9), new).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["appointment.external_id/reused"]);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visit_of_a_repeat_waits_with_its_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let strict = NewWebhook::named("strict").with(|settings| settings.repeat.action = RepeatAction::Reject);
    acme.create_webhook(strict).await.unwrap();
    let first = created(acme.ingest(lead(1).webhook("strict")).await);
    let Received { taken, appointment } = acme.receive(lead(1).webhook("strict"), visit()).await.unwrap();
    let refused = duplicate(Ok(taken));
    assert_eq!((refused.duplicate_of, appointment), (Some(first.lead), None));
    assert_eq!(duplicate(acme.release(refused.id).await).duplicate_of, Some(first.lead));
    assert_eq!(in_order(&world, &acme).await.appointments, []);
    let mut settings = acme.webhook("strict").await.unwrap().unwrap().settings;
    settings.repeat.action = RepeatAction::Flag;
    acme.configure_webhook("strict", settings).await.unwrap();
    let released = linked(acme.release(refused.id).await);
    assert_eq!((released.duplicate_of, released.contact), (Some(first.lead), first.contact));
    let visit = acme.appointment(released.appointment.unwrap()).await.unwrap().unwrap();
    assert_eq!((visit.lead, visit.contact), (released.lead, first.contact));
    in_order(&world, &acme).await;
}

pub(crate) async fn wrong_fields_of_a_received_visit_are_all_named_and_nothing_is_stored(
    subject: &dyn Subject,
) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let before = in_order(&world, &acme).await;
    let wrong = lasting(0).location(" ").staff("x".repeat(8 * 1024 + 1)).external_id("x".repeat(256));
    let named = [
        "appointment.minutes/out_of_range",
        "appointment.location/invalid",
        "appointment.staff/invalid",
        "appointment.external_id/invalid",
    ];
    // Also of a lead that would be rejected, and beside what else is wrong with the call.
    for raw in [lead(1), RawLead::json("broken")] {
        let error = acme.receive(raw.clone(), wrong.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(codes(error.reasons()), named);
        let error = acme.receive(raw.idempotency_key(" "), wrong.clone()).await.unwrap_err();
        assert_eq!(codes(error.reasons()), [&named[..], &["idempotency_key/invalid"]].concat());
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
}

pub(crate) async fn rows_of_a_batch_bring_their_visits(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for (round, atomicity) in [Atomicity::PerRow, Atomicity::AllOrNothing].into_iter().enumerate() {
        let n = 10 * round as u32;
        let id = |name: &str| format!("{name}-{round}");
        let rows = vec![
            lead(n).appointment(visit().external_id(id("a"))),
            lead(n), // the contact of the row before, without a visit
            lead(n + 1).appointment(visit().location("12 Main St")),
            lead(n).appointment(visit().direct(Target::team("west"))),
        ];
        let batch = acme.ingest_batch(rows, atomicity).await.unwrap();
        assert!(batch.applied);
        let accepted: Vec<_> =
            batch.rows.iter().map(|row| row.as_ref().unwrap().accepted().unwrap()).collect();
        let booked: Vec<_> = accepted.iter().map(|accepted| accepted.appointment.is_some()).collect();
        assert_eq!(booked, [true, false, true, true]);
        for accepted in &accepted {
            let Some(id) = accepted.appointment else { continue };
            let visit: Appointment = acme.appointment(id).await.unwrap().unwrap();
            assert_eq!((visit.lead, visit.contact), (accepted.lead, accepted.contact));
        }
        assert_eq!(accepted[3].contact, accepted[0].contact);
        assert_eq!(contact(&acme, accepted[0].contact).await.leads, 3);
    }
    // Two visits of one name: the second row is kept out, and with it all of a batch that is one.
    let rows = || {
        let named = |n: u32| lead(n).appointment(visit().external_id("twice"));
        vec![named(50), lead(51), named(52)]
    };
    let before = in_order(&world, &acme).await;
    let batch = acme.ingest_batch(rows(), Atomicity::AllOrNothing).await.unwrap();
    assert!(!batch.applied);
    let error = batch.rows[2].as_ref().unwrap_err();
    assert_eq!(codes(error.reasons()), ["appointment.external_id/reused"]);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    let batch = acme.ingest_batch(rows(), Atomicity::PerRow).await.unwrap();
    let error = batch.rows[2].as_ref().unwrap_err();
    assert_eq!(codes(error.reasons()), ["appointment.external_id/reused"]);
    assert!(batch.rows[..2].iter().all(Result::is_ok));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_received_visit_counts_with_its_lead_on_its_own_day(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let now = world.clock.now();
    let raw = lead(1).received_at(now - TimeDelta::days(3));
    acme.receive(raw, visit().booked_at(now - TimeDelta::days(1))).await.unwrap();
    acme.receive(lead(2).test(), visit()).await.unwrap();
    acme.receive(lead(3), visit().booked_at(now + TimeDelta::days(1))).await.unwrap();
    let days = acme.daily_leads("2027-02-01".parse().unwrap(), "2027-04-01".parse().unwrap()).await.unwrap();
    let told: Vec<_> = days.iter().map(|row| (row.day.to_string(), row.leads, row.booked)).collect();
    let expected = [("2027-02-26", 1, 0), ("2027-02-28", 0, 1), ("2027-03-01", 1, 1)];
    assert_eq!(told, expected.map(|(day, leads, booked)| (day.to_owned(), leads, booked)));
    for (day, scheduled) in [("2027-02-26", 0), ("2027-02-28", 1), ("2027-03-01", 1)] {
        let day = day.parse().unwrap();
        assert_eq!(acme.funnel(None, day, day).await.unwrap().scheduled, scheduled, "{day}");
    }
    let rows = acme.report(&ReportQuery::all(Cube::Appointments)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(Measure::Routed)).collect::<Vec<_>>(), [1, 1]);
    in_order(&world, &acme).await;
}

async fn rules(acme: &WorkspaceHandle<'_>) {
    let rule = Rule::to(Target::team("hvac")).named("east").products(["HVAC"]).zips(["02134"]);
    acme.publish_rules([rule]).await.unwrap();
}

fn visit() -> NewAppointment {
    NewAppointment::at(schedule())
}

fn lasting(minutes: u32) -> NewAppointment {
    NewAppointment::at(schedule().minutes(minutes))
}
