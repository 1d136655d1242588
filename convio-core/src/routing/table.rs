use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustc_hash::FxBuildHasher;

use self::builder::Builder;
use self::firsts::{Firsts, NO_TERRITORY};
use self::names::Names;
use self::pages::{Link, ZipPages, five_digits};
use super::pick::{Choices, MATCHING_MAX, Noted, State};
use super::zip_pattern::ZipText;
use super::{Decision, Declined, RoutingRequest, Rule, RuleSet, Target};
use crate::postal::{POSTAL_CODE_CHARS_MAX, PostalCode};

/// Rules as an index, made once per publication: it gives the answers of [`RuleSet::decide`] without trying rule after rule.
///
/// Rules are listed by the postal codes, prefixes and pieces of ranges that they ask for, or else by their states, and there by
/// product, in the order in which they are tried. A decision looks at the few lists that its postal code and state stand in,
/// and in each of them at the first rule that matches. What else a rule asks for is tested where it is met: rules that differ
/// in nothing but [`Rule::when`] are tried one by one.
///
/// ```
/// use convio_core::routing::{RoutingRequest, Rule, RuleSet, RuleTable, Target};
/// use convio_core::{PostalCode, Product};
/// let rules = [Rule::to(Target::team("west")).products(["Solar"]).zips(["902*"])];
/// let table = RuleTable::new(RuleSet::publish(1, rules).unwrap());
/// let request = RoutingRequest {
///     product: Some(Product::new("solar")?),
///     postal_code: Some(PostalCode::parse("90210")?),
///     ..Default::default()
/// };
/// assert_eq!(table.find(&request).map(|rule| &rule.to[0].target), Some(&Target::team("west")));
/// assert_eq!(table.decide(&request), table.rules().decide(&request));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RuleTable {
    rules: Arc<RuleSet>,
    choices: Choices,
    /// The rules as they are tried: a rule's *place* is its index here.
    order: Box<[u32]>,
    products: Names,
    states: Names,
    sources: Names,
    everywhere: Node,
    /// By the ids of states.
    in_state: Box<[Node]>,
    /// The first rules of territories: of those of [`ZipPages`], and of these.
    firsts: Firsts,
    /// By the ids of states the territory that each is, with what is listed everywhere.
    territories: Box<[u32]>,
    /// By postal codes and what they begin with, as [`exactly`] and [`beginning`] have them.
    zips: HashMap<u64, Node, FxBuildHasher>,
    /// The same for most ZIPs of five digits.
    pages: ZipPages,
    /// The lengths, as bits, of the beginnings that have a node.
    lengths: u16,
    /// Those of a node follow each other: by their first places, or by their products where there are more than [`SHORT`].
    lists: Box<[List]>,
    /// Those of a list but its first follow each other, by their places.
    entries: Box<[Entry]>,
    /// Per place what more must be tested.
    tests: Box<[Test]>,
    /// Whether a ZIP that stands in a piece of a range is in the range.
    ranges_are_of_zips: bool,
}

/// What is listed at a postal code, at what they begin with, at a state, or everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    /// The first of its lists.
    at: u32,
    /// How many lists it has.
    len: u32,
    /// The place of its first rule: beside a better one nothing of the node need be looked at.
    first: u32,
}

/// The rules of a node that ask for one product, or for none.
#[derive(Debug, Clone, Copy)]
struct List {
    product: u32,
    /// The first entry, which is often all that is looked at.
    first: Entry,
    /// Where the others begin among the entries.
    at: u32,
    /// Where they end.
    to: u32,
}

/// The place of a rule; with [`TESTED`] or [`RANGED`] where more must be tested.
type Entry = u32;

/// What a rule asks for beyond the lists that it stands in.
#[derive(Debug, Clone, Copy)]
struct Test {
    /// Its states, as bits of their ids; all bits where it asks for none or its lists are those of its states.
    states: u64,
    /// Its sources, likewise.
    sources: u64,
    /// It asks for a range, of which the pieces also hold codes that are shorter or other than its bounds.
    range: bool,
    /// It asks for more than the bits say.
    more: bool,
}

/// A request as the table knows it.
struct Asked<'r> {
    request: &'r RoutingRequest,
    product: u32,
    /// Its postal code, if it is a ZIP of five digits.
    zip: Option<usize>,
    states: u64,
    sources: u64,
    /// Its postal code is surely in a range of which it stands in a piece.
    in_ranges: bool,
}

