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
        match url::Url::parse(&self.0) {
            Ok(url) => {
                write!(f, "TargetUrl({}://{}/***)", url.scheme(), url.host_str().unwrap_or_default())
            }
            Err(_) => write!(f, "TargetUrl({} bytes)", self.0.len()),
        }
    }
}
