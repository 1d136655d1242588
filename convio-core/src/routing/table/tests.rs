use chrono::{DateTime, Utc, Weekday};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{AnyOf, Condition, FailedAt, Moment, Target, Window};
use super::*;
use crate::{Campaign, LeadType, Money, PostalCode, Product, Source, State};

const PRODUCTS: [&str; 4] = ["Solar", "Roof", "HVAC", "Gutters"];
const STATES: [&str; 3] = ["CA", "NY", "TX"];
const SOURCES: [&str; 3] = ["Google", "Meta", "Fax"];
const AREA_CODES: [&str; 3] = ["212", "310", "787"];
const NAMES: [&str; 3] = ["a", "b", "c"];
/// What rules ask for and requests come with: few enough that they meet.
const ZIPS: [&str; 7] = ["90210", "90211", "90210-1234", "00501", "SW1A 1AA", "902", "9021"];

fn some_of(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(of, 1..of.len())
}

fn zip_pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(&ZIPS[..]).prop_map(str::to_owned),
        2 => "9|90|902|9021|00|S|SW1|SW1A1|[0-9]".prop_map(|prefix| format!("{prefix}*")),
        2 => ("[09][0-9]{0,4}", "[09][0-9]{0,4}").prop_filter_map("lengths", |(a, b)| {
            let len = a.len().min(b.len());
            let (a, b) = (&a[..len], &b[..len]);
            Some(format!("{}..{}", a.min(b), a.max(b)))
        }),
        1 => ("[0-9A-Z]{5}", "[0-9A-Z]{5}").prop_map(|(a, b)| format!("{}..{}", a.clone().min(b.clone()), a.max(b))),
        1 => Just("SW1A..SW2Z".to_owned()),
    ]
}

fn window() -> impl Strategy<Value = Condition> {
    let zones = prop::sample::select(&["America/New_York", "Europe/London", "UTC"][..]);
    let days = prop::sample::subsequence(&[Weekday::Mon, Weekday::Tue, Weekday::Sat, Weekday::Sun][..], 1..4);
    (any::<bool>(), days, 0_u16..1440, 1_u16..=1440, zones).prop_map(|(start, days, from, to, zone)| {
        let moment = if start { Moment::Start } else { Moment::Now };
        Condition::during(Window::on(moment, days, zone.parse().unwrap()).minutes(from, to))
    })
}

/// Conditions made of others, with "all", "either" and "not": some `size` in each, of which one has so `many` parts.
pub(in crate::routing) fn nested(
    leaf: impl Strategy<Value = Condition> + 'static,
    size: u32,
    many: std::ops::Range<usize>,
) -> impl Strategy<Value = Condition> {
    leaf.prop_recursive(3, size, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), many.clone()).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), many.clone()).prop_map(Condition::Either),
            inner.prop_map(|condition| !condition),
        ]
    })
}

pub(in crate::routing) fn condition() -> impl Strategy<Value = Condition> {
    let money = |minor: i64| Money::from_minor(minor, "USD".parse().unwrap());
    let leaf = prop_oneof![
        some_of(&PRODUCTS).prop_map(Condition::products),
        prop::collection::vec(zip_pattern(), 1..3).prop_map(Condition::zips),
        some_of(&STATES).prop_map(Condition::states),
        some_of(&SOURCES).prop_map(Condition::sources),
        some_of(&NAMES).prop_map(Condition::campaigns),
        some_of(&NAMES).prop_map(Condition::lead_types),
        some_of(&AREA_CODES).prop_map(Condition::area_codes),
        some_of(&NAMES).prop_map(|of| Condition::field("roof", of)),
        Just(Condition::field_present("roof")),
        (0_i64..5, 0_i64..5).prop_map(|(a, b)| Condition::field_between("bill", a, b)),
        (prop::option::of(0_i64..5), prop::option::of(0_i64..5)).prop_map(move |(least, below)| {
            Condition::Value { at_least: least.map(money), below: below.map(money) }
        }),
        Just(Condition::Consent),
        Just(Condition::Always),
        window(),
    ];
    nested(leaf, 8, 0..3)
}

