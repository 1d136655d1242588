use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

/// Names and their ids, which are from 1 on.
///
/// A request's name is found by its bytes as two numbers: nothing is hashed byte by byte, no text is gone to, and a slot seldom
/// has another name than the one that is asked for.
pub(super) struct Names {
    /// Those of up to sixteen bytes, each in the slot that its bytes say or in one of the next. Three of four are free.
    short: Box<[Slot]>,
    long: HashMap<Box<str>, u32, FxBuildHasher>,
}

/// A short name, or with id 0 none.
#[derive(Clone, Copy, Default)]
struct Slot {
    name: Short,
    id: u32,
}

/// What tells a short name from every other.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Short {
    first: u64,
    last: u64,
    len: u32,
}

impl Short {
    /// `None` for a name that is longer.
    fn of(name: &str) -> Option<Self> {
        let bytes = name.as_bytes();
        let four = |four: &[u8; 4]| u64::from(u32::from_le_bytes(*four));
        let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
            _ if bytes.len() > 16 => return None,
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (bytes.first_chunk(), bytes.last_chunk()) {
                (Some(first), Some(last)) => (four(first), four(last)),
                _ => (bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), 0),
            },
        };
        Some(Self { first, last, len: bytes.len() as u32 })
    }

    /// A number that differs where names do, in its upper bits as well.
    fn mixed(self) -> u64 {
        (self.first ^ self.last.wrapping_mul(MIX).rotate_left(32)).wrapping_mul(MIX)
    }
}

impl Names {
    pub(super) fn of(ids: HashMap<Box<str>, u32, FxBuildHasher>) -> Self {
        let slots = (ids.len() * 4).next_power_of_two();
        let mut names = Self { short: vec![Slot::default(); slots].into(), long: HashMap::default() };
        for (name, id) in ids {
            match Short::of(&name) {
                Some(short) => {
                    let at = names.slot(short);
                    names.short[at] = Slot { name: short, id };
                }
                None => {
                    names.long.insert(name, id);
                }
            }
        }
        names
    }

    pub(super) fn is_empty(&self) -> bool {
        self.short.len() == 1
    }

    /// The id of a name; 0 where no rule asks for it.
    pub(super) fn id(&self, name: &str) -> u32 {
        match Short::of(name) {
            Some(name) => self.short[self.slot(name)].id,
            None => self.long.get(name).copied().unwrap_or(0),
        }
    }

    /// Where a name is, or would be.
    fn slot(&self, name: Short) -> usize {
        let mask = self.short.len() - 1;
        let mut at = (name.mixed() >> 32) as usize & mask;
        while self.short[at].name != name && self.short[at].id != 0 {
            at = (at + 1) & mask;
        }
        at
    }
}

/// The golden ratio's part of 2^64: what is multiplied by it is spread well.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Of few letters, so that names share their beginnings and ends, and of lengths on both sides of each bound.
        #[test]
        fn every_name_has_its_id_and_no_other_has_one(
            names in prop::collection::hash_set("[ab]{1,20}", 0..80),
            others in prop::collection::vec("[ab\u{e9}]{0,20}", 0..40),
        ) {
            let ids: HashMap<Box<str>, u32, FxBuildHasher> =
                names.iter().map(|name| name.as_str().into()).zip(1..).collect();
            let found = Names::of(ids.clone());
            prop_assert_eq!(found.is_empty(), names.is_empty());
            for name in names.iter().chain(&others) {
                prop_assert_eq!(found.id(name), ids.get(name.as_str()).copied().unwrap_or(0), "{}", name);
            }
        }
    }
}
