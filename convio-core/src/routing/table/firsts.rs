use super::{ANY, BITS, Entry, List, NO_PLACE, Node, place};

/// Where requests may come from, and of each such territory the first rule of every product: what most decisions come to, read
/// without going along any list.
///
/// A territory takes as many numbers as it has products whose first rule comes before the first that asks for no product: the
/// bits of these products (two numbers), the entry of that other rule, and theirs.
pub(super) struct Firsts(Box<[u32]>);

/// What is collected of territories.
pub(super) struct Territories {
    numbers: Vec<u32>,
    /// Where the last one begins: the next one is often the same.
    last: usize,
}

/// The first entries of some nodes, by products.
#[derive(Clone)]
pub(super) struct FirstOf([Entry; BITS as usize + 1]);

impl FirstOf {
    pub(super) const NOTHING: Self = Self([NO_PLACE; BITS as usize + 1]);

    /// Those of more nodes.
    pub(super) fn and(mut self, nodes: impl IntoIterator<Item = Node>, lists: &[List]) -> Self {
        for node in nodes {
            for list in &lists[node.at as usize..][..node.len as usize] {
                if let Some(first) = self.0.get_mut(list.product as usize)
                    && place(list.first) < place(*first)
                {
                    *first = list.first;
                }
            }
        }
        self
    }
}

impl Territories {
    pub(super) fn new() -> Self {
        let mut territories = Self { numbers: Vec::new(), last: 0 };
        territories.add(&FirstOf::NOTHING);
        territories
    }

    /// Adds a territory; answers where it begins. [`NO_TERRITORY`] is the one without any rule.
    pub(super) fn add(&mut self, first_of: &FirstOf) -> u32 {
        let any = first_of.0[ANY as usize];
        let better = |product: &u32| place(first_of.0[*product as usize]) < place(any);
        let products = (1..=BITS).filter(better).fold(0_u64, |bits, product| bits | 1 << product);
        let at = self.numbers.len();
        self.numbers.extend([products as u32, (products >> 32) as u32, any]);
        self.numbers.extend((1..=BITS).filter(better).map(|product| first_of.0[product as usize]));
        if at > 0 && self.numbers[self.last..at] == self.numbers[at..] {
            self.numbers.truncate(at);
        } else {
            self.last = at;
        }
        self.last as u32
    }

    pub(super) fn finish(self) -> Firsts {
        Firsts(self.numbers.into())
    }
}

impl Firsts {
    /// The first entry of a territory that asks for no product or for this one; `None` where the product has no bit.
    pub(super) fn of(&self, territory: u32, product: u32) -> Option<Entry> {
        if product > BITS {
            return None;
        }
        let numbers = &self.0[territory as usize..];
        let products = u64::from(numbers[0]) | u64::from(numbers[1]) << 32;
        let before = (products & ((1 << product) - 1)).count_ones();
        let is_there = (products >> product & 1) as u32;
        Some(numbers[(2 + is_there * (1 + before)) as usize])
    }
}

/// The territory without any rule.
pub(super) const NO_TERRITORY: u32 = 0;
