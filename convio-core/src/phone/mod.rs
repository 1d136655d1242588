//! Phone numbers: what people type becomes one stored form, or a named reason why not.
//!
//! [`Phone::parse`] reads a text as people write it (`(212) 555-0123 ext. 7`) with a default region and
//! answers an E.164 number, its [`Validity`] and the extension apart. The rules and the reasons are
//! those of Google's libphonenumber; the engine behind them stays private to this module. What differs
//! from libphonenumber, on purpose:
//!
//! | text | libphonenumber | here |
//! |---|---|---|
//! | `431555XXXX`, `470555****` | a vanity number, or a shorter one | rejected, [`PhoneDamage::Masked`] |
//! | letters among the digits, `121a5b5c012` | a vanity number | rejected, [`PhoneDamage::Masked`] |
//! | `18155550162.0`, `2.125550123E9` | a longer number in some regions | rejected, [`PhoneDamage::SpreadsheetNumber`] |
//! | a number and words whose letters it would dial | a longer number in some regions | rejected, [`PhoneDamage::Sentence`] |
//! | two numbers in one cell, short enough to be one | one number | rejected, [`PhoneDamage::SeveralNumbers`] |
//! | a possible number that still starts with its country's trunk prefix (`+4400 20 794...`) | an E.164 text that reads as another number | rejected as [`PhoneReason::NotANumber`] |
//! | more than 15 digits after the `+` | accepted in a few countries | rejected as [`PhoneReason::TooLong`]: E.164 ends at 15 |
//!
//! A number that can't be read still has a weaker key for finding the same person again: [`digits`].

mod area_code;
mod damage;
mod digits;
#[cfg(feature = "phone")]
mod engine;
mod error;
mod mask;
mod region;
mod spreadsheet;
mod unicode;
mod validity;

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use area_code::{AreaCode, NoAreaCode};
pub use digits::{DIGITS_MAX, DIGITS_MIN, digits};
pub use error::{PhoneDamage, PhoneError, PhoneReason};
pub use region::{Region, UnknownRegion};
pub use spreadsheet::repair_spreadsheet;
pub use validity::{UnknownValidity, Validity};

/// A phone number in E.164 form, with what is known about it.
///
/// Eighteen bytes, no allocation. Equality and order are by the E.164 text first, then by validity: a
/// number that was stored as `Possible` under older numbering data differs from the same number read as
/// `Valid` today, so keys and look-ups use [`Phone::e164`].
///
/// A phone number is personal. `Debug` shows [`Phone::masked`]; `Display` shows the whole number and is
/// for the person who owns it or for a store, never for a log.
///
/// Serialises as `{"e164": "+12125550123", "validity": "valid"}`; reading back needs no numbering data.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone {
    /// The text, then zero bytes, so that the derived order is the order of the texts.
    text: [u8; E164_LEN_MAX],
    len: u8,
    validity: Validity,
}

impl Phone {
    /// Reads a number as people write it.
    ///
    /// `default_region` is where a number without a country code is taken to be from; without it only
    /// international spellings (`+...`) can be read. At most 250 characters are read; longer texts are
    /// rejected unread. Never panics, whatever the text.
    ///
    /// # Errors
    ///
    /// [`PhoneError`] with libphonenumber's reason and, where the text shows it, the damage. Nothing is
    /// repaired silently; see [`repair_spreadsheet`].
    ///
    /// ```
    /// use convio_core::phone::{Phone, PhoneDamage, PhoneReason, Validity};
    ///
    /// let us = Some("us".parse()?);
    /// let read = Phone::parse("(212) 555-0123 ext. 7", us)?;
    /// assert_eq!(read.phone.e164(), "+12125550123");
    /// assert_eq!(read.phone.validity(), Validity::Valid);
    /// assert_eq!(read.extension.as_deref(), Some("7"));
    ///
    /// // The right length, yet no such area code is assigned.
    /// assert_eq!(Phone::parse("+1 555 123 4567", us)?.phone.validity(), Validity::Possible);
    ///
    /// let short = Phone::parse("212 555 01", us).unwrap_err();
    /// assert_eq!((short.reason(), short.damage()), (PhoneReason::TooShort, None));
    ///
    /// let masked = Phone::parse("431555XXXX", us).unwrap_err();
    /// assert_eq!(masked.damage(), Some(PhoneDamage::Masked));
    /// assert_eq!(Phone::parse("1-800-FLOWERS", us)?.phone.e164(), "+18003569377");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "phone")]
    pub fn parse(raw: &str, default_region: Option<Region>) -> Result<ParsedPhone, PhoneError> {
        engine::parse(raw, default_region)
    }

