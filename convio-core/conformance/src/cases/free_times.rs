use chrono::TimeDelta;
use convio_core::availability::{Hours, Interval};
use convio_core::calendar::SlotRequest;
use convio_core::routing::{RoutingRequest, RuleTable, Strategy, Why};
use convio_core::service::{Atomicity, Received};
use convio_core::{
    CalendarSettings, Clock, ErrorKind, Ingested, NewAppointment, Party, Resource, Rule, Target, Zone,
};

use super::calendars::{acme, always, ann, at, bob, busy, on_day, schedule, who, with_ann};
use super::lead_work::in_order;
use crate::{Subject, World, codes, lead, rejected, taken};

pub(crate) async fn rules_give_nothing_to_whoever_has_no_time(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    let hours = Hours::of(Zone::UTC).each([chrono::Weekday::Tue], 9 * 60, 17 * 60);
    acme.set_calendar(ann(), CalendarSettings::open(hours)).await.unwrap();
    acme.set_calendar(bob(), always()).await.unwrap();
    let both = [(Target::person("ann"), 1), (Target::person("bob"), 1)];
    let rule = Rule::among(Strategy::First, both).named("both").any_product().any_zip();
    let rules = acme.publish_rules([rule.clone()]).await.unwrap();
    let first = acme.book(lead, schedule("10:00", 60)).await.unwrap();
    let second = acme.book(lead, schedule("10:30", 60)).await.unwrap();
    let third = acme.book(lead, schedule("10:45", 60)).await.unwrap();
    assert_eq!((who(&first), who(&second), who(&third)), (Some("ann"), Some("bob"), None));
    assert_eq!((second.staff.as_deref(), third.staff), (Some("bob"), None));
    assert!(second.routing.explain().contains("not person `ann` of `both`: taken at that time"));
    assert_eq!(second.routing.passed[0].why, Why::Taken);
    let early = acme.book(lead, schedule("07:00", 60)).await.unwrap();
    assert_eq!((who(&early), &early.routing.passed[0].why), (Some("bob"), &Why::Closed));
    // It is decided again the same way from what it noted, however calendars stand by then.
    let table = RuleTable::new(rules);
    let row = acme.lead(lead).await.unwrap().unwrap();
    for visit in [&first, &second, &early] {
        let starts_at = Some(visit.schedule.starts_at);
        let request = RoutingRequest { starts_at, ..RoutingRequest::of(&row, world.clock.now()) };
        assert_eq!(table.replay(&request, &visit.routing).as_ref(), Some(&visit.routing));
    }
    let replay = acme.replay_rules([rule.clone()], at("00:00") - TimeDelta::days(2)).await.unwrap();
    assert_eq!((replay.decided, replay.changed), (4, Vec::new()));
    // One who waits gets it once somebody has time, and one who declined does not.
    assert!(acme.route(third.id).await.unwrap_err().to_string().contains("has anybody for it"));
    acme.cancel(&second, Party::Customer, None).await.unwrap();
    let third = acme.route(third.id).await.unwrap();
    assert_eq!(who(&third), Some("bob"));
    let first = acme.decline(&first, None).await.unwrap();
    assert_eq!(who(&first), None, "bob is at the third");
    assert_eq!(busy(&acme, &ann()).await, []);
    // The owner goes before, if there is time for it.
    acme.publish_rules([Rule { sticky: true, ..rule }]).await.unwrap();
    acme.assign_lead(lead, Some("bob".to_owned())).await.unwrap();
    let own = acme.book(lead, schedule("13:00", 60)).await.unwrap();
    let other = acme.book(lead, schedule("13:30", 60)).await.unwrap();
    assert_eq!((who(&own), who(&other)), (Some("bob"), Some("ann")));
    // Nobody without a calendar gets what a rule gives to owners, be it the owner, and wherever they stand in the rule.
    acme.set_calendar(bob(), always().inactive()).await.unwrap();
    let back = [(Target::person("bob"), 1), (Target::person("ann"), 1)];
    for strategy in [Strategy::First, Strategy::Rotate, Strategy::Fair, Strategy::Percentage] {
        let rule = Rule::among(strategy, back.clone()).named("back").any_product().any_zip();
        acme.publish_rules([Rule { sticky: true, ..rule }]).await.unwrap();
        let without = acme.book(lead, schedule("15:00", 60)).await.unwrap();
        assert_eq!(who(&without), Some("ann"), "{strategy:?}");
        acme.cancel(&without, Party::Staff, None).await.unwrap();
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn nobody_without_a_calendar_gets_work_by_load(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    let all = ["ann", "bob", "eve"].map(|name| (Target::person(name), 1));
    let rule = Rule::among(Strategy::LeastLoaded, all).named("load").any_product().any_zip();
    acme.publish_rules([rule]).await.unwrap();
    // Where nobody keeps a calendar, everyone gets their part.
    let mut got = Vec::new();
    for _ in 0..3 {
        got.push(who(&acme.book(lead, schedule("10:00", 60)).await.unwrap()).map(str::to_owned));
    }
    assert_eq!(got, ["ann", "bob", "eve"].map(|name| Some(name.to_owned())));
    for resource in [ann(), bob()] {
        acme.set_calendar(resource, always()).await.unwrap();
    }
    let visits = [
        ("12:00", Some("ann")),
        ("12:00", Some("bob")),
        ("12:00", None),
        ("12:30", None),
        ("13:00", Some("ann")),
    ];
    for (wall, expected) in visits {
        let visit = acme.book(lead, schedule(wall, 60)).await.unwrap();
        assert_eq!(who(&visit), expected, "{wall}: {}", visit.routing.explain());
        let of_eve = visit.routing.passed.iter().find(|it| it.target == Some(Target::person("eve"))).unwrap();
        assert_eq!(of_eve.why, Why::NoCalendar);
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn a_lead_whose_visit_can_not_be_had_is_kept(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, own) = acme(&world).await;
    let hours = Hours::of(Zone::UTC).each([chrono::Weekday::Tue], 9 * 60, 17 * 60);
    acme.set_calendar(ann(), CalendarSettings::open(hours)).await.unwrap();
    let first = acme.book(own, with_ann("10:00", 60)).await.unwrap();
    let Received { taken: answer, appointment } = acme.receive(lead(2), with_ann("10:30", 60)).await.unwrap();
    assert_eq!(appointment, None);
    let refused = rejected(Ok(answer));
    assert_eq!(codes(&refused.reasons), ["appointment.schedule/taken"]);
    let closed = rejected(Ok(acme.receive(lead(3), with_ann("20:00", 60)).await.unwrap().taken));
    assert_eq!(codes(&closed.reasons), ["appointment.schedule/closed"]);
    let unknown = with_ann("12:00", 60).with(Resource::thing("van"), 1);
    let unknown = rejected(Ok(acme.receive(lead(4), unknown).await.unwrap().taken));
    assert_eq!(codes(&unknown.reasons), ["appointment.resources/unknown"]);
    // Released in vain it stays; once there is time, it becomes the lead and the visit that it was.
    assert_eq!(codes(&rejected(acme.release(refused.id).await).reasons), ["appointment.schedule/taken"]);
    let same = acme.release_with(refused.id, Some(with_ann("10:15", 60))).await;
    assert_eq!(codes(&rejected(same).reasons), ["appointment.schedule/taken"]);
    // Another time is had at once, and without an appointment it is a lead like any other.
    let moved = taken(acme.release_with(closed.id, Some(with_ann("12:00", 60))).await);
    let visit = acme.appointment(moved.appointment.unwrap()).await.unwrap().unwrap();
    assert_eq!((visit.lead, visit.schedule.time()), (moved.lead, on_day("12:00", 60)));
    let without = taken(acme.release_with(unknown.id, None).await);
    assert_eq!((without.appointment, without.lead), (None, unknown.id.lead()));
    acme.cancel(&first, Party::Customer, None).await.unwrap();
    let accepted = taken(acme.release(refused.id).await);
    let visit = acme.appointment(accepted.appointment.unwrap()).await.unwrap().unwrap();
    assert_eq!((who(&visit), visit.schedule.time()), (Some("ann"), on_day("10:30", 60)));
    // Of a batch the first one gets the time, and the other is kept; of one that is all or nothing, nothing.
    let rows = |n, wall: &str| {
        vec![lead(n).appointment(with_ann(wall, 60)), lead(n + 1).appointment(with_ann(wall, 60))]
    };
    let answers = acme.ingest_batch(rows(5, "14:00"), Atomicity::PerRow).await.unwrap().rows;
    assert!(matches!(answers[0], Ok(Ingested::Created(_))));
    assert!(
        matches!(&answers[1], Ok(Ingested::Rejected(refused)) if codes(&refused.reasons) == ["appointment.schedule/taken"])
    );
    let before = busy(&acme, &ann()).await;
    let all = acme.ingest_batch(rows(7, "16:00"), Atomicity::AllOrNothing).await.unwrap();
    assert!(!all.applied && matches!(&all.rows[1], Ok(Ingested::Rejected(_))), "{:?}", all.rows);
    assert_eq!(busy(&acme, &ann()).await, before);
    in_order(&world, &acme).await;
}

pub(crate) async fn free_times_are_those_that_can_be_booked(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    let hours = |zone: &str, from: u16, to: u16| {
        Hours::of(zone.parse().unwrap()).each([chrono::Weekday::Tue], from * 60, to * 60)
    };
    acme.set_calendar(ann(), CalendarSettings::open(hours("UTC", 9, 12)).buffers(0, 30)).await.unwrap();
    acme.set_calendar(bob(), CalendarSettings::open(hours("Asia/Kolkata", 14, 18))).await.unwrap(); // 8:30 to 12:30
    acme.set_calendar(Resource::thing("van"), always()).await.unwrap();
    acme.book(lead, with_ann("10:00", 30)).await.unwrap();
    acme.book(lead, NewAppointment::at(schedule("11:00", 60)).with(Resource::thing("van"), 1)).await.unwrap();
    let asked = SlotRequest::of([ann(), bob()], 60, "America/New_York".parse().unwrap())
        .from(at("00:00"))
        .days(1)
        .every(30);
    let free = acme.next_slots(&asked).await.unwrap();
    let told: Vec<_> = free
        .iter()
        .map(|slot| {
            let names: Vec<&str> = slot.of.iter().map(Resource::name).collect();
            (
                slot.schedule.starts_at.format("%H:%M").to_string(),
                slot.schedule.wall.format("%H:%M").to_string(),
                names.join("+"),
            )
        })
        .collect();
    let expected = [
        ("08:30", "03:30", "bob"),
        ("09:00", "04:00", "bob"),
        ("09:30", "04:30", "bob"),
        ("10:00", "05:00", "bob"),
        ("10:30", "05:30", "bob"),
        ("11:00", "06:00", "ann+bob"),
        ("11:30", "06:30", "bob"),
    ]
    .map(|(utc, wall, who)| (utc.to_owned(), wall.to_owned(), who.to_owned()));
    assert_eq!(told, expected);
    let with_van = acme.next_slots(&asked.clone().with(Resource::thing("van"), 1)).await.unwrap();
    let starts: Vec<_> = with_van.iter().map(|slot| slot.schedule.starts_at).collect();
    assert_eq!(starts, ["08:30", "09:00", "09:30", "10:00"].map(at));
    assert_eq!(acme.next_slots(&asked.clone().first(2)).await.unwrap(), free[..2]);
    // Each of them can be booked, and is not free any more then.
    for slot in free {
        let Some(Resource::Person(name)) = slot.of.last() else { panic!("{slot:?}") };
        let visit = NewAppointment::at(slot.schedule.clone()).direct(Target::person(name));
        let visit = acme.book(lead, visit).await.unwrap();
        let still = acme.next_slots(&asked).await.unwrap();
        assert!(
            !still.iter().any(|it| it.schedule == slot.schedule && it.of.contains(slot.of.last().unwrap()))
        );
        acme.cancel(&visit, Party::Staff, None).await.unwrap();
    }
    let wrong = SlotRequest::of([ann(), ann()], 0, Zone::UTC).days(93).every(0).first(0);
    let wrong = acme.next_slots(&wrong).await.unwrap_err();
    let fields =
        ["minutes/out_of_range", "of/twice", "every/out_of_range", "days/out_of_range", "limit/out_of_range"];
    assert_eq!(codes(wrong.reasons()), fields);
    let nobody =
        acme.next_slots(&SlotRequest::of([Resource::person("eve")], 60, Zone::UTC)).await.unwrap_err();
    assert_eq!(codes(nobody.reasons()), ["resources/unknown"]);
    let long = Interval::new(at("00:00"), at("00:00") + TimeDelta::days(93));
    assert_eq!(acme.busy(&ann(), long).await.unwrap_err().kind(), ErrorKind::Invalid);
}
