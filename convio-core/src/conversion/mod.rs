//! The conversion: a lead that was sold.

mod adjusted;
mod commission;
mod fold;
mod repository;
mod returned;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::change_set::Version;
use crate::contact::Touch;
use crate::id::{AppointmentId, CommissionId, ContactId, ConversionId, LeadId, WorkspaceId};
use crate::lead::Custom;
use crate::money::{ExchangeRate, Money, MoneyError};
use crate::text::ConversionType;

pub use adjusted::{ADJUSTMENTS_MAX, Adjusted, NewAdjustment};
pub use commission::{
    CLAW_BACKS_MAX, COMMISSIONS_MAX, ClawBack, Commission, CommissionState, NewCommission, Paid, Reversal,
};
#[cfg(feature = "service")]
pub use repository::{ConversionFilter, ConversionRepository};
pub use returned::{NewReturn, Remedy, ReturnPolicy, Returned};

/// A lead that was sold.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// What it was worth when it was recorded.
    pub value: Money,
    /// What it is worth now, after all adjustments. Voided, it counts nowhere, and this is what it was worth last.
    pub net: Money,
    /// What changed its worth, in the order in which it was recorded.
    pub adjustments: Vec<Adjusted>,
    /// What its value is reported by: the rate into the workspace's currency of the day that it counts on, as it was known when
    /// it was recorded. `None` where none was.
    pub rate: Option<ExchangeRate>,
    /// The contact's first lead, as far as was known then.
    pub first_touch: Touch,
    /// The contact's last lead before it, as far as was known then; the sold lead where there was none before it.
    pub last_touch: Touch,
    /// Who sold it: a name or id of the embedder's.
    pub sold_by: Option<String>,
    /// The caller's own id of it: unique in the workspace, for ever.
    pub external_id: Option<String>,
    /// What else is kept with it. Personal.
    pub metadata: Custom,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The day that it counts on: that of its happening, in the zone that the workspace had when it was recorded.
    pub day: NaiveDate,
    /// The time from the lead's receipt to it. Negative where it happened before the lead came in: such a one counts in
    /// all sums but the average of times.
    pub seconds_to_convert: i64,
    /// That the lead came back.
    pub returned: Option<Returned>,
    /// What others earn by it, in the order in which it was recorded.
    pub commissions: Vec<Commission>,
    /// When and why it was voided. A voided conversion counts nowhere.
    pub voided: Option<Voided>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// How many events it has had.
    pub version: Version,
}

impl Conversion {
    /// Whether it counts: it was not voided.
    pub fn stands(&self) -> bool {
        self.voided.is_none()
    }

    /// The commission of this id.
    pub fn commission(&self, id: CommissionId) -> Option<&Commission> {
        self.commissions.iter().find(|commission| commission.id == id)
    }

    /// Takes commissions over as they are now: those that it has, and new ones after them.
    pub(crate) fn set_commissions(&mut self, changed: &[Commission]) {
        for commission in changed {
            match self.commissions.iter_mut().find(|known| known.id == commission.id) {
                Some(known) => known.clone_from(commission),
                None => self.commissions.push(commission.clone()),
            }
        }
    }

    /// What it is worth now in the currency of reports; `None` where no rate was known.
    ///
    /// # Errors
    /// Where it does not fit.
    pub fn reported(&self) -> Result<Option<Money>, MoneyError> {
        self.rate.as_ref().map(|rate| rate.convert(self.net)).transpose()
    }
}

/// The end of a conversion that should not have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voided {
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// A conversion to be recorded. `Debug` names the fields of its metadata only.
#[derive(Debug, Clone)]
pub struct NewConversion {
    pub(crate) lead: LeadId,
    pub(crate) value: Money,
    pub(crate) conversion_type: ConversionType,
    pub(crate) occurred_at: Option<DateTime<Utc>>,
    pub(crate) appointment: Option<AppointmentId>,
    pub(crate) sold_by: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) metadata: Custom,
}

impl NewConversion {
    /// The sale of a lead, now, for this.
    pub fn sale(lead: LeadId, value: Money) -> Self {
        Self {
            lead,
            value,
            conversion_type: ConversionType::sale(),
            occurred_at: None,
            appointment: None,
            sold_by: None,
            external_id: None,
            metadata: Custom::default(),
        }
    }

    /// Of this type instead.
    #[must_use]
    pub fn of_type(mut self, conversion_type: ConversionType) -> Self {
        self.conversion_type = conversion_type;
        self
    }

    /// That happened at this time, which may be before the lead was received. A time to come counts as now.
    #[must_use]
    pub fn occurred_at(mut self, at: DateTime<Utc>) -> Self {
        self.occurred_at = Some(at);
        self
    }

    /// That came from this appointment of the lead's.
    #[must_use]
    pub fn from_appointment(mut self, appointment: AppointmentId) -> Self {
        self.appointment = Some(appointment);
        self
    }

    /// Sold by this person: a name or id of yours.
    #[must_use]
    pub fn sold_by(mut self, who: impl Into<String>) -> Self {
        self.sold_by = Some(who.into());
        self
    }

    /// Your own id of it, such as the number of the invoice: the same one again is the same conversion, another
    /// conversion under it a conflict.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// With what else is to be kept. Personal.
    #[must_use]
    pub fn metadata(mut self, metadata: Custom) -> Self {
        self.metadata = metadata;
        self
    }
}
