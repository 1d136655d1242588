use chrono::format::{Item, Numeric, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::error::{Error, Reason};
use crate::zone::Zone;

/// How times are written in a file.
///
/// ```
/// use convio_core::Zone;
/// use convio_core::intake::TimeFormat;
/// let lima = Zone::parse("America/Lima").unwrap();
/// let iso = TimeFormat::iso(lima.clone());
/// assert_eq!(iso.read("2018-02-01 09:30").unwrap().to_rfc3339(), "2018-02-01T14:30:00+00:00");
/// assert_eq!(iso.read("2018-02-01T09:30:00Z").unwrap().to_rfc3339(), "2018-02-01T09:30:00+00:00");
/// let of_the_us = TimeFormat::pattern("%m/%d/%Y", lima)?;
/// assert_eq!(of_the_us.read("2/1/2018").unwrap().to_rfc3339(), "2018-02-01T05:00:00+00:00");
/// assert_eq!(of_the_us.read("31/1/2018").unwrap_err().code, "unreadable");
/// # Ok::<(), convio_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeFormat {
    /// `None`: one of those of ISO 8601.
    pattern: Option<String>,
    zone: Zone,
}

impl TimeFormat {
    /// As ISO 8601 and RFC 3339 write them: `2018-02-01`, with or without a time after a `T` or a blank, with or without an
    /// offset. A date is the start of its day; what has no offset is read in this zone.
    pub fn iso(zone: Zone) -> Self {
        Self { pattern: None, zone }
    }

    /// By a pattern of `strftime`, such as `%d.%m.%Y %H:%M`. A date is the start of its day; what has no offset (`%z`) is read
    /// in this zone. `%s` is the second since 1970.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for what is no pattern, or has no day in it.
    pub fn pattern(pattern: &str, zone: Zone) -> Result<Self, Error> {
        let items: Vec<Item<'_>> = StrftimeItems::new(pattern).collect();
        // A pattern is good if it reads back what it wrote: the day, and all of the time that is in it.
        let reads_back = |sample: DateTime<Utc>| {
            let midnight = sample.date_naive().and_time(NaiveTime::MIN).and_utc();
            let [text, of_midnight] =
                [sample, midnight].map(|at| at.format_with_items(items.iter()).to_string());
            let expected = if text == of_midnight { midnight } else { sample };
            read(&text, pattern, &Zone::UTC) == Some(expected)
        };
        let is_known = !items.iter().any(|item| matches!(item, Item::Error));
        if is_known && DateTime::from_timestamp(SAMPLE_SECOND, 0).is_some_and(reads_back) {
            return Ok(Self { pattern: Some(pattern.to_owned()), zone });
        }
        let message = format!("`{pattern}` tells no time: a pattern is one such as `%d.%m.%Y %H:%M`");
        Err(Error::invalid(vec![Reason::new("received_at", "invalid", message)]))
    }

    /// The instant that a text tells.
    ///
    /// # Errors
    /// The reason, for the field `received_at`, why it tells none.
    pub fn read(&self, text: &str) -> Result<DateTime<Utc>, Reason> {
        let text = text.trim();
        let found = match &self.pattern {
            Some(pattern) => read(text, pattern, &self.zone),
            None => ISO.iter().find_map(|pattern| read(text, pattern, &self.zone)),
        };
        found.ok_or_else(|| {
            let like = self.pattern.as_deref().unwrap_or("2018-02-01 09:30:00");
            let shown: String = text.chars().take(CHARS_SHOWN).collect();
            Reason::new("received_at", "unreadable", format!("`{shown}` is no time such as `{like}`"))
        })
    }
}

fn read(text: &str, pattern: &str, zone: &Zone) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_str(text, pattern) {
        return Some(at.to_utc());
    }
    let wall = NaiveDateTime::parse_from_str(text, pattern)
        .or_else(|_| NaiveDate::parse_from_str(text, pattern).map(|day| day.and_time(NaiveTime::MIN)))
        .ok()?;
    let is_instant =
        StrftimeItems::new(pattern).any(|item| matches!(item, Item::Numeric(Numeric::Timestamp, _)));
    Some(if is_instant { wall.and_utc() } else { zone.local(wall).at })
}

/// Those of ISO 8601 that files have.
const ISO: [&str; 9] = [
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f %#z",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y%m%d",
];
/// Half past one in the afternoon of the last day of 2018: no two parts of it are the same number.
const SAMPLE_SECOND: i64 = 1_546_263_000;
/// A time has no more; what has more is something else, of which no more is shown.
const CHARS_SHOWN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> Zone {
        Zone::parse("America/Sao_Paulo").unwrap()
    }

    #[test]
    fn iso_in_its_spellings() {
        let iso = TimeFormat::iso(zone());
        for (text, expected) in [
            ("2018-02-26 19:58:54", "2018-02-26T22:58:54Z"),
            ("2018-02-26T19:58:54", "2018-02-26T22:58:54Z"),
            ("2018-02-26T19:58:54.25", "2018-02-26T22:58:54.25Z"),
            ("2018-02-26T19:58:54Z", "2018-02-26T19:58:54Z"),
            ("2018-02-26 19:58:54+02:00", "2018-02-26T17:58:54Z"),
            ("2018-02-26 19:58:54 +0200", "2018-02-26T17:58:54Z"),
            ("2018-02-26T19:58", "2018-02-26T22:58:00Z"),
            (" 2018-02-26 ", "2018-02-26T03:00:00Z"),
            ("20180226", "2018-02-26T03:00:00Z"),
            // The day that clocks went forward had no midnight.
            ("2018-11-04", "2018-11-04T03:00:00Z"),
        ] {
            assert_eq!(iso.read(text).unwrap(), expected.parse::<DateTime<Utc>>().unwrap(), "{text}");
        }
        for text in ["", "02/26/2018", "2018-02-30", "2018-02", "26.2.2018", "20182602", "yesterday"] {
            assert_eq!(iso.read(text).unwrap_err().field, "received_at", "{text}");
        }
    }

    #[test]
    fn patterns() {
        let read = |pattern: &str, text: &str| TimeFormat::pattern(pattern, zone()).unwrap().read(text).ok();
        let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(read("%d.%m.%Y %H:%M", "26.2.2018 9:05"), at("2018-02-26T12:05:00Z"));
        assert_eq!(read("%m/%d/%Y %I:%M %p", "02/26/2018 09:05 PM"), at("2018-02-27T00:05:00Z"));
        assert_eq!(read("%s", "1519637100"), at("2018-02-26T09:25:00Z"));
        assert_eq!(read("%Y-%m-%d %H:%M %z", "2018-02-26 09:05 +0000"), at("2018-02-26T09:05:00Z"));
        assert_eq!(read("%d.%m.%Y", "2.26.2018"), None);
        for wrong in ["", "%Q", "%H:%M", "day %d", "2018", "%Y-%m-%d %H", "%Y-%m-%d %I:%M"] {
            assert!(TimeFormat::pattern(wrong, zone()).is_err(), "{wrong}");
        }
    }
}
