//! Limits of callers: open connections and streams, and requests a second, for each address and each account.
//!
//! They are those of the newest configuration. A lowered one ends nothing that is open: whoever has more gets nothing new.
//!
//! An address is that of the caller behind configured proxies, and all of an IPv6 /64 is one: a subscriber has as many
//! as that. Loopback counts like any other. Memory is fixed: open things are bounded by the places of connections
//! ([`crate::places`]), and of the callers that have asked, the one that was silent longest is forgotten.
//!
//! Not here: failed logins (`access::attempts`), messages on a stream (`http::stream::limiter`), and the answers
//! (`http::limits`).
//!
//! # Layout
//! - [`bucket`]: how often something may happen · [`rates`]: a bucket for each caller · [`shares`]: who has how many

pub mod bucket;
pub mod rates;
pub mod shares;

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::access::UserName;

use self::{
    bucket::Rate,
    rates::Rates,
    shares::{Share, Shares},
};
use crate::{
    clock::Clock,
    config::{LimitsConfig, Live},
    metrics::counters::clients::LimitCounters,
};

/// The limits with what is in use. Clones share it.
#[derive(Clone, Debug)]
pub struct Limits(Arc<Usage>);

#[derive(Debug)]
struct Usage {
    live: Live,
    clock: Clock,
    counters: LimitCounters,
    streams_of_address: Shares<IpAddr>,
    streams_of_account: Shares<UserName>,
    // Locked for a look-up, never across an await.
    requests_of_address: Mutex<Rates<IpAddr>>,
    requests_of_account: Mutex<Rates<UserName>>,
}

/// A stream's part of the limits, held until it ends.
#[derive(Debug)]
pub struct StreamShare {
    _of_address: Share<IpAddr>,
    _of_account: Option<Share<UserName>>,
}

impl Limits {
    /// Creates the limits; nothing is in use.
    pub fn new(live: impl Into<Live>, counters: LimitCounters, clock: Clock) -> Self {
        Self(Arc::new(Usage {
            live: live.into(),
            clock,
            counters,
            streams_of_address: Shares::default(),
            streams_of_account: Shares::default(),
            requests_of_address: Mutex::new(Rates::new(MAX_CALLERS)),
            requests_of_account: Mutex::new(Rates::new(MAX_CALLERS)),
        }))
    }

    /// Returns the newest configuration.
    pub fn config(&self) -> LimitsConfig {
        self.0.live.config().limits
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// It has asked too often.
    pub fn request_of_address(&self, address: IpAddr) -> Result<(), OverLimit> {
        let mut rates = self.0.requests_of_address.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = rates.take(&subscriber(address), self.rate(), self.0.clock.now().monotonic);
        drop(rates);
        taken.map_err(|wait| self.refused(Limit::RequestsPerAddress, wait))
    }

    /// Counts a request of an account, from whatever address.
    ///
    /// # Errors
    /// It has asked too often.
    pub fn request_of_account(&self, account: &UserName) -> Result<(), OverLimit> {
        let mut rates = self.0.requests_of_account.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = rates.take(account, self.rate(), self.0.clock.now().monotonic);
        drop(rates);
        taken.map_err(|wait| self.refused(Limit::RequestsPerAccount, wait))
    }

    /// Takes a share of the streams of an address and, where there is one, of an account.
    ///
    /// # Errors
    /// Either has all it may have.
    pub fn stream(&self, address: IpAddr, account: Option<&UserName>) -> Result<StreamShare, OverLimit> {
        let (config, Usage { streams_of_address, streams_of_account, .. }) = (self.config(), &*self.0);
        let of_address = streams_of_address
            .take(&subscriber(address), config.streams_per_address)
            .ok_or_else(|| self.refused(Limit::StreamsPerAddress, PLACE_WAIT))?;
        let of_account = match account {
            None => None,
            Some(account) => Some(
                streams_of_account
                    .take(account, config.streams_per_account)
                    .ok_or_else(|| self.refused(Limit::StreamsPerAccount, PLACE_WAIT))?,
            ),
        };
        Ok(StreamShare { _of_address: of_address, _of_account: of_account })
    }

    /// Counts a connection of an address that has all it may have; returns the refusal.
    pub fn connection_refused(&self) -> OverLimit {
        self.refused(Limit::ConnectionsPerAddress, PLACE_WAIT)
    }

    fn rate(&self) -> Rate {
        let config = self.config();
        Rate { per_second: config.requests_per_second, burst: config.requests_burst }
    }

    fn refused(&self, limit: Limit, wait: Duration) -> OverLimit {
        self.0.counters.refused(limit.as_str());
        OverLimit { limit, max: limit.max(&self.config()), wait_s: whole_seconds(wait) }
    }
}

/// A limit of callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Open connections of an address.
    ConnectionsPerAddress,
    /// Requests of an account.
    RequestsPerAccount,
    /// Requests of an address.
    RequestsPerAddress,
    /// Streams of an account.
    StreamsPerAccount,
    /// Streams of an address.
    StreamsPerAddress,
}

