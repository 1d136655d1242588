use chrono::{DateTime, TimeDelta, Utc};
use convio_core::appointment::{AppointmentFilter, NextStep};
use convio_core::event::{EventBody, StreamRef, Subject as About};
use convio_core::routing::{How, RoutingRequest};
use convio_core::zone::Shift;
use convio_core::{
    Appointment, AppointmentStatus, AppointmentType, Clock, Completion, Cube, Error, ErrorKind, Measure,
    NewAppointment, Outcome, PageRequest, Party, PostalCode, Product, ReportQuery, Rule, Schedule, Stage,
    Target, Version, WorkspaceHandle,
};
use serde_json::json;

use super::lead_work::{in_order, row, schedule};
use crate::{Subject, World, codes, created, lead, lead_with};

pub(crate) async fn a_visit_keeps_all_that_was_said_of_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let new = NewAppointment::at(schedule().minutes(1_500))
        .of_type(AppointmentType::new("Solar  Consultation").unwrap())
        .location("12 Main St \u{1F3E0}\nback door")
        .direct(Target::team("west"))
        .staff("maria")
        .external_id("cal-1");
    let visit = acme.book(id, new).await.unwrap();
    assert_eq!(visit.appointment_type.key(), "solar consultation");
    assert_eq!((visit.schedule.minutes, visit.schedule.ends_at()), (1_500, at("2027-03-11T19:00:00Z")));
    assert_eq!(visit.location.as_deref(), Some("12 Main St \u{1F3E0}\nback door"));
    assert_eq!((visit.staff.as_deref(), visit.external_id.as_deref()), (Some("maria"), Some("cal-1")));
    assert_eq!((visit.booked_at, visit.version), (world.clock.now(), Version(1)));
    let read = world.elsewhere(&acme).appointment(visit.id).await.unwrap();
    assert_eq!(read.as_ref(), Some(&visit));
    // Where no one is named, a person who is the target keeps it; of a team no one does.
    let person = NewAppointment::at(schedule()).direct(Target::person("omar"));
    assert_eq!(acme.book(id, person.clone()).await.unwrap().staff.as_deref(), Some("omar"));
    assert_eq!(acme.book(id, person.staff("eve")).await.unwrap().staff.as_deref(), Some("eve"));
    let team = NewAppointment::at(schedule()).direct(Target::team("west"));
    assert_eq!(acme.book(id, team).await.unwrap().staff, None);
    let plain = acme.book(id, schedule()).await.unwrap();
    assert_eq!((plain.appointment_type, plain.location), (AppointmentType::standard(), None));
    let shown = format!("{visit:?} {:?}", in_order(&world, &acme).await);
    assert!(!shown.contains("Main St"), "a place stands in what is logged");
}

pub(crate) async fn each_way_of_routing_explains_itself(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let solar = created(acme.ingest(lead_with(1, json!({"product": "solar", "zip": "02134"}))).await).lead;
    let roof = created(acme.ingest(lead_with(2, json!({"product": "Roof"}))).await).lead;
    let told = |visit: &Appointment| (visit.routing.how, visit.routing.explain());
    let expect = |how, text: &str| (how, text.to_owned());
    let unrouted = acme.book(solar, schedule()).await.unwrap();
    assert_eq!(told(&unrouted), expect(How::Unrouted, "no rule of rules version 0 matches: unrouted"));
    let rule = Rule::to(Target::person("maria")).named("east").products(["Solar"]).zips(["02134"]);
    acme.publish_rules([rule]).await.unwrap();
    let by_rule = acme.book(solar, schedule()).await.unwrap();
    let routes = "rule `east` of rules version 1 routes to person `maria`";
    assert_eq!(told(&by_rule), expect(How::Rule, routes));
    let astray = acme.book(roof, schedule()).await.unwrap();
    let said = "no rule of rules version 1 matches: unrouted; before it, `east` failed at products";
    assert_eq!(told(&astray), expect(How::Unrouted, said));
    let direct = NewAppointment::at(schedule()).direct(Target::team("west"));
    let direct = acme.book(solar, direct).await.unwrap();
    assert_eq!(told(&direct), expect(How::Direct, "booked directly with team `west`"));
    assert_eq!((direct.routing.rule.as_ref(), direct.routing.rules_version), (None, Version(0)));
    let by_hand = acme.assign(by_rule.id, Target::team("west"), None).await.unwrap();
    assert_eq!(told(&by_hand), expect(How::Hand, "assigned by hand to team `west`"));
    // What would happen is told without a visit, and without a trace.
    let head = acme.head().await.unwrap();
    let request = RoutingRequest {
        product: Product::new("SOLAR").ok(),
        postal_code: PostalCode::parse("02134-0001").ok(),
        ..Default::default()
    };
    let decided = world.elsewhere(&acme).explain(&request).await.unwrap();
    assert_eq!((decided.explain().as_str(), acme.head().await.unwrap()), (routes, head));
    in_order(&world, &acme).await;
}

