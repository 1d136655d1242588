//! Whether a region has a request that is in none of others.

use std::rc::Rc;

use super::ask::{PRODUCT, ZIP};
use super::set::{Region, Set};

/// The work that is left; a step is one region held against another.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) spent: u64,
    most: u64,
}

/// There was more work than was to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent;

impl Budget {
    pub(super) fn of(most: u64) -> Self {
        Self { spent: 0, most }
    }

    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Spent> {
        if self.is_spent() {
            return Err(Spent);
        }
        self.spent += steps;
        Ok(())
    }

    pub(super) fn is_spent(&self) -> bool {
        self.spent >= self.most
    }
}

/// Regions, and how many atoms each axis has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Covers<'c> {
    pub(super) regions: &'c [Region],
    pub(super) sizes: &'c [u32],
}

/// A part of `within` that begins with a request that is in none of the covers with these indexes; or else `None`, and those that
/// have all of it together are added to `used`.
pub(super) fn outside(
    within: &Region,
    covers: Covers<'_>,
    these: &[u32],
    used: &mut Vec<u32>,
    budget: &mut Budget,
) -> Result<Option<Region>, Spent> {
    let Covers { regions: covers, sizes } = covers;
    let mut left: Vec<(Region, Rc<[u32]>)> = vec![(within.clone(), these.into())];
    let mut steps = Budget::of(SEARCH_MAX);
    while let Some((mut region, these)) = left.pop() {
        budget.spend(these.len() as u64 + 1)?;
        steps.spend(these.len() as u64 + 1)?;
        let near: Vec<u32> = these.iter().copied().filter(|at| covers[*at as usize].meets(&region)).collect();
        let at_first = near.iter().copied().filter(|at| covers[*at as usize].has_first_of(&region));
        // Of those that have the first request, the one that leaves the fewest pieces.
        let Some(cover) = at_first.min_by_key(|at| region.beyond(&covers[*at as usize]).count()) else {
            return Ok(Some(region));
        };
        used.push(cover);
        let rest: Rc<[u32]> = near.into_iter().filter(|at| *at != cover).collect();
        let cover = &covers[cover as usize];
        let beyond: Vec<(u32, Rc<Set>)> =
            region.beyond(cover).map(|(axis, set)| (axis, Rc::clone(set))).collect();
        for (axis, theirs) in beyond {
            let (outer, inner) = match region.get(axis) {
                Some(set) => (set.minus(&theirs), set.and(&theirs)),
                None => (Set::all(sizes[axis as usize]).minus(&theirs), Set::clone(&theirs)),
            };
            if !outer.is_empty() {
                left.push((region.with(axis, Rc::new(outer)), Rc::clone(&rest)));
            }
            region = region.with(axis, Rc::new(inner));
        }
    }
    Ok(None)
}

/// Regions by what they ask for, so that those that meet one are found without looking at all.
#[derive(Debug, Default)]
pub(super) struct Near {
    by_zip: Vec<Vec<u32>>,
    by_product: Vec<Vec<u32>>,
    elsewhere: Vec<u32>,
    count: u32,
}

impl Near {
    pub(super) fn of(regions: &[Region], zips: u32, products: u32) -> Self {
        let mut near = Self { count: regions.len() as u32, ..Self::default() };
        near.by_zip.resize(zips as usize, Vec::new());
        near.by_product.resize(products as usize, Vec::new());
        for (n, region) in (0..).zip(regions) {
            match (region.get(ZIP), region.get(PRODUCT)) {
                (Some(zips), _) if zips.len() <= LISTED_MAX => {
                    zips.atoms().for_each(|atom| near.by_zip[atom as usize].push(n));
                }
                (_, Some(set)) => set.atoms().for_each(|atom| near.by_product[atom as usize].push(n)),
                (_, None) => near.elsewhere.push(n),
            }
        }
        near
    }

    /// The regions with these indexes that meet one.
    pub(super) fn meeting(
        &self,
        region: &Region,
        regions: &[Region],
        range: std::ops::Range<u32>,
        budget: &mut Budget,
    ) -> Result<Vec<u32>, Spent> {
        let mut found: Vec<u32> = match region.get(ZIP) {
            Some(zips) if zips.len() <= LISTED_MAX => {
                let zips = zips.atoms().flat_map(|atom| &self.by_zip[atom as usize]);
                let products: Vec<&[u32]> = match region.get(PRODUCT) {
                    Some(set) => set.atoms().map(|atom| self.by_product[atom as usize].as_slice()).collect(),
                    None => self.by_product.iter().map(Vec::as_slice).collect(),
                };
                zips.chain(products.into_iter().flatten()).chain(&self.elsewhere).copied().collect()
            }
            _ => (0..self.count).collect(),
        };
        found.retain(|at| range.contains(at));
        found.sort_unstable();
        found.dedup();
        budget.spend(found.len() as u64 + 1)?;
        found.retain(|at| regions[*at as usize].meets(region));
        Ok(found)
    }
}

/// Regions of more postal codes than that are not listed by them.
const LISTED_MAX: usize = 2_000;

/// Steps of one search. Sets of rules that people write need a few hundred.
pub const SEARCH_MAX: u64 = 2_000_000;
