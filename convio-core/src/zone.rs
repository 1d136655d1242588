//! Time zones of the IANA database that is compiled in: no file system, no zone of the machine.
//!
//! An instant is a `DateTime<Utc>`; a zone turns it into the civil day and the time on the wall, and
//! a time on the wall into an instant. Where clocks change a time may exist twice or not at all; the
//! rule is that of RFC 5545, see [`Zone::local`].

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, Timelike, Utc};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time zone by its IANA name, such as `America/Los_Angeles`.
///
/// Compared by name: `UTC` and `Etc/UTC` differ, though they never tell another time. Cloning is
/// cheap.
///
/// ```
/// use chrono::{DateTime, NaiveDate, Utc};
/// use convio_core::zone::Zone;
///
/// let zone = Zone::parse("America/Los_Angeles")?;
/// let at: DateTime<Utc> = "2026-07-01T02:00:00Z".parse().unwrap();
/// assert_eq!(zone.day_of(at), NaiveDate::from_ymd_opt(2026, 6, 30).unwrap());
/// # Ok::<(), convio_core::zone::ZoneError>(())
/// ```
#[derive(Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(TimeZone::UTC);

    /// Finds a zone by name, in any case; blanks around the name are ignored.
    ///
    /// # Errors
    ///
    /// [`ZoneError`] if the database has no zone of this name. Offsets (`+02:00`) and abbreviations
    /// such as `PST` are not zones: they do not say when clocks change.
    ///
    /// ```
    /// use convio_core::zone::Zone;
    ///
    /// assert_eq!(Zone::parse("america/new_york")?.name(), "America/New_York");
    /// assert!(Zone::parse("America/Gotham").is_err());
    /// # Ok::<(), convio_core::zone::ZoneError>(())
    /// ```
    pub fn parse(name: &str) -> Result<Self, ZoneError> {
        let refused = || ZoneError { name: name.chars().take(NAME_CHARS_SHOWN).collect() };
        let zone = TimeZoneDatabase::bundled().get(name.trim()).map_err(|_| refused())?;
        match zone.iana_name() {
            // The database's placeholders for "not set".
            None | Some("Factory") | Some("Etc/Unknown") => Err(refused()),
            Some(_) => Ok(Self(zone)),
        }
    }

    /// The same as [`Zone::UTC`].
    #[must_use]
    pub const fn utc() -> Self {
        Self::UTC
    }

    /// The name, spelt as the database does.
    #[must_use]
    pub fn name(&self) -> &str {
        // Every zone was found by its name, so it has one.
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The civil day in the zone at an instant: the day a calendar on the wall shows.
    #[must_use]
    pub fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        self.wall(at).date()
    }

    /// The date and time that a clock on the wall shows in the zone at an instant.
    ///
    /// ```
    /// use chrono::{DateTime, Utc};
    /// use convio_core::zone::Zone;
    ///
    /// let at: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    /// let wall = Zone::parse("Asia/Kathmandu")?.wall(at);
    /// assert_eq!(wall.to_string(), "2026-01-01 05:45:00");
    /// # Ok::<(), convio_core::zone::ZoneError>(())
    /// ```
    #[must_use]
    pub fn wall(&self, at: DateTime<Utc>) -> NaiveDateTime {
        let utc = at.naive_utc();
        // At the very end of what chrono can say the offset has no room and is left out.
        utc.checked_add_offset(chrono_offset(self.offset_at(at.timestamp()))).unwrap_or(utc)
    }

    /// The instant at which a clock on the wall shows `wall`, by the rule of RFC 5545.
    ///
    /// When clocks go forward a time between is skipped (a gap): it is read with the offset that was
    /// in force before, so it moves forward by as much as the clocks do. When clocks go back a time
    /// comes twice (a fold): the first is meant. Either is told by [`LocalInstant::shifted`].
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use convio_core::zone::{Shift, Zone};
    ///
    /// let zone = Zone::parse("America/New_York")?;
    /// // 02:30 does not exist on the day clocks go forward.
    /// let wall = NaiveDate::from_ymd_opt(2026, 3, 8).and_then(|day| day.and_hms_opt(2, 30, 0)).unwrap();
    /// let local = zone.local(wall);
    /// assert_eq!(local.shifted, Some(Shift::Gap));
    /// assert_eq!(zone.wall(local.at).to_string(), "2026-03-08 03:30:00");
    /// # Ok::<(), convio_core::zone::ZoneError>(())
    /// ```
    #[must_use]
    pub fn local(&self, wall: NaiveDateTime) -> LocalInstant {
        let (offset, shifted) =
            match civil_time(wall).map(|civil| self.0.to_ambiguous_timestamp(civil).offset()) {
                Some(AmbiguousOffset::Unambiguous { offset }) => (offset.seconds(), None),
                Some(AmbiguousOffset::Gap { before, .. }) => (before.seconds(), Some(Shift::Gap)),
                Some(AmbiguousOffset::Fold { before, .. }) => (before.seconds(), Some(Shift::Fold)),
                // Beyond the years that the database covers its outermost offset goes on for ever.
                None => (self.offset_at(wall.and_utc().timestamp()), None),
            };
        let utc = wall.checked_sub_offset(chrono_offset(offset)).unwrap_or(wall);
        LocalInstant { at: utc.and_utc(), shifted }
    }

    /// When clocks change, after one instant and before another.
    pub(crate) fn changes(&self, after: DateTime<Utc>, before: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        // Beyond the years that the database covers they never do.
        let Ok(start) = Timestamp::from_second(after.timestamp()) else { return Vec::new() };
        let changes = self.0.following(start).map(|change| change.timestamp().as_second());
        let changes = changes.filter_map(|second| DateTime::from_timestamp(second, 0));
        changes.take_while(|at| *at < before).collect()
    }

    /// Seconds east of UTC at an instant, given in seconds since 1970.
    fn offset_at(&self, second: i64) -> i32 {
        let end = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let at = Timestamp::from_second(second).unwrap_or(end);
        self.0.to_offset(at).seconds()
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        Self::parse(name)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The instant that a time on the wall stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalInstant {
    /// The instant.
    pub at: DateTime<Utc>,
    /// Whether a change of clocks had to be resolved.
    pub shifted: Option<Shift>,
}

/// What a change of clocks made of a time on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// The time was skipped; the instant is later by as much as the clocks went forward.
    Gap,
    /// The time came twice; the instant is the first of the two.
    Fold,
}

/// The database has no zone of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("time zone `{name}` is not known")]
pub struct ZoneError {
    name: String,
}

fn chrono_offset(seconds: i32) -> FixedOffset {
    // No zone is a day away from UTC, so the fallback is never taken.
    FixedOffset::east_opt(seconds).unwrap_or(FixedOffset::east_opt(0).expect("zero is an offset"))
}

/// Whole seconds are enough to find an offset, since clocks change on whole seconds; the caller keeps
/// the fraction. `None` beyond the years from -9999 to 9999.
fn civil_time(wall: NaiveDateTime) -> Option<civil::DateTime> {
    let part = |value: u32| i8::try_from(value).ok();
    civil::DateTime::new(
        i16::try_from(wall.year()).ok()?,
        part(wall.month())?,
        part(wall.day())?,
        part(wall.hour())?,
        part(wall.minute())?,
        part(wall.second())?,
        0,
    )
    .ok()
}

/// How much of an unknown name an error repeats; the longest real one has 32 characters.
const NAME_CHARS_SHOWN: usize = 40;

#[cfg(test)]
mod tests;
