use std::fmt;

use serde::{Deserialize, Serialize};

/// What came back from a receiver. `Debug` shows nothing of its body.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, where there is one.
    pub retry_after: Option<String>,
    /// The first [`RESPONSE_BYTES_MAX`] bytes of the body.
    pub body: Vec<u8>,
    /// Whether the body went on after that.
    pub cut: bool,
}

impl Response {
    /// A response of this status, with nothing in it.
    pub fn new(status: u16) -> Self {
        Self { status, retry_after: None, body: Vec::new(), cut: false }
    }

    /// With this header `Retry-After`.
    #[must_use]
    pub fn retry_after(self, header: impl Into<String>) -> Self {
        Self { retry_after: Some(header.into()), ..self }
    }

    /// With this body, of which the first [`RESPONSE_BYTES_MAX`] bytes are looked at. Whoever reads one from a network stops there
    /// rather than to cut it afterwards.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let mut body = body.into();
        let cut = self.cut || body.len() > RESPONSE_BYTES_MAX;
        body.truncate(RESPONSE_BYTES_MAX);
        Self { body, cut, ..self }
    }

    /// Whether its status is one of success: 200 to 299.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Whether it says that the receiver has too much to do: 429, 502, 503 or 504.
    pub const fn is_throttle(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504)
    }

    /// Whether it says that the receiver is gone for good: 410.
    pub const fn is_gone(&self) -> bool {
        self.status == 410
    }

    /// What is kept of it.
    ///
    /// ```
    /// use convio_core::delivery::{RESPONSE_KEPT_BYTES_MAX, Response};
    /// let kept = Response::new(200).body("{\"ok\":true}").kept();
    /// assert_eq!((kept.body.as_str(), kept.cut, kept.lossy), ("{\"ok\":true}", false, false));
    /// let long = "é".repeat(RESPONSE_KEPT_BYTES_MAX);
    /// let kept = Response::new(200).body(format!("x{long}")).kept();
    /// assert_eq!((kept.body.len(), kept.cut), (RESPONSE_KEPT_BYTES_MAX - 1, true));
    /// ```
    pub fn kept(&self) -> KeptResponse {
        // Stores keep no NUL in a text.
        let text = String::from_utf8_lossy(&self.body).replace('\0', "\u{fffd}");
        let fits =
            (0..=text.len().min(RESPONSE_KEPT_BYTES_MAX)).rev().find(|end| text.is_char_boundary(*end));
        let body = text[..fits.unwrap_or(0)].to_owned();
        KeptResponse {
            status: self.status,
            cut: self.cut || body.len() < text.len(),
            lossy: !self.body.starts_with(body.as_bytes()),
            body,
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Response({}, {} bytes{})",
            self.status,
            self.body.len(),
            if self.cut { ", cut" } else { "" }
        )
    }
}

/// What is kept of a response. `Debug` shows nothing of its body: receivers send back what they got.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptResponse {
    /// The HTTP status.
    pub status: u16,
    /// The begin of the body as text, at most [`RESPONSE_KEPT_BYTES_MAX`] bytes of whole characters.
    pub body: String,
    /// Whether the body went on after that.
    pub cut: bool,
    /// Whether the body had bytes that are no text; each stands as U+FFFD.
    pub lossy: bool,
}

impl fmt::Debug for KeptResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptResponse({}, {} bytes)", self.status, self.body.len())
    }
}

/// Why no response came. What it was in detail stays with the transport: the texts of network libraries hold URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum SendError {
    /// The guard refused where it would have gone.
    #[error("the address is refused")]
    Refused,
    /// The name was not found.
    #[error("the name was not found")]
    Dns,
    /// There was no connection.
    #[error("no connection")]
    Connect,
    /// The connection could not be made safe: a certificate, a protocol.
    #[error("no safe connection")]
    Tls,
    /// The response was not there in time.
    #[error("no response in time")]
    Timeout,
    /// The connection ended before the response did.
    #[error("the connection broke off")]
    Interrupted,
    /// What came back is no HTTP.
    #[error("the response can't be read")]
    Protocol,
    /// Whoever sent it never told what came of it: it was stopped, and the receiver may have it or not.
    #[error("whoever sent it never told what came of it")]
    Lost,
}

impl SendError {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Refused,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Interrupted,
        Self::Protocol,
        Self::Lost,
    ];

    /// Whether it says something of the receiver, and nothing of the sender alone.
    pub const fn is_the_receivers(self) -> bool {
        !matches!(self, Self::Lost)
    }
}

#[cfg(feature = "delivery")]
impl From<super::AddressRefused> for SendError {
    fn from(_: super::AddressRefused) -> Self {
        Self::Refused
    }
}

/// What came of an attempt.
pub type Outcome = Result<Response, SendError>;

/// How much of a response is read: enough for any answer of a machine, and no more than a hostile one may cost.
pub const RESPONSE_BYTES_MAX: usize = 65_536;
/// How much of it is kept with each attempt: what a person needs to see what went wrong.
pub const RESPONSE_KEPT_BYTES_MAX: usize = 2_048;
