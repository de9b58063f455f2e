//! Reading columns of a row into the house's types. What does not read is a damaged row, never a default.

use std::str::FromStr;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::StoreError;
use crate::model::Timestamp;

/// Typed reads of a row's columns by name.
pub trait Columns {
    /// A number.
    fn int(&self, column: &'static str) -> Result<i64, StoreError>;
    /// A number, or nothing.
    fn opt_int(&self, column: &'static str) -> Result<Option<i64>, StoreError>;
    /// A text.
    fn text(&self, column: &'static str) -> Result<String, StoreError>;
    /// A text, or nothing.
    fn opt_text(&self, column: &'static str) -> Result<Option<String>, StoreError>;
    /// Bytes.
    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError>;

    /// A flag kept as 0 or 1.
    fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// An instant.
    fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_unix_ms)
    }

    /// An instant, or nothing.
    fn opt_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_unix_ms))
    }

    /// A number of a narrower type.
    fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.int(column)?).map_err(|_| damaged(column, "a number out of range"))
    }

    /// A number of a narrower type, or nothing.
    fn opt_number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        match self.opt_int(column)? {
            Some(value) => T::try_from(value)
                .map(Some)
                .map_err(|_| damaged(column, "a number out of range")),
            None => Ok(None),
        }
    }

    /// An id or a word.
    fn parse<T: FromStr<Err: std::fmt::Display>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?
            .parse()
            .map_err(|error: T::Err| damaged(column, error))
    }

    /// An id or a word, or nothing.
    fn opt_parse<T: FromStr<Err: std::fmt::Display>>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        match self.opt_text(column)? {
            Some(text) => text.parse().map(Some).map_err(|error: T::Err| damaged(column, error)),
            None => Ok(None),
        }
    }

    /// JSON.
    fn json(&self, column: &'static str) -> Result<serde_json::Value, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| damaged(column, error))
    }
}

/// A damaged row, by the column that does not read.
pub fn damaged(column: &str, what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged {
        what: format!("column `{column}`: {what}"),
    }
}

impl Columns for AnyRow {
    fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.try_get(column).map_err(StoreError::at("read a number of a row"))
    }

    fn opt_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.try_get(column).map_err(StoreError::at("read a number of a row"))
    }

    fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.try_get(column).map_err(StoreError::at("read a text of a row"))
    }

    fn opt_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.try_get(column).map_err(StoreError::at("read a text of a row"))
    }

    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.try_get(column).map_err(StoreError::at("read bytes of a row"))
    }
}
