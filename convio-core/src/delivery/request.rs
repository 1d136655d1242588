use std::fmt;
use std::time::Duration;

use super::{SignedHeaders, TargetUrl};

/// What is to be sent, once. `Debug` shows nothing of the body, nor of the URL behind its host.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// `POST`.
    pub method: &'static str,
    /// Where, as the guard read it.
    pub url: TargetUrl,
    /// The headers, by their names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body, to be sent byte for byte: it is signed.
    pub body: Vec<u8>,
    /// How long the whole exchange may take, from the look-up of the name to the last byte of the response.
    pub timeout: Duration,
}

impl Request {
    pub(super) fn new(url: TargetUrl, signed: &SignedHeaders, timeout_seconds: u16, body: Vec<u8>) -> Self {
        let mut headers =
            vec![("content-type", CONTENT_TYPE.to_owned()), ("user-agent", USER_AGENT.to_owned())];
        headers.extend(signed.each().map(|(name, value)| (name, value.to_owned())));
        Self { method: "POST", url, headers, body, timeout: Duration::from_secs(timeout_seconds.into()) }
    }

    /// The header of this name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {:?}, {} bytes)", self.method, self.url, self.body.len())
    }
}

/// The longest body that is sent: what common receivers take. Standard Webhooks asks for less than 20 kB.
pub const BODY_BYTES_MAX: usize = 262_144;
const CONTENT_TYPE: &str = "application/json";
const USER_AGENT: &str = concat!("Convio/", env!("CARGO_PKG_VERSION"));