impl RuleTable {
    /// Compiles rules.
    pub fn new(rules: impl Into<Arc<RuleSet>>) -> Self {
        Builder::default().build(rules.into())
    }

    /// The rules.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// The rule that a request goes by; `None` where none matches. Allocates nothing, but where a rule tests a custom field.
    pub fn find(&self, request: &RoutingRequest) -> Option<&Rule> {
        self.first(request, 0).map(|place| self.rule(place))
    }

    /// All rules that match a request, in the order in which they are tried.
    pub fn matching<'t>(&'t self, request: &'t RoutingRequest) -> impl Iterator<Item = &'t Rule> {
        self.places(request).map(|(_, rule)| rule)
    }

    fn places<'t>(&'t self, request: &'t RoutingRequest) -> impl Iterator<Item = (usize, &'t Rule)> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let place = self.first(request, from)?;
            from = place + 1;
            Some((place as usize, self.rule(place)))
        })
    }

    /// Where a request goes, and why, where nothing was counted yet: what [`RuleSet::decide`] answers.
    pub fn decide(&self, request: &RoutingRequest) -> Decision {
        let Ok(decision) = self.decide_with(request, &[], super::pick::nothing);
        decision
    }

    /// Where a request goes, if that depends on no counter.
    pub(crate) fn decide_alone(&self, request: &RoutingRequest) -> Option<Decision> {
        let sure = self.find(request).is_none_or(|rule| self.choices.is_sure(rule, request));
        sure.then(|| self.decide(request))
    }

    /// The targets that [`RuleTable::decide_with`] may ask calendars for, some more than once.
    pub(crate) fn targets<'t>(
        &'t self,
        request: &'t RoutingRequest,
    ) -> impl Iterator<Item = &'t Target> + 't {
        self.matching(request).take(MATCHING_MAX).flat_map(|rule| rule.to.iter().map(|share| &share.target))
    }

    /// The counters that [`RuleTable::decide_with`] may look at where calendars are asked too, in order: whoever comes first may have no
    /// time.
    pub(crate) fn all_counters(&self, request: &RoutingRequest) -> Vec<(String, DateTime<Utc>)> {
        self.choices.counters(self.matching(request), request)
    }

    /// The counters that [`RuleTable::decide_with`] may look at, in order.
    pub(crate) fn counters(
        &self,
        request: &RoutingRequest,
        declined: &[Declined],
    ) -> Vec<(String, DateTime<Utc>)> {
        let mut is_answered = false;
        let asked = self.matching(request).take_while(|rule| {
            let refused = rule.to.iter().any(|share| declined.iter().any(|it| it.target == share.target));
            !std::mem::replace(&mut is_answered, self.choices.is_sure(rule, request) && !refused)
        });
        self.choices.counters(asked, request)
    }

    /// The decision made once more, from the request and from what the decision noted of counters and of those who declined: it comes out
    /// the same. `None` where it was not made by these rules, or another request is given.
    ///
    /// ```
    /// use convio_core::routing::{RoutingRequest, Rule, RuleSet, RuleTable, Target};
    /// let rules = [Rule::to(Target::team("west")).any_product().any_zip()];
    /// let table = RuleTable::new(RuleSet::publish(1, rules).unwrap());
    /// let decision = table.decide(&RoutingRequest::default());
    /// assert_eq!(table.replay(&RoutingRequest::default(), &decision), Some(decision));
    /// ```
    pub fn replay(&self, request: &RoutingRequest, decision: &Decision) -> Option<Decision> {
        let noted = Noted(decision);
        let is_of_these = decision.rules_version == self.rules.version;
        let again = is_of_these.then(|| self.decide_with(request, &decision.declined, noted).ok()).flatten();
        // What an appointment takes beside who gets it is no matter of rules.
        again.map(|again| Decision { takes: decision.takes.clone(), ..again })
    }

    /// Where a request goes, and why, by what counters have come to.
    pub(crate) fn decide_with<S: State>(
        &self,
        request: &RoutingRequest,
        declined: &[Declined],
        state: S,
    ) -> Result<Decision, S::Error> {
        let picked = self.choices.pick(self.places(request), request, declined, state)?;
        let decision = self.rules.decision(&self.order, picked, request);
        Ok(Decision { declined: declined.to_vec(), ..decision })
    }

    /// Which of the rules, as they were given, match a request, in the order in which they are tried.
    pub(super) fn find_all<'t>(&'t self, request: &'t RoutingRequest) -> impl Iterator<Item = usize> + 't {
        self.places(request).map(|(place, _)| self.order[place] as usize)
    }

    fn rule(&self, place: u32) -> &Rule {
        &self.rules.rules[self.order[place as usize] as usize]
    }

    /// The first place from this one on whose rule matches.
    fn first(&self, request: &RoutingRequest, from: u32) -> Option<u32> {
        let id = |names: &Names, key: Option<&str>| key.map_or(0, |key| names.id(key));
        let product = id(&self.products, request.product.as_ref().map(|it| it.key()));
        let state = id(&self.states, request.state.as_ref().map(|it| it.key()));
        let listed = if from == 0 { self.first_listed(request, product, state) } else { None };
        let place = match listed {
            Some(first) if first & TESTED == 0 && (self.ranges_are_of_zips || first & RANGED == 0) => {
                place(first)
            }
            _ => self.first_tested(request, product, state, from, listed),
        };
        (place < NO_PLACE).then_some(place)
    }

    /// The first entry of all that are listed for a request, or [`NO_PLACE`]: if its rule matches, no other need be looked at. `None`
    /// where that is not known without going along the lists.
    fn first_listed(&self, request: &RoutingRequest, product: u32, state: u32) -> Option<Entry> {
        let of_zip = match &request.postal_code {
            Some(code) => self.pages.territory(five_digits(code)?),
            None => NO_TERRITORY,
        };
        let of_zip = self.firsts.of(of_zip, product)?;
        let of_state = self.firsts.of(self.territories[state as usize], product)?;
        Some(if place(of_zip) < place(of_state) { of_zip } else { of_state })
    }

    /// The first place from this one on whose rule matches, or [`NO_PLACE`]: that of this entry, or else found along the lists.
    fn first_tested(
        &self,
        request: &RoutingRequest,
        product: u32,
        state: u32,
        from: u32,
        listed: Option<Entry>,
    ) -> u32 {
        let zip = request.postal_code.as_ref().and_then(five_digits);
        let mut asked = Asked {
            request,
            product,
            zip,
            states: bit(state),
            // Most rules speak of no source: then the request's is not looked at.
            sources: match self.sources.is_empty() {
                true => bit(0),
                false => bit(request.source.as_ref().map_or(0, |source| self.sources.id(source.key()))),
            },
            in_ranges: self.ranges_are_of_zips && zip.is_some(),
        };
        if let Some(first) = listed
            && self.passes(first, &asked)
        {
            return place(first);
        }
        let mut best = NO_PLACE;
        if let Some(code) = &request.postal_code {
            self.scan_zips(code, &mut asked, from, &mut best);
        }
        self.scan(self.in_state[state as usize], &asked, from, &mut best);
        self.scan(self.everywhere, &asked, from, &mut best);
        best
    }

    fn scan_zips(&self, code: &PostalCode, asked: &mut Asked<'_>, from: u32, best: &mut u32) {
        if let Some((own, shared)) = asked.zip.and_then(|zip| self.pages.at(zip)) {
            self.scan_chain(own, asked, from, best);
            self.scan_chain(shared, asked, from, best);
            return;
        }
        let mut texts = [ZipText::EMPTY; POSTAL_CODE_CHARS_MAX + 1];
        let mut len = 0;
        for text in ZipText::beginnings(code) {
            len += 1;
            texts[len] = text;
        }
        let is_digits = || !code.as_bytes().iter().any(u8::is_ascii_alphabetic);
        let is_zip = (len == ZIP || len == ZIP + 4) && is_digits();
        asked.in_ranges = self.ranges_are_of_zips && is_zip;
        self.scan_zip(exactly(texts[len]), asked, from, best);
        if is_zip && len > ZIP {
            self.scan_zip(exactly(texts[ZIP]), asked, from, best);
        }
        // Only the lengths that some rule asks for.
        let mut lengths = self.lengths & ((2_u16 << len) - 1);
        while lengths != 0 {
            let len = lengths.trailing_zeros() as usize;
            self.scan_zip(beginning(texts[len]), asked, from, best);
            lengths &= lengths - 1;
        }
    }

    fn scan_zip(&self, key: u64, asked: &Asked<'_>, from: u32, best: &mut u32) {
        if let Some(node) = self.zips.get(&key) {
            self.scan(*node, asked, from, best);
        }
    }

    /// Lowers `best` to the first place of a node that matches, if that is less.
    fn scan(&self, node: Node, asked: &Asked<'_>, from: u32, best: &mut u32) {
        if node.first >= *best {
            return;
        }
        let lists = &self.lists[node.at as usize..][..node.len as usize];
        if lists.len() <= SHORT {
            for list in lists {
                if place(list.first) >= *best {
                    return;
                }
                if list.product == asked.product || list.product == ANY {
                    self.scan_list(list, asked, from, best);
                }
            }
            return;
        }
        for product in [ANY, asked.product] {
            if let Ok(n) = lists.binary_search_by_key(&product, |list| list.product) {
                self.scan_list(&lists[n], asked, from, best);
            }
        }
    }

    fn scan_chain(&self, chain: &[Link], asked: &Asked<'_>, from: u32, best: &mut u32) {
        for link in chain {
            let first = place(link.first);
            if first >= *best {
                return;
            }
            if link.product() == asked.product || link.product() == ANY {
                if first >= from && self.passes(link.first, asked) {
                    *best = first;
                    return;
                }
                self.scan_others(&self.lists[link.list()], asked, from, best);
            }
        }
    }

    fn scan_list(&self, list: &List, asked: &Asked<'_>, from: u32, best: &mut u32) {
        let first = place(list.first);
        if first >= *best {
            return;
        }
        if first >= from && self.passes(list.first, asked) {
            *best = first;
            return;
        }
        self.scan_others(list, asked, from, best);
    }

    fn scan_others(&self, list: &List, asked: &Asked<'_>, from: u32, best: &mut u32) {
        let others = &self.entries[list.at as usize..list.to as usize];
        let skipped = if from == 0 { 0 } else { others.partition_point(|entry| place(*entry) < from) };
        for entry in &others[skipped..] {
            if place(*entry) >= *best {
                return;
            }
            if self.passes(*entry, asked) {
                *best = place(*entry);
                return;
            }
        }
    }

    fn passes(&self, entry: Entry, asked: &Asked<'_>) -> bool {
        if entry & TESTED == 0 && (asked.in_ranges || entry & RANGED == 0) {
            return true;
        }
        self.passes_tests(place(entry), asked)
    }

    fn passes_tests(&self, place: u32, asked: &Asked<'_>) -> bool {
        let test = self.tests[place as usize];
        if test.states & asked.states == 0 || test.sources & asked.sources == 0 {
            return false;
        }
        if test.range && !asked.in_ranges && !self.rule(place).zips.holds(asked.request.postal_code.as_ref())
        {
            return false;
        }
        !test.more || self.rule(place).first_failure(asked.request).is_none()
    }
}