pub(in crate::routing) fn rule() -> impl Strategy<Value = Rule> {
    let asks = (
        prop::option::of(some_of(&PRODUCTS)),
        prop::option::of(prop::collection::vec(zip_pattern(), 1..4)),
        prop::option::weighted(0.3, some_of(&STATES)),
        prop::option::weighted(0.2, some_of(&SOURCES)),
        prop::option::weighted(0.4, condition()),
    );
    (asks, 0..3_i32, prop::bool::weighted(0.9)).prop_map(
        |((products, zips, states, sources, when), priority, active)| {
            let rule = Rule::to(Target::team("t")).priority(priority);
            let rule = match products {
                Some(products) => rule.products(products),
                None => rule.any_product(),
            };
            let rule = match zips {
                Some(zips) => rule.zips(zips),
                None => rule.any_zip(),
            };
            let rule = match states {
                Some(states) => rule.states(states),
                None => rule,
            };
            let rule = match sources {
                Some(sources) => rule.sources(sources),
                None => rule,
            };
            let rule = rule.when(when.unwrap_or_default());
            if active { rule } else { rule.inactive() }
        },
    )
}

pub(in crate::routing) fn request() -> impl Strategy<Value = RoutingRequest> {
    let pick = |of: &'static [&'static str]| prop::option::of(prop::sample::select(of));
    let zips = prop::option::of(prop_oneof![
        prop::sample::select(&ZIPS[..]).prop_map(str::to_owned),
        "9[0-9]{4}|0050[0-9]|SW1[A-C] ?[0-9]AA|[0-9A-Z]{1,12}"
    ]);
    let custom = (
        prop::option::of(prop_oneof![
            Just(json!(" B ")),
            Just(json!("")),
            Just(json!(null)),
            Just(json!([1]))
        ]),
        prop::option::of(prop_oneof![
            Just(json!(3)),
            Just(json!("2")),
            Just(json!(2.5)),
            Just(json!("many"))
        ]),
        prop::option::of(prop_oneof![Just(json!(true)), Just(json!("no")), Just(json!("https://cert"))]),
    );
    // Some days around a change of clocks.
    let time = (0_i64..14 * 24 * 60)
        .prop_map(|minute| DateTime::<Utc>::from_timestamp(1_772_409_600 + minute * 60, 0).unwrap());
    let names =
        (pick(&PRODUCTS), pick(&STATES), pick(&SOURCES), pick(&NAMES), pick(&NAMES), pick(&AREA_CODES));
    let value = prop::option::of((0_i64..5, any::<bool>()));
    (names, zips, custom, value, time.clone(), prop::option::of(time)).prop_map(
        |(
            (product, state, source, campaign, lead_type, area_code),
            zip,
            (roof, bill, consent),
            value,
            at,
            starts_at,
        )| {
            let mut custom = Map::new();
            for (name, field) in [("roof", roof), ("bill", bill), ("TCPA Consent", consent)] {
                custom.extend(field.map(|field: Value| (name.to_owned(), field)));
            }
            RoutingRequest {
                product: product.map(|name| Product::new(name).unwrap()),
                postal_code: zip.map(|zip| PostalCode::parse(&zip).unwrap()),
                state: state.map(|name| State::new(name).unwrap()),
                source: source.map(|name| Source::new(name).unwrap()),
                campaign: campaign.map(|name| Campaign::new(name).unwrap()),
                lead_type: lead_type.map(|name| LeadType::new(name).unwrap()),
                area_code: area_code.map(|code| code.parse().unwrap()),
                custom: custom.into(),
                value: value.map(|(minor, euro)| {
                    Money::from_minor(minor, if euro { "EUR" } else { "USD" }.parse().unwrap())
                }),
                at,
                starts_at,
                ..Default::default()
            }
        },
    )
}

