use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::id::{AdjustmentId, TouchpointId};
use crate::money::{Currency, Money};
use crate::text::{MarketingChannel, Source};

const CHANNELS: [&str; 5] = ["direct", "email", "paid search", "social", "referral"];

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn touch(id: u128, channel: &str, seconds: i64) -> Touchpoint {
    let who = Who::Other { id: TouchpointId::from_uuid(Uuid::from_u128(id)), kind: TouchKind::Click };
    Touchpoint::new(who, Source::unknown(), MarketingChannel::new(channel).unwrap(), instant(seconds))
}

/// Touches of different ids, many of them at one instant, and what each milestone is at.
#[derive(Debug, Clone)]
struct Case {
    touches: Vec<Touchpoint>,
    milestones: [Option<usize>; 3],
}

impl Case {
    /// To a conversion at [`END`], over these touches.
    fn path<'t>(&self, touches: &'t [Touchpoint], lookback: Lookback) -> Path<'t> {
        let mut path = Path::new(touches, instant(END), lookback).unwrap();
        let all = [Milestone::Lead, Milestone::Opportunity, Milestone::Close];
        for (milestone, place) in all.into_iter().zip(self.milestones) {
            if let Some(place) = place {
                path = path.milestone(milestone, self.touches[place % self.touches.len()].id());
            }
        }
        path
    }
}

/// When conversions of tests are, in seconds.
const END: i64 = 40 * 86_400;

fn cases() -> impl Strategy<Value = Case> {
    let one = (0..CHANNELS.len(), 0_i64..40);
    let touches = prop::collection::vec(one, 1..40).prop_map(|all| {
        let of = |(id, (channel, day)): (u128, (usize, i64))| touch(id, CHANNELS[channel], day * 86_400);
        (0..).zip(all).map(of).collect()
    });
    let place = || prop::option::of(0_usize..50);
    (touches, place(), place(), place()).prop_map(|(touches, lead, opportunity, close)| Case {
        touches,
        milestones: [lead, opportunity, close],
    })
}

fn custom() -> impl Strategy<Value = Model> {
    let share = || prop_oneof![Just(0_u16), 1_u16..100, Just(u16::MAX)];
    (share(), share(), share(), share(), share(), share()).prop_map(
        |(first, lead, opportunity, close, last, others)| {
            Model::Custom(Shares { first, lead, opportunity, close, last, others })
        },
    )
}

fn models() -> impl Strategy<Value = Model> {
    let decay =
        (1_u32..).prop_map(|seconds| Model::TimeDecay { half_life_seconds: seconds.try_into().unwrap() });
    prop_oneof![4 => prop::sample::select(Model::ALL.to_vec()), 1 => decay, 1 => custom()]
}

fn values() -> impl Strategy<Value = Money> {
    let minor = prop_oneof![-500_i64..500, any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just(0)];
    let currency = prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"]);
    (minor, currency).prop_map(|(minor, code)| Money::from_minor(minor, code.parse().unwrap()))
}

fn sum(credits: &Credits) -> i128 {
    let each: i128 = credits.each().iter().map(|minor| i128::from(*minor)).sum();
    each + i128::from(credits.unattributed().minor())
}

/// The split by its definition, in numbers that can't overflow: floor, then unit by unit to the greatest remainder.
fn by_definition(value: i64, weights: &[u64]) -> Vec<i128> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let product = |weight: &u64| u128::from(value.unsigned_abs()) * u128::from(*weight);
    let mut each: Vec<u128> = weights.iter().map(|weight| product(weight) / total).collect();
    let mut remainders: Vec<u128> = weights.iter().map(|weight| product(weight) % total).collect();
    while each.iter().sum::<u128>() < u128::from(value.unsigned_abs()) {
        let most = *remainders.iter().max().unwrap();
        let first = remainders.iter().position(|remainder| *remainder == most).unwrap();
        each[first] += 1;
        remainders[first] = 0;
    }
    each.into_iter().map(|part| part as i128 * i128::from(value.signum())).collect()
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Refund(i64),
    Full,
    Chargeback(i64),
    Reverse,
    Restate(i64),
    Retract,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (1_i64..2_000).prop_map(Act::Refund),
        Just(Act::Full),
        (1_i64..2_000).prop_map(Act::Chargeback),
        Just(Act::Reverse),
        (0_i64..100_000).prop_map(Act::Restate),
        Just(Act::Retract),
    ];
    prop::collection::vec(act, 0..12)
}

