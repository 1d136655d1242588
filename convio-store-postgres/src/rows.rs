//! Rows in the order in which they were asked for.

use std::collections::HashMap;
use std::hash::Hash;

use convio_core::store::StoreError;
use sqlx::postgres::PgRow;

/// All rows, read.
pub(crate) fn read_all<T>(
    rows: &[PgRow],
    read: impl Fn(&PgRow) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect()
}

/// One row per key, in the order of the keys.
pub(crate) fn in_order<K: Eq + Hash + Copy, T: Clone>(
    keys: &[K],
    rows: Vec<T>,
    key: impl Fn(&T) -> K,
) -> Result<Vec<Option<T>>, StoreError> {
    let mut rows: HashMap<K, T> = rows.into_iter().map(|row| (key(&row), row)).collect();
    // Most calls ask for one row: it is not copied.
    if let [only] = keys {
        return Ok(vec![rows.remove(only)]);
    }
    Ok(keys.iter().map(|key| rows.get(key).cloned()).collect())
}
