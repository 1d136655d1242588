//! What Postgres' errors mean to a caller.
//!
//! | what happened | a read | a write |
//! |---|---|---|
//! | serialization failure, deadlock, lock or statement timeout | `Unavailable` | `Unavailable`: not applied, run it again |
//! | unique violation | | `Conflict`, by the name of the constraint |
//! | other violations, data that a column does not take, missing tables or rights | `Misuse` | `Misuse` |
//! | read-only server, disk full, out of memory, too many connections | `Unavailable` | `Unavailable` |
//! | the server says that it ends the connection, before it answered; what was to be sent could not be | `Unavailable` | `Unavailable` |
//! | connection lost while a commit was under way | `Unavailable` | `Unknown` |
//! | damaged pages or indexes, rows that can't be read | `Corrupt` | `Corrupt` |

use std::error::Error as StdError;
use std::{fmt, io};

use convio_core::store::{CommitError, Fault, StoreError};
use sqlx::error::DatabaseError;

/// A failed read.
pub(crate) fn read_failed(error: sqlx::Error) -> StoreError {
    match kind(&error) {
        Kind::Corrupt => StoreError::Corrupt {
            table: "postgres",
            column: "?".to_owned(),
            id: "?".to_owned(),
            fault: fault(error),
        },
        Kind::Misuse | Kind::Unique => StoreError::Misuse(said(&error)),
        Kind::Again | Kind::Unavailable | Kind::Ended | Kind::Lost => StoreError::Unavailable(fault(error)),
    }
}

/// A write that failed before anything could be committed.
pub(crate) fn write_failed(error: sqlx::Error) -> CommitError {
    match kind(&error) {
        Kind::Unique => CommitError::Conflict { what: conflicting(&error) },
        _ => read_failed(error).into(),
    }
}

/// A statement that commits, or a COMMIT, that failed: where the connection is lost, it may have been applied.
pub(crate) fn commit_failed(error: sqlx::Error) -> CommitError {
    match kind(&error) {
        Kind::Lost => CommitError::Unknown(fault(error)),
        _ => write_failed(error),
    }
}

/// Whether a transaction that failed with this may be run again at once: nothing of it was applied.
pub(crate) fn is_to_run_again(error: &sqlx::Error) -> bool {
    kind(error) == Kind::Again
}

/// Whether the connection is gone: by itself this does not tell what the server did over it.
pub(crate) fn is_gone(error: &sqlx::Error) -> bool {
    matches!(kind(error), Kind::Ended | Kind::Lost)
}

/// An error that came when the server may have committed already. That it ends the connection proves nothing then.
pub(crate) fn maybe_done(error: sqlx::Error) -> sqlx::Error {
    match error {
        sqlx::Error::Database(_) if kind(&error) == Kind::Ended => {
            sqlx::Error::Io(io::Error::new(io::ErrorKind::ConnectionAborted, error))
        }
        error => error,
    }
}

/// Whether the connection is of no use any more. One to a server that takes no writes is not kept: after a failover another one
/// does.
pub(crate) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => has_class(&**error, &["57P", "08", "25P03", "25006"]),
        sqlx::Error::RowNotFound | sqlx::Error::Encode(_) | sqlx::Error::Decode(_) => false,
        _ => true,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Lost to another transaction: run it again.
    Again,
    /// The server can't just now.
    Unavailable,
    /// The connection is gone, and the server did nothing of what it was asked for: it said so instead of an answer, or it
    /// never got all of it.
    Ended,
    /// The connection is gone, and what the server did is not known.
    Lost,
    /// A unique constraint.
    Unique,
    /// The program's or its administrator's mistake.
    Misuse,
    /// What is stored is damaged.
    Corrupt,
}

fn kind(error: &sqlx::Error) -> Kind {
    match error {
        sqlx::Error::Database(error) => kind_of_code(&error.code().unwrap_or_default()),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => Kind::Unavailable,
        // Not all of what was asked for was sent, and its end is what makes the server commit.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Kind::Ended,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => Kind::Lost,
        sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => Kind::Corrupt,
        _ => Kind::Misuse,
    }
}

