use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is to be tried, for the first time or again.
    Pending,
    /// The receiver has it.
    Success,
    /// It was tried often enough, or the receiver is gone.
    Failed,
    /// The receiver does not want it.
    Rejected,
    /// The receiver had it already.
    Duplicate,
    /// It was called off.
    Cancelled,
}

impl DeliveryStatus {
    /// All statuses.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Success, Self::Failed, Self::Rejected, Self::Duplicate, Self::Cancelled];

    /// The status as stores name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    /// Whether nothing more is sent.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending)
    }

    /// Whether a delivery may go from here to `to`: from pending to any end, and from any end back to pending, which is a replay.
    pub const fn may_become(self, to: Self) -> bool {
        self.is_final() != to.is_final()
    }

    /// `to`, or the error that names the illegal transition.
    ///
    /// ```
    /// use convio_core::delivery::DeliveryStatus::{Cancelled, Pending, Success};
    /// assert!(Pending.transition(Success).is_ok() && Success.transition(Pending).is_ok());
    /// let error = Success.transition(Cancelled).unwrap_err();
    /// assert_eq!(error.to_string(), "a delivery can't go from `success` to `cancelled`");
    /// ```
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict).
    pub fn transition(self, to: Self) -> Result<Self, Error> {
        if self.may_become(to) {
            return Ok(to);
        }
        let message = format!("a delivery can't go from `{}` to `{}`", self.code(), to.code());
        Err(Error::conflict(message))
    }
}
