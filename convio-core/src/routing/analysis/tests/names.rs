use std::sync::LazyLock;

use proptest::prelude::*;

use super::{Territory, Universe, apart, check, holding, nested, product};
use crate::phone::AreaCode;
use crate::routing::{Condition, RoutingRequest, Rule, Target};
use crate::{Campaign, LeadType, Source, State};

const NAMES: [&str; 3] = ["a", "b", "c"];
const AREA_CODES: [&str; 4] = ["212", "310", "787", "999"];

/// One request of each kind that the rules tell apart.
static REQUESTS: LazyLock<Vec<RoutingRequest>> = LazyLock::new(|| {
    let names = || [None].into_iter().chain(["a", "b", "c", "x"].map(Some));
    let codes = (200..1_000).map(|code| Some(code.to_string().parse::<AreaCode>().unwrap()));
    let tests = AREA_CODES.map(|code| Condition::area_codes([code]));
    let codes = apart([None].into_iter().chain(codes), |code| {
        holding(&tests, &RoutingRequest { area_code: *code, ..Default::default() })
    });
    assert_eq!(codes.len(), 1 + AREA_CODES.len());
    let mut requests = Vec::new();
    for source in names() {
        for (campaign, lead_type) in names().flat_map(|campaign| names().map(move |kind| (campaign, kind))) {
            requests.extend(codes.iter().map(|code| RoutingRequest {
                product: Some(product("solar")),
                state: State::new("CA").ok(),
                source: source.and_then(|name| Source::new(name).ok()),
                campaign: campaign.and_then(|name| Campaign::new(name).ok()),
                lead_type: lead_type.and_then(|name| LeadType::new(name).ok()),
                area_code: *code,
                ..Default::default()
            }));
        }
    }
    requests
});

fn some_of(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(of, 1..=of.len())
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        4 => some_of(&AREA_CODES).prop_map(Condition::area_codes),
        1 => some_of(&NAMES).prop_map(Condition::sources),
        1 => some_of(&NAMES).prop_map(Condition::campaigns),
        1 => some_of(&NAMES).prop_map(Condition::lead_types),
    ];
    nested(leaf, 8, 1..4)
}

fn rule() -> impl Strategy<Value = Rule> {
    let target = prop::sample::select(&["x", "y", "z"][..]);
    (condition(), prop::option::weighted(0.2, some_of(&NAMES)), 0..2_i32, target).prop_map(
        |(when, sources, priority, target)| {
            let rule = Rule::to(Target::team(target)).any_product().any_zip().priority(priority).when(when);
            match sources {
                Some(sources) => rule.sources(sources),
                None => rule,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn sources_campaigns_types_and_area_codes(rules in prop::collection::vec(rule(), 1..7)) {
        let universe = Universe {
            products: vec![product("solar")],
            territories: vec![Territory::Anywhere, Territory::State(State::new("CA").unwrap())],
            from: "2026-01-01T00:00:00Z".parse().unwrap(),
            existing: None,
            targets: None,
        };
        check(rules, &universe, &REQUESTS);
    }
}
