use super::super::zip_pattern::ZipText;
use super::firsts::{FirstOf, NO_TERRITORY, Territories};
use super::{ANY, Entry, List, NO_PLACE, Node, SHORT, place};
use crate::postal::PostalCode;

/// What is listed at ZIPs of five digits: where most requests come from, and found without a hash.
///
/// A *chain* has the lists of several nodes in one, by the places of their first rules: whoever goes along it stops where what
/// follows is no better than what was found. A ZIP has a chain of what is listed at its five digits and at the first four, and
/// shares one, of what is listed at three or fewer, with its *page*: all that begin with the same three digits.
pub(super) struct ZipPages {
    /// Per first three digits its page; 0, which is empty, where no rule asks for any code of it.
    page_of: Box<[u16]>,
    pages: Box<[Page]>,
    /// One after the other, each with [`Link::END`] after it. The first is empty, and so is the first of a page.
    chains: Box<[Link]>,
}

/// A list in a chain. Small: what is gone along comes from memory.
#[derive(Clone, Copy)]
pub(super) struct Link {
    /// Its first entry.
    pub(super) first: Entry,
    /// Its product, and below that which list it is.
    list: u32,
}

impl Link {
    /// No place is better.
    const END: Self = Self { first: NO_PLACE, list: ANY };

    /// `None` where the numbers are too great.
    fn of(number: usize, list: &List) -> Option<Self> {
        let fits = number < 1 << LIST_BITS && list.product < 1 << (u32::BITS - LIST_BITS);
        fits.then_some(Self { first: list.first, list: list.product << LIST_BITS | number as u32 })
    }

    pub(super) fn product(self) -> u32 {
        self.list >> LIST_BITS
    }

    pub(super) fn list(self) -> usize {
        (self.list & ((1 << LIST_BITS) - 1)) as usize
    }
}

/// Where the chains begin of ZIPs that begin with the same three digits.
#[derive(Clone)]
struct Page {
    /// The first of its chains.
    at: u32,
    /// The one that all share.
    shared: u32,
    /// Each ZIP's own, from the first on.
    own: [u16; 100],
    /// The first of its territories.
    territory: u32,
    /// Each ZIP's, from the first on.
    territories: [u16; 100],
}

/// What rules ask of codes that begin with the same three digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Nothing,
    /// No more than these digits.
    Shared,
    /// More digits.
    Further,
}

impl Page {
    const EMPTY: Self =
        Self { at: 0, shared: 0, own: [0; 100], territory: NO_TERRITORY, territories: [0; 100] };

    /// Makes the chains of what is listed at more than the three digits that this text is.
    fn fill(
        &mut self,
        three: ZipText,
        node: impl Fn(ZipText, bool) -> Option<Node>,
        chains: &mut Vec<Link>,
        lists: &[List],
        first_of: &FirstOf,
        territories: &mut Territories,
    ) {
        for digit in 0..10 {
            let four = three.then(digit + 1);
            let of_four = node(four, false);
            let shared = chain(chains, of_four.as_slice(), lists);
            let first_of = first_of.clone().and(of_four, lists);
            for last in 0..10 {
                let five = four.then(last + 1);
                let of_five = [node(five, false), node(five, true)];
                let territory = territories.add(&first_of.clone().and(of_five.into_iter().flatten(), lists));
                self.territories[(digit * 10 + last) as usize] = (territory - self.territory) as u16;
                let own = match of_five {
                    [None, None] => shared,
                    of_five => {
                        let nodes: Vec<Node> = of_five.into_iter().chain([of_four]).flatten().collect();
                        chain(chains, &nodes, lists)
                    }
                };
                self.own[(digit * 10 + last) as usize] = match own {
                    None => LONG_HERE,
                    Some(0) => 0,
                    Some(at) => u16::try_from(at - self.at).unwrap_or(LONG_HERE),
                };
            }
        }
    }
}

