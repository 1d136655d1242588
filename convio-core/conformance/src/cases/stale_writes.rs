use convio_core::{
    AppointmentStatus, Channel, Clock, Error, NewConversion, Outcome, Party, RowRef, Schedule, Version,
    WorkspaceHandle,
};
use pollster::block_on;

use super::concurrency::{at_once, one_wins};
use super::lead_work::{attempt, change, in_order, row};
use crate::{Subject, World, created, lead};

pub(crate) async fn of_sixteen_who_saw_the_same_lead_one_writes(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    for round in 0..4 {
        let seen = row(&acme, id).await;
        one_wins(at_once(&world, &acme, WRITERS, |handle, n| {
            block_on(change(handle, (round + n) % 6, &seen))
        }));
        assert_eq!(row(&acme, id).await.version, seen.version.next());
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn sixteen_who_name_a_lead_by_id_all_write(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let now = world.clock.now();
    at_once(&world, &acme, WRITERS, |handle, n| {
        block_on(async {
            handle.record_attempt(id, attempt(Channel::Call, n % 4 == 0, now)).await.unwrap();
            handle.note(id, format!("note {n}")).await.unwrap();
        });
    });
    let lead = row(&acme, id).await;
    assert_eq!((lead.attempts.count, lead.version), (16, Version(33)));
    let mut notes: Vec<_> = acme.lead_notes(id).await.unwrap().into_iter().map(|note| note.text).collect();
    notes.sort();
    notes.dedup();
    assert_eq!(notes.len(), WRITERS, "a note was lost");
    in_order(&world, &acme).await;
}

pub(crate) async fn an_appointment_that_sixteen_end_at_once_has_one_end(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let lead = created(acme.ingest(lead(1)).await).lead;
    for strict in [false, true] {
        let past = Schedule::at(world.clock.now(), &convio_core::Zone::UTC);
        let visit = acme.book(lead, past.clone()).await.unwrap();
        let end = |handle: &WorkspaceHandle<'_>, n: usize| -> Result<(), Error> {
            let seen: RowRef<_> = if strict { (&visit).into() } else { visit.id.into() };
            let sold = Outcome::Sold("10 USD".parse().unwrap());
            block_on(async {
                match n % 4 {
                    0 => handle.complete(seen, sold).await.map(drop),
                    1 => handle.cancel(seen, Party::Customer, None).await.map(drop),
                    2 => handle.no_show(seen, Party::Customer).await.map(drop),
                    _ => handle.reschedule(seen, past.clone(), Party::Staff, None).await.map(drop),
                }
            })
        };
        one_wins(at_once(&world, &acme, WRITERS, end));
        let ended = acme.appointment(visit.id).await.unwrap().unwrap();
        assert!(!ended.status.is_open());
        assert_eq!(ended.version, Version(2));
        let sold = ended.status == AppointmentStatus::Completed;
        assert_eq!(ended.conversion.is_some(), sold);
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn a_conversion_that_sixteen_void_at_once_is_voided_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let lead = created(acme.ingest(lead(1)).await).lead;
    let sale = || NewConversion::sale(lead, "10 USD".parse().unwrap());
    let (kept, voided) = (acme.convert(sale()).await.unwrap(), acme.convert(sale()).await.unwrap());
    let void = |handle: &WorkspaceHandle<'_>, _| block_on(handle.void(voided.id, "twice entered"));
    one_wins(at_once(&world, &acme, WRITERS, void));
    assert_eq!(acme.totals().await.unwrap().revenue.to_string(), "10.00 USD");
    assert_eq!(row(&acme, lead).await.progress.conversion, Some(kept.id));
    in_order(&world, &acme).await;
}

pub(crate) async fn one_external_id_from_sixteen_at_once_is_one_conversion_and_one_appointment(
    subject: &dyn Subject,
) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let lead = created(acme.ingest(lead(1)).await).lead;
    let at = Schedule::local("2027-06-01T10:00", "Europe/London").unwrap();
    let made = at_once(&world, &acme, WRITERS, |handle, _| {
        let sale = NewConversion::sale(lead, "10 USD".parse().unwrap()).external_id("invoice-1");
        let visit = convio_core::NewAppointment::at(at.clone()).external_id("visit-1");
        block_on(async {
            (handle.convert(sale).await.unwrap().id, handle.book(lead, visit).await.unwrap().id)
        })
    });
    assert!(made.iter().all(|ids| *ids == made[0]), "{made:?}");
    let snapshot = in_order(&world, &acme).await;
    assert_eq!((snapshot.conversions.len(), snapshot.appointments.len()), (1, 1));
}

const WRITERS: usize = 16;
