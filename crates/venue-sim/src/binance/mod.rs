//! Binance spot: its WebSocket and REST addresses over a recording or over the made-up market.
//!
//! - [`ws`], [`rest`]: the protocol · [`market`]: what both markets can say · [`exchange_info`]: the list of symbols
//! - [`recorded`]: a market from recordings · [`note`], [`oracle`]: what its frames mean, and the true book they make
//! - [`demo`]: the made-up market under Binance's names · [`fixed`]: decimals as integers
//!
//! Source of shapes and limits: github binance/binance-spot-api-docs (web-socket-streams.md, rest-api.md).

mod demo;
mod exchange_info;
mod fixed;
mod market;
mod note;
mod oracle;
mod recorded;
mod rest;
mod ws;

use std::sync::Arc;

use axum::Router;

use crate::{
    config::{SimConfig, Source},
    recording::Recording,
    sim::Shared,
    venue::{Backend, Opened},
};

/// Fields whose loss or change of type no reader of depth, bookTicker, trade, aggTrade or kline events can overlook.
const REQUIRED_KEYS: &[&str] = &["U", "u", "b", "a", "p", "q", "k"];

/// Reads the source and makes its market.
pub(crate) fn open(config: &SimConfig) -> anyhow::Result<Opened> {
    Ok(match &config.source {
        Source::Demo { seed, start } => opened(demo::DemoFace::new(*seed, *start, &config.quote)),
        recorded => opened(recorded::RecordedMarket::new(&Recording::of(recorded)?, &config.steps)?),
    })
}

fn opened<M: Backend + market::Market + 'static>(market: M) -> Opened {
    let market = Arc::new(market);
    let backend = market.clone();
    Opened { backend, routes: Box::new(move |shared| routes(shared, market)) }
}

fn routes(shared: Arc<Shared>, market: Arc<dyn market::Market>) -> Router {
    ws::routes(shared.clone()).merge(rest::routes(shared, market))
}
