use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BUFFER_MINUTES_MAX, Resource, Taken};
use crate::appointment::{MINUTES_MAX, Schedule};
use crate::availability::Interval;
use crate::canonical::Fingerprint;
use crate::change_set::GiveBack;
use crate::error::{Error, Reason};

/// A time to be kept free for someone who has not booked yet: while they fill in a form, or pay.
///
/// ```
/// use convio_core::calendar::NewHold;
/// use convio_core::{Resource, Schedule};
/// let hold = NewHold::at(Schedule::local("2027-03-02T10:00", "UTC")?, 15)
///     .of(Resource::person("ann"), 1)
///     .of(Resource::thing("van"), 1);
/// assert!(hold.check().is_ok());
/// # Ok::<(), convio_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    pub(crate) schedule: Schedule,
    pub(crate) minutes: u32,
    pub(crate) of: Vec<(Resource, u32)>,
    pub(crate) is_anytime: bool,
}

impl NewHold {
    /// This time, held for so many minutes.
    pub fn at(schedule: Schedule, minutes: u32) -> Self {
        Self { schedule, minutes, of: Vec::new(), is_anytime: false }
    }

    /// So many units of this resource, beside those named before: all of them or none.
    #[must_use]
    pub fn of(mut self, resource: Resource, units: u32) -> Self {
        self.of.push((resource, units));
        self
    }

    /// Whether calendars are open or not.
    #[must_use]
    pub fn anytime(self) -> Self {
        Self { is_anytime: true, ..self }
    }

    /// Every field that is wrong.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid).
    pub fn check(&self) -> Result<(), Error> {
        let mut reasons = self.schedule.reasons();
        if self.minutes == 0 || self.minutes > HOLD_MINUTES_MAX {
            let message = format!("a time is held for 1 to {HOLD_MINUTES_MAX} minutes");
            reasons.push(Reason::new("hold_minutes", "out_of_range", message));
        }
        if self.of.is_empty() {
            reasons.push(Reason::missing("resources"));
        }
        reasons.extend(units_reasons(&self.of));
        if reasons.is_empty() { Ok(()) } else { Err(Error::invalid(reasons)) }
    }
}

/// What is wrong with what is wanted of calendars.
pub(crate) fn units_reasons(of: &[(Resource, u32)]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if of.len() > RESOURCES_MAX {
        let message = format!("at most {RESOURCES_MAX} resources are booked together, not {}", of.len());
        reasons.push(Reason::new("resources", "too_many", message));
    }
    for (n, (resource, units)) in of.iter().enumerate() {
        reasons.extend(resource.reason());
        if *units == 0 {
            reasons.push(Reason::new("units", "out_of_range", format!("of {resource} nothing is wanted")));
        }
        if of[..n].iter().any(|(other, _)| other == resource) {
            reasons.push(Reason::new("resources", "twice", format!("{resource} is named twice")));
        }
    }
    reasons
}

/// A time that is kept free until an instant: it is not taken by anyone else, and ends by itself.
///
/// It is a value to be kept by whoever holds the time, in a session or a row of theirs; nothing else of it is stored than that the
/// time is taken. Booking [with it](crate::NewAppointment::holding) takes the time over in one commit.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What its times are taken by. Whoever knows it can give them back.
    pub id: Uuid,
    /// The time, without what is taken before and after.
    pub time: Interval,
    /// What is taken.
    pub takes: Vec<Taken>,
    /// When it ends.
    pub until: DateTime<Utc>,
}

impl Hold {
    /// What its times are noted as taken by: it does not tell the id, which gives them back.
    ///
    /// ```
    /// use convio_core::Hold;
    /// let text = r#"{"id":"67e55044-10b1-426f-9247-bb680e5fe0c8","takes":[],"until":"2027-03-02T10:15:00Z",
    ///     "time":{"start":"2027-03-02T10:00:00Z","end":"2027-03-02T11:00:00Z"}}"#;
    /// let hold: Hold = serde_json::from_str(text)?;
    /// assert_ne!(hold.mark(), hold.id);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn mark(&self) -> Uuid {
        Fingerprint::of_bytes(self.id.as_bytes()).to_uuid()
    }

    /// What is wrong with it, which may have gone through many hands.
    pub(crate) fn reasons(&self) -> Vec<Reason> {
        let of: Vec<_> = self.takes.iter().map(|taken| (taken.resource.clone(), taken.units)).collect();
        let mut reasons = units_reasons(&of);
        let minutes = (self.time.end - self.time.start).num_minutes();
        let is_long = !(0..=i64::from(MINUTES_MAX)).contains(&minutes);
        let is_wide = |taken: &Taken| taken.before.max(taken.after) > BUFFER_MINUTES_MAX;
        if is_long || self.takes.iter().any(is_wide) {
            reasons.push(Reason::new("hold", "invalid", "no hold of ours takes that long"));
        }
        reasons
    }

    /// What gives its times back.
    pub(crate) fn given_back(&self) -> GiveBack {
        let takes = self.takes.iter().map(|taken| (taken.resource.clone(), taken.around(self.time)));
        GiveBack { by: self.mark(), takes: takes.collect() }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hold({} until {})", self.time, self.until)
    }
}

/// Longest time that a time is held for: a day.
pub const HOLD_MINUTES_MAX: u32 = 24 * 60;
/// Most resources that are booked together, beside whoever gets the appointment.
pub const RESOURCES_MAX: usize = 16;
