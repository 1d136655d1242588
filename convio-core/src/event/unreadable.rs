use thiserror::Error;

/// Why an event that is kept can't be read. No message says anything of its personal part.
///
/// ```
/// use convio_core::EventBody;
/// use convio_core::event::UnreadableEvent;
/// let unknown = EventBody::from_parts("lead.teleported", "{}", None).unwrap_err();
/// assert!(matches!(&unknown, UnreadableEvent::UnknownKind { kind } if kind == "lead.teleported"));
/// assert_eq!(unknown.to_string(), "unknown kind of event `lead.teleported`");
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UnreadableEvent {
    /// No release up to this one has such events: a later one wrote it, or someone else.
    #[error("unknown kind of event `{kind}`")]
    UnknownKind {
        /// The kind.
        kind: String,
    },
    /// A later release wrote it.
    #[error("an event `{kind}` is of form {form}, and this version knows forms up to {known}")]
    NewerForm {
        /// The kind.
        kind: String,
        /// The form that it is of.
        form: u32,
        /// The newest form of this kind that can be read.
        known: u32,
    },
    /// It is of an earlier release, and is not what that release wrote.
    #[error("an event `{kind}` can't be brought to form {form}: {why}")]
    NotBroughtUp {
        /// The kind.
        kind: String,
        /// The form that it was to be brought to.
        form: u32,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Its facts are not those of its kind.
    #[error("the facts of an event `{kind}`: {source}")]
    Facts {
        /// The kind.
        kind: String,
        /// What is wrong with them.
        source: serde_json::Error,
    },
    /// Its personal part is not that of its kind.
    #[error("the personal part of an event `{kind}` is not readable at line {line}, column {column}")]
    Personal {
        /// The kind.
        kind: String,
        /// Where it ends to be readable, from 1 on.
        line: usize,
        /// The place in the line, from 1 on.
        column: usize,
    },
}

impl UnreadableEvent {
    pub(super) fn facts(kind: &str, source: serde_json::Error) -> Self {
        Self::Facts { kind: kind.to_owned(), source }
    }

    /// Of the error only the place is told: its message quotes what it found there.
    pub(super) fn personal(kind: &str, error: &serde_json::Error) -> Self {
        Self::Personal { kind: kind.to_owned(), line: error.line(), column: error.column() }
    }
}
