//! 5,000 decisions under 50 and under 500 rules over real ZIP codes, against the answers that another program gives.

use std::collections::BTreeMap;
use std::path::Path;

use convio_core::postal::PostalCode;
use convio_core::routing::{RoutingRequest, Rule, RuleSet, RuleTable, Target};
use convio_core::text::{Product, State};
use serde::Deserialize;

#[derive(Deserialize)]
struct FileRule {
    id: String,
    priority: i32,
    active: bool,
    products: Vec<String>,
    zip_exact: Vec<String>,
    zip_prefix: Vec<String>,
    zip_range: Option<(String, String)>,
    states: Vec<String>,
    provider: String,
}

impl FileRule {
    fn rule(self) -> Rule {
        let rule = Rule::to(Target::team(self.provider)).named(self.id).priority(self.priority);
        let rule = match self.products.is_empty() {
            true => rule.any_product(),
            false => rule.products(self.products),
        };
        let mut zips = self.zip_exact;
        zips.extend(self.zip_prefix.iter().map(|prefix| format!("{prefix}*")));
        zips.extend(self.zip_range.map(|(from, to)| format!("{from}..{to}")));
        let rule = if zips.is_empty() { rule.any_zip() } else { rule.zips(zips) };
        let rule = if self.states.is_empty() { rule } else { rule.states(self.states) };
        if self.active { rule } else { rule.inactive() }
    }
}

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/routing").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of a file without quotes, beyond its heading.
fn rows<const N: usize>(text: &str) -> impl Iterator<Item = [&str; N]> {
    text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        cells.try_into().unwrap_or_else(|cells| panic!("{cells:?} are not {N}"))
    })
}

fn decisions_are_as_expected(size: usize) -> usize {
    let rules: Vec<FileRule> = serde_json::from_str(&file(&format!("rules_{size}.json"))).unwrap();
    // By priority, then by id: in the order of the file, which is that of the ids.
    assert!(rules.is_sorted_by_key(|rule| rule.id.clone()) && rules.len() == size);
    let rules = RuleSet::publish(1, rules.into_iter().map(FileRule::rule)).unwrap();
    let table = RuleTable::new(rules);
    let expected = file(&format!("expected_{size}.csv"));
    let expected: BTreeMap<&str, (&str, &str)> =
        rows(&expected).map(|[id, rule, provider]| (id, (rule, provider))).collect();
    let requests = file("appointments.csv");
    let mut routed = 0;
    let mut asked = 0;
    for [id, product, zip, state] in rows(&requests) {
        let request = RoutingRequest {
            product: Product::new(product).ok(),
            postal_code: PostalCode::parse(zip).ok(),
            state: State::new(state).ok(),
            ..Default::default()
        };
        let decision = table.decide(&request);
        let (rule, provider) = expected[id];
        assert_eq!(decision.rule.as_deref().unwrap_or_default(), rule, "{id}");
        let target = (!provider.is_empty()).then(|| Target::team(provider));
        assert_eq!(decision.target, target, "{id}");
        assert_eq!(table.rules().decide(&request), decision, "{id}");
        routed += usize::from(target.is_some());
        asked += 1;
    }
    assert_eq!(asked, 5_000);
    routed
}

#[test]
fn all_decisions_of_50_rules_are_as_expected() {
    assert_eq!(decisions_are_as_expected(50), 189);
}

#[test]
fn all_decisions_of_500_rules_are_as_expected() {
    assert_eq!(decisions_are_as_expected(500), 5_000);
}
