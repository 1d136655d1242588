use std::sync::LazyLock;

use proptest::prelude::*;

use super::{Territory, Universe, apart, check, holding, nested, product};
use crate::routing::{Cap, Condition, Period, RoutingRequest, Rule, Target};
use crate::{PostalCode, State};

const PRODUCTS: [&str; 3] = ["solar", "roof", "hvac"];
const STATES: [&str; 2] = ["ca", "ny"];
const PATTERNS: [&str; 17] = [
    "90210",
    "90211",
    "90510",
    "00501",
    "10001",
    "K1A",
    "90210-1234",
    "902*",
    "90*",
    "9*",
    "0*",
    "90210*",
    "00501..90210",
    "90210..90299",
    "9..A",
    "K1A..K1K",
    "1..2",
];

/// A code of each kind that the patterns tell apart.
static CODES: LazyLock<Vec<PostalCode>> = LazyLock::new(|| {
    let mut texts = vec![String::new()];
    let mut from = 0;
    for _ in 0..5 {
        let to = texts.len();
        for at in from..to {
            let text = texts[at].clone();
            texts.extend("01259AK".chars().map(|char| format!("{text}{char}")));
        }
        from = to;
    }
    let tails = ["", "A", "1234", "1235", "12345"];
    let texts = texts.iter().flat_map(|text| tails.map(|tail| format!("{text}{tail}")));
    let tests = PATTERNS.map(|pattern| Condition::zips([pattern]));
    let codes = texts.filter_map(|text| PostalCode::parse(&text).ok());
    apart(codes, |code| {
        holding(&tests, &RoutingRequest { postal_code: Some(code.clone()), ..Default::default() })
    })
});

static REQUESTS: LazyLock<Vec<RoutingRequest>> = LazyLock::new(|| {
    let mut requests = Vec::new();
    for product in [None, Some("windows")].into_iter().chain(PRODUCTS.map(Some)) {
        for state in [None].into_iter().chain(STATES.map(Some)) {
            for code in [None].into_iter().chain(CODES.iter().map(Some)) {
                requests.push(RoutingRequest {
                    product: product.map(super::product),
                    state: state.map(|name| State::new(name).unwrap()),
                    postal_code: code.cloned(),
                    ..Default::default()
                });
            }
        }
    }
    requests
});

fn some_of(of: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(of, 1..=most)
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        some_of(&PRODUCTS, 2).prop_map(Condition::products),
        some_of(&PATTERNS, 3).prop_map(Condition::zips),
        some_of(&STATES, 2).prop_map(Condition::states),
    ];
    nested(leaf, 10, 0..4)
}

fn rule() -> impl Strategy<Value = Rule> {
    let asks = (
        prop::option::weighted(0.7, some_of(&PRODUCTS, 3)),
        prop::option::weighted(0.7, some_of(&PATTERNS, 4)),
        prop::option::weighted(0.2, some_of(&STATES, 2)),
        prop::option::weighted(0.4, condition()),
    );
    let target = prop::sample::select(&["x", "y", "z"][..]);
    let cap = prop::option::of(condition())
        .prop_map(|when| Cap::count(1, Period::Day).when(when.unwrap_or_default()));
    let how = (0..3_i32, target, prop::bool::weighted(0.9), prop::option::weighted(0.15, cap));
    (asks, how).prop_map(|((products, zips, states, when), (priority, target, active, cap))| {
        let mut rule = Rule::to(Target::team(target)).priority(priority).when(when.unwrap_or_default());
        rule = match products {
            Some(products) => rule.products(products),
            None => rule.any_product(),
        };
        rule = match zips {
            Some(zips) => rule.zips(zips),
            None => rule.any_zip(),
        };
        if let Some(states) = states {
            rule = rule.states(states);
        }
        rule.caps.extend(cap);
        if active { rule } else { rule.inactive() }
    })
}

fn universe() -> impl Strategy<Value = Universe<'static>> {
    let products = prop::sample::subsequence(&["solar", "Roof", "windows"][..], 0..=3);
    let zips = some_of(&PATTERNS, 12);
    (products, zips, any::<bool>(), any::<bool>()).prop_map(|(products, zips, state, anywhere)| {
        let zips = zips.into_iter().map(|zip| Territory::Zips(zip.parse().unwrap()));
        let state = state.then(|| Territory::State(State::new("CA").unwrap()));
        Universe {
            products: products.into_iter().map(product).collect(),
            territories: zips.chain(state).chain(anywhere.then_some(Territory::Anywhere)).collect(),
            from: "2026-01-01T00:00:00Z".parse().unwrap(),
            existing: None,
            targets: None,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn products_and_places(rules in prop::collection::vec(rule(), 0..9), universe in universe()) {
        check(rules, &universe, &REQUESTS);
    }
}
