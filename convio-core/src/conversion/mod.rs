//! The conversion: a lead that was sold.

mod fold;
mod repository;

use chrono::{DateTime, Utc};

use crate::change_set::Version;
use crate::id::{AppointmentId, ContactId, ConversionId, LeadId, WorkspaceId};
use crate::money::Money;
use crate::text::{ConversionType, Source};

#[cfg(feature = "service")]
pub use repository::{ConversionFilter, ConversionRepository};

/// A lead that was sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// Who it is.
    pub id: ConversionId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The lead that was sold.
    pub lead: LeadId,
    /// The lead's contact.
    pub contact: ContactId,
    /// The appointment that it came from.
    pub appointment: Option<AppointmentId>,
    /// What kind of conversion it is.
    pub conversion_type: ConversionType,
    /// What it is worth.
    pub value: Money,
    /// The source of the contact's first lead.
    pub first_touch: Source,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// How many events it has had.
    pub version: Version,
}

/// A conversion to be recorded.
#[derive(Debug, Clone)]
pub struct NewConversion {
    pub(crate) lead: LeadId,
    pub(crate) value: Money,
    pub(crate) conversion_type: ConversionType,
    pub(crate) occurred_at: Option<DateTime<Utc>>,
}

impl NewConversion {
    /// The sale of a lead, now, for this.
    pub fn sale(lead: LeadId, value: Money) -> Self {
        Self { lead, value, conversion_type: ConversionType::sale(), occurred_at: None }
    }

    /// Of this type instead.
    #[must_use]
    pub fn of_type(mut self, conversion_type: ConversionType) -> Self {
        self.conversion_type = conversion_type;
        self
    }

    /// That happened at this time, which may be before the lead was received.
    #[must_use]
    pub fn occurred_at(mut self, at: DateTime<Utc>) -> Self {
        self.occurred_at = Some(at);
        self
    }
}
