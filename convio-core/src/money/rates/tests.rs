use chrono::Days;
use proptest::prelude::*;

use super::*;

fn day(n: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(n)
}

fn rate(from: &str, n: u64) -> ExchangeRate {
    let rate = Rate::new(n + 1, 2).unwrap();
    let from = from.parse().unwrap();
    ExchangeRate { from, to: Currency::USD, rate, day: day(n), source: "test".to_owned() }
}

#[test]
fn every_failing_field_is_named() {
    let good = rate("EUR", 1);
    let all = [
        good.clone(),
        ExchangeRate { from: Currency::USD, ..good.clone() },
        ExchangeRate { to: "GBP".parse().unwrap(), day: day(2), ..good.clone() },
        ExchangeRate { source: String::new(), ..rate("EUR", 3) },
        ExchangeRate { source: "x".repeat(RATE_SOURCE_BYTES_MAX + 1), ..rate("EUR", 4) },
        ExchangeRate { rate: Rate::ONE, ..good },
        rate("GBP", 1),
        ExchangeRate { source: "E\0B".to_owned(), ..rate("GBP", 2) },
    ];
    let refused = Rates::new(Currency::USD, 0, all.clone()).unwrap_err();
    let found: Vec<(&str, &str)> =
        refused.reasons().iter().map(|reason| (reason.field.as_str(), reason.code.as_str())).collect();
    let expected = [
        ("rates[1].from", "same"),
        ("rates[2].to", "currency_mismatch"),
        ("rates[3].source", "missing"),
        ("rates[4].source", "too_long"),
        ("rates[5].day", "repeated"),
        ("rates[7].source", "invalid"),
    ];
    assert_eq!(found, expected);
    let written = serde_json::json!({"to": "USD", "max_age_days": 0, "rates": all});
    assert!(serde_json::from_value::<Rates>(written).is_err());
    let unknown = serde_json::json!({"to": "USD", "max_age_days": 0, "rates": [], "invert": true});
    assert!(serde_json::from_value::<Rates>(unknown).is_err());
}

#[test]
fn rates_are_bounded() {
    let all = |n: usize| (0..n as u64).map(|n| rate("EUR", n));
    assert!(Rates::new(Currency::USD, 0, all(RATES_MAX)).is_ok());
    let refused = Rates::new(Currency::USD, 0, all(RATES_MAX + 1)).unwrap_err();
    assert_eq!(refused.reasons()[0].code, "too_many");
}

#[test]
fn at_the_ends_of_time_nothing_breaks() {
    let euro = "EUR".parse().unwrap();
    let first = ExchangeRate { day: NaiveDate::MIN, ..rate("EUR", 0) };
    let rates = Rates::new(Currency::USD, u32::MAX, [first.clone()]).unwrap();
    assert_eq!(rates.on(euro, NaiveDate::MAX), Some(first.clone()));
    assert_eq!(rates.on(euro, NaiveDate::MIN), Some(first));
}

proptest! {
    /// Every rate looked at.
    #[test]
    fn the_rate_of_a_day_is_the_newest_that_is_not_too_old(
        given in prop::collection::btree_set((0..3_usize, 0..30_u64), 0..30),
        from in 0..4_usize, at in 0..40_u64, max_age_days in 0..10_u32,
    ) {
        let codes = ["EUR", "GBP", "JPY", "USD"];
        let given: Vec<ExchangeRate> = given.iter().rev().map(|(code, n)| rate(codes[*code], *n)).collect();
        let rates = Rates::new(Currency::USD, max_age_days, given.clone()).unwrap();
        let from: Currency = codes[from].parse().unwrap();
        let mut expected: Option<ExchangeRate> = None;
        for age in 0..=u64::from(max_age_days).min(at) {
            let of_day = given.iter().find(|rate| rate.from == from && rate.day == day(at - age));
            expected = expected.or_else(|| of_day.cloned());
        }
        if from == Currency::USD {
            let source = "identity".to_owned();
            expected = Some(ExchangeRate { from, to: from, rate: Rate::ONE, day: day(at), source });
        }
        prop_assert_eq!(rates.on(from, day(at)), expected);
        let kept = serde_json::to_string(&rates).unwrap();
        prop_assert_eq!(serde_json::from_str::<Rates>(&kept).unwrap(), rates);
    }
}
