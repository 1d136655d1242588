//! Rules that never hold, are never reached, or overlap.

use std::collections::BTreeMap;

use super::search::{Covers, Spent, outside};
use super::set::Region;
use super::{Analyser, Finding, Question, SHOWN, Why};
use crate::routing::{RoutingRequest, Rule, Target};

/// What a search for a request came to.
pub(super) enum Found {
    Witness(Box<RoutingRequest>),
    None,
    Open(Why),
}

impl Analyser<'_> {
    /// All about one rule.
    pub(super) fn rule(&mut self, rank: usize) {
        let part = &self.parts[rank];
        if !part.is_known {
            return self.leave_open(Question::Rule(self.name(rank)), Why::Alternatives);
        }
        let own = part.regions.clone();
        if own.is_empty() {
            return self.analysis.findings.push(Finding::NeverHolds { rule: self.name(rank) });
        }
        // Per region what is tried before it and meets it.
        let mut before = Vec::new();
        for at in own.clone() {
            let region = &self.regions[at as usize];
            match self.near.meeting(region, &self.regions, 0..own.start, &mut self.budget) {
                Ok(mut found) => {
                    // What a rule may leave to the next one is no answer to who takes it.
                    found.retain(|region| self.takes[self.rank_of(*region)]);
                    before.push((at, found));
                }
                Err(Spent) => return self.leave_open(Question::Reach(self.name(rank)), self.why_spent()),
            }
        }
        let mut used = Vec::new();
        let mut open = None;
        for (at, before) in &before {
            let region = self.regions[*at as usize].clone();
            match self.won_by(rank, None, &region, before, &mut used) {
                Found::Witness(_) => {
                    open = None;
                    used.clear();
                    break;
                }
                Found::None => {}
                Found::Open(why) => open = Some(why),
            }
        }
        match open {
            Some(why) => self.leave_open(Question::Reach(self.name(rank)), why),
            None if used.is_empty() => self.overlaps(rank, &before),
            None => self.unreachable(rank, used, &before),
        }
    }

    /// A request of a region that this rule takes, and another matches.
    fn won_by(
        &mut self,
        rank: usize,
        other: Option<usize>,
        region: &Region,
        before: &[u32],
        used: &mut Vec<u32>,
    ) -> Found {
        let covers = Covers { regions: &self.regions, sizes: &self.space.sizes };
        let request = match outside(region, covers, before, used, &mut self.budget) {
            Ok(Some(point)) => self.space.request(&point),
            Ok(None) => return Found::None,
            Err(Spent) => return Found::Open(self.why_spent()),
        };
        debug_assert!(
            self.matches(rank, &request) && other.is_none_or(|other| self.matches(other, &request))
        );
        match self.taken_by(rank, &request) {
            Some(found) if found == self.ranked[rank] => Found::Witness(Box::new(request)),
            Some(found) => self.depends_on(found),
            None => Found::Open(Why::Steps), // never: the rule matches
        }
    }

    /// It is taken by a rule whose regions are not known.
    pub(super) fn depends_on(&self, found: usize) -> Found {
        let rank = self.ranks[found];
        debug_assert!(rank.is_some_and(|rank| !self.parts[rank].is_known));
        Found::Open(Why::DependsOn(self.table.rules().rules[found].name.clone()))
    }

    /// The rule that surely takes a request, or the one of this rank, whichever is tried first.
    fn taken_by(&self, rank: usize, request: &RoutingRequest) -> Option<usize> {
        let own = self.ranked[rank];
        let takes = |n: &usize| self.ranks[*n].is_some_and(|rank| self.takes[rank]);
        self.table.find_all(request).find(|n| *n == own || takes(n))
    }

    fn matches(&self, rank: usize, request: &RoutingRequest) -> bool {
        self.active[rank].first_failure(request).is_none()
    }

    /// The rule is never reached: `used` has all of it.
    fn unreachable(&mut self, rank: usize, used: Vec<u32>, before: &[(u32, Vec<u32>)]) {
        let mut by: Vec<usize> = used.into_iter().map(|region| self.rank_of(region)).collect();
        by.sort_unstable();
        by.dedup();
        if by.len() > 1
            && let Some(alone) = by.iter().copied().find(|other| self.has_all(*other, before))
        {
            by = vec![alone];
        }
        let region = self.regions[self.parts[rank].regions.start as usize].clone();
        let witness = Box::new(self.space.request(&region));
        debug_assert!(
            self.matches(rank, &witness) && self.taken_by(rank, &witness) != Some(self.ranked[rank])
        );
        let shown = by.len().min(SHOWN);
        self.analysis.findings.push(Finding::Unreachable {
            rule: self.name(rank),
            taken_by: by[..shown].iter().map(|rank| self.name(*rank)).collect(),
            more: (by.len() - shown) as u64,
            witness,
        });
    }

    /// Whether one rule alone has all of these regions.
    fn has_all(&mut self, other: usize, regions: &[(u32, Vec<u32>)]) -> bool {
        let part = self.parts[other].regions.clone();
        regions.iter().all(|(at, before)| {
            let alone: Vec<u32> = before.iter().copied().filter(|region| part.contains(region)).collect();
            let covers = Covers { regions: &self.regions, sizes: &self.space.sizes };
            let found =
                outside(&self.regions[*at as usize], covers, &alone, &mut Vec::new(), &mut self.budget);
            found == Ok(None)
        })
    }

    /// What the rule takes, and one with the same priority and another target matches too.
    fn overlaps(&mut self, rank: usize, before: &[(u32, Vec<u32>)]) {
        let rule = self.active[rank];
        let last = self.active.partition_point(|other| other.priority <= rule.priority) - 1;
        let after = self.parts[rank].regions.end..self.parts[last].regions.end;
        // Per other rule the pairs of regions that meet, by places in `before` and `regions`.
        let mut pairs: BTreeMap<usize, Vec<(usize, u32)>> = BTreeMap::new();
        for (n, (at, _)) in before.iter().enumerate() {
            let region = &self.regions[*at as usize];
            let Ok(found) = self.near.meeting(region, &self.regions, after.clone(), &mut self.budget) else {
                return self.leave_open(Question::Overlaps(self.name(rank)), self.why_spent());
            };
            for other in found {
                pairs.entry(self.rank_of(other)).or_default().push((n, other));
            }
        }
        for (other, pairs) in pairs {
            let to = self.active[other];
            if (&to.to, to.strategy) == (&rule.to, rule.strategy) {
                continue;
            }
            match self.overlap(rank, other, before, &pairs) {
                Found::Witness(witness) => self.analysis.findings.push(Finding::Overlap {
                    first: rule.name.clone(),
                    second: to.name.clone(),
                    first_to: targets(rule),
                    second_to: targets(to),
                    witness,
                }),
                Found::None => {}
                Found::Open(Why::Work) => {
                    return self.leave_open(Question::Overlaps(self.name(rank)), Why::Work);
                }
                Found::Open(why) => {
                    self.leave_open(Question::Overlap(rule.name.clone(), to.name.clone()), why);
                }
            }
        }
    }

    fn overlap(
        &mut self,
        rank: usize,
        other: usize,
        before: &[(u32, Vec<u32>)],
        pairs: &[(usize, u32)],
    ) -> Found {
        let mut answer = Found::None;
        for (n, theirs) in pairs {
            let (at, before) = &before[*n];
            let Some(both) = self.regions[*at as usize].and(&self.regions[*theirs as usize]) else {
                continue;
            };
            match self.won_by(rank, Some(other), &both, before, &mut Vec::new()) {
                Found::None => {}
                Found::Open(why) => answer = Found::Open(why),
                found @ Found::Witness(_) => return found,
            }
        }
        answer
    }
}

fn targets(rule: &Rule) -> Vec<Target> {
    rule.to.iter().map(|share| share.target.clone()).collect()
}
