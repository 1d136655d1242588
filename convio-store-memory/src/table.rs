use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::ops::Bound;

/// A sorted map that can take back what was put since it was last settled. Its keys are cloned for that: keep them small.
pub(crate) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    undo: Vec<(K, Option<V>)>,
}

/// The same without an order: for keys that come in no order, and are only ever looked up whole.
pub(crate) struct Lookup<K, V> {
    rows: HashMap<K, V>,
    undo: Vec<(K, Option<V>)>,
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key)
    }

    pub(crate) fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }

    pub(crate) fn put(&mut self, key: K, value: V) {
        let before = self.rows.insert(key.clone(), value);
        self.undo.push((key, before));
    }

    pub(crate) fn remove(&mut self, key: K) {
        let before = self.rows.remove(&key);
        self.undo.push((key, before));
    }

    /// The rows whose key is greater than this one, in order.
    pub(crate) fn after(&self, key: K) -> impl Iterator<Item = &V> {
        self.rows.range((Bound::Excluded(key), Bound::Unbounded)).map(|(_, row)| row)
    }

    /// Keeps what was put.
    pub(crate) fn settle(&mut self) {
        self.undo.clear();
    }

    /// Takes back what was put, the last first.
    pub(crate) fn roll_back(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}

impl<K: Eq + Hash + Clone, V> Lookup<K, V> {
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key)
    }

    pub(crate) fn put(&mut self, key: K, value: V) {
        let before = self.rows.insert(key.clone(), value);
        self.undo.push((key, before));
    }

    pub(crate) fn settle(&mut self) {
        self.undo.clear();
    }

    pub(crate) fn roll_back(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}

impl<O: Ord + Clone, I: Ord + Clone> Table<(O, I), ()> {
    /// Of an index, what stands under this owner and is greater than `after`, in order.
    pub(crate) fn of(&self, owner: O, after: I) -> impl Iterator<Item = &I> + use<'_, O, I> {
        let rows = self.rows.range((Bound::Excluded((owner.clone(), after)), Bound::Unbounded));
        rows.map(|(key, ())| key).take_while(move |(other, _)| *other == owner).map(|(_, id)| id)
    }

    /// Of an index, what stands under this owner and is at most `last`, the greatest first.
    pub(crate) fn newest(&self, owner: O, last: I) -> impl Iterator<Item = &I> + use<'_, O, I> {
        let rows = self.rows.range(..=(owner.clone(), last)).rev();
        rows.map(|(key, ())| key).take_while(move |(other, _)| *other == owner).map(|(_, id)| id)
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), undo: Vec::new() }
    }
}

impl<K, V> Default for Lookup<K, V> {
    fn default() -> Self {
        Self { rows: HashMap::new(), undo: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolling_back_restores_rows_that_were_put_twice() {
        let mut table = Table::default();
        table.put("a", 1);
        table.settle();
        table.put("a", 2);
        table.put("a", 3);
        table.put("b", 1);
        table.remove("a");
        table.remove("c");
        table.roll_back();
        assert_eq!(table.rows(), &BTreeMap::from([("a", 1)]));
        let mut lookup = Lookup::default();
        lookup.put("a", 1);
        lookup.settle();
        lookup.put("a", 2);
        lookup.put("a", 3);
        lookup.put("b", 1);
        lookup.roll_back();
        assert_eq!((lookup.get("a"), lookup.get("b")), (Some(&1), None));
    }

    #[test]
    fn an_index_gives_what_stands_under_one_owner_from_a_place_on() {
        let mut index = Table::default();
        for key in [("a", 1), ("b", 2), ("b", 4), ("b", 3), ("c", 5)] {
            index.put(key, ());
        }
        assert_eq!(index.of("b", 2).collect::<Vec<_>>(), [&3, &4]);
        assert_eq!(index.of("d", 0).count(), 0);
        assert_eq!(index.newest("b", 3).collect::<Vec<_>>(), [&3, &2]);
        assert_eq!(index.newest("d", 9).count(), 0);
    }
}
