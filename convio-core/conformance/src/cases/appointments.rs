use convio_core::appointment::AppointmentFilter;
use convio_core::contact::ContactRef;
use convio_core::event::Position;
use convio_core::{
    AppointmentId, AppointmentStatus, Clock, Cube, ErrorKind, LeadId, Measure, Outcome, PageRequest,
    ReportQuery, Rule, Schedule, Stage, Target, Version, WorkspaceHandle,
};
use serde_json::json;
use uuid::Uuid;

use crate::{Snapshot, Subject, World, check_invariants, codes, created, lead, lead_with};

pub(crate) async fn a_visit_is_booked_routed_and_explained(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    publish(&acme).await;
    let accepted = created(acme.ingest(lead_with(1, json!({"product": "solar", "zip": "90210-1234"}))).await);
    let visit = acme.book(accepted.lead, schedule().minutes(45)).await.unwrap();
    assert_eq!((visit.lead, visit.contact, visit.workspace), (accepted.lead, accepted.contact, acme.id()));
    assert_eq!(visit.schedule.starts_at.to_rfc3339(), "2027-03-02T18:00:00+00:00");
    assert_eq!(
        (visit.schedule.wall.to_string().as_str(), visit.schedule.minutes),
        ("2027-03-02 10:00:00", 45)
    );
    assert_eq!((visit.status, visit.outcome, visit.conversion), (AppointmentStatus::Booked, None, None));
    assert_eq!((visit.created_at, visit.version), (world.clock.now(), Version(1)));
    assert_eq!(visit.routing.target, Some(Target::team("solar-west")));
    let explained = "rule `west` of rules version 1 routes to team `solar-west`; before it, `off` failed at active, \
                     `roof` failed at products";
    assert_eq!(visit.routing.explain(), explained);
    let lead = acme.lead(accepted.lead).await.unwrap().unwrap();
    assert_eq!((lead.progress.status.stage, lead.version), (Stage::Scheduled, Version(2)));
    let listed =
        acme.appointments(&AppointmentFilter::of_lead(accepted.lead), &PageRequest::default()).await.unwrap();
    assert_eq!(listed.items, [visit]);
}

pub(crate) async fn what_no_rule_matches_is_booked_unrouted(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let before_rules = created(acme.ingest(lead(1)).await);
    let visit = acme.book(before_rules.lead, schedule()).await.unwrap();
    assert_eq!((visit.routing.target.as_ref(), visit.routing.rules_version), (None, Version(0)));
    publish(&acme).await;
    let astray = created(acme.ingest(lead_with(2, json!({"product": "Windows", "zip": "10001"}))).await);
    let visit = acme.book(astray.lead, schedule()).await.unwrap();
    assert_eq!(visit.routing.target, None);
    let explained = "no rule of rules version 1 matches: unrouted; before it, `off` failed at active, \
                     `roof` failed at products, `west` failed at products";
    assert_eq!(visit.routing.explain(), explained);
    let stored = world.store().fetch_appointments(acme.id(), &[visit.id]).await.unwrap();
    assert_eq!(stored, [Some(visit)]);
    let rows = acme.report(&ReportQuery::all(Cube::Appointments)).await.unwrap();
    let unrouted = rows.iter().find(|row| row.dims[0].is_empty()).unwrap();
    assert_eq!(unrouted.get(Measure::Routed), 2);
}

pub(crate) async fn new_rules_hold_for_what_is_booked_after_them(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let everyone = |team: &str| Rule::to(Target::team(team)).any_product().any_zip();
    let accepted = created(acme.ingest(lead(1)).await);
    let mut targets = Vec::new();
    for team in ["one", "two"] {
        let rules = world.elsewhere(&acme).publish_rules([everyone(team)]).await.unwrap();
        let visit = acme.book(accepted.lead, schedule()).await.unwrap();
        assert_eq!(visit.routing.rules_version, rules.version);
        targets.push(visit.routing.target.unwrap());
    }
    assert_eq!(targets, [Target::team("one"), Target::team("two")]);
    // What was booked before stays where it was routed.
    let listed =
        acme.appointments(&AppointmentFilter::default(), &PageRequest::default()).await.unwrap().items;
    let kept: Vec<_> = listed.into_iter().map(|visit| visit.routing.target.unwrap()).collect();
    assert_eq!(kept, targets);
}

pub(crate) async fn rules_that_say_nothing_are_refused_by_name(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let rules =
        [Rule::to(Target::team("a")).any_zip(), Rule::to(Target::team("b")).products(["x"]).named("b")];
    let error = acme.publish_rules(rules).await.unwrap_err();
    assert_eq!(
        (error.kind(), codes(error.reasons())),
        (ErrorKind::Invalid, vec!["products/empty".into(), "zips/empty".into()])
    );
    assert_eq!(acme.rules().await.unwrap().version, Version(0));
    assert_eq!(acme.feed(Position(2), 10).await.unwrap(), []);
}

