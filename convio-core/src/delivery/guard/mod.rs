//! The guard against requests to where they must not go (SSRF): who may give a URL may not make this service call its own network.
//!
//! A URL is judged twice. When it is saved and again before each attempt: [`Guard::judge`], on its text, with a reason for all that is
//! wrong. When a connection is made: [`Guard::check_addresses`], on the addresses that its name resolved to, by whoever connects; a
//! name of the public internet may lead anywhere. Redirects are never followed, so nothing else is ever called.

mod address;
mod cidr;

use std::collections::BTreeSet;
use std::net::IpAddr;

use url::{Host, Url};

use super::TargetUrl;
use crate::error::Reason;

pub use address::AddressRefused;
pub use cidr::{Cidr, CidrError};

/// Where deliveries may go. By default to hosts of the public internet alone, by HTTPS, on the ports 443 and 8443.
///
/// Whatever is allowed is allowed to everyone who may make endpoints: it belongs to the embedding service, and is no setting of a
/// workspace.
///
/// ```
/// use convio_core::delivery::{Guard, TargetUrl};
/// let guard = Guard::new();
/// assert!(guard.judge(&TargetUrl::new("https://hooks.example.com/in")).is_ok());
/// // All of these are 127.0.0.1, and a parser of URLs knows it.
/// for local in ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.01", "127.1", "[::1]", "１２７.0.0.1", "localhost"] {
///     let reasons = guard.judge(&TargetUrl::new(format!("https://{local}/"))).unwrap_err();
///     assert_eq!((reasons.len(), reasons[0].code.as_str()), (1, "host"), "{local}");
/// }
/// let reasons = guard.judge(&TargetUrl::new("http://me:pw@10.0.0.1:6379/#x")).unwrap_err();
/// let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
/// assert_eq!(codes, ["scheme", "userinfo", "fragment", "port", "host"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    http: bool,
    ports: BTreeSet<u16>,
    hosts: BTreeSet<String>,
    networks: Vec<Cidr>,
}

impl Guard {
    /// The public internet alone, by HTTPS, on the ports 443 and 8443.
    pub fn new() -> Self {
        Self { http: false, ports: PORTS.into(), hosts: BTreeSet::new(), networks: Vec::new() }
    }

    /// By HTTP too, on the ports 80 and 8080: what is sent can be read on its way.
    #[must_use]
    pub fn allow_http(mut self) -> Self {
        self.http = true;
        self.ports.extend(HTTP_PORTS);
        self
    }

    /// On this port too.
    #[must_use]
    pub fn allow_port(mut self, port: u16) -> Self {
        self.ports.insert(port);
        self
    }

