use chrono::{DateTime, DurationRound, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::availability::Interval;
use crate::error::{Error, Reason};
use crate::zone::{LocalInstant, Shift, Zone};

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
        let end = self.starts_at.checked_add_signed(TimeDelta::minutes(self.minutes.into()));
        end.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The time that it takes.
    pub fn time(&self) -> Interval {
        Interval::new(self.starts_at, self.ends_at())
    }

    /// That takes so many minutes.
    #[must_use]
    pub fn minutes(mut self, minutes: u32) -> Self {
        self.minutes = minutes;
        self
    }

    /// What a change of the zone's rules made of it, such as a country that gave up summer time since it was booked; `None` while
    /// the clocks of the zone will show the civil time that was agreed on.
    ///
    /// Nothing is moved by that: the instant holds until a person decides. Whether the other side comes by the instant or by the
    /// clock on its wall is for them to say; either is one call of
    /// [`reschedule`](crate::WorkspaceHandle::reschedule) away, see [`Drift`].
    ///
    /// ```
    /// use convio_core::Schedule;
    /// let mut visit = Schedule::local("2027-07-02T10:00", "America/Vancouver")?;
    /// assert!(visit.drift().is_none());
    ///
    /// visit.starts_at += convio_core::chrono::TimeDelta::hours(1); // as other rules had it, when it was booked
    /// let drift = visit.drift().unwrap();
    /// assert_eq!(drift.shown.to_string(), "2027-07-02 11:00:00");
    /// assert_eq!(drift.by_wall().wall, visit.wall);
    /// assert_eq!(drift.by_instant().starts_at, visit.starts_at);
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    pub fn drift(&self) -> Option<Drift> {
        let shown = self.zone.wall(self.starts_at);
        let moved = || Drift { agreed: self.clone(), shown, by_rules: self.zone.local(self.wall) };
        // By what is shown: of a time that comes twice either instant may have been meant.
        (shown != self.wall).then(moved)
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

/// A schedule whose zone has other rules than when it was agreed on. The instant of [`Drift::agreed`] holds until someone moves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The schedule as it is kept.
    pub agreed: Schedule,
    /// The civil time that clocks of the zone will show at its instant.
    pub shown: NaiveDateTime,
    /// The instant at which they will show its civil time.
    pub by_rules: LocalInstant,
}

impl Drift {
    /// The schedule that keeps the instant, with the civil time that clocks will show.
    pub fn by_instant(&self) -> Schedule {
        Schedule::at(self.agreed.starts_at, &self.agreed.zone).minutes(self.agreed.minutes)
    }

    /// The schedule that keeps the civil time, at the instant that it is now. A time that is skipped now is moved forward.
    pub fn by_wall(&self) -> Schedule {
        let (LocalInstant { at, shifted }, zone) = (self.by_rules, self.agreed.zone.clone());
        Schedule { starts_at: at, wall: zone.wall(at), zone, minutes: self.agreed.minutes, shifted }
    }
}

/// Minutes of an appointment that was given none.
const MINUTES_DEFAULT: u32 = 60;
/// Longest appointment: a day, 25 hours where clocks go back.
pub(crate) const MINUTES_MAX: u32 = 25 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    /// A schedule of the summer of 2027 in Vancouver, as other rules had it: so many hours from where clocks show it now.
    fn booked(wall: &str, hours: i64) -> Schedule {
        let mut schedule = Schedule::local(wall, "America/Vancouver").unwrap().minutes(45);
        schedule.starts_at += TimeDelta::hours(hours);
        schedule
    }

    #[test]
    fn other_rules_are_told_and_move_nothing() {
        assert_eq!(booked("2027-07-02T10:00", 0).drift(), None);
        for hours in [1, -1] {
            let kept = booked("2027-07-02T10:00", hours);
            let drift = kept.drift().unwrap();
            assert_eq!(drift.agreed, kept);
            assert_eq!(drift.shown - kept.wall, TimeDelta::hours(hours));
            assert_eq!(kept.starts_at - drift.by_rules.at, TimeDelta::hours(hours));
            let (by_instant, by_wall) = (drift.by_instant(), drift.by_wall());
            assert_eq!((by_instant.starts_at, by_instant.wall), (kept.starts_at, drift.shown));
            assert_eq!((by_wall.starts_at, by_wall.wall), (drift.by_rules.at, kept.wall));
            for settled in [by_instant, by_wall] {
                assert_eq!((settled.minutes, settled.drift()), (45, None));
            }
        }
    }

    #[test]
    fn a_civil_time_that_is_skipped_now_is_moved_forward_by_its_wall() {
        let mut kept = Schedule::local("2027-03-14T03:30", "America/New_York").unwrap();
        kept.wall -= TimeDelta::hours(1);
        let drift = kept.drift().unwrap();
        assert_eq!(drift.by_rules, LocalInstant { at: kept.starts_at, shifted: Some(Shift::Gap) });
        assert_eq!(drift.by_wall().wall, drift.shown);
        assert_eq!(drift.by_wall().drift(), None);
    }

    #[test]
    fn what_a_store_gave_back_has_not_drifted() {
        let at = "2027-07-02T17:00:00.123456789Z".parse().unwrap();
        let schedule = Schedule::at(at, &"America/Vancouver".parse().unwrap());
        for schedule in [schedule.kept(), schedule] {
            assert_eq!(schedule.drift(), None);
        }
    }
}
