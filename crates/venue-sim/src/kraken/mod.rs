//! Kraken: WebSocket v2 at `/v2` and REST under `/0/public`, over a recording or over the made-up market.
//!
//! - [`ws`], [`rest`]: the protocol · [`channel`]: what can be subscribed to · [`pairs`]: names of pairs
//! - [`encode`]: frames as text · [`checksum`]: the book's CRC32 · [`views`]: what readers of a depth know
//! - [`recorded`]: a market from recordings · [`decode`]: what their frames mean · [`demo`]: the made-up market
//!
//! Source of shapes: <https://docs.kraken.com/api/docs/websocket-v2/book> and its neighbours.

mod channel;
mod checksum;
mod decode;
mod demo;
mod encode;
mod pairs;
mod recorded;
mod rest;
mod views;
mod ws;

use std::{sync::Arc, time::Duration};

use axum::Router;
use serde_json::{Value, json};

use crate::{
    config::{Limits, SimConfig, Source},
    fixed,
    ladder::Ladder,
    made_up::MadeUp,
    market::{MadeUpPairs, Market},
    recording::Recording,
    sim::Shared,
    venue::{Backend, Opened},
};

/// Fields whose loss or change of type no reader of books, trades, tickers and bars can overlook.
const REQUIRED_KEYS: &[&str] = &["symbol", "bids", "asks", "checksum", "price", "qty", "last", "open", "close"];

/// What the venue allows: no published figures, so generous ones; no pings of its own and no end of life.
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

/// A market that this protocol can be spoken over.
trait Feed: Backend + Market {
    /// The snapshot of a stream for a new reader, where there is something to say; `has_others` where the stream has
    /// readers already.
    fn snapshot(&self, channel: channel::Channel, symbol: &str, has_others: bool) -> Option<String>;
}

/// Reads the source and makes its market.
pub(crate) fn open(config: &SimConfig) -> anyhow::Result<Opened> {
    Ok(match &config.source {
        Source::Demo { seed, start } => {
            let market = MadeUp::new(*seed, *start, &config.quote);
            opened(demo::DemoFeed::new(MadeUpPairs::new(market, '/', fixed::show)))
        }
        recorded => opened(recorded::RecordedFeed::new(Recording::of(recorded)?, &config.steps)?),
    })
}

fn opened<F: Feed + 'static>(feed: F) -> Opened {
    let feed = Arc::new(feed);
    let backend = feed.clone();
    Opened { backend, routes: Box::new(move |shared| routes(shared, feed)) }
}

fn routes(shared: Arc<Shared>, feed: Arc<dyn Feed>) -> Router {
    ws::routes(shared.clone(), feed.clone()).merge(rest::routes(shared, feed))
}

/// A book as the control endpoint shows it.
fn shown_book(symbol: &str, ladder: &Ladder, depth: usize, n_bad_checksums: u64) -> Value {
    let (bids, asks) = ladder.top(depth);
    json!({
        "symbol": symbol,
        "n_bids": ladder.bids().len(),
        "n_asks": ladder.asks().len(),
        "n_bad_checksums": n_bad_checksums,
        "checksum": checksum::checksum(ladder),
        "bids": bids,
        "asks": asks,
    })
}
