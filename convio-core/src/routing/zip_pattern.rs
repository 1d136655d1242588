use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::postal::{POSTAL_CODE_CHARS_MAX, PostalCode};

/// Postal codes of any country that a rule asks for: one, all that begin alike, or all between two.
///
/// As text: `90210`, `902*`, `00501..00544`. Blanks, hyphens and case do not count, so `SW1A 1AA` is `sw1a1aa`.
///
/// - One code is that code, and where it has the five digits of a ZIP, also every ZIP+4 of it. A ZIP+4 is only itself.
/// - A prefix is what a code begins with.
/// - A range compares the first characters of a code, as many as its bounds have, as text: `00501..00544` holds `00544-1234`,
///   not `0052`. Both bounds are in it. Between digits there are only digits.
///
/// ```
/// use convio_core::PostalCode;
/// use convio_core::routing::ZipPattern;
/// let holds = |pattern: &str, code: &str| {
///     let pattern: ZipPattern = pattern.parse().unwrap();
///     pattern.holds(&PostalCode::parse(code).unwrap())
/// };
/// assert!(holds("90210", "90210-1234") && !holds("90210-1234", "90210"));
/// assert!(holds("sw1a*", "SW1A 1AA") && !holds("902*", "90"));
/// assert!(holds("00501..00544", "005221234") && !holds("00501..00544", "0052A"));
/// assert_eq!("k1a 0b*".parse::<ZipPattern>().unwrap().to_string(), "K1A0B*");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ZipPattern {
    /// This code.
    Exact(ZipText),
    /// Codes that begin so.
    Prefix(ZipText),
    /// Codes that begin with something between these two, which have the same length.
    Range(Box<(ZipText, ZipText)>),
}

impl ZipPattern {
    /// Whether a code is one of them.
    pub fn holds(&self, code: &PostalCode) -> bool {
        self.holds_text(ZipText::of(code))
    }

    pub(super) fn holds_text(&self, code: ZipText) -> bool {
        self.holds_zip(code, || code.zip5())
    }

    /// The same, given the [`ZipText::zip5`] of the code.
    fn holds_zip(&self, code: ZipText, zip5: impl Fn() -> Option<ZipText>) -> bool {
        match self {
            Self::Exact(exact) => *exact == code || zip5() == Some(*exact),
            Self::Prefix(prefix) => code.first(prefix.len()) == Some(*prefix),
            Self::Range(bounds) => {
                let (from, to) = **bounds;
                let head = code.first(from.len());
                let digits = !(from.is_digits() && to.is_digits());
                head.is_some_and(|head| from <= head && head <= to && (digits || head.is_digits()))
            }
        }
    }
}

impl FromStr for ZipPattern {
    type Err = ZipPatternError;

    fn from_str(text: &str) -> Result<Self, ZipPatternError> {
        let part = |text: &str| {
            let code = PostalCode::parse(text).map_err(|_| ZipPatternError::Code)?;
            Ok(ZipText::of(&code))
        };
        if let Some((from, to)) = text.split_once("..") {
            let bounds = (part(from)?, part(to)?);
            if bounds.0.len() != bounds.1.len() || bounds.0 > bounds.1 {
                return Err(ZipPatternError::Range);
            }
            return Ok(Self::Range(Box::new(bounds)));
        }
        match text.trim_end().strip_suffix('*') {
            Some(prefix) => part(prefix).map(Self::Prefix),
            None => part(text).map(Self::Exact),
        }
    }
}

impl fmt::Display for ZipPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(code) => match code.plus4() {
                Some((zip, plus4)) => write!(f, "{zip}-{plus4}"),
                None => write!(f, "{code}"),
            },
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Range(bounds) => write!(f, "{}..{}", bounds.0, bounds.1),
        }
    }
}

impl Serialize for ZipPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ZipPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Why a text is no pattern of postal codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ZipPatternError {
    /// What stands there, or before the `*`, or on a side of the `..`, is no postal code.
    #[error("is no postal code, prefix or range, as in `90210`, `902*` or `00501..00544`")]
    Code,
    /// The bounds of a range have different lengths, or the first is greater.
    #[error("is a range whose bounds differ in length or stand in the wrong order")]
    Range,
}

/// The letters and digits of a postal code, at most twelve, as one number that sorts as they do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZipText(u64);

impl ZipText {
    pub(super) const EMPTY: Self = Self(0);

    /// The text of a code.
    pub fn of(code: &PostalCode) -> Self {
        Self::beginnings(code).last().unwrap_or(Self(0))
    }

