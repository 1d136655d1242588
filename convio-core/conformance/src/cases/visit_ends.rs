use chrono::TimeDelta;
use convio_core::AppointmentStatus::{Booked, Cancelled, Completed, Confirmed, NoShow, Rescheduled};
use convio_core::appointment::{AppointmentFilter, Ended};
use convio_core::{
    Appointment, AppointmentId, AppointmentStatus, Clock, Completion, Cube, Error, ErrorKind, Measure,
    NewAppointment, Outcome, PageRequest, Party, ReportQuery, RowRef, Schedule, Stage, Target, Version,
    WorkspaceHandle,
};
use uuid::Uuid;

use super::lead_work::{in_order, row, schedule};
use super::visits::{at, history};
use crate::{Subject, World, created, lead};

pub(crate) async fn an_open_visit_is_confirmed_once_and_comes_to_one_end(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    world.clock.advance(TimeDelta::days(30)); // so that it may be missed too
    let legal = |from, to| match to {
        Booked => false,
        Confirmed => from == Booked,
        Completed | Cancelled | Rescheduled | NoShow => from == Booked || from == Confirmed,
    };
    for from in AppointmentStatus::ALL {
        for to in AppointmentStatus::ALL {
            assert_eq!(from.transition(to).is_ok(), legal(from, to), "{from:?} to {to:?}");
            if to == Booked {
                continue; // there is no call that books it a second time
            }
            let visit = acme.book(id, schedule()).await.unwrap();
            let visit = if from == Booked { visit } else { become_(&acme, visit.id, from).await.unwrap() };
            assert_eq!(visit.status, from);
            let (lead, head) = (row(&acme, id).await, acme.head().await.unwrap());
            let answer = become_(&acme, visit.id, to).await;
            if legal(from, to) {
                let read = acme.appointment(visit.id).await.unwrap().unwrap();
                assert_eq!((answer.unwrap().status, read.status), (to, to));
                assert_eq!(read.version, visit.version.next());
                continue;
            }
            let error = answer.unwrap_err();
            let message = format!("an appointment can't go from `{}` to `{}`", from.code(), to.code());
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::Conflict, message));
            assert_eq!(acme.appointment(visit.id).await.unwrap(), Some(visit));
            assert_eq!((row(&acme, id).await, acme.head().await.unwrap()), (lead, head));
        }
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn what_has_ended_goes_to_no_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    world.clock.advance(TimeDelta::days(30));
    for status in AppointmentStatus::ALL {
        let visit = acme.book(id, schedule()).await.unwrap();
        if status != Booked {
            become_(&acme, visit.id, status).await.unwrap();
        }
        let answer = acme.assign(visit.id, Target::team("west"), None).await;
        match (status, answer) {
            (Booked | Confirmed, Ok(assigned)) => assert_eq!(assigned.status, status),
            (_, Err(error)) => {
                let message = format!("an appointment that is `{}` goes to no one", status.code());
                assert_eq!((error.kind(), error.to_string()), (ErrorKind::Conflict, message));
            }
            (_, Ok(assigned)) => panic!("it went to {assigned:?}"),
        }
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn a_moved_visit_and_the_one_in_its_place_name_each_other(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let new = NewAppointment::at(schedule()).location("12 Main St").external_id("cal-1");
    let old = acme.book(id, new.clone().direct(Target::team("west")).staff("maria")).await.unwrap();
    let old = acme.confirm(&old).await.unwrap();
    world.clock.advance(TimeDelta::hours(2));
    let later = Schedule::local("2027-04-01T09:30", "Europe/Berlin").unwrap().minutes(45);
    let why = Some("the dog is ill".to_owned());
    let moved = acme.reschedule(&old, later.clone(), Party::Customer, why.clone()).await.unwrap();
    let left = world.elsewhere(&acme).appointment(old.id).await.unwrap().unwrap();
    assert_eq!(
        (left.status, left.rescheduled_to, left.rescheduled_from),
        (Rescheduled, Some(moved.id), None)
    );
    let now = world.clock.now();
    let ended = Ended { at: now, by: Some(Party::Customer), reason: why, late: false };
    assert_eq!((left.ended, left.version), (Some(ended), Version(3)));
    assert_eq!((moved.rescheduled_from, moved.rescheduled_to), (Some(old.id), None));
    assert_eq!((&moved.schedule, moved.status, moved.version), (&later, Booked, Version(1)));
    assert_eq!((&moved.routing, &moved.staff, &moved.location), (&old.routing, &old.staff, &old.location));
    assert_eq!((moved.lead, moved.contact, moved.booked_at), (old.lead, old.contact, now));
    // The external id names the first one for ever.
    assert_eq!((left.external_id.as_deref(), moved.external_id.as_deref()), (Some("cal-1"), None));
    let again = new.direct(Target::team("west")).staff("maria");
    assert_eq!(acme.book(id, again).await.unwrap().id, old.id);
    assert_eq!(acme.appointment(moved.id).await.unwrap(), Some(moved.clone()));
    assert_eq!(history(&acme, moved.id).await, ["appointment.booked"]);
    assert_eq!(
        history(&acme, old.id).await,
        ["appointment.booked", "appointment.confirmed", "appointment.rescheduled"]
    );
    // For the lead nothing happened.
    let lead = row(&acme, id).await;
    assert_eq!((lead.progress.open_appointments, lead.version), (1, Version(2)));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visit_that_is_moved_three_times_is_counted_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let mut chain = vec![acme.book(id, schedule()).await.unwrap().id];
    for n in 0..3 {
        world.clock.advance(TimeDelta::days(1));
        let later = Schedule::at(world.clock.now() + TimeDelta::days(10 + n), &schedule().zone);
        let moved = acme.reschedule(chain[chain.len() - 1], later, Party::Staff, None).await.unwrap();
        chain.push(moved.id);
    }
    // Assigned only now: what was moved before was moved as one that went to no one.
    acme.assign(chain[3], Target::team("west"), None).await.unwrap();
    acme.complete(chain[3], Outcome::Undecided).await.unwrap();
    let listed =
        acme.appointments(&AppointmentFilter::of_lead(id), &PageRequest::default()).await.unwrap().items;
    let links: Vec<_> =
        listed.iter().map(|visit| (visit.rescheduled_from, visit.id, visit.rescheduled_to)).collect();
    let link = |n: usize| (n.checked_sub(1).map(|n| chain[n]), chain[n], chain.get(n + 1).copied());
    assert_eq!(links, (0..4).map(link).collect::<Vec<_>>());
    let sum = |rows: &[convio_core::Rollup], measure| rows.iter().map(|row| row.get(measure)).sum::<i64>();
    let rows = acme.report(&ReportQuery::all(Cube::Appointments)).await.unwrap();
    let counted = [Measure::Routed, Measure::Rescheduled, Measure::Completed, Measure::Cancelled];
    assert_eq!(counted.map(|measure| sum(&rows, measure)), [1, 3, 1, 0]);
    let west = rows.iter().filter(|row| row.dims[0] == "team `west`").cloned().collect::<Vec<_>>();
    assert_eq!(counted.map(|measure| sum(&west, measure)), [0, 0, 1, 0]);
    let booked = acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap();
    assert_eq!(sum(&booked, Measure::Booked), 1);
    let lead = row(&acme, id).await;
    assert_eq!((lead.progress.status.stage, lead.progress.open_appointments), (Stage::Qualified, 0));
    in_order(&world, &acme).await;
}

pub(crate) async fn who_calls_off_shortly_before_does_so_late(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let other = world.elsewhere(&acme);
    other.lead(id).await.unwrap();
    let zone = schedule().zone;
    let (hour, tick) = (TimeDelta::hours(1), TimeDelta::microseconds(1));
    for (hours, notice, late) in [
        (None, hour * 24, false), // a day's notice is what is asked for by default
        (None, hour * 24 - tick, true),
        (Some(48), hour * 48, false),
        (Some(48), hour * 48 - tick, true),
        (Some(0), TimeDelta::zero(), false),
        (Some(0), -tick, true), // after its start
    ] {
        if let Some(hours) = hours {
            let mut settings = acme.workspace().await.unwrap().unwrap().settings;
            settings.policy.late_cancel_hours = hours;
            acme.configure(settings).await.unwrap();
        }
        let starts = || Schedule::at(world.clock.now() + notice, &zone);
        let visit = acme.book(id, starts()).await.unwrap();
        let off = other.cancel(visit.id, Party::Customer, Some("ill".into())).await.unwrap();
        let by = Some(Party::Customer);
        let ended = Ended { at: world.clock.now(), by, reason: Some("ill".into()), late };
        assert_eq!(off.ended, Some(ended), "{notice} of {hours:?} hours");
        assert_eq!(acme.appointment(visit.id).await.unwrap(), Some(off));
        let visit = acme.book(id, starts()).await.unwrap();
        acme.reschedule(visit.id, schedule(), Party::Staff, None).await.unwrap();
        let left = acme.appointment(visit.id).await.unwrap().unwrap();
        assert_eq!(left.ended.unwrap().late, late, "moved with {notice} of {hours:?} hours");
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn no_one_misses_a_visit_before_it_starts(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let starts = Schedule::at(world.clock.now() + TimeDelta::hours(1), &schedule().zone);
    let visit = acme.book(id, starts).await.unwrap();
    world.clock.advance(TimeDelta::hours(1) - TimeDelta::microseconds(1));
    let before = in_order(&world, &acme).await;
    let error = acme.no_show(visit.id, Party::Customer).await.unwrap_err();
    let told = (error.kind(), error.to_string());
    assert_eq!(told, (ErrorKind::Conflict, "no one misses an appointment before it starts".to_owned()));
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    world.clock.advance(TimeDelta::microseconds(1));
    let missed = acme.no_show(visit.id, Party::Staff).await.unwrap();
    let ended = Ended { at: world.clock.now(), by: Some(Party::Staff), reason: None, late: false };
    assert_eq!((missed.status, missed.ended), (NoShow, Some(ended)));
    let rows = acme.report(&ReportQuery::all(Cube::Appointments)).await.unwrap();
    assert_eq!((rows[0].get(Measure::NoShow), rows[0].get(Measure::Completed)), (1, 0));
    // It did not take place: the lead was not met.
    let lead = row(&acme, id).await;
    assert_eq!(lead.progress.status.stage, Stage::Qualified);
    assert!(!lead.progress.reached.has(convio_core::lead::Step::Met));
    in_order(&world, &acme).await;
}

pub(crate) async fn the_last_open_visit_decides_where_its_lead_goes(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let sold = || Completion::from(Outcome::Sold("5 USD".parse().unwrap()));
    type End = fn() -> Option<Completion>;
    let ends: [(End, Stage, Option<&str>, Stage); 5] = [
        (|| Some(Completion::from(Outcome::NotSold)), Stage::Lost, Some("not sold"), Stage::Scheduled),
        (
            || Some(Completion::from(Outcome::NotSold).reason("too dear")),
            Stage::Lost,
            Some("too dear"),
            Stage::Scheduled,
        ),
        (
            || Some(Completion::from(Outcome::Undecided).reason("thinks")),
            Stage::Qualified,
            None,
            Stage::Scheduled,
        ),
        (|| Some(Completion::from(Outcome::Sold("5 USD".parse().unwrap()))), Stage::Won, None, Stage::Won),
        (|| None, Stage::Qualified, None, Stage::Scheduled), // called off
    ];
    for (n, (end, of_one, reason, of_two)) in (0..).zip(ends) {
        let finish = async |visit: AppointmentId| match end() {
            Some(completion) => drop(acme.complete(visit, completion).await.unwrap()),
            None => drop(acme.cancel(visit, Party::Staff, None).await.unwrap()),
        };
        let one = created(acme.ingest(lead(10 * n)).await).lead;
        let visit = acme.book(one, schedule()).await.unwrap();
        finish(visit.id).await;
        let after = row(&acme, one).await.progress;
        let told = (after.status.stage, after.reason.as_deref(), after.open_appointments);
        assert_eq!(told, (of_one, reason, 0), "{n}");
        // With another one still open nothing but a sale moves it; the last one does.
        let two = created(acme.ingest(lead(10 * n + 1)).await).lead;
        let visits = [acme.book(two, schedule()).await.unwrap(), acme.book(two, schedule()).await.unwrap()];
        finish(visits[1].id).await;
        let after = row(&acme, two).await.progress;
        assert_eq!((after.status.stage, after.open_appointments), (of_two, 1), "{n}");
        finish(visits[0].id).await;
        let after = row(&acme, two).await.progress;
        assert_eq!(
            (after.status.stage, after.reason.as_deref(), after.open_appointments),
            (of_one, reason, 0)
        );
        // Whom people moved on meanwhile stays where they put it, unless it is sold.
        let moved = created(acme.ingest(lead(10 * n + 2)).await).lead;
        let visit = acme.book(moved, schedule()).await.unwrap();
        acme.move_lead(moved, "contacted", None).await.unwrap();
        finish(visit.id).await;
        let expected = if of_one == Stage::Won { Stage::Won } else { Stage::Contacted };
        assert_eq!(row(&acme, moved).await.progress.status.stage, expected, "{n}");
        // And who is sold stays sold.
        let done = created(acme.ingest(lead(10 * n + 3)).await).lead;
        let visits = [acme.book(done, schedule()).await.unwrap(), acme.book(done, schedule()).await.unwrap()];
        acme.complete(visits[0].id, sold()).await.unwrap();
        finish(visits[1].id).await;
        assert_eq!(row(&acme, done).await.progress.status.stage, Stage::Won, "{n}");
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visit_completed_earlier_counts_on_that_day(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    world.clock.advance(TimeDelta::days(20));
    let finish = async |outcome: Outcome, when: &str| {
        let visit = acme.book(id, schedule()).await.unwrap();
        acme.complete(visit.id, Completion::from(outcome).completed_at(at(when))).await.unwrap()
    };
    // Half past eight in the morning UTC is just past midnight in Los Angeles, five minutes to eight is not.
    let met = finish(Outcome::Undecided, "2027-03-11T07:55:00Z").await;
    assert_eq!(met.appointment.ended.unwrap().at, at("2027-03-11T07:55:00Z"));
    let sold = finish(Outcome::Sold("5 USD".parse().unwrap()), "2027-03-11T08:30:00Z").await;
    let conversion = sold.conversion.unwrap();
    let told = (conversion.occurred_at, conversion.day.to_string());
    assert_eq!(told, (at("2027-03-11T08:30:00Z"), "2027-03-11".to_owned()));
    assert_eq!(conversion.seconds_to_convert, 10 * 86_400 - 6 * 3_600 - 1_800);
    let late = finish(Outcome::NotSold, "2028-01-01T00:00:00Z").await;
    assert_eq!(late.appointment.ended.unwrap().at, world.clock.now(), "a time to come counts as now");
    let rows = acme.report(&ReportQuery::all(Cube::Appointments)).await.unwrap();
    let done = rows.iter().filter(|row| row.get(Measure::Completed) > 0);
    let done: Vec<_> = done.map(|row| (row.day.to_string(), row.get(Measure::Completed))).collect();
    let days = ["2027-03-10", "2027-03-11", "2027-03-21"].map(|day| (day.to_owned(), 1));
    assert_eq!(done, days);
    let day = |day: &str| day.parse().unwrap();
    let funnel = acme.funnel(None, day("2027-03-10"), day("2027-03-10")).await.unwrap();
    assert_eq!((funnel.met, funnel.won), (1, 0), "it was met once, and sold a day later");
    in_order(&world, &acme).await;
}

pub(crate) async fn a_stale_visit_is_refused_and_its_id_is_not(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    world.clock.advance(TimeDelta::days(30));
    for to in [Confirmed, Completed, Cancelled, Rescheduled, NoShow] {
        let seen = acme.book(id, schedule()).await.unwrap();
        let fresh = world.elsewhere(&acme).assign(seen.id, Target::team("west"), None).await.unwrap();
        let before = in_order(&world, &acme).await;
        for error in [become_(&acme, &seen, to).await, acme.assign(&seen, Target::team("east"), None).await] {
            let error = error.unwrap_err();
            let message = format!("appointment `{}` was changed by someone else", seen.id);
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::Conflict, message));
        }
        assert_eq!(before.difference(&in_order(&world, &acme).await), None);
        assert_eq!(become_(&acme, &fresh, to).await.unwrap().status, to);
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visit_of_another_workspace_is_not_there(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    let theirs = created(other.ingest(lead(1)).await).lead;
    let theirs = other.book(theirs, schedule()).await.unwrap().id;
    let before = in_order(&world, &other).await;
    for id in [theirs, AppointmentId::from_uuid(Uuid::from_u128(7))] {
        for to in [Confirmed, Completed, Cancelled, Rescheduled, NoShow] {
            let error = become_(&acme, id, to).await.unwrap_err();
            let told = (error.kind(), error.to_string());
            assert_eq!(told, (ErrorKind::NotFound, format!("no appointment `{id}` in this workspace")));
        }
        let error = acme.assign(id, Target::team("west"), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(acme.appointment(id).await.unwrap(), None);
    }
    assert_eq!(before.difference(&in_order(&world, &other).await), None);
}

/// Brings a visit to this status, and reads it again where the answer is another one.
pub(super) async fn become_(
    acme: &WorkspaceHandle<'_>,
    visit: impl Into<RowRef<AppointmentId>>,
    to: AppointmentStatus,
) -> Result<Appointment, Error> {
    let visit = visit.into();
    match to {
        Booked => panic!("a visit is booked by `book` only"),
        Confirmed => acme.confirm(visit).await,
        Completed => Ok(acme.complete(visit, Outcome::Undecided).await?.appointment),
        Cancelled => acme.cancel(visit, Party::Customer, None).await,
        NoShow => acme.no_show(visit, Party::Customer).await,
        Rescheduled => {
            acme.reschedule(visit, schedule(), Party::Staff, None).await?;
            Ok(acme.appointment(visit.id).await?.unwrap())
        }
    }
}
