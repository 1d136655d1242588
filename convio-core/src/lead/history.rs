//! What a lead's history tells beside its row: who owned it, which statuses it had, what was noted.

use std::fmt;

use chrono::{DateTime, Utc};

use super::LeadStatus;
use crate::event::{Actor, Event, EventBody};

/// A time in which something held of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<T> {
    /// What held.
    pub value: T,
    /// From when on.
    pub from: DateTime<Utc>,
    /// Until when; `None`: it still holds.
    pub until: Option<DateTime<Utc>>,
    /// Who made it so.
    pub by: Actor,
}

/// Something that was noted of a lead. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
    /// What; `None` once erased.
    pub text: Option<String>,
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Note({} by {})", self.at, self.by.as_str())
    }
}

/// The statuses of a lead over time, from its events: each from the moment it was entered to the moment it was left.
pub fn statuses<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<Span<LeadStatus>> {
    let entered = |event: &Event| event.body.progress().map(|progress| progress.status.clone());
    spans(events, entered)
}

/// The owners of a lead over time, from its events; `None` while it had none.
pub fn owners<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<Span<Option<String>>> {
    spans(events, |event| match &event.body {
        EventBody::LeadReceived(_) => Some(None),
        EventBody::LeadAssigned { owner } => Some(owner.clone()),
        _ => None,
    })
}

/// What was noted of a lead, oldest first, from its events.
pub fn notes<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<Note> {
    let note = |event: &Event| match &event.body {
        EventBody::LeadNoted { text } => {
            Some(Note { at: event.at, by: event.origin.actor.clone(), text: text.clone().map(|text| text.0) })
        }
        _ => None,
    };
    events.into_iter().filter_map(note).collect()
}

fn spans<'e, T: PartialEq>(
    events: impl IntoIterator<Item = &'e Event>,
    entered: impl Fn(&Event) -> Option<T>,
) -> Vec<Span<T>> {
    let mut spans: Vec<Span<T>> = Vec::new();
    for event in events.into_iter().filter(|event| event.lead_version().is_some()) {
        let Some(value) = entered(event) else { continue };
        if spans.last().is_some_and(|last| last.value == value) {
            continue;
        }
        if let Some(last) = spans.last_mut() {
            last.until = Some(event.at);
        }
        spans.push(Span { value, from: event.at, until: None, by: event.origin.actor.clone() });
    }
    spans
}
