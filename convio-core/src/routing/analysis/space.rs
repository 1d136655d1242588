//! All requests that rules can tell apart: the axes, and what is asked for as regions of them.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::super::zip_pattern::ZipText;
use super::super::{RoutingRequest, ZipPattern};
use super::ask::{AREA_CODE, Asked, CAMPAIGN, CONSENT, FIELDS, Formula, LEAD_TYPE, NOW, PRODUCT, SOURCE};
use super::ask::{START, STATE, VALUE, ZIP};
use super::axis::{Axis, Is};
use super::search::Budget;
use super::set::{Region, Set};
use super::times::{Days, times};
use super::universe::{Territory, Universe};
use super::values::{amounts, area_codes, field, names, other_consent};
use super::zip_atoms::{PatternIndex, codes};
use crate::postal::PostalCode;

pub(super) struct Space<'r> {
    axes: Vec<Axis>,
    /// How many atoms each axis has.
    pub(super) sizes: Vec<u32>,
    fields: Vec<&'r str>,
    other_consent: String,
    products: BTreeMap<&'r str, u32>,
    states: BTreeMap<&'r str, u32>,
    /// Codes that stand for all others, and their atoms.
    codes: Vec<(ZipText, u32)>,
}

impl<'r> Space<'r> {
    pub(super) fn new(asked: &Asked<'r>, universe: &'r Universe<'_>) -> Self {
        let states = universe.territories.iter().filter_map(|territory| match territory {
            Territory::State(state) => Some(state.key()),
            _ => None,
        });
        let mut axes = Vec::new();
        let (products, product_atoms) = names(&asked.names[0], universe.products.iter().map(|it| it.key()));
        let (in_states, state_atoms) = names(&asked.names[STATE as usize], states);
        axes.extend([products, in_states]);
        for axis in [SOURCE, CAMPAIGN, LEAD_TYPE] {
            axes.push(names(&asked.names[axis as usize], std::iter::empty()).0);
        }
        axes.push(area_codes(&asked.names[AREA_CODE as usize]));
        let (zips, codes) = zips(&asked.zips, universe);
        let days = Days::from(universe.from);
        let now = times(days, &asked.windows[0], false);
        axes.extend([zips, amounts(&asked.values), now, times(days, &asked.windows[1], true)]);
        let says = [(Is::Missing, vec![]), (Is::Field(json!("yes")), vec![0])];
        axes.push(Axis::of(says, 1).0);
        axes.extend(asked.fields.iter().map(|(name, tests)| field(name, tests)));
        Self {
            sizes: axes.iter().map(Axis::len).collect(),
            axes,
            fields: asked.fields.iter().map(|(name, _)| *name).collect(),
            other_consent: other_consent(|name| asked.names_field(name)),
            products: product_atoms,
            states: state_atoms,
            codes,
        }
    }

    /// The regions that a formula holds for, together; `None` where they are more than `most`, or more work than is left.
    pub(super) fn regions(&self, formula: &Formula, most: usize, budget: &mut Budget) -> Option<Vec<Region>> {
        self.regions_of(formula, true, most, budget)
    }

    fn regions_of(
        &self,
        formula: &Formula,
        holds: bool,
        most: usize,
        budget: &mut Budget,
    ) -> Option<Vec<Region>> {
        match (formula, holds) {
            (Formula::Test(axis, test), _) => {
                let all = Set::all(self.sizes[*axis as usize]);
                let set = &self.axes[*axis as usize].tests[*test as usize];
                let set = if holds { Rc::clone(set) } else { Rc::new(all.minus(set)) };
                Some(match (set.is_empty(), *set == all) {
                    (true, _) => Vec::new(),
                    (false, true) => vec![Region::default()],
                    (false, false) => vec![Region::on(*axis, set)],
                })
            }
            (Formula::Not(not), _) => self.regions_of(not, !holds, most, budget),
            (Formula::All(list), true) | (Formula::Either(list), false) => {
                let mut all = vec![Region::default()];
                for formula in list {
                    let these = self.regions_of(formula, holds, most, budget)?;
                    let mut both = Vec::new();
                    for (one, other) in all.iter().flat_map(|one| these.iter().map(move |other| (one, other)))
                    {
                        if let Some(region) = one.and(other) {
                            self.add(&mut both, region, most, budget)?;
                        }
                    }
                    all = both;
                }
                Some(all)
            }
            (Formula::Either(list), true) | (Formula::All(list), false) => {
                let mut either = Vec::new();
                for formula in list {
                    for region in self.regions_of(formula, holds, most, budget)? {
                        self.add(&mut either, region, most, budget)?;
                    }
                }
                Some(either)
            }
        }
    }

