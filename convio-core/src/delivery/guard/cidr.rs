use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network of addresses, as in `10.0.0.0/8` or `fd00::/8`.
///
/// ```
/// use convio_core::delivery::Cidr;
/// let office: Cidr = "10.20.0.0/16".parse()?;
/// assert!(office.contains("10.20.3.4".parse()?));
/// assert!(!office.contains("10.21.0.0".parse()?));
/// assert!("10.20.3.4/16".parse::<Cidr>().is_err(), "a network has no bits behind its length");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

impl Cidr {
    /// The network of this first address.
    pub(super) const fn new(base: IpAddr, bits: u8) -> Self {
        Self { base, bits }
    }

    /// Whether the address is of this network. An IPv4 address is of no IPv6 network, also where it can be written as one.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits.min(32))).unwrap_or(0);
                u32::from(base) == u32::from(address) & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits.min(128))).unwrap_or(0);
                u128::from(base) == u128::from(address) & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (base, bits) = text.split_once('/').ok_or(CidrError)?;
        let base: IpAddr = base.parse().map_err(|_| CidrError)?;
        if bits.is_empty() || bits.len() > 3 || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CidrError);
        }
        let bits: u8 = bits.parse().map_err(|_| CidrError)?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let network = Self { base, bits };
        if bits > longest || !network.contains(base) { Err(CidrError) } else { Ok(network) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cidr({self})")
    }
}

/// The text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network is its first address, `/` and its length in bits, as in `10.0.0.0/8`")]
pub struct CidrError;
