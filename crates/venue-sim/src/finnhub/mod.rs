//! Finnhub: trades over one WebSocket at `/?token=…` and REST under `/api/v1`, over any market. No books.
//!
//! - [`protocol`]: connections and trades · [`rest`]: requests · [`decode`]: recorded frames
//!
//! Source of shapes: <https://finnhub.io/docs/api/websocket-trades>, <https://finnhub.io/docs/api/quote>.

mod decode;
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

/// The venue's limits: 50 symbols and 60 requests a minute for free; no WebSocket pings, only its own.
pub(crate) fn limits() -> Limits {
    Limits {
        messages_per_s: Some(60),
        streams: 50,
        weight_per_min: Some(60),
        ping_every: Duration::from_secs(365 * 86_400),
        lifetime: None,
        ..Limits::default()
    }
}

/// The protocol without connections.
pub(crate) fn protocol() -> Box<dyn Protocol> {
    Box::<protocol::Finnhub>::default()
}

/// Reads the source.
pub(crate) fn market(config: &SimConfig) -> anyhow::Result<Box<dyn Market>> {
    let spelling = Spelling {
        symbol: |base, quote| format!("SIM:{base}-{quote}"),
        number: |value, _| fixed::shortest(value),
        ids_a_slot: 1,
    };
    let reader =
        Reader { read: decode::read, split: |symbol| source::split(symbol, '-'), is_padded: false, checksum: None };
    source::open(config, spelling, Some(&reader))
}

/// A frame of trades.
fn frame(entries: &str) -> String {
    format!(r#"{{"data":[{entries}],"type":"trade"}}"#)
}
