use std::fmt;

use serde::{Deserialize, Serialize};

/// A URL that something is sent to. What stands behind its host may be a secret, so `Debug` shows the scheme and the host only.
///
/// Any text can be one: whether something may be sent there is what a [`Guard`](super::Guard) says.
///
/// ```
/// use convio_core::delivery::TargetUrl;
/// let url = TargetUrl::new("https://hooks.example.com/in/T0p5ecret?key=1");
/// assert_eq!(format!("{url:?}"), "TargetUrl(https://hooks.example.com/***)");
/// assert_eq!(url.expose(), "https://hooks.example.com/in/T0p5ecret?key=1");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetUrl(String);

impl TargetUrl {
    /// The URL as it was written.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// All of it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for TargetUrl {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match scheme_and_host(&self.0) {
            Some((scheme, host)) => write!(f, "TargetUrl({scheme}://{host}/***)"),
            None => write!(f, "TargetUrl({} bytes)", self.0.len()),
        }
    }
}

/// What may be shown of a URL, if that can be told for sure: of a text that is none, anything may be a secret.
fn scheme_and_host(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let (host, port) = match authority.rsplit('@').next()? {
        ip if ip.ends_with(']') => (ip, None),
        named => named.rsplit_once(':').map_or((named, None), |(host, port)| (host, Some(port))),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '[' | ']' | ':' | '_');
    let is_port = |port: &str| port.chars().all(|c| c.is_ascii_digit());
    let is_host = !host.is_empty() && host.chars().all(plain) && port.is_none_or(is_port);
    (is_host && scheme.chars().all(|c| c.is_ascii_alphanumeric())).then_some((scheme, host))
}
