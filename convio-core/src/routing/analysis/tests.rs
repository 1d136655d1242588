//! Analyses are held against all requests there are, tried one by one.
//!
//! Of each thing that requests have there are many values; those for which the same of the tests that the rules can make hold are
//! alike, so one of each is tried. They are found by trying, too, not by what the analysis knows of them.

mod codes;
mod fields;
mod places;
mod sentences;
mod sets;
mod windows;

use std::collections::{BTreeSet, HashMap};

use super::{Analysis, Finding, Territory, Universe, analyse};
use crate::Product;
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

/// The rules that match, in the order in which they are tried.
fn matching<'r>(tried: &[&'r Rule], request: &RoutingRequest) -> Vec<&'r Rule> {
    tried.iter().copied().filter(|rule| rule.first_failure(request).is_none()).collect()
}

fn tried(rules: &RuleSet) -> Vec<&Rule> {
    let mut tried: Vec<&Rule> = rules.rules.iter().filter(|rule| rule.active).collect();
    tried.sort_by_key(|rule| rule.priority);
    tried
}

fn told_by_trying(rules: &RuleSet, universe: &Universe<'_>, requests: &[RoutingRequest]) -> Told {
    let tried = tried(rules);
    let mut told = Told { never: tried.iter().map(|rule| rule.name.clone()).collect(), ..Told::default() };
    let mut reached = BTreeSet::new();
    for request in requests {
        let matching = matching(&tried, request);
        for rule in &matching {
            told.never.remove(&rule.name);
            told.unreachable.insert(rule.name.clone());
        }
        if let Some((first, others)) = matching.split_first() {
            reached.insert(first.name.clone());
            let others =
                others.iter().filter(|it| it.priority == first.priority && it.target != first.target);
            told.overlaps.extend(others.map(|other| (first.name.clone(), other.name.clone())));
        } else if let Some(product) = request.product.as_ref().filter(|it| universe.products.contains(it)) {
            let places = universe.territories.iter().filter(|it| is_in(request, it));
            told.gaps.extend(places.map(|place| (product.key().to_owned(), place.clone())));
        }
    }
    told.unreachable.retain(|rule| !reached.contains(rule));
    told
}

/// What the analysis says, after its witnesses were tried.
fn told_by(analysis: &Analysis, rules: &RuleSet, requests: &[RoutingRequest]) -> Told {
    assert_eq!(analysis.undecided, []);
    let tried = tried(rules);
    let by_name: HashMap<&str, &Rule> = tried.iter().map(|rule| (rule.name.as_str(), *rule)).collect();
    let winner = |request: &RoutingRequest| matching(&tried, request).first().map(|rule| rule.name.clone());
    let matches = |name: &str, request: &RoutingRequest| by_name[name].first_failure(request).is_none();
    let mut told = Told::default();
    for finding in &analysis.findings {
        let is_new = match finding {
            Finding::NeverHolds { rule } => told.never.insert(rule.clone()),
            Finding::Unreachable { rule, taken_by, more, witness } => {
                assert_eq!(*more, 0);
                let place = |name: &str| tried.iter().position(|rule| rule.name == name).unwrap();
                assert!(taken_by.iter().all(|by| place(by) < place(rule)), "{finding}");
                assert!(matches(rule, witness) && winner(witness).as_ref() != Some(rule), "{finding}");
                for request in requests.iter().chain([&**witness]).filter(|request| matches(rule, request)) {
                    assert!(taken_by.iter().any(|by| matches(by, request)), "{finding}: {request:?}");
                }
                told.unreachable.insert(rule.clone())
            }
            Finding::Overlap { first, second, witness, first_target, second_target } => {
                assert_eq!(winner(witness).as_ref(), Some(first), "{finding}");
                assert!(matches(second, witness) && by_name[first.as_str()].target == *first_target);
                assert!(by_name[second.as_str()].target == *second_target);
                told.overlaps.insert((first.clone(), second.clone()))
            }
            Finding::Gap { product, territories, more, witness } => {
                assert_eq!((*more, winner(witness)), (0, None), "{finding}");
                assert!(
                    witness.product.as_ref() == Some(product) && is_in(witness, &territories[0]),
                    "{finding}"
                );
                let key = product.key();
                territories.iter().all(|place| told.gaps.insert((key.to_owned(), place.clone())))
            }
            Finding::UnknownZip { .. } => unreachable!(),
        };
        assert!(is_new, "twice: {finding}");
    }
    told
}

/// Both say the same.
fn check(rules: Vec<Rule>, universe: &Universe<'_>, requests: &[RoutingRequest]) {
    let rules = RuleSet::publish(1, rules).unwrap();
    let analysis = analyse(&rules, universe);
    let expected = told_by_trying(&rules, universe, requests);
    assert_eq!(told_by(&analysis, &rules, requests), expected, "{rules:#?}");
    let kept = serde_json::to_string(&analysis).unwrap();
    assert_eq!(serde_json::from_str::<Analysis>(&kept).unwrap(), analysis);
}

fn product(name: &str) -> Product {
    Product::new(name).unwrap()
}
