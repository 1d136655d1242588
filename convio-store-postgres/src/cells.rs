//! Between Rust's values and Postgres' cells. Reading names table, column and row of what can't be read.

use std::error::Error as StdError;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use convio_core::store::{CommitError, Fault, StoreError};
use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::postgres::types::PgRecordDecoder;
use sqlx::{Decode, Postgres, Row, Type};
use uuid::Uuid;

use crate::error::read_failed;
use crate::table::Table;

/// The first whole microsecond that is not before a time: what is kept is before the time if it is before this, and only
/// then.
pub(crate) fn micros_up(at: DateTime<Utc>) -> DateTime<Utc> {
    let within = i64::from(at.timestamp_subsec_nanos() % 1_000);
    if within == 0 { at } else { at + TimeDelta::nanoseconds(1_000 - within) }
}

/// A count as Postgres keeps it. Counts of rows never come near the bound.
pub(crate) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The cells of one row, which a statement answers as its set and a record.
pub(crate) struct Cells<'r> {
    record: PgRecordDecoder<'r>,
    /// What the record is a row of.
    table: &'static Table,
    next: usize,
    /// The first two ids or numbers of the row: its key, for messages.
    key: [String; 2],
}

impl<'r> Cells<'r> {
    /// The cells of a row of this table.
    pub(crate) fn of(table: &'static Table, row: &'r PgRow) -> Result<Self, StoreError> {
        let value = row.try_get_raw(RECORD).map_err(read_failed)?;
        let record = PgRecordDecoder::new(value).map_err(|error| read_failed(sqlx::Error::Decode(error)))?;
        Ok(Self { record, table, next: 0, key: ["?".to_owned(), "?".to_owned()] })
    }

    pub(crate) fn get<T>(&mut self) -> Result<T, StoreError>
    where
        T: for<'a> Decode<'a, Postgres> + Type<Postgres>,
    {
        self.next += 1;
        self.record.try_decode().map_err(|error| self.corrupt(error))
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, StoreError> {
        let id: Uuid = self.get()?;
        self.note(|| id.to_string());
        Ok(id)
    }

    pub(crate) fn time(&mut self) -> Result<DateTime<Utc>, StoreError> {
        self.get()
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.get()
    }

    pub(crate) fn day(&mut self) -> Result<NaiveDate, StoreError> {
        self.get()
    }

    pub(crate) fn count(&mut self) -> Result<u64, StoreError> {
        let n = self.map(|n: i64| u64::try_from(n))?;
        self.note(|| n.to_string());
        Ok(n)
    }

    pub(crate) fn small(&mut self) -> Result<u32, StoreError> {
        self.map(|n: i64| u32::try_from(n))
    }

    pub(crate) fn code(&mut self) -> Result<u8, StoreError> {
        self.map(|code: i16| u8::try_from(code))
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        self.map(|text: String| serde_json::from_str(&text))
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        self.map_opt(|text: String| serde_json::from_str(&text))
    }

    /// A word that [`word`] made, if it is set.
    pub(crate) fn opt_word<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        self.map_opt(|text: String| {
            let word: StrDeserializer<'_, WordError> = text.as_str().into_deserializer();
            T::deserialize(word)
        })
    }

    /// The next cell, through a function that may refuse it.
    pub(crate) fn map<C, T, E>(&mut self, read: impl FnOnce(C) -> Result<T, E>) -> Result<T, StoreError>
    where
        C: for<'a> Decode<'a, Postgres> + Type<Postgres>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let cell = self.get()?;
        read(cell).map_err(|error| self.corrupt(error))
    }

    /// The next cell, if it is set, through a function that may refuse it.
    pub(crate) fn map_opt<C, T, E>(
        &mut self,
        read: impl FnOnce(C) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError>
    where
        Option<C>: for<'a> Decode<'a, Postgres> + Type<Postgres>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.map(|cell: Option<C>| cell.map(read).transpose())
    }

    /// What is wrong with the cell that was read last.
    pub(crate) fn corrupt(&self, error: impl Into<Box<dyn StdError + Send + Sync>>) -> StoreError {
        StoreError::Corrupt {
            table: self.table.name,
            column: self.table.cell_name(self.next.saturating_sub(1)).to_owned(),
            id: self.key.join("/"),
            fault: Fault::new(error),
        }
    }

    fn note(&mut self, key: impl FnOnce() -> String) {
        if let Some(place) = self.key.get_mut(self.next.saturating_sub(1)) {
            *place = key();
        }
    }
}

/// Which part of a statement a row answers.
pub(crate) fn set_of(row: &PgRow) -> Result<u8, StoreError> {
    let set: i16 = row.try_get(0).map_err(read_failed)?;
    u8::try_from(set).map_err(|error| read_failed(sqlx::Error::Decode(error.into())))
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

/// Where a statement answers the record: after the number of its set.
const RECORD: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_within_a_microsecond_is_after_its_start() {
        let at = DateTime::from_timestamp_micros(-7).unwrap_or_default();
        assert_eq!(micros_up(at), at);
        let within = at + TimeDelta::nanoseconds(1);
        assert_eq!(micros_up(within), at + TimeDelta::microseconds(1));
    }
}
