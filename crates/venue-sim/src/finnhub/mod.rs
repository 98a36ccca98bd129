//! Finnhub: trades over one WebSocket at `/?token=…`, from a tape or from the made-up market. No books, no REST.
//!
//! - [`ws`]: the protocol · [`tape`]: trades from recordings · [`demo`]: the made-up market as `SIM:BTC-SIM`
//!
//! Source of shapes: <https://finnhub.io/docs/api/websocket-trades>.

mod demo;
mod tape;
mod ws;

use std::{sync::Arc, time::Duration};

use crate::{
    config::{Limits, SimConfig, Source},
    made_up::MadeUp,
    tape::Tape,
    venue::{Backend, Opened},
};

/// Fields whose loss or change of type no reader of trades can overlook.
const REQUIRED_KEYS: &[&str] = &["p", "s", "t", "v"];

/// What the venue allows: 50 symbols for free; no pings of the protocol, only its own.
pub(crate) fn limits() -> Limits {
    Limits {
        messages_per_s: Some(60),
        streams: 50,
        weight_per_min: None,
        ping_every: Duration::from_secs(365 * 86_400),
        lifetime: None,
        ..Limits::default()
    }
}

/// Reads the source and makes its market.
pub(crate) fn open(config: &SimConfig) -> anyhow::Result<Opened> {
    let backend: Arc<dyn Backend> = match &config.source {
        Source::Demo { seed, start } => Arc::new(demo::DemoFeed::new(MadeUp::new(*seed, *start, &config.quote))),
        recorded => Arc::new(tape::TapeFeed::new(&Tape::of(recorded)?)?),
    };
    Ok(Opened { backend, routes: Box::new(ws::routes) })
}
