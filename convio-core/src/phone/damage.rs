//! What a text that gives no phone number looks like, from the text alone.

use super::unicode::{decimal, decimals};

#[cfg(feature = "phone")]
use super::{error::PhoneDamage, spreadsheet};

/// The damage that the text shows; the surest sign first.
#[cfg(feature = "phone")]
pub(super) fn look(text: &str) -> Option<PhoneDamage> {
    if is_masked(text) {
        Some(PhoneDamage::Masked)
    } else if spreadsheet::is_quantity(text) {
        Some(PhoneDamage::SpreadsheetNumber)
    } else if has_several_numbers(text) {
        Some(PhoneDamage::SeveralNumbers)
    } else if is_sentence(text) {
        Some(PhoneDamage::Sentence)
    } else {
        None
    }
}

/// Whether characters stand where digits were hidden: `431555XXXX`, `+1 (***) ***-0123`, `555-••••`.
///
/// A mask character alone hides nothing: `x4` is an extension, `+1*470*555-0144` has odd separators. A
/// run inside of a word is spelling (`1-800-EXXON-GO`).
pub(super) fn is_masked(text: &str) -> bool {
    let has_digits = decimals(text) > 0;
    let mut run: Option<MaskRun> = None;
    let mut before = ' ';
    for c in text.chars() {
        let goes_on = mask_of(c).is_some() && mask_of(c) == run.as_ref().map(|run| run.mask);
        let joins_word = c.is_alphabetic() && before.is_alphabetic();
        match &mut run {
            Some(run) if goes_on => run.add(mask_of(before) == Some(run.mask)),
            Some(_) if is_gap(c) => {}
            _ => {
                if let Some(mut ended) = run.take() {
                    ended.in_word |= joins_word;
                    if ended.hides(has_digits) {
                        return true;
                    }
                }
                run = mask_of(c).map(|mask| MaskRun::new(mask, joins_word));
            }
        }
        before = c;
    }
    run.is_some_and(|run| run.hides(has_digits))
}

/// Whether the text is an e-mail address, or holds one.
#[cfg(feature = "phone")]
pub(super) fn is_email(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        text[..at].ends_with(|c: char| c.is_alphanumeric()) && text[at + 1..].starts_with(|c: char| c.is_alphanumeric())
    })
}

/// Whether two or more stretches of the text could each be a number: `212-555-0123 / 646-555-0199`.
pub(super) fn has_several_numbers(text: &str) -> bool {
    let mut count = StretchCount::default();
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
    let has_word = |token: &&str| Pieces(token).any(|piece| matches!(piece, Piece::Word(word) if is_word(word)));
    text.split_whitespace().filter(has_word).count()
}

/// The text without the parameters of a `tel:` address, whose letters are no part of the number.
#[cfg(feature = "phone")]
pub(super) fn without_parameters(text: &str) -> &str {
    let end = PARAMETERS.iter().filter_map(|name| text.find(name)).min();
    &text[..end.unwrap_or(text.len())]
}

/// A run of one mask character, with gaps inside (`XXX-XXXX`).
struct MaskRun {
    mask: char,
    in_word: bool,
    /// All of them, those of the stretch being read, and those of the longest stretch without a gap.
    count: usize,
    stretch: usize,
    stretch_longest: usize,
}

impl MaskRun {
    fn new(mask: char, in_word: bool) -> Self {
        Self { mask, in_word, count: 1, stretch: 1, stretch_longest: 1 }
    }

    fn add(&mut self, beside_the_last: bool) {
        self.count += 1;
        self.stretch = if beside_the_last { self.stretch + 1 } else { 1 };
        self.stretch_longest = self.stretch_longest.max(self.stretch);
    }

    fn hides(&self, has_digits: bool) -> bool {
        match self.mask {
            _ if self.in_word => false,
            'x' | '*' | '•' if !has_digits => self.count >= NUMBER_DIGITS_MIN,
            _ if !has_digits => false,
            'x' => self.stretch_longest >= 2 || self.count >= 3,
            mask if mask.is_alphabetic() => self.stretch_longest >= LETTER_RUN_MIN,
            _ => self.stretch_longest >= 2 || self.count >= 3,
        }
    }
}

/// How many stretches of a text are long enough to be a number.
#[derive(Default)]
struct StretchCount {
    numbers: usize,
    /// The digits of the stretch, and of its part since the last white space.
    digits: usize,
    token_digits: usize,
    /// Whether a part of the stretch counted by itself, as in `2125550123 6465550199`.
    counted: bool,
    is_extension: bool,
}

impl StretchCount {
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
        if self.digits >= NUMBER_DIGITS_MIN && !self.counted && !self.is_extension {
            self.numbers += 1;
        }
        *self = Self { numbers: self.numbers, ..Self::default() };
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

/// The mask that the character may be part of, look-alikes as one.
fn mask_of(c: char) -> Option<char> {
    match c {
        'x' | 'X' | '×' | 'ｘ' | 'Ｘ' | 'х' | 'Х' => Some('x'),
        '*' | '＊' | '∗' => Some('*'),
        '•' | '●' | '∙' | '·' | '⋅' => Some('•'),
        '█' | '■' | '▪' => Some('█'),
        '#' | '＃' => Some('#'),
        '_' | '?' => Some(c),
        // Written for the digits one and zero, not to hide them.
        'o' | 'O' | 'l' | 'L' | 'i' | 'I' => None,
        _ => c.is_ascii_alphabetic().then(|| c.to_ascii_lowercase()),
    }
}

/// Whether the character may stand inside of a mask, as in `(XXX) XXX-XXXX`.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '‐' | '‑' | '–' | '−' | '.' | '(' | ')' | '/')
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

/// Two words may be a vanity number (`1-800-GO SOLAR`) or a label (`Work Phone`).
#[cfg(feature = "phone")]
const SENTENCE_WORDS_MIN: usize = 3;

/// The same letter three times may be spelling across words (`1-800-BEE-EEL`); four times is a mask.
const LETTER_RUN_MIN: usize = 4;