/// The same rules make the same table.
impl PartialEq for RuleTable {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
    }
}

impl Eq for RuleTable {}

impl fmt::Debug for RuleTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleTable({} rules, version {})", self.order.len(), self.rules.version)
    }
}

impl From<RuleSet> for RuleTable {
    fn from(rules: RuleSet) -> Self {
        Self::new(rules)
    }
}

/// The bits of a request's name: its own, and the one that only "all bits" has.
fn bit(id: u32) -> u64 {
    1 | if id <= BITS { 1 << id } else { 0 }
}

/// The key of a postal code.
fn exactly(code: ZipText) -> u64 {
    code.number() << 1 | 1
}

/// The key of what postal codes begin with.
fn beginning(text: ZipText) -> u64 {
    text.number() << 1
}

fn place(entry: Entry) -> u32 {
    entry & !(TESTED | RANGED)
}

/// A node that nothing is listed at.
const NOWHERE: Node = Node { at: 0, len: 0, first: NO_PLACE };
/// Along so many lists one goes sooner than one finds those of a product.
const SHORT: usize = 64;
/// After the places of all rules.
const NO_PLACE: u32 = !(TESTED | RANGED);
/// The product of rules that ask for none, and of requests for one that no rule asks for.
const ANY: u32 = 0;
/// Set in an entry where more must be tested. There are far fewer rules than that.
const TESTED: Entry = 1 << 31;
/// Set in an entry where the range must be tested, unless pieces of ranges hold nothing else.
const RANGED: Entry = 1 << 30;
/// Names that have a bit of their own: ids from 1 on. Bit 0 stands for every other.
const BITS: u32 = 63;
/// Digits of a ZIP.
const ZIP: usize = 5;

mod builder;
mod firsts;
mod names;
mod pages;
#[cfg(test)]
pub(super) mod tests;
