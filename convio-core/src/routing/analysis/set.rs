use std::rc::Rc;

/// Atoms of one axis: pieces `from..to`, in order, none empty, none touching the next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Set(Box<[(u32, u32)]>);

impl Set {
    /// All atoms of an axis of `count`.
    pub(super) fn all(count: u32) -> Self {
        Self([(0, count)].into_iter().filter(|(from, to)| from < to).collect())
    }

    /// The set of these, which come in order and each once.
    pub(super) fn of(atoms: impl IntoIterator<Item = u32>) -> Self {
        let mut pieces = Vec::new();
        for atom in atoms {
            push(&mut pieces, atom, atom + 1);
        }
        Self(pieces.into())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many atoms it has.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|(from, to)| (to - from) as usize).sum()
    }

    /// The first atom: that which the fewest conditions hold for.
    pub(super) fn first(&self) -> Option<u32> {
        self.0.first().map(|(from, _)| *from)
    }

    pub(super) fn atoms(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|(from, to)| *from..*to)
    }

    pub(super) fn contains(&self, atom: u32) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= atom);
        after > 0 && atom < self.0[after - 1].1
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        let (mut a, mut b) = (0, 0);
        while let (Some(left), Some(right)) = (self.0.get(a), other.0.get(b)) {
            if left.1 <= right.0 {
                a += 1;
            } else if right.1 <= left.0 {
                b += 1;
            } else {
                return true;
            }
        }
        false
    }

    /// Whether the other has all of it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|(from, to)| {
            let after = other.0.partition_point(|(start, _)| start <= from);
            after > 0 && *to <= other.0[after - 1].1
        })
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        let mut pieces = Vec::new();
        let (mut a, mut b) = (0, 0);
        while let (Some(left), Some(right)) = (self.0.get(a), other.0.get(b)) {
            let (from, to) = (left.0.max(right.0), left.1.min(right.1));
            if from < to {
                pieces.push((from, to));
            }
            if left.1 <= right.1 {
                a += 1;
            } else {
                b += 1;
            }
        }
        Self(pieces.into())
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        let mut all: Vec<(u32, u32)> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut pieces = Vec::new();
        all.into_iter().for_each(|(from, to)| push(&mut pieces, from, to));
        Self(pieces.into())
    }

    /// What it has and the other has not.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let mut pieces = Vec::new();
        let mut b = 0;
        for (mut from, to) in self.0.iter().copied() {
            while other.0.get(b).is_some_and(|hole| hole.1 <= from) {
                b += 1;
            }
            for hole in other.0[b..].iter().take_while(|hole| hole.0 < to) {
                if from < hole.0 {
                    pieces.push((from, hole.0));
                }
                from = from.max(hole.1);
            }
            if from < to {
                pieces.push((from, to));
            }
        }
        Self(pieces.into())
    }
}

/// Adds a piece that begins at or after all that are there.
fn push(pieces: &mut Vec<(u32, u32)>, from: u32, to: u32) {
    match pieces.last_mut() {
        Some(last) if from <= last.1 => last.1 = last.1.max(to),
        _ => pieces.push((from, to)),
    }
}

/// The requests whose atoms are of these sets; on an axis that is not named, all. Axes are in order, no set is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Region(Vec<(u32, Rc<Set>)>);

impl Region {
    /// Those on one axis.
    pub(super) fn on(axis: u32, set: Rc<Set>) -> Self {
        Self(vec![(axis, set)])
    }

    pub(super) fn get(&self, axis: u32) -> Option<&Set> {
        self.0.iter().find(|(at, _)| *at == axis).map(|(_, set)| &**set)
    }

    /// With another set on an axis.
    pub(super) fn with(&self, axis: u32, set: Rc<Set>) -> Self {
        let mut sets = self.0.clone();
        match sets.binary_search_by_key(&axis, |(at, _)| *at) {
            Ok(at) => sets[at].1 = set,
            Err(at) => sets.insert(at, (axis, set)),
        }
        Self(sets)
    }

    /// One of its requests: that of the first atom of each axis.
    pub(super) fn first(&self, axis: u32) -> u32 {
        self.get(axis).and_then(Set::first).unwrap_or(0)
    }

    /// Whether it has the first request of another.
    pub(super) fn has_first_of(&self, other: &Self) -> bool {
        self.0.iter().all(|(axis, set)| set.contains(other.first(*axis)))
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().all(|(axis, set)| other.get(*axis).is_none_or(|theirs| theirs.meets(set)))
    }

    /// The axes on which the other does not have all of it; `None` stands for all atoms.
    pub(super) fn beyond<'o>(&self, other: &'o Self) -> impl Iterator<Item = (u32, &'o Rc<Set>)> {
        other.0.iter().filter_map(|(axis, theirs)| match self.get(*axis) {
            Some(set) if set.is_within(theirs) => None,
            _ => Some((*axis, theirs)),
        })
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.beyond(other).next().is_none()
    }

    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        for (axis, theirs) in &other.0 {
            match self.get(*axis) {
                None => both = both.with(*axis, Rc::clone(theirs)),
                Some(set) => {
                    let set = set.and(theirs);
                    if set.is_empty() {
                        return None;
                    }
                    both = both.with(*axis, Rc::new(set));
                }
            }
        }
        Some(both)
    }

    /// Without the axes on which it has all atoms, as many as there are by `sizes`.
    pub(super) fn tidy(mut self, sizes: &[u32]) -> Self {
        self.0.retain(|(axis, set)| set.len() < sizes[*axis as usize] as usize);
        self
    }

    /// Both as one region, where they differ on one axis only and name the same ones.
    pub(super) fn or(&self, other: &Self) -> Option<Self> {
        let same_axes = self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a.0 == b.0);
        let mut differ = self.0.iter().zip(&other.0).filter(|(a, b)| a.1 != b.1);
        match (same_axes, differ.next(), differ.next()) {
            (true, Some((a, b)), None) => Some(self.with(a.0, Rc::new(a.1.or(&b.1)))),
            _ => None,
        }
    }
}
