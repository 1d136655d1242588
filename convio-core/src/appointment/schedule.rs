use chrono::{DateTime, DurationRound, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Reason};
use crate::zone::{Shift, Zone};

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
    /// Whether the clocks of the zone change just then: the time that was asked for is skipped, or comes twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shifted: Option<Shift>,
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
                let wall = zone.wall(local.at);
                Ok(Self { starts_at: local.at, wall, zone, minutes: MINUTES_DEFAULT, shifted: local.shifted })
            }
            _ => Err(Error::invalid(reasons)),
        }
    }

    /// An appointment of an hour that starts at this instant, as the clocks of this zone show it.
    pub fn at(starts_at: DateTime<Utc>, zone: &Zone) -> Self {
        let starts_at = crate::clock::micros(starts_at);
        let (wall, zone) = (zone.wall(starts_at), zone.clone());
        Self { starts_at, wall, zone, minutes: MINUTES_DEFAULT, shifted: None }
    }

    /// The instant that it ends.
    pub fn ends_at(&self) -> DateTime<Utc> {
        self.starts_at + TimeDelta::minutes(self.minutes.into())
    }

    /// That takes so many minutes.
    #[must_use]
    pub fn minutes(mut self, minutes: u32) -> Self {
        self.minutes = minutes;
        self
    }

    /// The schedule in whole microseconds, as stores keep it.
    pub(crate) fn kept(&self) -> Self {
        let wall = self.wall.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(self.wall);
        Self { starts_at: crate::clock::micros(self.starts_at), wall, ..self.clone() }
    }

    pub(crate) fn reasons(&self) -> Vec<Reason> {
        if self.minutes == 0 || self.minutes > MINUTES_MAX {
            let message = format!("an appointment takes 1 to {MINUTES_MAX} minutes");
            return vec![Reason::new("minutes", "out_of_range", message)];
        }
        Vec::new()
    }
}

/// Minutes of an appointment that was given none.
const MINUTES_DEFAULT: u32 = 60;
/// Longest appointment: a day, 25 hours where clocks go back.
const MINUTES_MAX: u32 = 25 * 60;
