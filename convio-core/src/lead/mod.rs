//! The lead: one interest of one contact.

mod change;
mod fold;
mod history;
mod payload;
mod pipeline;
mod progress;
mod raw;
mod repository;
mod status;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::change_set::Version;
use crate::contact::Touch;
use crate::error::Reason;
use crate::id::{ContactId, LeadId, ProviderId, WebhookId, WorkspaceId};
use crate::postal::PostalCode;
use crate::text::{Campaign, LeadType, Product, Source};

pub use change::{Attempts, Channel, ContactAttempt, LeadChange, Priority};
pub use history::{Note, Span, notes, owners, statuses};
pub use payload::Payload;
pub use pipeline::Pipeline;
pub use progress::{Progress, Reached, Step};
pub use raw::{Format, RawLead};
#[cfg(feature = "service")]
pub use repository::{LeadFilter, LeadRepository};
pub use status::{LeadStatus, Stage};

/// One interest of one contact. A re-inquiry is a new lead, never a second contact.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lead {
    /// Who it is.
    pub id: LeadId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Whose interest it is.
    pub contact: ContactId,
    /// The webhook that it came through.
    pub webhook: WebhookId,
    /// The provider that sent it.
    pub provider: Option<ProviderId>,
    /// What it is an interest in, and where it came from.
    pub interest: Interest,
    /// Everything that was sent and has no place elsewhere.
    pub custom: Custom,
    /// The postal code that was sent with it.
    pub postal_code: Option<PostalCode>,
    /// What is doubtful in what was sent.
    pub flags: Vec<Reason>,
    /// A test lead is stored like any other, repeats nothing and stands in no analytics; its contact's lead count and the
    /// webhook's limit include it.
    pub test: bool,
    /// How far it has come.
    pub progress: Progress,
    /// Who is responsible for it: a name or id of the embedder's.
    pub owner: Option<String>,
    /// When it is to be looked at again.
    pub follow_up_at: Option<DateTime<Utc>>,
    /// How urgent it is.
    pub priority: Priority,
    /// How often someone tried to reach the person.
    pub attempts: Attempts,
    /// The lead that it repeats.
    pub duplicate_of: Option<LeadId>,
    /// Whether its contact was made by it.
    pub opened_contact: bool,
    /// When it was deleted. A deleted lead is left out of lists and of its contact's count, and nothing is done with it
    /// until it is restored; what it came to stays in analytics.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// How many events it has had.
    pub version: Version,
}

impl Lead {
    /// The custom fields as a type of the industry: what the type does not know is left out, what it needs must be there.
    ///
    /// ```
    /// use convio_core::Custom;
    /// #[derive(serde::Deserialize)]
    /// struct Solar { roof: String, monthly_bill: u32 }
    /// let custom: Custom = serde_json::from_str(r#"{"roof":"tile","monthly_bill":180,"other":true}"#)?;
    /// let solar: Solar = custom.read()?;
    /// assert_eq!((solar.roof.as_str(), solar.monthly_bill), ("tile", 180));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn custom<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.custom.read()
    }

    /// The lead as a touch of its contact.
    pub fn touch(&self) -> Touch {
        Touch { source: self.interest.source.clone(), lead: self.id, at: self.received_at }
    }

    /// Whether it is older than so many days at this time and still only worked on: neither sold nor given up, without an
    /// open appointment. No lead expires where no days are set.
    pub fn has_expired(&self, days: Option<u32>, now: DateTime<Utc>) -> bool {
        let waits = self.progress.status.stage.is_open() && self.progress.open_appointments == 0;
        let old = days.is_some_and(|days| now - self.received_at > TimeDelta::days(days.into()));
        waits && old && self.deleted_at.is_none()
    }

    /// The time from its receipt to the first attempt to reach the person, in seconds; `None` while there was none.
    pub fn seconds_to_contact(&self) -> Option<i64> {
        Some((self.attempts.first_at? - self.received_at).num_seconds())
    }
}

/// What a lead is an interest in, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    /// Where it came from.
    pub source: Source,
    /// What kind of lead it is.
    pub lead_type: LeadType,
    /// The campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
    /// The product or service asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// The UTM parameters.
    #[serde(default, skip_serializing_if = "Utm::is_empty")]
    pub utm: Utm,
    /// The sender's own id of the lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// The UTM parameters of a landing, as they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Utm {
    /// `utm_source`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `utm_medium`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// `utm_campaign`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// `utm_term`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// `utm_content`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl Utm {
    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Fields that Convio has no place for, kept as they were sent. Cloning is cheap: a lead shares them with its event. May be
/// personal: `Debug` names the fields only.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Custom(pub Arc<Map<String, Value>>);

impl From<Map<String, Value>> for Custom {
    fn from(fields: Map<String, Value>) -> Self {
        Self(Arc::new(fields))
    }
}

impl Custom {
    /// The fields as a type of the industry.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(Value::Object(Map::clone(&self.0)))
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        write!(f, "Custom({})", names.join(", "))
    }
}
