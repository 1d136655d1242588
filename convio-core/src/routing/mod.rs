//! Routing in its plain form: the first active rule, by priority, whose products and postal codes both match.
//!
//! A pure function of rules and request: the same answer on every store and every run, and it explains itself.

mod rule;
mod zips;

use serde::{Deserialize, Serialize};

use crate::change_set::Version;
use crate::postal::PostalCode;
use crate::text::Product;

pub use rule::{AnyOf, Rule, Target};
pub use zips::{MALFORMED_SHOWN, ZipList, ZipReport};

/// All rules of a workspace, as published at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Which publication it is: 1, 2, 3 ...; 0 means that none was published.
    pub version: Version,
    /// The rules, in the order in which they were given: ties of priority are decided by it.
    pub rules: Vec<Rule>,
}

/// What routing goes by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingRequest {
    /// The product asked for.
    pub product: Option<Product>,
    /// Where.
    pub postal_code: Option<PostalCode>,
}

/// Whom something went to, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who gets it; `None` when no rule matches: it is never lost, but unrouted.
    pub target: Option<Target>,
    /// Who decided.
    pub how: How,
    /// The rule that matched.
    pub rule: Option<String>,
    /// The publication of the rules that was asked; 0 when none was.
    pub rules_version: Version,
    /// Per rule that was tried before the answer, the first condition that failed.
    pub failed: Vec<(String, FailedAt)>,
}

/// How it was decided who gets something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The caller who booked said so: the rules were not asked.
    Direct,
    /// By a rule.
    Rule,
    /// Someone assigned it later.
    Hand,
    /// No rule matches: no one gets it, until someone assigns it.
    Unrouted,
}

impl How {
    /// All ways.
    pub const ALL: [Self; 4] = [Self::Direct, Self::Rule, Self::Hand, Self::Unrouted];

    /// The way as stores name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Rule => "rule",
            Self::Hand => "hand",
            Self::Unrouted => "unrouted",
        }
    }
}

/// The condition of a rule that failed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedAt {
    /// The rule is inactive.
    Active,
    /// The product is not among its products.
    Products,
    /// The postal code is not among its postal codes.
    Zips,
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
    /// };
    /// let west = rules.decide(&ask("solar", "90210"));
    /// assert_eq!(west.target, Some(Target::team("solar-west")));
    /// let rest = rules.decide(&ask("solar", "10001"));
    /// assert_eq!(rest.explain(), "rule `rest` of rules version 1 routes to team `rest`; before it, `west` failed at zips");
    /// ```
    pub fn decide(&self, request: &RoutingRequest) -> Decision {
        let mut order: Vec<&Rule> = self.rules.iter().collect();
        order.sort_by_key(|rule| rule.priority); // a stable sort: ties keep the order of creation
        let mut failed = Vec::new();
        for rule in order {
            match rule.first_failure(request) {
                Some(at) => failed.push((rule.name.clone(), at)),
                None => {
                    return Decision {
                        target: Some(rule.target.clone()),
                        how: How::Rule,
                        rule: Some(rule.name.clone()),
                        rules_version: self.version,
                        failed,
                    };
                }
            }
        }
        Decision { target: None, how: How::Unrouted, rule: None, rules_version: self.version, failed }
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

impl Decision {
    /// The caller who booked named the target.
    pub fn direct(target: Target) -> Self {
        Self::without_rules(target, How::Direct)
    }

    /// Someone assigned it to this target.
    pub fn by_hand(target: Target) -> Self {
        Self::without_rules(target, How::Hand)
    }

    fn without_rules(target: Target, how: How) -> Self {
        Self { target: Some(target), how, rule: None, rules_version: Version::ZERO, failed: Vec::new() }
    }

    /// Why it came out so, as a sentence.
    pub fn explain(&self) -> String {
        let answer = match (&self.rule, &self.target, self.how) {
            (Some(rule), Some(target), _) => {
                format!("rule `{rule}` of rules version {} routes to {target}", self.rules_version)
            }
            (None, Some(target), How::Hand) => format!("assigned by hand to {target}"),
            (None, Some(target), _) => format!("booked directly with {target}"),
            _ => format!("no rule of rules version {} matches: unrouted", self.rules_version),
        };
        if self.failed.is_empty() {
            return answer;
        }
        let failed: Vec<String> =
            self.failed.iter().map(|(rule, at)| format!("`{rule}` failed at {}", at.code())).collect();
        format!("{answer}; before it, {}", failed.join(", "))
    }
}

impl FailedAt {
    /// The condition's name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Products => "products",
            Self::Zips => "zips",
        }
    }
}

/// Most rules of one publication in the plain form, which tries them one by one and stores them as one document.
pub const RULES_MAX: usize = 10_000;
