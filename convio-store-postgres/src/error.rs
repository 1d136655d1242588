//! What Postgres' errors mean to a caller.
//!
//! | what happened | a read | a write |
//! |---|---|---|
//! | serialization failure, deadlock, lock or statement timeout | `Unavailable` | `Unavailable`: not applied, run it again |
//! | unique violation | | `Conflict`, by the name of the constraint |
//! | other violations, data that a column does not take, missing tables or rights | `Misuse` | `Misuse` |
//! | read-only server, disk full, out of memory, too many connections | `Unavailable` | `Unavailable` |
//! | server shut down or connection lost before anything was sent | `Unavailable` | `Unavailable` |
//! | the same while a commit was under way | | `Unknown` |
//! | damaged pages or indexes, rows that can't be read | `Corrupt` | `Corrupt` |

use convio_core::store::{CommitError, Fault, StoreError};
use sqlx::error::DatabaseError;

/// A failed read.
pub(crate) fn read_failed(error: sqlx::Error) -> StoreError {
    match kind(&error) {
        Kind::Corrupt => StoreError::Corrupt {
            table: "postgres",
            column: String::new(),
            id: String::new(),
            fault: Fault::new(error),
        },
        Kind::Misuse | Kind::Unique => StoreError::Misuse(said(&error)),
        Kind::Again | Kind::Unavailable | Kind::Lost => StoreError::Unavailable(Fault::new(error)),
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
        Kind::Lost => CommitError::Unknown(Fault::new(error)),
        _ => write_failed(error),
    }
}

/// Whether a transaction that failed with this may be run again at once: nothing of it was applied.
pub(crate) fn is_to_run_again(error: &sqlx::Error) -> bool {
    kind(error) == Kind::Again
}

/// Whether the connection is of no use any more.
pub(crate) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => has_class(&**error, &["57P", "08"]),
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
        "55P03" | "57014" | "25P03" | "25006" => Kind::Unavailable,
        "23505" => Kind::Unique,
        // The server goes down, or was told to end the connection, whatever it had done by then.
        "40003" | "57P01" | "57P02" | "57P04" | "57P05" => Kind::Lost,
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

/// What the caller of a plan did wrong, without a value of a row: details of Postgres' messages hold them, and are left out.
fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default().into_owned();
            let hint = match code.as_str() {
                "42P01" | "3F000" => ": is the schema migrated?",
                _ => "",
            };
            format!("postgres {code}: {}{hint}", error.message())
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
            ("57P01", Kind::Lost),
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
