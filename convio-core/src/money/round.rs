//! One way to round, for all that money is multiplied and divided by.

use std::cmp::Ordering;

/// The quotient, rounded to the nearest whole number; of two that are as near, to the even one. The denominator is not zero.
pub(crate) fn half_even(numerator: u128, denominator: u128) -> u128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    // `rest` against what is missing to the next, rather than its double, which might not fit.
    match rest.cmp(&(denominator - rest)) {
        Ordering::Less => whole,
        Ordering::Equal => whole + whole % 2,
        Ordering::Greater => whole + 1,
    }
}

/// An amount of so many minor units, below zero or not; `None` where it does not fit.
pub(crate) fn signed(units: u128, negative: bool) -> Option<i64> {
    let units = u64::try_from(units).ok()?;
    // The least `i64` has no positive twin, so the sign comes first.
    if negative { 0_i64.checked_sub_unsigned(units) } else { i64::try_from(units).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_one() {
        for (numerator, denominator, expected) in [
            (0, 3, 0),
            (1, 3, 0),
            (2, 3, 1),
            (1, 2, 0),
            (3, 2, 2),
            (5, 2, 2),
            (7, 2, 4),
            (249, 100, 2),
            (250, 100, 2),
            (251, 100, 3),
            (350, 100, 4),
            (u128::MAX, u128::MAX, 1),
            (u128::MAX, 1, u128::MAX),
            (u128::MAX - 1, u128::MAX, 1),
            (u128::MAX / 2, u128::MAX, 0),
        ] {
            assert_eq!(half_even(numerator, denominator), expected, "{numerator} / {denominator}");
        }
    }

    #[test]
    fn what_does_not_fit_is_no_amount() {
        let most = i64::MAX.unsigned_abs().into();
        assert_eq!((signed(most, false), signed(most, true)), (Some(i64::MAX), Some(-i64::MAX)));
        assert_eq!((signed(most + 1, false), signed(most + 1, true)), (None, Some(i64::MIN)));
        assert_eq!((signed(most + 2, true), signed(u128::MAX, true)), (None, None));
    }
}