impl ZipPages {
    /// The pages of nodes: `texts` has all that anything is listed at, `node` what is listed at a code, or else at what codes begin with.
    pub(super) fn of(
        texts: impl Iterator<Item = ZipText>,
        node: impl Fn(ZipText, bool) -> Option<Node>,
        lists: &[List],
        territories: &mut Territories,
    ) -> Self {
        let mut asked = [Asked::Nothing; PAGES];
        for text in texts.filter(|text| text.is_digits()) {
            let len = text.len().min(3);
            let width = 10_usize.pow(3 - len as u32);
            let first = (0..len).fold(0, |number, at| number * 10 + text.digit(at) as usize - 1) * width;
            let this = if text.len() > 3 { Asked::Further } else { Asked::Shared };
            asked[first..first + width].iter_mut().for_each(|asked| *asked = this.max(*asked));
        }
        let mut page_of = vec![0; PAGES];
        let mut pages = vec![Page::EMPTY];
        let mut chains = vec![Link::END];
        // The page before of which nothing further is asked: the next one is often the same.
        let mut before: Option<(Vec<Node>, u16)> = None;
        for three in (0..PAGES).filter(|three| asked[*three] != Asked::Nothing) {
            let digits = [three / 100, three / 10 % 10, three % 10].map(|digit| digit as u64 + 1);
            let beginnings = digits.iter().scan(ZipText::EMPTY, |text, digit| {
                *text = text.then(*digit);
                Some(*text)
            });
            // Even nothing: all codes begin with it.
            let beginnings: Vec<ZipText> = std::iter::once(ZipText::EMPTY).chain(beginnings).collect();
            let nodes: Vec<Node> = beginnings.iter().filter_map(|text| node(*text, false)).collect();
            let is_whole = asked[three] == Asked::Shared;
            if let Some((_, page)) = before.as_ref().filter(|(as_before, _)| is_whole && *as_before == nodes)
            {
                page_of[three] = *page;
                continue;
            }
            let shared = chain(&mut chains, &nodes, lists).unwrap_or(LONG);
            let first_of = FirstOf::NOTHING.and(nodes.iter().copied(), lists);
            let territory = territories.add(&first_of);
            let mut page = Page { shared, territory, ..Page::EMPTY };
            page_of[three] = pages.len() as u16;
            if is_whole {
                before = Some((nodes, page_of[three]));
            } else {
                page.at = chains.len() as u32;
                chains.push(Link::END);
                page.fill(beginnings[3], &node, &mut chains, lists, &first_of, territories);
            }
            pages.push(page);
        }
        Self { page_of: page_of.into(), pages: pages.into(), chains: chains.into() }
    }

    /// The territory that a ZIP is, from 0 to 99,999.
    pub(super) fn territory(&self, zip: usize) -> u32 {
        let page = &self.pages[usize::from(self.page_of[zip / 100])];
        page.territory + u32::from(page.territories[zip % 100])
    }

    /// The two chains of a ZIP, from 0 to 99,999; each goes on beyond its end, which is a [`Link::END`]. `None` where too much is listed for
    /// that.
    pub(super) fn at(&self, zip: usize) -> Option<(&[Link], &[Link])> {
        let page = &self.pages[usize::from(self.page_of[zip / 100])];
        let (own, shared) = (page.own[zip % 100], page.shared);
        if own == LONG_HERE || shared == LONG {
            return None;
        }
        Some((&self.chains[page.at as usize + usize::from(own)..], &self.chains[shared as usize..]))
    }
}

/// Adds the chain of some nodes; answers where it begins, or `None` where it would be too long.
fn chain(chains: &mut Vec<Link>, nodes: &[Node], lists: &[List]) -> Option<u32> {
    let at = chains.len();
    for node in nodes {
        let numbers = node.at as usize..(node.at + node.len) as usize;
        if chains.len() + numbers.len() > at + SHORT {
            chains.truncate(at);
            return None;
        }
        for number in numbers {
            match Link::of(number, &lists[number]) {
                Some(link) => chains.push(link),
                None => {
                    chains.truncate(at);
                    return None;
                }
            }
        }
    }
    if chains.len() == at {
        return Some(0);
    }
    chains[at..].sort_unstable_by_key(|link| place(link.first));
    chains.push(Link::END);
    Some(at as u32)
}

/// The number that a code is which is a ZIP of five digits.
pub(super) fn five_digits(code: &PostalCode) -> Option<usize> {
    let digits: &[u8; 5] = code.as_bytes().try_into().ok()?;
    let mut number = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + usize::from(digit);
    }
    Some(number)
}

/// Stands for a chain that is too long.
const LONG: u32 = u32::MAX;
/// Stands for one. A page has a hundred and ten chains at most: this far none of them begins.
const LONG_HERE: u16 = u16::MAX;
/// Bits of a link that say which list it is.
const LIST_BITS: u32 = 24;
const PAGES: usize = 1_000;
