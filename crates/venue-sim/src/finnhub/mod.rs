//! Finnhub: trades over one WebSocket at `/?token=…` and REST under `/api/v1`, from a recording or from the made-up market.
//! No books.
//!
//! - [`ws`], [`rest`]: the protocol · [`recorded`]: trades from recordings · [`demo`]: the made-up market as `SIM:BTC-SIM`
//!
//! Source of shapes: <https://finnhub.io/docs/api/websocket-trades>, <https://finnhub.io/docs/api/quote>.

mod demo;
mod recorded;
mod rest;
mod ws;

use std::{sync::Arc, time::Duration};

use axum::Router;

use crate::{
    bars::{Bar, BarQuery},
    config::{Limits, SimConfig, Source},
    made_up::MadeUp,
    recording::Recording,
    sim::Shared,
    venue::{Backend, Opened},
};

/// Fields whose loss or change of type no reader of trades can overlook.
const REQUIRED_KEYS: &[&str] = &["p", "s", "t", "v"];

/// What the venue allows: 50 symbols and 60 requests a minute for free; no pings of the protocol, only its own.
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

/// A market that this protocol can be spoken over. Symbols are the venue's own.
trait Feed: Backend {
    /// The last 24 hours; `None` where nothing is known of the symbol.
    fn day(&self, symbol: &str) -> Option<Day>;

    /// Bars in which something was traded, oldest first; the last one may still form.
    fn bars(&self, symbol: &str, query: &BarQuery) -> Vec<Bar>;
}

/// A symbol's last 24 hours.
struct Day {
    bar: Bar,
    /// When it was last traded, in milliseconds.
    last_ms: i64,
}

/// Reads the source and makes its market.
pub(crate) fn open(config: &SimConfig) -> anyhow::Result<Opened> {
    Ok(match &config.source {
        Source::Demo { seed, start } => opened(demo::DemoFeed::new(MadeUp::new(*seed, *start, &config.quote))),
        recorded => opened(recorded::RecordedFeed::new(&Recording::of(recorded)?)?),
    })
}

fn opened<F: Feed + 'static>(feed: F) -> Opened {
    let feed = Arc::new(feed);
    let backend = feed.clone();
    Opened { backend, routes: Box::new(move |shared| routes(shared, feed)) }
}

fn routes(shared: Arc<Shared>, feed: Arc<dyn Feed>) -> Router {
    ws::routes(shared.clone()).merge(rest::routes(shared, feed))
}

/// True where a client shows the key that is wanted, or any where none is.
fn is_key_good(config: &SimConfig, key: &str) -> bool {
    !key.is_empty() && config.key.as_ref().is_none_or(|wanted| *wanted == key)
}
