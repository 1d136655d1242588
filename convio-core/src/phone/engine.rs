//! Reading with Google's numbering data. The one file that knows the crate behind it.

use std::io::Write as _;

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberType, Region as EngineRegion,
    ValidationError,
};

use super::damage::{self, NUMBER_DIGITS_MIN};
use super::error::{PhoneDamage, PhoneError, PhoneReason};
use super::mask;
use super::spreadsheet;
use super::unicode::{decimal, decimals};
use super::{E164_LEN_MAX, ParsedPhone, Phone, Region, Validity};

/// Reads a text, then refuses what was read from a text that does not mean it.
///
/// The checks against misreading come after the engine: they only concern texts that it accepts, so that a
/// text which libphonenumber rejects keeps its reason.
pub(super) fn parse(raw: &str, default_region: Option<Region>) -> Result<ParsedPhone, PhoneError> {
    if let Some((end, _)) = raw.char_indices().nth(TEXT_CHARS_MAX) {
        return Err(PhoneError::new(PhoneReason::ParseTooLong, damage::look(&raw[..end])));
    }
    let region = default_region.and_then(|region| EngineRegion::from_code(region.as_str()).ok());
    let read = Read::new(raw, region).map_err(|reason| {
        let reason = if is_two_digits_and_more(raw) { PhoneReason::NotANumber } else { reason };
        PhoneError::new(reason, damage::look(raw))
    })?;
    match misreading(raw, region, &read) {
        Some(Misreading::Damage(damage)) => Err(PhoneError::new(PhoneReason::NotANumber, Some(damage))),
        Some(Misreading::Email) => Err(PhoneReason::NotANumber.into()),
        None if !reads_back(&read.phone) => Err(PhoneReason::NotANumber.into()),
        None => Ok(ParsedPhone { phone: read.phone, extension: read.extension }),
    }
}

/// What the engine made of a text.
struct Read {
    number: PhoneNumber,
    phone: Phone,
    extension: Option<String>,
}

impl Read {
    fn new(raw: &str, region: Option<EngineRegion>) -> Result<Self, PhoneReason> {
        if is_beyond_engine(raw) {
            return Err(PhoneReason::NotANumber);
        }
        let number = PHONE_NUMBER_UTIL.parse(raw, region).map_err(reason_of_parsing)?;
        let validity = validity(&number)?;
        let phone = phone(&number, validity)?;
        let extension = number.extension.as_deref().filter(|text| !text.is_empty()).map(ascii_digits);
        Ok(Self { number, phone, extension })
    }

    /// Whether callers pay or are paid for by other rules than a subscriber's: the numbers that
    /// advertisers spell as words.
    fn is_service(&self) -> bool {
        use PhoneNumberType::{PremiumRate, SharedCost, TollFree, UAN};
        matches!(PHONE_NUMBER_UTIL.get_number_type(&self.number), TollFree | SharedCost | PremiumRate | UAN)
    }
}

/// Whether the E.164 text means the number it was made of. A number that still starts with the prefix of
/// national calls (`+4400 20 79...`) loses another zero on each reading; as a key it would find nothing
/// again. Numbers in assigned ranges have no such start.
fn reads_back(phone: &Phone) -> bool {
    phone.validity() == Validity::Valid
        || Read::new(phone.e164(), None).is_ok_and(|again| again.phone == *phone)
}

/// Why a text that the engine accepts is no number after all.
enum Misreading {
    Damage(PhoneDamage),
    Email,
}

fn misreading(raw: &str, region: Option<EngineRegion>, read: &Read) -> Option<Misreading> {
    let digits = read.phone.e164().len() - 1;
    if read.extension.is_none()
        && digits >= 2 * NUMBER_DIGITS_MIN
        && damage::has_several_numbers(raw, NUMBER_DIGITS_MIN)
    {
        return Some(Misreading::Damage(PhoneDamage::SeveralNumbers));
    }
    if is_plain(raw) {
        return None;
    }
    if mask::is_masked(raw) {
        return Some(Misreading::Damage(PhoneDamage::Masked));
    }
    if spreadsheet::is_quantity(raw) {
        return Some(Misreading::Damage(PhoneDamage::SpreadsheetNumber));
    }
    if damage::is_email(raw) {
        return Some(Misreading::Email);
    }
    misspelling(raw, region, read).map(Misreading::Damage)
}

/// Judges letters that the engine dialled as on a keypad. It does so with three letters or more behind
/// the first digit; a vanity number is a start too short to dial, one word or a few hyphenated ones, and
/// few digits or none behind them.
fn misspelling(raw: &str, region: Option<EngineRegion>, read: &Read) -> Option<PhoneDamage> {
    let start = raw.find(|c: char| decimal(c).is_some() || PLUS.contains(&c))?;
    let body = damage::without_parameters(&raw[start..]);
    let letters_start = body.find(char::is_alphabetic)?;
    if body.bytes().filter(u8::is_ascii_alphabetic).count() < DIALLED_LETTERS_MIN
        || ascii_digits(body).contains(&read.number.national_number.to_string())
    {
        return None;
    }
    let (head, tail) = body.split_at(letters_start);
    if let Ok(alone) = Read::new(head, region) {
        if alone.phone == read.phone {
            // An extension, behind a number that the engine rewrote.
            return None;
        }
        if decimals(head) >= NUMBER_DIGITS_MIN {
            return Some(PhoneDamage::Sentence);
        }
    }
    let is_spelled = damage::spaced_words(tail) <= 1 && decimals(head) <= VANITY_HEAD_DIGITS_MAX;
    if !is_spelled && !read.is_service() {
        return Some(PhoneDamage::Sentence);
    }
    let extension_digits = read.extension.as_ref().map_or(0, String::len);
    if decimals(tail) > VANITY_TAIL_DIGITS_MAX + extension_digits {
        return Some(PhoneDamage::Masked);
    }
    None
}

