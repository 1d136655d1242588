//! Postal codes are many, what patterns can tell apart is little: codes of which, for every code there is, one has the same
//! patterns.
//!
//! All texts that the patterns write, with all that they begin with, are a tree. A code is a text of the tree, and then stands for
//! itself; or it leaves the tree after some text, by a character that does not go on in the tree there. What holds for such a
//! code is told by that text, by where between the tree's characters it left (only where bounds of ranges go on there), by
//! how many characters it has (ranges ask for as many as their bounds have, ZIP+4 for nine), and by how many digits it begins
//! with (ranges of digits hold digits only). One code of each such kind is enough.

use std::collections::BTreeSet;
use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::super::ZipPattern;
use super::super::zip_pattern::ZipText;
use crate::postal::POSTAL_CODE_CHARS_MAX;

/// Codes that stand for all others, ZIPs first.
pub(super) fn codes<'p>(patterns: impl IntoIterator<Item = &'p ZipPattern>) -> Vec<ZipText> {
    let mut tree = Tree::default();
    patterns.into_iter().for_each(|pattern| tree.add(pattern));
    let mut codes = Vec::new();
    for (text, node) in &tree.nodes {
        if !text.is_empty() {
            codes.push(*text);
            codes.extend((text.is_digits() && text.len() < ZIP).then(|| fill(*text, ZIP, DIGIT)));
        }
        if text.len() < POSTAL_CODE_CHARS_MAX {
            tree.leaving(*text, *node, &mut codes);
        }
    }
    codes.sort_unstable_by_key(|code| (code.len() != ZIP || !code.is_digits(), *code));
    codes.dedup();
    codes
}

#[derive(Default)]
struct Tree {
    nodes: HashMap<ZipText, Node, FxBuildHasher>,
    /// How many characters the bounds of ranges have, and those of ranges of digits.
    lengths: BTreeSet<usize>,
    digit_lengths: BTreeSet<usize>,
}

#[derive(Default, Clone, Copy)]
struct Node {
    /// The characters by which it goes on, as bits.
    next: u64,
    /// A bound of a range goes on here.
    in_bound: bool,
    /// It is a pattern of one code.
    exact: bool,
}

impl Tree {
    fn add(&mut self, pattern: &ZipPattern) {
        match pattern {
            ZipPattern::Exact(code) => {
                self.insert(*code, false);
                self.nodes.entry(*code).or_default().exact = true;
            }
            ZipPattern::Prefix(prefix) => self.insert(*prefix, false),
            ZipPattern::Range(bounds) => {
                self.insert(bounds.0, true);
                self.insert(bounds.1, true);
                self.lengths.insert(bounds.0.len());
                if bounds.0.is_digits() && bounds.1.is_digits() {
                    self.digit_lengths.insert(bounds.0.len());
                }
            }
        }
    }

    fn insert(&mut self, text: ZipText, bound: bool) {
        self.nodes.entry(text).or_default();
        for len in 0..text.len() {
            let node = self.nodes.entry(text.first(len).unwrap_or(ZipText::EMPTY)).or_default();
            node.next |= 1 << text.digit(len);
            node.in_bound |= bound;
        }
    }

    /// Codes that leave the tree after `text`, one of each kind.
    fn leaving(&self, text: ZipText, node: Node, codes: &mut Vec<ZipText>) {
        let len = text.len() + 1;
        let is_zip = text
            .first(ZIP)
            .is_some_and(|zip| zip.is_digits() && self.nodes.get(&zip).is_some_and(|node| node.exact));
        let is_longer = self.lengths.range(len..).next().is_some();
        for with in ways_out(node, is_longer).map(|char| text.then(char)) {
            let digits = with.is_digits();
            codes.push(with);
            if digits && is_zip {
                codes.extend((len <= ZIP_PLUS4).then(|| fill(with, ZIP_PLUS4, DIGIT)));
                let past = len == ZIP_PLUS4 || self.lengths.contains(&ZIP_PLUS4);
                codes.extend((past && len <= ZIP_PLUS4).then(|| fill(with, ZIP_PLUS4 + 1, DIGIT)));
            }
            for to in self.lengths.range(len + 1..).copied() {
                codes.push(fill(with, to, DIGIT));
                if digits {
                    let runs = self.digit_lengths.range(len + 1..).take_while(|run| **run < to).copied();
                    for run in std::iter::once(len).chain(runs).filter(|run| *run < to) {
                        codes.push(fill(fill(with, run, DIGIT).then(LETTER), to, DIGIT));
                    }
                }
            }
        }
    }
}

/// The first character, digit or letter, of each run of those by which a text does not go on. Where no bound of a range goes
/// on, one digit and one letter; where no range has more characters than the text, one of both.
fn ways_out(node: Node, is_longer: bool) -> impl Iterator<Item = u64> {
    let is_out = move |char: u64| (1..=Z).contains(&char) && node.next >> char & 1 == 0;
    let digit = (1..LETTER).find(|char| is_out(*char));
    let mut few = [digit, (LETTER..=Z).find(|char| is_out(*char))];
    if !is_longer && digit.is_some() {
        few[1] = None;
    }
    (1..=Z).filter(move |char| match node.in_bound {
        true => is_out(*char) && (*char == LETTER || !is_out(*char - 1)),
        false => few.contains(&Some(*char)),
    })
}

/// The text with this character at its end until it has as many.
fn fill(mut text: ZipText, len: usize, char: u64) -> ZipText {
    while text.len() < len {
        text = text.then(char);
    }
    text
}

/// Which of many lists of patterns hold for a code.
#[derive(Default)]
pub(super) struct PatternIndex<'p> {
    exact: HashMap<ZipText, Vec<u32>, FxBuildHasher>,
    prefix: HashMap<ZipText, Vec<u32>, FxBuildHasher>,
    ranges: HashMap<&'p ZipPattern, Vec<u32>, FxBuildHasher>,
}

impl<'p> PatternIndex<'p> {
    /// The index of these lists, by their places.
    pub(super) fn of(lists: impl IntoIterator<Item = &'p [ZipPattern]>) -> Self {
        let mut index = Self::default();
        for (n, list) in (0..).zip(lists) {
            for pattern in list {
                let lists = match pattern {
                    ZipPattern::Exact(code) => index.exact.entry(*code).or_default(),
                    ZipPattern::Prefix(prefix) => index.prefix.entry(*prefix).or_default(),
                    ZipPattern::Range(_) => index.ranges.entry(pattern).or_default(),
                };
                lists.push(n);
            }
        }
        index
    }

    /// The lists that hold for a code, in order.
    pub(super) fn lists(&self, code: ZipText) -> Vec<u32> {
        let zip = code.zip5().filter(|zip| *zip != code);
        let exact = [Some(code), zip].into_iter().flatten().filter_map(|code| self.exact.get(&code));
        let heads = (1..=code.len()).filter_map(|len| self.prefix.get(&code.first(len)?));
        let ranges = self.ranges.iter().filter(|(range, _)| range.holds_text(code)).map(|(_, lists)| lists);
        let mut lists: Vec<u32> = exact.chain(heads).chain(ranges).flatten().copied().collect();
        lists.sort_unstable();
        lists.dedup();
        lists
    }
}

const ZIP: usize = 5;
const ZIP_PLUS4: usize = 9;
/// `0`, `A` and `Z`, as [`ZipText::digit`] has them.
const DIGIT: u64 = 1;
const LETTER: u64 = 11;
const Z: u64 = 36;
