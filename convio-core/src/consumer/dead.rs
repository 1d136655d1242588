use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[cfg(feature = "service")]
use super::DEAD_LETTERS_MAX;
use crate::event::Position;

/// An event that could not be handled, laid aside. `Debug` does not show the reason, which may say anything.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The event.
    pub position: Position,
    /// How often it was tried.
    pub tries: u32,
    /// Why it could not be handled the last time.
    pub reason: String,
    /// When it was laid aside.
    pub at: DateTime<Utc>,
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeadLetter({} after {} tries)", self.position.0, self.tries)
    }
}

/// Those of a shard, by position.
#[cfg(feature = "service")]
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct DeadLetters(pub(crate) Vec<DeadLetter>);

#[cfg(feature = "service")]
impl DeadLetters {
    /// Whether there is room for one more, beside so many that are tried again and keep their places.
    pub(crate) fn has_room(&self, again: usize) -> bool {
        self.0.len() + again < DEAD_LETTERS_MAX
    }

    /// Lays one aside, in place of an earlier one of the same event.
    pub(crate) fn lay(&mut self, letter: DeadLetter) {
        self.take(letter.position);
        self.0.push(letter);
        self.0.sort_by_key(|letter| letter.position);
    }

    /// Takes one out.
    pub(crate) fn take(&mut self, position: Position) -> Option<DeadLetter> {
        let place = self.0.iter().position(|letter| letter.position == position)?;
        Some(self.0.remove(place))
    }
}
