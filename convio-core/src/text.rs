//! Text as people write it: folding of blanks, keys for matching, masking, and the open sets.
//!
//! An open set is a kind of name that a client may extend at will: where a lead came from, what it
//! is about. Such a name is kept as it was written and matched without regard to case and blanks, so
//! `Google` == `google`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Trims a text and folds each run of blanks inside it to one space; case is kept.
///
/// Blanks are white space of any script, control characters and letters that show as nothing. Byte
/// order marks, zero-width spaces and marks of writing direction are dropped wherever they stand.
/// Joiners stay inside a word, where scripts and emoji need them. Folding twice changes nothing more.
///
/// ```
/// use convio_core::text::fold_blanks;
///
/// assert_eq!(fold_blanks("\u{feff}  Ana\u{a0} \t Lima\r\n"), "Ana Lima");
/// ```
#[must_use]
pub fn fold_blanks(text: &str) -> String {
    if is_folded(text) {
        return text.to_owned();
    }
    let mut folded = String::with_capacity(text.len());
    for word in text.split(is_blank) {
        let start = folded.len();
        for shown in word.trim_matches(|c| is_dropped(c) || is_joiner(c)).chars().filter(|c| !is_dropped(*c))
        {
            if folded.len() == start && start > 0 {
                folded.push(' ');
            }
            folded.push(shown);
        }
    }
    folded
}

/// The form in which names of an open set are compared: [`fold_blanks`], then lower case.
///
/// Lower case is that of Unicode, so `ß` and `SS` stay apart, and so do a letter with an accent
/// and the same letter with a combining accent.
///
/// ```
/// use convio_core::text::match_key;
///
/// assert_eq!(match_key(" Google  Ads "), match_key("google ads"));
/// ```
#[must_use]
pub fn match_key(text: &str) -> String {
    fold_blanks(text).to_lowercase()
}

/// A personal text as it may appear in a log: its first character and `***`, whatever its length.
///
/// ```
/// use convio_core::text::mask;
///
/// assert_eq!(mask("Maria Lopez"), "M***");
/// assert_eq!(mask(""), "***");
/// ```
#[must_use]
pub fn mask(text: &str) -> String {
    let first = text.chars().find(|c| !is_blank(*c) && !is_dropped(*c) && !is_joiner(*c));
    first.into_iter().chain("***".chars()).collect()
}

/// A name as part of a key of bounded length: itself, or where it is long a digest of it.
pub(crate) fn short(name: &str) -> std::borrow::Cow<'_, str> {
    match name.len() <= SHORT_BYTES_MAX {
        true => name.into(),
        false => crate::canonical::Fingerprint::of_bytes(name.as_bytes()).to_hex().into(),
    }
}

/// A personal text: `Debug` shows how long it is, and nothing of it.
///
/// ```
/// use convio_core::text::Private;
///
/// let note = Private("calls back on Monday".to_owned());
/// assert_eq!(format!("{note:?}"), "Private(20 bytes)");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private(pub String);

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Private({} bytes)", self.0.len())
    }
}

/// Why a text cannot be a name of an open set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but blanks.
    #[error("the name is blank")]
    Blank,
    /// More than [`NAME_CHARS_MAX`] characters after folding.
    #[error("the name has {chars} characters, more than {NAME_CHARS_MAX}")]
    TooLong {
        /// How many characters it has after folding.
        chars: usize,
    },
}

impl NameError {
    /// A stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NameError::Blank => "name_blank",
            NameError::TooLong { .. } => "name_too_long",
        }
    }
}

/// The key of [`MarketingChannel::direct`].
const DIRECT: &str = "direct";

/// The longest name that [`short`] leaves as it is.
const SHORT_BYTES_MAX: usize = 100;

