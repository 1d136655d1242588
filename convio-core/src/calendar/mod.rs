//! The calendar: when someone or something can be booked, how many times at once, and what is taken of that.
//!
//! Whoever has a calendar is never booked twice at once, nor more often than its capacity, whoever books at the same time and in
//! whatever process: what is taken is looked at and noted in the commit that takes it. Whoever has none is not limited.

mod busy;
mod clash;
mod fold;
mod hold;
mod request;
mod resource;
mod seats;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::availability::{Hours, Interval};
use crate::canonical::Fingerprint;
use crate::change_set::Version;
use crate::error::{Error, Reason};
use crate::id::{CalendarId, WorkspaceId};
use crate::record::{CALENDARS_KIND, Keeps, Record};

pub use busy::{Busy, BusyDay, DAY_TAKEN_MAX, Take, Taken};
pub use clash::{Clash, ClashWhy};
pub(crate) use hold::units_reasons;
pub use hold::{HOLD_MINUTES_MAX, Hold, NewHold, RESOURCES_MAX};
pub use request::{FreeSlot, SLOT_DAYS_MAX, SLOT_LOOKED_AT_MAX, SLOT_RESOURCES_MAX, SLOTS_MAX, SlotRequest};
pub use resource::Resource;
pub use seats::Seats;

/// When someone or something can be booked, and how many times at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Which one it is: made of the workspace and the resource, which has one calendar.
    pub id: CalendarId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Whose it is.
    pub resource: Resource,
    /// What can be set.
    pub settings: CalendarSettings,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// How many events it has had.
    pub version: Version,
}

/// What can be set on a calendar.
///
/// ```
/// use chrono::Weekday;
/// use convio_core::availability::Hours;
/// use convio_core::calendar::CalendarSettings;
/// let hours = Hours::of("America/New_York".parse()?).each([Weekday::Mon, Weekday::Tue], 9 * 60, 17 * 60);
/// let crews = CalendarSettings::open(hours).capacity(3).buffers(30, 0);
/// assert!(crews.check().is_empty());
/// assert_eq!(crews.capacity(0).check()[0].field, "capacity");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarSettings {
    /// When it is open.
    pub hours: Hours,
    /// How many times it can be taken at once: 1 for a person, as many as there are seats for a room.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub capacity: u32,
    /// Minutes before each appointment that it takes too, such as the way there. They need not lie in its hours.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub before: u32,
    /// Minutes after each appointment that it takes too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u32,
    /// Whether it counts: one that does not is as if it were not there. What is taken stays taken.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub active: bool,
}

impl CalendarSettings {
    /// Open in these hours, to one at a time, with nothing before and after.
    pub fn open(hours: Hours) -> Self {
        Self { hours, capacity: 1, before: 0, after: 0, active: true }
    }

    /// To so many at once. What was taken beyond a lower number stays taken.
    #[must_use]
    pub fn capacity(self, capacity: u32) -> Self {
        Self { capacity, ..self }
    }

    /// With so many minutes before and after each appointment from now on. Each appointment has its own: of two, one needs what
    /// follows the first and what precedes the second.
    #[must_use]
    pub fn buffers(self, before: u32, after: u32) -> Self {
        Self { before, after, ..self }
    }

    /// That does not count.
    #[must_use]
    pub fn inactive(self) -> Self {
        Self { active: false, ..self }
    }

    /// Every setting that is wrong.
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = self.hours.check();
        if self.capacity == 0 || self.capacity > CAPACITY_MAX {
            let message = format!("a calendar has room for 1 to {CAPACITY_MAX} at once");
            reasons.push(Reason::new("capacity", "out_of_range", message));
        }
        for (field, minutes) in [("before", self.before), ("after", self.after)] {
            if minutes > BUFFER_MINUTES_MAX {
                let message = format!("{field} is at most {BUFFER_MINUTES_MAX} minutes");
                reasons.push(Reason::new(field, "out_of_range", message));
            }
        }
        reasons
    }
}

impl Calendar {
    /// The id of a resource's calendar.
    pub fn id_of(workspace: WorkspaceId, resource: &Resource) -> CalendarId {
        let text = format!("calendar/{workspace}/{}/{}", resource.kind(), resource.name());
        CalendarId::from_uuid(Fingerprint::of_bytes(text.as_bytes()).to_uuid())
    }
}

impl Keeps for Calendar {
    const KIND: &'static str = CALENDARS_KIND;

    fn record_key(&self) -> String {
        self.id.to_string()
    }

    fn record_version(&self) -> Version {
        self.version
    }

    fn record_workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

/// The calendars of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendars {
    all: BTreeMap<Resource, Calendar>,
    /// How many of them count.
    active: usize,
}

impl Calendars {
    /// Those that these records keep.
    pub(crate) fn of(records: &[Record]) -> Result<Self, crate::store::StoreError> {
        let records = records.iter().filter(|record| record.kind == CALENDARS_KIND);
        let calendars = records.map(Record::read::<Calendar>);
        let all = calendars.map(|found| found.map(|calendar| (calendar.resource.clone(), calendar)));
        let all: BTreeMap<Resource, Calendar> = all.collect::<Result<_, _>>()?;
        let active = all.values().filter(|calendar| calendar.settings.active).count();
        Ok(Self { all, active })
    }

    /// All of them, in the order of their resources.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Calendar> {
        self.all.values()
    }

    /// The one of a resource, active or not.
    pub fn get(&self, resource: &Resource) -> Option<&Calendar> {
        self.all.get(resource)
    }

    /// The settings of a resource whose calendar counts.
    pub fn active(&self, resource: &Resource) -> Option<&CalendarSettings> {
        self.get(resource).map(|calendar| &calendar.settings).filter(|settings| settings.active)
    }

    /// What these units of resources take beside their own time. Each must have a calendar that counts.
    pub(crate) fn wanted(&self, of: &[(Resource, u32)]) -> Result<Vec<Taken>, Error> {
        let mut takes = Vec::with_capacity(of.len());
        let mut reasons = Vec::new();
        for (resource, units) in of {
            match self.active(resource) {
                Some(settings) if *units > settings.capacity => {
                    let message = format!("{resource} has room for {}, not for {units}", settings.capacity);
                    reasons.push(Reason::new("units", "out_of_range", message));
                }
                Some(settings) => {
                    let one = Taken::one_of(resource.clone(), settings);
                    takes.push(Taken { units: *units, named: true, ..one });
                }
                None => {
                    reasons.push(Reason::new("resources", "unknown", format!("{resource} has no calendar")))
                }
            }
        }
        if reasons.is_empty() { Ok(takes) } else { Err(Error::invalid(reasons)) }
    }

    /// Whether no calendar counts.
    pub fn is_empty(&self) -> bool {
        self.active == 0
    }
}

impl CalendarSettings {
    /// Whether it is open all this time.
    pub fn is_open(&self, time: Interval) -> bool {
        self.hours.open(time) == [time]
    }
}

const fn one() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

const fn is_one(n: &u32) -> bool {
    *n == 1
}

const fn is_zero(n: &u32) -> bool {
    *n == 0
}

const fn is_yes(yes: &bool) -> bool {
    *yes
}

/// Most calendars of a workspace: they travel with its configuration.
pub const CALENDARS_MAX: usize = 1_000;
/// Most times that a calendar can be taken at once.
pub const CAPACITY_MAX: u32 = 1_000;
/// Most minutes that an appointment takes before or after it.
pub const BUFFER_MINUTES_MAX: u32 = 24 * 60;
