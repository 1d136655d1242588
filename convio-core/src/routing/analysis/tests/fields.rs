use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Territory, Universe, apart, check, holding, nested, product};
use crate::Money;
use crate::routing::{Condition, RoutingRequest, Rule, Target};

const OPT: &str = "Opt-In";

/// What rules ask of a field.
fn of_field(name: &str) -> Vec<Condition> {
    vec![
        Condition::field_present(name),
        Condition::field(name, ["2", "b"]),
        Condition::field(name, ["3", "no", "off"]),
        Condition::field_between(name, 2, 2),
        Condition::field_between(name, 0, 3),
        Condition::field_between(name, -1, -1),
        Condition::field_between(name, 5, 4),
        Condition::field_between(name, 3, i64::MAX),
    ]
}

fn of_values() -> Vec<Condition> {
    let money = |minor: i64, code: &str| Money::from_minor(minor, code.parse().unwrap());
    let value = |at_least, below| Condition::Value { at_least, below };
    vec![
        value(None, None),
        value(Some(money(1, "USD")), None),
        value(None, Some(money(1, "USD"))),
        value(Some(money(0, "USD")), Some(money(2, "USD"))),
        value(Some(money(2, "USD")), Some(money(2, "USD"))),
        value(Some(money(-3, "EUR")), None),
    ]
}

/// The fields of a request, of each kind that the rules tell apart.
static FIELDS: LazyLock<Vec<Map<String, Value>>> = LazyLock::new(|| {
    let mut all = vec![Map::new()];
    for name in ["bill", OPT, "tcpa"] {
        let mut tests = of_field(name);
        tests.push(Condition::Consent);
        let texts = [
            "", "b", "x", "no", "off", "n", "false", "2", "+2", "02", "3", "03", "-1", "-01", "-2", "0", "00",
        ];
        let numbers = ["1", "01", "4", "9223372036854775807", "9223372036854775808", "2.0"];
        let values = texts.into_iter().chain(numbers).map(|text| json!(text));
        let values = values.chain([json!(2), json!(true), json!(null), json!([1])]);
        let with = |value: &Value| RoutingRequest {
            custom: Map::from_iter([(name.to_owned(), value.clone())]).into(),
            ..Default::default()
        };
        let values = apart(values, |value| match name {
            // Rules ask for it by `Consent` only.
            "tcpa" => vec![Condition::Consent.holds(&with(value))],
            _ => holding(&tests, &with(value)),
        });
        all = all
            .iter()
            .flat_map(|map| {
                values.iter().map(|value| {
                    let mut map = map.clone();
                    map.insert(name.to_owned(), value.clone());
                    map
                })
            })
            .collect();
    }
    all
});

static REQUESTS: LazyLock<Vec<RoutingRequest>> = LazyLock::new(|| {
    let amounts = ["USD", "EUR", "JPY"]
        .into_iter()
        .flat_map(|code| (-5..5).map(move |minor| Some(Money::from_minor(minor, code.parse().unwrap()))));
    let of_value = |value: &Option<Money>| RoutingRequest { value: *value, ..Default::default() };
    let amounts = apart([None].into_iter().chain(amounts), |value| holding(&of_values(), &of_value(value)));
    let mut requests = Vec::new();
    for custom in FIELDS.iter() {
        for value in &amounts {
            requests.push(RoutingRequest {
                product: Some(product("solar")),
                custom: custom.clone().into(),
                ..of_value(value)
            });
        }
    }
    requests
});

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        2 => prop::sample::select(of_field("bill")),
        2 => prop::sample::select(of_field(OPT)),
        1 => prop::sample::select(of_values()),
        1 => Just(Condition::Consent),
    ];
    nested(leaf, 8, 1..4)
}

fn rule() -> impl Strategy<Value = Rule> {
    (condition(), 0..2_i32, prop::sample::select(&["x", "y", "z"][..])).prop_map(
        |(when, priority, target)| {
            Rule::to(Target::team(target)).any_product().any_zip().priority(priority).when(when)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn fields_amounts_and_consents(rules in prop::collection::vec(rule(), 1..6)) {
        let universe = Universe {
            products: vec![product("solar")],
            territories: vec![Territory::Anywhere],
            from: "2026-01-01T00:00:00Z".parse().unwrap(),
            existing: None,
            targets: None,
        };
        check(rules, &universe, &REQUESTS);
    }
}
