//! Binance spot: its WebSocket and REST addresses, over any market.
//!
//! - [`protocol`]: connections and subscriptions · [`request`]: clients' messages · [`stream`]: kinds of streams
//! - [`rest`]: requests · [`exchange_info`]: the list of symbols · [`encode`]: events as JSON
//! - [`decode`]: recorded frames
//!
//! Source of shapes and limits: github binance/binance-spot-api-docs (web-socket-streams.md, rest-api.md).

mod decode;
mod encode;
mod exchange_info;
mod protocol;
mod request;
mod rest;
mod stream;

use crate::{config::SimConfig, fixed, made_up::Spelling, market::Market, recorded::Reader, source, venue::Protocol};

/// The increase of update ids in one slot of the simulated market.
const IDS_A_SLOT: u64 = 4;

/// The protocol without connections.
pub(crate) fn protocol() -> Box<dyn Protocol> {
    Box::<protocol::Binance>::default()
}

/// Reads the source.
pub(crate) fn market(config: &SimConfig) -> anyhow::Result<Box<dyn Market>> {
    let spelling = Spelling {
        symbol: |base, quote| format!("{base}{quote}"),
        number: |value, _| eight(value),
        ids_a_slot: IDS_A_SLOT,
    };
    let reader = Reader { read: decode::read, split: exchange_info::split, is_padded: false, checksum: None };
    source::open(config, spelling, Some(&reader))
}

/// Writes all eight decimals, as the venue does.
fn eight(value: i128) -> String {
    fixed::show(value, 8)
}
