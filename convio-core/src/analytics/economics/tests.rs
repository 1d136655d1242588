use proptest::prelude::*;

use super::*;
use crate::money::Currency;

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

fn of(spend: i64, leads: u64, millionths: i64, revenue: i64) -> Economics {
    Economics::new(usd(spend), leads, millionths, usd(revenue)).unwrap()
}

#[test]
fn economics_are_those_worked_out_by_hand() {
    let shown = |ratio: Option<Ratio>| ratio.map(|ratio| ratio.to_string());
    for ((spend, leads, conversions, revenue), cpl, cpa, roas, roi) in [
        ((100_000, 40, 5, 450_000), Some(2_500), Some(20_000), Some("4.5000"), Some("3.5000")),
        ((100_000, 30, 0, 0), Some(3_333), None, Some("0.0000"), Some("-1.0000")),
        ((200_000, 30, 3, 200_000), Some(6_667), Some(66_667), Some("1.0000"), Some("0.0000")),
        ((0, 10, 2, 5_000), Some(0), Some(0), None, None),
        ((0, 0, 0, 0), None, None, None, None),
        ((5, 2, 2, 7), Some(2), Some(2), Some("1.4000"), Some("0.4000")),
        ((7, 2, 2, 5), Some(4), Some(4), Some("0.7143"), Some("-0.2857")),
        ((-5, 2, 1, 10), Some(-2), Some(-5), Some("-2.0000"), Some("-3.0000")),
        ((300, 1, -2, -100), Some(300), None, Some("-0.3333"), Some("-1.3333")),
        ((1, 3, 2, 0), Some(0), Some(0), Some("0.0000"), Some("-1.0000")),
        ((i64::MAX, 1, 1, i64::MIN), Some(i64::MAX), Some(i64::MAX), Some("-1.0000"), Some("-2.0000")),
        ((i64::MIN, 1, 1, i64::MAX), Some(i64::MIN), Some(i64::MIN), Some("-1.0000"), Some("-2.0000")),
        (
            (1, u64::MAX, i64::MAX, i64::MAX),
            Some(0),
            Some(0),
            Some("9223372036854775807.0000"),
            Some("9223372036854775806.0000"),
        ),
    ] {
        let it = of(spend, leads, i64::saturating_mul(conversions, MILLION), revenue);
        assert_eq!((it.cpl(), it.cpa()), (cpl.map(usd), cpa.map(usd)), "{it:?}");
        assert_eq!((shown(it.roas()).as_deref(), shown(it.roi()).as_deref()), (roas, roi), "{it:?}");
    }
}

#[test]
fn economics_are_kept_and_checked_when_they_are_read() {
    let it = of(100, 2, -1, -50);
    let json = serde_json::to_value(it).unwrap();
    assert_eq!(serde_json::from_value::<Economics>(json.clone()).unwrap(), it);
    assert_eq!((it.spend(), it.leads(), it.millionths(), it.revenue()), (usd(100), 2, -1, usd(-50)));
    let mut other = json;
    other["revenue"]["currency"] = "EUR".into();
    let refused = serde_json::from_value::<Economics>(other).unwrap_err();
    assert_eq!(refused.to_string(), "revenue: amounts in USD and EUR cannot be combined");
}

fn any_minor() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -100_000..100_000_i64, -9..9_i64]
}

proptest! {
    #[test]
    fn all_leads_at_their_cost_are_the_spend_but_for_half_a_unit_each(
        spend in any_minor(), leads in prop_oneof![any::<u64>(), 0..50_u64],
        millionths in prop_oneof![any::<i64>(), -9..50_i64, (-9..50_i64).prop_map(|n| n * MILLION)],
    ) {
        let it = of(spend, leads, millionths, 0);
        prop_assert_eq!(it.cpl().is_none(), leads == 0);
        let whole = i128::from(spend) * i128::from(MILLION);
        let fits = millionths > 0 && (whole / i128::from(millionths)).abs() < i128::from(i64::MAX);
        prop_assert!(it.cpa().is_some() == fits || (millionths > 0 && !fits), "{:?}", it.cpa());
        for (each, count, whole) in [
            (it.cpl(), i128::from(leads), i128::from(spend)),
            (it.cpa(), i128::from(millionths), whole),
        ] {
            if let Some(each) = each {
                let minor = i128::from(each.minor());
                let twice_off = 2 * (minor * count - whole).abs();
                prop_assert!(twice_off <= count);
                prop_assert!(twice_off < count || minor % 2 == 0, "halves go to the even one");
                let negative = of(spend.max(-i64::MAX), leads, millionths, 0);
                let positive = of(-negative.spend().minor(), leads, millionths, 0);
                prop_assert_eq!(negative.cpl().map(|it| it.minor()), positive.cpl().map(|it| -it.minor()));
            }
        }
    }

    #[test]
    fn return_on_ad_spend_is_return_on_investment_and_one(spend in any_minor(), revenue in any_minor()) {
        let it = of(spend, 0, 0, revenue);
        let one_more = |roi: Ratio| Ratio::new(roi.numerator() + i128::from(roi.denominator()), roi.denominator()).unwrap();
        prop_assert_eq!(it.roas(), it.roi().map(one_more));
        prop_assert_eq!(it.roas().is_none(), spend == 0);
        if let Some(roas) = it.roas() {
            let crossed = roas.numerator() * i128::from(spend);
            prop_assert_eq!(crossed, i128::from(revenue) * i128::from(roas.denominator()));
        }
    }
}
