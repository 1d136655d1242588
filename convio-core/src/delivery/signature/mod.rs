//! Signatures as Standard Webhooks 1.0.0 has them, symmetric (`v1`): secrets, the three headers, and their verification.

mod headers;
mod secret;
mod verifier;

pub use headers::{SignedHeaders, SigningKeys};
pub use secret::{SECRET_BYTES_MAX, SECRET_BYTES_MIN, SecretError, SigningSecret};
pub use verifier::{SIGNATURES_MAX, SignatureError, TOLERANCE_SECONDS, Verifier};
