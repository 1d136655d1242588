//! How far a lead has come, said once more: what each event makes of it, whoever wrote the event.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use convio_core::event::EventBody;
use convio_core::lead::{Attempts, Pipeline, Reached, Step};
use convio_core::{
    AppointmentId, AppointmentStatus, ConversionId, Event, Lead, LeadStatus, Outcome, Progress, Stage,
    Subject,
};

use super::{hold, settings_at};
use crate::Snapshot;

/// Every event leaves its lead where what happened so far leads; and so a lead is sold as long as a conversion stands,
/// scheduled only with an open appointment, and counts its open appointments.
pub(super) fn progress_is_what_happened(snapshot: &Snapshot) -> Result<(), String> {
    for lead in &snapshot.leads {
        let mut walk = Walk::default();
        for (event, settings) in settings_at(snapshot).filter(|(event, _)| event.lead_id() == Some(lead.id)) {
            walk.step(snapshot, event, &settings.policy.pipeline);
            let (said, expected) = (event.body.progress(), walk.progress.as_ref());
            let agrees = said.is_none_or(|said| Some(said) == expected);
            hold!(agrees, "after {:?} lead {} is {said:?}, not {expected:?}", event.body.kind(), lead.id);
        }
        hold!(walk.progress.as_ref() == Some(&lead.progress), "lead {} is {:?}", lead.id, lead.progress);
        stands(snapshot, lead)?;
    }
    Ok(())
}

/// What the rows of its appointments and conversions say of a lead.
fn stands(snapshot: &Snapshot, lead: &Lead) -> Result<(), String> {
    let Progress { status, open_appointments, conversion, .. } = &lead.progress;
    let own = snapshot.appointments.iter().filter(|row| row.lead == lead.id);
    let open = own.filter(|row| row.status.is_open()).count();
    hold!(open == *open_appointments as usize, "lead {} counts {open_appointments} of {open}", lead.id);
    hold!(status.stage != Stage::Scheduled || open > 0, "lead {} waits for no appointment", lead.id);
    let sold = snapshot.conversions.iter().filter(|row| row.lead == lead.id && row.voided.is_none());
    let sold: Vec<ConversionId> = sold.map(|row| row.id).collect();
    hold!((status.stage == Stage::Won) != sold.is_empty(), "lead {} is {status} with {sold:?}", lead.id);
    hold!(conversion.is_some() != sold.is_empty(), "lead {} names {conversion:?}", lead.id);
    hold!(conversion.is_none_or(|id| sold.contains(&id)), "lead {} names {conversion:?}", lead.id);
    let tried = snapshot.feed.iter().filter_map(|event| match &event.body {
        EventBody::LeadAttempted { attempt, .. } if event.lead_id() == Some(lead.id) => Some(attempt.at),
        _ => None,
    });
    let tried: Vec<DateTime<Utc>> = tried.collect();
    let expected = Attempts {
        count: tried.len() as u32,
        first_at: tried.iter().min().copied(),
        last_at: tried.iter().max().copied(),
    };
    hold!(lead.attempts == expected, "lead {} has {:?}, not {expected:?}", lead.id, lead.attempts);
    Ok(())
}

/// What is known of a lead after the events so far.
#[derive(Default)]
struct Walk {
    progress: Option<Progress>,
    /// Its conversions that stand, and when each was recorded.
    sold: BTreeMap<ConversionId, DateTime<Utc>>,
}

impl Walk {
    fn step(&mut self, snapshot: &Snapshot, event: &Event, pipeline: &Pipeline) {
        if let EventBody::LeadReceived(_) = &event.body {
            self.progress = Some(received(snapshot, event, pipeline));
        }
        let Some(mut now) = self.progress.clone() else { return };
        let came_with_it = |id: AppointmentId| event.lead_id().is_some_and(|lead| lead.uuid() == id.uuid());
        match (&event.body, event.subject()) {
            // By hand: where to is the person's own choice, and checked elsewhere.
            (EventBody::LeadMoved { progress }, _) => {
                enter(&mut now, progress.status.clone(), progress.reason.clone());
            }
            (EventBody::LeadAttempted { attempt, .. }, _)
                if attempt.reached && now.status.stage == Stage::New =>
            {
                enter(&mut now, entry(pipeline, Stage::Contacted), None);
            }
            (EventBody::AppointmentBooked(booked), Some(Subject::Appointment(id)))
                if booked.rescheduled_from.is_none() && !came_with_it(id) =>
            {
                book(&mut now, pipeline);
            }
            (EventBody::AppointmentEnded(ended), _) => {
                now.open_appointments = now.open_appointments.saturating_sub(1);
                if ended.status == AppointmentStatus::Completed {
                    reach(&mut now, Step::Met);
                }
                if now.status.stage == Stage::Scheduled && now.open_appointments == 0 {
                    let reason = || ended.ended.reason.clone().unwrap_or_else(|| "not sold".to_owned());
                    match ended.outcome {
                        Some(Outcome::NotSold) => {
                            enter(&mut now, entry(pipeline, Stage::Lost), Some(reason()))
                        }
                        _ => enter(&mut now, entry(pipeline, Stage::Qualified), None),
                    }
                }
            }
            (EventBody::ConversionRecorded(_), Some(Subject::Conversion(id))) => {
                self.sold.insert(id, event.at);
                now.conversion = now.conversion.or(Some(id));
                if now.status.stage != Stage::Won {
                    enter(&mut now, entry(pipeline, Stage::Won), None);
                }
            }
            (EventBody::ConversionVoided(_), Some(Subject::Conversion(id))) => {
                self.sold.remove(&id);
                if now.conversion == Some(id) {
                    now.conversion = self.sold.iter().min_by_key(|(id, at)| (**at, **id)).map(|(id, _)| *id);
                }
                if now.conversion.is_none() && now.status.stage == Stage::Won {
                    let stage = if now.open_appointments > 0 { Stage::Scheduled } else { Stage::Qualified };
                    enter(&mut now, entry(pipeline, stage), None);
                }
            }
            _ => {}
        }
        self.progress = Some(now);
    }
}

/// Where a lead begins: new, unless an appointment came with it.
fn received(snapshot: &Snapshot, event: &Event, pipeline: &Pipeline) -> Progress {
    let mut progress = Progress {
        status: entry(pipeline, Stage::New),
        reason: None,
        open_appointments: 0,
        reached: Reached(0),
        conversion: None,
    };
    let lead = event.lead_id().map(|lead| lead.uuid());
    if snapshot.appointments.iter().any(|row| Some(row.id.uuid()) == lead) {
        book(&mut progress, pipeline);
    }
    progress
}

fn book(now: &mut Progress, pipeline: &Pipeline) {
    now.open_appointments += 1;
    reach(now, Step::Scheduled);
    if now.status.stage != Stage::Scheduled && now.status.stage != Stage::Won {
        enter(now, entry(pipeline, Stage::Scheduled), None);
    }
}

fn enter(now: &mut Progress, status: LeadStatus, reason: Option<String>) {
    match status.stage {
        Stage::Contacted => reach(now, Step::Contacted),
        Stage::Lost => reach(now, Step::Lost),
        _ => {}
    }
    (now.status, now.reason) = (status, reason);
}

fn reach(now: &mut Progress, step: Step) {
    now.reached.0 |= step.bit();
}

/// The first status of a stage.
fn entry(pipeline: &Pipeline, stage: Stage) -> LeadStatus {
    let first = pipeline.statuses.iter().find(|status| status.stage == stage);
    first.cloned().unwrap_or_else(|| LeadStatus { key: stage.code().to_owned(), stage })
}
