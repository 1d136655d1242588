//! What the broken stores do to what they keep.

use std::sync::Arc;

use chrono::{DurationRound, TimeDelta};
use convio_core::change_set::ContactWrite;
use convio_core::event::{EventBody, Origin};
use convio_core::lead::{Format, Payload};
use convio_core::{ChangeSet, Event, Lead};
use serde_json::Value;

use crate::broken::Bug;

pub(super) fn lead(bug: Option<Bug>, lead: &mut Lead) {
    match bug {
        Some(Bug::KeepsMilliseconds) => {
            let at = lead.received_at;
            lead.received_at = at.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(at);
        }
        Some(Bug::KeepsNumbersAsFloats) => {
            Arc::make_mut(&mut lead.custom.0).iter_mut().for_each(|(_, value)| floats(value))
        }
        Some(Bug::ForgetsTheProvider) => lead.provider = None,
        Some(Bug::CutsText) => Arc::make_mut(&mut lead.custom.0).iter_mut().for_each(|(_, value)| {
            if let Value::String(text) = value {
                *text = text.chars().take(255).collect();
            }
        }),
        _ => {}
    }
}

pub(super) fn payload(bug: Option<Bug>, payload: &mut Payload) {
    match bug {
        Some(Bug::RewritesPayloads) if payload.format == Format::Json => {
            if let Ok(value) = serde_json::from_slice::<Value>(&payload.body) {
                payload.body = Arc::new(value.to_string().into_bytes());
            }
        }
        Some(Bug::CutsPayloads) => Arc::make_mut(&mut payload.body).truncate(64 * 1024),
        Some(Bug::MergesHeaders) => {
            let mut names = Vec::new();
            payload.headers.retain(|(name, _)| {
                let name = name.to_lowercase();
                let new = !names.contains(&name);
                names.push(name);
                new
            });
        }
        _ => {}
    }
}

pub(super) fn event(bug: Option<Bug>, event: &mut Event) {
    match bug {
        Some(Bug::ForgetsThePersonalPart) => {
            if let EventBody::LeadReceived(received) = &mut event.body {
                received.personal = None;
            }
        }
        Some(Bug::ForgetsTheActor) => event.origin = Origin::default(),
        Some(Bug::ForgetsTheRepeat) => event.duplicate_of = None,
        _ => {}
    }
}

/// A name that the change set says, as a careless message would hold it.
pub(super) fn person(changes: &ChangeSet) -> String {
    let named = changes.contacts.iter().find_map(|write| match write {
        ContactWrite::Merge(merge) => merge.offer.person.first_name.clone(),
        ContactWrite::Update { .. } => None,
    });
    format!(" of {}", named.unwrap_or_default())
}

fn floats(value: &mut Value) {
    match value {
        Value::Number(number) => *value = number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(list) => list.iter_mut().for_each(floats),
        Value::Object(object) => object.iter_mut().for_each(|(_, value)| floats(value)),
        _ => {}
    }
}
