//! How sure it is that a phone number exists.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How sure it is that a phone number exists, by the numbering plan of its country.
///
/// Stored and serialised as `valid` and `possible`. Ordered from the stronger to the weaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// The number lies in a range that is assigned.
    Valid,
    /// The number has a right length for its country, yet lies in no assigned range: a typing error, a
    /// made-up number, or a range newer than the numbering data.
    Possible,
}

impl Validity {
    /// The stored form: `valid` or `possible`.
    ///
    /// ```
    /// use convio_core::phone::Validity;
    ///
    /// assert_eq!(Validity::Possible.as_str(), "possible");
    /// assert_eq!("possible".parse(), Ok(Validity::Possible));
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Possible => "possible",
        }
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads the stored form.
impl std::str::FromStr for Validity {
    type Err = UnknownValidity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "valid" => Ok(Self::Valid),
            "possible" => Ok(Self::Possible),
            _ => Err(UnknownValidity),
        }
    }
}

/// The text is neither `valid` nor `possible`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a phone validity (`valid` or `possible`)")]
pub struct UnknownValidity;
