use proptest::prelude::*;

use super::*;

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

fn exchange(rate: Rate, from: Currency, to: Currency) -> ExchangeRate {
    ExchangeRate { from, to, rate, day: "2026-03-02".parse().unwrap(), source: "test".to_owned() }
}

#[test]
fn rates_are_read_exactly() {
    for (text, mantissa, scale, shown) in [
        ("1", 1, 0, "1"),
        (" 1.0837 ", 10_837, 4, "1.0837"),
        ("007.50", 75, 1, "7.5"),
        ("100", 100, 0, "100"),
        ("100.000000000000", 100, 0, "100"),
        ("0.000000000001", 1, 12, "0.000000000001"),
        ("18446744073709551615", u64::MAX, 0, "18446744073709551615"),
        ("18446744.073709551615", u64::MAX, 12, "18446744.073709551615"),
        ("1844674407370955161.50", 18_446_744_073_709_551_615, 1, "1844674407370955161.5"),
    ] {
        let rate: Rate = text.parse().unwrap();
        assert_eq!((rate.mantissa(), rate.scale()), (mantissa, scale), "{text}");
        assert_eq!(rate.to_string(), shown);
        assert_eq!(shown.parse(), Ok(rate));
    }
}

#[test]
fn texts_that_are_no_rate_are_refused() {
    for (text, error) in [
        ("", RateError::Form),
        (".", RateError::Form),
        ("1.", RateError::Form),
        (".5", RateError::Form),
        ("+1", RateError::Form),
        ("-1", RateError::Form),
        ("1e3", RateError::Form),
        ("1,5", RateError::Form),
        ("1.2.3", RateError::Form),
        ("1 000", RateError::Form),
        ("٣", RateError::Form),
        ("inf", RateError::Form),
        ("0", RateError::Zero),
        ("0.000000000000", RateError::Zero),
        ("1.0000000000000", RateError::TooManyDecimals),
        ("0.0000000000001", RateError::TooManyDecimals),
        ("18446744073709551616", RateError::Overflow),
        ("18446744073709551615.5", RateError::Overflow),
    ] {
        assert_eq!(text.parse::<Rate>(), Err(error), "{text}");
    }
    assert_eq!(Rate::new(0, 2), Err(RateError::Zero));
}

#[test]
fn rates_are_kept_as_texts() {
    let rate: Rate = "1.0837".parse().unwrap();
    assert_eq!(serde_json::to_string(&rate).unwrap(), r#""1.0837""#);
    assert_eq!(serde_json::from_str::<Rate>(r#""1.0837""#).unwrap(), rate);
    for bad in ["1.0837", "1", r#""0""#, r#""-1""#, "null"] {
        assert!(serde_json::from_str::<Rate>(bad).is_err(), "{bad}");
    }
    let rate = exchange(rate, currency("EUR"), Currency::USD);
    let json = serde_json::to_value(&rate).unwrap();
    let expected =
        serde_json::json!({"from":"EUR","to":"USD","rate":"1.0837","day":"2026-03-02","source":"test"});
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<ExchangeRate>(json).unwrap(), rate);
}

#[test]
fn amounts_are_converted_by_hand_worked_cases() {
    for (amount, rate, to, expected) in [
        ("100.00 EUR", "1.0837", "USD", "108.37 USD"),
        ("0.01 EUR", "1.0837", "USD", "0.01 USD"),
        ("0.05 EUR", "0.5", "USD", "0.02 USD"),   // 2.5 cents
        ("0.07 EUR", "0.5", "USD", "0.04 USD"),   // 3.5
        ("-0.05 EUR", "0.5", "USD", "-0.02 USD"), // -2.5
        ("0.05 EUR", "0.500001", "USD", "0.03 USD"),
        ("1 JPY", "0.0067", "USD", "0.01 USD"),  // 0.67
        ("1.00 USD", "149.5", "JPY", "150 JPY"), // 149.5
        ("1.00 USD", "150.5", "JPY", "150 JPY"),
        ("1.00 USD", "0.30725", "KWD", "0.307 KWD"), // 307.25 fils
        ("1.250 KWD", "3.2", "USD", "4.00 USD"),
        ("1.000 KWD", "150", "JPY", "150 JPY"),
        ("3 JPY", "2", "KWD", "6.000 KWD"),
        ("0.00 EUR", "1.0837", "USD", "0.00 USD"),
    ] {
        let amount: Money = amount.parse().unwrap();
        let rate = exchange(rate.parse().unwrap(), amount.currency(), currency(to));
        assert_eq!(rate.convert(amount).unwrap().to_string(), expected, "{amount} at {}", rate.rate);
    }
}

#[test]
fn other_currencies_and_what_does_not_fit_are_refused() {
    let (euro, yen) = (currency("EUR"), currency("JPY"));
    let rate = exchange("2".parse().unwrap(), euro, Currency::USD);
    let mismatch = MoneyError::CurrencyMismatch { left: Currency::USD, right: euro };
    assert_eq!(rate.convert(Money::from_minor(1, Currency::USD)), Err(mismatch));
    assert_eq!(rate.convert(Money::from_minor(i64::MAX, euro)), Err(MoneyError::Overflow));
    assert_eq!(rate.convert(Money::from_minor(i64::MIN, euro)), Err(MoneyError::Overflow));
    let greatest = exchange(Rate::new(u64::MAX, 0).unwrap(), yen, currency("CLF"));
    assert_eq!(greatest.convert(Money::from_minor(i64::MIN, yen)), Err(MoneyError::Overflow));
    assert_eq!(greatest.convert(Money::zero(yen)), Ok(Money::zero(currency("CLF"))));
    let least = exchange(Rate::new(1, 12).unwrap(), currency("CLF"), yen);
    assert_eq!(least.convert(Money::from_minor(i64::MAX, currency("CLF"))), Ok(Money::from_minor(922, yen)));
}

/// The digits of a product, worked out in columns as on paper, most significant first.
fn product_digits(a: u64, b: u64) -> Vec<u8> {
    let digits = |number: u64| -> Vec<u32> {
        number.to_string().chars().rev().map(|digit| digit.to_digit(10).unwrap()).collect()
    };
    let (a, b) = (digits(a), digits(b));
    let mut columns = vec![0_u32; a.len() + b.len()];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            columns[i + j] += x * y;
        }
    }
    let mut carry = 0;
    let mut all: Vec<u8> = Vec::new();
    for column in columns {
        carry += column;
        all.push((carry % 10) as u8);
        carry /= 10;
    }
    all.reverse();
    all
}

