//! Check of the addresses that alerts are sent to, so that a channel cannot be used to reach machines inside a network.
//!
//! A name is resolved once, its addresses are checked, and the connection goes to a checked address: a name that gives
//! another address a moment later gains nothing. Not here: the requests themselves ([`super::caller`]).
//!
//! The resolver is given ([`Names`]), so that a test can change its answers.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use crate::in_words::in_words;

/// Networks that a channel may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The public internet alone.
    Public,
    /// Private networks and this machine too, as its owner said for this channel.
    Private,
}

impl Reach {
    /// Returns the reach of a channel.
    pub fn of(allows_private: bool) -> Self {
        if allows_private { Self::Private } else { Self::Public }
    }
}

/// Why an address may not be contacted. The words name the host alone, as everybody reads them: the address that it has is
/// for the server's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// It is in a private network or on this machine.
    #[error("{host} is at a private address; allow private addresses for this channel if that is meant")]
    Private {
        /// The host of the channel.
        host: String,
    },
    /// No server of anybody can be there.
    #[error("{host} is at an address that is never contacted: no server of others is there")]
    Forbidden {
        /// The host of the channel.
        host: String,
    },
    /// The name is not known.
    #[error("{host} cannot be found ({reason})")]
    Unknown {
        /// The host of the channel.
        host: String,
        /// The system's reason.
        reason: String,
    },
}

/// Looks names up. Clones share it.
#[derive(Clone)]
pub struct Names(Arc<dyn Resolve>);

impl Names {
    /// Looks them up with `resolver`, whose addresses are not checked yet.
    pub fn of(resolver: Arc<dyn Resolve>) -> Self {
        Self(resolver)
    }
}

/// The system's own.
impl Default for Names {
    fn default() -> Self {
        Self(Arc::new(SystemNames))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Returns the addresses of a host that may be contacted, from one look-up.
///
/// # Errors
/// There is none.
pub async fn resolve(names: &Names, host: &str, port: u16, reach: Reach) -> Result<Vec<SocketAddr>, ReachError> {
    let unknown = |reason| ReachError::Unknown { host: host.to_owned(), reason };
    let name = Name::from_str(host).map_err(|error| unknown(in_words(&error)))?;
    let found = names.0.resolve(name).await.map_err(|error| unknown(in_words(&*error)))?;
    let mut refused = ReachError::Unknown { host: host.to_owned(), reason: "no address".to_owned() };
    let mut allowed = Vec::new();
    for address in found {
        match check(host, address.ip(), reach) {
            Ok(()) => allowed.push(SocketAddr::new(address.ip(), port)),
            Err(error) => refused = error,
        }
    }
    if allowed.is_empty() { Err(refused) } else { Ok(allowed) }
}

/// Checks an address whose host is a number: no resolver is asked for those.
///
/// # Errors
/// The number may not be contacted.
pub fn check_number(url: &Url, reach: Reach) -> Result<(), ReachError> {
    let host = url.host_str().unwrap_or_default();
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(address) => check(host, address, reach),
        Err(_not_a_number) => Ok(()),
    }
}

/// Resolves names for requests, to addresses that may be contacted.
#[derive(Clone, Debug)]
pub struct CheckedNames {
    /// Looks names up.
    pub names: Names,
    /// Networks that may be reached.
    pub reach: Reach,
}

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { names, reach } = self.clone();
        Box::pin(async move {
            // The port is the request's own; 0 stands for it here.
            let addresses = resolve(&names, name.as_str(), 0, reach).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn check(host: &str, address: IpAddr, reach: Reach) -> Result<(), ReachError> {
    let checked = match (kind(address), reach) {
        (Kind::Public, _) | (Kind::Private, Reach::Private) => Ok(()),
        (Kind::Private, Reach::Public) => Err(ReachError::Private { host: host.to_owned() }),
        (Kind::Forbidden, _) => Err(ReachError::Forbidden { host: host.to_owned() }),
    };
    if checked.is_err() {
        tracing::warn!(host, %address, "an alert may not be sent there");
    }
    checked
}

/// Kind of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Public,
    /// This machine and private networks.
    Private,
    /// Link-local addresses, where clouds answer with credentials, and what is no single machine.
    Forbidden,
}

/// Sources: the IANA special-purpose address registries (RFC 6890 and its updates).
fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => kind_of_v4(inner),
            None => kind_of_v6(address),
        },
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (10 | 127, ..) | (192, 168, _) | (172, 16..=31, _) | (100, 64..=127, _) => Kind::Private,
        (0 | 224..=255, ..)
        | (169, 254, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18..=19, _)
        | (198, 51, 100)
        | (203, 0, 113) => Kind::Forbidden,
        _ => Kind::Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    let segments = address.segments();
    match segments {
        // The metadata server of one cloud has a unique local address.
        [0xfd00, 0xec2, ..] => Kind::Forbidden,
        [0xfc00..=0xfdff, ..] => Kind::Private,
        _ if address.is_loopback() => Kind::Private,
        // Teredo, benchmarks, ORCHID and others; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Forbidden,
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Forbidden,
    }
}

/// Returns the IPv4 address that an IPv6 address leads to: mapped (`::ffff:0:0/96`), NAT64 (`64:ff9b::/96`), 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public addresses",
            Self::Private => "public and private addresses",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_addresses_need_leave_and_some_are_never_contacted() {
        #[track_caller]
        fn check(addresses: &[&str], expected: Kind) {
            for address in addresses {
                assert_eq!(kind(address.parse().unwrap()), expected, "{address}");
            }
        }
        check(&["1.1.1.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.63.0.1", "2606:4700::1111"], Kind::Public);
        check(&["64:ff9b::101:101", "::ffff:1.1.1.1", "2002:101:101::1"], Kind::Public);
        check(&["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"], Kind::Private);
        check(
            &["::1", "fd12::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
            Kind::Private,
        );
        check(
            &["169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1"],
            Kind::Forbidden,
        );
        check(&["fe80::1", "::", "ff02::1", "::ffff:169.254.169.254", "fd00:ec2::254", "2001:db8::1"], Kind::Forbidden);
        check(&["2001::1", "::7f00:1", "64:ff9b:1::1"], Kind::Forbidden);
    }

    #[test]
    fn numbers_are_checked_in_every_spelling() {
        let allowed = |text: &str, reach| check_number(&Url::parse(text).unwrap(), reach).is_ok();
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
        ] {
            assert!(!allowed(text, Reach::Public), "{text}");
            assert!(allowed(text, Reach::Private), "{text}");
        }
        assert!(!allowed("http://169.254.169.254/latest", Reach::Private));
        assert!(allowed("https://example.com/", Reach::Public), "its name is resolved later");
    }

    #[tokio::test]
    async fn a_name_gives_checked_addresses_alone() {
        let names = Names::default();
        let refused = resolve(&names, "localhost", 80, Reach::Public).await.unwrap_err();
        assert!(matches!(&refused, ReachError::Private { host } if host == "localhost"), "{refused}");
        assert!(!refused.to_string().contains("127.0.0.1") && !refused.to_string().contains("::1"), "{refused}");
        let found = resolve(&names, "localhost", 80, Reach::Private).await.unwrap();
        assert!(found.iter().all(|found| found.ip().is_loopback() && found.port() == 80), "{found:?}");
    }
}
