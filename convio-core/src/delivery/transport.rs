use super::{Request, Response, SendError};

/// What sends requests: an HTTP client of the embedding service. Core has none.
#[async_trait::async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request once, and gives what came back.
    ///
    /// To be correct, an implementation
    /// - sends method, URL, headers and body as they are: the body is signed byte for byte, and the URL is as the guard read it;
    /// - resolves the name once, has all addresses judged by [`Guard::check_addresses`](super::Guard::check_addresses), and connects to
    ///   one of those and to nothing else, through no proxy: [`SendError::Refused`] otherwise;
    /// - follows no redirect: a status of 300 to 399 is a response like any other;
    /// - ends within [`Request::timeout`], whatever part of the exchange takes so long: [`SendError::Timeout`];
    /// - verifies certificates and names: [`SendError::Tls`];
    /// - reads no more than [`RESPONSE_BYTES_MAX`](super::RESPONSE_BYTES_MAX) bytes of a body, after decompression if it does any, and says
    ///   with [`Response::cut`] that there were more;
    /// - tries nothing twice: when it is tried again is decided elsewhere;
    /// - writes neither body, nor signature, nor what a URL has behind its host into a log.
    ///
    /// # Errors
    /// Why there is no response.
    async fn send(&self, request: &Request) -> Result<Response, SendError>;
}
