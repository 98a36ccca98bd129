//! Finnhub: prints of stocks, currencies and crypto pairs by WebSocket; quotes and bars by REST. Asks for a token. With
//! the venue's figures, and how far we go with each.
//!
//! Source: <https://finnhub.io/docs/api> (figures: `rate-limit`); recordings win where they differ. It has no book, no
//! best bid and ask, no ids and no sides. A token may hold one connection only, and stands in the address, so a page
//! never opens it itself. Symbols are `EXCHANGE:PAIR` or a plain ticker. Not here: news, fundamentals, and what paid
//! plans add; how figures are kept ([`crate::kit`]).
//!
//! # Layout
//! - `protocol`: what is subscribed and requested · `route`: what frames mean · `answers`: what REST answers mean
//! - `frame`: what a frame holds · `rest`: payloads of REST · `ticks`: steps that the venue does not state

mod answers;
mod frame;
mod protocol;
mod rest;
mod route;
mod ticks;

pub(crate) use protocol::Finnhub;

use std::time::Duration;

use crate::{
    kit::{pool::PoolRules, requests::RequestRules},
    registry::{Capabilities, VenueInfo},
};

/// What the venue can do.
const INFO: VenueInfo = VenueInfo {
    name: "finnhub",
    title: "Finnhub",
    default_ws_url: "wss://ws.finnhub.io",
    default_rest_url: "https://finnhub.io",
    capabilities: Capabilities {
        websocket: true,
        rest: true,
        book: false,
        trades: true,
        candles: true,
        needs_token: true,
        history_needs_token: false,
        // The token stands in the address: the page would show it to everyone who looks.
        may_be_opened_from_browser: false,
        is_simulated: false,
    },
    token_header: "X-Finnhub-Token",
    rest_paths: &["/api/v1/quote", "/api/v1/crypto/candle", "/api/v1/forex/candle", "/api/v1/stock/candle"],
    history: None,
};

/// The rules of connections to `ws_url`. One carries everything: a token may hold only one.
fn pool_rules(ws_url: &str) -> PoolRules {
    PoolRules {
        url: format!("{}/?token={{token}}", ws_url.trim_end_matches('/')),
        symbols_per_connection: usize::MAX,
        connects: (10, Duration::from_secs(60)),
        // It says `ping` about once a minute when nothing is traded.
        deadline: Duration::from_secs(90),
        roll: None,
        refused_wait: Duration::from_secs(60),
        message_spacing: Duration::from_millis(100),
    }
}

/// The rules of REST requests: 60 a minute on the free plan, of which half is used.
const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: 60,
    spacing: Duration::from_millis(250),
    in_flight: 2,
    timeout: Duration::from_secs(20),
    history_queue: 64,
    is_forbidden_a_refusal: true,
};

/// Longest frame that is parsed, in bytes.
const FRAME_BYTES: usize = 4 << 20;
/// Between two polls of a symbol's quote.
const POLL_SPACING: Duration = Duration::from_secs(10);
/// Attempts for one request; polling and whoever looks at history ask again by themselves.
const ATTEMPTS: u32 = 6;
