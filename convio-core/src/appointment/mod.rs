//! The appointment: a meeting that a lead leads to, routed to who keeps it.

mod fold;
mod repository;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::change_set::Version;
use crate::error::{Error, Reason};
use crate::id::{AppointmentId, ContactId, ConversionId, LeadId, WorkspaceId};
use crate::money::Money;
use crate::routing::Decision;
use crate::zone::Zone;

#[cfg(feature = "service")]
pub use repository::{AppointmentFilter, AppointmentRepository};

/// A meeting that a lead leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// Who it is.
    pub id: AppointmentId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The lead that it was booked from.
    pub lead: LeadId,
    /// The lead's contact.
    pub contact: ContactId,
    /// When it takes place.
    pub schedule: Schedule,
    /// Where it was routed, and why.
    pub routing: Decision,
    /// How far it has come.
    pub status: AppointmentStatus,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The conversion that it ended in.
    pub conversion: Option<ConversionId>,
    /// When it was booked.
    pub created_at: DateTime<Utc>,
    /// How many events it has had.
    pub version: Version,
}

/// How far an appointment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// It is to take place.
    Booked,
    /// It took place.
    Completed,
}

impl AppointmentStatus {
    /// The status as stores name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Completed => "completed",
        }
    }

    /// The status of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Booked, Self::Completed].into_iter().find(|status| status.code() == code)
    }
}

/// How an appointment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was sold for this.
    Sold(Money),
    /// It was not sold.
    NotSold,
}

/// When an appointment takes place: an instant, and the civil time that people agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The instant that it starts.
    pub starts_at: DateTime<Utc>,
    /// The zone that people agreed on the time in.
    pub zone: Zone,
    /// The civil time in that zone.
    pub wall: NaiveDateTime,
    /// How long it takes.
    pub minutes: u32,
}

impl Schedule {
    /// An appointment of an hour at this civil time, such as `2027-03-02T10:00`, in this IANA zone. A time that the
    /// clocks skip is moved forward, one that they show twice is the earlier (RFC 5545).
    ///
    /// ```
    /// use convio_core::Schedule;
    /// let visit = Schedule::local("2027-03-02T10:00", "America/Los_Angeles")?.minutes(45);
    /// assert_eq!(visit.starts_at.to_rfc3339(), "2027-03-02T18:00:00+00:00");
    /// assert_eq!(Schedule::local("soon", "Mars").unwrap_err().reasons().len(), 2);
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    pub fn local(wall: &str, zone: &str) -> Result<Self, Error> {
        let parsed = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
            .into_iter()
            .find_map(|format| NaiveDateTime::parse_from_str(wall, format).ok());
        let mut reasons = Vec::new();
        if parsed.is_none() {
            let message = format!("`{wall}` is no civil time such as `2027-03-02T10:00`");
            reasons.push(Reason::new("wall", "unreadable", message));
        }
        let zone = Zone::parse(zone);
        if let Err(error) = &zone {
            reasons.push(Reason::new("zone", "unknown", error.to_string()));
        }
        match (parsed, zone) {
            (Some(wall), Ok(zone)) => {
                let local = zone.local(wall);
                Ok(Self { starts_at: local.at, wall: zone.wall(local.at), zone, minutes: MINUTES_DEFAULT })
            }
            _ => Err(Error::invalid(reasons)),
        }
    }

    /// That takes so many minutes.
    #[must_use]
    pub fn minutes(mut self, minutes: u32) -> Self {
        self.minutes = minutes;
        self
    }

    /// Every field that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        if self.minutes == 0 || self.minutes > MINUTES_MAX {
            let message = format!("an appointment takes 1 to {MINUTES_MAX} minutes");
            return Err(Error::invalid(vec![Reason::new("minutes", "out_of_range", message)]));
        }
        Ok(())
    }
}

/// Minutes of an appointment that was given none.
const MINUTES_DEFAULT: u32 = 60;
/// Longest appointment: a day, 25 hours where clocks go back.
const MINUTES_MAX: u32 = 25 * 60;
