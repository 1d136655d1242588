//! The area codes of the North American Numbering Plan.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Phone;

/// An area code of the North American Numbering Plan: the three digits after the `+1`, the first of them from 2 to 9.
///
/// Whether it is assigned is not looked at. Three bytes, no allocation; it tells less of a person than a number does, and is shown.
///
/// ```
/// use convio_core::phone::{AreaCode, Phone, Validity};
///
/// let phone = Phone::from_e164("+13105550123", Validity::Valid)?;
/// assert_eq!(AreaCode::of(&phone), Some("310".parse()?));
/// let abroad = Phone::from_e164("+442079460018", Validity::Valid)?;
/// assert_eq!(AreaCode::of(&abroad), None);
/// assert!("110".parse::<AreaCode>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AreaCode([u8; DIGITS]);

impl AreaCode {
    /// The area code of a number; `None` for one of another numbering plan, or without an area code.
    pub fn of(phone: &Phone) -> Option<Self> {
        let national = phone.e164().strip_prefix("+1").filter(|digits| digits.len() == NATIONAL_DIGITS)?;
        national[..DIGITS].parse().ok()
    }

    /// The three digits.
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever stored, so the default is never taken.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for AreaCode {
    type Err = NoAreaCode;

    fn from_str(text: &str) -> Result<Self, NoAreaCode> {
        match text.as_bytes() {
            &[a @ b'2'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => Ok(Self([a, b, c])),
            _ => Err(NoAreaCode),
        }
    }
}

impl fmt::Debug for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AreaCode({self})")
    }
}

impl fmt::Display for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for AreaCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AreaCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The text is no area code. Does not hold the text, which may have come from a wrong column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no area code of the North American Numbering Plan: three digits, the first from 2 to 9")]
pub struct NoAreaCode;

const DIGITS: usize = 3;
/// Area code, exchange and line.
const NATIONAL_DIGITS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::Validity;

    #[test]
    fn other_texts_are_no_area_code() {
        for text in ["", "31", "3100", "110", "010", "31O", "+310", " 310", "(310)", "３１０", "3.0"] {
            assert_eq!(text.parse::<AreaCode>(), Err(NoAreaCode), "{text}");
        }
        for code in 200..1_000 {
            let code = code.to_string();
            assert_eq!(code.parse::<AreaCode>().unwrap().to_string(), code);
        }
    }

    #[test]
    fn numbers_of_other_lengths_and_plans_have_none() {
        let of = |text: &str| AreaCode::of(&Phone::from_e164(text, Validity::Possible).unwrap());
        assert_eq!(of("+13105550123").unwrap().as_str(), "310");
        for text in ["+1310555012", "+131055501234", "+11105550123", "+442079460018", "+3105550123", "+15"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn json_form_is_the_digits() {
        let code: AreaCode = serde_json::from_str("\"787\"").unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"787\"");
        assert!(serde_json::from_str::<AreaCode>("\"87\"").is_err());
    }
}
