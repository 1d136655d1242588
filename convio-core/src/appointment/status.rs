use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How far an appointment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// It is to take place.
    Booked,
    /// It is to take place, and the customer said so.
    Confirmed,
    /// It took place.
    Completed,
    /// It was called off.
    Cancelled,
    /// It was moved: another appointment stands in its place.
    Rescheduled,
    /// Someone did not come.
    NoShow,
}

impl AppointmentStatus {
    /// All statuses.
    pub const ALL: [Self; 6] =
        [Self::Booked, Self::Confirmed, Self::Completed, Self::Cancelled, Self::Rescheduled, Self::NoShow];

    /// The status as stores and events name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Rescheduled => "rescheduled",
            Self::NoShow => "no_show",
        }
    }

    /// The status of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    /// Whether it is still to take place.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Booked | Self::Confirmed)
    }

    /// Whether an appointment may go from here to `to`: an open one is confirmed once or comes to one end, which is final.
    pub const fn may_become(self, to: Self) -> bool {
        match to {
            Self::Booked => false,
            Self::Confirmed => matches!(self, Self::Booked),
            Self::Completed | Self::Cancelled | Self::Rescheduled | Self::NoShow => self.is_open(),
        }
    }

    /// `to`, or the error that names the illegal transition.
    ///
    /// ```
    /// use convio_core::AppointmentStatus::{Booked, Cancelled, Completed};
    /// assert!(Booked.transition(Completed).is_ok());
    /// let error = Cancelled.transition(Completed).unwrap_err();
    /// assert_eq!(error.to_string(), "an appointment can't go from `cancelled` to `completed`");
    /// ```
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict).
    pub fn transition(self, to: Self) -> Result<Self, Error> {
        if self.may_become(to) {
            return Ok(to);
        }
        let message = format!("an appointment can't go from `{}` to `{}`", self.code(), to.code());
        Err(Error::conflict(message))
    }
}