/// Those of the acts that may be, one a day, and what the value is after each: a model apart from the history's own.
fn adjusted(value: i64, acts: &[Act], currency: Currency) -> (Vec<Adjustment>, Vec<i64>) {
    let id = |n: usize| AdjustmentId::from_uuid(Uuid::from_u128(n as u128));
    let money = |minor| Money::from_minor(minor, currency);
    let (mut net, mut open, mut over) = (value, Vec::new(), false);
    let (mut adjustments, mut nets) = (Vec::new(), vec![value]);
    for (n, act) in acts.iter().enumerate() {
        let (change, after) = match *act {
            _ if over => continue,
            Act::Refund(minor) => (Change::Refund(money(minor)), net - minor),
            Act::Full => (Change::FullRefund, net.min(0)),
            Act::Chargeback(minor) => (Change::Chargeback(money(minor)), net - minor),
            Act::Reverse => match open.pop() {
                Some((of, minor)) => (Change::ChargebackReversal(of), net + minor),
                None => continue,
            },
            Act::Restate(minor) => (Change::Restatement(money(minor)), minor),
            Act::Retract => (Change::Retraction, 0),
        };
        if after < 0 && after < net {
            continue;
        }
        if let Change::Chargeback(taken) = change {
            open.push((id(n), taken.minor()));
        }
        over = change == Change::Retraction;
        net = after;
        nets.push(net);
        adjustments.push(Adjustment {
            id: id(n),
            change,
            recorded_at: instant(END + 86_400 * (1 + n as i64)),
        });
    }
    (adjustments, nets)
}

