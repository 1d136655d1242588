use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::{AnyOf, Condition, Rule, RuleSet, Target, TextSet, ZipPattern, ZipSet, Zips};
use crate::postal::PostalCode;
use crate::text::{Product, State};

/// What is in use, and so must be taken by some rule; and which time is looked at.
///
/// ```
/// use convio_core::routing::analysis::{Territory, Universe};
/// use convio_core::routing::{Rule, RuleSet, Target};
/// let rules = RuleSet::publish(1, [
///     Rule::to(Target::team("west")).products(["Solar"]).zips(["902*"]),
///     Rule::to(Target::team("south")).products(["Roof"]).states(["TX"]),
/// ]).unwrap();
/// let universe = Universe::of_rules(&rules, "2026-03-01T00:00:00Z".parse()?);
/// assert_eq!(universe.products.len(), 2);
/// assert_eq!(universe.territories, [Territory::Zips("902*".parse()?), Territory::State("TX".parse()?)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Universe<'e> {
    /// The products in use.
    pub products: Vec<Product>,
    /// The territories in use: each product in each of them is looked at.
    pub territories: Vec<Territory>,
    /// The beginning of the [`DAYS`](super::DAYS) days of which windows of time are looked at.
    pub from: DateTime<Utc>,
    /// The postal codes that there are, where they are known. Without them, none is said not to exist.
    pub existing: Option<&'e [PostalCode]>,
    /// The targets that there are, where they are known. Without them, none is said not to exist.
    pub targets: Option<&'e [Target]>,
}

/// A part of the world in which something is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Territory {
    /// Requests with a postal code of this pattern, whatever their state.
    Zips(ZipPattern),
    /// Requests with this state, whatever their postal code.
    State(State),
    /// All requests, also those that say neither.
    Anywhere,
}

#[cfg(feature = "us-zips")]
impl Universe<'_> {
    /// With the ZIP codes of the United States that exist, [`us_zips::existing`](crate::routing::us_zips::existing): those in use. A rule
    /// that asks for a retired one, or for five digits of another country, asks for a code that does not exist.
    ///
    /// ```
    /// use convio_core::routing::analysis::{Universe, analyse};
    /// use convio_core::routing::{Rule, RuleSet, Target};
    /// let rule = Rule::to(Target::team("west")).named("west").products(["Solar"]).zips(["90210", "99999", "10184"]);
    /// let rules = RuleSet::publish(1, [rule]).unwrap();
    /// let universe = Universe::of_rules(&rules, "2026-03-01T00:00:00Z".parse()?).existing_us_zips();
    /// let found: Vec<String> = analyse(&rules, &universe).findings.iter().map(ToString::to_string).collect();
    /// assert_eq!(found, ["rule `west` asks for postal codes that do not exist: 10184 and 99999"]);
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    #[must_use]
    pub fn existing_us_zips(self) -> Self {
        Self { existing: Some(crate::routing::us_zips::existing()), ..self }
    }
}

impl Universe<'_> {
    /// What active rules name is in use: their products; their postal codes, prefixes and ranges; and the states of those rules
    /// that ask for no postal codes beside them.
    pub fn of_rules(rules: &RuleSet, from: DateTime<Utc>) -> Self {
        let mut named = Named::default();
        rules.rules.iter().filter(|rule| rule.active).for_each(|rule| named.rule(rule));
        let zips = named.zips.into_iter().cloned().map(Territory::Zips);
        let states = named.states.into_iter().filter_map(|name| State::new(name).ok()).map(Territory::State);
        Self {
            products: named.products.into_iter().filter_map(|name| Product::new(name).ok()).collect(),
            territories: zips.chain(states).collect(),
            from,
            existing: None,
            targets: None,
        }
    }

    /// With the postal codes that there are.
    #[must_use]
    pub fn existing(self, codes: &[PostalCode]) -> Universe<'_> {
        Universe {
            existing: Some(codes),
            targets: None,
            products: self.products,
            territories: self.territories,
            from: self.from,
        }
    }
}

impl fmt::Display for Territory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zips(pattern) => write!(f, "{pattern}"),
            Self::State(state) => write!(f, "state `{state}`"),
            Self::Anywhere => f.write_str("anywhere"),
        }
    }
}

#[derive(Default)]
struct Named<'r> {
    products: BTreeSet<&'r str>,
    zips: BTreeSet<&'r ZipPattern>,
    states: BTreeSet<&'r str>,
}

impl<'r> Named<'r> {
    fn rule(&mut self, rule: &'r Rule) {
        if let AnyOf::Of(set) = &rule.products {
            self.products.extend(set.iter());
        }
        let zips = zip_sets(rule);
        zips.iter().for_each(|set| self.zips.extend(set.patterns()));
        let mut states: Vec<&TextSet> = Vec::new();
        if let AnyOf::Of(set) = &rule.states {
            states.push(set);
        }
        each(&rule.when, &mut |condition| match condition {
            Condition::Products(set) => self.products.extend(set.iter()),
            Condition::States(set) => states.push(set),
            _ => {}
        });
        if zips.is_empty() {
            states.into_iter().for_each(|set| self.states.extend(set.iter()));
        }
    }
}

/// All that a rule says of postal codes.
pub(super) fn zip_sets(rule: &Rule) -> Vec<&ZipSet> {
    let mut sets = Vec::new();
    if let Zips::Of(set) = &rule.zips {
        sets.push(set);
    }
    each(&rule.when, &mut |condition| {
        if let Condition::Zips(set) = condition {
            sets.push(set);
        }
    });
    sets
}

fn each<'r>(condition: &'r Condition, see: &mut impl FnMut(&'r Condition)) {
    see(condition);
    match condition {
        Condition::All(list) | Condition::Either(list) => list.iter().for_each(|it| each(it, see)),
        Condition::Not(not) => each(not, see),
        _ => {}
    }
}
