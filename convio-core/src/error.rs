//! The one error of the public face, and the reasons that name every failing field.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

#[cfg(feature = "service")]
use crate::availability::Interval;
use crate::calendar::Clash;
use crate::change_set::GateLost;
use crate::store::{CommitError, StoreError};

/// What went wrong, sorted by what the caller does next.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    reasons: Vec<Reason>,
    clash: Option<Box<Clash>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input is wrong: fix it. [`Error::reasons`] names every failing field.
    Invalid,
    /// The caller may not do this.
    Denied,
    /// What the caller named does not exist in this workspace.
    NotFound,
    /// Something else changed the row, or the state does not allow the change: read again, decide again.
    Conflict,
    /// A limit is reached: try later.
    Overloaded,
    /// The store did not do it and may do it later: retry.
    Unavailable,
    /// The store may have done it: look whether it happened before trying again.
    Unknown,
    /// What is stored can't be read: page someone.
    Corrupt,
    /// Convio or a store broke its own rules: report it.
    Bug,
}

impl ErrorKind {
    /// The HTTP status that says the same.
    ///
    /// ```
    /// use convio_core::ErrorKind;
    /// assert_eq!(ErrorKind::Invalid.http_status(), 422);
    /// assert_eq!(ErrorKind::Overloaded.http_status(), 429);
    /// ```
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 422,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Overloaded => 429,
            Self::Unavailable | Self::Unknown => 503,
            Self::Corrupt | Self::Bug => 500,
        }
    }
}

impl Error {
    /// Wrong input, with every failing field.
    pub fn invalid(reasons: Vec<Reason>) -> Self {
        let list: Vec<String> = reasons.iter().map(Reason::to_string).collect();
        Self { reasons, ..Self::new(ErrorKind::Invalid, list.join("; ")) }
    }

    /// Something named that does not exist in the workspace.
    pub fn not_found(what: &str, name: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, format!("no {what} `{name}` in this workspace"))
    }

    /// A change that the present state does not allow.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message.into())
    }

    /// A change that can't be made, with the field that stands against it.
    pub fn taken(reason: Reason) -> Self {
        Self { reasons: vec![reason.clone()], ..Self::new(ErrorKind::Conflict, reason.to_string()) }
    }

    /// A time that can't be had.
    pub fn clash_of(clash: Clash) -> Self {
        Self { clash: Some(Box::new(clash.clone())), ..Self::new(ErrorKind::Conflict, clash.to_string()) }
    }

    /// Something that the caller may not do.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, message.into())
    }

    /// A limit that is reached.
    pub fn overloaded(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Overloaded, message.into())
    }

    /// A broken promise inside the library or a store.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, message.into())
    }

    /// What kind of error it is, that is: what to do next.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without a change of its input.
    ///
    /// ```
    /// use convio_core::Error;
    /// assert!(Error::overloaded("limit reached").is_retryable());
    /// assert!(!Error::invalid(vec![]).is_retryable());
    /// ```
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Overloaded | ErrorKind::Unavailable)
    }

    /// Every failing field, where the input was wrong.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// What stands against the time that was asked for, where that is what is wrong.
    pub fn clash(&self) -> Option<&Clash> {
        self.clash.as_deref()
    }

    /// The same, with the next times that are free.
    #[cfg(feature = "service")]
    pub(crate) fn with_next(mut self, next: Vec<Interval>) -> Self {
        if let Some(clash) = &mut self.clash {
            clash.next = next;
        }
        self
    }

    fn new(kind: ErrorKind, message: String) -> Self {
        Self { kind, message, reasons: Vec::new(), clash: None, source: None }
    }

    fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Unavailable(_) => ErrorKind::Unavailable,
            StoreError::Corrupt { .. } => ErrorKind::Corrupt,
            StoreError::Misuse(_) => ErrorKind::Bug,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        if let CommitError::GateLost(GateLost::Clash { clash, .. }) = error {
            return Self::clash_of(*clash);
        }
        let kind = match &error {
            CommitError::Conflict { .. } | CommitError::GateLost(_) => ErrorKind::Conflict,
            CommitError::Overloaded { .. } => ErrorKind::Overloaded,
            CommitError::Unavailable(_) => ErrorKind::Unavailable,
            CommitError::Unknown(_) => ErrorKind::Unknown,
            CommitError::Corrupt(_) => ErrorKind::Corrupt,
            CommitError::Misuse(_) => ErrorKind::Bug,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

/// One thing that is wrong with an input: the field, a stable code for programs, a sentence for people.
///
/// The message never holds the value of a personal field.
///
/// ```
/// use convio_core::Reason;
/// let reason = Reason::new("phone", "too_short", "phone is too short for region `US`");
/// assert_eq!(reason.to_string(), "phone: phone is too short for region `US`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The field as Convio names it, such as `phone` or `zone`.
    pub field: String,
    /// What is wrong, as a word that stays the same over versions, such as `missing`.
    pub code: String,
    /// What is wrong, as a sentence.
    pub message: String,
}

impl Reason {
    /// A reason.
    pub fn new(field: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), code: code.into(), message: message.into() }
    }

    /// A field that must be there and is not.
    pub fn missing(field: &str) -> Self {
        Self::new(field, "missing", format!("{field} is missing"))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}
