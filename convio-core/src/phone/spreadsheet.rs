//! Phone numbers that a spreadsheet took for quantities.

use super::digits::{DIGITS_MAX, DIGITS_MIN};

/// Mends a phone number that a spreadsheet rewrote as a quantity, where no digit was lost.
///
/// Mended are a decimal part of zeros (`18155550162.0`), groups of thousands (`18,155,550,162`) and an
/// exponent with every digit present (`1.8155550162E+10`). The answer is the digits, 7 to 15 of them,
/// with a leading `+` kept. None for every other text, among them exponents that rounded digits away
/// (`1.78E+10`). Leading zeros that the spreadsheet dropped can't be known and stay dropped.
///
/// [`Phone::parse`](crate::phone::Phone::parse) never calls this: whoever reads a spreadsheet decides.
///
/// ```
/// use convio_core::phone::repair_spreadsheet;
///
/// assert_eq!(repair_spreadsheet("18155550162.0").as_deref(), Some("18155550162"));
/// assert_eq!(repair_spreadsheet("1.78E+10"), None);
/// assert_eq!(repair_spreadsheet("(815) 555-0162"), None);
/// ```
pub fn repair_spreadsheet(raw: &str) -> Option<String> {
    let quantity = Quantity::read(raw)?;
    let digits = quantity.whole_digits()?;
    let length = digits.strip_prefix('+').unwrap_or(&digits).len();
    (DIGITS_MIN..=DIGITS_MAX).contains(&length).then_some(digits)
}

/// Whether the text is a number as a spreadsheet writes quantities.
pub(super) fn is_quantity(text: &str) -> bool {
    Quantity::read(text).is_some()
}

/// How the spreadsheet wrote the number.
enum Quantity<'a> {
    /// `18155550162.0`: what stands before the zeros.
    Decimal(&'a str),
    /// `18,155,550,162`: the text with its commas, without a decimal part.
    Thousands(&'a str),
    /// `1.78E+10`: the sign, the digits before and behind the point, and the exponent.
    Exponent { sign: &'a str, lead: &'a str, fraction: &'a str, exponent: usize },
}

impl<'a> Quantity<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        let sign = &text[..text.len() - unsigned.len()];
        Self::exponent(sign, unsigned)
            .or_else(|| Self::thousands(text, unsigned))
            .or_else(|| Self::decimal(text, unsigned))
    }

    fn exponent(sign: &'a str, unsigned: &'a str) -> Option<Self> {
        let (mantissa, exponent) = unsigned.split_once(['E', 'e'])?;
        let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
        let (lead, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        let shaped = lead.len() == 1
            && is_digits(lead)
            && (fraction.is_empty() || is_digits(fraction))
            && is_digits(exponent)
            && exponent.len() <= EXPONENT_DIGITS_MAX;
        shaped.then_some(Self::Exponent { sign, lead, fraction, exponent: exponent.parse().ok()? })
    }

    fn thousands(text: &'a str, unsigned: &'a str) -> Option<Self> {
        let (grouped, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let mut groups = grouped.split(',');
        let first = groups.next()?;
        let others = groups.clone().count();
        let shaped = (1..=3).contains(&first.len())
            && is_digits(first)
            && others >= THOUSANDS_GROUPS_MIN
            && groups.all(|group| group.len() == 3 && is_digits(group))
            && is_zeros(fraction);
        shaped.then(|| Self::Thousands(text.split('.').next().unwrap_or(text)))
    }

    fn decimal(text: &'a str, unsigned: &'a str) -> Option<Self> {
        let (whole, fraction) = unsigned.split_once(['.', ','])?;
        let shaped = whole.len() >= DECIMAL_DIGITS_MIN && is_digits(whole) && is_zeros(fraction);
        shaped.then(|| Self::Decimal(&text[..text.len() - fraction.len() - 1]))
    }

    /// The digits with a leading `+`, where none was lost.
    fn whole_digits(&self) -> Option<String> {
        match self {
            Self::Decimal(whole) => Some((*whole).to_owned()),
            Self::Thousands(grouped) => Some(grouped.replace(',', "")),
            Self::Exponent { sign, lead, fraction, exponent } => {
                let (kept, rest) = fraction.split_at_checked(*exponent)?;
                let whole = *lead != "0" && (rest.is_empty() || is_zeros(rest));
                whole.then(|| format!("{sign}{lead}{kept}"))
            }
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_zeros(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'0')
}

/// Fewer digits before a decimal part may be an area code and its separator (`0800.00`).
const DECIMAL_DIGITS_MIN: usize = 5;

/// A number of two groups (`555,012`) may be one with an extension.
const THOUSANDS_GROUPS_MIN: usize = 2;

/// Spreadsheets write exponents of two digits; three have no place in a phone number.
const EXPONENT_DIGITS_MAX: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lost_nothing_is_mended() {
        for (raw, digits) in [
            ("18155550162.0", "18155550162"),
            ("+18155550162.00", "+18155550162"),
            (" \"2125550123.0\" ", "2125550123"),
            ("2125550123,00", "2125550123"),
            ("18,155,550,162", "18155550162"),
            ("18,155,550,162.00", "18155550162"),
            ("1.8155550162E+10", "18155550162"),
            ("2.125550123e9", "2125550123"),
            ("2.12555012300E9", "2125550123"),
        ] {
            assert!(is_quantity(raw), "{raw}");
            assert_eq!(repair_spreadsheet(raw).as_deref(), Some(digits), "{raw}");
        }
    }

    #[test]
    fn what_lost_digits_or_is_no_number_is_not() {
        for raw in
            ["1.78E+10", "1.781555017E+10", "1e10", "2E9", "12345.0", "1,234,567,890,123,456", "9.9999E99"]
        {
            assert!(is_quantity(raw), "{raw}");
            assert_eq!(repair_spreadsheet(raw), None, "{raw}");
        }
    }

    #[test]
    fn other_texts_are_no_quantity() {
        for raw in [
            "",
            "18155550162",
            "212.555.0123",
            "18155550162.5",
            "18155550162.",
            "0800.00",
            "555,012",
            "1,656-555-0155",
            "387,80,123,440",
            "212-555-0123 e5",
            "12E5",
            "1.5E123",
            ".0",
            "E5",
            "1.E5x",
            "+",
            "++1.0",
        ] {
            assert!(!is_quantity(raw), "{raw}");
            assert_eq!(repair_spreadsheet(raw), None, "{raw}");
        }
    }
}