    /// Takes a number that is already in E.164 form, as a store reads it back: `+`, a digit other than
    /// zero, 2 to 15 digits in all. Checks the form alone and needs no numbering data.
    ///
    /// # Errors
    ///
    /// [`PhoneReason::NotANumber`] for anything but `+` and ASCII digits,
    /// [`PhoneReason::InvalidCountryCode`] for a leading zero, [`PhoneReason::TooShort`] and
    /// [`PhoneReason::TooLong`] for the length.
    ///
    /// ```
    /// use convio_core::phone::{Phone, PhoneReason, Validity};
    ///
    /// let phone = Phone::from_e164("+442079460018", Validity::Valid)?;
    /// assert_eq!(phone.to_string(), "+442079460018");
    /// assert_eq!(format!("{phone:?}"), "Phone(+4*******18, valid)");
    ///
    /// let spaced = Phone::from_e164("+44 20 7946 0018", Validity::Valid);
    /// assert_eq!(spaced.unwrap_err().reason(), PhoneReason::NotANumber);
    /// # Ok::<(), convio_core::phone::PhoneError>(())
    /// ```
    pub fn from_e164(text: &str, validity: Validity) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').ok_or(PhoneReason::NotANumber)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PhoneReason::NotANumber.into());
        }
        if digits.starts_with('0') {
            return Err(PhoneReason::InvalidCountryCode.into());
        }
        if digits.len() < E164_DIGITS_MIN {
            return Err(PhoneReason::TooShort.into());
        }
        if digits.len() > E164_DIGITS_MAX {
            return Err(PhoneReason::TooLong.into());
        }
        let mut bytes = [0; E164_LEN_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self {
            text: bytes,
            // At most sixteen, as checked above.
            len: text.len() as u8,
            validity,
        })
    }

    /// The number in E.164 form: `+` and 2 to 15 digits. The key for finding the same number again.
    pub fn e164(&self) -> &str {
        // Only ASCII is ever stored, so the default is never taken.
        str::from_utf8(&self.text[..usize::from(self.len)]).unwrap_or_default()
    }

    /// Whether the number was in an assigned range when it was read.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// A form for logs and messages that does not tell the number nor its length: `+1*******43`.
    /// Numbers of fewer than eight digits show the first digit alone.
    ///
    /// ```
    /// use convio_core::phone::{Phone, Validity};
    ///
    /// let phone = Phone::from_e164("+15551234543", Validity::Possible)?;
    /// assert_eq!(phone.masked(), "+1*******43");
    /// # Ok::<(), convio_core::phone::PhoneError>(())
    /// ```
    pub fn masked(&self) -> String {
        let text = self.e164();
        let tail = if text.len() > MASK_TAIL_DIGITS_MIN { &text[text.len() - 2..] } else { "" };
        format!("{}*******{tail}", &text[..2])
    }
}

/// Shows the masked number and the validity.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({}, {})", self.masked(), self.validity)
    }
}

/// Shows the whole number, which is personal.
impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.e164())
    }
}

impl Serialize for Phone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PhoneFields { e164: self.e164().into(), validity: self.validity }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = PhoneFields::deserialize(deserializer)?;
        Self::from_e164(&fields.e164, fields.validity).map_err(D::Error::custom)
    }
}