fn kind_of_code(code: &str) -> Kind {
    match code {
        // Serialization failure, deadlock; lock not available, statement timeout: rolled back.
        "40001" | "40P01" => Kind::Again,
        "55P03" | "57014" | "25006" => Kind::Unavailable,
        "23505" => Kind::Unique,
        // The server goes down, was told to end the connection, or did so as it lay idle.
        "57P01" | "57P04" | "57P05" | "25P03" => Kind::Ended,
        "40003" | "57P02" => Kind::Lost,
        "57P03" => Kind::Unavailable,
        "XX001" | "XX002" => Kind::Corrupt,
        code if code.starts_with("08") => Kind::Lost,
        // Insufficient resources, as a full disk; system errors, as of its files; the transaction is rolled back.
        code if code.starts_with("53") || code.starts_with("58") || code.starts_with("40") => {
            Kind::Unavailable
        }
        _ => Kind::Misuse,
    }
}

fn has_class(error: &dyn DatabaseError, classes: &[&str]) -> bool {
    let code = error.code().unwrap_or_default();
    classes.iter().any(|class| code.starts_with(class))
}

/// The error as the cause of ours.
fn fault(error: sqlx::Error) -> Fault {
    Fault::new(Said(error))
}

/// An error of the driver, whose `Debug` is its message: that of the driver shows the details of Postgres' messages, which are
/// whole rows. Who wants these takes the source.
struct Said(sqlx::Error);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&said(&self.0))
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Said {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// What an error says, without a value of a row: details of Postgres' messages hold them, and are left out.
fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default().into_owned();
            let hint = match code.as_str() {
                "42P01" | "42703" | "3F000" => ": is the schema migrated? See migrate() and check()",
                // No such prepared statement, or one of another connection's under its name.
                "26000" | "42P05" => ": behind a pooler? See Options::behind_transaction_pooler()",
                _ => "",
            };
            // Of data that a column does not take, the message itself quotes the value.
            let message = if code.starts_with("22") { "data that can't be stored" } else { error.message() };
            format!("postgres {code}: {message}{hint}")
        }
        error => error.to_string(),
    }
}

/// The kind of row that a unique constraint keeps apart.
fn conflicting(error: &sqlx::Error) -> String {
    let sqlx::Error::Database(error) = error else { return "a row".to_owned() };
    let name = error.constraint().map(str::to_owned).or_else(|| constraint_in(error.message()));
    match name {
        // `webhook_name_uq`: the name of a webhook. On a sharded server a number stands behind it.
        Some(name) => format!("a row under `{name}`"),
        None => "a row".to_owned(),
    }
}

/// The constraint that a message names: through Citus it stands nowhere else, with the number of its shard behind it.
fn constraint_in(message: &str) -> Option<String> {
    let name = message.split('"').nth(1)?;
    let unsharded = match name.rsplit_once('_') {
        Some((front, shard)) if !shard.is_empty() && shard.bytes().all(|byte| byte.is_ascii_digit()) => front,
        _ => name,
    };
    Some(unsharded.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_is_found_in_the_message_with_and_without_its_shard() {
        let plain = r#"duplicate key value violates unique constraint "webhook_name_uq""#;
        let sharded = r#"duplicate key value violates unique constraint "webhook_name_uq_102018""#;
        for message in [plain, sharded] {
            assert_eq!(constraint_in(message).as_deref(), Some("webhook_name_uq"));
        }
        assert_eq!(constraint_in("duplicate key"), None);
    }

    #[test]
    fn a_driver_s_error_shows_its_message_and_keeps_itself() {
        let said = Said(sqlx::Error::PoolTimedOut);
        assert_eq!(format!("{said:?}"), said.to_string());
        assert!(said.source().is_some_and(|source| source.is::<sqlx::Error>()));
    }

    #[test]
    fn codes_are_sorted_by_what_the_caller_does_next() {
        for (code, expected) in [
            ("40001", Kind::Again),
            ("40P01", Kind::Again),
            ("40003", Kind::Lost),
            ("55P03", Kind::Unavailable),
            ("57014", Kind::Unavailable),
            ("25006", Kind::Unavailable),
            ("53100", Kind::Unavailable),
            ("53200", Kind::Unavailable),
            ("53300", Kind::Unavailable),
            ("57P03", Kind::Unavailable),
            ("58030", Kind::Unavailable),
            ("57P01", Kind::Ended),
            ("57P02", Kind::Lost),
            ("57P05", Kind::Ended),
            ("25P03", Kind::Ended),
            ("08006", Kind::Lost),
            ("23505", Kind::Unique),
            ("23514", Kind::Misuse),
            ("22003", Kind::Misuse),
            ("42501", Kind::Misuse),
            ("XX001", Kind::Corrupt),
        ] {
            assert_eq!(kind_of_code(code), expected, "{code}");
        }
    }
}
