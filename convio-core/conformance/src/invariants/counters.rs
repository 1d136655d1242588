use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use convio_core::event::EventBody;
use convio_core::routing::{Decision, Freed};
use convio_core::{AppointmentId, AppointmentStatus, Conversion, Subject};

use super::hold;
use crate::Snapshot;

/// What every decision found in counters is what those before it left there: none counted on an old figure, and no turn was
/// taken twice.
pub(super) fn decisions_follow_each_other(snapshot: &Snapshot) -> Result<(), String> {
    let mut counters: BTreeMap<(&str, DateTime<Utc>), i64> = BTreeMap::new();
    let mut places: BTreeMap<AppointmentId, &Decision> = BTreeMap::new();
    let mut given_back = BTreeSet::new();
    for event in &snapshot.feed {
        if let EventBody::ConversionReturned(back) = &event.body {
            // It gives back what its appointment took, where that has taken place: as the event itself says.
            let of = |row: &&Conversion| event.subject() == Some(Subject::Conversion(row.id));
            let visit = snapshot.conversions.iter().find(of).and_then(|row| row.appointment);
            if let (Some(visit), true) = (visit, back.returned.caps_freed) {
                hold!(given_back.insert(visit), "{visit} gave its place back twice");
            }
            let took = visit.and_then(|id| places.get(&id)).into_iter().flat_map(|it| &it.counted);
            for it in took.filter(|it| it.returned && back.returned.caps_freed) {
                *counters.entry((&it.key, it.window)).or_default() -= it.n;
            }
            continue;
        }
        let Some(Subject::Appointment(id)) = event.subject() else { continue };
        let before = places.get(&id).copied();
        let mut free = |is: fn(Freed) -> bool| {
            for it in before.iter().flat_map(|it| &it.counted).filter(|it| is(it.freed)) {
                *counters.entry((&it.key, it.window)).or_default() -= it.n;
            }
        };
        match &event.body {
            EventBody::AppointmentBooked(_)
            | EventBody::AppointmentRouted { .. }
            | EventBody::AppointmentAssigned { .. } => {
                free(|freed| freed != Freed::Never);
            }
            EventBody::AppointmentEnded(ended) if ended.status == AppointmentStatus::Cancelled => {
                free(|freed| matches!(freed, Freed::Cancelled | Freed::Missed | Freed::Ended));
            }
            EventBody::AppointmentEnded(ended) if ended.status == AppointmentStatus::NoShow => {
                free(|freed| matches!(freed, Freed::Missed | Freed::Ended));
            }
            EventBody::AppointmentEnded(_) => free(|freed| freed == Freed::Ended),
            _ => {}
        }
        let Some(decision) = event.body.routing() else { continue };
        places.insert(id, decision);
        if matches!(&event.body, EventBody::AppointmentBooked(booked) if booked.rescheduled_from.is_some()) {
            continue; // what it was moved from took it already
        }
        for it in &decision.counted {
            let used = counters.entry((&it.key, it.window)).or_default();
            hold!(it.used == *used, "{id} found {} at {}, where it was {used}", it.key, it.used);
            *used += it.n;
        }
    }
    let below = counters.iter().find(|(_, used)| **used < 0);
    below.map_or(Ok(()), |((key, _), used)| Err(format!("{key} has come to {used}")))
}
