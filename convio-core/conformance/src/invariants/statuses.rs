use std::collections::BTreeMap;

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

/// Goes through the feed with the progress of every lead just before each event.
fn leads(snapshot: &Snapshot) -> Result<(), String> {
    let mut now: BTreeMap<LeadId, &Progress> = BTreeMap::new();
    for (event, settings) in settings_at(snapshot) {
        let (Some(id), Some(after)) = (event.lead_id(), event.body.progress()) else { continue };
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