    /// What a code begins with: its first character, its first two, and so on up to all of them.
    pub(super) fn beginnings(code: &PostalCode) -> impl Iterator<Item = Self> {
        let digit = |byte| match byte {
            b'0'..=b'9' => Some(byte - b'0' + 1),
            b'A'..=b'Z' => Some(byte - b'A' + 11),
            _ => None, // blanks and hyphens
        };
        let mut packed = 0;
        code.as_bytes().iter().copied().filter_map(digit).zip(POWERS.iter().rev().skip(1)).map(
            move |(digit, power)| {
                packed = packed * BASE + u64::from(digit);
                Self(packed * power)
            },
        )
    }

    /// How many characters it has.
    pub fn len(self) -> usize {
        CHARS - self.backwards().take_while(|digit| *digit == 0).count()
    }

    /// Whether it has none. No postal code is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its first characters; `None` where it has fewer.
    pub(super) fn first(self, len: usize) -> Option<Self> {
        let has = len == 0 || (len <= CHARS && self.digit(len - 1) != 0);
        has.then(|| Self(self.0 - self.0 % POWERS[CHARS - len]))
    }

    /// The ZIP that it is, or is a ZIP+4 of.
    pub(super) fn zip5(self) -> Option<Self> {
        let len = self.len();
        ((len == ZIP || len == ZIP + 4) && self.is_digits()).then(|| self.first(ZIP)).flatten()
    }

    /// The text of this [`number`](Self::number).
    pub(super) fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// As a number, less than 2^63.
    pub(super) fn number(self) -> u64 {
        self.0
    }

    pub(super) fn is_digits(self) -> bool {
        self.backwards().all(|digit| digit <= 10)
    }

    /// All its characters, as [`ZipText::digit`] has them, the last one first.
    fn backwards(self) -> impl Iterator<Item = u64> {
        (0..CHARS).scan(self.0, |rest, _| {
            let digit = *rest % BASE;
            *rest /= BASE;
            Some(digit)
        })
    }

    /// The text with another character at its end, from 1 (`0`) to 36 (`Z`).
    pub(super) fn then(self, digit: u64) -> Self {
        Self(self.0 + digit * POWERS[CHARS - 1 - self.len()])
    }

    /// The character at a place, from 1 (`0`) to 36 (`Z`); 0 beyond the end.
    pub(super) fn digit(self, at: usize) -> u64 {
        self.0 / POWERS[CHARS - 1 - at] % BASE
    }

    fn plus4(self) -> Option<(Self, String)> {
        let zip = self.zip5().filter(|zip| *zip != self)?;
        Some((zip, self.to_string()[ZIP..].to_owned()))
    }
}

impl fmt::Display for ZipText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for at in 0..self.len() {
            let digit = self.digit(at);
            let code = if digit <= 10 { b'0' + (digit - 1) as u8 } else { b'A' + (digit - 11) as u8 };
            fmt::Write::write_char(f, char::from(code))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ZipText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZipText({self})")
    }
}

/// Postal codes that a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zips {
    /// All, also none at all.
    Any,
    /// Those of these patterns.
    Of(ZipSet),
}

impl Zips {
    /// Whether a code is asked for.
    pub fn holds(&self, code: Option<&PostalCode>) -> bool {
        match self {
            Self::Any => true,
            Self::Of(set) => code.is_some_and(|code| set.holds(code)),
        }
    }
}

/// Patterns of postal codes, each once and in order. What was given and is no pattern is kept apart, to be refused with
/// the rule when it is published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZipSet {
    patterns: Vec<ZipPattern>,
    refused: Vec<(String, ZipPatternError)>,
}

impl ZipSet {
    /// The patterns that these texts are.
    pub fn of<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut set = Self::default();
        for text in texts {
            match text.as_ref().parse() {
                Ok(pattern) => set.patterns.push(pattern),
                Err(_) if text.as_ref().trim().is_empty() => {}
                Err(error) => set.refused.push((text.as_ref().chars().take(SHOWN).collect(), error)),
            }
        }
        set.patterns.sort_unstable();
        set.patterns.dedup();
        set
    }

    /// Adds what another set has.
    pub fn extend(&mut self, other: Self) {
        self.refused.extend(other.refused);
        self.patterns.extend(other.patterns);
        self.patterns.sort_unstable();
        self.patterns.dedup();
    }

    /// The patterns, in order.
    pub fn patterns(&self) -> &[ZipPattern] {
        &self.patterns
    }

    /// What was given and is no pattern, and why.
    pub fn refused(&self) -> &[(String, ZipPatternError)] {
        &self.refused
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.refused.is_empty()
    }

    /// Whether a code is of one of the patterns.
    pub fn holds(&self, code: &PostalCode) -> bool {
        let code = ZipText::of(code);
        let zip5 = code.zip5();
        self.patterns.iter().any(|pattern| pattern.holds_zip(code, || zip5))
    }
}

