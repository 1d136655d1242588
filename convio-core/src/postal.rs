//! Postal codes, as text.
//!
//! A postal code is never a number: `02134` is not `2134`. Where a spreadsheet has lost a leading
//! zero nothing is guessed; the code is kept as it came, and [`PostalCode::zip5`] is `None`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::text;

/// A postal code of any country: upper case, single blanks inside, as in `90210` or `SW1A 1AA`.
///
/// Equality is that of the text: `SW1A1AA` and `SW1A 1AA` differ. Thirteen bytes, no allocation.
///
/// ```
/// use convio_core::postal::PostalCode;
///
/// let code = PostalCode::parse(" sw1a  1aa ")?;
/// assert_eq!(code.as_str(), "SW1A 1AA");
/// assert_eq!(code.zip5(), None);
/// assert_eq!(PostalCode::parse("90210-1234")?.zip5(), Some("90210"));
/// # Ok::<(), convio_core::postal::PostalCodeError>(())
/// ```
///
/// With a name it tells where a person lives: `Debug` masks it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostalCode {
    /// The text, then zero bytes, so that the derived order is the order of the texts.
    text: [u8; POSTAL_CODE_CHARS_MAX],
    len: u8,
}

impl fmt::Debug for PostalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostalCode({})", crate::text::mask(self.as_str()))
    }
}

impl PostalCode {
    /// Reads a code: trimmed, inner blanks folded, in upper case.
    ///
    /// # Errors
    ///
    /// [`PostalCodeError::Empty`] without any letter or digit, [`PostalCodeError::TooLong`] beyond
    /// [`POSTAL_CODE_CHARS_MAX`] characters, [`PostalCodeError::Character`] for anything but ASCII
    /// letters and digits, spaces and hyphens.
    pub fn parse(text: &str) -> Result<Self, PostalCodeError> {
        if !text::is_folded(text) {
            return Self::of_folded(&text::fold_blanks(text));
        }
        Self::of_folded(text)
    }

    fn of_folded(code: &str) -> Result<Self, PostalCodeError> {
        if !code.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-') {
            return Err(PostalCodeError::Character);
        }
        if !code.contains(|c: char| c.is_ascii_alphanumeric()) {
            return Err(PostalCodeError::Empty);
        }
        if code.len() > POSTAL_CODE_CHARS_MAX {
            return Err(PostalCodeError::TooLong { chars: code.len() });
        }
        let mut text = [0; POSTAL_CODE_CHARS_MAX];
        text[..code.len()].copy_from_slice(code.as_bytes());
        text.make_ascii_uppercase();
        // At most twelve, as checked above.
        Ok(Self { text, len: code.len() as u8 })
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII is ever kept, so the default is never taken.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The code, of which every byte is a character.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }

    /// The five digits of a US ZIP code, where it has the form of one: `90210`, or the ZIP+4
    /// `90210-1234`, `90210 1234`, `902101234`.
    ///
    /// The country is not looked at: a German `10115` has the form too.
    ///
    /// ```
    /// use convio_core::postal::PostalCode;
    ///
    /// assert_eq!(PostalCode::parse("902101234")?.zip5(), Some("90210"));
    /// assert_eq!(PostalCode::parse("2134")?.zip5(), None);
    /// # Ok::<(), convio_core::postal::PostalCodeError>(())
    /// ```
    #[must_use]
    pub fn zip5(&self) -> Option<&str> {
        let (zip, rest) = self.as_str().split_at_checked(ZIP_DIGITS)?;
        let plus4 = rest.strip_prefix(['-', ' ']).unwrap_or(rest);
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let whole = digits(zip) && (rest.is_empty() || (plus4.len() == 4 && digits(plus4)));
        whole.then_some(zip)
    }
}

impl FromStr for PostalCode {
    type Err = PostalCodeError;

    fn from_str(text: &str) -> Result<Self, PostalCodeError> {
        Self::parse(text)
    }
}

impl fmt::Display for PostalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for PostalCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PostalCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Why a text is no postal code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PostalCodeError {
    /// No letter and no digit.
    #[error("the postal code is empty")]
    Empty,
    /// More than [`POSTAL_CODE_CHARS_MAX`] characters.
    #[error("the postal code has {chars} characters, more than {POSTAL_CODE_CHARS_MAX}")]
    TooLong {
        /// How many characters it has after folding.
        chars: usize,
    },
    /// A character that is no ASCII letter or digit, space or hyphen.
    #[error("the postal code has a character other than letters, digits, spaces and hyphens")]
    Character,
}

impl PostalCodeError {
    /// A stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            PostalCodeError::Empty => "postal_code_empty",
            PostalCodeError::TooLong { .. } => "postal_code_too_long",
            PostalCodeError::Character => "postal_code_character",
        }
    }
}

/// The longest code, in characters: the longest in use has ten (ZIP+4 with its hyphen), and two are
/// left for a country's prefix.
pub const POSTAL_CODE_CHARS_MAX: usize = 12;

const ZIP_DIGITS: usize = 5;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> PostalCode {
        PostalCode::parse(text).unwrap()
    }

    #[test]
    fn codes_are_folded_and_never_numbers() {
        for (text, kept) in [
            ("02134", "02134"),
            ("2134", "2134"),
            (" k1a\u{a0} 0b1 ", "K1A 0B1"),
            ("\u{feff}1010-ab", "1010-AB"),
            ("0", "0"),
        ] {
            assert_eq!(code(text).as_str(), kept);
        }
        assert_ne!(code("02134"), code("2134"));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for (text, error) in [
            ("", PostalCodeError::Empty),
            (" \t", PostalCodeError::Empty),
            (" - ", PostalCodeError::Empty),
            ("90210.0", PostalCodeError::Character),
            ("9021０", PostalCodeError::Character),
            ("90210;", PostalCodeError::Character),
            ("straße", PostalCodeError::Character),
            ("1234567890123", PostalCodeError::TooLong { chars: 13 }),
        ] {
            assert_eq!(PostalCode::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(code("123456789012").as_str().len(), POSTAL_CODE_CHARS_MAX);
    }

    #[test]
    fn zip_codes_are_seen_in_every_spelling() {
        for text in ["90210", "90210-1234", "902101234", "90210  1234"] {
            assert_eq!(code(text).zip5(), Some("90210"), "{text}");
        }
        for text in [
            "9021",
            "902101",
            "90210-",
            "90210-123",
            "90210-12345",
            "90210--123",
            "9021A",
            "90210-12A4",
            "K1A 0B1",
        ] {
            assert_eq!(code(text).zip5(), None, "{text}");
        }
    }

    #[test]
    fn serialised_as_text() {
        assert_eq!(serde_json::to_string(&code("02134")).unwrap(), r#""02134""#);
        assert_eq!(serde_json::from_str::<PostalCode>(r#"" k1a 0b1""#).unwrap(), code("K1A 0B1"));
        assert!(serde_json::from_str::<PostalCode>("2134").is_err());
    }

    proptest! {
        #[test]
        fn parsing_again_changes_nothing(text in "[ a-zA-Z0-9-]{0,14}") {
            if let Ok(code) = PostalCode::parse(&text) {
                prop_assert_eq!(PostalCode::parse(code.as_str()), Ok(code));
            }
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = PostalCode::parse(&text).map(|code| code.zip5().map(str::len));
        }
    }
}