macro_rules! open_set {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// An open set: kept as written (blanks folded), and compared, ordered and hashed by
        /// [`match_key`], so `Google` == `google`. Serialised as written. Cloning is cheap.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Name);

        impl $name {
            /// Takes the name as written, blanks folded.
            ///
            /// # Errors
            ///
            /// [`NameError::Blank`], and [`NameError::TooLong`] beyond [`NAME_CHARS_MAX`] characters.
            ///
            /// ```
            #[doc = concat!("use convio_core::text::", stringify!($name), ";")]
            ///
            #[doc = concat!("let name = ", stringify!($name), "::new(\" Google  Ads \")?;")]
            /// assert_eq!(name.as_str(), "Google Ads");
            /// assert_eq!(name.key(), "google ads");
            #[doc = concat!("assert_eq!(name, ", stringify!($name), "::new(\"GOOGLE ADS\")?);")]
            /// # Ok::<(), convio_core::text::NameError>(())
            /// ```
            pub fn new(text: &str) -> Result<Self, NameError> {
                Name::parse(text).map(Self)
            }

            /// The name as written, blanks folded.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0.text
            }

            /// The form in which two names are compared.
            #[must_use]
            pub fn key(&self) -> &str {
                &self.0.key
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.as_str()).finish()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

open_set! {
    /// Where a lead came from, such as `Google` or a provider's name.
    Source
}

open_set! {
    /// What kind of lead it is, such as `Solar` or `Roofing`.
    LeadType
}

open_set! {
    /// What kind of conversion was made, such as `Sale`.
    ConversionType
}

open_set! {
    /// What the lead asks for, as routing rules name it.
    Product
}

open_set! {
    /// A state or province, as routing rules name it, such as `CA`.
    State
}

open_set! {
    /// What kind of appointment it is, such as `Solar Consultation`.
    AppointmentType
}

open_set! {
    /// The marketing campaign that brought the lead.
    Campaign
}

open_set! {
    /// By what kind of means someone came, as in `utm_medium`: `cpc`, `email`, `referral`.
    Medium
}

open_set! {
    /// What touches are grouped by for attribution, such as `paid search` or `direct`.
    MarketingChannel
}

impl Source {
    /// The source of a lead of which nothing says where it came from: `unknown`.
    #[must_use]
    pub fn unknown() -> Self {
        Self(Name::known("unknown"))
    }
}

impl LeadType {
    /// The type of a lead where nothing else is set: `standard`.
    #[must_use]
    pub fn standard() -> Self {
        Self(Name::known("standard"))
    }
}

impl ConversionType {
    /// The lead has bought: `sale`.
    #[must_use]
    pub fn sale() -> Self {
        Self(Name::known("sale"))
    }
}

impl MarketingChannel {
    /// Someone came by themselves: `direct`.
    ///
    /// ```
    /// use convio_core::text::MarketingChannel;
    ///
    /// assert!(MarketingChannel::new("Direct")?.is_direct());
    /// assert_eq!(MarketingChannel::direct().as_str(), "direct");
    /// # Ok::<(), convio_core::text::NameError>(())
    /// ```
    #[must_use]
    pub fn direct() -> Self {
        Self(Name::known(DIRECT))
    }

    /// A channel of the library's own, in the form of a key.
    pub(crate) fn known(key: &'static str) -> Self {
        Self(Name::known(key))
    }

    /// Whether it is the direct one.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.key() == DIRECT
    }
}

impl AppointmentType {
    /// The type of an appointment where nothing else is said: `appointment`.
    #[must_use]
    pub fn standard() -> Self {
        Self(Name::known("appointment"))
    }
}

/// Whether a text is known to stay as it is when it is folded: what most are, ASCII that shows, with single spaces inside.
/// Told byte by byte, which is far faster than to fold it.
pub(crate) fn is_folded(text: &str) -> bool {
    let bytes = text.as_bytes();
    // No way out of these loops before their end: so many bytes are looked at at once.
    let shows = bytes.iter().fold(true, |shows, byte| shows & matches!(byte, b' '..=b'~'));
    let next = bytes.get(1..).unwrap_or_default();
    let gaps = bytes.iter().zip(next).fold(false, |gaps, (a, b)| gaps | ((*a == b' ') & (*b == b' ')));
    shows && !gaps && !text.starts_with(' ') && !text.ends_with(' ')
}

/// The text without NUL characters, which not every database can keep.
pub(crate) fn without_nul(text: impl Into<String>) -> String {
    let text = text.into();
    if text.contains('\0') { text.replace('\0', "") } else { text }
}

/// Trims as [`fold_blanks`] does, leaving the inside as it is.
pub(crate) fn trim_blanks(text: &str) -> &str {
    text.trim_matches(|c| is_blank(c) || is_dropped(c) || is_joiner(c))
}

#[derive(Clone)]
struct Name {
    text: Arc<str>,
    /// The same allocation as `text` where the name is already in the form of a key.
    key: Arc<str>,
}

impl Name {
    /// A name of the library's own, in the form of a key.
    fn known(key: &'static str) -> Self {
        let key: Arc<str> = key.into();
        Self { text: Arc::clone(&key), key }
    }

