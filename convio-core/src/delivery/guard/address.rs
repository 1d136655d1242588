use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Cidr;

/// An address that nothing is sent to, and why.
///
/// ```
/// use convio_core::delivery::Guard;
/// let refused = Guard::new().check_address("169.254.169.254".parse()?).unwrap_err();
/// assert_eq!(refused.to_string(), "`169.254.169.254` is a link-local address");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{address}` is {kind}")]
pub struct AddressRefused {
    /// The address.
    pub address: IpAddr,
    /// What kind of address it is, with its article: `a loopback address`.
    pub kind: &'static str,
}

/// What kind of address it is, where it is none of the public internet.
///
/// An address that only wraps an IPv4 one is judged as what it is, a wrapping; see [`wrapped`].
pub(super) fn kind(address: IpAddr) -> Option<&'static str> {
    let networks: &[(Cidr, &str)] = match address {
        IpAddr::V4(_) => &NOT_PUBLIC_V4,
        IpAddr::V6(_) => &NOT_PUBLIC_V6,
    };
    let found = networks.iter().find(|(network, _)| network.contains(address));
    match (found, address) {
        (Some((_, kind)), _) => Some(kind),
        (None, IpAddr::V6(v6)) if !GLOBAL_V6.contains(address) => {
            Some(if v6.is_multicast() { "a multicast address" } else { "no global address" })
        }
        (None, IpAddr::V6(v6)) if is_isatap(v6) => Some("an IPv4 address in an ISATAP one"),
        (None, _) => None,
    }
}

/// The IPv4 address that a wrapping leads to: a v4-mapped address, or one of NAT64's own prefix.
pub(super) fn wrapped(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = address else { return None };
    let wraps = MAPPED.contains(address) || NAT64.contains(address);
    let [.., a, b, c, d] = v6.octets();
    wraps.then_some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
}

/// Whether its last half says `0000:5efe` or `0200:5efe` before an IPv4 address (RFC 5214).
fn is_isatap(address: Ipv6Addr) -> bool {
    let [_, _, _, _, flag, mark, ..] = address.segments();
    mark == 0x5efe && matches!(flag, 0 | 0x0200)
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Cidr {
    Cidr::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits)
}

/// The network of which these are the first 64 bits, and the rest are zeros.
const fn v6([a, b, c, d]: [u16; 4], bits: u8) -> Cidr {
    Cidr::new(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), bits)
}

/// IPv4 addresses that are no hosts of the public internet (IANA's special-purpose registry, RFC 6890 and its updates), and the
/// one public address that clouds use within.
const NOT_PUBLIC_V4: [(Cidr, &str); 17] = [
    (v4(0, 0, 0, 0, 8), "an unspecified address"),
    (v4(10, 0, 0, 0, 8), "a private address"),
    (v4(100, 64, 0, 0, 10), "a shared address of a provider"),
    (v4(127, 0, 0, 0, 8), "a loopback address"),
    (v4(169, 254, 0, 0, 16), "a link-local address"),
    (v4(172, 16, 0, 0, 12), "a private address"),
    (v4(192, 0, 0, 0, 24), "an address of a protocol"),
    (v4(192, 0, 2, 0, 24), "an address for documentation"),
    (v4(192, 88, 99, 0, 24), "a 6to4 relay"),
    (v4(192, 168, 0, 0, 16), "a private address"),
    (v4(198, 18, 0, 0, 15), "an address for benchmarks"),
    (v4(198, 51, 100, 0, 24), "an address for documentation"),
    (v4(203, 0, 113, 0, 24), "an address for documentation"),
    (v4(224, 0, 0, 0, 4), "a multicast address"),
    (v4(255, 255, 255, 255, 32), "the broadcast address"),
    (v4(240, 0, 0, 0, 4), "a reserved address"),
    (v4(168, 63, 129, 16, 32), "an address of a cloud's own"),
];

/// The same of IPv6. What is not under [`GLOBAL_V6`] is refused whether it stands here or not.
const NOT_PUBLIC_V6: [(Cidr, &str); 14] = [
    (MAPPED, "an IPv4 address in an IPv6 one"),
    (Cidr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 128), "an unspecified address"),
    (Cidr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 128), "a loopback address"),
    (v6([0, 0, 0, 0], 96), "an IPv4 address in an IPv6 one"),
    (NAT64, "an IPv4 address behind NAT64"),
    (v6([0x64, 0xff9b, 1, 0], 48), "an IPv4 address behind NAT64"),
    (v6([0xfc00, 0, 0, 0], 7), "a private address"),
    (v6([0xfe80, 0, 0, 0], 10), "a link-local address"),
    (v6([0xfec0, 0, 0, 0], 10), "a site-local address"),
    (v6([0x2001, 0, 0, 0], 32), "an IPv4 address behind Teredo"),
    // Benchmarks, ORCHID and more of them, none of which is a host to send to.
    (v6([0x2001, 0, 0, 0], 23), "an address of a protocol"),
    (v6([0x2001, 0xdb8, 0, 0], 32), "an address for documentation"),
    (v6([0x3fff, 0, 0, 0], 20), "an address for documentation"),
    (v6([0x2002, 0, 0, 0], 16), "an IPv4 address behind 6to4"),
];

/// All that IANA gave out of IPv6.
const GLOBAL_V6: Cidr = v6([0x2000, 0, 0, 0], 3);
/// `::ffff:0:0/96`.
const MAPPED: Cidr = Cidr::new(IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0)), 96);
/// `64:ff9b::/96`.
const NAT64: Cidr = v6([0x64, 0xff9b, 0, 0], 96);
