//! What rules ask for, as formulas over the tests of axes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{AnyOf, Condition, Moment, Rule, TextSet, Window, ZipPattern, Zips};
use super::values::is_consent;

pub(super) const PRODUCT: u32 = 0;
pub(super) const STATE: u32 = 1;
pub(super) const SOURCE: u32 = 2;
pub(super) const CAMPAIGN: u32 = 3;
pub(super) const LEAD_TYPE: u32 = 4;
pub(super) const AREA_CODE: u32 = 5;
/// How many axes of names there are.
pub(super) const NAMES: usize = 6;
pub(super) const ZIP: u32 = 6;
pub(super) const VALUE: u32 = 7;
pub(super) const NOW: u32 = 8;
pub(super) const START: u32 = 9;
/// A consent by a field that no rule names.
pub(super) const CONSENT: u32 = 10;
/// The first of the custom fields that rules name, in their order.
pub(super) const FIELDS: u32 = 11;

/// When a rule holds.
#[derive(Debug)]
pub(super) enum Formula {
    /// The test of this axis does.
    Test(u32, u32),
    All(Vec<Formula>),
    Either(Vec<Formula>),
    Not(Box<Formula>),
}

/// All tests of all rules, by axis.
#[derive(Default)]
pub(super) struct Asked<'r> {
    pub(super) names: [Vec<&'r TextSet>; NAMES],
    pub(super) zips: Vec<&'r [ZipPattern]>,
    pub(super) values: Vec<&'r Condition>,
    /// Of [`NOW`] and [`START`], each once.
    pub(super) windows: [Vec<&'r Window>; 2],
    known_windows: BTreeMap<WindowKey<'r>, u32>,
    /// The names of the custom fields, in order, and their tests.
    pub(super) fields: Vec<(&'r str, Vec<&'r Condition>)>,
}

type WindowKey<'r> = (Moment, &'r crate::zone::Zone, [bool; 7], u16, u16);

impl<'r> Asked<'r> {
    /// What these rules ask for, and when each holds.
    pub(super) fn of(rules: &[&'r Rule]) -> (Self, Vec<Formula>) {
        let mut names = BTreeSet::new();
        rules.iter().for_each(|rule| fields_of(&rule.when, &mut names));
        let fields = names.into_iter().map(|name| (name, Vec::new())).collect();
        let mut asked = Self { fields, ..Self::default() };
        let formulas = rules.iter().map(|rule| asked.rule(rule)).collect();
        (asked, formulas)
    }

    /// Whether rules name this custom field.
    pub(super) fn names_field(&self, name: &str) -> bool {
        self.fields.binary_search_by_key(&name, |(name, _)| name).is_ok()
    }

    fn rule(&mut self, rule: &'r Rule) -> Formula {
        let mut all = Vec::new();
        for (axis, set) in [(PRODUCT, &rule.products), (STATE, &rule.states), (SOURCE, &rule.sources)] {
            if let AnyOf::Of(set) = set {
                all.push(self.name(axis, set));
            }
        }
        if let Zips::Of(set) = &rule.zips {
            all.push(test(ZIP, &mut self.zips, set.patterns()));
        }
        all.push(self.condition(&rule.when));
        Formula::All(all)
    }

    fn name(&mut self, axis: u32, set: &'r TextSet) -> Formula {
        test(axis, &mut self.names[axis as usize], set)
    }

    fn condition(&mut self, condition: &'r Condition) -> Formula {
        match condition {
            Condition::Always => Formula::All(Vec::new()),
            Condition::Products(set) => self.name(PRODUCT, set),
            Condition::States(set) => self.name(STATE, set),
            Condition::Sources(set) => self.name(SOURCE, set),
            Condition::Campaigns(set) => self.name(CAMPAIGN, set),
            Condition::LeadTypes(set) => self.name(LEAD_TYPE, set),
            Condition::AreaCodes(set) => self.name(AREA_CODE, set),
            Condition::Zips(set) => test(ZIP, &mut self.zips, set.patterns()),
            Condition::Value { .. } => test(VALUE, &mut self.values, condition),
            Condition::Field { name, .. } => {
                let at = self.fields.partition_point(|(known, _)| *known < name.as_str());
                test(FIELDS + at as u32, &mut self.fields[at].1, condition)
            }
            Condition::Consent => self.consent(),
            Condition::During(window) => self.window(window),
            Condition::All(all) => Formula::All(all.iter().map(|it| self.condition(it)).collect()),
            Condition::Either(either) => {
                Formula::Either(either.iter().map(|it| self.condition(it)).collect())
            }
            Condition::Not(not) => Formula::Not(Box::new(self.condition(not))),
        }
    }

    /// By one of the fields that rules name, or by another.
    fn consent(&mut self) -> Formula {
        let fields = (FIELDS..).zip(&mut self.fields).filter(|(_, (name, _))| is_consent(name));
        let by = fields.map(|(axis, (_, tests))| test(axis, tests, &Condition::Consent));
        Formula::Either(by.chain([Formula::Test(CONSENT, 0)]).collect())
    }

    fn window(&mut self, window: &'r Window) -> Formula {
        let (axis, at) = match window.moment {
            Moment::Now => (NOW, 0),
            Moment::Start => (START, 1),
        };
        let next = self.windows[at].len() as u32;
        let key = (window.moment, &window.zone, window.days, window.from, window.to);
        let known = *self.known_windows.entry(key).or_insert(next);
        if known == next {
            self.windows[at].push(window);
        }
        Formula::Test(axis, known)
    }
}

fn test<T>(axis: u32, tests: &mut Vec<T>, test: T) -> Formula {
    tests.push(test);
    Formula::Test(axis, tests.len() as u32 - 1)
}

fn fields_of<'r>(condition: &'r Condition, names: &mut BTreeSet<&'r str>) {
    match condition {
        Condition::Field { name, .. } => {
            names.insert(name);
        }
        Condition::All(list) | Condition::Either(list) => list.iter().for_each(|it| fields_of(it, names)),
        Condition::Not(not) => fields_of(not, names),
        _ => {}
    }
}
