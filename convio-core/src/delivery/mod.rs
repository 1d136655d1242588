//! Deliveries: how events, leads and appointments reach a URL of somebody else's.

mod guard;
#[cfg(test)]
mod tests;

pub use guard::{AddressRefused, Cidr, CidrError, Guard, TargetUrl, URL_BYTES_MAX};
