use serde::{Deserialize, Serialize};

use super::Target;
use crate::change_set::Version;

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
    /// The first [`FAILED_SHOWN`] rules that come before the answer, and the first condition that failed of each.
    pub failed: Vec<(String, FailedAt)>,
    /// How many more rules come before the answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed_more: u64,
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
    /// The state is not among its states.
    States,
    /// The source is not among its sources.
    Sources,
    /// What else it asks for does not hold.
    When,
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
        Self {
            target: Some(target),
            how,
            rule: None,
            rules_version: Version::ZERO,
            failed: Vec::new(),
            failed_more: 0,
        }
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
        let failed = self.failed.iter().map(|(rule, at)| format!("`{rule}` failed at {}", at.code()));
        let more = (self.failed_more > 0).then(|| format!("and {} more did not match", self.failed_more));
        let failed: Vec<String> = failed.chain(more).collect();
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
            Self::States => "states",
            Self::Sources => "sources",
            Self::When => "when",
        }
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// How many of the rules that come before the answer a decision names: enough to see why of a set that people wrote, and a
/// bound for one that a program did. The request and the version of the rules tell the rest.
pub const FAILED_SHOWN: usize = 20;
