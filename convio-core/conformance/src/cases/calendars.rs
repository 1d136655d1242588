use chrono::{DateTime, TimeDelta, Utc};
use convio_core::availability::{Hours, Interval};
use convio_core::calendar::{Busy, Clash, ClashWhy};
use convio_core::routing::How;
use convio_core::{
    Appointment, Calendar, CalendarSettings, Error, ErrorKind, EventBody, LeadId, NewAppointment, NewHold,
    NewWorkspace, Outcome, PageRequest, Party, Resource, Schedule, StreamRef, Target, WorkspaceHandle, Zone,
};
use pollster::block_on;

use super::concurrency::at_once;
use super::lead_work::in_order;
use crate::{Subject, World, codes, created, lead};

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
    acme.set_calendar(Resource::of(&crew).unwrap(), always().capacity(2)).await.unwrap();
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

pub(super) async fn acme(world: &World<'_>) -> (WorkspaceHandle<'static>, LeadId) {
    let acme = world.acme().await;
    let lead = created(acme.ingest(lead(1)).await).lead;
    (acme, lead)
}

pub(super) fn ann() -> Resource {
    Resource::person("ann")
}

pub(super) fn bob() -> Resource {
    Resource::person("bob")
}

pub(super) fn always() -> CalendarSettings {
    CalendarSettings::open(Hours::always(Zone::UTC))
}

/// On the day after that on which worlds begin.
pub(super) fn schedule(wall: &str, minutes: u32) -> Schedule {
    Schedule::local(&format!("2027-03-02T{wall}"), "UTC").unwrap().minutes(minutes)
}

pub(super) fn at(wall: &str) -> DateTime<Utc> {
    schedule(wall, 60).starts_at
}

pub(super) fn on_day(wall: &str, minutes: u32) -> Interval {
    schedule(wall, minutes).time()
}

pub(super) fn with_ann(wall: &str, minutes: u32) -> NewAppointment {
    NewAppointment::at(schedule(wall, minutes)).direct(Target::person("ann"))
}

pub(super) fn who(visit: &Appointment) -> Option<&str> {
    visit.routing.target.as_ref().map(Target::name)
}

#[track_caller]
pub(super) fn clash(error: &Error) -> &Clash {
    error.clash().unwrap_or_else(|| panic!("no clash: {error}"))
}

/// What is taken from the day before that of [`schedule`] to the fourth after it.
pub(super) async fn busy(acme: &WorkspaceHandle<'_>, resource: &Resource) -> Vec<Busy> {
    let start = at("00:00");
    acme.busy(resource, Interval::new(start - TimeDelta::days(1), start + TimeDelta::days(5))).await.unwrap()
}
