//! Routing: the first active rule, by priority, all of whose conditions hold.
//!
//! A pure function of rules and request: the same answer on every store and every run, and it explains itself.
//! [`RuleSet::decide`] tries rule after rule and is the definition; [`RuleTable::decide`] gives the same answers from an index.

mod condition;
mod decision;
mod request;
mod rule;
mod table;
mod text_set;
mod zip_pattern;
mod zips;

use serde::{Deserialize, Serialize};

use crate::change_set::Version;

pub use condition::{CONSENT_FIELDS, Condition, DEPTH_MAX, FieldTest, Moment, Window};
pub use decision::{Decision, FAILED_SHOWN, FailedAt, How};
pub use request::RoutingRequest;
pub use rule::{Rule, Target};
pub use table::RuleTable;
pub use text_set::{AnyOf, TextSet};
pub use zip_pattern::{ZipPattern, ZipPatternError, ZipSet, ZipText, Zips};
pub use zips::{MALFORMED_SHOWN, ZipList, ZipReport};

/// All rules of a workspace, as published at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Which publication it is: 1, 2, 3 ...; 0 means that none was published.
    pub version: Version,
    /// The rules, in the order in which they were given: ties of priority are decided by it.
    pub rules: Vec<Rule>,
}

impl RuleSet {
    /// Decides where `request` goes: lowest priority number first, ties by the order in which the rules were given.
    ///
    /// ```
    /// use convio_core::routing::{RoutingRequest, Rule, RuleSet, Target};
    /// use convio_core::{PostalCode, Product};
    /// let rules = RuleSet::publish(1, [
    ///     Rule::to(Target::team("solar-west")).named("west").products(["Solar"]).zips(["90210"]).priority(1),
    ///     Rule::to(Target::team("rest")).named("rest").any_product().any_zip().priority(9),
    /// ]).unwrap();
    /// let ask = |product: &str, zip: &str| RoutingRequest {
    ///     product: Product::new(product).ok(),
    ///     postal_code: PostalCode::parse(zip).ok(),
    ///     ..Default::default()
    /// };
    /// let west = rules.decide(&ask("solar", "90210"));
    /// assert_eq!(west.target, Some(Target::team("solar-west")));
    /// let rest = rules.decide(&ask("solar", "10001"));
    /// assert_eq!(rest.explain(), "rule `rest` of rules version 1 routes to team `rest`; before it, `west` failed at zips");
    /// ```
    pub fn decide(&self, request: &RoutingRequest) -> Decision {
        let order = self.order();
        let found = order.iter().position(|n| self.rules[*n as usize].first_failure(request).is_none());
        self.decision(&order, found, request)
    }

    /// The rules by how they are tried: by priority, then as they were given.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.rules.len() as u32).collect();
        order.sort_by_key(|n| self.rules[*n as usize].priority); // a stable sort
        order
    }

    /// The decision for the rule at this place of the order, with those before it.
    fn decision(&self, order: &[u32], found: Option<usize>, request: &RoutingRequest) -> Decision {
        let before = &order[..found.unwrap_or(order.len())];
        let shown = &before[..before.len().min(FAILED_SHOWN)];
        let failed = shown.iter().map(|n| &self.rules[*n as usize]);
        let failed = failed.filter_map(|rule| Some((rule.name.clone(), rule.first_failure(request)?)));
        let rule = found.map(|place| &self.rules[order[place] as usize]);
        Decision {
            target: rule.map(|rule| rule.target.clone()),
            how: rule.map_or(How::Unrouted, |_| How::Rule),
            rule: rule.map(|rule| rule.name.clone()),
            rules_version: self.version,
            failed: failed.collect(),
            failed_more: (before.len() - shown.len()) as u64,
        }
    }

    /// The rules as their `version`-th publication, or every rule that says nothing or can't be told from another.
    pub fn publish(version: u64, rules: impl IntoIterator<Item = Rule>) -> Result<Self, Vec<crate::Reason>> {
        let mut rules: Vec<Rule> = rules.into_iter().collect();
        let mut reasons = Vec::new();
        for (n, rule) in rules.iter_mut().enumerate() {
            if rule.name.is_empty() {
                rule.name = format!("rule {}", n + 1);
            }
            reasons.extend(rule.check(n));
        }
        let mut names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
            reasons.push(crate::Reason::new(
                "name",
                "duplicate",
                format!("two rules are named `{}`", pair[0]),
            ));
        }
        if rules.len() > RULES_MAX {
            let message = format!("at most {RULES_MAX} rules, not {}", rules.len());
            reasons.push(crate::Reason::new("rules", "too_many", message));
        }
        if reasons.is_empty() { Ok(Self { version: Version(version), rules }) } else { Err(reasons) }
    }
}

/// Most rules of one publication, which is stored as one document.
pub const RULES_MAX: usize = 100_000;
