//! Routing: the first active rule, by priority, all of whose conditions hold.
//!
//! A pure function of rules and request: the same answer on every store and every run, and it explains itself.
//! [`RuleSet::decide`] tries rule after rule and is the definition; [`RuleTable::decide`] gives the same answers from an index.

pub mod analysis;
mod away;
mod cap;
mod condition;
mod decision;
mod pick;
mod request;
mod rule;
mod saved;
mod share;
mod simulation;
mod table;
mod text_set;
mod told;
#[cfg(feature = "us-zips")]
pub mod us_zips;
mod zip_pattern;
mod zips;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::change_set::Version;

pub use away::{AWAY_MAX, Away};
pub use cap::{CAPS_MAX, Cap, Limit, Period};
pub use condition::{CONSENT_FIELDS, Condition, DEPTH_MAX, FieldTest, Moment, Window};
pub use decision::{Decision, FAILED_SHOWN, FailedAt, How};
pub(crate) use pick::State;
use pick::{Choices, Picked};
pub use pick::{MATCHING_MAX, PASSED_SHOWN};
pub use request::RoutingRequest;
pub use rule::{Rule, Target, TargetSettings};
pub use saved::{DRAFTS_MAX, DraftRef, DraftSummary, SavedDraft};
pub use share::{Ledger, SHARES_MAX, Share, Strategy, WEIGHTS_MAX, smooth_round};
pub use simulation::Simulation;
pub use table::RuleTable;
pub use text_set::{AnyOf, TextSet};
pub use told::{Counted, Declined, End, Freed, Passed, Seat, Seated, Why};
pub use zip_pattern::{ZipPattern, ZipPatternError, ZipSet, ZipText, Zips};
pub use zips::{MALFORMED_SHOWN, ZipList, ZipReport};

/// All rules of a workspace, as published at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Which publication it is: 1, 2, 3 ...; 0 means that none was published.
    pub version: Version,
    /// The rules, in the order in which they were given: ties of priority are decided by it.
    pub rules: Vec<Rule>,
    /// What holds for targets in all rules. A target that is not among them takes all that it is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetSettings>,
    /// From when on they are in force, where that was said; else since they were published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<DateTime<Utc>>,
    /// The rules that are in force until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_then: Option<Box<RuleSet>>,
    /// The publication that these are the rules of once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<Version>,
    /// The saved draft that was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafted: Option<DraftRef>,
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
    ///
    /// Nothing is counted yet: caps have room, and rounds are at their first turn.
    pub fn decide(&self, request: &RoutingRequest) -> Decision {
        let order = self.order();
        let rules = order.iter().map(|n| &self.rules[*n as usize]).enumerate();
        let matching = rules.filter(|(_, rule)| rule.first_failure(request).is_none());
        let Ok(picked) = Choices::of(self).pick(matching, request, &[], pick::nothing);
        self.decision(&order, picked, request)
    }

    /// The rules by how they are tried: by priority, then as they were given.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.rules.len() as u32).collect();
        order.sort_by_key(|n| self.rules[*n as usize].priority); // a stable sort
        order
    }

    /// The decision that was picked, with the rules that come before in this order.
    fn decision(&self, order: &[u32], picked: Picked, request: &RoutingRequest) -> Decision {
        let Picked { place, target, price, also, counted, seats, mut passed } = picked;
        let before = &order[..place.unwrap_or(order.len())];
        let shown = &before[..before.len().min(FAILED_SHOWN)];
        let failed = shown.iter().map(|n| &self.rules[*n as usize]);
        let failed = failed.filter_map(|rule| Some((rule.name.clone(), rule.first_failure(request)?)));
        let passed_more = passed.len().saturating_sub(PASSED_SHOWN) as u64;
        passed.truncate(PASSED_SHOWN);
        Decision {
            target,
            also,
            rule: place.map(|place| self.rules[order[place] as usize].name.clone()),
            failed: failed.collect(),
            failed_more: (before.len() - shown.len()) as u64,
            passed,
            passed_more,
            value: request.value,
            price,
            counted,
            seats,
            ..Decision::none(if place.is_some() { How::Rule } else { How::Unrouted }, self.version)
        }
    }

    /// The rules that are in force at a time: these, or those before them.
    pub fn at(&self, at: DateTime<Utc>) -> &Self {
        match (self.effective_from, &self.until_then) {
            (Some(from), Some(before)) if at < from => before,
            _ => self,
        }
    }

    /// The rules as their `version`-th publication, or every rule that says nothing or can't be told from another.
    pub fn publish(version: u64, draft: impl Into<Draft>) -> Result<Self, Vec<crate::Reason>> {
        let Draft { mut rules, targets, effective_from, sound: _ } = draft.into();
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
        for (n, settings) in targets.iter().enumerate() {
            reasons.extend(settings.check());
            if targets[..n].iter().any(|other| other.target == settings.target) {
                let message = format!("{} has settings twice", settings.target);
                reasons.push(crate::Reason::new("targets", "duplicate", message));
            }
        }
        if targets.len() > TARGETS_MAX {
            let message = format!("at most {TARGETS_MAX} targets with settings, not {}", targets.len());
            reasons.push(crate::Reason::new("targets", "too_many", message));
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let version = Version(version);
        Ok(Self { version, rules, targets, effective_from, until_then: None, copy_of: None, drafted: None })
    }
}