pub(crate) async fn an_unrouted_visit_is_listed_until_someone_gets_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let visits = [acme.book(id, schedule()).await.unwrap(), acme.book(id, schedule()).await.unwrap()];
    acme.book(id, NewAppointment::at(schedule()).direct(Target::team("west"))).await.unwrap();
    let mut filter = AppointmentFilter::default();
    filter.unrouted = true;
    let listed = async || list(&world.elsewhere(&acme), &filter).await;
    assert_eq!(listed().await, visits.each_ref().map(|visit| visit.clone()));
    let assigned = acme.assign(visits[0].id, Target::person("omar"), None).await.unwrap();
    assert_eq!((assigned.staff.as_deref(), assigned.version), (Some("omar"), Version(2)));
    assert_eq!(listed().await, [visits[1].clone()]);
    // From hand to hand; a visit that went to someone goes to no one never again.
    let again = acme.assign(&assigned, Target::team("west"), Some("eve".into())).await.unwrap();
    assert_eq!(
        (again.routing.target.clone(), again.staff.as_deref()),
        (Some(Target::team("west")), Some("eve"))
    );
    let error = acme.assign(again.id, Target::team("west"), Some(" ".into())).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["staff/invalid"]);
    let kinds = history(&acme, again.id).await;
    assert_eq!(kinds, ["appointment.booked", "appointment.assigned", "appointment.assigned"]);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_time_that_clocks_skip_or_show_twice_is_recorded_as_such(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    for (wall, instant, shown, shifted) in [
        ("2027-03-14T01:59", "2027-03-14T06:59:00Z", "2027-03-14 01:59:00", None),
        ("2027-03-14T02:30", "2027-03-14T07:30:00Z", "2027-03-14 03:30:00", Some(Shift::Gap)),
        ("2027-03-14T03:00", "2027-03-14T07:00:00Z", "2027-03-14 03:00:00", None),
        ("2027-11-07T01:30", "2027-11-07T05:30:00Z", "2027-11-07 01:30:00", Some(Shift::Fold)),
        ("2027-11-07T02:00", "2027-11-07T07:00:00Z", "2027-11-07 02:00:00", None),
    ] {
        let visit = acme.book(id, Schedule::local(wall, "America/New_York").unwrap()).await.unwrap();
        let read = acme.appointment(visit.id).await.unwrap().unwrap();
        assert_eq!(read.schedule.starts_at, at(instant), "{wall}");
        assert_eq!((read.schedule.wall.to_string().as_str(), read.schedule.shifted), (shown, shifted));
        assert_eq!(read.schedule.zone.name(), "America/New_York");
        let stream = StreamRef::Subject(About::Appointment(visit.id));
        let events = acme.history(stream, &PageRequest::default()).await.unwrap().items;
        let EventBody::AppointmentBooked(booked) = &events[0].body else { panic!("{events:?}") };
        assert_eq!(booked.schedule, visit.schedule);
    }
    // An instant is what it is: the second half past one of that morning.
    let zone = convio_core::Zone::parse("America/New_York").unwrap();
    let second = acme.book(id, Schedule::at(at("2027-11-07T06:30:00Z"), &zone)).await.unwrap();
    assert_eq!(
        (second.schedule.wall.to_string().as_str(), second.schedule.shifted),
        ("2027-11-07 01:30:00", None)
    );
    let error = Schedule::local("2027-02-30T10:00", "America/Gotham").unwrap_err();
    assert_eq!(codes(error.reasons()), ["wall/unreadable", "zone/unknown"]);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visit_whose_zone_got_other_rules_is_told_and_not_moved(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let mut other = Schedule::local("2027-07-02T10:00", "America/New_York").unwrap();
    other.starts_at += TimeDelta::hours(1);
    let mut over = other.clone();
    over.starts_at = world.clock.now() - TimeDelta::hours(1);
    acme.book(id, over).await.unwrap();
    acme.book(id, schedule()).await.unwrap();
    let called_off = acme.book(id, other.clone()).await.unwrap();
    acme.cancel(&called_off, Party::Staff, None).await.unwrap();
    let visits = [acme.book(id, other.clone()).await.unwrap(), acme.book(id, other.clone()).await.unwrap()];

    let head = acme.head().await.unwrap();
    let first = acme.drifted_appointments(&PageRequest::first(3)).await.unwrap();
    let rest = acme.drifted_appointments(&PageRequest::after(first.next.unwrap(), 3)).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len(), rest.next), (1, 1, None));
    for ((found, drift), visit) in first.items.into_iter().chain(rest.items).zip(&visits) {
        assert_eq!((&found, found.schedule.starts_at), (visit, at("2027-07-02T15:00:00Z")));
        assert_eq!(Some(&drift), visit.schedule.drift().as_ref());
        assert_eq!(drift.by_rules.at, at("2027-07-02T14:00:00Z"));
    }
    assert_eq!(acme.head().await.unwrap(), head);

    let drift = visits[0].schedule.drift().unwrap();
    let by_wall = acme.reschedule(&visits[0], drift.by_wall(), Party::Staff, None).await.unwrap();
    let by_instant = acme.reschedule(&visits[1], drift.by_instant(), Party::Staff, None).await.unwrap();
    assert_eq!(by_wall.schedule.wall, other.wall);
    assert_eq!(by_instant.schedule.starts_at, other.starts_at);
    assert_eq!(acme.drifted_appointments(&PageRequest::default()).await.unwrap().items, []);
    in_order(&world, &acme).await;
}

