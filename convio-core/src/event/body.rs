use serde::{Deserialize, Serialize};

use chrono::{DateTime, Utc};

use crate::appointment::{Outcome, Schedule};
use crate::contact::{ContactKey, Person, Touch};
use crate::error::Reason;
use crate::id::{AppointmentId, ConversionId, LeadId, WebhookId};
use crate::lead::{Custom, Interest, LeadStatus};
use crate::money::Money;
use crate::postal::PostalCode;
use crate::rejection::Corrections;
use crate::routing::{Decision, RuleSet};
use crate::text::{ConversionType, Source};
use crate::webhook::WebhookSettings;
use crate::workspace::WorkspaceSettings;

/// What happened. Each is kept as facts, which stay for ever, and a personal part, which an erasure takes away.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventBody {
    /// A workspace was created.
    WorkspaceCreated(WorkspaceSettings),
    /// A workspace got new settings: these are all of them.
    WorkspaceConfigured(WorkspaceSettings),
    /// A workspace was deleted.
    WorkspaceDeleted,
    /// A deleted workspace was restored.
    WorkspaceRestored,
    /// A webhook was created.
    WebhookCreated {
        /// Its name.
        name: String,
        /// Its settings.
        settings: WebhookSettings,
    },
    /// A webhook got new settings.
    WebhookConfigured {
        /// All of them.
        settings: WebhookSettings,
    },
    /// A webhook was deleted.
    WebhookDeleted,
    /// A deleted webhook was restored.
    WebhookRestored,
    /// A lead was taken; its contact was made, or took what the lead offered.
    LeadReceived(Box<LeadReceived>),
    /// A lead could not be taken, and is kept.
    LeadRejected(LeadRejected),
    /// Fields of a rejected lead were set right.
    RejectionCorrected {
        /// All corrections; personal.
        corrections: Option<Corrections>,
    },
    /// A lead was made of a rejected one.
    RejectionReleased,
    /// Routing rules were published.
    RulesPublished(RuleSet),
    /// An appointment was booked and routed.
    AppointmentBooked(Box<AppointmentBooked>),
    /// An appointment took place.
    AppointmentCompleted(AppointmentCompleted),
    /// A lead was sold.
    ConversionRecorded(ConversionRecorded),
}

/// Of [`EventBody::LeadReceived`]: everything of the lead but what the commit decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeadReceived {
    /// The webhook that it came through.
    pub webhook: WebhookId,
    /// What it is an interest in.
    pub interest: Interest,
    /// What is doubtful in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Reason>,
    /// Whether it is a test.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// How far its source is trusted.
    pub rank: u8,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// What it says of the person; `None` once erased.
    #[serde(skip)]
    pub personal: Option<LeadPersonal>,
}

impl LeadReceived {
    /// The lead as a touch of its contact.
    pub fn touch(&self, lead: LeadId) -> Touch {
        Touch { source: self.interest.source.clone(), lead, at: self.received_at }
    }

    /// What it says of the person, whether the contact took it or not; `None` once erased.
    pub fn person(&self) -> Option<&Person> {
        self.personal.as_ref().map(|personal| &personal.person)
    }
}

/// The personal part of [`LeadReceived`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeadPersonal {
    /// What the lead says of the person.
    pub person: Person,
    /// The key that the contact was found or made by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<ContactKey>,
    /// The lead's postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    /// The fields that have no other place.
    pub custom: Custom,
}

/// Of [`EventBody::LeadRejected`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadRejected {
    /// The webhook that it came through.
    pub webhook: WebhookId,
    /// Everything that was wrong.
    pub reasons: Vec<Reason>,
    /// The sender's own id of the lead, as the transport gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether it is a test.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// When it was received.
    pub received_at: DateTime<Utc>,
}

/// Of [`EventBody::AppointmentBooked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentBooked {
    /// When it takes place.
    pub schedule: Schedule,
    /// Where it was routed, and why.
    pub routing: Decision,
    /// The lead's status after it.
    pub lead_status: LeadStatus,
}

/// Of [`EventBody::AppointmentCompleted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentCompleted {
    /// How it ended.
    pub outcome: Outcome,
    /// The conversion that it ended in.
    pub conversion: Option<ConversionId>,
}

/// Of [`EventBody::ConversionRecorded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionRecorded {
    /// The conversion.
    pub conversion: ConversionId,
    /// The appointment that it came from.
    pub appointment: Option<AppointmentId>,
    /// Its type.
    pub conversion_type: ConversionType,
    /// Its value.
    pub value: Money,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The source of the contact's first lead.
    pub first_touch: Source,
    /// The lead's status after it.
    pub lead_status: LeadStatus,
}

