//! Where the time comes from.

use std::time::Instant;

/// Now.
#[expect(clippy::disallowed_methods, reason = "a bench takes the time")]
pub fn now() -> Instant {
    Instant::now()
}
