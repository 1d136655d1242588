use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use super::super::pick::Choices;
use super::super::zip_pattern::ZipText;
use super::super::{AnyOf, Condition, Rule, RuleSet, TextSet, ZipPattern, ZipSet, Zips};
use super::firsts::{FirstOf, Territories};
use super::names::Names;
use super::pages::ZipPages;
use super::{
    ANY, BITS, Entry, List, NOWHERE, Node, RANGED, RuleTable, SHORT, TESTED, Test, ZIP, beginning, exactly,
    place,
};

type Ids = HashMap<Box<str>, u32, FxBuildHasher>;

/// What is collected before it is put in order.
#[derive(Default)]
pub(super) struct Builder {
    products: Ids,
    states: Ids,
    sources: Ids,
    /// The numbers of nodes.
    zips: HashMap<u64, u32, FxBuildHasher>,
    in_state: Vec<u32>,
    lengths: u16,
    nodes: u32,
    /// Node, product, and the entry of its list.
    entries: Vec<(u32, u32, Entry)>,
    tests: Vec<Test>,
    ranges_are_of_zips: bool,
}

impl Builder {
    pub(super) fn build(mut self, rules: Arc<RuleSet>) -> RuleTable {
        let order = rules.order();
        self.nodes = EVERYWHERE + 1;
        self.ranges_are_of_zips = true;
        self.tests.reserve_exact(order.len());
        for (place, n) in (0..).zip(&order) {
            self.add(place, &rules.rules[*n as usize]);
        }
        // A state may be known only from rules that ask for postal codes as well.
        self.in_state.resize(self.states.len() + 1, EVERYWHERE);
        // Rules were added by place, and a stable sort would keep that; this one compares the places too and needs no memory.
        self.entries.sort_unstable_by_key(|(node, product, entry)| (*node, *product, place(*entry)));
        // A rule may come to a node twice, by a range and by a code in it.
        self.entries.dedup();
        let mut nodes = vec![NOWHERE; self.nodes as usize];
        let mut lists: Vec<List> = Vec::new();
        let mut last = None;
        let mut others: Vec<Entry> = Vec::new();
        for (node, product, entry) in self.entries {
            match lists.last_mut() {
                Some(list) if last == Some((node, product)) => {
                    others.push(entry);
                    list.to += 1;
                }
                _ => {
                    let node = &mut nodes[node as usize];
                    if node.len == 0 {
                        node.at = lists.len() as u32;
                    }
                    node.len += 1;
                    node.first = node.first.min(place(entry));
                    let at = others.len() as u32;
                    lists.push(List { product, first: entry, at, to: at });
                }
            }
            last = Some((node, product));
        }
        for node in nodes.iter().filter(|node| node.len as usize <= SHORT) {
            lists[node.at as usize..][..node.len as usize].sort_unstable_by_key(|list| place(list.first));
        }
        let node = |number: &u32| nodes[*number as usize];
        let in_state = |number: &u32| if *number == EVERYWHERE { NOWHERE } else { nodes[*number as usize] };
        let zips: HashMap<u64, Node, FxBuildHasher> =
            self.zips.iter().map(|(key, number)| (*key, node(number))).collect();
        let at_zip = |text, is_code| {
            let key = if is_code { exactly(text) } else { beginning(text) };
            zips.get(&key).copied()
        };
        let texts = zips.keys().map(|key| ZipText::from_number(key >> 1));
        let mut territories = Territories::new();
        let pages = ZipPages::of(texts, at_zip, &lists, &mut territories);
        let everywhere = nodes[EVERYWHERE as usize];
        let in_state: Box<[Node]> = self.in_state.iter().map(in_state).collect();
        let mut territory =
            |state: &Node| territories.add(&FirstOf::NOTHING.and([everywhere, *state], &lists));
        let of_states = in_state.iter().map(&mut territory).collect();
        RuleTable {
            choices: Choices::of(&rules),
            rules,
            order: order.into(),
            everywhere,
            in_state,
            firsts: territories.finish(),
            territories: of_states,
            pages,
            zips,
            lengths: self.lengths,
            lists: lists.into(),
            entries: others.into(),
            products: Names::of(self.products),
            states: Names::of(self.states),
            sources: Names::of(self.sources),
            tests: self.tests.into(),
            ranges_are_of_zips: self.ranges_are_of_zips,
        }
    }

