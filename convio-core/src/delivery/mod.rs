//! Deliveries: how events, leads and appointments reach a URL of somebody else's.

mod guard;
mod signature;
mod signing;
#[cfg(test)]
mod tests;

pub use guard::{AddressRefused, Cidr, CidrError, Guard, TargetUrl, URL_BYTES_MAX};
pub use signature::{
    SECRET_BYTES_MAX, SECRET_BYTES_MIN, SIGNATURES_MAX, SecretError, SignatureError, SignedHeaders,
    SigningKeys, SigningSecret, TOLERANCE_SECONDS, Verifier,
};
pub use signing::{
    OVERLAP_HOURS, OVERLAP_HOURS_MAX, REFERENCE_BYTES_MAX, RetiredSecret, SECRETS_MAX, SecretMissing,
    SecretSource, Signing,
};
