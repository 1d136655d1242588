use std::fmt;

use serde::{Deserialize, Serialize};

use super::away::shown;
use super::{Counted, Declined, End, Passed, Seated, Target, Why};
use crate::calendar::Taken;
use crate::change_set::{CounterAdd, Version};
use crate::money::Money;

/// Whom something went to, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who gets it; `None` when no rule matches or has somebody for it: it is never lost, but unrouted.
    pub target: Option<Target>,
    /// Who gets it too, from a rule that gives to all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Target>,
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
    /// Who should have got it by a rule that matches and did not, and why: the first [`PASSED_SHOWN`](super::PASSED_SHOWN).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Passed>,
    /// How many more did not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub passed_more: u64,
    /// Who declined it before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declined: Vec<Declined>,
    /// What it is expected to be worth, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// What the target pays, where its rule says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The counters that were looked at, and what was added to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<Counted>,
    /// The targets whose calendars were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seats: Vec<Seated>,
    /// What the appointment takes of calendars: as long as it is open, and after it has taken place or was missed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Taken>,
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
        Self { target: Some(target), ..Self::none(how, Version::ZERO) }
    }

    /// Nobody gets it.
    pub(crate) fn none(how: How, rules_version: Version) -> Self {
        Self {
            target: None,
            also: Vec::new(),
            how,
            rule: None,
            rules_version,
            failed: Vec::new(),
            failed_more: 0,
            passed: Vec::new(),
            passed_more: 0,
            declined: Vec::new(),
            value: None,
            price: None,
            counted: Vec::new(),
            seats: Vec::new(),
            takes: Vec::new(),
        }
    }

    /// The person that it goes to, who then keeps the appointment.
    pub fn keeper(&self) -> Option<String> {
        match &self.target {
            Some(Target::Person(name)) => Some(name.clone()),
            Some(Target::Team(_) | Target::Endpoint(_)) | None => None,
        }
    }

    /// What is given back to counters when it comes to this end.
    pub(crate) fn freed(&self, end: End) -> impl Iterator<Item = CounterAdd> {
        self.counted.iter().filter(move |it| it.n != 0 && it.freed.at(end)).map(given_back)
    }

    /// What is given back to counters when the lead that was sold comes back.
    pub(crate) fn returned(&self) -> impl Iterator<Item = CounterAdd> {
        self.counted.iter().filter(|it| it.n != 0 && it.returned).map(given_back)
    }

    /// Why it came out so, as a sentence.
    pub fn explain(&self) -> String {
        let answer = match (&self.rule, &self.target, self.how) {
            (Some(rule), Some(target), _) => {
                format!("rule `{rule}` of rules version {} routes to {target}", self.rules_version)
            }
            (None, Some(target), How::Hand) => format!("assigned by hand to {target}"),
            (None, Some(target), _) => format!("booked directly with {target}"),
            _ if self.passed.is_empty() => {
                format!("no rule of rules version {} matches: unrouted", self.rules_version)
            }
            _ => format!("no rule of rules version {} has anybody for it: unrouted", self.rules_version),
        };
        let answer = match self.price {
            Some(price) => format!("{answer} for {price}"),
            None => answer,
        };
        let answer = match self.also.as_slice() {
            [] => answer,
            also => {
                format!("{answer} and {}", also.iter().map(Target::to_string).collect::<Vec<_>>().join(", "))
            }
        };
        let answer = self.passed.iter().fold(answer, |answer, passed| format!("{answer}; {passed}"));
        let answer = match self.passed_more {
            0 => answer,
            more => format!("{answer}; {more} more did not get it"),
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

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, target, why } = self;
        match target {
            Some(target) => write!(f, "not {target} of `{rule}`: ")?,
            None => write!(f, "not by `{rule}`: ")?,
        }
        match why {
            Why::Full { cap, used } => write!(f, "{used} of {cap} are taken"),
            Why::Declined { reason: Some(reason) } => write!(f, "declined ({reason})"),
            Why::Declined { reason: None } => f.write_str("declined"),
            Why::Inactive => f.write_str("inactive"),
            Why::Away { until } => write!(f, "away until {}", shown(*until)),
            Why::Taken => f.write_str("taken at that time"),
            Why::Closed => f.write_str("not open at that time"),
            Why::NoCalendar => f.write_str("has no calendar"),
            Why::Turn { turn } => write!(f, "turn {turn} is another's"),
            Why::Share => f.write_str("the lead's number is another's"),
            Why::Busier { open } => write!(f, "busier, with {open} open"),
            Why::Ahead { level } => write!(f, "ahead, at level {level}"),
            Why::Outbid { price } => write!(f, "pays {price}"),
            Why::Later => f.write_str("comes later"),
            Why::Owned => f.write_str("the owner goes before"),
        }
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

fn given_back(it: &Counted) -> CounterAdd {
    CounterAdd { key: it.key.clone(), window: it.window, n: -it.n, at_most: i64::MAX }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// How many of the rules that come before the answer a decision names: enough to see why of a set that people wrote, and a
/// bound for one that a program did. The request and the version of the rules tell the rest.
pub const FAILED_SHOWN: usize = 20;