/// What is no pattern is kept as it was given, after the patterns: rules that are not published yet may hold some.
impl Serialize for ZipSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let refused = self.refused.iter().map(|(text, error)| Given(Err((text.clone(), *error))));
        serializer.collect_seq(self.patterns.iter().cloned().map(|pattern| Given(Ok(pattern))).chain(refused))
    }
}

impl<'de> Deserialize<'de> for ZipSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Vec::<Given>::deserialize(deserializer)?;
        let mut set = Self { patterns: Vec::with_capacity(given.len()), refused: Vec::new() };
        for given in given {
            match given {
                Given(Ok(pattern)) => set.patterns.push(pattern),
                Given(Err(refused)) => set.refused.push(refused),
            }
        }
        set.patterns.sort_unstable();
        set.patterns.dedup();
        Ok(set)
    }
}

/// A pattern, or what was given and is none.
struct Given(Result<ZipPattern, (String, ZipPatternError)>);

impl Serialize for Given {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(pattern) => pattern.serialize(serializer),
            Err((text, _)) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(text.parse().map_err(|error| (text.chars().take(SHOWN).collect(), error))))
    }
}

/// Nothing, `0` to `9`, `A` to `Z`.
const BASE: u64 = 37;
const CHARS: usize = POSTAL_CODE_CHARS_MAX;
const ZIP: usize = 5;

/// How much of a text that is no pattern a reason repeats.
const SHOWN: usize = 40;

/// The powers of [`BASE`]. The greatest, 37^12, is less than 2^63.
const POWERS: [u64; CHARS + 1] = {
    let mut powers = [1; CHARS + 1];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = powers[n - 1] * BASE;
        n += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(code: &str) -> ZipText {
        ZipText::of(&PostalCode::parse(code).unwrap())
    }

    #[test]
    fn what_is_no_pattern_is_named_and_kept_apart() {
        let set = ZipSet::of(["90210", " 90210", "", "902*", "*", "9021.0", "00544..00501", "1..22", "a..c"]);
        let shown: Vec<String> = set.patterns().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["90210", "902*", "A..C"]);
        let kept: ZipSet = serde_json::from_value(serde_json::to_value(&set).unwrap()).unwrap();
        assert_eq!(kept, set);
        let refused: Vec<&str> = set.refused().iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(refused, ["*", "9021.0", "00544..00501", "1..22"]);
    }

    proptest! {
        #[test]
        fn texts_sort_and_show_as_they_are_written(a in "[0-9A-Z]{1,12}", b in "[0-9A-Z]{1,12}") {
            prop_assert_eq!(text(&a).cmp(&text(&b)), a.cmp(&b));
            prop_assert_eq!(text(&a).to_string(), a.clone());
            prop_assert_eq!(text(&a).len(), a.len());
            for len in 0..=12 {
                let first = a.get(..len).map(str::to_owned);
                prop_assert_eq!(text(&a).first(len).map(|text| text.to_string()), first);
            }
        }

        #[test]
        fn patterns_hold_what_their_definition_says(
            a in "[0-2A]{1,6}", b in "[0-2A]{1,6}", code in "[0-2A]{1,6}|[0-2]{5}-?[0-2]{4}"
        ) {
            let holds = |pattern: String| pattern.parse::<ZipPattern>().map(|pattern| pattern.holds(&PostalCode::parse(&code).unwrap()));
            let bare = code.replace('-', "");
            let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let plus4 = bare.len() == 9 && is_digits(&bare);
            prop_assert_eq!(holds(a.clone()), Ok(bare == a || (plus4 && bare[..5] == a)));
            prop_assert_eq!(holds(format!("{a}*")), Ok(bare.starts_with(&a)));
            let in_range = bare.get(..a.len()).is_some_and(|head| {
                a.as_str() <= head && head <= b.as_str() && (!is_digits(&format!("{a}{b}")) || is_digits(head))
            });
            let expected = if a.len() == b.len() && a <= b { Ok(in_range) } else { Err(ZipPatternError::Range) };
            prop_assert_eq!(holds(format!("{a}..{b}")), expected);
        }

        #[test]
        fn patterns_are_read_as_they_are_shown(pattern in r"[0-9A-Z]{1,12}\*?|[0-4]{5}\.\.[5-9A-Z]{5}|[A-C]{5}\.\.[X-Z]{5}|[0-9]{5}-[0-9]{4}") {
            let read: ZipPattern = pattern.parse().unwrap();
            prop_assert_eq!(read.to_string().parse::<ZipPattern>(), Ok(read));
        }
    }
}
