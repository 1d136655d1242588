//! What can be known of a set of rules without any lead: rules that can never hold or are never reached, rules between which only
//! their order decides, and what is in use and no rule takes.
//!
//! It is exact. Everything that rules look at is cut into classes of values that no rule of the set tells apart, so that a rule
//! is a union of regions of such classes; and whether one region lies within others is worked out by cutting these off it.
//! Every witness is then put to the rules themselves. Three limits remain:
//!
//! - Windows of time are looked at over the [`DAYS`] days from [`Universe::from`] on, to the second, with the clocks of their
//!   zones: what would only hold outside of them never holds. The two times of a request, when it is decided and when the
//!   appointment starts, are taken to be any two of these days.
//! - What a condition on a cap leaves out is not looked into: a rule with such a cap is taken to make way for all that it matches, and
//!   the cap to count all of it. What is so by the condition alone is not named.
//! - A rule of more than [`REGIONS_MAX`] alternatives and a question that takes too many steps are named in
//!   [`Analysis::undecided`]. What stands neither there nor among the findings is not so.
//!
//! A rule or a target that is full makes way for the next, and a target that is away does: only a rule without caps, with a target that
//! has none and is there on all of the days, takes all that it matches and keeps others from being reached. That several targets who
//! are away by turns take all between them is not looked into.
//!
//! It is for the authors of rules, on demand; routing does not use it.

mod ask;
mod axis;
mod finding;
mod gaps;
mod limits;
mod pairs;
mod search;
mod set;
mod space;
mod times;
mod undecided;
mod universe;
mod unknown;
mod values;
mod zip_atoms;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Rule, RuleSet, RuleTable};
use ask::{Asked, PRODUCT, ZIP};
use search::{Budget, Near};
use set::Region;
use space::Space;
use times::Days;

pub use finding::{Finding, FindingKind, SHOWN};
pub use search::SEARCH_MAX;
pub use times::DAYS;
pub use undecided::{Question, Undecided, Why};
pub use universe::{Territory, Universe};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// First those about rules, in the order in which the rules are tried; then gaps, by product; then unknown postal codes, targets and
    /// caps.
    pub findings: Vec<Finding>,
    /// What is not known.
    pub undecided: Vec<Undecided>,
    /// What was looked at.
    pub examined: Examined,
}

/// What an analysis looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examined {
    /// Active rules.
    pub rules: u64,
    /// Products in use.
    pub products: u64,
    /// Territories in use.
    pub territories: u64,
    /// Steps of work, of [`WORK_MAX`].
    pub steps: u64,
}

/// Looks at all active rules of a set; the same set and universe always have the same analysis.
///
/// ```
/// use convio_core::routing::analysis::{Universe, analyse};
/// use convio_core::routing::{Rule, RuleSet, Target};
/// let rules = RuleSet::publish(1, [
///     Rule::to(Target::team("west")).named("west").products(["Solar"]).zips(["902*"]),
///     Rule::to(Target::team("hills")).named("hills").products(["Solar"]).zips(["90210"]).priority(2),
///     Rule::to(Target::team("roofs")).named("roofs").products(["Roof"]).any_zip(),
/// ]).unwrap();
/// let analysis = analyse(&rules, &Universe::of_rules(&rules, "2026-03-01T00:00:00Z".parse()?));
/// let found: Vec<String> = analysis.findings.iter().map(ToString::to_string).collect();
/// assert_eq!(found, ["rule `hills` is never reached: `west` takes all that it asks for"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn analyse(rules: &RuleSet, universe: &Universe<'_>) -> Analysis {
    let ranked: Vec<usize> = rules.order().into_iter().map(|n| n as usize).collect();
    let gives =
        |rule: &Rule| rule.active && rule.to.iter().any(|share| !limits::is_off(rules, &share.target));
    let ranked: Vec<usize> = ranked.into_iter().filter(|n| gives(&rules.rules[*n])).collect();
    let active: Vec<&Rule> = ranked.iter().map(|n| &rules.rules[*n]).collect();
    let days = Days::from(universe.from);
    let takes = active.iter().map(|rule| limits::takes_all(rules, rule, days)).collect();
    let mut ranks = vec![None; rules.rules.len()];
    ranked.iter().enumerate().for_each(|(rank, n)| ranks[*n] = Some(rank));
    let mut budget = Budget::of(WORK_MAX);
    let (asked, formulas) = Asked::of(&active);
    let space = Space::new(&asked, universe);
    let mut regions = Vec::new();
    let mut parts = Vec::new();
    for formula in &formulas {
        let from = regions.len() as u32;
        let these = space.regions(formula, REGIONS_MAX, &mut budget);
        let is_known = these.is_some();
        regions.extend(these.unwrap_or_default());
        parts.push(Part { regions: from..regions.len() as u32, is_known });
    }
    let near = Near::of(&regions, space.sizes[ZIP as usize], space.sizes[PRODUCT as usize]);
    let mut analyser = Analyser {
        table: RuleTable::new(rules.clone()),
        ranked,
        ranks,
        active,
        takes,
        universe,
        space,
        regions,
        parts,
        near,
        budget,
        analysis: Analysis::default(),
    };
    (0..analyser.active.len()).for_each(|rank| analyser.rule(rank));
    analyser.gaps();
    analyser.unknown_zips();
    analyser.analysis.findings.extend(limits::findings(rules, universe));
    analyser.analysis.examined = Examined {
        rules: analyser.active.len() as u64,
        products: universe.products.len() as u64,
        territories: universe.territories.len() as u64,
        steps: analyser.budget.spent,
    };
    analyser.analysis
}

/// The work of one analysis. A rule's *rank* is its place among the active rules, as they are tried.
struct Analyser<'r> {
    table: RuleTable,
    /// Per rank which of the rules it is, as they were given.
    ranked: Vec<usize>,
    /// Per rule, as they were given, its rank; none for one that gives nothing to anybody.
    ranks: Vec<Option<usize>>,
    active: Vec<&'r Rule>,
    /// Per rank whether the rule takes all that it matches: no cap ever makes way for another one.
    takes: Vec<bool>,
    universe: &'r Universe<'r>,
    space: Space<'r>,
    /// All regions of all rules, by rank.
    regions: Vec<Region>,
    parts: Vec<Part>,
    near: Near,
    budget: Budget,
    analysis: Analysis,
}

/// What is known of a rule.
struct Part {
    /// Its regions.
    regions: Range<u32>,
    /// They are all that it asks for.
    is_known: bool,
}

impl Analyser<'_> {
    fn name(&self, rank: usize) -> String {
        self.active[rank].name.clone()
    }

    /// The rank of the rule that a region is of.
    fn rank_of(&self, region: u32) -> usize {
        self.parts.partition_point(|part| part.regions.end <= region)
    }

    fn leave_open(&mut self, question: Question, why: Why) {
        self.analysis.undecided.push(Undecided { question, why });
    }

    /// Why a search came to no end.
    fn why_spent(&self) -> Why {
        if self.budget.is_spent() { Why::Work } else { Why::Steps }
    }
}

/// The alternatives of one rule: a rule that people write has a handful.
pub const REGIONS_MAX: usize = 128;

/// Steps of one analysis: a thousand rules take about a hundredth of them; all of them would be a minute of a slow processor.
pub const WORK_MAX: u64 = 200_000_000;

#[cfg(test)]
mod tests;