/// What [`Phone::parse`] read: the number, and the extension that is no part of it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ParsedPhone {
    /// The number.
    pub phone: Phone,
    /// The extension as ASCII digits, leading zeros kept (`00012`), where one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

/// Shows the masked number, and whether there is an extension.
impl fmt::Debug for ParsedPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedPhone")
            .field("phone", &self.phone)
            .field("extension", &self.extension.as_ref().map(|_| "***"))
            .finish()
    }
}

/// The serialised form of [`Phone`].
#[derive(Serialize, Deserialize)]
struct PhoneFields<'a> {
    e164: std::borrow::Cow<'a, str>,
    validity: Validity,
}

/// ITU-T E.164: a country code of one to three digits and a subscriber number, 15 digits at most.
const E164_DIGITS_MAX: usize = 15;

/// A country code and at least one digit more.
const E164_DIGITS_MIN: usize = 2;

/// The digits and their `+`.
const E164_LEN_MAX: usize = E164_DIGITS_MAX + 1;

/// With fewer digits than this, three of them in the open would tell most of the number.
const MASK_TAIL_DIGITS_MIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_form_is_checked() {
        let reason = |text: &str| Phone::from_e164(text, Validity::Valid).map_err(|error| error.reason());
        assert_eq!(reason("+12").unwrap().e164(), "+12");
        assert_eq!(reason("+123456789012345").unwrap().e164(), "+123456789012345");
        assert_eq!(reason("+1"), Err(PhoneReason::TooShort));
        assert_eq!(reason("+1234567890123456"), Err(PhoneReason::TooLong));
        assert_eq!(reason("+0123456"), Err(PhoneReason::InvalidCountryCode));
        for text in ["", "+", "12125550123", "+1212555O123", "+１２１２５５５０１２３", "++1212", " +1212"]
        {
            assert_eq!(reason(text), Err(PhoneReason::NotANumber), "{text}");
        }
    }

    #[test]
    fn order_is_the_order_of_the_texts() {
        let texts = ["+12", "+120", "+1200", "+13", "+442079460018", "+50"];
        let mut phones: Vec<_> =
            texts.iter().rev().map(|text| Phone::from_e164(text, Validity::Valid).unwrap()).collect();
        phones.sort();
        let sorted: Vec<_> = phones.iter().map(Phone::e164).collect();
        assert_eq!(sorted, texts);
    }

    #[test]
    fn masks_hide_the_number_and_its_length() {
        let masked = |text: &str| Phone::from_e164(text, Validity::Valid).unwrap().masked();
        assert_eq!(masked("+12125550123"), "+1*******23");
        assert_eq!(masked("+12345678"), "+1*******78");
        assert_eq!(masked("+1234567"), "+1*******");
        assert_eq!(masked("+12"), "+1*******");
        let read = ParsedPhone {
            phone: Phone::from_e164("+12125550123", Validity::Valid).unwrap(),
            extension: Some("4321".into()),
        };
        let debug = format!("{read:?}");
        assert!(!debug.contains("555") && !debug.contains("4321"), "{debug}");
    }

    #[test]
    fn json_form_is_checked_on_the_way_back() {
        let phone = Phone::from_e164("+12125550123", Validity::Possible).unwrap();
        let json = serde_json::to_string(&phone).unwrap();
        assert_eq!(json, r#"{"e164":"+12125550123","validity":"possible"}"#);
        assert_eq!(serde_json::from_str::<Phone>(&json).unwrap(), phone);
        assert_eq!(serde_json::from_value::<Phone>(serde_json::to_value(&phone).unwrap()).unwrap(), phone);
        let error = serde_json::from_str::<Phone>(r#"{"e164":"+1212 555","validity":"valid"}"#).unwrap_err();
        assert!(!error.to_string().contains("555"), "{error}");
    }
}