pub(crate) async fn wrong_fields_of_a_visit_are_all_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let visit = acme.book(id, schedule()).await.unwrap();
    let before = in_order(&world, &acme).await;
    let long = || "x".repeat(8 * 1024 + 1);
    for minutes in [0, 1_501, u32::MAX] {
        let new = NewAppointment::at(schedule().minutes(minutes)).location(long()).staff(" ").external_id("");
        let error = acme.book(id, new).await.unwrap_err();
        let named = ["minutes/out_of_range", "location/invalid", "staff/invalid", "external_id/invalid"];
        assert_eq!((error.kind(), codes(error.reasons())), invalid(&named));
    }
    let named = ["reason/invalid", "next_step/invalid", "external_id/invalid"];
    let completion = Completion::from(Outcome::NotSold).reason(" ").next_step(long(), None);
    let error = acme.complete(visit.id, completion.external_id("x".repeat(256))).await.unwrap_err();
    assert_eq!((error.kind(), codes(error.reasons())), invalid(&named));
    let moved = acme.reschedule(visit.id, schedule().minutes(0), Party::Staff, Some(" ".into())).await;
    let named = ["minutes/out_of_range", "reason/invalid"];
    assert_eq!(codes(moved.unwrap_err().reasons()), invalid(&named).1);
    let error = acme.cancel(visit.id, Party::Staff, Some(long())).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["reason/invalid"]);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
}

