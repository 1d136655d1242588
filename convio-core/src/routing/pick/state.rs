use std::convert::Infallible;

use chrono::{DateTime, Utc};

use crate::routing::{Decision, Seat, Target};

/// Where a decision reads what counters have come to.
pub(crate) trait State {
    type Error;
    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, Self::Error>;
    /// Whether a target can be booked at the time; `None` where that does not depend on calendars.
    fn seat(&mut self, _target: &Target) -> Result<Option<Seat>, Self::Error> {
        Ok(None)
    }
}

/// Counters and calendars as a decision noted them.
pub(in crate::routing) struct Noted<'d>(pub(in crate::routing) &'d Decision);

impl State for Noted<'_> {
    /// It was not looked at.
    type Error = ();

    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, ()> {
        let mut counted = self.0.counted.iter();
        counted.find(|it| it.key == key && it.window == window).map(|it| it.used).ok_or(())
    }

    fn seat(&mut self, target: &Target) -> Result<Option<Seat>, ()> {
        Ok(self.0.seats.iter().find(|it| it.target == *target).map(|it| it.seat))
    }
}

impl<E, F: FnMut(&str, DateTime<Utc>) -> Result<i64, E>> State for F {
    type Error = E;
    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, E> {
        self(key, window)
    }
}

/// Nothing was counted yet.
pub(in crate::routing) fn nothing(_: &str, _: DateTime<Utc>) -> Result<i64, Infallible> {
    Ok(0)
}
