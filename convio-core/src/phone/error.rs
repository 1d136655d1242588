//! Why a text gave no phone number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text gave no phone number: the reason of the numbering plan, and what the text looks like.
///
/// Holds nothing of the text, so it may be logged and stored.
///
/// ```
/// use convio_core::phone::{Phone, Validity};
///
/// let error = Phone::from_e164("2125550123", Validity::Valid).unwrap_err();
/// assert_eq!(error.to_string(), "not a phone number");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PhoneError {
    reason: PhoneReason,
    damage: Option<PhoneDamage>,
}

impl PhoneError {
    /// The reason, in libphonenumber's vocabulary.
    pub fn reason(&self) -> PhoneReason {
        self.reason
    }

    /// What the text looks like, where it shows a known damage. A hint for the person who mends it.
    pub fn damage(&self) -> Option<PhoneDamage> {
        self.damage
    }

    #[cfg(feature = "phone")]
    pub(super) fn new(reason: PhoneReason, damage: Option<PhoneDamage>) -> Self {
        Self { reason, damage }
    }
}

impl From<PhoneReason> for PhoneError {
    fn from(reason: PhoneReason) -> Self {
        Self { reason, damage: None }
    }
}

impl fmt::Display for PhoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.message())?;
        if let Some(damage) = self.damage {
            write!(f, ": {}", damage.message())?;
        }
        Ok(())
    }
}

impl std::error::Error for PhoneError {}

/// Why a text is no possible phone number, in libphonenumber's vocabulary.
///
/// Stored and serialised as the code of [`PhoneReason::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneReason {
    /// The text does not have the shape of a phone number (`PARSE_NOT_A_NUMBER`).
    NotANumber,
    /// The country code after the `+` exists nowhere, or there is none and no default region
    /// (`PARSE_INVALID_COUNTRY_CODE`).
    InvalidCountryCode,
    /// An international dialling prefix with next to nothing behind it (`PARSE_TOO_SHORT_AFTER_IDD`).
    TooShortAfterIdd,
    /// Fewer than two digits behind the country code (`PARSE_TOO_SHORT_NSN`).
    TooShortNsn,
    /// More digits than any country has, or more than 250 characters (`PARSE_TOO_LONG`).
    ParseTooLong,
    /// Shorter than every number of the country (`TOO_SHORT`).
    TooShort,
    /// Longer than every number of the country (`TOO_LONG`), or than the 15 digits of E.164.
    TooLong,
    /// Between the shortest and the longest number of the country, yet no length it uses
    /// (`INVALID_LENGTH`).
    InvalidLength,
    /// A local number without its area code (`IS_POSSIBLE_LOCAL_ONLY`).
    LocalOnly,
}

impl PhoneReason {
    /// The stable code: `not_a_number`, `too_short` and so on.
    ///
    /// ```
    /// assert_eq!(convio_core::phone::PhoneReason::LocalOnly.as_str(), "local_only");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotANumber => "not_a_number",
            Self::InvalidCountryCode => "invalid_country_code",
            Self::TooShortAfterIdd => "too_short_after_idd",
            Self::TooShortNsn => "too_short_nsn",
            Self::ParseTooLong => "parse_too_long",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::InvalidLength => "invalid_length",
            Self::LocalOnly => "local_only",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::NotANumber => "not a phone number",
            Self::InvalidCountryCode => "phone number without a known country code",
            Self::TooShortAfterIdd => "phone number ends after its international prefix",
            Self::TooShortNsn => "phone number ends after its country code",
            Self::ParseTooLong => "text is too long for a phone number",
            Self::TooShort => "phone number is too short for its country",
            Self::TooLong => "phone number is too long for its country",
            Self::InvalidLength => "phone number has a length that its country does not use",
            Self::LocalOnly => "phone number lacks its area code",
        }
    }
}

/// Shows the code.
impl fmt::Display for PhoneReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a text that gave no phone number looks like.
///
/// Stored and serialised as the code of [`PhoneDamage::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneDamage {
    /// Digits are hidden (`431555XXXX`, `470555****`, `555-••••`), or letters that spell no vanity
    /// number stand among them.
    Masked,
    /// Words around or behind the number (`call me at (859) 555-0151 after 5pm`).
    Sentence,
    /// More than one number (`212-555-0123 / 646-555-0199`).
    SeveralNumbers,
    /// A spreadsheet took the number for a quantity (`18155550162.0`, `1.78E+10`, `18,155,550,162`);
    /// [`repair_spreadsheet`](crate::phone::repair_spreadsheet) mends the forms that lost nothing.
    SpreadsheetNumber,
}

impl PhoneDamage {
    /// The stable code: `masked`, `sentence`, `several_numbers` or `spreadsheet_number`.
    ///
    /// ```
    /// assert_eq!(convio_core::phone::PhoneDamage::SeveralNumbers.as_str(), "several_numbers");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Sentence => "sentence",
            Self::SeveralNumbers => "several_numbers",
            Self::SpreadsheetNumber => "spreadsheet_number",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Masked => "some of its digits are masked",
            Self::Sentence => "there are words beside the number",
            Self::SeveralNumbers => "there is more than one number",
            Self::SpreadsheetNumber => "a spreadsheet rewrote it as a quantity",
        }
    }
}

/// Shows the code.
impl fmt::Display for PhoneDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_serialised_form() {
        use PhoneReason::*;
        let reasons = [
            NotANumber,
            InvalidCountryCode,
            TooShortAfterIdd,
            TooShortNsn,
            ParseTooLong,
            TooShort,
            TooLong,
            InvalidLength,
            LocalOnly,
        ];
        for reason in reasons {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        use PhoneDamage::*;
        for damage in [Masked, Sentence, SeveralNumbers, SpreadsheetNumber] {
            assert_eq!(serde_json::to_value(damage).unwrap(), damage.as_str());
        }
    }

    #[test]
    fn message_names_reason_and_damage() {
        let error = PhoneError { reason: PhoneReason::TooShort, damage: Some(PhoneDamage::Masked) };
        assert_eq!(
            error.to_string(),
            "phone number is too short for its country: some of its digits are masked"
        );
    }
}