pub(crate) async fn the_same_external_id_is_the_same_visit(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let ids = [created(acme.ingest(lead(1)).await).lead, created(acme.ingest(lead(2)).await).lead];
    let new = || NewAppointment::at(schedule()).location("12 Main St").external_id("cal-1");
    let first = acme.book(ids[0], new()).await.unwrap();
    let before = in_order(&world, &acme).await;
    world.clock.advance(TimeDelta::days(400));
    for handle in [&acme, &world.elsewhere(&acme)] {
        assert_eq!(handle.book(ids[0], new()).await.unwrap(), first);
        for (lead, other) in [
            (ids[1], new()),
            (ids[0], new().location("13 Main St")),
            (ids[0], NewAppointment::at(schedule().minutes(30)).location("12 Main St").external_id("cal-1")),
            (ids[0], new().direct(Target::team("west"))),
        ] {
            let error = handle.book(lead, other).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert_eq!(codes(error.reasons()), ["external_id/reused"]);
        }
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    // Whatever became of it, it is the same one; and names of other letters are others.
    let cancelled = acme.cancel(first.id, Party::Staff, None).await.unwrap();
    assert_eq!(acme.book(ids[0], new()).await.unwrap(), cancelled);
    assert_ne!(acme.book(ids[0], new().external_id("CAL-1")).await.unwrap().id, first.id);
    // Another workspace has its own.
    let other = world.acme().await;
    let theirs = created(other.ingest(lead(1)).await).lead;
    assert_ne!(other.book(theirs, new()).await.unwrap().id, first.id);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visit_booked_earlier_counts_on_that_day(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let now = world.clock.now();
    let book = async |booked_at: DateTime<Utc>| {
        acme.book(id, NewAppointment::at(schedule()).booked_at(booked_at)).await.unwrap()
    };
    let past = book(now - TimeDelta::days(3) + TimeDelta::nanoseconds(5)).await;
    assert_eq!((past.booked_at, past.created_at), (now - TimeDelta::days(3), now));
    assert_eq!(book(now + TimeDelta::days(3)).await.booked_at, now, "a time to come counts as now");
    let days = acme.daily_leads("2027-02-01".parse().unwrap(), "2027-04-01".parse().unwrap()).await.unwrap();
    let booked: Vec<_> = days.iter().map(|row| (row.day.to_string(), row.leads, row.booked)).collect();
    assert_eq!(booked, [("2027-02-26".to_owned(), 0, 1), ("2027-03-01".to_owned(), 1, 1)]);
    let rows = acme.report(&ReportQuery::all(Cube::Appointments)).await.unwrap();
    let routed: Vec<_> = rows.iter().map(|row| (row.get(Measure::Routed), row.last_at)).collect();
    assert_eq!(routed, [(1, Some(past.booked_at)), (1, Some(now))]);
    in_order(&world, &acme).await;
}

pub(crate) async fn visits_are_listed_by_when_they_start(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let leads = [created(acme.ingest(lead(1)).await), created(acme.ingest(lead(2)).await)];
    // Midnight in Los Angeles is 08:00 UTC; the clocks go forward on the 14th, and it is 07:00 from then on.
    let starts = [
        "2027-03-13T07:59:59.999999Z",
        "2027-03-13T08:00:00Z",
        "2027-03-14T07:59:59Z",
        "2027-03-14T08:00:00Z",
        "2027-03-15T06:59:59.999999Z",
        "2027-03-15T07:00:00Z",
    ]
    .map(at);
    let zone = convio_core::Zone::parse("Asia/Tokyo").unwrap();
    let mut visits = Vec::new();
    for (n, starts_at) in starts.into_iter().enumerate().rev() {
        let visit = acme.book(leads[n % 2].lead, Schedule::at(starts_at, &zone)).await.unwrap();
        visits.push(if n == 3 { acme.confirm(visit.id).await.unwrap() } else { visit });
    }
    for from in starts {
        for until in starts {
            let wanted = |visit: &&Appointment| (from..until).contains(&visit.schedule.starts_at);
            let expected: Vec<_> = visits.iter().filter(wanted).cloned().collect();
            assert_eq!(
                list(&acme, &AppointmentFilter::between(from, until)).await,
                expected,
                "{from} {until}"
            );
        }
    }
    for (from, to, n) in [("13", "13", 2), ("14", "14", 2), ("13", "14", 4), ("12", "15", 6), ("15", "13", 0)]
    {
        let day = |day| format!("2027-03-{day}").parse().unwrap();
        let listed = acme.appointments_on(day(from), day(to), &PageRequest::default()).await.unwrap().items;
        assert_eq!(listed.len(), n, "{from} to {to}");
    }
    let mut confirmed = AppointmentFilter::of_contact(leads[1].contact);
    confirmed.status = Some(AppointmentStatus::Confirmed);
    assert_eq!(list(&acme, &confirmed).await, [visits[2].clone()]);
    confirmed.until = Some(starts[3]);
    assert_eq!(list(&acme, &confirmed).await, []);
    assert_eq!(list(&acme, &AppointmentFilter::of_lead(leads[0].lead)).await.len(), 3);
}

pub(crate) async fn an_inactive_workspace_takes_no_visits(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let new = || NewAppointment::at(schedule()).external_id("cal-1");
    let visit = acme.book(id, new()).await.unwrap();
    let other = world.elsewhere(&acme);
    other.appointment(visit.id).await.unwrap();
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.active = false;
    acme.configure(settings.clone()).await.unwrap();
    let before = in_order(&world, &acme).await;
    for handle in [&acme, &other] {
        let refused: [Option<Error>; 8] = [
            handle.book(id, schedule()).await.err(),
            handle.book(id, new()).await.err(),
            handle.confirm(visit.id).await.err(),
            handle.assign(visit.id, Target::team("west"), None).await.err(),
            handle.reschedule(visit.id, schedule(), Party::Staff, None).await.err(),
            handle.cancel(visit.id, Party::Staff, None).await.err(),
            handle.complete(visit.id, Outcome::Undecided).await.err(),
            handle.move_lead(id, "contacted", None).await.err(),
        ];
        for error in refused {
            let error = error.expect("an inactive workspace takes nothing");
            let told = (error.kind(), error.to_string());
            assert_eq!(told, (ErrorKind::Denied, "the workspace is inactive".to_owned()));
        }
        assert_eq!(handle.appointment(visit.id).await.unwrap().as_ref(), Some(&visit), "it is still read");
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    settings.active = true;
    acme.configure(settings).await.unwrap();
    other.confirm(visit.id).await.unwrap();
}

pub(crate) async fn what_is_to_be_done_next_is_kept_and_in_no_log(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let due = world.clock.now() + TimeDelta::days(9);
    for (at, outcome) in [(Some(due), Outcome::Undecided), (None, Outcome::Sold("5 USD".parse().unwrap()))] {
        let visit = acme.book(id, schedule()).await.unwrap();
        let completion = Completion::from(outcome).next_step("call her at work", at);
        let done = acme.complete(visit.id, completion).await.unwrap().appointment;
        assert_eq!(done.next_step, Some(NextStep { what: "call her at work".into(), at }));
        assert_eq!(acme.appointment(visit.id).await.unwrap().as_ref(), Some(&done));
        assert!(!format!("{done:?}").contains("at work"));
    }
    assert!(!format!("{:?}", in_order(&world, &acme).await).contains("at work"));
    assert_eq!(row(&acme, id).await.progress.status.stage, Stage::Won);
}

pub(crate) async fn visits_of_a_test_lead_count_nowhere(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1).test()).await).lead;
    let visit = acme.book(id, schedule()).await.unwrap();
    let moved = acme.reschedule(visit.id, schedule(), Party::Staff, None).await.unwrap();
    acme.cancel(moved.id, Party::Staff, None).await.unwrap();
    let other = acme.book(id, schedule()).await.unwrap();
    acme.complete(other.id, Outcome::NotSold).await.unwrap();
    assert_eq!(row(&acme, id).await.progress.status.stage, Stage::Lost, "it goes its way like any other");
    assert_eq!(in_order(&world, &acme).await.rollups, []);
}

