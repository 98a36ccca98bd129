//! A network address or a range of them, as in `10.0.0.0/8`: the proxies that the server believes.

use std::{fmt, net::IpAddr};

use serde::{Serialize, Serializer};

use super::error::{SettingError, invalid};

/// All addresses whose first bits are those of one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The lowest address; canonical, so never an IPv4 address written as IPv6.
    first: IpAddr,
    n_bits: u8,
}

impl Network {
    /// Reads one address or a range.
    ///
    /// # Errors
    /// The text is neither, the range starts in the middle, or it contains every address.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let not_a_network = || {
            invalid(
                "write the addresses of your proxies, as in 127.0.0.1, 10.0.0.0/8 or fd00::/8; names are not resolved",
            )
        };
        let (address, n_bits) = match text.split_once('/') {
            Some((address, n_bits)) => (address, Some(n_bits)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| not_a_network())?;
        let address = written.to_canonical();
        let width = width(address);
        let n_bits = match n_bits {
            None => width,
            // The length of such a range counts from the front of the IPv6 form.
            Some(_) if written != address => return Err(invalid("write a range of IPv4 addresses as IPv4")),
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|n_bits| *n_bits <= width).ok_or_else(not_a_network)?
            }
            Some(_) => return Err(not_a_network()),
        };
        if n_bits == 0 {
            return Err(invalid(
                "this range has every address, so any caller could claim to be another one; name your proxies only",
            ));
        }
        let network = Self { first: address, n_bits };
        if network.start(address) != bits(address) {
            return Err(invalid("the range starts in the middle: write its first address, as in 192.168.1.0/24"));
        }
        Ok(network)
    }

    /// Returns true for an address of the network; IPv4 addresses written as IPv6 count as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && self.start(address) == bits(self.first)
    }

    /// Returns an address with the bits behind the network's set to 0.
    fn start(&self, address: IpAddr) -> u128 {
        let n_free = u32::from(width(address) - self.n_bits);
        bits(address).checked_shr(n_free).and_then(|kept| kept.checked_shl(n_free)).unwrap_or(0)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.n_bits == width(self.first) {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}/{}", self.first, self.n_bits),
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        for (network, inside, outside) in [
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("127.0.0.1", "::ffff:127.0.0.1", "::1"),
            ("::ffff:127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.168.1.128/25", "192.168.1.128", "192.168.1.127"),
            ("128.0.0.0/1", "255.255.255.255", "127.255.255.255"),
            ("fd00::/8", "fdff::1", "fe00::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
        ] {
            let network = Network::parse(network).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network} {outside}");
            assert_eq!(Network::parse(&network.to_string()).unwrap(), network);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "*",
            "localhost",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.1/8",
            "0.0.0.0/0",
            "::/0",
            "::/129",
            "10.0.0",
            "10.0.0.0/8/8",
            "127.0.0.1:80",
            "[::1]",
            "::ffff:10.0.0.0/104",
            " 10.0.0.1",
        ] {
            assert!(Network::parse(bad).is_err(), "{bad}");
        }
    }
}
