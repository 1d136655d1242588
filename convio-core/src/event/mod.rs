//! The event: the truth of history. Every change of an aggregate is one event, stored in the same commit, numbered in
//! each aggregate's own stream without a gap, and in the workspace's feed.

mod body;
mod codec;
mod repository;
mod unreadable;
mod upcast;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::change_set::{ConfigVersion, Version};
use crate::contact::ContactNumber;
use crate::id::{
    ApiKeyId, AppointmentId, CalendarId, ContactId, ConversionId, EndpointId, IntakeId, LeadId, ProviderId,
    TouchpointId, WebhookId, WorkspaceId,
};

pub use body::{
    AppointmentBooked, AppointmentEnded, ContactMerged, ConversionAdjusted, ConversionRecorded,
    ConversionReturned, ConversionVoided, EndpointCreated, EventBody, LeadPersonal, LeadReceived,
    LeadRejected, TouchRecorded,
};
#[cfg(feature = "service")]
pub use repository::EventLog;
pub use unreadable::UnreadableEvent;

/// Something that happened, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its place in the workspace's feed: 1, 2, 3 ... without a gap.
    pub position: Position,
    /// When it was committed, by the clock of the service.
    pub at: DateTime<Utc>,
    /// Who did it, and on what occasion.
    pub origin: Origin,
    /// What happened.
    pub body: EventBody,
    /// The contact that it is about.
    pub contact: Option<Link<ContactId>>,
    /// The lead that it is about.
    pub lead: Option<Link<LeadId>>,
    /// What else it is about.
    pub about: Option<(Subject, Version)>,
    /// The number of the contact that it made: known at the commit only.
    pub contact_number: Option<ContactNumber>,
    /// The lead that the received one repeats: known at the commit only.
    pub duplicate_of: Option<LeadId>,
}

impl Event {
    /// The contact that it is about.
    pub fn contact_id(&self) -> Option<ContactId> {
        self.contact.map(|link| link.id)
    }

    /// Its number in the contact's stream, if it changed the contact.
    pub fn contact_version(&self) -> Option<Version> {
        self.contact.and_then(|link| link.version)
    }

    /// The lead that it is about.
    pub fn lead_id(&self) -> Option<LeadId> {
        self.lead.map(|link| link.id)
    }

    /// Its number in the lead's stream, if it changed the lead.
    pub fn lead_version(&self) -> Option<Version> {
        self.lead.and_then(|link| link.version)
    }

    /// What else it is about.
    pub fn subject(&self) -> Option<Subject> {
        self.about.map(|(subject, _)| subject)
    }

    /// Its number in the subject's stream.
    pub fn subject_version(&self) -> Option<Version> {
        self.about.map(|(_, version)| version)
    }

    /// Its number in this stream, if it belongs to it.
    pub fn version_in(&self, stream: StreamRef) -> Option<Version> {
        match stream {
            StreamRef::Contact(id) => self.contact.filter(|link| link.id == id)?.version,
            StreamRef::Lead(id) => self.lead.filter(|link| link.id == id)?.version,
            StreamRef::Subject(subject) => self.about.filter(|about| about.0 == subject).map(|about| about.1),
        }
    }
}

/// An aggregate that an event mentions: with a version if the event changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<I> {
    /// The aggregate.
    pub id: I,
    /// The event's number in the aggregate's stream; `None` if it is only mentioned.
    pub version: Option<Version>,
}

/// A place in a workspace's feed. The first event is at 1; 0 is before all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// Aggregates other than contacts and leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The workspace itself.
    Workspace(WorkspaceId),
    /// A webhook.
    Webhook(WebhookId),
    /// A provider.
    Provider(ProviderId),
    /// An API key.
    ApiKey(ApiKeyId),
    /// A calendar.
    Calendar(CalendarId),
    /// The workspace's routing rules: they share its id.
    Rules(WorkspaceId),
    /// How the workspace attributes conversions: it shares its id.
    Attribution(WorkspaceId),
    /// The exchange rates into the workspace's currency: they share its id.
    Rates(WorkspaceId),
    /// A rejection.
    Rejection(IntakeId),
    /// An appointment.
    Appointment(AppointmentId),
    /// A conversion.
    Conversion(ConversionId),
    /// A touch that is no lead.
    Touchpoint(TouchpointId),
    /// An endpoint.
    Endpoint(EndpointId),
}

