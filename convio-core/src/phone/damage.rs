//! What a text that gives no phone number looks like, from the text alone.

use super::unicode::decimal;

#[cfg(feature = "phone")]
use super::{error::PhoneDamage, mask, spreadsheet};

/// The damage that the text shows; the surest sign first.
#[cfg(feature = "phone")]
pub(super) fn look(text: &str) -> Option<PhoneDamage> {
    if is_email(text) {
        None
    } else if mask::is_masked(text) {
        Some(PhoneDamage::Masked)
    } else if spreadsheet::is_quantity(text) {
        Some(PhoneDamage::SpreadsheetNumber)
    } else if has_several_numbers(text, SHORT_NUMBER_DIGITS_MIN) {
        Some(PhoneDamage::SeveralNumbers)
    } else if is_sentence(text) {
        Some(PhoneDamage::Sentence)
    } else {
        None
    }
}

/// Whether the text is an e-mail address, or holds one.
#[cfg(feature = "phone")]
pub(super) fn is_email(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        text[..at].ends_with(|c: char| c.is_alphanumeric())
            && text[at + 1..].starts_with(|c: char| c.is_alphanumeric())
    })
}

/// Whether two or more stretches of the text could each be a number, by their digits:
/// `212-555-0123 / 646-555-0199`.
pub(super) fn has_several_numbers(text: &str, digits_min: usize) -> bool {
    let mut count = StretchCount::new(digits_min);
    for piece in Pieces(text) {
        match piece {
            Piece::Word(word) => {
                count.end_stretch();
                count.is_extension = is_extension_label(word);
            }
            Piece::Char(',' | ';' | '/' | '\\' | '|' | '&' | '\n' | '\r') => count.end_stretch(),
            Piece::Char('+' | '＋') if count.digits > 0 => count.end_stretch(),
            Piece::Char(c) if c.is_whitespace() => count.end_token(),
            Piece::Char(c) => count.add(decimal(c).is_some()),
        }
    }
    count.end_stretch();
    count.numbers >= 2
}

/// Whether there are words behind a number, or three words and more around its digits.
#[cfg(feature = "phone")]
pub(super) fn is_sentence(text: &str) -> bool {
    let text = without_parameters(text);
    let mut digits = 0;
    for piece in Pieces(text) {
        match piece {
            Piece::Word(word) if digits >= NUMBER_DIGITS_MIN && is_word(word) => return true,
            Piece::Word(_) => {}
            Piece::Char(c) => digits += usize::from(decimal(c).is_some()),
        }
    }
    digits > 0 && spaced_words(text) >= SENTENCE_WORDS_MIN
}

/// How many of the parts between white space are words rather than labels of an extension.
#[cfg(feature = "phone")]
pub(super) fn spaced_words(text: &str) -> usize {
    let has_word =
        |token: &&str| Pieces(token).any(|piece| matches!(piece, Piece::Word(word) if is_word(word)));
    text.split_whitespace().filter(has_word).count()
}

/// The text without the parameters of a `tel:` address, whose letters are no part of the number.
#[cfg(feature = "phone")]
pub(super) fn without_parameters(text: &str) -> &str {
    let end = PARAMETERS.iter().filter_map(|name| text.find(name)).min();
    &text[..end.unwrap_or(text.len())]
}

/// How many stretches of a text are long enough to be a number.
struct StretchCount {
    numbers: usize,
    digits_min: usize,
    /// The digits of the stretch, and of its part since the last white space.
    digits: usize,
    token_digits: usize,
    /// Whether a part of the stretch counted by itself, as in `2125550123 6465550199`.
    counted: bool,
    is_extension: bool,
}

impl StretchCount {
    fn new(digits_min: usize) -> Self {
        Self { numbers: 0, digits_min, digits: 0, token_digits: 0, counted: false, is_extension: false }
    }

    fn add(&mut self, is_digit: bool) {
        self.digits += usize::from(is_digit);
        self.token_digits += usize::from(is_digit);
    }

    fn end_token(&mut self) {
        if self.token_digits >= NUMBER_DIGITS_MIN && !self.is_extension {
            self.numbers += 1;
            self.counted = true;
        }
        self.token_digits = 0;
    }

