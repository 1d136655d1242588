//! `Transport` over HTTP/1.1: hyper for one connection, rustls over it, and nothing in between.
//!
//! No pool, no proxy, no redirect, no retry, no decompression and no log: each is something that a client for general use does by itself,
//! and that would have to be switched off here and stay so. What the contract asks for is what is written down below:
//!
//! | `Transport` says | where |
//! |---|---|
//! | as it is, byte for byte | `head.rs` |
//! | resolved once, all addresses judged, connected to those alone | `mod.rs`, `connect.rs` |
//! | within the timeout, whatever takes so long | `mod.rs` |
//! | certificates and names | `tls.rs` |
//! | no more than `RESPONSE_BYTES_MAX` bytes | `exchange.rs` |

mod connect;
mod exchange;
mod head;
mod resolve;
mod tls;

use std::net::IpAddr;

use convio_core::delivery::{Guard, Outcome, Request, Response, SendError, Transport};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

pub use connect::ADDRESSES_TRIED_MAX;
pub use exchange::HEAD_BYTES_MAX;
pub use resolve::{Resolve, SystemResolver};
pub use tls::system_roots;
pub use tokio_rustls::rustls::RootCertStore;

/// Sends requests by HTTP/1.1, each over a connection of its own that is closed after it, or when it is not waited for any longer.
///
/// ```
/// use convio_core::delivery::{Guard, NewEndpoint, SendError, Transport};
/// # use convio_core::delivery::{Cause, Delivery, Health};
/// # use convio_core::{Position, SequentialIds, WorkspaceId};
/// use deliver_http::{HttpTransport, RootCertStore, system_roots};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let (ids, now, lenient) = (SequentialIds::seeded(1), "2027-03-02T10:00:00Z".parse()?, Guard::new().allow_network("10.0.0.0/8".parse()?));
/// # let endpoint = NewEndpoint::to("https://10.0.0.1/").with(|set| set.events = convio_core::delivery::EventFilter::Any);
/// # let endpoint = endpoint.create(WorkspaceId::new(&ids, now), now, &ids, &lenient)?;
/// # let delivery = Delivery::new(Cause::Event(Position(1)), "lead.received", &endpoint, now, now);
/// # let delivery = delivery.begin(now, &endpoint, &Health::default())?;
/// # let keys = endpoint.signing.keys(now, &|_| None)?;
/// # let request = delivery.request(now, &endpoint, &keys, &lenient, b"{}".to_vec())?;
/// # let roots = RootCertStore::empty();
/// // With `system_roots()?` where it sends to others than tests.
/// let transport = HttpTransport::new(Guard::new(), roots);
/// // A request to a private address that some other guard let through.
/// assert_eq!(transport.send(&request).await, Err(SendError::Refused));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HttpTransport {
    guard: Guard,
    resolver: Box<dyn Resolve>,
    tls: TlsConnector,
}

impl HttpTransport {
    /// To where this guard allows, with certificates that lead to one of these roots, and names as the system resolves them.
    pub fn new(guard: Guard, roots: RootCertStore) -> Self {
        Self { guard, resolver: Box::new(SystemResolver), tls: tls::connector(roots) }
    }

    /// The same with another resolver of names: one of DNS over HTTPS, with a cache, or of a test.
    #[must_use]
    pub fn resolving_by(self, resolver: impl Resolve + 'static) -> Self {
        Self { resolver: Box::new(resolver), ..self }
    }

    async fn exchange(&self, request: &Request, deadline: Instant) -> Outcome {
        let url = self.judged(request)?;
        let head = head::build(request, &url)?;
        let host = url.host().ok_or(SendError::Refused)?;
        let port = url.port_or_known_default().ok_or(SendError::Refused)?;
        let addresses = self.addresses(&host).await?;
        let stream = connect::connect(&addresses, port, deadline).await?;
        match url.scheme() {
            "https" => exchange::over(tls::over(&self.tls, stream, &host).await?, head).await,
            _ => exchange::over(stream, head).await,
        }
    }

    /// The URL, judged again: the request may be another guard's, and with it the scheme and the port.
    fn judged(&self, request: &Request) -> Result<Url, SendError> {
        self.guard.judge(&request.url).map_err(|_| SendError::Refused)?;
        Url::parse(request.url.expose()).map_err(|_| SendError::Refused)
    }

    /// All addresses of the host, each of them allowed. A name is resolved here and nowhere else.
    async fn addresses(&self, host: &Host<&str>) -> Result<Vec<IpAddr>, SendError> {
        let addresses = match host {
            Host::Domain(name) => self.resolver.resolve(name).await.map_err(|_| SendError::Dns)?,
            Host::Ipv4(address) => vec![(*address).into()],
            Host::Ipv6(address) => vec![(*address).into()],
        };
        if addresses.is_empty() {
            return Err(SendError::Dns);
        }
        self.guard.check_addresses(&addresses)?;
        Ok(addresses)
    }
}

#[async_trait::async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: &Request) -> Result<Response, SendError> {
        let deadline = Instant::now() + request.timeout;
        // What is not waited for any longer is dropped, and its connection with it: nothing was spawned.
        timeout_at(deadline, self.exchange(request, deadline)).await.unwrap_or(Err(SendError::Timeout))
    }
}

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpTransport").field("guard", &self.guard).finish_non_exhaustive()
    }
}
