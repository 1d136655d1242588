use std::collections::HashMap;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use rustc_hash::FxBuildHasher;
use serde_json::Value;

use super::set::Set;
use crate::money::Money;
use crate::postal::PostalCode;

/// One thing that rules look at, as classes of values that no rule of the set tells apart: its *atoms*. Those for which the fewest
/// tests hold come first.
#[derive(Debug, Default)]
pub(super) struct Axis {
    /// Per atom a value of it.
    pub(super) values: Vec<Is>,
    /// Per test of the axis the atoms that it holds for.
    pub(super) tests: Vec<Rc<Set>>,
}

/// A value on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Is {
    Missing,
    Name(Box<str>),
    Zip(PostalCode),
    Money(Money),
    At(DateTime<Utc>),
    Field(Value),
}

impl Axis {
    /// The axis of these values, each with the tests that hold for it, in order; and the atom of each value.
    pub(super) fn of(values: impl IntoIterator<Item = (Is, Vec<u32>)>, tests: usize) -> (Self, Vec<u32>) {
        let mut known: HashMap<Vec<u32>, u32, FxBuildHasher> = HashMap::default();
        let mut firsts: Vec<(usize, u32, Is)> = Vec::new();
        let mut classes = Vec::new();
        for (is, holding) in values {
            let next = firsts.len() as u32;
            let holds_for = holding.len();
            let class = *known.entry(holding).or_insert(next);
            if class == next {
                firsts.push((holds_for, class, is));
            }
            classes.push(class);
        }
        firsts.sort_by_key(|(holds_for, class, _)| (*holds_for, *class));
        let mut atoms = vec![0; firsts.len()];
        for (atom, (_, class, _)) in (0..).zip(&firsts) {
            atoms[*class as usize] = atom;
        }
        let mut sets: Vec<Vec<u32>> = vec![Vec::new(); tests];
        for (holding, class) in &known {
            holding.iter().for_each(|test| sets[*test as usize].push(atoms[*class as usize]));
        }
        let tests = sets.into_iter().map(|mut set| {
            set.sort_unstable();
            Rc::new(Set::of(set))
        });
        let axis = Self { tests: tests.collect(), values: firsts.into_iter().map(|(_, _, is)| is).collect() };
        (axis, classes.into_iter().map(|class| atoms[class as usize]).collect())
    }

    /// How many atoms it has.
    pub(super) fn len(&self) -> u32 {
        self.values.len() as u32
    }
}
