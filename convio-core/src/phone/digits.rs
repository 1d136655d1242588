//! The weaker key of texts that are no possible phone number.

use super::damage;
use super::mask;
use super::spreadsheet;
use super::unicode::decimal;

/// The digits of a text that [`Phone::parse`](crate::phone::Phone::parse) rejects: a key to find the
/// same wrong number again, as the same person tends to repeat the same mistake.
///
/// Decimal digits of every script count, as ASCII; everything between them is dropped, a leading `+` too.
/// The key knows no country: the same number with and without its country code has two keys.
///
/// None where the digits are not the whole of one number: with letters in the text, an e-mail address,
/// hidden digits, several numbers, a spreadsheet's quantity (repair it first, see
/// [`repair_spreadsheet`](crate::phone::repair_spreadsheet)), fewer than [`DIGITS_MIN`] digits or more
/// than [`DIGITS_MAX`].
///
/// ```
/// use convio_core::phone::digits;
///
/// assert_eq!(digits("(12) 3456-789").as_deref(), Some("123456789"));
/// assert_eq!(digits("১২৩ ৪৫৬ ৭৮৯").as_deref(), Some("123456789"));
/// assert_eq!(digits("470555****"), None);
/// assert_eq!(digits("someletters1110234@example.com"), None);
/// assert_eq!(digits("123456"), None);
/// ```
pub fn digits(raw: &str) -> Option<String> {
    let mut key = String::new();
    for (index, c) in raw.chars().enumerate() {
        if c.is_alphabetic() || c == '@' || index == TEXT_CHARS_MAX {
            return None;
        }
        if let Some(value) = decimal(c) {
            if key.len() == DIGITS_MAX {
                return None;
            }
            key.push(char::from(b'0' + value));
        }
    }
    let whole = key.len() >= DIGITS_MIN
        && !mask::is_masked(raw)
        && !damage::has_several_numbers(raw, damage::SHORT_NUMBER_DIGITS_MIN)
        && !spreadsheet::is_quantity(raw);
    whole.then_some(key)
}

/// The fewest digits of a key: a subscriber number without its area code. Shorter ones are service
/// numbers and fragments (`411`, `12345`) that many people share.
pub const DIGITS_MIN: usize = 7;

/// The most digits of a key: no phone number of any country has more (E.164), and the sixteen digits of
/// a payment card must not become one.
pub const DIGITS_MAX: usize = 15;

/// The longest text that is looked at, in characters, as in parsing; a phone number needs far fewer.
const TEXT_CHARS_MAX: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bare_digits() {
        for (raw, key) in [
            ("04 22718532", "0422718532"),
            ("+1|951-555-0126", "19515550126"),
            ("+1\u{2009}218·555\t0162", "12185550162"),
            ("+1*470*555-0144", "14705550144"),
            ("1234567", "1234567"),
            ("123456789012345", "123456789012345"),
        ] {
            assert_eq!(digits(raw).as_deref(), Some(key), "{raw}");
        }
    }

    #[test]
    fn other_texts_have_no_key() {
        for raw in [
            "",
            "123456",
            "1234567890123456",
            "4111 1111 1111 1111",
            "470555****",
            "555-0123-••••",
            "431555XXXX",
            "555-0123 x4",
            "Tel 5550123",
            "доб 5550123",
            "a1234567@example.com",
            "1234567@",
            "18155550162.0",
            "1.781555017E+10",
            "18,155,550,162",
            "5550123; 5550124",
            "⑦⑥②⑤⑤⑤⓪①⑤⑧",
        ] {
            assert_eq!(digits(raw), None, "{raw}");
        }
        assert_eq!(digits(&format!("1234567{}", " ".repeat(TEXT_CHARS_MAX))), None);
    }
}
