//! What the mission document says, line by line: [`LINES`](crate::mission::LINES) names the case of each.

mod analytics;
mod clients;
mod flow;
mod leads;
mod meetings;
mod people;
mod providers;
mod queries;
mod trail;

use convio_core::appointment::AppointmentFilter;
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::conversion::ConversionFilter;
use convio_core::lead::LeadFilter;
use convio_core::{
    Appointment, AppointmentId, Clock, Contact, ContactId, Conversion, ConversionId, Event, Lead, LeadId,
    PageRequest, StreamRef, WorkspaceHandle,
};

use crate::mission::{Mission, world};
use crate::{Snapshot, Subject, World, check_invariants};

pub(crate) use analytics::*;
pub(crate) use clients::*;
pub(crate) use flow::*;
pub(crate) use leads::*;
pub(crate) use meetings::*;
pub(crate) use people::*;
pub(crate) use providers::*;
pub(crate) use queries::*;
pub(crate) use trail::*;

/// A world with John Doe in it.
async fn play(subject: &dyn Subject) -> (World<'_>, Mission<'static>) {
    let world_of = World::of(subject);
    let mission = world(&world_of.convio(), world_of.clock.now()).await;
    (world_of, mission)
}

async fn contact(of: &WorkspaceHandle<'_>, id: ContactId) -> Contact {
    of.contact(ContactRef::Id(id)).await.unwrap().unwrap()
}

async fn lead(of: &WorkspaceHandle<'_>, id: LeadId) -> Lead {
    of.lead(id).await.unwrap().unwrap()
}

async fn appointment(of: &WorkspaceHandle<'_>, id: AppointmentId) -> Appointment {
    of.appointment(id).await.unwrap().unwrap()
}

async fn conversion(of: &WorkspaceHandle<'_>, id: ConversionId) -> Conversion {
    of.conversion(id).await.unwrap().unwrap()
}

async fn contacts(of: &WorkspaceHandle<'_>) -> Vec<ContactId> {
    let found = of.contacts(&ContactFilter::default(), &PageRequest::default()).await.unwrap();
    found.items.into_iter().map(|contact| contact.id).collect()
}

async fn leads_by(of: &WorkspaceHandle<'_>, filter: &LeadFilter) -> Vec<LeadId> {
    let found = of.leads(filter, &PageRequest::default()).await.unwrap();
    found.items.into_iter().map(|lead| lead.id).collect()
}

async fn appointments_by(of: &WorkspaceHandle<'_>, filter: &AppointmentFilter) -> Vec<AppointmentId> {
    let found = of.appointments(filter, &PageRequest::default()).await.unwrap();
    found.items.into_iter().map(|appointment| appointment.id).collect()
}

async fn conversions_by(of: &WorkspaceHandle<'_>, filter: &ConversionFilter) -> Vec<ConversionId> {
    let found = of.conversions(filter, &PageRequest::default()).await.unwrap();
    found.items.into_iter().map(|conversion| conversion.id).collect()
}

/// The events of one aggregate.
async fn history(of: &WorkspaceHandle<'_>, stream: StreamRef) -> Vec<Event> {
    of.history(stream, &PageRequest::default()).await.unwrap().items
}

/// The kinds of the events of one aggregate.
async fn kinds(of: &WorkspaceHandle<'_>, stream: StreamRef) -> Vec<&'static str> {
    history(of, stream).await.iter().map(|event| event.body.kind()).collect()
}

/// All that a client has, after every invariant of it was checked.
async fn sound(world: &World<'_>, of: &WorkspaceHandle<'_>) -> Snapshot {
    let snapshot = Snapshot::of(&*world.store(), of.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
    snapshot
}
