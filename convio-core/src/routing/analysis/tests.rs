//! Analyses are held against all requests there are, tried one by one.
//!
//! Of each thing that requests have there are many values; those for which the same of the tests that the rules can make hold are
//! alike, so one of each is tried. They are found by trying, too, not by what the analysis knows of them.

mod codes;
mod fields;
mod names;
mod places;
mod sentences;
mod sets;
mod windows;

use std::collections::{BTreeSet, HashMap};

use super::{Analysis, Finding, Territory, Universe, analyse};
use crate::Product;
use crate::routing::table::tests::nested;
use crate::routing::{Condition, RoutingRequest, Rule, RuleSet};

/// What trying all requests says.
#[derive(Debug, Default, PartialEq)]
struct Told {
    never: BTreeSet<String>,
    unreachable: BTreeSet<String>,
    overlaps: BTreeSet<(String, String)>,
    gaps: BTreeSet<(String, Territory)>,
}

/// Values of which the tests can tell every two apart.
fn apart<T>(values: impl IntoIterator<Item = T>, tests: impl Fn(&T) -> Vec<bool>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    values.into_iter().filter(|value| seen.insert(tests(value))).collect()
}

fn holding(tests: &[Condition], request: &RoutingRequest) -> Vec<bool> {
    tests.iter().map(|test| test.holds(request)).collect()
}

fn is_in(request: &RoutingRequest, territory: &Territory) -> bool {
    match territory {
        Territory::Zips(pattern) => request.postal_code.as_ref().is_some_and(|code| pattern.holds(code)),
        Territory::State(state) => request.state.as_ref() == Some(state),
        Territory::Anywhere => true,
    }
}

/// The places of the rules that match.
fn matching(tried: &[&Rule], request: &RoutingRequest) -> Vec<usize> {
    (0..tried.len()).filter(|at| tried[*at].first_failure(request).is_none()).collect()
}

fn tried(rules: &RuleSet) -> Vec<&Rule> {
    let mut tried: Vec<&Rule> = rules.rules.iter().filter(|rule| rule.active).collect();
    tried.sort_by_key(|rule| rule.priority);
    tried
}

/// Per request the places of the rules that match.
type Matching = Vec<Vec<usize>>;

fn told_by_trying(
    tried: &[&Rule],
    universe: &Universe<'_>,
    requests: &[RoutingRequest],
    matching: &Matching,
) -> Told {
    let mut told = Told::default();
    let (mut holds, mut reached) = (vec![false; tried.len()], vec![false; tried.len()]);
    let mut overlaps = BTreeSet::new();
    for (request, matching) in requests.iter().zip(matching) {
        matching.iter().for_each(|at| holds[*at] = true);
        // A rule with a cap may make way for the next.
        for (n, first) in matching.iter().enumerate() {
            reached[*first] = true;
            let rule = tried[*first];
            let decides = |it: &Rule| it.priority == rule.priority && it.to != rule.to;
            let others = &matching[n + 1..];
            overlaps.extend(others.iter().filter(|at| decides(tried[**at])).map(|at| (*first, *at)));
            if rule.caps.is_empty() {
                break;
            }
        }
        if !matching.is_empty() {
            continue;
        }
        if let Some(product) = request.product.as_ref().filter(|it| universe.products.contains(it)) {
            for place in universe.territories.iter().filter(|it| is_in(request, it)) {
                told.gaps.insert((product.key().to_owned(), place.clone()));
            }
        }
    }
    let name = |at: usize| tried[at].name.clone();
    told.never = (0..tried.len()).filter(|at| !holds[*at]).map(name).collect();
    told.unreachable = (0..tried.len()).filter(|at| holds[*at] && !reached[*at]).map(name).collect();
    told.overlaps = overlaps.into_iter().map(|(first, other)| (name(first), name(other))).collect();
    told
}

/// What the analysis says, after its witnesses were tried.
fn told_by(analysis: &Analysis, tried: &[&Rule], all: &Matching) -> Told {
    assert_eq!(analysis.undecided, []);
    let by_name: HashMap<&str, &Rule> = tried.iter().map(|rule| (rule.name.as_str(), *rule)).collect();
    let place = |name: &str| tried.iter().position(|rule| rule.name == name).unwrap();
    // Those who may get a request: up to the first without a cap.
    let winners = |request: &RoutingRequest| {
        let mut matching = matching(tried, request);
        let last = matching.iter().position(|at| tried[*at].caps.is_empty()).unwrap_or(matching.len());
        matching.truncate(last + 1);
        matching.into_iter().map(|at| tried[at].name.clone()).collect::<Vec<_>>()
    };
    let matches = |name: &str, request: &RoutingRequest| by_name[name].first_failure(request).is_none();
    let mut told = Told::default();
    for finding in &analysis.findings {
        let is_new = match finding {
            Finding::NeverHolds { rule } => told.never.insert(rule.clone()),
            Finding::Unreachable { rule, taken_by, more, witness } => {
                assert_eq!(*more, 0);
                let by: Vec<usize> = taken_by.iter().map(|by| place(by)).collect();
                let at = place(rule);
                assert!(by.iter().all(|by| *by < at), "{finding}");
                assert!(matches(rule, witness) && !winners(witness).contains(rule), "{finding}");
                assert!(by.iter().all(|by| tried[*by].caps.is_empty()), "{finding}");
                for matching in all.iter().filter(|matching| matching.contains(&at)) {
                    assert!(matching.iter().any(|at| by.contains(at)), "{finding}");
                }
                told.unreachable.insert(rule.clone())
            }
            Finding::Overlap { first, second, witness, first_to, second_to } => {
                assert!(winners(witness).contains(first), "{finding}");
                assert!(matches(second, witness) && by_name[first.as_str()].to[0].target == first_to[0]);
                assert!(by_name[second.as_str()].to[0].target == second_to[0]);
                told.overlaps.insert((first.clone(), second.clone()))
            }
            Finding::Gap { product, territories, more, witness } => {
                assert_eq!((*more, winners(witness)), (0, vec![]), "{finding}");
                assert!(
                    witness.product.as_ref() == Some(product) && is_in(witness, &territories[0]),
                    "{finding}"
                );
                let key = product.key();
                territories.iter().all(|place| told.gaps.insert((key.to_owned(), place.clone())))
            }
            other => panic!("{other}"),
        };
        assert!(is_new, "twice: {finding}");
    }
    told
}

/// Both say the same.
fn check(rules: Vec<Rule>, universe: &Universe<'_>, requests: &[RoutingRequest]) {
    let rules = RuleSet::publish(1, rules).unwrap();
    let analysis = analyse(&rules, universe);
    let tried = tried(&rules);
    let all: Matching = requests.iter().map(|request| matching(&tried, request)).collect();
    let expected = told_by_trying(&tried, universe, requests, &all);
    assert_eq!(told_by(&analysis, &tried, &all), expected, "{rules:#?}");
    let kept = serde_json::to_string(&analysis).unwrap();
    assert_eq!(serde_json::from_str::<Analysis>(&kept).unwrap(), analysis);
}

fn product(name: &str) -> Product {
    Product::new(name).unwrap()
}
