//! Between Rust's values and SQLite's cells. Reading names table, column and row of what can't be read.

use std::error::Error as StdError;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use convio_core::store::{CommitError, Fault, StoreError};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use uuid::Uuid;

/// A UUID as 16 bytes.
#[derive(Clone, Copy)]
pub(crate) struct Id(pub(crate) Uuid);

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_bytes())))
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Uuid::from_slice(value.as_blob()?).map(Id).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

/// A time as microseconds since 1970: the last one that is not after it.
pub(crate) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// The first microsecond that is not before a time: what is kept is before the time if it is before this, and only then.
pub(crate) fn micros_up(at: DateTime<Utc>) -> i64 {
    micros(at) + i64::from(!at.timestamp_subsec_nanos().is_multiple_of(1_000))
}

/// The microseconds of a range of times, the last one left out.
pub(crate) fn range(from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> (i64, i64) {
    (from.map_or(i64::MIN, micros_up), until.map_or(i64::MAX, micros_up))
}

/// A day as days since 1970.
pub(crate) fn days(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce()) - EPOCH_DAYS
}

/// A count as SQLite keeps it. Counts of rows never come near the bound.
pub(crate) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The cells of a row, read from left to right.
pub(crate) struct Cells<'r> {
    row: &'r Row<'r>,
    table: &'static str,
    next: usize,
}

impl<'r> Cells<'r> {
    pub(crate) fn of(table: &'static str, row: &'r Row<'r>) -> Self {
        Self { row, table, next: 0 }
    }

    pub(crate) fn get<T: FromSql>(&mut self) -> Result<T, StoreError> {
        let at = self.next;
        self.next += 1;
        self.row.get(at).map_err(|error| self.corrupt(at, error))
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, StoreError> {
        Ok(self.get::<Id>()?.0)
    }

    pub(crate) fn opt_uuid(&mut self) -> Result<Option<Uuid>, StoreError> {
        Ok(self.get::<Option<Id>>()?.map(|id| id.0))
    }

    pub(crate) fn time(&mut self) -> Result<DateTime<Utc>, StoreError> {
        self.map(|micros: i64| DateTime::from_timestamp_micros(micros).ok_or("no time"))
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.map(|micros: Option<i64>| {
            micros.map(|micros| DateTime::from_timestamp_micros(micros).ok_or("no time")).transpose()
        })
    }

    pub(crate) fn day(&mut self) -> Result<NaiveDate, StoreError> {
        self.map(|days: i64| {
            let from_ce = i32::try_from(days.saturating_add(EPOCH_DAYS)).ok();
            from_ce.and_then(NaiveDate::from_num_days_from_ce_opt).ok_or("no day")
        })
    }

    pub(crate) fn count(&mut self) -> Result<u64, StoreError> {
        self.map(|n: i64| u64::try_from(n))
    }

    pub(crate) fn small(&mut self) -> Result<u32, StoreError> {
        self.map(|n: i64| u32::try_from(n))
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        self.map(|text: String| serde_json::from_str(&text))
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        self.map(|text: Option<String>| text.map(|text| serde_json::from_str(&text)).transpose())
    }

    /// A word that [`word`] made, if it is set.
    pub(crate) fn opt_word<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        self.map_opt(|text: String| {
            let word: StrDeserializer<'_, WordError> = text.as_str().into_deserializer();
            T::deserialize(word)
        })
    }

    /// The next cell, through a function that may refuse it.
    pub(crate) fn map<C: FromSql, T, E: Into<Box<dyn StdError + Send + Sync>>>(
        &mut self,
        read: impl FnOnce(C) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let at = self.next;
        let cell = self.get()?;
        read(cell).map_err(|error| self.corrupt(at, error))
    }

    /// The next cell, if it is set, through a function that may refuse it.
    pub(crate) fn map_opt<C: FromSql, T, E: Into<Box<dyn StdError + Send + Sync>>>(
        &mut self,
        read: impl FnOnce(C) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        self.map(|cell: Option<C>| cell.map(read).transpose())
    }

    fn corrupt(&self, at: usize, error: impl Into<Box<dyn StdError + Send + Sync>>) -> StoreError {
        let column = self.row.as_ref().column_name(at).unwrap_or("?").to_owned();
        // Every table starts with the workspace and the row's own key.
        let key = |at: usize| match self.row.get_ref(at) {
            Ok(ValueRef::Blob(bytes)) => {
                Uuid::from_slice(bytes).map_or_else(|_| "?".to_owned(), |id| id.to_string())
            }
            Ok(ValueRef::Integer(n)) => n.to_string(),
            _ => "?".to_owned(),
        };
        StoreError::Corrupt {
            table: self.table,
            column,
            id: format!("{}/{}", key(0), key(1)),
            fault: Fault::new(error),
        }
    }
}

/// JSON that is made of our own types.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, CommitError> {
    serde_json::to_string(value).map_err(|error| CommitError::Misuse(error.to_string()))
}

/// One of a closed list of words, as its JSON names it.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String, CommitError> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Ok(word),
        Ok(other) => Err(CommitError::Misuse(format!("no word: {other}"))),
        Err(error) => Err(CommitError::Misuse(error.to_string())),
    }
}

/// 1970-01-01, counted from the first day of year 1.
const EPOCH_DAYS: i64 = 719_163;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_within_a_microsecond_is_after_its_start() {
        let at = DateTime::from_timestamp_micros(-7).unwrap_or_default();
        assert_eq!((micros(at), micros_up(at)), (-7, -7));
        let within = at + chrono::TimeDelta::nanoseconds(1);
        assert_eq!((micros(within), micros_up(within)), (-7, -6));
        assert_eq!(range(None, None), (i64::MIN, i64::MAX));
    }

    #[test]
    fn days_are_counted_from_1970_on_both_sides_of_it() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap_or_default();
        assert_eq!(["1969-12-31", "1970-01-01", "2027-03-01"].map(|text| days(day(text))), [-1, 0, 20_878]);
    }
}
