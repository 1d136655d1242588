use proptest::prelude::*;

use super::*;
use crate::text::MarketingChannel;

/// A path by the numbers of its channels, how many converted after it and how many did not.
type Row = (Vec<u8>, u64, u64);

fn channel(number: u8) -> MarketingChannel {
    MarketingChannel::new(&char::from(b'a' + number).to_string()).unwrap()
}

fn journeys(rows: &[Row]) -> Journeys {
    let mut journeys = Journeys::default();
    for (path, conversions, nulls) in rows {
        journeys.add(path.iter().copied().map(channel), *conversions, *nulls).unwrap();
    }
    journeys
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((prop::collection::vec(0_u8..5, 0..7), 0_u64..20, 0_u64..20), 1..12)
}

/// Ascending channels: a chain without cycles, whose walks end.
fn ascending_rows() -> impl Strategy<Value = Vec<Row>> {
    rows().prop_map(|mut rows| {
        for (path, ..) in &mut rows {
            path.sort_unstable();
            path.dedup();
        }
        rows
    })
}

/// How often each step follows the last `order` channels of the paths: 0 to 4 are channels.
fn steps(rows: &[Row], order: usize, from: &[u8]) -> Vec<(u8, f64)> {
    let mut counts = [0_u64; 7];
    for (path, conversions, nulls) in rows {
        for at in 0..=path.len() {
            if path[at.saturating_sub(order)..at] == *from {
                match path.get(at) {
                    Some(next) => counts[*next as usize] += conversions + nulls,
                    None => {
                        counts[CONVERSION as usize] += conversions;
                        counts[NULL as usize] += nulls;
                    }
                }
            }
        }
    }
    let all: u64 = counts.iter().sum();
    let part = |(step, count): (u8, u64)| (step, count as f64 / all.max(1) as f64);
    (0..).zip(counts).filter(|(_, count)| *count > 0).map(part).collect()
}

const CONVERSION: u8 = 5;
const NULL: u8 = 6;

/// The probability of a conversion, as the sum over every single walk, where walks end.
fn walked(rows: &[Row], order: usize, walk: &mut Vec<u8>, without: Option<u8>) -> f64 {
    let from = walk[walk.len().saturating_sub(order)..].to_vec();
    let mut sum = 0.0;
    for (step, part) in steps(rows, order, &from) {
        match step {
            CONVERSION => sum += part,
            NULL => {}
            lost if Some(lost) == without => {}
            next => {
                walk.push(next);
                sum += part * walked(rows, order, walk, without);
                walk.pop();
            }
        }
    }
    sum
}

/// The same where walks may go round: what is on its way, step by step, until next to nothing is.
fn flowed(rows: &[Row], order: usize, without: Option<u8>) -> f64 {
    let mut known = std::collections::BTreeMap::new();
    let mut flow = std::collections::BTreeMap::from([(Vec::new(), 1.0)]);
    let mut converted = 0.0;
    while flow.values().sum::<f64>() > 1e-14 {
        let mut next_flow = std::collections::BTreeMap::new();
        for (from, mass) in flow {
            let steps = known.entry(from.clone()).or_insert_with(|| steps(rows, order, &from));
            for (step, part) in steps {
                match *step {
                    CONVERSION => converted += mass * *part,
                    NULL => {}
                    lost if Some(lost) == without => {}
                    next => {
                        let mut to = from.clone();
                        to.push(next);
                        let to = to[to.len().saturating_sub(order)..].to_vec();
                        *next_flow.entry(to).or_default() += mass * *part;
                    }
                }
            }
        }
        flow = next_flow;
    }
    converted
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) + 1e-11
}

/// The number that [`channel`] made a name of.
fn number(channel: &MarketingChannel) -> u8 {
    channel.as_str().as_bytes()[0] - b'a'
}

/// The Shapley value of one channel as it is defined: what it adds, on average over all orders of channels.
fn averaged(rows: &[Row], channels: &[u8], of: u8, worth: Worth) -> f64 {
    let value = |set: &[u8]| {
        let is_in = |row: &&Row| row.0.iter().all(|channel| set.contains(channel));
        let inside = rows.iter().filter(is_in).fold((0, 0), |sum, row| (sum.0 + row.1, sum.1 + row.2));
        match (worth, inside) {
            (Worth::Conversions, (conversions, _)) => conversions as f64,
            (Worth::Rate, (0, 0)) => 0.0,
            (Worth::Rate, (conversions, nulls)) => conversions as f64 / (conversions + nulls) as f64,
        }
    };
    let orders = permutations(channels);
    let added = |order: &Vec<u8>| {
        let place = order.iter().position(|channel| *channel == of).unwrap();
        value(&order[..=place]) - value(&order[..place])
    };
    orders.iter().map(added).sum::<f64>() / orders.len() as f64
}