/// The conversion in decimal digits: the product, its point moved, and what stands behind the point looked at.
fn reference(minor: i64, rate: &ExchangeRate) -> Option<i64> {
    let mut digits = product_digits(minor.unsigned_abs(), rate.rate.mantissa());
    let behind =
        i32::from(rate.rate.scale()) + i32::from(rate.from.exponent()) - i32::from(rate.to.exponent());
    digits.extend(vec![0; (-behind).max(0) as usize]);
    let behind = behind.max(0) as usize;
    let mut padded = vec![0; (behind + 1).saturating_sub(digits.len())];
    padded.append(&mut digits);
    let (whole, fraction) = padded.split_at(padded.len() - behind);
    let first = fraction.first().copied().unwrap_or(0);
    let more = fraction.iter().skip(1).any(|digit| *digit > 0);
    let odd = whole[whole.len() - 1] % 2 == 1;
    let up = first > 5 || first == 5 && (more || odd);
    let whole: String = whole.iter().map(|digit| char::from(b'0' + digit)).collect();
    // The longest has 20 + 19 digits and 4 more, which may not fit; those that do not are no amount either.
    let units = whole.parse::<i128>().ok()? + i128::from(up);
    i64::try_from(if minor < 0 { -units } else { units }).ok()
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["USD", "EUR", "JPY", "KWD", "CLF"]).prop_map(currency)
}

fn any_rate() -> impl Strategy<Value = Rate> {
    let mantissa = prop_oneof![1..=u64::MAX, 1..2_000_000_u64, (1..400_u64).prop_map(|n| n * 5)];
    (mantissa, 0..=RATE_DECIMALS_MAX).prop_map(|(mantissa, scale)| Rate::new(mantissa, scale).unwrap())
}

fn any_minor() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -1_000_000_000..1_000_000_000_i64, -50..50_i64]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn converting_is_what_paper_says(
        minor in any_minor(), rate in any_rate(), from in any_currency(), to in any_currency(),
    ) {
        let rate = exchange(rate, from, to);
        let expected = reference(minor, &rate).map(|minor| Money::from_minor(minor, to));
        prop_assert_eq!(rate.convert(Money::from_minor(minor, from)), expected.ok_or(MoneyError::Overflow));
    }

    #[test]
    fn the_sign_changes_nothing_else(
        minor in any_minor(), rate in any_rate(), from in any_currency(), to in any_currency(),
    ) {
        let rate = exchange(rate, from, to);
        let of = |minor| rate.convert(Money::from_minor(minor, from)).map(|money| money.minor());
        let minor = minor.max(-i64::MAX);
        // Only the least amount of all has no positive twin.
        prop_assume!(of(minor) != Ok(i64::MIN) && of(-minor) != Ok(i64::MIN));
        prop_assert_eq!(of(-minor), of(minor).map(|minor| -minor));
    }

    #[test]
    fn one_for_one_changes_nothing(minor: i64, currency in any_currency()) {
        let money = Money::from_minor(minor, currency);
        prop_assert_eq!(exchange(Rate::ONE, currency, currency).convert(money), Ok(money));
    }

    #[test]
    fn shown_rates_read_back_and_are_in_order(a in any_rate(), b in any_rate()) {
        prop_assert_eq!(a.to_string().parse(), Ok(a));
        let shown = |rate: Rate| -> String {
            let text = rate.to_string();
            let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
            format!("{whole:0>20}.{decimals:0<12}")
        };
        prop_assert_eq!(a.cmp(&b), shown(a).cmp(&shown(b)));
    }

    #[test]
    fn no_text_panics(text in "[-+0-9.e ]{0,30}", other: String) {
        let _ = text.parse::<Rate>();
        let _ = other.parse::<Rate>();
    }
}
