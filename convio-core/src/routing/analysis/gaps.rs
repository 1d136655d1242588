//! What is in use and no rule takes.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::pairs::Found;
use super::search::{Covers, Spent, outside};
use super::set::Region;
use super::{Analyser, Finding, Question, SHOWN, Territory, Why};
use crate::text::Product;

impl Analyser<'_> {
    /// The gaps of every product in use.
    pub(super) fn gaps(&mut self) {
        let universe = self.universe;
        // Territories that no rule tells apart have the same answer.
        let mut groups: Vec<(Region, Vec<usize>)> = Vec::new();
        let mut known: HashMap<Region, usize, FxBuildHasher> = HashMap::default();
        for (n, region) in self.space.territories(&universe.territories).into_iter().enumerate() {
            let group = *known.entry(region.clone()).or_insert(groups.len());
            if group == groups.len() {
                groups.push((region, Vec::new()));
            }
            groups[group].1.push(n);
        }
        let mut seen = std::collections::BTreeSet::new();
        for product in universe.products.iter().filter(|product| seen.insert(*product)) {
            self.gaps_of(product, &groups);
        }
    }

    fn gaps_of(&mut self, product: &Product, groups: &[(Region, Vec<usize>)]) {
        let requests = self.space.product(product.key());
        let mut missed: Vec<usize> = Vec::new();
        let mut first = None;
        let mut open: Vec<(Why, u64)> = Vec::new();
        for (region, territories) in groups {
            let Some(both) = requests.and(region) else { continue };
            match self.untaken(product, &both, territories[0]) {
                Found::None => {}
                Found::Witness(witness) => {
                    // The groups are in the order of their first territories.
                    first.get_or_insert(witness);
                    missed.extend(territories);
                }
                Found::Open(why) => match open.iter_mut().find(|(other, _)| *other == why) {
                    Some((_, count)) => *count += territories.len() as u64,
                    None => open.push((why, territories.len() as u64)),
                },
            }
        }
        if let Some(witness) = first {
            missed.sort_unstable();
            let shown = missed.len().min(SHOWN);
            let named = missed[..shown].iter().map(|at| self.universe.territories[*at].clone());
            self.analysis.findings.push(Finding::Gap {
                product: product.clone(),
                territories: named.collect(),
                more: (missed.len() - shown) as u64,
                witness,
            });
        }
        for (why, count) in open {
            self.leave_open(Question::Gaps(product.clone(), count), why);
        }
    }

    /// A request for a product in a territory that no rule takes.
    fn untaken(&mut self, product: &Product, region: &Region, territory: usize) -> Found {
        let all = 0..self.regions.len() as u32;
        let covers = Covers { regions: &self.regions, sizes: &self.space.sizes };
        let near = self.near.meeting(region, &self.regions, all, &mut self.budget);
        let found = near.and_then(|near| outside(region, covers, &near, &mut Vec::new(), &mut self.budget));
        let point = match found {
            Ok(Some(point)) => point,
            Ok(None) => return Found::None,
            Err(Spent) => return Found::Open(self.why_spent()),
        };
        let mut request = self.space.request(&point);
        request.product = Some(product.clone());
        match &self.universe.territories[territory] {
            Territory::Zips(pattern)
                if !request.postal_code.as_ref().is_some_and(|code| pattern.holds(code)) =>
            {
                request.postal_code = self.space.code(&point, pattern);
            }
            Territory::Zips(_) => {}
            Territory::State(state) => request.state = Some(state.clone()),
            Territory::Anywhere => {}
        }
        let taken = self.table.find_all(&request).find(|n| self.ranks[*n].is_some());
        match taken {
            None => Found::Witness(Box::new(request)),
            Some(found) => self.depends_on(found),
        }
    }
}
