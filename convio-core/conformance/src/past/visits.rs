use chrono::TimeDelta;
use convio_core::availability::Hours;
use convio_core::{
    AppointmentType, CalendarSettings, Completion, NewAppointment, Outcome, PageRequest, Party, Resource,
    Target, WorkspaceHandle, Zone,
};

use super::People;
use super::setup::hours_later;
use crate::{World, lead};

/// Appointments, with every end that one can have.
pub(super) async fn happen(world: &World<'_>, acme: &WorkspaceHandle<'static>, people: &People) {
    let visit = |hours| NewAppointment::at(hours_later(world, hours)).location("1 Main St");
    let first = visit(24).of_type(AppointmentType::new("Consultation").unwrap()).external_id("visit-1");
    let first = acme.book(people.john.lead, first.with(Resource::thing("van"), 1)).await.unwrap();
    acme.confirm(first.id).await.unwrap();
    acme.assign(first.id, Target::person("bob"), Some("bob".to_owned())).await.unwrap();
    acme.decline(first.id, Some("on leave".to_owned())).await.unwrap();
    let moved = acme.reschedule(first.id, hours_later(world, 30), Party::Customer, None).await.unwrap();
    let sold = Completion::from(Outcome::Sold("5000 USD".parse().unwrap())).external_id("sale-1");
    acme.complete(moved.id, sold).await.unwrap();

    let cancelled = acme.book(people.again.lead, visit(26)).await.unwrap();
    acme.cancel(cancelled.id, Party::Customer, Some("is ill".to_owned())).await.unwrap();
    let missed = acme.book(people.jane.lead, visit(1)).await.unwrap();
    // Booked before anybody kept a calendar of it.
    let bob = acme.book(people.ann.lead, visit(40).direct(Target::person("bob"))).await.unwrap();
    let open = CalendarSettings::open(Hours::always(Zone::UTC)).buffers(30, 15);
    acme.set_calendar(Resource::person("bob"), open).await.unwrap();
    acme.seat_appointments(&PageRequest::default()).await.unwrap();
    world.clock.advance(TimeDelta::hours(3));
    acme.no_show(missed.id, Party::Customer).await.unwrap();
    let undecided = Completion::from(Outcome::Undecided).next_step("send an offer", None);
    acme.complete(bob.id, undecided).await.unwrap();
    // One that came with its lead, and is open still.
    acme.receive(lead(6), visit(2_000)).await.unwrap();
    world.clock.advance(TimeDelta::hours(1));
}
