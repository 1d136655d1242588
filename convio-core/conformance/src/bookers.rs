//! Bookers who want more than a cap gives, and decline and cancel between: a play for many tasks of several processes.

use convio_core::appointment::AppointmentFilter;
use convio_core::availability::Hours;
use convio_core::routing::{Cap, Draft, How, Period, Strategy, TargetSettings};
use convio_core::{
    Appointment, AppointmentStatus, CalendarSettings, ErrorKind, LeadId, NewAppointment, NewHold,
    PageRequest, Party, Resource, Rule, Schedule, Store, Target, WorkspaceHandle, Zone,
};

use crate::dice::Dice;
use crate::{Snapshot, check_invariants};

/// Rules with a cap of [`CAP`] in total; of three targets who take turns, each takes [`EACH`].
pub fn rules() -> Draft {
    let parts = NAMES.into_iter().zip([5, 3, 2]).map(|(name, weight)| (Target::person(name), weight));
    let rule = Rule::among(Strategy::Rotate, parts).named("capped").any_product().any_zip();
    let each = |name| TargetSettings::of(Target::person(name)).cap(Cap::count(EACH, Period::Total));
    let draft = Draft::of([rule.cap(Cap::count(CAP, Period::Total))]);
    NAMES.into_iter().map(each).fold(draft, Draft::target)
}

/// Books so often from a lead of its own, and now and then cancels what was booked, or lets its target decline it. Says how many
/// were booked.
pub async fn book(acme: &WorkspaceHandle<'_>, times: usize, dice: &mut Dice) -> usize {
    let lead = lead_of(acme, dice.below(1_000)).await;
    for _ in 0..times {
        let visit = acme.book(lead, visit()).await.expect("a visit is booked");
        let changed = match dice.below(4) {
            0 => acme.cancel(visit.id, Party::Customer, None).await,
            1 if visit.routing.target.is_some() => acme.decline(visit.id, None).await,
            _ => Ok(visit),
        };
        changed.expect("a visit that is nobody else's");
    }
    times
}

/// Books until nobody takes any more, and checks that exactly as many visits stand as the caps allow.
pub async fn check(store: &dyn Store, acme: &WorkspaceHandle<'_>) {
    let lead = lead_of(acme, 1_000).await;
    let before = standing(acme).await;
    assert!(before.len() <= CAP as usize, "{} visits stand", before.len());
    loop {
        let visit = acme.book(lead, visit()).await.expect("a visit is booked");
        if visit.routing.how == How::Unrouted {
            break;
        }
    }
    let refused = acme.route_waiting(&PageRequest::default()).await.expect("an answer").items;
    assert_eq!(refused, [], "there is no room for those who wait");
    let standing = standing(acme).await;
    assert_eq!(standing.len(), CAP as usize);
    for name in NAMES {
        let has = standing.iter().filter(|visit| visit.routing.target == Some(Target::person(name)));
        assert!(has.count() <= EACH as usize, "{name} has more than {EACH}");
    }
    let snapshot = Snapshot::of(store, acme.id(), 1_000).await.expect("a snapshot");
    check_invariants(&snapshot).expect("all in order");
    // One that is given back is there for one more, and for no second.
    acme.cancel(standing[0].id, Party::Staff, None).await.expect("a visit that stands");
    let freed = acme.route_waiting(&PageRequest::first(1_000)).await.expect("an answer").items;
    assert_eq!(freed.len(), 1);
    let error = acme.route(freed[0].id).await.expect_err("it is routed");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

/// A crew that can be booked [`SEATS`] times at once, and a lead to book from.
pub async fn set_up_crew(acme: &WorkspaceHandle<'_>) -> LeadId {
    let settings = CalendarSettings::open(Hours::always(Zone::UTC)).capacity(SEATS);
    acme.set_calendar(Resource::team("crew"), settings).await.expect("a calendar");
    lead_of(acme, 1_000).await
}

/// Wants the crew at ten; every third holds it first. Says whether it was had, or from when on it is free.
pub async fn want_crew(acme: &WorkspaceHandle<'_>, lead: LeadId, dice: &mut Dice) -> String {
    let time = Schedule::local("2027-03-02T10:00", "UTC").expect("a time");
    let visit = NewAppointment::at(time.clone()).direct(Target::team("crew"));
    let answer = match dice.below(3) {
        0 => match acme.hold(NewHold::at(time, 5).of(Resource::team("crew"), 1)).await {
            Ok(hold) => acme.book(lead, visit.holding(hold)).await,
            Err(error) => Err(error),
        },
        _ => acme.book(lead, visit).await,
    };
    match answer {
        Ok(_) => "booked".to_owned(),
        Err(error) => match error.clash() {
            Some(clash) => format!("{}, free at {}", clash.why.code(), clash.next[0].start.format("%H:%M")),
            None => error.to_string(),
        },
    }
}

/// Checks that the crew was had as often as it can be, and that everyone else was told when it is free.
pub async fn check_crew(store: &dyn Store, acme: &WorkspaceHandle<'_>, answers: &[String]) {
    let booked = answers.iter().filter(|answer| *answer == "booked").count();
    let refused = answers.iter().filter(|answer| *answer == "taken, free at 11:00").count();
    assert_eq!((booked, refused), (SEATS as usize, answers.len() - SEATS as usize), "{answers:?}");
    let day = Schedule::local("2027-03-02T00:00", "UTC").expect("a time").minutes(24 * 60).time();
    let busy = acme.busy(&Resource::team("crew"), day).await.expect("an answer");
    assert_eq!((busy.len(), busy.iter().filter(|it| it.until.is_some()).count()), (SEATS as usize, 0));
    let snapshot = Snapshot::of(store, acme.id(), 1_000).await.expect("a snapshot");
    check_invariants(&snapshot).expect("all in order");
}

async fn lead_of(acme: &WorkspaceHandle<'_>, n: u64) -> LeadId {
    let raw = crate::lead(u32::try_from(n).expect("a few"));
    let taken = acme.ingest(raw).await.expect("an answer");
    taken.accepted().expect("a lead that is taken").lead
}

fn visit() -> NewAppointment {
    NewAppointment::at(Schedule::local("2027-03-02T10:00", "America/Los_Angeles").expect("a time"))
}

/// The visits that someone has and that were not called off.
async fn standing(acme: &WorkspaceHandle<'_>) -> Vec<Appointment> {
    let mut page = PageRequest::first(1_000);
    let mut all = Vec::new();
    loop {
        let found = acme.appointments(&AppointmentFilter::default(), &page).await.expect("a list");
        all.extend(found.items);
        match found.next {
            Some(next) => page = PageRequest::after(next, 1_000),
            None => break,
        }
    }
    all.retain(|visit| visit.status == AppointmentStatus::Booked && visit.routing.target.is_some());
    all
}

const NAMES: [&str; 3] = ["ann", "bob", "eve"];
/// How often the crew can be booked at once.
pub const SEATS: u32 = 3;
/// What all take together.
pub const CAP: u32 = 100;
/// What one of them takes.
pub const EACH: u32 = 40;