    /// Adds a region, as one with others where that is one region too.
    fn add(&self, regions: &mut Vec<Region>, region: Region, most: usize, budget: &mut Budget) -> Option<()> {
        let mut region = region;
        'again: loop {
            budget.spend(regions.len() as u64 + 1).ok()?;
            for at in 0..regions.len() {
                let there = &regions[at];
                if region.is_within(there) {
                    return Some(());
                }
                let one = if there.is_within(&region) { Some(region.clone()) } else { there.or(&region) };
                if let Some(one) = one {
                    regions.swap_remove(at);
                    region = one.tidy(&self.sizes);
                    continue 'again;
                }
            }
            regions.push(region);
            return (regions.len() <= most).then_some(());
        }
    }

    /// The requests for a product.
    pub(super) fn product(&self, key: &str) -> Region {
        Region::on(PRODUCT, Rc::new(Set::of(self.products.get(key).copied())))
    }

    /// The requests of a territory.
    pub(super) fn territories(&self, territories: &[Territory]) -> Vec<Region> {
        let patterns = territories.iter().map(|territory| match territory {
            Territory::Zips(pattern) => std::slice::from_ref(pattern),
            _ => &[],
        });
        let index = PatternIndex::of(patterns);
        let mut atoms: Vec<Vec<u32>> = vec![Vec::new(); territories.len()];
        for (code, atom) in &self.codes {
            index.lists(*code).into_iter().for_each(|territory| atoms[territory as usize].push(*atom));
        }
        let regions = territories.iter().zip(atoms).map(|(territory, mut atoms)| match territory {
            Territory::Zips(_) => {
                atoms.sort_unstable();
                atoms.dedup();
                Region::on(ZIP, Rc::new(Set::of(atoms)))
            }
            Territory::State(state) => {
                Region::on(STATE, Rc::new(Set::of(self.states.get(state.key()).copied())))
            }
            Territory::Anywhere => Region::default(),
        });
        regions.collect()
    }

    /// A code of an atom, and of this pattern.
    pub(super) fn code(&self, region: &Region, pattern: &ZipPattern) -> Option<PostalCode> {
        let atom = region.first(ZIP);
        let found = self.codes.iter().find(|(code, of)| *of == atom && pattern.holds_text(*code));
        found.and_then(|(code, _)| postal_code(*code))
    }

    /// The first request of a region.
    pub(super) fn request(&self, region: &Region) -> RoutingRequest {
        let is = |axis: u32| self.axes[axis as usize].values.get(region.first(axis) as usize);
        let name = |axis: u32| match is(axis) {
            Some(Is::Name(name)) => Some(&**name),
            _ => None,
        };
        let at = |axis: u32| match is(axis) {
            Some(Is::At(at)) => Some(*at),
            _ => None,
        };
        let mut custom: Map<String, Value> = Map::new();
        let names = self.fields.iter().copied().zip(FIELDS..);
        for (name, axis) in [(self.other_consent.as_str(), CONSENT)].into_iter().chain(names) {
            if let Some(Is::Field(value)) = is(axis) {
                custom.insert(name.to_owned(), value.clone());
            }
        }
        RoutingRequest {
            product: name(PRODUCT).and_then(|it| it.parse().ok()),
            postal_code: match is(ZIP) {
                Some(Is::Zip(code)) => Some(code.clone()),
                _ => None,
            },
            state: name(STATE).and_then(|it| it.parse().ok()),
            source: name(SOURCE).and_then(|it| it.parse().ok()),
            campaign: name(CAMPAIGN).and_then(|it| it.parse().ok()),
            lead_type: name(LEAD_TYPE).and_then(|it| it.parse().ok()),
            area_code: name(AREA_CODE).and_then(|it| it.parse().ok()),
            custom: custom.into(),
            value: match is(VALUE) {
                Some(Is::Money(value)) => Some(*value),
                _ => None,
            },
            at: at(NOW).unwrap_or_default(),
            starts_at: at(START),
            ..RoutingRequest::default()
        }
    }
}

/// The axis of postal codes, and the codes that stand for all others with their atoms.
fn zips(tests: &[&[ZipPattern]], universe: &Universe<'_>) -> (Axis, Vec<(ZipText, u32)>) {
    let territories = universe.territories.iter().filter_map(|territory| match territory {
        Territory::Zips(pattern) => Some(pattern),
        _ => None,
    });
    let codes = codes(tests.iter().copied().flatten().chain(territories));
    let index = PatternIndex::of(tests.iter().copied());
    let values = codes.iter().filter_map(|code| Some((Is::Zip(postal_code(*code)?), index.lists(*code))));
    let (axis, atoms) = Axis::of([(Is::Missing, Vec::new())].into_iter().chain(values), tests.len());
    (axis, codes.iter().copied().zip(atoms.into_iter().skip(1)).collect())
}

fn postal_code(code: ZipText) -> Option<PostalCode> {
    PostalCode::parse(&ZipPattern::Exact(code).to_string()).ok()
}
