//! What use cases add to the rollups, besides ingest.

use chrono::{DateTime, NaiveDate, Utc};

use crate::analytics::{Cube, Measure, RollupDelta, When};
use crate::appointment::Appointment;
use crate::change_set::ChangeSet;
use crate::conversion::Conversion;
use crate::lead::{Lead, Progress, Step};

/// `by` more of `measure` for the lead's webhook and source.
pub(super) fn of_lead(cube: Cube, lead: &Lead, day: NaiveDate, add: Vec<(Measure, i64)>) -> RollupDelta {
    let dims = [lead.webhook.to_string(), lead.interest.source.key().to_owned(), String::new()];
    delta(cube, day, dims, add)
}

/// One more of `measure` for the appointment's target; the unrouted ones count under the empty name.
pub(super) fn of_target(appointment: &Appointment, day: NaiveDate, measures: &[Measure]) -> RollupDelta {
    let target = appointment.routing.target.as_ref().map(ToString::to_string).unwrap_or_default();
    let add = measures.iter().map(|measure| (*measure, 1)).collect();
    let delta = delta(Cube::Appointments, day, [target, String::new(), String::new()], add);
    RollupDelta { appointment: Some(appointment.id), ..delta }
}

/// The steps of the funnel that a lead came to for the first time.
pub(super) fn funnel(lead: &Lead, after: &Progress, day: NaiveDate) -> Option<RollupDelta> {
    let add: Vec<_> = after.reached.since(lead.progress.reached).map(|step| (measure_of(step), 1)).collect();
    (!lead.test && !add.is_empty()).then(|| of_lead(Cube::Funnel, lead, day, add))
}

/// A conversion in all its cubes: once more, or once less.
pub(super) fn conversion(changes: &mut ChangeSet, lead: &Lead, conversion: &Conversion, sign: i64) {
    let timed = if conversion.seconds_to_convert >= 0 { sign } else { 0 };
    let sums = vec![(Measure::Conversions, sign), (Measure::ValueMinor, sign * conversion.net.minor())];
    let times = vec![(Measure::Seconds, timed * conversion.seconds_to_convert), (Measure::Timed, timed)];
    let at = (sign > 0).then_some(conversion.occurred_at);
    of_conversion(changes, lead, conversion, sums, times, at);
}

/// So much more of a conversion's value in all its cubes.
pub(super) fn value(changes: &mut ChangeSet, lead: &Lead, conversion: &Conversion, minor: i64) {
    of_conversion(changes, lead, conversion, vec![(Measure::ValueMinor, minor)], Vec::new(), None);
}

fn of_conversion(
    changes: &mut ChangeSet,
    lead: &Lead,
    conversion: &Conversion,
    sums: Vec<(Measure, i64)>,
    times: Vec<(Measure, i64)>,
    at: Option<DateTime<Utc>>,
) {
    let currency = conversion.value.currency().to_string();
    let timed_sums = [sums.clone(), times].concat();
    let kind = conversion.conversion_type.key();
    let by_source = [
        (Cube::Conversions, &lead.interest.source),
        (Cube::FirstTouch, &conversion.first_touch.source),
        (Cube::LastTouch, &conversion.last_touch.source),
    ];
    let mut deltas = Vec::with_capacity(5);
    for (cube, source) in by_source {
        let dims = [source.key().to_owned(), kind.to_owned(), currency.clone()];
        deltas.push(delta(cube, conversion.day, dims, timed_sums.clone()));
    }
    let dims = [lead.webhook.to_string(), currency.clone(), String::new()];
    deltas.push(delta(Cube::Sales, conversion.day, dims, timed_sums));
    deltas.push(delta(Cube::Totals, Cube::NO_DAY, [currency, String::new(), String::new()], sums));
    deltas.iter_mut().for_each(|delta| delta.at = at);
    changes.rollups.extend(deltas);
}

pub(super) fn measure_of(step: Step) -> Measure {
    match step {
        Step::Contacted => Measure::Contacted,
        Step::Scheduled => Measure::Scheduled,
        Step::Met => Measure::Met,
        Step::Lost => Measure::Lost,
    }
}

fn delta(cube: Cube, day: NaiveDate, dims: [String; 3], add: Vec<(Measure, i64)>) -> RollupDelta {
    let add = add.into_iter().map(|(measure, by)| (measure, by, When::Always)).collect();
    RollupDelta { cube, day, dims, add, at: None, lead: None, appointment: None }
}
