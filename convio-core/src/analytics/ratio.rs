use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::money::round::half_even;

/// One number by another, exact: a return, a rate of conversion.
///
/// Kept in lowest terms, so 2 by 4 == 1 by 2. Shown with four decimals, rounded, halves to the even one. Serialised as that text
/// (`"3.3333"`), since no float and no JSON number of others keeps all digits: what is read back is the rounded value, exactly.
///
/// ```
/// use convio_core::analytics::Ratio;
/// let third = Ratio::new(10, 3).expect("not by zero");
/// assert_eq!((third.numerator(), third.denominator()), (10, 3));
/// assert_eq!(third.to_string(), "3.3333");
/// assert_eq!(Ratio::new(-1, 20_000).unwrap().to_string(), "0.0000"); // -0.00005: to the even one, without a sign
/// assert_eq!(Ratio::new(1, 0), None);
///
/// let kept = serde_json::to_string(&third)?;
/// assert_eq!(kept, r#""3.3333""#);
/// assert_eq!(Some(serde_json::from_str::<Ratio>(&kept)?), Ratio::new(33_333, 10_000));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: i128,
    denominator: u64,
}

impl Ratio {
    /// One number by another; `None` by zero.
    ///
    /// ```
    /// use convio_core::analytics::Ratio;
    /// assert_eq!(Ratio::new(-50, 100), Ratio::new(-1, 2));
    /// assert!(Ratio::new(1, 3) > Ratio::new(33, 100));
    /// ```
    pub fn new(numerator: i128, denominator: u64) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let (mut common, mut rest) = (u128::from(denominator), numerator.unsigned_abs());
        while rest > 0 {
            (common, rest) = (rest, common % rest);
        }
        // A divisor of the denominator, so it fits.
        let common = common as u64;
        Some(Self { numerator: numerator / i128::from(common), denominator: denominator / common })
    }

    /// What is above the line, in lowest terms; has the sign.
    pub fn numerator(self) -> i128 {
        self.numerator
    }

    /// What is below the line, in lowest terms; above zero.
    pub fn denominator(self) -> u64 {
        self.denominator
    }

    /// As near as a float comes: to be looked at and drawn, not to be summed.
    ///
    /// ```
    /// use convio_core::analytics::Ratio;
    /// assert_eq!(Ratio::new(9, 2).map(Ratio::as_f64), Some(4.5));
    /// ```
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// Reads what is shown: digits, with up to four behind a point.
    fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(decimals) || decimals.len() > PLACES {
            return None;
        }
        let places = decimals.bytes().chain(std::iter::repeat_n(b'0', PLACES - decimals.len()));
        let units = whole.bytes().chain(places).try_fold(0_i128, |sum, digit| {
            // Counted down from zero for negatives: the least number has no positive twin.
            let digit = i128::from(digit - b'0');
            let sum = sum.checked_mul(10)?;
            if negative { sum.checked_sub(digit) } else { sum.checked_add(digit) }
        });
        Self::new(units?, UNIT)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (numerator, denominator) = (self.numerator.unsigned_abs(), u128::from(self.denominator));
        let rest = numerator % denominator;
        // Less than the denominator, so the product fits. The whole part is a multiple of `UNIT`, which is even: it changes nothing
        // about which of two is the even one.
        let decimals = half_even(rest * u128::from(UNIT), denominator);
        let whole = numerator / denominator + decimals / u128::from(UNIT);
        let decimals = decimals % u128::from(UNIT);
        let sign = if self.numerator < 0 && (whole, decimals) != (0, 0) { "-" } else { "" };
        f.pad(&format!("{sign}{whole}.{decimals:0>PLACES$}"))
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ratio({}/{})", self.numerator, self.denominator)
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = |ratio: &Self| {
            let denominator = i128::from(ratio.denominator);
            (ratio.numerator.div_euclid(denominator), ratio.numerator.rem_euclid(denominator).unsigned_abs())
        };
        let ((whole, rest), (other_whole, other_rest)) = (parts(self), parts(other));
        // Each rest is less than its denominator, so the products fit.
        let (left, right) = (rest * u128::from(other.denominator), other_rest * u128::from(self.denominator));
        whole.cmp(&other_whole).then(left.cmp(&right))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("a ratio is a decimal with up to four places"))
    }
}

/// How many decimals are shown.
const PLACES: usize = 4;
/// One, in units of the last decimal.
const UNIT: u64 = 10_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ratios_are_shown_to_four_places() {
        for (numerator, denominator, shown) in [
            (0, 7, "0.0000"),
            (1, 1, "1.0000"),
            (-7, 2, "-3.5000"),
            (2, 3, "0.6667"),
            (1, 20_000, "0.0000"),
            (3, 20_000, "0.0002"),
            (-3, 20_000, "-0.0002"),
            (19_999, 20_000, "1.0000"),
            (39_997, 20_000, "1.9998"),
            (-1, 20_001, "0.0000"),
            (i128::MAX, 1, "170141183460469231731687303715884105727.0000"),
            (i128::MIN, 1, "-170141183460469231731687303715884105728.0000"),
            (i128::MIN, u64::MAX, "-9223372036854775808.5000"),
            (u64::MAX.into(), u64::MAX - 1, "1.0000"),
        ] {
            assert_eq!(Ratio::new(numerator, denominator).unwrap().to_string(), shown);
        }
        assert_eq!(format!("{:>8}", Ratio::new(1, 2).unwrap()), "  0.5000");
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        let read = |text: &str| serde_json::from_value::<Ratio>(text.into()).ok();
        assert_eq!(read("-0.5"), Ratio::new(-1, 2));
        assert_eq!(read("7"), Ratio::new(7, 1));
        for bad in ["", "-", ".", "1.", ".5", "1.23456", "+1", "1e3", "1/2", "--1", " 1", "1.2.3"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&"9".repeat(60)), None);
        assert!(serde_json::from_str::<Ratio>("0.5").is_err());
    }

    proptest! {
        #[test]
        fn what_is_shown_is_the_nearest_and_reads_back(numerator: i64, denominator in prop_oneof![1..=u64::MAX, 1..50_000_u64]) {
            let ratio = Ratio::new(numerator.into(), denominator).unwrap();
            let shown = ratio.to_string();
            let read: Ratio = serde_json::from_value(serde_json::to_value(ratio).unwrap()).unwrap();
            prop_assert_eq!(read.to_string(), shown);
            // |read - ratio| <= 1/20000, all over one line.
            let left = read.numerator() * i128::from(UNIT / read.denominator()) * i128::from(denominator);
            let right = i128::from(numerator) * i128::from(UNIT);
            let twice = 2 * left.abs_diff(right);
            prop_assert!(twice <= denominator.into());
            if twice == denominator.into() {
                prop_assert_eq!(read.numerator() * i128::from(UNIT / read.denominator()) % 2, 0);
            }
        }

        #[test]
        fn order_and_equality_are_those_of_the_values(a in -1_000..1_000_i128, b in 1..1_000_u64, c in -1_000..1_000_i128, d in 1..1_000_u64) {
            let (left, right) = (Ratio::new(a, b).unwrap(), Ratio::new(c, d).unwrap());
            let crossed = (a * i128::from(d)).cmp(&(c * i128::from(b)));
            prop_assert_eq!(left.cmp(&right), crossed);
            prop_assert_eq!(left == right, crossed.is_eq());
            prop_assert!((left.as_f64() - a as f64 / b as f64).abs() < 1e-9);
        }
    }
}
