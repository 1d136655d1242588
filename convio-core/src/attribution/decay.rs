use std::num::NonZeroU32;

use chrono::{DateTime, Utc};

/// How much a touch weighs that is so much older than the newest one: `2^(-age / half-life)`, of [`ONE`].
///
/// The same on every platform: the powers that platforms bring differ in their last digits, so it is a sum of products and
/// quotients of integers. The fraction of the exponent is a Taylor series in 64 binary places; the whole part is a shift.
pub(super) fn weight(at: DateTime<Utc>, newest: DateTime<Utc>, half_life_seconds: NonZeroU32) -> u64 {
    let age = nanos(newest).saturating_sub(nanos(at)).max(0).unsigned_abs();
    let half_life = u128::from(half_life_seconds.get()) * u128::from(NANOS_PER_SECOND);
    let halvings = age / half_life;
    // A half-life is below 2^62 nanoseconds: what is left of the age has room for 64 binary places.
    let fraction = ((age % half_life) << 64) / half_life;
    match u32::try_from(halvings) {
        Ok(halvings) if halvings <= ONE.ilog2() + 1 => {
            rounded(power(fraction as u64), 64 - ONE.ilog2() + halvings)
        }
        _ => 0,
    }
}

/// `2^-x` in 64 binary places, for `x` of 64 binary places: `e^-y` at `y = x ln 2`, as
/// `1 - y (1 - y (1/2! - y (1/3! - ...)))`. No difference is below zero, since each term is greater than the next.
fn power(x: u64) -> u128 {
    let y = product(x, LN_2);
    let tail = COEFFICIENTS.iter().rev().fold(0, |tail, coefficient| coefficient - product(tail, y));
    let all_but_one = ONE_IN_64 - u128::from(product(tail, y));
    ONE_IN_64 - ((u128::from(y) * all_but_one) >> 64)
}

/// `1/2!`, `1/3!` and so on, in 64 binary places.
const fn coefficients() -> [u64; TERMS] {
    let mut all = [0; TERMS];
    let (mut n, mut factorial) = (0, 1_u128);
    while n < TERMS {
        factorial *= n as u128 + 2;
        all[n] = ((ONE_IN_64 + factorial / 2) / factorial) as u64;
        n += 1;
    }
    all
}

/// The product of two fractions of 64 binary places.
fn product(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}

/// Without so many binary places, rounded half up.
fn rounded(value: u128, places: u32) -> u64 {
    ((value + (1 << (places - 1))) >> places) as u64
}

fn nanos(at: DateTime<Utc>) -> i128 {
    i128::from(at.timestamp()) * i128::from(NANOS_PER_SECOND) + i128::from(at.timestamp_subsec_nanos())
}

/// The weight of the newest touch. Sums of [`PATH_TOUCHES_MAX`](super::PATH_TOUCHES_MAX) of it fit 64 bits, and rounding one
/// weight moves less than a thousandth of a minor unit of any amount up to a thousand billion.
pub(super) const ONE: u64 = 1 << 50;

/// A whole, in 64 binary places.
const ONE_IN_64: u128 = 1 << 64;

/// How many terms the series has after its second: what follows is below the last of 64 binary places.
const TERMS: usize = 18;

const COEFFICIENTS: [u64; TERMS] = coefficients();

/// The natural logarithm of 2, in 64 binary places.
const LN_2: u64 = 0xB172_17F7_D1CF_79AB;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn of(age_nanos: i64, half_life: u32) -> u64 {
        let newest = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        weight(newest - TimeDelta::nanoseconds(age_nanos), newest, NonZeroU32::new(half_life).unwrap())
    }

    #[test]
    fn weights_are_those_of_high_precision() {
        // 2^50 * 2^(-age / half-life), worked out with 60 decimal digits and rounded.
        for (age_nanos, half_life, expected) in HIGH_PRECISION {
            let found = of(age_nanos, half_life);
            assert_eq!(found, expected, "{age_nanos} ns of {half_life} s");
        }
    }

    #[test]
    fn whole_halvings_are_exact() {
        let newest = DateTime::from_timestamp(0, 0).unwrap();
        for halvings in 0..=50 {
            assert_eq!(of(halvings * 7_000_000_000, 7), ONE >> halvings);
        }
        assert_eq!(of(51 * 7_000_000_000, 7), 1); // half a unit is rounded up
        assert_eq!(of(52 * 7_000_000_000, 7), 0);
        assert_eq!(weight(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, NonZeroU32::MIN), 0);
        assert_eq!(weight(DateTime::<Utc>::MAX_UTC, newest, NonZeroU32::MIN), ONE);
        assert_eq!(weight(newest, newest, NonZeroU32::MAX), ONE);
    }

    proptest! {
        #[test]
        fn older_touches_weigh_no_more(age in 0_i64..1 << 60, more in 0_i64..1 << 40, half_life in 1_u32..) {
            prop_assert!(of(age + more, half_life) <= of(age, half_life));
        }

        #[test]
        fn weights_are_near_those_of_the_platform(age in 0_i64..1 << 54, half_life in 1_u32..10_000_000) {
            let expected = (-(age as f64) / 1e9 / f64::from(half_life)).exp2() * ONE as f64;
            prop_assert!((of(age, half_life) as f64 - expected).abs() <= 1.0 + expected * 1e-13);
        }
    }

    const HIGH_PRECISION: [(i64, u32, u64); 17] = [
        (1, 1, 1_125_899_906_062_210),
        (1, 604_800, 1_125_899_906_842_623),
        (604_799_999_999_999, 604_800, 562_949_953_421_313),
        (86_400_000_000_000, 604_800, 1_019_754_189_219_893),
        (259_200_000_000_000, 604_800, 836_540_415_853_981),
        (2_592_000_000_000_000, 604_800, 57_725_968_806_794),
        (7_776_000_000_000_000, 604_800, 151_744_907_299),
        (123_456_789_012_345_678, 2_592_000, 5),
        (500_000_000, 1, 796_131_459_065_722),
        (999_999_999, 1, 562_949_953_811_519),
        (333_333_333, 1, 893_627_348_472_911),
        (1_000_000_000_000_000_000, 4_294_967_295, 958_099_857_413_343),
        (34_567_890_123, 1, 44_211),
        (1_468_800_000_000_001, 86_400, 8_589_934_592),
        (1_152_921_504_606_846_976, 31_557_600, 11_316),
        (250_000_000, 1, 946_765_195_598_454),
        (25_200_000_000_000, 86_400, 919_812_628_296_439),
    ];
}
