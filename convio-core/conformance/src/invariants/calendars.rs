use std::collections::BTreeMap;

use convio_core::appointment::Ended;
use convio_core::availability::Interval;
use convio_core::calendar::Taken;
use convio_core::event::EventBody;
use convio_core::{AppointmentId, AppointmentStatus, Resource, Subject};

use super::hold;
use crate::Snapshot;

/// Whenever an appointment took a time, there was room for it beside those that had it then, by the capacity of then.
pub(super) fn nobody_is_booked_beyond_capacity(snapshot: &Snapshot) -> Result<(), String> {
    let mut capacities: BTreeMap<&Resource, u32> = BTreeMap::new();
    let mut times: BTreeMap<AppointmentId, Interval> = BTreeMap::new();
    let mut standing: BTreeMap<AppointmentId, &[Taken]> = BTreeMap::new();
    for event in &snapshot.feed {
        if let EventBody::CalendarSet { resource, settings } = &event.body {
            // One that does not count refuses nothing.
            capacities.insert(resource, if settings.active { settings.capacity } else { u32::MAX });
        }
        let Some(Subject::Appointment(id)) = event.subject() else { continue };
        match &event.body {
            EventBody::AppointmentBooked(booked) => drop(times.insert(id, booked.schedule.time())),
            // Settled before: there may be no room for it.
            EventBody::AppointmentSeated { takes } => drop(standing.insert(id, takes)),
            EventBody::AppointmentRescheduled { .. } => drop(standing.remove(&id)),
            EventBody::AppointmentEnded(ended) if gives_back(ended.status, &ended.ended, times[&id]) => {
                standing.remove(&id);
            }
            _ => {}
        }
        let Some(decision) = event.body.routing() else { continue };
        // What it had already it goes on having.
        let before = standing.insert(id, &decision.takes).unwrap_or_default();
        for taken in decision.takes.iter().filter(|taken| !before.contains(taken)) {
            let time = taken.around(times[&id]);
            let of: Vec<(Interval, u32)> = standing
                .iter()
                .flat_map(|(id, takes)| takes.iter().map(|it| (it, times[id])))
                .filter(|(it, _)| it.resource == taken.resource)
                .map(|(it, of)| (it.around(of), it.units))
                .filter(|(it, _)| it.meets(time))
                .collect();
            let capacity = capacities.get(&taken.resource).copied().unwrap_or(0);
            for (begins, _) in &of {
                let at = begins.start.max(time.start);
                let units: u32 =
                    of.iter().filter(|(it, _)| it.start <= at && at < it.end).map(|(_, units)| units).sum();
                hold!(units <= capacity, "{} is taken {units} times at {at}, with {id}", taken.resource);
            }
        }
    }
    Ok(())
}

/// Whether an end leaves the time to others: it was called off, or came before the time did.
fn gives_back(status: AppointmentStatus, ended: &Ended, time: Interval) -> bool {
    match status {
        AppointmentStatus::Cancelled => true,
        AppointmentStatus::Completed => ended.at < time.start,
        _ => false,
    }
}

/// What is noted as taken is what appointments take that were neither called off nor moved, each on all its days; and holds.
pub(super) fn what_is_taken_is_what_visits_take(snapshot: &Snapshot) -> Result<(), String> {
    let mut expected: Vec<(&Resource, Interval, u32, uuid::Uuid)> = Vec::new();
    for visit in &snapshot.appointments {
        let time = visit.schedule.time();
        let is_over = visit.ended.as_ref().is_some_and(|ended| gives_back(visit.status, ended, time));
        if is_over || visit.status == AppointmentStatus::Rescheduled {
            continue;
        }
        let takes = visit.routing.takes.iter();
        expected.extend(takes.map(|it| (&it.resource, it.around(time), it.units, visit.id.uuid())));
    }
    expected.sort_unstable();
    let visits = snapshot.busy.iter().filter(|(_, busy)| busy.until.is_none());
    let mut found: Vec<_> =
        visits.map(|(resource, busy)| (resource, busy.time, busy.units, busy.by)).collect();
    found.sort_unstable();
    // A time that goes over midnight is found on each of its days.
    found.dedup();
    let differs = expected.iter().zip(&found).find(|(one, two)| one != two);
    hold!(differs.is_none(), "{differs:?}");
    hold!(expected.len() == found.len(), "{} are taken, and {} noted", expected.len(), found.len());
    Ok(())
}