impl Limit {
    /// All limits.
    pub const ALL: [Self; 5] = [
        Self::ConnectionsPerAddress,
        Self::RequestsPerAccount,
        Self::RequestsPerAddress,
        Self::StreamsPerAccount,
        Self::StreamsPerAddress,
    ];

    /// Returns its word in the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::RequestsPerAccount => "requests_per_account",
            Self::RequestsPerAddress => "requests_per_address",
            Self::StreamsPerAccount => "streams_per_account",
            Self::StreamsPerAddress => "streams_per_address",
        }
    }

    /// Returns the words of a refusal: too many of what, the setting, and the remedy.
    const fn words(self) -> [&'static str; 3] {
        match self {
            Self::ConnectionsPerAddress => {
                ["connections from this address: at most", "limits.connections_per_address", "close some"]
            }
            Self::RequestsPerAccount => {
                ["requests of this account: a second at most", "limits.requests_per_second", "ask less often"]
            }
            Self::RequestsPerAddress => {
                ["requests from this address: a second at most", "limits.requests_per_second", "ask less often"]
            }
            Self::StreamsPerAccount => {
                ["streams of this account: at most", "limits.streams_per_account", "close some of its pages"]
            }
            Self::StreamsPerAddress => {
                ["streams from this address: at most", "limits.streams_per_address", "close some of its pages"]
            }
        }
    }

    fn max(self, config: &LimitsConfig) -> usize {
        match self {
            Self::ConnectionsPerAddress => config.connections_per_address,
            Self::RequestsPerAccount | Self::RequestsPerAddress => config.requests_per_second as usize,
            Self::StreamsPerAccount => config.streams_per_account,
            Self::StreamsPerAddress => config.streams_per_address,
        }
    }
}

/// Why a caller is refused: it has, or asks, more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "too many {} {max} ({}); {}, and try again in {wait_s} s",
    limit.words()[0],
    limit.words()[1],
    limit.words()[2]
)]
pub struct OverLimit {
    /// The limit.
    pub limit: Limit,
    /// Its number.
    pub max: usize,
    /// Seconds to wait, also in `Retry-After`.
    pub wait_s: u64,
}

