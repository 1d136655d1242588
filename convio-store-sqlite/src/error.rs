//! What SQLite's errors mean to a caller.

use convio_core::store::{CommitError, Fault, StoreError};
use rusqlite::ErrorCode;

/// A failed read.
pub(crate) fn read_failed(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt {
            table: "sqlite",
            column: String::new(),
            id: String::new(),
            fault: Fault::new(error),
        },
        _ => StoreError::Unavailable(Fault::new(error)),
    }
}

/// A write that failed before the commit: what it did is rolled back.
pub(crate) fn write_failed(error: rusqlite::Error) -> CommitError {
    match error.sqlite_error_code() {
        // Rows are checked before they are written: what is refused here was not made by a plan.
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => {
            CommitError::Misuse(error.to_string())
        }
        _ => read_failed(error).into(),
    }
}

/// A commit that failed: SQLite may have written the transaction to the log when the disk failed it.
pub(crate) fn commit_failed(error: rusqlite::Error) -> CommitError {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => CommitError::Unknown(Fault::new(error)),
        _ => CommitError::Unavailable(Fault::new(error)),
    }
}

/// The store's thread is gone.
pub(crate) fn gone() -> Fault {
    Fault::new("the store is shut down")
}

/// The transaction is not there any more.
pub(crate) fn rolled_back() -> Fault {
    Fault::new("SQLite rolled the transaction back")
}

/// The caller's transaction is not ours any more.
pub(crate) fn ended() -> Fault {
    Fault::new("the work in this transaction has ended")
}
