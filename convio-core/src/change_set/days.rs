use chrono::{DateTime, NaiveDate, Utc};

use super::{Booking, GiveBack, Rows, Standing, Version};
use crate::calendar::{BusyDay, Resource, Take};
use crate::id::WorkspaceId;
use crate::record::{BUSY_KIND, Record};
use crate::store::CommitError;

/// What is taken of calendars, day by day.
pub(super) struct Days<'r, R: ?Sized> {
    pub(super) rows: &'r mut R,
    pub(super) workspace: WorkspaceId,
    pub(super) at: DateTime<Utc>,
}

impl<R: Rows + ?Sized> Days<'_, R> {
    pub(super) fn give_back(&mut self, back: &GiveBack) -> Result<(), CommitError> {
        for (resource, time) in &back.takes {
            for day in BusyDay::days(*time) {
                self.change(resource, day, |busy| busy.give_back(back.by))?;
            }
        }
        Ok(())
    }

    pub(super) fn book(&mut self, booking: &Booking) -> Result<(), CommitError> {
        for take in &booking.takes {
            for day in BusyDay::days(take.time) {
                let at = self.at;
                let has_taken = self.change(&take.resource, day, |busy| {
                    let has_room = booking.is_settled || busy.has_room(take, at);
                    if has_room {
                        busy.take(booking.by, take, booking.until, at);
                    }
                    has_room
                })?;
                if !has_taken {
                    return Err(CommitError::GateLost(booking.clash(take)));
                }
            }
        }
        Ok(())
    }

    /// Writes a day if it was changed, and tells whether it was.
    fn change(
        &mut self,
        resource: &Resource,
        day: NaiveDate,
        change: impl FnOnce(&mut BusyDay) -> bool,
    ) -> Result<bool, CommitError> {
        let (key, version, mut busy) = self.day(resource, day)?;
        let is_changed = change(&mut busy);
        if is_changed {
            let body = serde_json::to_value(&busy).map_err(|error| CommitError::Misuse(error.to_string()))?;
            let (kind, version) = (BUSY_KIND.to_owned(), version.next());
            self.rows.put_record(Record { workspace: self.workspace, kind, key, body, version })?;
        }
        Ok(is_changed)
    }

    /// The key of a day's record, its version, and what is taken then.
    fn day(
        &mut self,
        resource: &Resource,
        day: NaiveDate,
    ) -> Result<(String, Version, BusyDay), CommitError> {
        let key = BusyDay::key(resource, day);
        match self.rows.record(BUSY_KIND, &key)? {
            Some(record) => Ok((key, record.version, record.read()?)),
            None => Ok((key, Version::ZERO, BusyDay::default())),
        }
    }
}

impl<R: Rows + ?Sized> Standing for Days<'_, R> {
    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, CommitError> {
        self.rows.used(key, window)
    }

    fn has_room(&mut self, take: &Take) -> Result<bool, CommitError> {
        for day in BusyDay::days(take.time) {
            let (_, _, busy) = self.day(&take.resource, day)?;
            if !busy.has_room(take, self.at) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
