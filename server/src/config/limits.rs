//! `[limits]`: what each caller may have and ask, and the time it has for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::whole::Whole;

/// Limits for each address, of which all of an IPv6 /64 is one, and for each account.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Open connections from an address; those of `server.trusted_proxies` are not counted.
    #[serde(with = "Whole::<1, 1_000_000>")]
    pub connections_per_address: usize,
    /// Open streams from an address: one a page.
    #[serde(with = "Whole::<1, 1_000_000>")]
    pub streams_per_address: usize,
    /// Open streams of an account, from whatever address.
    #[serde(with = "Whole::<1, 1_000_000>")]
    pub streams_per_account: usize,
    /// Requests a second, on average, from an address, and as many of an account.
    #[serde(with = "Whole::<1, 1_000_000>")]
    pub requests_per_second: u32,
    /// Requests at once, likewise.
    #[serde(with = "Whole::<1, 1_000_000>")]
    pub requests_burst: u32,
    /// Time for the head of a request, and for a TLS handshake.
    #[serde(rename = "header_timeout_ms", with = "Whole::<100, 600_000>")]
    pub header_timeout: Duration,
    /// Time for the body of a request.
    #[serde(rename = "body_timeout_ms", with = "Whole::<100, 600_000>")]
    pub body_timeout: Duration,
    /// Time from a request's head to the head of its answer.
    #[serde(rename = "answer_timeout_ms", with = "Whole::<100, 3_600_000>")]
    pub answer_timeout: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            // An office behind one address: dozens of people with a few pages each.
            connections_per_address: 512,
            streams_per_address: 256,
            streams_per_account: 256,
            // A page with its files takes some dozens at once, and few a second later; programs trade at a higher rate.
            requests_per_second: 500,
            requests_burst: 5_000,
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(60),
        }
    }
}
