use chrono::{DateTime, TimeDelta, Utc};
use convio_core::availability::{Hours, Interval};
use convio_core::calendar::{Busy, Clash, ClashWhy, SlotRequest};
use convio_core::routing::{How, RoutingRequest, RuleTable, Strategy, Why};
use convio_core::service::{Atomicity, Received};
use convio_core::{
    Appointment, Calendar, CalendarSettings, Clock, Error, ErrorKind, EventBody, Hold, Ingested, LeadId,
    NewAppointment, NewHold, NewWorkspace, Outcome, PageRequest, Party, Resource, Rule, Schedule, StreamRef,
    Target, WorkspaceHandle, Zone,
};
use pollster::block_on;

use super::concurrency::at_once;
use super::lead_work::in_order;
use crate::dice::Dice;
use crate::{Subject, World, codes, created, lead, rejected, taken};

pub(crate) async fn nobody_is_booked_twice_at_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    acme.set_calendar(ann(), always()).await.unwrap();
    let first = acme.book(lead, with_ann("10:00", 60)).await.unwrap();
    let head = acme.head().await.unwrap();
    // Whoever asks, and from whatever side it meets the first one.
    for (wall, minutes) in [("10:00", 60), ("09:30", 60), ("10:30", 60), ("10:15", 15), ("09:00", 180)] {
        let refused = world.elsewhere(&acme).book(lead, with_ann(wall, minutes)).await.unwrap_err();
        let clash = clash(&refused);
        assert_eq!((&clash.resource, clash.why), (&ann(), ClashWhy::Taken));
        assert_eq!((clash.time, refused.kind()), (on_day(wall, minutes), ErrorKind::Conflict));
        let next = clash.next[0];
        assert!(!next.meets(first.schedule.time()) && next.start >= clash.time.start, "{next}");
        assert_eq!((next.end - next.start).num_minutes(), i64::from(minutes));
        assert_eq!(clash.next.len(), 5);
    }
    assert_eq!(acme.head().await.unwrap(), head);
    // What ends when it begins, or begins when it ends, does not meet it.
    acme.book(lead, with_ann("09:00", 60)).await.unwrap();
    acme.book(lead, with_ann("11:00", 60)).await.unwrap();
    // Whoever keeps a visit of a team is one as well, and is limited by it.
    let kept = NewAppointment::at(schedule("11:30", 60)).direct(Target::team("west")).staff("ann");
    assert_eq!(clash(&acme.book(lead, kept.clone()).await.unwrap_err()).resource, ann());
    // Who has no calendar is not limited; nor is ann as a team.
    for target in [Target::person("bob"), Target::team("ann"), Target::team("west")] {
        for _ in 0..2 {
            let visit =
                acme.book(lead, NewAppointment::at(schedule("10:00", 60)).direct(target.clone())).await;
            assert_eq!(visit.unwrap().routing.takes, []);
        }
    }
    // A visit that goes over midnight is one on both days.
    acme.book(lead, with_ann("23:30", 60)).await.unwrap();
    let after = NewAppointment::at(Schedule::local("2027-03-03T00:15", "UTC").unwrap());
    let refused = acme.book(lead, after.direct(Target::person("ann"))).await.unwrap_err();
    assert_eq!(clash(&refused).resource, ann());
    assert_eq!(busy(&acme, &ann()).await.len(), 4);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_calendar_is_open_in_its_hours(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    let tuesdays = |from: u16, to: u16| Hours::of(Zone::UTC).each([chrono::Weekday::Tue], from * 60, to * 60);
    acme.set_calendar(ann(), CalendarSettings::open(tuesdays(9, 17))).await.unwrap();
    for (wall, minutes) in [("08:30", 60), ("16:30", 60), ("20:00", 15)] {
        let refused = acme.book(lead, with_ann(wall, minutes)).await.unwrap_err();
        let clash = clash(&refused);
        assert_eq!((&clash.resource, clash.why), (&ann(), ClashWhy::Closed));
        let next = clash.next[0].start.to_rfc3339();
        let first = if wall == "08:30" { "2027-03-02T09:00:00+00:00" } else { "2027-03-09T09:00:00+00:00" };
        assert_eq!(next, first);
    }
    let visit = acme.book(lead, with_ann("16:00", 60)).await.unwrap();
    // Someone who knows better books out of hours; that is taken like any other.
    acme.book(lead, with_ann("20:00", 60).anytime()).await.unwrap();
    let refused = acme.book(lead, with_ann("20:30", 60).anytime()).await.unwrap_err();
    assert_eq!(clash(&refused).why, ClashWhy::Taken);
    let refused = acme.reschedule(&visit, schedule("18:00", 60), Party::Staff, None).await.unwrap_err();
    assert_eq!(clash(&refused).why, ClashWhy::Closed);
    // Other hours hold from the next call on, in every process; a calendar that does not count limits nobody.
    let other = world.elsewhere(&acme);
    assert!(other.book(lead, with_ann("18:00", 60)).await.is_err());
    acme.set_calendar(ann(), CalendarSettings::open(tuesdays(17, 20))).await.unwrap();
    other.book(lead, with_ann("18:00", 60)).await.unwrap();
    assert_eq!(clash(&other.book(lead, with_ann("12:00", 60)).await.unwrap_err()).why, ClashWhy::Closed);
    acme.set_calendar(ann(), CalendarSettings::open(tuesdays(17, 20)).inactive()).await.unwrap();
    let free = other.book(lead, with_ann("12:00", 60)).await.unwrap();
    assert_eq!(free.routing.takes, []);
    // What was taken before stays taken.
    acme.set_calendar(ann(), always()).await.unwrap();
    assert_eq!(clash(&other.book(lead, with_ann("18:30", 60)).await.unwrap_err()).why, ClashWhy::Taken);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_capacity_is_used_up_to_the_last_unit(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    let seats = Resource::thing("seats");
    acme.set_calendar(seats.clone(), always().capacity(5)).await.unwrap();
    let group = |n| NewAppointment::at(schedule("10:00", 60)).with(Resource::thing("seats"), n);
    acme.book(lead, group(3)).await.unwrap();
    assert_eq!(clash(&acme.book(lead, group(3)).await.unwrap_err()).resource, seats);
    let two = acme.book(lead, group(2)).await.unwrap();
    assert_eq!(two.routing.takes[0].units, 2);
    let refused = acme.book(lead, group(1)).await.unwrap_err();
    assert_eq!(clash(&refused).next[0], on_day("11:00", 60));
    // More than there is at all can never be had.
    let refused = acme.book(lead, NewAppointment::at(schedule("15:00", 60)).with(seats.clone(), 6)).await;
    assert_eq!(codes(refused.unwrap_err().reasons()), ["units/out_of_range"]);
    // A lower capacity takes nothing away from who has it, a higher one is there at once.
    acme.set_calendar(seats.clone(), always().capacity(4)).await.unwrap();
    assert_eq!(busy(&acme, &seats).await.len(), 2);
    acme.cancel(&two, Party::Customer, None).await.unwrap();
    acme.book(lead, group(1)).await.unwrap();
    assert!(acme.book(lead, group(1)).await.is_err());
    acme.set_calendar(seats.clone(), always().capacity(6)).await.unwrap();
    acme.book(lead, group(2)).await.unwrap();
    assert!(acme.book(lead, group(1)).await.is_err());
    // What some of them share only in turn does not add up.
    let at = |wall, minutes| NewAppointment::at(schedule(wall, minutes)).with(Resource::thing("seats"), 3);
    acme.book(lead, at("12:00", 60)).await.unwrap();
    acme.book(lead, at("13:00", 60)).await.unwrap();
    acme.book(lead, at("12:30", 60)).await.unwrap();
    assert!(acme.book(lead, at("12:45", 5)).await.is_err());
    in_order(&world, &acme).await;
}

pub(crate) async fn what_is_needed_together_is_had_together_or_not_at_all(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    let (van, crew) = (Resource::thing("van"), Resource::team("crew"));
    acme.set_calendar(ann(), always().buffers(30, 15)).await.unwrap();
    acme.set_calendar(van.clone(), always()).await.unwrap();
    acme.set_calendar(crew.clone(), always().capacity(2)).await.unwrap();
    let all = |wall| with_ann(wall, 60).with(Resource::thing("van"), 1).with(Resource::team("crew"), 1);
    let visit = acme.book(lead, all("10:00")).await.unwrap();
    let taken: Vec<_> = visit.routing.takes.iter().map(|it| it.resource.clone()).collect();
    assert_eq!(taken, [ann(), van.clone(), crew.clone()]);
    assert_eq!(busy(&acme, &ann()).await[0].time, on_day("09:30", 105));
    assert_eq!(busy(&acme, &van).await[0].time, on_day("10:00", 60));
    // Ann is on her way from half past nine, and away until a quarter past eleven.
    for (wall, resource) in [("08:30", ann()), ("11:15", ann()), ("10:59", ann())] {
        assert_eq!(clash(&acme.book(lead, with_ann(wall, 60)).await.unwrap_err()).resource, resource);
    }
    acme.book(lead, with_ann("08:15", 60)).await.unwrap();
    acme.book(lead, with_ann("11:45", 60)).await.unwrap();
    // Where one of them is taken, nothing of the others is.
    let head = acme.head().await.unwrap();
    let refused =
        acme.book(lead, NewAppointment::at(schedule("10:30", 30)).with(crew.clone(), 1).with(van.clone(), 1));
    let refused = refused.await.unwrap_err();
    let clash = clash(&refused);
    assert_eq!((&clash.resource, clash.takes.len()), (&van, 2));
    assert_eq!(clash.next[0], on_day("11:00", 30));
    assert_eq!((busy(&acme, &crew).await.len(), acme.head().await.unwrap()), (1, head));
    // All of it is given back at once.
    acme.cancel(&visit, Party::Staff, None).await.unwrap();
    for resource in [&van, &crew] {
        assert_eq!(busy(&acme, resource).await, []);
    }
    acme.book(lead, all("10:00")).await.unwrap();
    in_order(&world, &acme).await;
}

pub(crate) async fn a_time_that_is_given_back_can_be_had_again(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    for resource in [ann(), bob()] {
        acme.set_calendar(resource, always()).await.unwrap();
    }
    let visit = acme.book(lead, with_ann("10:00", 60)).await.unwrap();
    acme.cancel(&visit, Party::Customer, None).await.unwrap();
    let visit = acme.book(lead, with_ann("10:00", 60)).await.unwrap();
    // Another one gets it: it takes their time and no longer hers. One who has no time does not get it.
    let taken = NewAppointment::at(schedule("10:30", 60)).direct(Target::person("bob"));
    let other = acme.book(lead, taken).await.unwrap();
    let refused = acme.assign(&visit, Target::person("bob"), None).await.unwrap_err();
    assert_eq!(clash(&refused).resource, bob());
    assert_eq!(busy(&acme, &ann()).await.len(), 1);
    acme.cancel(&other, Party::Customer, None).await.unwrap();
    let visit = acme.assign(&visit, Target::person("bob"), None).await.unwrap();
    assert_eq!((busy(&acme, &ann()).await, busy(&acme, &bob()).await.len()), (Vec::new(), 1));
    acme.book(lead, with_ann("10:00", 60)).await.unwrap();
    let visit = acme.assign(&visit, Target::team("west"), Some("bob".to_owned())).await.unwrap();
    assert_eq!(busy(&acme, &bob()).await.len(), 1);
    // Nobody had it in the end: no time of anyone's.
    let nobody = acme.decline(&visit, None).await.unwrap();
    assert_eq!((nobody.routing.how, busy(&acme, &bob()).await), (How::Unrouted, Vec::new()));
    // What was held, and what was missed, has taken its time.
    let held = acme.book(lead, with_ann("12:00", 60)).await.unwrap();
    let visit = acme.book(lead, with_ann("13:00", 60)).await.unwrap();
    world.clock.advance(TimeDelta::hours(23));
    acme.complete(&held, Outcome::NotSold).await.unwrap();
    acme.no_show(&visit, Party::Customer).await.unwrap();
    assert_eq!(busy(&acme, &ann()).await.len(), 3);
    in_order(&world, &acme).await;
}

pub(crate) async fn what_was_agreed_on_stays_whatever_calendars_say_since(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    let (van, crew) = (Resource::thing("van"), Target::team("crew"));
    acme.set_calendar(ann(), always()).await.unwrap();
    acme.set_calendar(bob(), always()).await.unwrap();
    acme.set_calendar(van.clone(), always().capacity(2)).await.unwrap();
    acme.set_calendar(Resource::from(&crew), always().capacity(2)).await.unwrap();
    let with_van =
        |target| NewAppointment::at(schedule("10:00", 60)).direct(target).with(Resource::thing("van"), 1);
    let first = acme.book(lead, with_van(Target::person("ann"))).await.unwrap();
    acme.book(lead, with_van(Target::team("west"))).await.unwrap();
    acme.book(lead, with_ann("11:00", 60)).await.unwrap();
    // The van is one from now on, and ann needs half an hour after each visit: whoever has a time goes on having it.
    acme.set_calendar(van.clone(), always()).await.unwrap();
    acme.set_calendar(ann(), always().buffers(0, 30)).await.unwrap();
    let again = acme.assign(&first, Target::person("ann"), None).await.unwrap();
    assert_eq!(again.routing.takes, first.routing.takes);
    let first = acme.assign(&again, Target::person("bob"), None).await.unwrap();
    let first = acme.decline(&first, None).await.unwrap();
    assert_eq!(busy(&acme, &van).await.len(), 2);
    // A van that does not count for a while is still needed.
    acme.set_calendar(van.clone(), always().inactive()).await.unwrap();
    let first = acme.assign(&first, Target::person("bob"), None).await.unwrap();
    acme.seat_appointments(&PageRequest::default()).await.unwrap();
    let first = acme.reschedule(first.id, schedule("14:00", 60), Party::Staff, None).await.unwrap();
    acme.set_calendar(van.clone(), always()).await.unwrap();
    assert_eq!(busy(&acme, &van).await.last().map(|it| it.by), Some(first.id.uuid()));
    let refused = acme.book(lead, NewAppointment::at(schedule("14:30", 60)).with(van.clone(), 1)).await;
    assert_eq!(clash(&refused.unwrap_err()).resource, van);
    // Two of a crew are two, wherever the visit goes.
    let both = NewAppointment::at(schedule("10:00", 60)).direct(crew.clone()).with(Resource::team("crew"), 2);
    let both = acme.book(lead, both).await.unwrap();
    assert_eq!(acme.seat_appointments(&PageRequest::default()).await.unwrap().items, []);
    let both = acme.reschedule(&both, schedule("12:00", 60), Party::Staff, None).await.unwrap();
    let both = acme.assign(&both, Target::person("bob"), None).await.unwrap();
    let one = NewAppointment::at(schedule("12:30", 60)).direct(crew);
    assert_eq!(clash(&acme.book(lead, one).await.unwrap_err()).resource, Resource::team("crew"));
    // What comes to its end before it takes place leaves its time to others.
    acme.complete(&both, Outcome::Undecided).await.unwrap();
    assert_eq!(busy(&acme, &Resource::team("crew")).await, []);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_moved_visit_takes_its_new_time_in_place_of_the_old(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    acme.set_calendar(ann(), always().buffers(15, 0)).await.unwrap();
    acme.set_calendar(Resource::thing("van"), always()).await.unwrap();
    let visit = acme.book(lead, with_ann("10:00", 60).with(Resource::thing("van"), 1)).await.unwrap();
    let other = acme.book(lead, with_ann("14:00", 60)).await.unwrap();
    let head = acme.head().await.unwrap();
    let refused = acme.reschedule(&visit, schedule("13:30", 60), Party::Customer, None).await.unwrap_err();
    assert_eq!(clash(&refused).takes.len(), 2);
    assert_eq!((acme.head().await.unwrap(), busy(&acme, &ann()).await.len()), (head, 2));
    // By half an hour: it does not stand in its own way.
    let moved = acme.reschedule(&visit, schedule("10:30", 60), Party::Customer, None).await.unwrap();
    assert_eq!((moved.staff.as_deref(), &moved.routing), (Some("ann"), &visit.routing));
    assert_eq!((moved.rescheduled_from, visit.id), (Some(visit.id), visit.id));
    assert_eq!(busy(&acme, &ann()).await[0].time, on_day("10:15", 75));
    assert_eq!(busy(&acme, &Resource::thing("van")).await[0].by, moved.id.uuid());
    acme.book(lead, with_ann("09:15", 60)).await.unwrap();
    // To another day and back, and to where another one was called off.
    let next_day = Schedule::local("2027-03-04T10:00", "UTC").unwrap();
    let moved = acme.reschedule(&moved, next_day, Party::Customer, None).await.unwrap();
    acme.cancel(&other, Party::Customer, None).await.unwrap();
    let moved = acme.reschedule(&moved, schedule("14:00", 60), Party::Staff, None).await.unwrap();
    let of_ann: Vec<_> = busy(&acme, &ann()).await.into_iter().map(|it| it.by).collect();
    assert_eq!(of_ann.last(), Some(&moved.id.uuid()));
    assert_eq!(of_ann.len(), 2);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_hold_keeps_a_time_until_it_ends(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    acme.set_calendar(ann(), always().buffers(10, 10)).await.unwrap();
    acme.set_calendar(Resource::thing("seats"), always().capacity(2)).await.unwrap();
    let held = |wall| NewHold::at(schedule(wall, 60), 15).of(ann(), 1);
    let hold = acme.hold(held("10:00").of(Resource::thing("seats"), 1)).await.unwrap();
    assert_eq!(hold.until, world.clock.now() + TimeDelta::minutes(15));
    let of_ann = busy(&acme, &ann()).await;
    assert_eq!(
        (of_ann[0].by, of_ann[0].until, of_ann[0].time),
        (hold.mark(), Some(hold.until), on_day("09:50", 80))
    );
    let refused = acme.book(lead, with_ann("10:30", 60)).await.unwrap_err();
    assert_eq!(clash(&refused).next[0].start, at("11:30"));
    assert_eq!(clash(&acme.hold(held("10:30")).await.unwrap_err()).resource, ann());
    // It is a value that goes through any session; whoever has it books, of it what they need.
    let text = serde_json::to_string(&hold).unwrap();
    let again: Hold = serde_json::from_str(&text).unwrap();
    assert_eq!(again, hold);
    let visit = world.elsewhere(&acme).book(lead, with_ann("10:15", 60).holding(again)).await.unwrap();
    assert_eq!(busy(&acme, &ann()).await[0].by, visit.id.uuid());
    assert_eq!(busy(&acme, &Resource::thing("seats")).await, []);
    // Whoever gives back what is no hold of theirs gives back nothing, be it an appointment or another's hold.
    let other = acme.hold(held("17:00")).await.unwrap();
    acme.end_hold(Hold { id: other.mark(), ..other.clone() }).await.unwrap();
    assert!(acme.hold(held("17:00")).await.is_err());
    acme.end_hold(other).await.unwrap();
    let forged = Hold { id: visit.id.uuid(), ..hold.clone() };
    acme.end_hold(forged.clone()).await.unwrap();
    assert!(acme.book(lead, with_ann("10:15", 60).holding(forged)).await.unwrap_err().clash().is_some());
    // Given back, it is free at once; ended by itself, at its last moment.
    let hold = acme.hold(held("14:00")).await.unwrap();
    acme.end_hold(hold.clone()).await.unwrap();
    acme.end_hold(hold).await.unwrap();
    let hold = acme.hold(held("14:00")).await.unwrap();
    world.clock.advance(TimeDelta::minutes(15) - TimeDelta::microseconds(1));
    assert!(acme.book(lead, with_ann("14:00", 60)).await.is_err());
    world.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(busy(&acme, &ann()).await.len(), 1);
    let visit = acme.book(lead, with_ann("14:00", 60)).await.unwrap();
    acme.cancel(&visit, Party::Staff, None).await.unwrap();
    // A hold that has ended keeps nothing, and is no reason to refuse what is free.
    acme.book(lead, with_ann("14:00", 60).holding(hold.clone())).await.unwrap();
    assert!(acme.book(lead, with_ann("14:30", 60).holding(hold)).await.unwrap_err().clash().is_some());
    // A hold is no way around what is taken or closed, and names what has a calendar.
    let wrong = acme.hold(NewHold::at(schedule("10:00", 0), 0)).await.unwrap_err();
    assert_eq!(
        codes(wrong.reasons()),
        ["minutes/out_of_range", "hold_minutes/out_of_range", "resources/missing"]
    );
    let end = at("10:00") + TimeDelta::days(400);
    let long = Hold { time: Interval::new(at("10:00"), end), ..acme.hold(held("19:00")).await.unwrap() };
    assert_eq!(codes(acme.end_hold(long.clone()).await.unwrap_err().reasons()), ["hold/invalid"]);
    let wrong = acme.book(lead, with_ann("21:00", 60).holding(long)).await.unwrap_err();
    assert_eq!(codes(wrong.reasons()), ["hold/invalid"]);
    let wrong = acme.hold(NewHold::at(schedule("10:00", 60), 5).of(bob(), 1)).await.unwrap_err();
    assert_eq!(codes(wrong.reasons()), ["resources/unknown"]);
    in_order(&world, &acme).await;
}

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

pub(crate) async fn a_calendar_made_later_takes_up_what_was_booked(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    // Twice at once: nothing was against that. One that is over, one that was called off, one that is not hers.
    let first = acme.book(lead, with_ann("10:00", 60)).await.unwrap();
    let second = acme.book(lead, with_ann("10:30", 60)).await.unwrap();
    let past = NewAppointment::at(Schedule::local("2027-02-27T10:00", "UTC").unwrap());
    acme.book(lead, past.direct(Target::person("ann"))).await.unwrap();
    let off = acme.book(lead, with_ann("15:00", 60)).await.unwrap();
    acme.cancel(&off, Party::Customer, None).await.unwrap();
    acme.book(lead, NewAppointment::at(schedule("16:00", 60)).direct(Target::team("west"))).await.unwrap();
    acme.set_calendar(ann(), always().buffers(30, 0)).await.unwrap();
    let before = acme.book(lead, with_ann("12:30", 30)).await.unwrap();
    let seated = acme.seat_appointments(&PageRequest::first(2)).await.unwrap();
    let rest = acme.seat_appointments(&PageRequest::after(seated.next.unwrap(), 100)).await.unwrap();
    let ids: Vec<_> = seated.items.iter().chain(&rest.items).map(|row| row.id).collect();
    assert_eq!((ids, rest.next), (vec![first.id, second.id], None));
    assert_eq!(seated.items[0].routing.takes, before.routing.takes);
    assert_eq!(seated.items[0].version, first.version.next());
    assert_eq!(acme.appointment(first.id).await.unwrap().as_ref(), Some(&seated.items[0]));
    // From now on they stand in the way, and give their time back.
    for wall in ["09:30", "11:00", "11:45"] {
        let refused = acme.book(lead, with_ann(wall, 60)).await.unwrap_err();
        assert_eq!(clash(&refused).why, ClashWhy::Taken, "{wall}");
    }
    acme.cancel(second.id, Party::Customer, None).await.unwrap();
    assert_eq!(busy(&acme, &ann()).await.len(), 2);
    acme.reschedule(first.id, schedule("10:30", 60), Party::Staff, None).await.unwrap();
    assert_eq!(acme.seat_appointments(&PageRequest::default()).await.unwrap().items, []);
    // Other minutes before and after are theirs only once they are seated again.
    acme.set_calendar(ann(), always().buffers(30, 60)).await.unwrap();
    assert_eq!(acme.seat_appointments(&PageRequest::default()).await.unwrap().items.len(), 2);
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

pub(crate) async fn of_a_hundred_who_want_one_time_as_many_get_it_as_there_is_room(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, lead) = acme(&world).await;
    acme.set_calendar(Resource::team("crew"), always().capacity(3)).await.unwrap();
    let answers = at_once(&world, &acme, 100, |handle, n| {
        let visit = NewAppointment::at(schedule("10:00", 60)).direct(Target::team("crew"));
        match n % 4 {
            // They want another part of the hour, or hold it first.
            0 => block_on(
                handle.book(lead, NewAppointment::at(schedule("10:30", 30)).direct(Target::team("crew"))),
            ),
            1 => block_on(async {
                let hold =
                    handle.hold(NewHold::at(schedule("10:00", 60), 5).of(Resource::team("crew"), 1)).await?;
                handle.book(lead, visit.holding(hold)).await
            }),
            _ => block_on(handle.book(lead, visit)),
        }
    });
    let (booked, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((booked.len(), refused.len()), (3, 97));
    for error in refused.into_iter().filter_map(Result::err) {
        let clash = clash(&error);
        assert_eq!((clash.why, clash.next[0].start), (ClashWhy::Taken, at("11:00")));
    }
    assert_eq!(busy(&acme, &Resource::team("crew")).await.len(), 3);
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

pub(crate) async fn calendars_are_of_their_workspace(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, own) = acme(&world).await;
    let other = world.convio().create_workspace(NewWorkspace::named("Other")).await.unwrap();
    let theirs = created(other.ingest(lead(1)).await).lead;
    acme.set_calendar(ann(), always()).await.unwrap();
    acme.book(own, with_ann("10:00", 60)).await.unwrap();
    assert_eq!((other.calendar(&ann()).await.unwrap(), other.calendars().await.unwrap()), (None, Vec::new()));
    assert_eq!(busy(&other, &ann()).await, []);
    other.book(theirs, with_ann("10:00", 60)).await.unwrap();
    // A calendar of the same name is another one, with nothing taken.
    let one = other.set_calendar(ann(), always()).await.unwrap();
    assert_ne!(Some(one.id), acme.calendar(&ann()).await.unwrap().map(|calendar| calendar.id));
    other.book(theirs, with_ann("10:00", 60)).await.unwrap();
    assert_eq!((busy(&other, &ann()).await.len(), busy(&acme, &ann()).await.len()), (1, 1));
    in_order(&world, &acme).await;
    in_order(&world, &other).await;
}

pub(crate) async fn what_is_set_of_a_calendar_is_checked(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, _) = acme(&world).await;
    let head = acme.head().await.unwrap();
    let wrong = always().capacity(0).buffers(1_441, 2_000);
    let wrong = acme.set_calendar(Resource::person(" "), wrong).await.unwrap_err();
    let fields = ["capacity/out_of_range", "before/out_of_range", "after/out_of_range", "resource/invalid"];
    assert_eq!(codes(wrong.reasons()), fields);
    let week = Hours::of(Zone::UTC).each([chrono::Weekday::Mon], 1_500, 60);
    assert_eq!(
        codes(acme.set_calendar(ann(), CalendarSettings::open(week)).await.unwrap_err().reasons()),
        ["hours/invalid"]
    );
    assert_eq!(acme.head().await.unwrap(), head);
    let first = acme.set_calendar(ann(), always()).await.unwrap();
    world.clock.advance(TimeDelta::hours(1));
    let second = acme.set_calendar(ann(), always().capacity(2)).await.unwrap();
    assert_eq!((first.id, first.created_at), (second.id, second.created_at));
    assert_eq!(world.elsewhere(&acme).calendar(&ann()).await.unwrap(), Some(second.clone()));
    acme.set_calendar(bob(), always()).await.unwrap();
    let all = acme.calendars().await.unwrap();
    assert_eq!(all.iter().map(|it| &it.resource).collect::<Vec<_>>(), [&ann(), &bob()]);
    let stream = StreamRef::Subject(convio_core::Subject::Calendar(first.id));
    let history = acme.history(stream, &Default::default()).await.unwrap().items;
    assert!(history.iter().all(|event| matches!(event.body, EventBody::CalendarSet { .. })));
    assert_eq!(Calendar::fold(&history), Some(second));
    in_order(&world, &acme).await;
}

/// Visits, moves, ends and holds at random, in quarters of an hour of three days, each answered as a list of intervals that is gone
/// through from end to end would.
pub(crate) async fn random_bookings_are_those_of_a_naive_list(subject: &dyn Subject) {
    let mut dice = Dice::of_this_run();
    let world = World::of(subject);
    for _ in 0..RUNS {
        let (acme, lead) = acme(&world).await;
        let mut naive = Naive::default();
        for resource in [ann(), Resource::thing("seats")] {
            let capacity = dice.below(3) as u32 + 1;
            let buffers = [0, 15, 60][dice.index(3)];
            let settings = always().capacity(capacity).buffers(buffers, 0);
            acme.set_calendar(resource.clone(), settings).await.unwrap();
            naive.calendars.push((resource, capacity, buffers));
        }
        for step in 0..STEPS {
            let told = step_of(&world, &acme, lead, &mut naive, &mut dice).await;
            assert!(told, "step {step}: {naive:?}");
        }
        for (resource, ..) in naive.calendars.clone() {
            let mut expected = naive.standing(&resource, world.clock.now());
            expected.sort_unstable();
            let found: Vec<_> =
                busy(&acme, &resource).await.into_iter().map(|it| (it.time, it.by, it.units)).collect();
            assert_eq!(found, expected);
        }
        in_order(&world, &acme).await;
    }
}

/// One act, and whether it was answered as the list says.
async fn step_of(
    world: &World<'_>,
    acme: &WorkspaceHandle<'_>,
    lead: LeadId,
    naive: &mut Naive,
    dice: &mut Dice,
) -> bool {
    let now = world.clock.now();
    let start = at("00:00") + TimeDelta::minutes(15 * dice.below(3 * 96) as i64);
    let minutes = [15, 45, 60, 600][dice.index(4)];
    let time = Schedule::at(start, &Zone::UTC).minutes(minutes);
    let units = dice.below(3) as u32;
    match dice.below(10) {
        0..=3 => {
            let wants: Vec<_> = naive.wants(&time, [1, units]);
            let visit = NewAppointment::at(time).direct(Target::person("ann"));
            let visit = if units > 0 { visit.with(Resource::thing("seats"), units) } else { visit };
            let hold = (dice.chance(30) && !naive.holds.is_empty())
                .then(|| naive.holds.swap_remove(dice.index(naive.holds.len())));
            let mut after = naive.taken.clone();
            after.retain(|it| hold.as_ref().is_none_or(|hold| it.by != hold.mark()));
            let fits = naive.fits(&after, &wants, now);
            let visit = match &hold {
                Some(hold) => visit.holding(hold.clone()),
                None => visit,
            };
            match acme.book(lead, visit).await {
                Ok(visit) => {
                    naive.taken = after;
                    naive.take(visit.id.uuid(), wants, None);
                    naive.visits.push(visit);
                    fits
                }
                // What was held is held as before.
                Err(error) => {
                    naive.holds.extend(hold);
                    is_refused(&error) && !fits
                }
            }
        }
        4 | 5 => {
            let wants: Vec<_> = naive.wants(&time, [1, units]);
            let fits = naive.fits(&naive.taken, &wants, now);
            let hold = NewHold::at(time, 10).of(ann(), 1);
            let hold = if units > 0 { hold.of(Resource::thing("seats"), units) } else { hold };
            match acme.hold(hold).await {
                Ok(hold) => {
                    naive.take(hold.mark(), wants, Some(hold.until));
                    naive.holds.push(hold);
                    fits
                }
                Err(error) => is_refused(&error) && !fits,
            }
        }
        6 | 7 if !naive.visits.is_empty() => {
            let n = dice.index(naive.visits.len());
            let visit = naive.visits[n].clone();
            let units = visit.routing.takes.get(1).map_or(0, |taken| taken.units);
            let wants: Vec<_> = naive.wants(&time, [1, units]);
            let mut after = naive.taken.clone();
            after.retain(|it| it.by != visit.id.uuid());
            let fits = naive.fits(&after, &wants, now);
            match acme.reschedule(&visit, time, Party::Customer, None).await {
                Ok(moved) => {
                    naive.taken = after;
                    naive.take(moved.id.uuid(), wants, None);
                    naive.visits[n] = moved;
                    fits
                }
                Err(error) => is_refused(&error) && !fits,
            }
        }
        8 if !naive.visits.is_empty() => {
            let visit = naive.visits.swap_remove(dice.index(naive.visits.len()));
            naive.taken.retain(|it| it.by != visit.id.uuid());
            acme.cancel(&visit, Party::Staff, None).await.is_ok()
        }
        9 if dice.chance(50) && !naive.holds.is_empty() => {
            let hold = naive.holds.swap_remove(dice.index(naive.holds.len()));
            naive.taken.retain(|it| it.by != hold.mark());
            acme.end_hold(hold).await.is_ok()
        }
        _ => {
            world.clock.advance(TimeDelta::minutes(dice.below(8) as i64));
            true
        }
    }
}

/// What is taken, as a list.
#[derive(Debug, Default)]
struct Naive {
    /// Each with its capacity, and the minutes that it takes before.
    calendars: Vec<(Resource, u32, u32)>,
    taken: Vec<Entry>,
    visits: Vec<Appointment>,
    holds: Vec<Hold>,
}

#[derive(Debug, Clone)]
struct Entry {
    by: uuid::Uuid,
    want: Want,
    until: Option<DateTime<Utc>>,
}

/// So many units of a calendar, by its place, in a time.
type Want = (usize, Interval, u32);

impl Naive {
    fn wants(&self, time: &Schedule, units: [u32; 2]) -> Vec<Want> {
        let around =
            |n: usize| time.time().widened(TimeDelta::minutes(self.calendars[n].2.into()), TimeDelta::zero());
        (0..2).filter(|n| units[*n] > 0).map(|n| (n, around(n), units[n])).collect()
    }

    fn take(&mut self, by: uuid::Uuid, wants: Vec<Want>, until: Option<DateTime<Utc>>) {
        self.taken.extend(wants.into_iter().map(|want| Entry { by, want, until }));
    }

    /// Whether there is room at every minute.
    fn fits(&self, taken: &[Entry], wants: &[Want], now: DateTime<Utc>) -> bool {
        wants.iter().all(|(n, time, units)| {
            let minutes = (time.end - time.start).num_minutes();
            (0..minutes).map(|minute| time.start + TimeDelta::minutes(minute)).all(|minute| {
                let there = taken.iter().filter(|it| it.until.is_none_or(|until| now < until)).filter(|it| {
                    let (of, time, _) = it.want;
                    of == *n && time.start <= minute && minute < time.end
                });
                there.map(|it| it.want.2).sum::<u32>() + units <= self.calendars[*n].1
            })
        })
    }

    fn standing(&self, resource: &Resource, now: DateTime<Utc>) -> Vec<(Interval, uuid::Uuid, u32)> {
        let stands = |it: &&Entry| it.until.is_none_or(|until| now < until);
        let of = self.taken.iter().filter(stands).filter(|it| self.calendars[it.want.0].0 == *resource);
        of.map(|it| (it.want.1, it.by, it.want.2)).collect()
    }
}

async fn acme(world: &World<'_>) -> (WorkspaceHandle<'static>, LeadId) {
    let acme = world.acme().await;
    let lead = created(acme.ingest(lead(1)).await).lead;
    (acme, lead)
}

fn ann() -> Resource {
    Resource::person("ann")
}

fn bob() -> Resource {
    Resource::person("bob")
}

fn always() -> CalendarSettings {
    CalendarSettings::open(Hours::always(Zone::UTC))
}

/// On the day after that on which worlds begin.
fn schedule(wall: &str, minutes: u32) -> Schedule {
    Schedule::local(&format!("2027-03-02T{wall}"), "UTC").unwrap().minutes(minutes)
}

fn at(wall: &str) -> DateTime<Utc> {
    schedule(wall, 60).starts_at
}

fn on_day(wall: &str, minutes: u32) -> Interval {
    schedule(wall, minutes).time()
}

fn with_ann(wall: &str, minutes: u32) -> NewAppointment {
    NewAppointment::at(schedule(wall, minutes)).direct(Target::person("ann"))
}

fn who(visit: &Appointment) -> Option<&str> {
    visit.routing.target.as_ref().map(Target::name)
}

#[track_caller]
fn clash(error: &Error) -> &Clash {
    error.clash().unwrap_or_else(|| panic!("no clash: {error}"))
}

/// For want of room, now or at all.
fn is_refused(error: &Error) -> bool {
    error.clash().is_some() || codes(error.reasons()) == ["units/out_of_range"]
}

/// What is taken from the day before that of [`schedule`] to the fourth after it.
async fn busy(acme: &WorkspaceHandle<'_>, resource: &Resource) -> Vec<Busy> {
    let start = at("00:00");
    acme.busy(resource, Interval::new(start - TimeDelta::days(1), start + TimeDelta::days(5))).await.unwrap()
}

const RUNS: usize = 6;
const STEPS: usize = 60;
