use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::Fingerprint;

/// The secret of a webhook, as its SHA-256: the secret itself is kept nowhere. `Debug` shows neither.
///
/// A plain hash is safe for secrets that nobody can guess: make them of 128 random bits or more.
///
/// ```
/// use convio_core::webhook::WebhookSecret;
/// let secret = WebhookSecret::of("1f0d9f7e6c5b4a39");
/// assert!(secret.is("1f0d9f7e6c5b4a39"));
/// assert!(!secret.is("something else"));
/// assert_eq!(format!("{secret:?}"), "WebhookSecret");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookSecret(Fingerprint);

impl WebhookSecret {
    /// The secret, hashed.
    pub fn of(secret: &str) -> Self {
        Self(Fingerprint::of_bytes(secret.as_bytes()))
    }

    /// Whether this is the secret. Takes the same time wherever the hashes differ.
    pub fn is(&self, secret: &str) -> bool {
        self.0.same(&Fingerprint::of_bytes(secret.as_bytes()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}
