use std::collections::{BTreeMap, BTreeSet};

use convio_core::event::EventBody;
use convio_core::lead::Pipeline;
use convio_core::{
    AppointmentId, AppointmentStatus, Event, LeadId, LeadStatus, Progress, Stage, StreamRef, Subject,
    WorkspaceSettings,
};

use super::{hold, settings_at};
use crate::Snapshot;

/// People move leads as the pipeline in force lets them, appointments go from status to status as they may, and a
/// rejection is released once.
pub(super) fn transitions_are_legal(snapshot: &Snapshot) -> Result<(), String> {
    leads(snapshot)?;
    ends(snapshot)?;
    for (stream, history) in &snapshot.histories {
        match stream {
            StreamRef::Subject(Subject::Appointment(id)) => appointment(*id, history)?,
            StreamRef::Subject(Subject::Rejection(id)) => {
                let released = |event: &&Event| matches!(event.body, EventBody::RejectionReleased);
                let releases = history.iter().filter(released).count();
                hold!(releases <= 1, "rejection {id} was released {releases} times");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Goes through the feed with the progress of every lead just before each event, and the leads that were deleted then.
fn leads(snapshot: &Snapshot) -> Result<(), String> {
    let mut now: BTreeMap<LeadId, &Progress> = BTreeMap::new();
    let mut deleted: BTreeSet<LeadId> = BTreeSet::new();
    for (event, settings) in settings_at(snapshot) {
        let Some(id) = event.lead_id() else { continue };
        let kind = event.body.kind();
        match &event.body {
            EventBody::LeadRestored => hold!(deleted.remove(&id), "lead {id} was restored, and not deleted"),
            EventBody::ConversionVoided(_)
            | EventBody::ConversionAdjusted(_)
            | EventBody::ConversionReturned(_)
            | EventBody::CommissionChanged(_)
            | EventBody::ConversionReattributed
            | EventBody::Reparented { .. } => {}
            _ => hold!(!deleted.contains(&id), "lead {id} was deleted when {kind:?} happened to it"),
        }
        if let EventBody::LeadDeleted = &event.body {
            deleted.insert(id);
        }
        let Some(after) = event.body.progress() else { continue };
        if let EventBody::LeadMoved { .. } = &event.body {
            let before = now.get(&id).ok_or_else(|| format!("lead {id} was moved before it came in"))?;
            let legal = by_hand(&settings.policy.pipeline, &before.status, &after.status)
                || has_expired(snapshot, event, before, after, settings);
            hold!(legal, "lead {id} was moved from {:?} to {:?}", before.status, after.status);
            let reasoned =
                after.reason.is_some() || !matches!(after.status.stage, Stage::Lost | Stage::Rejected);
            hold!(reasoned, "lead {id} is `{}` for no reason", after.status);
        }
        now.insert(id, after);
    }
    Ok(())
}

/// Whether the moves allow it; a status that is no longer one of the workspace's moves like the first of its stage.
fn by_hand(pipeline: &Pipeline, from: &LeadStatus, to: &LeadStatus) -> bool {
    let known = pipeline.statuses.contains(from);
    let of_stage = pipeline.statuses.iter().find(|status| status.stage == from.stage);
    let from = if known { Some(from) } else { of_stage };
    let moves = from.and_then(|from| pipeline.moves.get(&from.key));
    pipeline.statuses.contains(to) && moves.is_some_and(|moves| moves.contains(&to.key))
}

/// Whether the lead had waited for longer than the workspace let its leads wait.
fn has_expired(
    snapshot: &Snapshot,
    event: &Event,
    before: &Progress,
    after: &Progress,
    settings: &WorkspaceSettings,
) -> bool {
    let lead = snapshot.leads.iter().find(|lead| event.lead_id() == Some(lead.id));
    let days = settings.policy.lead_days_max;
    let waited = lead
        .zip(days)
        .is_some_and(|(lead, days)| event.at - lead.received_at > chrono::TimeDelta::days(days.into()));
    let of_stage = settings.policy.pipeline.statuses.iter().find(|status| status.stage == Stage::Lost);
    waited
        && !matches!(before.status.stage, Stage::Won | Stage::Lost | Stage::Rejected)
        && before.open_appointments == 0
        && of_stage == Some(&after.status)
        && after.reason.as_deref() == Some("expired")
}

fn appointment(id: AppointmentId, history: &[Event]) -> Result<(), String> {
    let mut now: Option<AppointmentStatus> = None;
    for event in history {
        let next = match &event.body {
            EventBody::AppointmentBooked(_) => {
                hold!(now.is_none(), "appointment {id} was booked twice");
                now = Some(AppointmentStatus::Booked);
                continue;
            }
            EventBody::AppointmentConfirmed => AppointmentStatus::Confirmed,
            EventBody::AppointmentRescheduled { .. } => AppointmentStatus::Rescheduled,
            EventBody::AppointmentEnded(ended) => ended.status,
            EventBody::AppointmentAssigned { .. } => {
                hold!(now.is_some_and(AppointmentStatus::is_open), "{id} was assigned when it was {now:?}");
                continue;
            }
            _ => continue,
        };
        hold!(now.is_some_and(|now| now.may_become(next)), "appointment {id} went from {now:?} to {next:?}");
        now = Some(next);
    }
    Ok(())
}

/// An appointment is booked and ends in the past, and ends late if it is called off or moved within so many hours of its start.
fn ends(snapshot: &Snapshot) -> Result<(), String> {
    for (event, settings) in settings_at(snapshot) {
        let (ended, called_off) = match &event.body {
            EventBody::AppointmentRescheduled { at, .. } => (at, true),
            EventBody::AppointmentEnded(ended) => {
                (&ended.ended, ended.status == AppointmentStatus::Cancelled)
            }
            _ => continue,
        };
        let Some(Subject::Appointment(id)) = event.subject() else { continue };
        let row = snapshot.appointments.iter().find(|row| row.id == id);
        let row = row.ok_or_else(|| format!("appointment {id} ended, and is not there"))?;
        let notice = row.schedule.starts_at - ended.at;
        let short = notice < chrono::TimeDelta::hours(settings.policy.late_cancel_hours.into());
        hold!(ended.late == (called_off && short), "{id} ended {notice} before its start: {ended:?}");
        hold!(ended.at <= event.at, "{id} ended at {}, in what was to come", ended.at);
    }
    let to_come = snapshot.appointments.iter().find(|row| row.booked_at > row.created_at);
    hold!(to_come.is_none(), "booked in what was to come: {to_come:?}");
    Ok(())
}
