use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{NextStep, Outcome, Schedule};
use crate::calendar::{Hold, Resource, units_reasons};
use crate::error::{Error, Reason};
use crate::lead::Custom;
use crate::money::Money;
use crate::routing::Target;
use crate::text::{AppointmentType, ConversionType};
use crate::use_case::ingest::CLAIM_BYTES_MAX;

/// An appointment to be booked. `Debug` does not show its place.
///
/// ```
/// use convio_core::{AppointmentType, NewAppointment, Schedule, Target};
/// let visit = NewAppointment::at(Schedule::local("2027-03-02T10:00", "America/Los_Angeles")?)
///     .of_type(AppointmentType::new("Solar Consultation")?)
///     .location("12 Main St")
///     .direct(Target::person("maria"));
/// assert!(visit.check().is_ok());
/// assert!(!format!("{visit:?}").contains("Main"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAppointment {
    pub(crate) schedule: Schedule,
    pub(crate) appointment_type: AppointmentType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) staff: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) booked_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Money>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) with: Vec<(Resource, u32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hold: Option<Hold>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) anytime: bool,
}

impl NewAppointment {
    /// An appointment at this time, routed by the rules.
    pub fn at(schedule: Schedule) -> Self {
        Self {
            schedule,
            appointment_type: AppointmentType::standard(),
            location: None,
            target: None,
            staff: None,
            external_id: None,
            booked_at: None,
            value: None,
            with: Vec::new(),
            hold: None,
            anytime: false,
        }
    }

    /// Of this type.
    #[must_use]
    pub fn of_type(mut self, appointment_type: AppointmentType) -> Self {
        self.appointment_type = appointment_type;
        self
    }

    /// At this place. Personal.
    #[must_use]
    pub fn location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// Booked with this target: the rules are not asked.
    #[must_use]
    pub fn direct(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Kept by this person of the target's: a name or id of yours. Where the target is a person, it is that one unless said otherwise.
    #[must_use]
    pub fn staff(mut self, staff: impl Into<String>) -> Self {
        self.staff = Some(staff.into());
        self
    }

    /// Your own id of it: the same one again is the same appointment, another appointment under it a conflict.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// What it is expected to be worth: routing rules may go by it.
    #[must_use]
    pub fn worth(mut self, value: Money) -> Self {
        self.value = Some(value);
        self
    }

    /// When it was booked, where that is not now. A time to come counts as now.
    #[must_use]
    pub fn booked_at(mut self, at: DateTime<Utc>) -> Self {
        self.booked_at = Some(at);
        self
    }

    /// That takes so many units of this resource too, beside the time of whoever gets it: all of it or nothing. The resource must
    /// have a calendar.
    #[must_use]
    pub fn with(mut self, resource: Resource, units: u32) -> Self {
        self.with.push((resource, units));
        self
    }

    /// That takes the place of a hold: what was held is given back, and the appointment's own time taken, in one commit. A hold that
    /// has ended keeps nothing any more: then the time is had if it is free.
    #[must_use]
    pub fn holding(mut self, hold: Hold) -> Self {
        self.hold = Some(hold);
        self
    }

    /// Whether calendars are open or not: what is taken is still taken.
    #[must_use]
    pub fn anytime(mut self) -> Self {
        self.anytime = true;
        self
    }

    /// Every field that is wrong.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid).
    pub fn check(&self) -> Result<(), Error> {
        let mut reasons = self.schedule.reasons();
        reasons.extend(units_reasons(&self.with));
        reasons.extend(self.hold.iter().flat_map(Hold::reasons));
        reasons.extend(text_reason("location", self.location.as_deref()));
        reasons.extend(text_reason("staff", self.staff.as_deref()));
        reasons.extend(self.target.as_ref().and_then(Target::reason));
        reasons.extend(id_reason(self.external_id.as_deref()));
        if reasons.is_empty() { Ok(()) } else { Err(Error::invalid(reasons)) }
    }
}

impl From<Schedule> for NewAppointment {
    fn from(schedule: Schedule) -> Self {
        Self::at(schedule)
    }
}

impl fmt::Debug for NewAppointment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewAppointment({} at {})", self.appointment_type, self.schedule.starts_at)
    }
}

/// How an appointment ended that took place.
///
/// ```
/// use convio_core::{Completion, Outcome};
/// let sold = Completion::from(Outcome::Sold("5000 USD".parse()?)).next_step("install", None);
/// assert!(sold.check().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Completion {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
    pub(crate) next_step: Option<NextStep>,
    pub(crate) completed_at: Option<DateTime<Utc>>,
    pub(crate) conversion_type: ConversionType,
    pub(crate) external_id: Option<String>,
    pub(crate) metadata: Custom,
}

impl From<Outcome> for Completion {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            reason: None,
            next_step: None,
            completed_at: None,
            conversion_type: ConversionType::sale(),
            external_id: None,
            metadata: Custom::default(),
        }
    }
}

impl Completion {
    /// Why it was not sold: the reason that its lead is lost for, if no other appointment is open.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// What is to be done next, and by when. Personal.
    #[must_use]
    pub fn next_step(mut self, what: impl Into<String>, at: Option<DateTime<Utc>>) -> Self {
        self.next_step = Some(NextStep { what: what.into(), at: at.map(crate::clock::micros) });
        self
    }

    /// When it took place, where that is not now. A time to come counts as now.
    #[must_use]
    pub fn completed_at(mut self, at: DateTime<Utc>) -> Self {
        self.completed_at = Some(at);
        self
    }

    /// The type of its conversion; a sale until told otherwise.
    #[must_use]
    pub fn of_type(mut self, conversion_type: ConversionType) -> Self {
        self.conversion_type = conversion_type;
        self
    }

    /// Your own id of its conversion, such as the number of the invoice: unique in the workspace, for ever.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// What else is to be kept with its conversion. Personal.
    #[must_use]
    pub fn metadata(mut self, metadata: Custom) -> Self {
        self.metadata = metadata;
        self
    }

    /// Every field that is wrong.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid).
    pub fn check(&self) -> Result<(), Error> {
        let mut reasons = Vec::new();
        reasons.extend(text_reason("reason", self.reason.as_deref()));
        reasons.extend(text_reason("next_step", self.next_step.as_ref().map(|step| step.what.as_str())));
        reasons.extend(id_reason(self.external_id.as_deref()));
        if reasons.is_empty() { Ok(()) } else { Err(Error::invalid(reasons)) }
    }
}

/// What is wrong with a text that was given: nothing but blanks, a NUL, or too long.
pub(crate) fn text_reason(field: &str, text: Option<&str>) -> Option<Reason> {
    let text = text?;
    let wrong = text.trim().is_empty() || text.contains('\0') || text.len() > TEXT_BYTES_MAX;
    let message = format!("{field} has 1 to {TEXT_BYTES_MAX} bytes that are not all blank, none of them NUL");
    wrong.then(|| Reason::new(field, "invalid", message))
}

/// What is wrong with a caller's own id.
pub(crate) fn id_reason(id: Option<&str>) -> Option<Reason> {
    let id = id?;
    let wrong = id.trim().is_empty() || id.contains('\0') || id.len() > CLAIM_BYTES_MAX;
    let message =
        format!("external_id has 1 to {CLAIM_BYTES_MAX} bytes that are not all blank, none of them NUL");
    wrong.then(|| Reason::new("external_id", "invalid", message))
}

/// Longest text that people write of an appointment, a lead or a conversion: some pages.
pub(crate) const TEXT_BYTES_MAX: usize = 8 * 1024;
