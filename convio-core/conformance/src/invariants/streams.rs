use convio_core::event::EventBody;
use convio_core::use_case::rules_of;
use convio_core::{
    Appointment, Contact, Conversion, Event, Lead, Position, Rejection, Stage, StreamRef, Subject, Webhook,
    Workspace,
};

use super::hold;
use crate::{Snapshot, streams};

/// Positions run 1, 2, 3 ... up to the head, and all events are the workspace's.
pub(super) fn feed_is_dense(snapshot: &Snapshot) -> Result<(), String> {
    for (n, event) in (1..).zip(&snapshot.feed) {
        hold!(event.position == Position(n), "the {n}-th event of the feed is at {}", event.position.0);
    }
    let head = snapshot.head.map_or(Position(0), |head| head.feed);
    let last = snapshot.feed.last().map_or(Position(0), |event| event.position);
    hold!(head == last, "the head is at {}, the last event at {}", head.0, last.0);
    Ok(())
}

/// Versions of each stream run 1, 2, 3 ... in the order of the feed.
pub(super) fn streams_are_dense(snapshot: &Snapshot) -> Result<(), String> {
    for stream in streams(&snapshot.feed) {
        let versions = snapshot.feed.iter().filter_map(|event| event.version_in(stream));
        for (n, version) in (1..).zip(versions) {
            hold!(version.0 == n, "the {n}-th event of {stream:?} has version {version}");
        }
    }
    Ok(())
}

/// The history of an aggregate is what the feed holds of it.
pub(super) fn histories_are_the_feed(snapshot: &Snapshot) -> Result<(), String> {
    for (stream, history) in &snapshot.histories {
        let own: Vec<&Event> =
            snapshot.feed.iter().filter(|event| event.version_in(*stream).is_some()).collect();
        hold!(own.len() == history.len(), "{stream:?} has {} events, the feed {}", history.len(), own.len());
        let differs = own.iter().zip(history).find(|(in_feed, event)| **in_feed != *event);
        hold!(differs.is_none(), "{stream:?} differs from the feed: {differs:?}");
    }
    Ok(())
}

/// Replaying the history of an aggregate gives its row; every row has a history, and every history a row.
pub(super) fn events_fold_to_rows(snapshot: &Snapshot) -> Result<(), String> {
    let mut changed = 0;
    for (stream, history) in snapshot.histories.iter().filter(|(_, history)| !history.is_empty()) {
        changed += 1;
        macro_rules! folds {
            ($type:ty, $rows:expr) => {{
                let folded = <$type>::fold(history);
                let row = $rows;
                hold!(folded.as_ref() == row, "{stream:?} folds to {folded:?}, and its row is {row:?}");
                hold!(
                    row.is_some_and(|row| row.version.0 == history.len() as u64),
                    "{stream:?} misses an event"
                );
            }};
        }
        match stream {
            StreamRef::Contact(id) => folds!(Contact, snapshot.contacts.iter().find(|row| row.id == *id)),
            StreamRef::Lead(id) => folds!(Lead, snapshot.leads.iter().find(|row| row.id == *id)),
            StreamRef::Subject(subject) => match subject {
                Subject::Workspace(_) => folds!(Workspace, snapshot.workspace.as_ref()),
                Subject::Webhook(id) => folds!(Webhook, snapshot.webhooks.iter().find(|row| row.id == *id)),
                Subject::Rejection(id) => {
                    folds!(Rejection, snapshot.rejections.iter().find(|row| row.id == *id))
                }
                Subject::Appointment(id) => {
                    folds!(Appointment, snapshot.appointments.iter().find(|row| row.id == *id));
                }
                Subject::Conversion(id) => {
                    folds!(Conversion, snapshot.conversions.iter().find(|row| row.id == *id))
                }
                Subject::Rules(_) => {
                    let published = history.iter().rev().find_map(|event| match &event.body {
                        EventBody::RulesPublished(rules) => Some(rules),
                        _ => None,
                    });
                    let rules = rules_of(snapshot.rules.clone()).map_err(|error| error.to_string())?;
                    hold!(published == Some(&rules), "the rules in force are not those last published");
                    hold!(rules.version.0 == history.len() as u64, "a publication of rules has no event");
                }
            },
        }
    }
    let rows = usize::from(snapshot.workspace.is_some())
        + usize::from(snapshot.rules.is_some())
        + snapshot.webhooks.len()
        + snapshot.contacts.len()
        + snapshot.leads.len()
        + snapshot.rejections.len()
        + snapshot.appointments.len()
        + snapshot.conversions.len();
    hold!(rows == changed, "{rows} rows stand beside {changed} histories");
    Ok(())
}

/// A lead goes from stage to stage as it may, and a rejection is released once.
pub(super) fn transitions_are_legal(snapshot: &Snapshot) -> Result<(), String> {
    for (stream, history) in &snapshot.histories {
        let mut stage = Stage::New;
        let mut releases = 0;
        for event in history {
            let next = match &event.body {
                EventBody::AppointmentBooked(booked) => booked.lead_status.stage,
                EventBody::ConversionRecorded(recorded) => recorded.lead_status.stage,
                EventBody::RejectionReleased => {
                    releases += 1;
                    continue;
                }
                _ => continue,
            };
            if matches!(stream, StreamRef::Lead(_)) {
                let legal = stage == next || stage.may_become(next);
                hold!(legal, "{stream:?} went from {} to {}", stage.code(), next.code());
                stage = next;
            }
        }
        hold!(releases <= 1, "{stream:?} was released {releases} times");
    }
    Ok(())
}