/// Rules, and what holds for their targets, before they are published.
///
/// ```
/// use convio_core::routing::{Cap, Draft, Period, Rule, RuleSet, Target, TargetSettings};
/// let west = Target::team("west");
/// let draft = Draft::of([Rule::to(west.clone()).any_product().any_zip()])
///     .target(TargetSettings::of(west).cap(Cap::count(20, Period::Day)));
/// assert_eq!(RuleSet::publish(1, draft).unwrap().targets.len(), 1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// The rules.
    pub rules: Vec<Rule>,
    /// What holds for targets.
    pub targets: Vec<TargetSettings>,
    /// From when on they shall be in force; `None`, or a time that has passed: at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<DateTime<Utc>>,
    /// Whether they are refused where the [`analysis`] finds anything, or does not know.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sound: bool,
}

impl Draft {
    /// These rules.
    pub fn of(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { rules: rules.into_iter().collect(), ..Self::default() }
    }

    /// With this for one of their targets.
    #[must_use]
    pub fn target(mut self, settings: TargetSettings) -> Self {
        self.targets.push(settings);
        self
    }
}

impl Draft {
    /// That is refused where the [`analysis`] of what the rules name finds anything, or can't tell: each finding is a reason.
    ///
    /// ```
    /// use convio_core::routing::{Draft, Rule, Target};
    /// let all = |name: &str| Rule::to(Target::team("a")).named(name).any_product().any_zip();
    /// let draft = Draft::of([all("first"), all("second").priority(1)]).sound();
    /// let reasons = draft.findings("2026-03-01T00:00:00Z".parse()?);
    /// assert_eq!(reasons[0].code, "unreachable");
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    #[must_use]
    pub fn sound(mut self) -> Self {
        self.sound = true;
        self
    }

    /// What the [`analysis`] finds as of a time, as reasons: none where the draft does not ask for it ([`Draft::sound`]), or is not valid.
    pub fn findings(&self, at: DateTime<Utc>) -> Vec<crate::Reason> {
        let Ok(rules) = RuleSet::publish(0, self.clone()) else { return Vec::new() };
        if !self.sound {
            return Vec::new();
        }
        let at = self.effective_from.map_or(at, |from| from.max(at));
        let analysis = analysis::analyse(&rules, &analysis::Universe::of_rules(&rules, at));
        let found = analysis.findings.iter().map(|it| (it.kind().code(), it.to_string()));
        let open = analysis.undecided.iter().map(|it| ("undecided", it.to_string()));
        found.chain(open).map(|(code, message)| crate::Reason::new("rules", code, message)).collect()
    }

    /// That shall be in force from this time on.
    #[must_use]
    pub fn effective(mut self, from: DateTime<Utc>) -> Self {
        self.effective_from = Some(crate::clock::micros(from));
        self
    }
}

/// The rules of a publication, to be published again.
impl From<RuleSet> for Draft {
    fn from(rules: RuleSet) -> Self {
        Self { rules: rules.rules, targets: rules.targets, ..Self::default() }
    }
}

impl<I: IntoIterator<Item = Rule>> From<I> for Draft {
    fn from(rules: I) -> Self {
        Self::of(rules)
    }
}

/// Most targets of one publication that have settings.
pub const TARGETS_MAX: usize = 1_000;
/// Most rules of one publication, which is stored as one document.
pub const RULES_MAX: usize = 100_000;
