//! Coinbase Advanced Trade: its WebSocket at `/` and REST under `/api/v3/brokerage/market`, over a recording or over the
//! made-up market.
//!
//! - [`ws`], [`rest`]: the protocol · [`channel`]: what can be subscribed to · [`encode`]: events as text
//! - [`products`]: names and aliases · [`recorded`]: a market from recordings · [`decode`]: what their frames mean
//! - [`demo`]: the made-up market
//!
//! Source of shapes: <https://docs.cdp.coinbase.com/advanced-trade/docs/ws-channels>.

mod channel;
mod decode;
mod demo;
mod encode;
mod products;
mod recorded;
mod rest;
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

/// Fields whose loss or change of type no reader of books and trades can overlook.
const REQUIRED_KEYS: &[&str] = &["type", "product_id", "updates", "trades", "tickers", "candles"];

/// What the venue allows: 8 connections, 8 messages and 10 requests a second; no pings of its own, no end of life.
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

/// A market that this protocol can be spoken over.
trait Feed: Backend + Market {
    /// The `events` of the snapshot of a stream for a new reader, where there is something to say; `has_others` where
    /// the stream has readers already.
    fn snapshot(&self, channel: channel::Channel, product: &str, has_others: bool) -> Option<String>;
}

/// Reads the source and makes its market.
pub(crate) fn open(config: &SimConfig) -> anyhow::Result<Opened> {
    Ok(match &config.source {
        Source::Demo { seed, start } => {
            let market = MadeUp::new(*seed, *start, &config.quote);
            opened(demo::DemoFeed::new(MadeUpPairs::new(market, '-', |value, _| fixed::shortest(value))))
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
fn shown_book(product: &str, ladder: &Ladder, depth: usize) -> Value {
    let (bids, asks) = ladder.top(depth);
    json!({
        "symbol": product,
        "n_bids": ladder.bids().len(),
        "n_asks": ladder.asks().len(),
        "bids": bids,
        "asks": asks,
    })
}