    fn end_stretch(&mut self) {
        self.end_token();
        if self.digits >= self.digits_min && !self.counted && !self.is_extension {
            self.numbers += 1;
        }
        *self = Self { numbers: self.numbers, ..Self::new(self.digits_min) };
    }
}

/// A text as its words (letters side by side) and the characters between them.
struct Pieces<'a>(&'a str);

enum Piece<'a> {
    Word(&'a str),
    Char(char),
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.0.chars().next()?;
        let end = if first.is_alphabetic() {
            self.0.find(|c: char| !c.is_alphabetic()).unwrap_or(self.0.len())
        } else {
            first.len_utf8()
        };
        let (piece, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(if first.is_alphabetic() { Piece::Word(piece) } else { Piece::Char(first) })
    }
}

#[cfg(feature = "phone")]
fn is_word(word: &str) -> bool {
    word.chars().nth(1).is_some() && !is_extension_label(word)
}

fn is_extension_label(word: &str) -> bool {
    let word = word.to_lowercase();
    EXTENSION_LABELS.contains(&word.as_str()) || word.starts_with("extensi")
}

/// What people write before an extension; those that libphonenumber knows, and `e`.
const EXTENSION_LABELS: [&str; 13] =
    ["x", "ｘ", "e", "ext", "extn", "xt", "xtn", "ｅｘｔ", "ｅｘｔｎ", "int", "ｉｎｔ", "anexo", "доб"];

/// Parameters of a `tel:` address (RFC 3966) that carry letters.
#[cfg(feature = "phone")]
const PARAMETERS: [&str; 2] = [";phone-context=", ";isub="];

/// The fewest digits that are taken for a whole number: a subscriber number without its area code.
pub(super) const NUMBER_DIGITS_MIN: usize = 7;

/// The fewest digits of a number in small countries, for texts that are no single number anyway.
pub(super) const SHORT_NUMBER_DIGITS_MIN: usize = 6;

/// Two words may be a vanity number (`1-800-GO SOLAR`) or a label (`Work Phone`).
#[cfg(feature = "phone")]
const SENTENCE_WORDS_MIN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_numbers_are_told_from_groups_and_extensions() {
        let several = |text| has_several_numbers(text, NUMBER_DIGITS_MIN);
        for text in [
            "212-555-0123 / 646-555-0199",
            "(464) 555-0178 or +14645550178",
            "2125550123 6465550199",
            "+12125550123+16465550199",
            "212.555.0123 (call) 646.555.0199 (cell)",
            "2125550123\n6465550199",
        ] {
            assert!(several(text), "{text}");
        }
        for text in [
            "212 555 0123",
            "904/555-0181",
            "2125550123 extension 2154801",
            "2125550123 x4264407",
            "2125550123 доб. 1234567",
            "+1 212-555-0123, ext. 365",
            "call 2125550123 after 5",
        ] {
            assert!(!several(text), "{text}");
        }
        assert!(has_several_numbers("80 21 59 / (520) 555-0173", SHORT_NUMBER_DIGITS_MIN));
    }

    #[cfg(feature = "phone")]
    #[test]
    fn words_make_a_sentence() {
        for text in [
            "call me at (859) 555-0151 after 5pm",
            "2125550123 (mobile)",
            "100 Main St North",
            "my number is 5",
        ] {
            assert!(is_sentence(text), "{text}");
        }
        for text in [
            "Tel: 2125550123",
            "WhatsApp +18595550151",
            "2125550123 ext. 5",
            "1-800-GO-GET-IT",
            "13 CABS",
            "see the notes",
            "tel:2105550127;phone-context=example.com",
            "n/a",
        ] {
            assert!(!is_sentence(text), "{text}");
        }
    }

    #[cfg(feature = "phone")]
    #[test]
    fn addresses_with_a_name_and_a_host_are_emails() {
        assert!(is_email("a1234567@example.com") && is_email("Ann <ann@example.com>, 5550123"));
        assert!(!is_email("@2125550123") && !is_email("5550123 @ work") && !is_email("5550123@"));
    }
}