    fn parse(text: &str) -> Result<Self, NameError> {
        let text: Arc<str> = if is_folded(text) { text.into() } else { fold_blanks(text).into() };
        if text.is_empty() {
            return Err(NameError::Blank);
        }
        // No text has more characters than bytes.
        if text.len() > NAME_CHARS_MAX {
            let chars = text.chars().count();
            if chars > NAME_CHARS_MAX {
                return Err(NameError::TooLong { chars });
            }
        }
        let is_key = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        let lower = if is_key { None } else { Some(text.to_lowercase()) };
        let key = match lower {
            Some(lower) if lower != *text => lower.into(),
            _ => Arc::clone(&text),
        };
        Ok(Self { text, key })
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Name {}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// White space, control characters (a NUL would not even store), and letters that show as nothing.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{180e}')
}

/// Marks without a meaning of their own: zero-width space, word joiner, byte order mark, soft hyphen
/// and the controls of writing direction, which can make a name show as another.
fn is_dropped(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// The longest name of an open set, in characters: it is indexed, shown in a column, and repeated on
/// every row, and no real source or campaign name comes near it.
pub const NAME_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blanks_of_every_kind_are_folded() {
        for (text, folded) in [
            ("", ""),
            (" \u{feff}\u{200b}\u{200d} \u{3000}", ""),
            ("\u{feff}Ana", "Ana"),
            ("Ana\u{a0}\u{2003}\u{3000}Lima", "Ana Lima"),
            ("a\u{0}b", "a b"),
            ("Goo\u{200b}gle", "Google"),
            ("\u{202e}Ana\u{202c} \u{200f} B", "Ana B"),
            ("a \u{200d} b", "a b"),
            ("\u{3164}x\u{2800}", "x"),
            ("👩\u{200d}🚀 up", "👩\u{200d}🚀 up"),
        ] {
            assert_eq!(fold_blanks(text), folded, "{text:?}");
        }
    }

    #[test]
    fn masks_show_one_character_at_most() {
        for (text, masked) in [("J", "J***"), ("\u{feff} José", "J***"), ("  ", "***"), ("Ωmega", "Ω***")]
        {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn names_match_by_key_and_stay_as_written() {
        let (written, other) = (Source::new(" Google  Ads").unwrap(), Source::new("google ADS").unwrap());
        assert_eq!(written, other);
        assert_eq!(written.cmp(&other), Ordering::Equal);
        assert_eq!(HashSet::from([written.clone(), other]).len(), 1);
        assert_eq!(written.as_str(), "Google Ads");
        assert_eq!(written.to_string(), "Google Ads");
        assert_ne!(written, Source::new("Googleads").unwrap());
        assert_eq!(Product::new("ΛΟΓΟΣ"), Product::new("λογος"));
    }

    #[test]
    fn a_name_in_the_form_of_its_key_is_stored_once() {
        let name = Campaign::new("spring").unwrap();
        assert!(Arc::ptr_eq(&name.0.text, &name.0.key));
    }

    #[test]
    fn blank_and_overlong_names_are_refused() {
        assert_eq!(LeadType::new(" \u{200b}"), Err(NameError::Blank));
        assert_eq!(LeadType::new(""), Err(NameError::Blank));
        assert!(LeadType::new(&"é".repeat(NAME_CHARS_MAX)).is_ok());
        let long = "é".repeat(NAME_CHARS_MAX + 1);
        assert_eq!(LeadType::new(&long), Err(NameError::TooLong { chars: NAME_CHARS_MAX + 1 }));
    }

    #[test]
    fn names_of_the_library_are_those_that_anyone_may_write() {
        assert_eq!(Source::new("Unknown"), Ok(Source::unknown()));
        assert_eq!(LeadType::new("STANDARD"), Ok(LeadType::standard()));
        assert_eq!(ConversionType::new(" sale"), Ok(ConversionType::sale()));
        for name in [Source::unknown().0, LeadType::standard().0, ConversionType::sale().0] {
            assert_eq!(match_key(&name.text), &*name.key);
        }
    }

    #[test]
    fn names_serialise_as_written() {
        let name = ConversionType::new("Sale").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), r#""Sale""#);
        let read: ConversionType = serde_json::from_str(r#"" sale ""#).unwrap();
        assert_eq!((read.as_str(), &read), ("sale", &name));
        assert!(serde_json::from_str::<ConversionType>(r#"" ""#).is_err());
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in blank_rich()) {
            let folded = fold_blanks(&text);
            prop_assert_eq!(&fold_blanks(&folded), &folded);
            prop_assert_eq!(trim_blanks(&folded), &folded);
            prop_assert!(!folded.contains("  "));
        }

        #[test]
        fn what_is_told_by_its_bytes_is_folded_as_it_stands(text in blank_rich(), plain in "[ -~]{0,20}") {
            for text in [text, plain] {
                let slow: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
                if is_folded(&text) {
                    prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
                    prop_assert_eq!(&slow.join(" "), &text);
                } else if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
                    prop_assert_ne!(&fold_blanks(&text), &text);
                }
            }
        }

        #[test]
        fn the_key_of_a_key_is_itself(text in blank_rich()) {
            let key = match_key(&text);
            prop_assert_eq!(match_key(&key), key);
        }

        #[test]
        fn a_mask_has_at_most_one_character_of_the_text(text: String) {
            prop_assert!(mask(&text).chars().count() <= 4);
        }
    }

    fn blank_rich() -> impl Strategy<Value = String> {
        let special = prop::sample::select(vec![
            ' ', '\t', '\u{a0}', '\u{200b}', '\u{200d}', '\u{200c}', '\u{feff}', '\u{202e}', '\u{0}',
            '\u{3164}', 'Σ', 'İ',
        ]);
        prop::collection::vec(prop_oneof![special, any::<char>()], 0..30)
            .prop_map(|chars| chars.into_iter().collect())
    }
}
