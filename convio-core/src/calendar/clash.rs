use std::fmt;

use super::{Resource, Taken};
use crate::availability::Interval;

/// A time that can't be had: what stands against it, and when else it could be.
///
/// ```
/// # pollster::block_on(async {
/// use convio_core::availability::Hours;
/// use convio_core::calendar::{CalendarSettings, ClashWhy};
/// use convio_core::{Convio, NewAppointment, NewWorkspace, RawLead, Resource, Schedule, Target, Zone};
/// use convio_store_memory::MemoryStore;
///
/// let convio = Convio::new(MemoryStore::new());
/// let acme = convio.create_workspace(NewWorkspace::named("Acme")).await?;
/// acme.set_calendar(Resource::person("ann"), CalendarSettings::open(Hours::always(Zone::UTC))).await?;
/// let lead = acme.ingest(RawLead::json(r#"{"phone":"+13105550123"}"#)).await?.into_accepted()?.lead;
/// let visit = |wall| NewAppointment::at(Schedule::local(wall, "UTC").unwrap()).direct(Target::person("ann"));
/// acme.book(lead, visit("2027-03-02T10:00")).await?;
///
/// let refused = acme.book(lead, visit("2027-03-02T10:30")).await.unwrap_err();
/// let clash = refused.clash().unwrap();
/// assert_eq!((&clash.resource, clash.why), (&Resource::person("ann"), ClashWhy::Taken));
/// assert_eq!(clash.next[0].start.to_rfc3339(), "2027-03-02T11:00:00+00:00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// Who or what can't be had.
    pub resource: Resource,
    /// The time that was asked for, without what is taken before and after.
    pub time: Interval,
    /// Why not.
    pub why: ClashWhy,
    /// All that was asked for together.
    pub takes: Vec<Taken>,
    /// The next times, as long, at which all that was asked for is free: the first few from the asked time on, where there are any
    /// in the days that are looked at.
    pub next: Vec<Interval>,
}

/// What stands against a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClashWhy {
    /// It is taken.
    Taken,
    /// The calendar is not open then.
    Closed,
}

impl ClashWhy {
    /// It as a word that stays the same over versions.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            ClashWhy::Taken => "is taken",
            ClashWhy::Closed => "is not open",
        };
        write!(f, "{} {why} at {}", self.resource, self.time)
    }
}