    fn add(&mut self, place: u32, rule: &Rule) {
        let mut test = Test { states: u64::MAX, sources: u64::MAX, range: false, more: false };
        let any_zip = matches!(rule.zips, Zips::Any);
        if let (AnyOf::Of(states), false) = (&rule.states, any_zip) {
            bits(&mut self.states, states, &mut test.states, &mut test.more);
        }
        if let AnyOf::Of(sources) = &rule.sources {
            bits(&mut self.sources, sources, &mut test.sources, &mut test.more);
        }
        test.more |= rule.when != Condition::Always;
        let nodes = match (&rule.zips, &rule.states) {
            (Zips::Of(set), _) => self.nodes_of_zips(set, &mut test.range),
            (Zips::Any, AnyOf::Of(states)) => states.iter().map(|state| self.node_of_state(state)).collect(),
            (Zips::Any, AnyOf::Any) => vec![EVERYWHERE],
        };
        let is_tested = test.states != u64::MAX || test.sources != u64::MAX || test.more;
        let entry = place | if is_tested { TESTED } else { 0 } | if test.range { RANGED } else { 0 };
        self.tests.push(test);
        if !rule.active {
            return;
        }
        let products: Vec<u32> = match &rule.products {
            AnyOf::Any => vec![ANY],
            AnyOf::Of(set) => set.iter().map(|product| id(&mut self.products, product)).collect(),
        };
        for node in nodes {
            self.entries.extend(products.iter().map(|product| (node, *product, entry)));
        }
    }

    fn nodes_of_zips(&mut self, set: &ZipSet, has_range: &mut bool) -> Vec<u32> {
        let mut nodes = Vec::with_capacity(set.patterns().len());
        for pattern in set.patterns() {
            match pattern {
                ZipPattern::Exact(code) => nodes.push(self.node_of_zip(exactly(*code))),
                ZipPattern::Prefix(prefix) => nodes.push(self.node_of_beginning(*prefix)),
                ZipPattern::Range(bounds) => {
                    *has_range = true;
                    self.ranges_are_of_zips &= bounds.0.len() <= ZIP;
                    let mut pieces = Vec::new();
                    pieces_of(ZipText::EMPTY, 0, (Some(bounds.0), Some(bounds.1)), **bounds, &mut pieces);
                    nodes.extend(pieces.into_iter().map(|piece| self.node_of_beginning(piece)));
                }
            }
        }
        nodes
    }

    fn node_of_beginning(&mut self, text: ZipText) -> u32 {
        self.lengths |= 1 << text.len();
        self.node_of_zip(beginning(text))
    }

    fn node_of_zip(&mut self, key: u64) -> u32 {
        *self.zips.entry(key).or_insert_with(|| next(&mut self.nodes))
    }

    fn node_of_state(&mut self, state: &str) -> u32 {
        let state = id(&mut self.states, state) as usize;
        if self.in_state.len() <= state {
            self.in_state.resize(state + 1, EVERYWHERE);
        }
        if self.in_state[state] == EVERYWHERE {
            self.in_state[state] = next(&mut self.nodes);
        }
        self.in_state[state]
    }
}

fn next(nodes: &mut u32) -> u32 {
    *nodes += 1;
    *nodes - 1
}

/// The id of a name, from 1 on.
fn id(ids: &mut Ids, name: &str) -> u32 {
    if let Some(id) = ids.get(name) {
        return *id;
    }
    let id = ids.len() as u32 + 1;
    ids.insert(name.into(), id);
    id
}

/// The bits of names; where one has none, `more` must be looked at instead.
fn bits(ids: &mut Ids, names: &TextSet, bits: &mut u64, more: &mut bool) {
    let ids: Vec<u32> = names.iter().map(|name| id(ids, name)).collect();
    match ids.iter().all(|id| *id <= BITS) {
        true => *bits = ids.into_iter().fold(0, |bits, id| bits | 1 << id),
        false => *more = true,
    }
}

/// What codes between two bounds begin with, so that every such beginning holds nothing else as far as the bounds go. `open` has
/// the bounds that what is before `place` still stands at.
fn pieces_of(
    before: ZipText,
    place: usize,
    open: (Option<ZipText>, Option<ZipText>),
    bounds: (ZipText, ZipText),
    pieces: &mut Vec<ZipText>,
) {
    let len = bounds.0.len();
    let last = if bounds.0.is_digits() && bounds.1.is_digits() { LAST_DIGIT } else { LAST_LETTER };
    // Where only the first, or the last, character follows, a bound keeps nothing out.
    let from = open.0.filter(|from| (place..len).any(|at| from.digit(at) != 1));
    let to = open.1.filter(|to| (place..len).any(|at| to.digit(at) != last));
    if from.is_none() && to.is_none() {
        pieces.push(before);
        return;
    }
    let first_digit = from.map_or(1, |from| from.digit(place));
    let last_digit = to.map_or(last, |to| to.digit(place));
    for digit in first_digit..=last_digit {
        let open = (from.filter(|_| digit == first_digit), to.filter(|_| digit == last_digit));
        pieces_of(before.then(digit), place + 1, open, bounds, pieces);
    }
}

/// The number of the node of rules that ask neither for postal codes nor for states.
const EVERYWHERE: u32 = 0;
/// `9` and `Z`, as [`ZipText::digit`] has them.
const LAST_DIGIT: u64 = 10;
const LAST_LETTER: u64 = 36;