/// The settings of a webhook, wrapped for the event that created it.
#[derive(Serialize, Deserialize)]
struct CreatedWebhook {
    name: String,
    settings: WebhookSettings,
}

#[derive(Serialize, Deserialize)]
struct ConfiguredWebhook {
    settings: WebhookSettings,
}

impl EventBody {
    /// The kind, as stores name it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::WorkspaceCreated(_) => "workspace.created",
            Self::WorkspaceConfigured(_) => "workspace.configured",
            Self::WorkspaceDeleted => "workspace.deleted",
            Self::WorkspaceRestored => "workspace.restored",
            Self::WebhookCreated { .. } => "webhook.created",
            Self::WebhookConfigured { .. } => "webhook.configured",
            Self::WebhookDeleted => "webhook.deleted",
            Self::WebhookRestored => "webhook.restored",
            Self::LeadReceived(_) => "lead.received",
            Self::LeadRejected(_) => "lead.rejected",
            Self::RejectionCorrected { .. } => "rejection.corrected",
            Self::RejectionReleased => "rejection.released",
            Self::RulesPublished(_) => "rules.published",
            Self::AppointmentBooked(_) => "appointment.booked",
            Self::AppointmentCompleted(_) => "appointment.completed",
            Self::ConversionRecorded(_) => "conversion.recorded",
        }
    }

    /// The facts, as JSON.
    pub fn facts(&self) -> serde_json::Result<String> {
        match self {
            Self::WorkspaceCreated(settings) | Self::WorkspaceConfigured(settings) => {
                serde_json::to_string(settings)
            }
            Self::WebhookCreated { name, settings } => {
                serde_json::to_string(&CreatedWebhook { name: name.clone(), settings: settings.clone() })
            }
            Self::WebhookConfigured { settings } => {
                serde_json::to_string(&ConfiguredWebhook { settings: settings.clone() })
            }
            Self::WorkspaceDeleted
            | Self::WorkspaceRestored
            | Self::WebhookDeleted
            | Self::WebhookRestored
            | Self::RejectionCorrected { .. }
            | Self::RejectionReleased => Ok("{}".to_owned()),
            Self::LeadReceived(facts) => serde_json::to_string(facts),
            Self::LeadRejected(facts) => serde_json::to_string(facts),
            Self::RulesPublished(rules) => serde_json::to_string(rules),
            Self::AppointmentBooked(facts) => serde_json::to_string(facts),
            Self::AppointmentCompleted(facts) => serde_json::to_string(facts),
            Self::ConversionRecorded(facts) => serde_json::to_string(facts),
        }
    }

    /// The personal part, as JSON; `None` when there is none, or it was erased.
    pub fn personal(&self) -> serde_json::Result<Option<String>> {
        match self {
            Self::LeadReceived(received) => received.personal.as_ref().map(serde_json::to_string).transpose(),
            Self::RejectionCorrected { corrections } => {
                corrections.as_ref().map(serde_json::to_string).transpose()
            }
            _ => Ok(None),
        }
    }

    /// The body that was kept as these parts.
    pub fn from_parts(kind: &str, facts: &str, personal: Option<&str>) -> serde_json::Result<Self> {
        use serde::de::Error as _;
        use serde_json::from_str;
        Ok(match kind {
            "workspace.created" => Self::WorkspaceCreated(from_str(facts)?),
            "workspace.configured" => Self::WorkspaceConfigured(from_str(facts)?),
            "workspace.deleted" => Self::WorkspaceDeleted,
            "workspace.restored" => Self::WorkspaceRestored,
            "webhook.created" => {
                let CreatedWebhook { name, settings } = from_str(facts)?;
                Self::WebhookCreated { name, settings }
            }
            "webhook.configured" => {
                let ConfiguredWebhook { settings } = from_str(facts)?;
                Self::WebhookConfigured { settings }
            }
            "webhook.deleted" => Self::WebhookDeleted,
            "webhook.restored" => Self::WebhookRestored,
            "lead.received" => {
                let mut received: LeadReceived = from_str(facts)?;
                received.personal = personal.map(from_str).transpose()?;
                Self::LeadReceived(Box::new(received))
            }
            "lead.rejected" => Self::LeadRejected(from_str(facts)?),
            "rejection.corrected" => {
                Self::RejectionCorrected { corrections: personal.map(from_str).transpose()? }
            }
            "rejection.released" => Self::RejectionReleased,
            "rules.published" => Self::RulesPublished(from_str(facts)?),
            "appointment.booked" => Self::AppointmentBooked(from_str(facts)?),
            "appointment.completed" => Self::AppointmentCompleted(from_str(facts)?),
            "conversion.recorded" => Self::ConversionRecorded(from_str(facts)?),
            unknown => {
                return Err(serde_json::Error::custom(format!("unknown kind of event `{unknown}`")));
            }
        })
    }
}