proptest! {
    #[test]
    fn credits_and_what_is_unattributed_are_the_value(case in cases(), model in models(), value in values()) {
        let path = case.path(&case.touches, Lookback::UNLIMITED);
        let weights = model.weights(&path);
        let credits = weights.split(value);
        prop_assert_eq!(sum(&credits), i128::from(value.minor()));
        let found: Vec<i128> = credits.each().iter().map(|minor| i128::from(*minor)).collect();
        prop_assert_eq!(found, by_definition(value.minor(), weights.each()));
    }

    #[test]
    fn weights_of_any_kind_divide_exactly(each in prop::collection::vec(0_u64..1 << 58, 1..30), value in values()) {
        prop_assume!(each.iter().any(|weight| *weight > 0));
        let credits = Weights::new(each.clone()).unwrap().split(value);
        prop_assert_eq!(sum(&credits), i128::from(value.minor()));
        let found: Vec<i128> = credits.each().iter().map(|minor| i128::from(*minor)).collect();
        prop_assert_eq!(found, by_definition(value.minor(), &each));
    }

    #[test]
    fn the_order_in_which_touches_are_given_changes_nothing(case in cases(), model in models(), turn: usize) {
        let mut other = case.touches.clone();
        other.rotate_left(turn % case.touches.len());
        other.reverse();
        other.push(other[0].clone()); // twice is once
        let path = case.path(&case.touches, Lookback::UNLIMITED);
        let same = case.path(&other, Lookback::UNLIMITED);
        prop_assert_eq!(&path, &same);
        prop_assert_eq!(model.weights(&path), model.weights(&same));
    }

    #[test]
    fn one_touch_has_all(model in models(), value in values(), channel in 0..CHANNELS.len(), at_milestone: bool) {
        let touches = [touch(1, CHANNELS[channel], 0)];
        let case = Case { touches: touches.to_vec(), milestones: [at_milestone.then_some(0); 3] };
        let credits = model.weights(&case.path(&touches, Lookback::UNLIMITED)).split(value);
        prop_assert_eq!(credits.each(), [value.minor()]);
    }

    #[test]
    fn touches_outside_the_lookback_change_nothing(case in cases(), model in models(), days in 0_u16..45, late in 1_i64..99) {
        let is_within = |touch: &&Touchpoint| touch.at >= instant(END) - TimeDelta::days(days.into());
        let within: Vec<Touchpoint> = case.touches.iter().filter(is_within).cloned().collect();
        let mut more = case.touches.clone();
        more.push(touch(1_000, "email", END + late));
        let path = case.path(&more, Lookback::days(days));
        prop_assert_eq!(&path, &case.path(&within, Lookback::UNLIMITED));
        prop_assert_eq!(model.weights(&path), model.weights(&case.path(&within, Lookback::UNLIMITED)));
    }

    #[test]
    fn transforms_keep_their_promises(case in cases(), model in models(), value in values()) {
        let path = case.path(&case.touches, Lookback::UNLIMITED);
        let all = [Transform::Unique, Transform::Exposure, Transform::First, Transform::Frequency, Transform::RemoveDirect];
        for transform in all {
            let made = path.transformed(transform);
            prop_assert!(!made.steps().is_empty() && made.steps().len() <= path.steps().len());
            prop_assert!(made.steps().is_sorted_by_key(|step| step.touch.order()));
            prop_assert_eq!(&made.transformed(transform), &made);
            prop_assert_eq!(sum(&model.weights(&made).split(value)), i128::from(value.minor()));
        }
        let counted = path.transformed(Transform::Frequency);
        let times: u32 = counted.steps().iter().filter_map(|step| step.frequency).map(|times| times.get()).sum();
        prop_assert_eq!(times as usize, path.steps().len());
        let exposed = path.transformed(Transform::Exposure);
        prop_assert!(exposed.steps().windows(2).all(|pair| pair[0].channel() != pair[1].channel()));
    }

    #[test]
    fn a_pass_gives_what_each_model_gives(paths in prop::collection::vec(cases(), 1..4), value in values()) {
        let mut pass = Pass::default();
        for case in &paths {
            let path = case.path(&case.touches, Lookback::days(20));
            let (mut weights, mut credits) = (Vec::new(), Vec::new());
            pass.weigh(&path, &Model::ALL, |_, it| weights.push(it.clone()));
            pass.split(&path, &Model::ALL, value, |_, it| credits.push(it.clone()));
            let alone: Vec<Weights> = Model::ALL.iter().map(|model| model.weights(&path)).collect();
            prop_assert_eq!(&weights, &alone);
            prop_assert_eq!(credits, alone.iter().map(|it| it.split(value)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn bookings_are_at_all_times_the_split_of_the_net_value(
        case in cases(), model in models(), value in 0_i64..100_000, acts in acts(), code in 0_usize..3,
    ) {
        let currency: Currency = ["USD", "JPY", "KWD"][code].parse().unwrap();
        let (adjustments, nets) = adjusted(value, &acts, currency);
        let mut given = adjustments.clone();
        given.reverse();
        let history = History::new(Money::from_minor(value, currency), instant(END), given).unwrap();
        let found: Vec<i64> = history.standings().iter().map(|standing| standing.net.minor()).collect();
        prop_assert_eq!(&found, &nets);
        let weights = model.weights(&case.path(&case.touches, Lookback::days(30)));
        let booked = bookings(&history, &weights).unwrap();
        for (standing, booking) in history.standings().iter().zip(&booked) {
            prop_assert_eq!(sum(&booking.credits), i128::from(booking.credits.value().minor()));
            let known = believed(&booked, standing.recorded_at).unwrap().unwrap();
            prop_assert_eq!(&known, &weights.split(standing.net));
            prop_assert_eq!(history.net_at(standing.recorded_at), Some(standing.net));
            prop_assert_eq!(sum(&known), i128::from(standing.net.minor()));
        }
        prop_assert_eq!(believed(&booked, instant(END - 1)).unwrap(), None);
    }

    #[test]
    fn a_refund_moves_no_touch_up_by_more_than_a_unit(case in cases(), model in models(), value in 0_i64..10_000, less in 0_i64..10_000) {
        let weights = model.weights(&case.path(&case.touches, Lookback::UNLIMITED));
        let booked = weights.split(Money::from_minor(value, Currency::USD));
        let net = Money::from_minor((value - less).max(0), Currency::USD);
        let changes = weights.rebook(net, booked.each()).unwrap();
        prop_assert!(changes.iter().all(|change| *change <= 1));
    }
}

#[test]
fn shares_are_those_of_the_field() {
    let touches: Vec<Touchpoint> = (0..6).map(|n| touch(n as u128, "email", n * 60)).collect();
    let percent = |model: Model, milestones: [Option<usize>; 3]| -> Vec<f64> {
        let case = Case { touches: touches.clone(), milestones };
        let weights = model.weights(&case.path(&touches, Lookback::UNLIMITED));
        (0..6).map(|n| (weights.share(n) * 1e4).round() / 1e2).collect()
    };
    let none = [None; 3];
    let all = [Some(1), Some(3), Some(5)];
    assert_eq!(percent(Model::PositionBased, none), [40.0, 5.0, 5.0, 5.0, 5.0, 40.0]);
    assert_eq!(percent(Model::JShaped, none), [20.0, 5.0, 5.0, 5.0, 5.0, 60.0]);
    assert_eq!(percent(Model::InverseJ, none), [60.0, 5.0, 5.0, 5.0, 5.0, 20.0]);
    assert_eq!(percent(Model::UShaped, all), [40.0, 40.0, 5.0, 5.0, 5.0, 5.0]);
    assert_eq!(percent(Model::WShaped, all), [30.0, 30.0, 3.33, 30.0, 3.33, 3.33]);
    assert_eq!(percent(Model::FullPath, all), [22.5, 22.5, 5.0, 22.5, 5.0, 22.5]);
    // What is missing goes to the named ones that are there.
    assert_eq!(percent(Model::UShaped, none), [80.0, 4.0, 4.0, 4.0, 4.0, 4.0]);
    assert_eq!(percent(Model::WShaped, [Some(2), None, None]), [45.0, 2.5, 45.0, 2.5, 2.5, 2.5]);
    // One touch that is first and the lead's has the sum of both.
    assert_eq!(percent(Model::WShaped, [Some(0), Some(5), None]), [60.0, 2.5, 2.5, 2.5, 2.5, 30.0]);
    assert_eq!(percent(Model::FullPath, [Some(5); 3]), [22.5, 2.5, 2.5, 2.5, 2.5, 67.5]);
    // Nothing named is there; nothing has a share.
    let lead = Model::Custom(Shares { lead: 100, others: 1, ..Shares::NONE });
    assert_eq!(percent(lead, none), [16.67; 6]);
    assert_eq!(percent(Model::Custom(Shares { lead: 9, ..Shares::NONE }), none), [16.67; 6]);
    assert_eq!(percent(Model::Custom(Shares { lead: 9, ..Shares::NONE }), all)[1], 100.0);
    assert_eq!(percent(Model::Custom(Shares::NONE), all), [16.67; 6]);
}

#[test]
fn two_touches_of_one_instant_are_not_both_the_first() {
    let touches = [touch(2, "email", 0), touch(1, "social", 0), touch(3, "social", 0)];
    let path = Path::new(&touches, instant(0), Lookback::days(0)).unwrap();
    let credits = Model::PositionBased.weights(&path).split(Money::from_minor(100, Currency::USD));
    let found: Vec<_> =
        path.steps().iter().map(|step| step.touch.id().uuid().as_u128()).zip(credits.each()).collect();
    assert_eq!(found, [(1, &40), (2, &20), (3, &40)]);
}

#[test]
fn direct_touches_are_passed_over_unless_all_are() {
    let last = |channels: [&str; 3]| {
        let touches: Vec<Touchpoint> =
            (0..).zip(channels).map(|(n, channel)| touch(n as u128, channel, n)).collect();
        let path = Path::new(&touches, instant(9), Lookback::UNLIMITED).unwrap();
        let removed = path.transformed(Transform::RemoveDirect).steps().len();
        (Model::LastNonDirect.weights(&path).each().to_vec(), removed)
    };
    assert_eq!(last(["email", "social", "Direct"]), (vec![0, 1, 0], 2));
    assert_eq!(last(["direct", "direct", "direct"]), (vec![0, 0, 1], 3));
}

#[test]
fn a_milestone_goes_where_its_touch_goes() {
    let touches = ["a", "a", "direct", "b"].map(|channel| touch(channel.len() as u128, channel, 0));
    let touches: Vec<Touchpoint> =
        (0..).zip(&touches).map(|(n, of)| touch(n as u128, of.channel.as_str(), n)).collect();
    let path = Path::new(&touches, instant(9), Lookback::UNLIMITED).unwrap();
    let path = path.milestone(Milestone::Lead, touches[1].id()).milestone(Milestone::Close, touches[2].id());
    let exposed = path.transformed(Transform::Exposure);
    assert_eq!((exposed.place(Milestone::Lead), exposed.place(Milestone::Close)), (Some(0), Some(1)));
    let removed = path.transformed(Transform::RemoveDirect);
    assert_eq!((removed.place(Milestone::Lead), removed.place(Milestone::Close)), (Some(1), None));
    assert_eq!(path.place(Milestone::Opportunity), None);
}

#[test]
fn a_path_without_touches_leaves_the_value_unattributed() {
    let path = Path::new(&[], instant(0), Lookback::days(30)).unwrap();
    for model in Model::ALL.into_iter().chain([Model::Custom(Shares::NONE)]) {
        let value = Money::from_minor(-7, Currency::USD);
        let credits = model.weights(&path).split(value);
        assert_eq!((credits.each(), credits.unattributed()), ([].as_slice(), value), "{model:?}");
    }
}

#[test]
fn the_longest_path_has_weights_that_fit() {
    let touches: Vec<Touchpoint> = (0..PATH_TOUCHES_MAX as u128).map(|n| touch(n, "email", 0)).collect();
    let case = Case { milestones: [Some(7); 3], touches };
    let path = case.path(&case.touches, Lookback::UNLIMITED);
    let most = Shares {
        first: u16::MAX,
        lead: u16::MAX,
        opportunity: u16::MAX,
        close: u16::MAX,
        last: u16::MAX,
        others: u16::MAX,
    };
    for model in Model::ALL.into_iter().chain([Model::Custom(most)]) {
        let weights = model.weights(&path); // an overflow panics here
        assert_eq!(
            sum(&weights.split(Money::from_minor(i64::MIN, Currency::USD))),
            i128::from(i64::MIN),
            "{model:?}"
        );
    }
    let one_more: Vec<Touchpoint> = (0..=PATH_TOUCHES_MAX as u128).map(|n| touch(n, "email", 0)).collect();
    let refused = Path::new(&one_more, instant(0), Lookback::UNLIMITED).unwrap_err();
    assert_eq!(
        (refused.reasons()[0].field.as_str(), refused.reasons()[0].code.as_str()),
        ("touches", "too_many")
    );
}

#[test]
fn differences_that_do_not_fit_are_refused() {
    let weights = Weights::new([1]).unwrap();
    let refused = weights.rebook(Money::from_minor(i64::MAX, Currency::USD), &[-1]).unwrap_err();
    assert_eq!(refused.reasons()[0].code, "amount_overflow");
    assert_eq!(weights.rebook(Money::zero(Currency::USD), &[]).unwrap_err().reasons()[0].code, "length");
    assert_eq!(Weights::new([u64::MAX, 1]).unwrap_err().reasons()[0].code, "overflow");
    assert_eq!(Weights::new([0, 0]).unwrap_err().reasons()[0].code, "zero");
    let change = Change::Restatement(Money::from_minor(-9, Currency::USD));
    let id = AdjustmentId::from_uuid(Uuid::from_u128(1));
    let restated = Adjustment { id, change, recorded_at: instant(1) };
    let most = Money::from_minor(i64::MAX, Currency::USD);
    let history = History::below_zero(most, instant(0), [restated]).unwrap();
    assert_eq!(bookings(&history, &weights).unwrap_err().reasons()[0].field, "value");
}

#[test]
fn every_adjustment_that_can_not_be_is_named() {
    let usd = |minor| Money::from_minor(minor, Currency::USD);
    let id = |n: u128| AdjustmentId::from_uuid(Uuid::from_u128(n));
    let at = |n: u128, day: i64, change| Adjustment { id: id(n), change, recorded_at: instant(day) };
    let yen = Money::from_minor(1, "JPY".parse().unwrap());
    let refused = History::new(
        usd(100),
        instant(0),
        [
            at(9, 9, Change::Refund(usd(1))), // follows the retraction
            at(1, -1, Change::FullRefund),
            at(2, 2, Change::Refund(usd(-5))),
            at(3, 3, Change::Refund(yen)),
            at(4, 4, Change::Chargeback(usd(40))),
            at(4, 4, Change::Chargeback(usd(40))),
            at(5, 5, Change::ChargebackReversal(id(4))),
            at(6, 5, Change::ChargebackReversal(id(4))),
            at(7, 6, Change::Refund(usd(101))),
            at(8, 7, Change::Restatement(usd(i64::MAX))),
            at(10, 8, Change::Retraction),
        ],
    );
    let refused = refused.unwrap_err();
    let mut found: Vec<(&str, &str)> =
        refused.reasons().iter().map(|reason| (reason.field.as_str(), reason.code.as_str())).collect();
    found.sort_unstable();
    let expected = [
        ("adjustments[0].change", "retracted"),
        ("adjustments[1].recorded_at", "too_early"),
        ("adjustments[2].change", "not_above_zero"),
        ("adjustments[3].change", "currency_mismatch"),
        ("adjustments[5].id", "repeated"),
        ("adjustments[7].change", "no_chargeback"),
        ("adjustments[8].change", "below_zero"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn models_and_touches_read_back_from_json() {
    for model in Model::ALL.into_iter().chain([Model::Custom(Shares::U)]) {
        let json = serde_json::to_string(&model).unwrap();
        assert_eq!(serde_json::from_str::<Model>(&json).unwrap(), model, "{json}");
    }
    assert!(serde_json::from_str::<Model>(r#"{"time_decay":{"half_life_seconds":0}}"#).is_err());
    let weights = Weights::new([1 << 60, 0, 7]).unwrap();
    let json = serde_json::to_string(&weights).unwrap();
    assert_eq!(
        (json.as_str(), serde_json::from_str(&json).ok()),
        ("[1152921504606846976,0,7]", Some(weights))
    );
    assert!(serde_json::from_str::<Weights>("[0]").is_err());
    let touch = touch(1, "email", 0);
    let json = serde_json::to_string(&touch).unwrap();
    assert_eq!(serde_json::from_str::<Touchpoint>(&json).unwrap(), touch);
}
