use chrono::{DateTime, TimeDelta, Utc};

use super::{RESOURCES_MAX, Resource, units_reasons};
use crate::appointment::Schedule;
use crate::availability::Interval;
use crate::error::{Error, Reason};
use crate::zone::Zone;

/// Free times that are asked for: with any of some people or teams, and with all of some things.
///
/// ```
/// use convio_core::calendar::SlotRequest;
/// use convio_core::Resource;
/// let request = SlotRequest::of([Resource::person("ann"), Resource::person("bob")], 60, "America/Denver".parse()?)
///     .with(Resource::thing("van"), 1)
///     .every(30)
///     .days(7)
///     .first(5);
/// assert!(request.check().is_ok());
/// assert_eq!(SlotRequest::of([], 0, convio_core::Zone::UTC).check().unwrap_err().reasons().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRequest {
    pub(crate) of: Vec<Resource>,
    pub(crate) with: Vec<(Resource, u32)>,
    pub(crate) minutes: u32,
    pub(crate) every: u32,
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) days: u32,
    pub(crate) limit: usize,
    pub(crate) zone: Zone,
}

impl SlotRequest {
    /// Times of so many minutes with any of these, told by the clocks of this zone, that of whoever comes: the first 50 of the next 14
    /// days, on the quarters of an hour.
    pub fn of(resources: impl IntoIterator<Item = Resource>, minutes: u32, zone: Zone) -> Self {
        let of = resources.into_iter().collect();
        Self { of, with: Vec::new(), minutes, every: 15, from: None, days: 14, limit: 50, zone }
    }

    /// With so many units of this resource too, beside those named before.
    #[must_use]
    pub fn with(mut self, resource: Resource, units: u32) -> Self {
        self.with.push((resource, units));
        self
    }

    /// That begin so many minutes after midnight, again and again, by the clocks of whoever is booked.
    #[must_use]
    pub fn every(self, minutes: u32) -> Self {
        Self { every: minutes, ..self }
    }

    /// From then on, where that is not now.
    #[must_use]
    pub fn from(self, from: DateTime<Utc>) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Within so many times 24 hours.
    #[must_use]
    pub fn days(self, days: u32) -> Self {
        Self { days, ..self }
    }

    /// The first so many.
    #[must_use]
    pub fn first(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Every field that is wrong.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid).
    pub fn check(&self) -> Result<(), Error> {
        let mut reasons = self.schedule().reasons();
        if self.of.is_empty() {
            reasons.push(Reason::missing("of"));
        }
        if self.of.len() > SLOT_RESOURCES_MAX {
            let message = format!("at most {SLOT_RESOURCES_MAX} resources, not {}", self.of.len());
            reasons.push(Reason::new("of", "too_many", message));
        }
        reasons.extend(self.of.iter().filter_map(Resource::reason));
        reasons.extend(units_reasons(&self.with));
        let named: Vec<&Resource> = self.of.iter().chain(self.with.iter().map(|(it, _)| it)).collect();
        let mut once: Vec<&Resource> = named.clone();
        once.sort_unstable();
        once.dedup();
        if once.len() < named.len() && reasons.iter().all(|reason| reason.code != "twice") {
            reasons.push(Reason::new("of", "twice", "a resource is named twice"));
        }
        let counts = [
            ("every", u64::from(self.every), 24 * 60),
            ("days", self.days.into(), SLOT_DAYS_MAX.into()),
            ("limit", self.limit as u64, SLOTS_MAX as u64),
        ];
        for (field, n, most) in counts.into_iter().filter(|(_, n, most)| n == &0 || n > most) {
            reasons.push(Reason::new(field, "out_of_range", format!("{field} is 1 to {most}, not {n}")));
        }
        let looked_at = (self.of.len() + self.with.len()) as u64 * u64::from(self.days);
        if reasons.is_empty() && looked_at > SLOT_LOOKED_AT_MAX {
            let message =
                format!("at most {SLOT_LOOKED_AT_MAX} days of calendars are looked at, not {looked_at}");
            reasons.push(Reason::new("days", "too_many", message));
        }
        if reasons.is_empty() { Ok(()) } else { Err(Error::invalid(reasons)) }
    }

    fn schedule(&self) -> Schedule {
        Schedule::at(DateTime::UNIX_EPOCH, &self.zone).minutes(self.minutes)
    }

    /// The time that is looked at, asked at this one.
    pub fn within(&self, now: DateTime<Utc>) -> Interval {
        let from = self.from.unwrap_or(now);
        let until = from.checked_add_signed(TimeDelta::days(self.days.into()));
        Interval::new(from, until.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

/// A time that is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeSlot {
    /// The time, by the clocks of whoever comes.
    pub schedule: Schedule,
    /// Who is free then, in the order in which they were asked about.
    pub of: Vec<Resource>,
}

/// Most days that are looked at for free times.
pub const SLOT_DAYS_MAX: u32 = 92;
/// Most days of calendars that are looked at for one answer: the days of each resource.
pub const SLOT_LOOKED_AT_MAX: u64 = 15_000;
/// Most free times of one answer.
pub const SLOTS_MAX: usize = 1_000;
/// Most resources of which any will do.
pub const SLOT_RESOURCES_MAX: usize = 500;
const _: () = assert!(RESOURCES_MAX < SLOT_RESOURCES_MAX);