fn permutations(of: &[u8]) -> Vec<Vec<u8>> {
    if of.is_empty() {
        return vec![vec![]];
    }
    let with_first = |n: usize| {
        let rest = [&of[..n], &of[n + 1..]].concat();
        permutations(&rest).into_iter().map(move |tail| [&[of[n]], &*tail].concat())
    };
    (0..of.len()).flat_map(with_first).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn removal_effects_are_those_of_every_walk(rows in ascending_rows(), order in 1_usize..4) {
        let found = removal_effects(&journeys(&rows), order).unwrap();
        let whole = walked(&rows, order, &mut Vec::new(), None);
        prop_assert!(near(found.total, whole), "{} {whole}", found.total);
        for it in &found.each {
            let without = walked(&rows, order, &mut Vec::new(), Some(number(&it.channel)));
            let effect = if whole > 0.0 { 1.0 - without / whole } else { 0.0 };
            prop_assert!(near(it.worth, effect), "{it:?} {effect}");
        }
    }

    #[test]
    fn removal_effects_are_those_of_what_flows(rows in rows(), order in 1_usize..4) {
        let found = removal_effects(&journeys(&rows), order).unwrap();
        let whole = flowed(&rows, order, None);
        prop_assert!(near(found.total, whole), "{} {whole}", found.total);
        let all: u64 = rows.iter().map(|row| row.1 + row.2).sum();
        let converted: u64 = rows.iter().map(|row| row.1).sum();
        prop_assert!(near(found.total, converted as f64 / all.max(1) as f64));
        for it in &found.each {
            let without = flowed(&rows, order, Some(number(&it.channel)));
            let effect = if whole > 0.0 { 1.0 - without / whole } else { 0.0 };
            prop_assert!(near(it.worth, effect), "{it:?} {effect}");
        }
        let shares: f64 = found.each.iter().map(|it| it.share).sum();
        prop_assert!(shares == 0.0 || near(shares, 1.0));
    }

    #[test]
    fn shapley_values_are_the_mean_over_all_orders(rows in rows()) {
        let journeys = journeys(&rows);
        let channels: Vec<u8> = journeys.channels().into_iter().map(number).collect();
        for worth in [Worth::Conversions, Worth::Rate] {
            for it in shapley(&journeys, worth).unwrap().each {
                let expected = averaged(&rows, &channels, number(&it.channel), worth);
                prop_assert!(near(it.worth, expected), "{worth:?} {it:?} {expected}");
            }
        }
    }

    #[test]
    fn the_order_of_journeys_changes_no_bit(rows in rows(), turn: usize) {
        let mut other = rows.clone();
        other.rotate_left(turn % rows.len());
        let (one, other) = (journeys(&rows), journeys(&other));
        prop_assert_eq!(removal_effects(&one, 2).unwrap(), removal_effects(&other, 2).unwrap());
        prop_assert_eq!(shapley(&one, Worth::Conversions).unwrap(), shapley(&other, Worth::Conversions).unwrap());
        prop_assert_eq!(shapley(&one, Worth::Rate).unwrap(), shapley(&other, Worth::Rate).unwrap());
    }

    #[test]
    fn totals_are_divided_exactly(rows in rows(), minor: i64) {
        let value = crate::money::Money::from_minor(minor, crate::money::Currency::USD);
        let found = [removal_effects(&journeys(&rows), 1).unwrap(), shapley(&journeys(&rows), Worth::Rate).unwrap()];
        for shares in found {
            let credits = shares.weights().split(value);
            let each: i128 = credits.each().iter().map(|minor| i128::from(*minor)).sum();
            prop_assert_eq!(each + i128::from(credits.unattributed().minor()), i128::from(minor));
        }
    }
}

#[test]
fn bounds_are_refused_by_name() {
    let first = |error: crate::Error| (error.reasons()[0].field.clone(), error.reasons()[0].code.clone());
    let refusal = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    let mut journeys = Journeys::default();
    let name = |n: usize| MarketingChannel::new(&format!("c{n:05}")).unwrap();
    for n in 0..=SHAPLEY_CHANNELS_MAX {
        journeys.add([name(n)], 1, 1).unwrap();
    }
    assert_eq!(first(shapley(&journeys, Worth::Rate).unwrap_err()), refusal("channels", "too_many"));
    assert!(shapley(&journeys, Worth::Conversions).is_ok());
    for order in [0, MARKOV_ORDER_MAX + 1] {
        assert_eq!(first(removal_effects(&journeys, order).unwrap_err()), refusal("order", "out_of_range"));
    }
    for n in 0..=MARKOV_STATES_MAX {
        journeys.add([name(n)], 0, 1).unwrap();
    }
    assert_eq!(first(removal_effects(&journeys, 1).unwrap_err()), refusal("states", "too_many"));
    let before = journeys.nulls();
    assert_eq!(first(journeys.add([name(0)], 0, JOURNEYS_MAX).unwrap_err()), refusal("journeys", "too_many"));
    assert_eq!(journeys.nulls(), before);
    let long = std::iter::repeat_n(name(0), crate::attribution::PATH_TOUCHES_MAX + 1);
    let refused = journeys.add(long, 0, JOURNEYS_MAX).unwrap_err();
    assert_eq!(
        refused.reasons().iter().map(|it| it.field.as_str()).collect::<Vec<_>>(),
        ["journeys", "touches"]
    );
}

#[test]
fn without_journeys_nothing_is_worth_anything() {
    let none = Journeys::default();
    assert_eq!(removal_effects(&none, 1).unwrap(), ChannelShares { total: 0.0, each: vec![] });
    let lost = journeys(&[(vec![0], 0, 5)]);
    assert_eq!(removal_effects(&lost, 1).unwrap().each[0].share, 0.0);
    assert!(removal_effects(&lost, 1).unwrap().weights().each().is_empty());
}