impl Subject {
    /// The kind of the aggregate, as stores name it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Workspace(_) => "workspace",
            Self::Webhook(_) => "webhook",
            Self::Provider(_) => "provider",
            Self::ApiKey(_) => "api_key",
            Self::Calendar(_) => "calendar",
            Self::Rules(_) => "rules",
            Self::Rejection(_) => "rejection",
            Self::Appointment(_) => "appointment",
            Self::Conversion(_) => "conversion",
            Self::Attribution(_) => "attribution",
            Self::Rates(_) => "rates",
            Self::Touchpoint(_) => "touchpoint",
            Self::Endpoint(_) => "endpoint",
        }
    }

    /// The UUID of the aggregate.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Workspace(id) | Self::Rules(id) | Self::Attribution(id) | Self::Rates(id) => id.uuid(),
            Self::Webhook(id) => id.uuid(),
            Self::Provider(id) => id.uuid(),
            Self::ApiKey(id) => id.uuid(),
            Self::Calendar(id) => id.uuid(),
            Self::Rejection(id) => id.uuid(),
            Self::Appointment(id) => id.uuid(),
            Self::Conversion(id) => id.uuid(),
            Self::Touchpoint(id) => id.uuid(),
            Self::Endpoint(id) => id.uuid(),
        }
    }

    /// The subject of this kind and UUID.
    pub fn from_parts(kind: &str, uuid: Uuid) -> Option<Self> {
        Some(match kind {
            "workspace" => Self::Workspace(WorkspaceId::from_uuid(uuid)),
            "webhook" => Self::Webhook(WebhookId::from_uuid(uuid)),
            "provider" => Self::Provider(ProviderId::from_uuid(uuid)),
            "api_key" => Self::ApiKey(ApiKeyId::from_uuid(uuid)),
            "calendar" => Self::Calendar(CalendarId::from_uuid(uuid)),
            "rules" => Self::Rules(WorkspaceId::from_uuid(uuid)),
            "rejection" => Self::Rejection(IntakeId::from_uuid(uuid)),
            "appointment" => Self::Appointment(AppointmentId::from_uuid(uuid)),
            "conversion" => Self::Conversion(ConversionId::from_uuid(uuid)),
            "attribution" => Self::Attribution(WorkspaceId::from_uuid(uuid)),
            "rates" => Self::Rates(WorkspaceId::from_uuid(uuid)),
            "touchpoint" => Self::Touchpoint(TouchpointId::from_uuid(uuid)),
            "endpoint" => Self::Endpoint(EndpointId::from_uuid(uuid)),
            _ => return None,
        })
    }
}

/// The stream of one aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamRef {
    /// A contact's.
    Contact(ContactId),
    /// A lead's.
    Lead(LeadId),
    /// Any other aggregate's.
    Subject(Subject),
}

/// Who did something, and on what occasion.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Who did it.
    pub actor: Actor,
    /// The request that it was done in.
    pub request: Option<String>,
    /// What it followed from.
    pub causation: Option<String>,
}

/// Who does something: an opaque name of the embedder's. Cloning is cheap: every event has one. Give ids rather than names of people, since events are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(Arc<str>);

impl Actor {
    /// A user of the embedding service.
    ///
    /// ```
    /// use convio_core::Actor;
    /// assert_eq!(Actor::user("jane").as_str(), "user:jane");
    /// assert_eq!(Actor::default().as_str(), "system");
    /// ```
    pub fn user(name: impl AsRef<str>) -> Self {
        Self(crate::text::without_nul(format!("user:{}", name.as_ref())).into())
    }

    /// An API key.
    pub fn api_key(key: ApiKeyId) -> Self {
        Self(format!("key:{key}").into())
    }

    /// The actor that a store kept.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The actor as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Actor {
    fn default() -> Self {
        Self("system".into())
    }
}

/// Where the feed of a workspace ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedHead {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The position of its last event.
    pub feed: Position,
}

/// Where a workspace stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The position of its last event.
    pub feed: Position,
    /// How many contacts it has ever made.
    pub contacts: u64,
    /// The version of its configuration.
    pub config: ConfigVersion,
}