/// Texts that hold nothing but what a plain number has, which are most: no need to look closer.
fn is_plain(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_digit() || b"+ -()".contains(&byte))
}

/// The engine slices from behind `tel:` up to `;phone-context=` and panics where they come in the other
/// order; no such text is a number.
fn is_beyond_engine(raw: &str) -> bool {
    let context = raw.find(";phone-context=");
    let scheme = raw.find("tel:");
    matches!((context, scheme), (Some(context), Some(scheme)) if scheme > context)
}

/// Two digits and an extension, or two digits and anything else that no third digit joins. libphonenumber
/// takes this for no number (`15,024`), the engine for a short one.
fn is_two_digits_and_more(raw: &str) -> bool {
    let is_digit = |c: char| decimal(c).is_some();
    let Some(start) = raw.find(|c: char| is_digit(c) || PLUS.contains(&c)) else {
        return false;
    };
    let body = &raw[start..];
    let two = body.chars().take_while(|c| is_digit(*c)).count() == 2;
    let rest = body.trim_start_matches(is_digit).trim_end_matches(|c: char| !c.is_alphanumeric() && c != '#');
    two && !rest.is_empty() && !rest.trim_start_matches(JOINTS).starts_with(is_digit)
}

fn validity(number: &PhoneNumber) -> Result<Validity, PhoneReason> {
    if PHONE_NUMBER_UTIL.is_valid_number(number) {
        return Ok(Validity::Valid);
    }
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(number) {
        Ok(NumberLengthType::IsPossible) => Ok(Validity::Possible),
        Ok(NumberLengthType::IsPossibleLocalOnly) => Err(PhoneReason::LocalOnly),
        Err(ValidationError::InvalidCountryCode) => Err(PhoneReason::InvalidCountryCode),
        Err(ValidationError::TooShort) => Err(PhoneReason::TooShort),
        Err(ValidationError::TooLong) => Err(PhoneReason::TooLong),
        Err(ValidationError::InvalidLength) => Err(PhoneReason::InvalidLength),
    }
}

fn reason_of_parsing(error: ParseError) -> PhoneReason {
    match error {
        ParseError::NotANumber(_) => PhoneReason::NotANumber,
        ParseError::InvalidCountryCode => PhoneReason::InvalidCountryCode,
        ParseError::TooShortAfterIdd => PhoneReason::TooShortAfterIdd,
        ParseError::TooShortNsn => PhoneReason::TooShortNsn,
        ParseError::TooLongNsn => PhoneReason::ParseTooLong,
    }
}

/// The number in E.164 form; too long where the data of a country allow more than 15 digits.
fn phone(number: &PhoneNumber, validity: Validity) -> Result<Phone, PhoneReason> {
    let zeros =
        if number.italian_leading_zero() { number.number_of_leading_zeros().max(0) as usize } else { 0 };
    let mut text = [0; E164_LEN_MAX];
    let mut rest = text.as_mut_slice();
    write!(rest, "+{}{:0<zeros$}{}", number.country_code, "", number.national_number)
        .map_err(|_| PhoneReason::TooLong)?;
    let length = E164_LEN_MAX - rest.len();
    let text = str::from_utf8(&text[..length]).unwrap_or_default();
    Phone::from_e164(text, validity).map_err(|error| error.reason())
}

/// The decimal digits of the text, as ASCII.
fn ascii_digits(text: &str) -> String {
    text.chars().filter_map(decimal).map(|value| char::from(b'0' + value)).collect()
}

/// The longest text that is read, in characters; libphonenumber's own bound.
const TEXT_CHARS_MAX: usize = 250;

/// With fewer letters the engine drops them instead of dialling them.
const DIALLED_LETTERS_MIN: usize = 3;

/// What may stand before the first letter of a vanity number that is no service number: `1-212-555-CALL`.
const VANITY_HEAD_DIGITS_MAX: usize = 7;

/// What may follow the first letter of a vanity number: `1-800-CAR-2000`.
const VANITY_TAIL_DIGITS_MAX: usize = 4;

/// What may stand between two digits of a number, in libphonenumber's pattern.
const JOINTS: [char; 34] = [
    '-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '−', 'ー', '－', '．', '／',
    ' ', '\u{a0}', '\u{ad}', '\u{200b}', '\u{2060}', '\u{3000}', '(', ')', '（', '）', '［', '］', '.', '[',
    ']', '/', '~', '⁓', '∼', '*', 'x', 'X',
];

/// A number starts at its first digit or at one of these.
const PLUS: [char; 2] = ['+', '＋'];