/// What [`RuleSet::decide`] says is written out once more, so that it is not the measure of itself.
fn naive<'r>(rules: &'r RuleSet, request: &RoutingRequest) -> Vec<&'r Rule> {
    let mut matching: Vec<(i32, usize, &Rule)> = Vec::new();
    for (n, rule) in rules.rules.iter().enumerate() {
        let holds = |set: &AnyOf, key: Option<&str>| match set {
            AnyOf::Any => true,
            AnyOf::Of(set) => set.iter().any(|name| Some(name) == key),
        };
        if rule.active
            && holds(&rule.products, request.product.as_ref().map(Product::key))
            && holds(&rule.states, request.state.as_ref().map(State::key))
            && holds(&rule.sources, request.source.as_ref().map(Source::key))
            && rule.zips.holds(request.postal_code.as_ref())
            && rule.when.holds(request)
        {
            matching.push((rule.priority, n, rule));
        }
    }
    matching.sort_by_key(|(priority, n, _)| (*priority, *n));
    matching.into_iter().map(|(_, _, rule)| rule).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_table_answers_what_trying_rule_after_rule_does(
        rules in prop::collection::vec(rule(), 0..40), requests in prop::collection::vec(request(), 1..12)
    ) {
        let rules = RuleSet::publish(3, rules).unwrap();
        let table = RuleTable::new(rules.clone());
        for request in &requests {
            let expected = naive(&rules, request);
            prop_assert_eq!(table.matching(request).collect::<Vec<_>>(), expected.clone(), "{:?}", request);
            prop_assert_eq!(table.find(request), expected.first().copied());
            let decision = rules.decide(request);
            prop_assert_eq!(decision.rule.as_ref(), expected.first().map(|rule| &rule.name));
            let before = decision.failed.len() as u64 + decision.failed_more;
            prop_assert!(before < rules.rules.len() as u64 + u64::from(decision.rule.is_none()));
            prop_assert_eq!(table.decide(request), decision);
        }
    }

    #[test]
    fn rules_are_read_as_they_are_kept(rules in prop::collection::vec(rule(), 0..8)) {
        let rules = RuleSet::publish(1, rules).unwrap();
        let kept = serde_json::to_value(&rules).unwrap();
        prop_assert_eq!(serde_json::from_value::<RuleSet>(kept).unwrap(), rules);
    }
}

/// Few codes with many products, and rules by the hundred: what does not fit into a chain is found all the same.
#[test]
fn more_lists_than_a_chain_has() {
    let products: Vec<String> = (0..400).map(|n| format!("p{n}")).collect();
    let asked = ["90210", "90211", "9021*", "902*", "90*", "9*", "90200..90215", "90210-1234"];
    let rule = |n: usize| {
        let (product, zip) = (&products[n * 7 % products.len()], asked[n * 5 % asked.len()]);
        let rule = Rule::to(Target::team(format!("t{n}"))).products([product]).priority((n % 13) as i32);
        if n.is_multiple_of(11) { rule.states(["CA"]) } else { rule.zips([zip]) }
    };
    for count in [60, 70, 500, 3_000] {
        let rules = RuleSet::publish(1, (0..count).map(rule)).unwrap();
        let table = RuleTable::new(rules.clone());
        for (n, product) in products.iter().enumerate() {
            let zip = ["90210", "90211", "90219", "90111", "90210-1234", "9021"][n % 6];
            let request = RoutingRequest {
                product: Product::new(product).ok(),
                postal_code: PostalCode::parse(zip).ok(),
                state: State::new("CA").ok(),
                ..Default::default()
            };
            assert_eq!(
                table.matching(&request).collect::<Vec<_>>(),
                naive(&rules, &request),
                "{product} {zip}"
            );
        }
    }
}

/// Sixty-three states have a bit of their own; those beyond are still told apart.
#[test]
fn more_names_than_there_are_bits() {
    let names: Vec<String> = (0..200).map(|n| format!("s{n}")).collect();
    let rules = names
        .iter()
        .map(|name| Rule::to(Target::team(name)).any_product().zips(["1*"]).states([name]).sources([name]));
    let table = RuleTable::new(RuleSet::publish(1, rules).unwrap());
    for (n, name) in names.iter().enumerate() {
        let other = &names[(n + 1) % names.len()];
        let ask = |state: &str, source: &str| RoutingRequest {
            postal_code: PostalCode::parse("12345").ok(),
            state: State::new(state).ok(),
            source: Source::new(source).ok(),
            ..Default::default()
        };
        let found = table.find(&ask(name, name)).map(|rule| rule.to[0].target.clone());
        assert_eq!(found, Some(Target::team(name)));
        assert_eq!(table.find(&ask(name, other)), None);
        assert_eq!(table.find(&ask(other, name)), None);
    }
    assert_eq!(table.find(&RoutingRequest::default()), None);
}

#[test]
fn a_decision_names_the_first_rules_that_failed_and_counts_the_rest() {
    let rule = |n: usize| Rule::to(Target::team("a")).named(format!("r{n}")).products(["Roof"]).any_zip();
    let rules = (0..30).map(rule).chain([Rule::to(Target::team("b")).any_product().any_zip()]);
    let table = RuleTable::new(RuleSet::publish(1, rules).unwrap());
    let decision = table.decide(&RoutingRequest::default());
    assert_eq!((decision.failed.len(), decision.failed_more), (20, 10));
    assert_eq!(decision.failed[19], ("r19".to_owned(), FailedAt::Products));
    assert!(decision.explain().ends_with("`r19` failed at products, and 10 more did not match"));
}
