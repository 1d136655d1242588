//! Event bodies as stores keep them: facts and a personal part, both JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::upcast::{UPCASTERS, Upcaster, marked, upcast};
use super::{
    AppointmentBooked, AppointmentEnded, ContactMerged, ConversionRecorded, EventBody, LeadReceived,
    LeadRejected, TouchRecorded, UnreadableEvent,
};
use crate::appointment::Ended;
use crate::calendar::{CalendarSettings, Resource, Taken};
use crate::id::{AppointmentId, ContactId};
use crate::lead::{ContactAttempt, Priority, Progress};
use crate::routing::Decision;

/// The facts of bodies that are written as fields.
#[derive(Serialize, Deserialize)]
struct Created<S> {
    name: String,
    settings: S,
}

#[derive(Serialize, Deserialize)]
struct Configured<S> {
    settings: S,
}

#[derive(Serialize, Deserialize)]
struct SignedBy {
    by: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    resource: Resource,
    settings: CalendarSettings,
}

#[derive(Serialize, Deserialize)]
struct Moved {
    progress: Progress,
}

#[derive(Serialize, Deserialize)]
struct OwnedBy {
    owner: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct DueAt {
    at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct Urgency {
    priority: Priority,
}

#[derive(Serialize, Deserialize)]
struct Attempted {
    attempt: ContactAttempt,
    progress: Progress,
}

#[derive(Serialize, Deserialize)]
struct Assigned {
    routing: Decision,
    staff: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Seats {
    takes: Vec<Taken>,
}

#[derive(Serialize, Deserialize)]
struct MovedTo {
    to: AppointmentId,
    at: Ended,
}

#[derive(Serialize, Deserialize)]
struct From {
    from: ContactId,
}

/// Which part can't be read.
enum Wrong {
    Kind,
    Facts(serde_json::Error),
    Personal(serde_json::Error),
}

impl std::convert::From<serde_json::Error> for Wrong {
    fn from(error: serde_json::Error) -> Self {
        Self::Facts(error)
    }
}

impl EventBody {
    /// The facts, as JSON: an object.
    pub fn facts(&self) -> serde_json::Result<String> {
        self.facts_with(UPCASTERS)
    }

    /// The facts, in the form that these steps lead to.
    pub(super) fn facts_with(&self, upcasters: &[Upcaster]) -> serde_json::Result<String> {
        Ok(marked(upcasters, self.kind(), self.own_facts()?))
    }

    fn own_facts(&self) -> serde_json::Result<String> {
        use serde_json::to_string;
        match self {
            Self::WorkspaceCreated(settings) | Self::WorkspaceConfigured(settings) => to_string(settings),
            Self::WebhookCreated { name, settings } => {
                to_string(&Created { name: name.clone(), settings: settings.clone() })
            }
            Self::WebhookConfigured { settings } => to_string(&Configured { settings: settings.clone() }),
            Self::ProviderCreated { name, settings } => {
                to_string(&Created { name: name.clone(), settings: settings.clone() })
            }
            Self::ProviderConfigured { settings } => to_string(&Configured { settings: settings.clone() }),
            Self::EndpointCreated(facts) => to_string(facts),
            Self::EndpointConfigured(settings) => to_string(&Configured { settings: settings.clone() }),
            Self::EndpointSigned { by } => to_string(&SignedBy { by: by.clone() }),
            Self::EndpointDisabled(disabled) => to_string(disabled),
            Self::ApiKeyCreated(settings) => to_string(settings),
            Self::WorkspaceDeleted
            | Self::WorkspaceRestored
            | Self::WebhookDeleted
            | Self::WebhookRestored
            | Self::ApiKeyRevoked
            | Self::EndpointEnabled
            | Self::EndpointDeleted
            | Self::ContactIdentified { .. }
            | Self::ConversionReattributed
            | Self::LeadNoted { .. }
            | Self::LeadDeleted
            | Self::LeadRestored
            | Self::RejectionCorrected { .. }
            | Self::RejectionReleased
            | Self::AppointmentConfirmed => Ok("{}".to_owned()),
            Self::ContactMerged(facts) | Self::ContactMergedInto(facts) | Self::ContactUnmerged(facts) => {
                to_string(facts)
            }
            Self::Reparented { from } => to_string(&From { from: *from }),
            Self::LeadReceived(facts) => to_string(facts),
            Self::LeadRejected(facts) => to_string(facts),
            Self::LeadMoved { progress } => to_string(&Moved { progress: progress.clone() }),
            Self::LeadAssigned { owner } => to_string(&OwnedBy { owner: owner.clone() }),
            Self::LeadFollowUpSet { at } => to_string(&DueAt { at: *at }),
            Self::LeadPrioritised { priority } => to_string(&Urgency { priority: *priority }),
            Self::LeadAttempted { attempt, progress } => {
                to_string(&Attempted { attempt: attempt.clone(), progress: progress.clone() })
            }
            Self::CalendarSet { resource, settings } => {
                to_string(&Kept { resource: resource.clone(), settings: settings.clone() })
            }
            Self::RulesPublished(rules) => to_string(rules),
            Self::AppointmentBooked(facts) => to_string(facts),
            Self::AppointmentAssigned { routing, staff } | Self::AppointmentRouted { routing, staff } => {
                to_string(&Assigned { routing: Decision::clone(routing), staff: staff.clone() })
            }
            Self::AppointmentSeated { takes } => to_string(&Seats { takes: takes.clone() }),
            Self::AppointmentRescheduled { to, at } => to_string(&MovedTo { to: *to, at: at.clone() }),
            Self::AppointmentEnded(facts) => to_string(facts),
            Self::ConversionRecorded(facts) => to_string(facts),
            Self::ConversionVoided(facts) => to_string(facts),
            Self::ConversionAdjusted(facts) => to_string(facts),
            Self::ConversionReturned(facts) => to_string(facts),
            Self::CommissionChanged(facts) => to_string(facts),
            Self::AttributionSet(settings) => to_string(settings),
            Self::RatesSet(rates) => to_string(rates),
            Self::TouchRecorded(facts) => to_string(facts),
        }
    }

    /// The personal part, as JSON; `None` when there is none, or it was erased.
    pub fn personal(&self) -> serde_json::Result<Option<String>> {
        fn part<T: Serialize>(part: &Option<T>) -> serde_json::Result<Option<String>> {
            part.as_ref().map(serde_json::to_string).transpose()
        }
        match self {
            Self::LeadReceived(received) => part(&received.personal),
            Self::LeadRejected(rejected) => part(&rejected.appointment),
            Self::LeadNoted { text } => part(text),
            Self::ContactIdentified { visitor } => part(visitor),
            Self::ContactMerged(merged) | Self::ContactMergedInto(merged) | Self::ContactUnmerged(merged) => {
                part(&merged.state.personal)
            }
            Self::TouchRecorded(recorded) => part(&recorded.visitor),
            Self::RejectionCorrected { corrections } => part(corrections),
            Self::AppointmentBooked(booked) => part(&booked.location),
            Self::AppointmentEnded(ended) => part(&ended.next_step),
            Self::ConversionRecorded(recorded) => part(&recorded.metadata),
            _ => Ok(None),
        }
    }

    /// The body that was kept as these parts, by this release or an earlier one.
    ///
    /// # Errors
    /// [`UnreadableEvent`], where no release up to this one keeps it so.
    ///
    /// ```
    /// use convio_core::EventBody;
    /// let noted = EventBody::from_parts("lead.noted", "{}", Some(r#""call after six""#))?;
    /// assert_eq!(noted.personal()?.as_deref(), Some(r#""call after six""#));
    /// assert_eq!(EventBody::from_parts("lead.noted", "{}", None)?, EventBody::LeadNoted { text: None });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_parts(kind: &str, facts: &str, personal: Option<&str>) -> Result<Self, UnreadableEvent> {
        Self::from_parts_with(UPCASTERS, kind, facts, personal)
    }

    /// The body that was kept as these parts before some or all of these steps.
    pub(super) fn from_parts_with(
        upcasters: &[Upcaster],
        kind: &str,
        facts: &str,
        personal: Option<&str>,
    ) -> Result<Self, UnreadableEvent> {
        let current = upcast(upcasters, kind, facts, personal)?;
        let kind = current.kind;
        Self::from_current(kind, &current.facts, current.personal.as_deref()).map_err(|wrong| match wrong {
            Wrong::Kind => UnreadableEvent::UnknownKind { kind: kind.to_owned() },
            Wrong::Facts(error) => UnreadableEvent::facts(kind, error),
            Wrong::Personal(error) => UnreadableEvent::personal(kind, &error),
        })
    }

    fn from_current(kind: &str, facts: &str, personal: Option<&str>) -> Result<Self, Wrong> {
        use serde_json::from_str;
        fn part<T: for<'de> Deserialize<'de>>(personal: Option<&str>) -> Result<Option<T>, Wrong> {
            personal.map(serde_json::from_str).transpose().map_err(Wrong::Personal)
        }
        Ok(match kind {
            "workspace.created" => Self::WorkspaceCreated(from_str(facts)?),
            "workspace.configured" => Self::WorkspaceConfigured(from_str(facts)?),
            "calendar.set" => {
                let Kept { resource, settings } = from_str(facts)?;
                Self::CalendarSet { resource, settings }
            }
            "workspace.deleted" => Self::WorkspaceDeleted,
            "workspace.restored" => Self::WorkspaceRestored,
            "webhook.created" => {
                let Created { name, settings } = from_str(facts)?;
                Self::WebhookCreated { name, settings }
            }
            "webhook.configured" => {
                let Configured { settings } = from_str(facts)?;
                Self::WebhookConfigured { settings }
            }
            "webhook.deleted" => Self::WebhookDeleted,
            "webhook.restored" => Self::WebhookRestored,
            "provider.created" => {
                let Created { name, settings } = from_str(facts)?;
                Self::ProviderCreated { name, settings }
            }
            "endpoint.created" => Self::EndpointCreated(from_str(facts)?),
            "endpoint.configured" => {
                let Configured { settings } = from_str(facts)?;
                Self::EndpointConfigured(settings)
            }
            "endpoint.signed" => {
                let SignedBy { by } = from_str(facts)?;
                Self::EndpointSigned { by }
            }
            "endpoint.disabled" => Self::EndpointDisabled(from_str(facts)?),
            "endpoint.enabled" => Self::EndpointEnabled,
            "endpoint.deleted" => Self::EndpointDeleted,
            "provider.configured" => {
                let Configured { settings } = from_str(facts)?;
                Self::ProviderConfigured { settings }
            }
            "api_key.created" => Self::ApiKeyCreated(from_str(facts)?),
            "api_key.revoked" => Self::ApiKeyRevoked,
            "lead.received" => {
                let mut received: LeadReceived = from_str(facts)?;
                received.personal = part(personal)?;
                Self::LeadReceived(Box::new(received))
            }
            "lead.rejected" => {
                let mut rejected: LeadRejected = from_str(facts)?;
                rejected.appointment = part(personal)?;
                Self::LeadRejected(Box::new(rejected))
            }
            "lead.moved" => {
                let Moved { progress } = from_str(facts)?;
                Self::LeadMoved { progress }
            }
            "lead.assigned" => {
                let OwnedBy { owner } = from_str(facts)?;
                Self::LeadAssigned { owner }
            }
            "lead.follow_up_set" => {
                let DueAt { at } = from_str(facts)?;
                Self::LeadFollowUpSet { at }
            }
            "lead.prioritised" => {
                let Urgency { priority } = from_str(facts)?;
                Self::LeadPrioritised { priority }
            }
            "lead.noted" => Self::LeadNoted { text: part(personal)? },
            "lead.attempted" => {
                let Attempted { attempt, progress } = from_str(facts)?;
                Self::LeadAttempted { attempt, progress }
            }
            "lead.deleted" => Self::LeadDeleted,
            "lead.restored" => Self::LeadRestored,
            "rejection.corrected" => Self::RejectionCorrected { corrections: part(personal)? },
            "rejection.released" => Self::RejectionReleased,
            "rules.published" => Self::RulesPublished(from_str(facts)?),
            "appointment.booked" => {
                let mut booked: AppointmentBooked = from_str(facts)?;
                booked.location = part(personal)?;
                Self::AppointmentBooked(Box::new(booked))
            }
            "appointment.confirmed" => Self::AppointmentConfirmed,
            "appointment.assigned" => {
                let Assigned { routing, staff } = from_str(facts)?;
                Self::AppointmentAssigned { routing: Box::new(routing), staff }
            }
            "appointment.routed" => {
                let Assigned { routing, staff } = from_str(facts)?;
                Self::AppointmentRouted { routing: Box::new(routing), staff }
            }
            "appointment.seated" => {
                let Seats { takes } = from_str(facts)?;
                Self::AppointmentSeated { takes }
            }
            "appointment.rescheduled" => {
                let MovedTo { to, at } = from_str(facts)?;
                Self::AppointmentRescheduled { to, at }
            }
            "appointment.completed" | "appointment.cancelled" | "appointment.no_show" => {
                let mut ended: AppointmentEnded = from_str(facts)?;
                ended.next_step = part(personal)?;
                Self::AppointmentEnded(Box::new(ended))
            }
            "conversion.recorded" => {
                let mut recorded: ConversionRecorded = from_str(facts)?;
                recorded.metadata = part(personal)?;
                Self::ConversionRecorded(Box::new(recorded))
            }
            "conversion.voided" => Self::ConversionVoided(from_str(facts)?),
            "conversion.returned" => Self::ConversionReturned(from_str(facts)?),
            "conversion.commission_changed" => Self::CommissionChanged(from_str(facts)?),
            "conversion.adjusted" => Self::ConversionAdjusted(from_str(facts)?),
            "attribution.set" => Self::AttributionSet(from_str(facts)?),
            "rates.set" => Self::RatesSet(from_str(facts)?),
            "touchpoint.recorded" => {
                let mut recorded: TouchRecorded = from_str(facts)?;
                recorded.visitor = part(personal)?;
                Self::TouchRecorded(Box::new(recorded))
            }
            "contact.identified" => Self::ContactIdentified { visitor: part(personal)? },
            "contact.merged" | "contact.merged_into" | "contact.unmerged" => {
                let mut merged: ContactMerged = from_str(facts)?;
                merged.state.personal = part(personal)?;
                let merged = Box::new(merged);
                match kind {
                    "contact.merged" => Self::ContactMerged(merged),
                    "contact.merged_into" => Self::ContactMergedInto(merged),
                    _ => Self::ContactUnmerged(merged),
                }
            }
            "contact.reparented" => {
                let From { from } = from_str(facts)?;
                Self::Reparented { from }
            }
            "conversion.reattributed" => Self::ConversionReattributed,
            _ => return Err(Wrong::Kind),
        })
    }
}
