//! Targets and caps.

use std::collections::BTreeMap;

use super::times::Days;
use super::{Finding, SHOWN, Universe};
use crate::routing::{Cap, Condition, Limit, Period, Rule, RuleSet, Target, TargetSettings};

/// Whether a target gets nothing at all.
pub(super) fn is_off(rules: &RuleSet, target: &Target) -> bool {
    rules.targets.iter().any(|it| it.target == *target && !it.active)
}

/// Whether a rule takes all that it matches: it has no caps, nor has one of its targets, which is neither switched off nor away at any
/// time that is looked at.
pub(super) fn takes_all(rules: &RuleSet, rule: &Rule, days: Days) -> bool {
    let settings = |target: &Target| rules.targets.iter().find(|it| it.target == *target);
    let is_away = |it: &TargetSettings| it.away.iter().any(|it| it.from < days.until && days.from < it.to);
    let takes =
        |target: &Target| settings(target).is_none_or(|it| it.active && it.caps.is_empty() && !is_away(it));
    rule.caps.is_empty() && rule.to.iter().any(|share| takes(&share.target))
}

/// Targets that are switched off or not known, by target; then caps that never bind: those of rules, as they were given, then those of
/// targets.
pub(super) fn findings(rules: &RuleSet, universe: &Universe<'_>) -> Vec<Finding> {
    let mut named: BTreeMap<&Target, Vec<String>> = BTreeMap::new();
    for settings in &rules.targets {
        named.entry(&settings.target).or_default();
    }
    for rule in rules.rules.iter().filter(|rule| rule.active) {
        for share in &rule.to {
            named.entry(&share.target).or_default().push(rule.name.clone());
        }
    }
    let mut findings = Vec::new();
    for (target, mut of) in named {
        let more = of.len().saturating_sub(SHOWN) as u64;
        of.truncate(SHOWN);
        if universe.targets.is_some_and(|known| !known.contains(target)) {
            findings.push(Finding::TargetUnknown { target: target.clone(), rules: of, more });
        } else if is_off(rules, target) && !of.is_empty() {
            findings.push(Finding::TargetInactive { target: target.clone(), rules: of, more });
        }
    }
    for rule in rules.rules.iter().filter(|rule| rule.active) {
        let of = format!("rule `{}`", rule.name);
        for cap in &rule.caps {
            let below = tighter(cap, &rule.caps).or_else(|| tighter_targets(cap, rule, rules));
            findings.extend(below.map(|below| never_binds(&of, cap, below)));
        }
    }
    for settings in &rules.targets {
        for cap in &settings.caps {
            let below = tighter(cap, &settings.caps);
            findings.extend(below.map(|below| never_binds(&settings.target.to_string(), cap, below)));
        }
    }
    findings
}

fn never_binds(of: &str, cap: &Cap, below: String) -> Finding {
    Finding::CapNeverBinds { of: of.to_owned(), cap: cap.to_string(), below }
}

/// Another cap of the same rule or target that is full no later, whatever comes.
fn tighter(cap: &Cap, all: &[Cap]) -> Option<String> {
    let found = all.iter().find(|other| !std::ptr::eq(*other, cap) && full_no_later(other, cap))?;
    Some(format!("its cap of {found}"))
}

/// The caps of all targets of a rule, where together they are full no later than the rule's.
fn tighter_targets(cap: &Cap, rule: &Rule, rules: &RuleSet) -> Option<String> {
    let most = |target: &Target| {
        let settings = rules.targets.iter().find(|it| it.target == *target)?;
        let within = settings.caps.iter().filter(|it| counts_all_of(it, cap) && is_within(cap, it));
        match settings.active {
            true => within.map(Cap::most).min(),
            false => Some(0),
        }
    };
    let sum = rule
        .to
        .iter()
        .map(|share| most(&share.target))
        .try_fold(0_i64, |sum, most| sum.checked_add(most?))?;
    (sum < cap.most()).then(|| "what all its targets take together".to_owned())
}

/// Whether one cap is full before another, or with it and the other is the shorter one: then that one alone never stops anything.
fn full_no_later(one: &Cap, other: &Cap) -> bool {
    counts_all_of(one, other) && is_within(other, one) && one.most() <= other.most()
}

/// Whether one cap surely counts all that another does, in the same unit: what a condition leaves out is not looked into.
fn counts_all_of(one: &Cap, other: &Cap) -> bool {
    let all = one.when == Condition::Always || one.when == other.when;
    let counts = match (one.limit, other.limit) {
        (Limit::Count(_), Limit::Count(_)) => true,
        (Limit::Money(one), Limit::Money(other)) => one.currency() == other.currency(),
        _ => false,
    };
    all && counts
        && one.keeps_cancelled == other.keeps_cancelled
        && one.frees_returned == other.frees_returned
}

/// Whether each period of the first lies in one period of the second. A week may lie in two months.
fn is_within(first: &Cap, second: &Cap) -> bool {
    let nested = match (first.per, second.per) {
        (_, Period::Total) => return true,
        (Period::Minute, Period::Minute | Period::Hour | Period::Day | Period::Week | Period::Month) => true,
        (Period::Hour, Period::Hour | Period::Day | Period::Week | Period::Month) => true,
        (Period::Day, Period::Day | Period::Week | Period::Month) => true,
        (Period::Week, Period::Week) | (Period::Month, Period::Month) => true,
        _ => false,
    };
    nested && first.zone == second.zone
}