pub(crate) async fn a_visit_sold_is_its_conversion_in_one_commit(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    publish(&acme).await;
    let raw = lead_with(1, json!({"product": "Solar", "zip": "90211", "source": "Google Ads"}));
    let accepted = created(acme.ingest(raw).await);
    let visit = acme.book(accepted.lead, schedule()).await.unwrap();
    let head = world.store().head(acme.id()).await.unwrap().unwrap();
    let done = acme.complete(visit.id, Outcome::Sold("5000.01 USD".parse().unwrap())).await.unwrap();
    let sold = done.conversion.unwrap();
    assert_eq!(
        (done.appointment.status, done.appointment.conversion),
        (AppointmentStatus::Completed, Some(sold.id))
    );
    assert_eq!(
        (sold.appointment, sold.lead, sold.contact),
        (Some(visit.id), accepted.lead, accepted.contact)
    );
    assert_eq!((sold.value.minor(), sold.first_touch.source.as_str()), (500_001, "Google Ads"));

    let lead = acme.lead(accepted.lead).await.unwrap().unwrap();
    assert_eq!((lead.progress.status.stage, lead.progress.conversion), (Stage::Won, Some(sold.id)));
    let contact = acme.contact(ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!((contact.conversions, contact.customer_since), (1, Some(world.clock.now())));
    assert_eq!(contact.lifetime.iter().map(|sum| sum.to_string()).collect::<Vec<_>>(), ["5000.01 USD"]);
    let kinds: Vec<_> =
        acme.feed(head.feed, 10).await.unwrap().iter().map(|event| event.body.kind()).collect();
    assert_eq!(kinds, ["appointment.completed", "conversion.recorded"]);
    let rows = acme.report(&ReportQuery::all(Cube::Appointments)).await.unwrap();
    assert_eq!(rows[0].dims[0], "team `solar-west`");
    let counted = [Measure::Routed, Measure::Completed, Measure::Sold].map(|measure| rows[0].get(measure));
    assert_eq!(counted, [1, 1, 1]);
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
}

pub(crate) async fn a_visit_not_sold_makes_no_conversion(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let visit = acme.book(accepted.lead, schedule()).await.unwrap();
    let done = acme.complete(visit.id, Outcome::NotSold).await.unwrap();
    assert_eq!((done.appointment.outcome, done.conversion), (Some(Outcome::NotSold), None));
    let lead = acme.lead(accepted.lead).await.unwrap().unwrap().progress;
    assert_eq!((lead.status.stage, lead.reason.as_deref()), (Stage::Lost, Some("not sold")));
    let contact = acme.contact(ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!((contact.conversions, contact.customer_since, contact.version), (0, None, Version(1)));
}

pub(crate) async fn completing_twice_is_a_conflict(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let visit = acme.book(accepted.lead, schedule()).await.unwrap();
    let sold = Outcome::Sold("5 USD".parse().unwrap());
    acme.complete(visit.id, sold).await.unwrap();
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    for (handle, outcome) in [(&acme, sold), (&world.elsewhere(&acme), Outcome::NotSold)] {
        assert_eq!(handle.complete(visit.id, outcome).await.unwrap_err().kind(), ErrorKind::Conflict);
    }
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
}

pub(crate) async fn what_does_not_exist_is_neither_booked_nor_completed(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let other = world.acme().await;
    let theirs = created(other.ingest(lead(1)).await);
    let visit = other.book(theirs.lead, schedule()).await.unwrap();
    for lead in [LeadId::from_uuid(Uuid::from_u128(7)), theirs.lead] {
        assert_eq!(acme.book(lead, schedule()).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    for id in [AppointmentId::from_uuid(Uuid::from_u128(7)), visit.id] {
        assert_eq!(acme.complete(id, Outcome::NotSold).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    let error = other.book(theirs.lead, schedule().minutes(0)).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["minutes/out_of_range"]);
    assert_eq!(acme.feed(Position(2), 10).await.unwrap(), []);
}

pub(crate) async fn a_lead_has_as_many_visits_as_are_booked(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let first = acme.book(accepted.lead, schedule()).await.unwrap();
    let second = acme.book(accepted.lead, schedule()).await.unwrap();
    assert_ne!(first.id, second.id);
    acme.complete(first.id, Outcome::Sold("5 USD".parse().unwrap())).await.unwrap();
    // A lead that was sold stays sold.
    acme.book(accepted.lead, schedule()).await.unwrap();
    assert_eq!(acme.lead(accepted.lead).await.unwrap().unwrap().progress.status.stage, Stage::Won);
    let of_contact = AppointmentFilter::of_contact(accepted.contact);
    assert_eq!(acme.appointments(&of_contact, &PageRequest::default()).await.unwrap().items.len(), 3);
}

async fn publish(acme: &WorkspaceHandle<'_>) {
    acme.publish_rules([
        Rule::to(Target::team("solar-west"))
            .named("west")
            .products(["Solar"])
            .zips(["90210", "90211"])
            .priority(5),
        Rule::to(Target::person("roofer")).named("roof").products(["Roof"]).any_zip().priority(1),
        Rule::to(Target::team("nobody")).named("off").any_product().any_zip().priority(-1).inactive(),
    ])
    .await
    .unwrap();
}

fn schedule() -> Schedule {
    Schedule::local("2027-03-02T10:00", "America/Los_Angeles").unwrap()
}