/// The kinds of a visit's events.
pub(super) async fn history(acme: &WorkspaceHandle<'_>, id: convio_core::AppointmentId) -> Vec<&'static str> {
    let stream = StreamRef::Subject(About::Appointment(id));
    let events = acme.history(stream, &PageRequest::default()).await.unwrap().items;
    events.iter().map(|event| event.body.kind()).collect()
}

/// The instant that a text says.
pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn list(acme: &WorkspaceHandle<'_>, filter: &AppointmentFilter) -> Vec<Appointment> {
    acme.appointments(filter, &PageRequest::default()).await.unwrap().items
}

fn invalid(named: &[&str]) -> (ErrorKind, Vec<String>) {
    (ErrorKind::Invalid, named.iter().map(|name| (*name).to_owned()).collect())
}

pub(crate) async fn a_visit_is_answered_as_it_is_kept_to_the_microsecond(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let mut fine = Schedule::at(world.clock.now(), &convio_core::Zone::UTC);
    fine.starts_at += TimeDelta::nanoseconds(1_234_567);
    fine.wall += TimeDelta::nanoseconds(1_234_567);
    let visit = acme.book(id, fine.clone()).await.unwrap();
    assert_eq!(acme.appointment(visit.id).await.unwrap().as_ref(), Some(&visit));
    let moved = acme.reschedule(&visit, fine.clone(), convio_core::Party::Staff, None).await.unwrap();
    assert_eq!(acme.appointment(moved.id).await.unwrap().as_ref(), Some(&moved));
    let end = Completion::from(Outcome::Undecided).next_step("call", Some(fine.starts_at));
    let done = acme.complete(&moved, end).await.unwrap().appointment;
    assert_eq!(acme.appointment(moved.id).await.unwrap(), Some(done));
    in_order(&world, &acme).await;
}
