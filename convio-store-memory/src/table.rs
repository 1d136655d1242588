use std::collections::BTreeMap;

/// A sorted map that can take back what was put since it was last settled.
pub(crate) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    undo: Vec<(K, Option<V>)>,
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(crate) fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }

    pub(crate) fn put(&mut self, key: K, value: V) {
        let before = self.rows.insert(key.clone(), value);
        self.undo.push((key, before));
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

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), undo: Vec::new() }
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
        table.roll_back();
        assert_eq!(table.rows(), &BTreeMap::from([("a", 1)]));
    }
}
