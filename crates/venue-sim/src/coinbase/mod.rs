//! Coinbase Advanced Trade: its WebSocket at `/` and REST under `/api/v3/brokerage/market`, over any market.
//!
//! - [`protocol`]: connections and subscriptions · [`rest`]: requests · [`channel`]: channels
//! - [`encode`]: events as text · [`products`]: names and aliases · [`decode`]: recorded frames
//!
//! Source of shapes: <https://docs.cdp.coinbase.com/advanced-trade/docs/ws-channels>.

mod channel;
mod decode;
mod encode;
mod products;
mod protocol;
mod rest;

use std::time::Duration;

use crate::{
    config::{Limits, SimConfig},
    fixed,
    made_up::Spelling,
    market::Market,
    recorded::Reader,
    source,
    venue::Protocol,
};

/// The venue's limits: 8 connections, 8 messages and 10 requests a second; no pings of its own, no maximum lifetime.
pub(crate) fn limits() -> Limits {
    Limits {
        messages_per_s: Some(8),
        connects_per_5_min: Some(8 * 300),
        weight_per_min: Some(600),
        ping_every: Duration::from_secs(365 * 86_400),
        lifetime: None,
        ..Limits::default()
    }
}

/// The protocol without connections.
pub(crate) fn protocol() -> Box<dyn Protocol> {
    Box::<protocol::Coinbase>::default()
}

/// Reads the source.
pub(crate) fn market(config: &SimConfig) -> anyhow::Result<Box<dyn Market>> {
    let spelling = Spelling {
        symbol: |base, quote| format!("{base}-{quote}"),
        number: |value, _| fixed::shortest(value),
        ids_a_slot: 1,
    };
    let reader =
        Reader { read: decode::read, split: |product| source::split(product, '-'), is_padded: false, checksum: None };
    source::open(config, spelling, Some(&reader))
}
