//! The values of names, amounts and custom fields of which, for every value there is, one passes the same tests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::{Condition, FieldTest, RoutingRequest, TextSet};
use super::axis::{Axis, Is};
use crate::money::{Currency, Money};
use crate::phone::AreaCode;
use crate::text::Product;

/// Names: every one that is asked for, and none, which no set holds for either than any other. The second answer has the atom of every
/// name that some request can have.
pub(super) fn names<'r>(
    sets: &[&'r TextSet],
    also: impl Iterator<Item = &'r str>,
) -> (Axis, BTreeMap<&'r str, u32>) {
    // A name may be longer than that of any request; all kinds of names have the same bound.
    texts(sets, also, |name| Product::new(name).is_ok_and(|it| it.key() == name))
}

/// Area codes: every one that is asked for, and none, likewise. Rules that were published have no other texts.
pub(super) fn area_codes(sets: &[&TextSet]) -> Axis {
    texts(sets, std::iter::empty(), |code| code.parse::<AreaCode>().is_ok()).0
}

/// The texts that some request can have.
fn texts<'r>(
    sets: &[&'r TextSet],
    also: impl Iterator<Item = &'r str>,
    can_be: impl Fn(&str) -> bool,
) -> (Axis, BTreeMap<&'r str, u32>) {
    let mut known: BTreeMap<&str, Vec<u32>> = also.map(|name| (name, Vec::new())).collect();
    for (n, set) in (0..).zip(sets) {
        set.iter().for_each(|name| known.entry(name).or_default().push(n));
    }
    known.retain(|name, _| can_be(name));
    let names: Vec<&str> = known.keys().copied().collect();
    let values = known.into_iter().map(|(name, sets)| (Is::Name(name.into()), sets));
    let (axis, atoms) = Axis::of([(Is::Missing, Vec::new())].into_iter().chain(values), sets.len());
    (axis, names.into_iter().zip(atoms.into_iter().skip(1)).collect())
}

/// Amounts: none, and per currency that is asked for one of each piece between the bounds; one of another currency.
pub(super) fn amounts(tests: &[&Condition]) -> Axis {
    let mut cuts: BTreeMap<Currency, BTreeSet<i64>> = BTreeMap::new();
    for test in tests {
        if let Condition::Value { at_least, below } = test {
            for bound in [at_least, below].into_iter().flatten() {
                cuts.entry(bound.currency()).or_insert_with(|| [i64::MIN].into()).insert(bound.minor());
            }
        }
    }
    let mut values = Vec::new();
    values.extend(other_currency(&cuts).map(Money::zero));
    for (currency, cuts) in &cuts {
        values.extend(pieces(cuts).map(|(least, most)| Money::from_minor(0.clamp(least, most), *currency)));
    }
    let values = values.into_iter().map(|value| {
        let request = RoutingRequest { value: Some(value), ..Default::default() };
        (Is::Money(value), holding(tests, &request))
    });
    Axis::of([(Is::Missing, Vec::new())].into_iter().chain(values), tests.len()).0
}

fn other_currency(asked: &BTreeMap<Currency, BTreeSet<i64>>) -> Option<Currency> {
    let letters = || 'A'..='Z';
    let codes =
        letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))));
    let codes = ["USD", "EUR"].map(str::to_owned).into_iter().chain(codes);
    codes.filter_map(|code| code.parse().ok()).find(|currency| !asked.contains_key(currency))
}

/// A custom field: missing; every text that is asked for, and those that deny a consent; of each piece between the bounds of
/// numbers one, written as no such text; any other text.
pub(super) fn field(name: &str, tests: &[&Condition]) -> Axis {
    let mut texts: BTreeSet<&str> = BTreeSet::new();
    let mut cuts: BTreeSet<i64> = BTreeSet::new();
    for test in tests {
        match test {
            Condition::Field { is: FieldTest::OneOf(set), .. } => texts.extend(set.iter()),
            Condition::Field { is: FieldTest::Between(least, most), .. } => {
                cuts.extend([i64::MIN, *least].into_iter().chain(most.checked_add(1)));
            }
            Condition::Consent => texts.extend(DENIALS),
            _ => {}
        }
    }
    let other = (1..).map(|n| if n == 1 { "other".to_owned() } else { format!("other {n}") });
    let other = other.into_iter().find(|text| !texts.contains(text.as_str()));
    let numbers = pieces(&cuts).filter_map(|(least, most)| {
        let plain = [0.clamp(least, most), least, most].into_iter().map(|n| n.to_string());
        let sign = if most < 0 { "-" } else { "" };
        let number = 0_i64.clamp(least, most).unsigned_abs();
        let padded = (1..).map(|zeros| format!("{sign}{}{number}", "0".repeat(zeros)));
        plain.chain(padded).find(|text| !texts.contains(text.as_str()))
    });
    let mentioned = texts.iter().map(|text| (*text).to_owned());
    let values = other.into_iter().chain(mentioned).chain(numbers).map(|text| {
        let value = Value::String(text);
        let request = with_field(name, value.clone());
        (Is::Field(value), holding(tests, &request))
    });
    Axis::of([(Is::Missing, Vec::new())].into_iter().chain(values), tests.len()).0
}

/// Whether a custom field of this name can say that the person consents.
pub(super) fn is_consent(name: &str) -> bool {
    Condition::Consent.holds(&with_field(name, json!("yes")))
}

/// The name of a custom field that can say so, and that no rule names otherwise.
pub(super) fn other_consent(named: impl Fn(&str) -> bool) -> String {
    let mut name = "consent".to_owned();
    while named(&name) {
        name.push('_');
    }
    name
}

fn with_field(name: &str, value: Value) -> RoutingRequest {
    let mut custom = Map::new();
    custom.insert(name.to_owned(), value);
    RoutingRequest { custom: custom.into(), ..Default::default() }
}

fn holding(tests: &[&Condition], request: &RoutingRequest) -> Vec<u32> {
    (0..).zip(tests).filter(|(_, test)| test.holds(request)).map(|(n, _)| n).collect()
}

/// The pieces that begin at these numbers, each with its last.
fn pieces(cuts: &BTreeSet<i64>) -> impl Iterator<Item = (i64, i64)> {
    let ends = cuts.iter().skip(1).map(|next| next.saturating_sub(1)).chain([i64::MAX]);
    cuts.iter().copied().zip(ends)
}

/// The texts that [`Condition::Consent`] takes for a denial; the tests hold this list against it.
const DENIALS: [&str; 5] = ["false", "no", "0", "off", "n"];
