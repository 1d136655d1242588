use std::fmt;

use serde::{Deserialize, Serialize};

use super::search::SEARCH_MAX;
use super::{REGIONS_MAX, WORK_MAX};
use crate::text::Product;

/// A question that was left open, because the answer takes more work than an analysis does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecided {
    /// What is not known.
    pub question: Question,
    /// Why.
    pub why: Why,
}

/// What is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Question {
    /// Anything about this rule: whether it can hold, is reached, or overlaps with others.
    Rule(String),
    /// Whether this rule is reached, and then what it overlaps with.
    Reach(String),
    /// Whether the order of these two decides: the one that was given first, and the other.
    Overlap(String, String),
    /// What this rule overlaps with among those that were given after it.
    Overlaps(String),
    /// Whether this product has gaps, in this many of the territories.
    Gaps(Product, u64),
}

/// Why it is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// The rule asks for more than [`REGIONS_MAX`] alternatives, or their working out is more work than is left.
    Alternatives,
    /// It depends on this other rule, which has too many alternatives itself.
    DependsOn(String),
    /// One search alone takes too many steps.
    Steps,
    /// All the work of the analysis, [`WORK_MAX`] steps, is used up.
    Work,
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.question {
            Question::Rule(rule) => write!(f, "nothing is known of rule `{rule}`: ")?,
            Question::Reach(rule) => write!(f, "whether rule `{rule}` is reached is not known: ")?,
            Question::Overlap(first, second) => {
                write!(f, "whether the order of rules `{first}` and `{second}` decides is not known: ")?;
            }
            Question::Overlaps(rule) => write!(f, "what rule `{rule}` overlaps with is not known: ")?,
            Question::Gaps(product, territories) => {
                write!(f, "gaps of product `{product}` in {territories} territories are not known: ")?;
            }
        }
        match &self.why {
            Why::Alternatives => write!(f, "it has more than {REGIONS_MAX} alternatives"),
            Why::DependsOn(rule) => write!(f, "rule `{rule}` has too many alternatives"),
            Why::Steps => write!(f, "a search took more than {SEARCH_MAX} steps"),
            Why::Work => write!(f, "all of {WORK_MAX} steps are used up"),
        }
    }
}