    /// To a host of this name too, though it looks like one of a private network. Its addresses are judged as ever.
    ///
    /// ```
    /// use convio_core::delivery::{Guard, TargetUrl};
    /// let guard = Guard::new().allow_host("crm.internal").allow_network("10.20.0.0/16".parse()?);
    /// assert!(guard.judge(&TargetUrl::new("https://CRM.internal/in")).is_ok());
    /// assert!(guard.check_address("10.20.0.7".parse()?).is_ok());
    /// assert!(guard.check_address("10.0.0.7".parse()?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allow_host(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref().trim_end_matches('.');
        // As the parser gives it, so that a name in any script is found.
        self.hosts.insert(Host::parse(name).map_or_else(|_| name.to_lowercase(), |host| host.to_string()));
        self
    }

    /// To addresses of this network too. Where it is one that wraps IPv4 addresses (`64:ff9b::/96` of NAT64, `::ffff:0:0/96`), the
    /// address inside is judged as ever.
    #[must_use]
    pub fn allow_network(mut self, network: Cidr) -> Self {
        self.networks.push(network);
        self
    }

    /// The URL as it is to be sent to: as its parser reads it, so that no other parser can read another host.
    ///
    /// # Errors
    /// Everything that is wrong with it, under the field `url`. No message holds more of it than its scheme, host and port.
    pub fn judge(&self, url: &TargetUrl) -> Result<TargetUrl, Vec<Reason>> {
        let refused = |code: &str, message: String| Reason::new("url", code, message);
        let text = url.expose();
        if text.is_empty() {
            return Err(vec![Reason::missing("url")]);
        }
        if text.len() > URL_BYTES_MAX {
            return Err(vec![refused("too_long", format!("a URL has at most {URL_BYTES_MAX} bytes"))]);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            let message = "a URL has no blanks, control characters or backslashes";
            return Err(vec![refused("invalid", message.to_owned())]);
        }
        let parsed = Url::parse(text).ok().filter(|url| url.has_host());
        let Some(parsed) = parsed else {
            return Err(vec![refused("invalid", "this is no URL of a host".to_owned())]);
        };
        let mut reasons = Vec::new();
        let scheme = parsed.scheme();
        if scheme != "https" && !(self.http && scheme == "http") {
            let allowed = if self.http { "https or http" } else { "https" };
            reasons.push(refused("scheme", format!("a URL begins with {allowed}, not with `{scheme}`")));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            reasons.push(refused("userinfo", "a URL has no user and no password".to_owned()));
        }
        if parsed.fragment().is_some() {
            reasons.push(refused("fragment", "a URL has no `#`: what follows it is never sent".to_owned()));
        }
        match parsed.port_or_known_default() {
            Some(port) if self.ports.contains(&port) => {}
            Some(port) => reasons.push(refused("port", format!("nothing is sent to port {port}"))),
            None => reasons.push(refused("port", "a port is missing".to_owned())),
        }
        let host = match parsed.host() {
            Some(Host::Domain(name)) => self.check_name(name),
            Some(Host::Ipv4(address)) => self.check_literal(address.into()),
            Some(Host::Ipv6(address)) => self.check_literal(address.into()),
            None => Some("a host is missing".to_owned()),
        };
        reasons.extend(host.map(|message| refused("host", message)));
        if reasons.is_empty() { Ok(TargetUrl::new(parsed)) } else { Err(reasons) }
    }

    /// Whether something may be sent to this address.
    ///
    /// # Errors
    /// What kind of address it is that nothing is sent to.
    pub fn check_address(&self, address: IpAddr) -> Result<(), AddressRefused> {
        let allowed = self.networks.iter().any(|network| network.contains(address));
        if let Some(inside) = address::wrapped(address).filter(|_| allowed) {
            return self.check_address(inside);
        }
        match address::kind(address) {
            Some(kind) if !allowed => Err(AddressRefused { address, kind }),
            _ => Ok(()),
        }
    }

    /// Whether something may be sent to a host of these addresses: to all that its name resolved to, since whoever connects may take any
    /// of them. Connect to one of these, and do not resolve the name again: it may say something else then.
    ///
    /// ```
    /// use convio_core::delivery::Guard;
    /// let guard = Guard::new();
    /// assert!(guard.check_addresses(&["93.184.216.34".parse()?, "2606:2800:220:1::1".parse()?]).is_ok());
    /// assert!(guard.check_addresses(&["93.184.216.34".parse()?, "fd00:ec2::254".parse()?]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The first address that nothing is sent to.
    pub fn check_addresses(&self, addresses: &[IpAddr]) -> Result<(), AddressRefused> {
        addresses.iter().try_for_each(|address| self.check_address(*address))
    }

    fn check_literal(&self, address: IpAddr) -> Option<String> {
        self.check_address(address).err().map(|refused| refused.to_string())
    }

    /// What is wrong with a name, as the parser gives it: lower case, in ASCII.
    fn check_name(&self, name: &str) -> Option<String> {
        let name = name.trim_end_matches('.');
        if self.hosts.contains(name) {
            return None;
        }
        let ends = |ending: &str| {
            name.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let is_private = !name.contains('.') || name.split('.').any(str::is_empty);
        (is_private || PRIVATE_ENDINGS.into_iter().any(ends))
            .then(|| format!("`{name}` is no host of the public internet"))
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

/// The longest URL: what every server takes.
pub const URL_BYTES_MAX: usize = 2_048;
/// The ports of HTTPS that are always allowed. Others are often those of a service that was never meant to be called from outside.
const PORTS: [u16; 2] = [443, 8443];
/// The ports that come with HTTP.
const HTTP_PORTS: [u16; 2] = [80, 8080];
/// Endings of names that are none of the public internet: RFC 6761, 6762, 7686, 8375, 9476, ICANN's `internal`, and those that private
/// networks use though nobody gave them out.
const PRIVATE_ENDINGS: [&str; 15] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "alt",
    "arpa",
    "onion",
    "test",
    "example",
    "invalid",
];
