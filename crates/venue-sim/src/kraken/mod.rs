//! Kraken: WebSocket v2 at `/v2` and REST under `/0/public`, over any market.
//!
//! - [`protocol`]: connections and subscriptions · [`rest`]: requests · [`channel`]: channels
//! - [`encode`]: frames as text · [`checksum`]: the book's CRC32 · [`pairs`]: names of pairs
//! - [`decode`]: recorded frames
//!
//! Source of shapes: <https://docs.kraken.com/api/docs/websocket-v2/book> and its neighbours.

mod channel;
mod checksum;
mod decode;
mod encode;
mod pairs;
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

/// The venue's limits: none are published, so these are generous; no pings of its own and no maximum lifetime.
pub(crate) fn limits() -> Limits {
    Limits {
        messages_per_s: Some(50),
        connects_per_5_min: Some(75),
        weight_per_min: Some(120),
        ping_every: Duration::from_secs(365 * 86_400),
        lifetime: None,
        ..Limits::default()
    }
}

/// The protocol without connections.
pub(crate) fn protocol() -> Box<dyn Protocol> {
    Box::<protocol::Kraken>::default()
}

/// Reads the source.
pub(crate) fn market(config: &SimConfig) -> anyhow::Result<Box<dyn Market>> {
    let spelling = Spelling { symbol: |base, quote| format!("{base}/{quote}"), number: fixed::show, ids_a_slot: 1 };
    let reader = Reader {
        read: decode::read,
        split: |symbol| source::split(symbol, '/'),
        is_padded: true,
        checksum: Some(checksum::checksum),
    };
    source::open(config, spelling, Some(&reader))
}
