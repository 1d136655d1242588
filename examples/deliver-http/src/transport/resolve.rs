use std::io;
use std::net::IpAddr;

/// What finds the addresses of a name.
#[async_trait::async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of the name, in the order in which they are to be tried.
    ///
    /// To be correct, an implementation
    /// - leaves out none that could be connected to: the transport judges what it is given, and refuses a name for one address that is
    ///   not allowed;
    /// - connects to none of them.
    ///
    /// # Errors
    /// The name was not found, or nobody could be asked.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// As the system resolves names (`getaddrinfo`): its hosts file, its servers, its order. It asks on a thread of the runtime's pool for
/// blocking work, which goes on for as long as the system's own settings say after the request's timeout is over.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait::async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}