/// Returns what one subscriber has: an IPv4 address, or a /64 of IPv6.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// Returns the seconds after which a wait is over; at least one.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// The wait for a place: pages and connections come and go.
pub const PLACE_WAIT: Duration = Duration::from_secs(5);
/// Callers whose requests are counted: some megabytes at most.
pub const MAX_CALLERS: usize = 10_000;

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::config::Config;

    fn limits(config: LimitsConfig) -> (Limits, LimitCounters) {
        let counters = LimitCounters::default();
        (Limits::new(config, counters.clone(), Clock::start()), counters)
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn streams_are_limited_for_address_and_account() {
        let config = LimitsConfig { streams_per_address: 2, streams_per_account: 3, ..LimitsConfig::default() };
        let (limits, counters) = limits(config);
        let open = |from: &str, account: &str| limits.stream(address(from), Some(&user(account)));
        let mut held = vec![open("10.0.0.1", "ada").unwrap(), open("10.0.0.1", "ada").unwrap()];
        let refusal = open("10.0.0.1", "bob").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "too many streams from this address: at most 2 (limits.streams_per_address); close some of its pages, and \
             try again in 5 s"
        );
        held.push(open("10.0.0.2", "ada").unwrap());
        assert_eq!(open("10.0.0.3", "ada").unwrap_err().limit, Limit::StreamsPerAccount);
        // The refused one holds nothing: another account has both shares of the address.
        held.extend([open("10.0.0.3", "bob").unwrap(), open("10.0.0.3", "bob").unwrap()]);
        held.remove(0);
        assert!(open("10.0.0.1", "ada").is_ok(), "given back");
        let counted = Limit::ALL.map(|limit| counters.n_refused(limit.as_str()));
        assert_eq!(counted, [0, 0, 0, 1, 1]);
    }

    #[test]
    fn requests_are_limited_for_address_and_account() {
        let (limits, _) = limits(LimitsConfig { requests_per_second: 1, requests_burst: 3, ..LimitsConfig::default() });
        // More than passes while this test runs, whatever the machine.
        let n_passed = |ask: &dyn Fn() -> Result<(), OverLimit>| (0..100).take_while(|_| ask().is_ok()).count();
        let flood = || limits.request_of_address(address("2001:db8::1"));
        assert!((3..100).contains(&n_passed(&flood)));
        let refusal = (0..100).find_map(|_| limits.request_of_address(address("2001:db8::2")).err()).unwrap();
        assert_eq!((refusal.limit, refusal.max, refusal.wait_s), (Limit::RequestsPerAddress, 1, 1));
        assert!(limits.request_of_address(address("2001:db8:0:1::1")).is_ok(), "another network");
        assert!((3..100).contains(&n_passed(&|| limits.request_of_account(&user("ada")))));
        assert!(limits.request_of_account(&user("bob")).is_ok(), "another account");
    }

    #[test]
    fn other_numbers_end_nothing_and_hold_for_what_comes() {
        let with = |limits| Arc::new(Config { limits, ..Config::default() });
        let (few, many) = (2, 3);
        let of_streams = |n_streams| LimitsConfig {
            streams_per_address: n_streams,
            streams_per_account: n_streams,
            ..LimitsConfig::default()
        };
        let newest = watch::Sender::new(with(of_streams(many)));
        let limits = Limits::new(Live::new(newest.subscribe()), LimitCounters::default(), Clock::start());
        // One account from many addresses, and one address with many accounts.
        let of_account = |number: u8| limits.stream(IpAddr::from([10, 0, 0, number]), Some(&user("ada")));
        let of_address = |number: u8| limits.stream(address("10.1.0.1"), Some(&user(&format!("user{number}"))));
        let mut held: Vec<_> = (0..3).flat_map(|number| [of_account(number), of_address(number)]).collect();
        assert!(held.iter().all(Result::is_ok));
        newest.send_replace(with(of_streams(few)));
        held.drain(..2);
        assert_eq!(of_account(9).unwrap_err().max, few, "as many as there may be");
        assert_eq!(of_address(9).unwrap_err().max, few);
        newest.send_replace(with(of_streams(many)));
        assert!(of_account(9).is_ok() && of_address(9).is_ok());
        newest.send_replace(with(LimitsConfig {
            requests_per_second: 1,
            requests_burst: 3,
            ..LimitsConfig::default()
        }));
        let n_passed = |ask: &dyn Fn() -> Result<(), OverLimit>| (0..100).take_while(|_| ask().is_ok()).count();
        assert!((3..100).contains(&n_passed(&|| limits.request_of_address(address("10.0.0.1")))));
        assert!((3..100).contains(&n_passed(&|| limits.request_of_account(&user("ada")))));
    }

    #[test]
    fn waits_are_whole_seconds() {
        for (millis, expected) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (59_999, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), expected, "{millis} ms");
        }
    }

    #[test]
    fn an_ipv4_address_within_ipv6_is_that_address() {
        assert_eq!(subscriber(address("::ffff:10.0.0.1")), address("10.0.0.1"));
        assert_eq!(subscriber(address("2001:db8:1:2:3::4")), address("2001:db8:1:2::"));
    }
}
