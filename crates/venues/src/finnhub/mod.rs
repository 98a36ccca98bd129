//! Finnhub: trades of stocks, currencies and crypto pairs by WebSocket; quotes and candles by REST. Requires a token.
//! Includes the venue's limits, and how far we use each.
//!
//! Source: <https://finnhub.io/docs/api> (limits: `rate-limit`); recordings win if they differ. It has no book, no best
//! bid and ask, no ids and no sides. A token allows only one connection, and is part of the address, so a page never
//! opens it itself. Symbols are `EXCHANGE:PAIR` or a plain ticker. Not here: news, fundamentals, and features of paid
//! plans; enforcing the limits ([`crate::kit`]).
//!
//! # Layout
//! - `protocol`: subscriptions and requests · `route`: the meaning of frames · `answers`: REST answers
//! - `frame`: parsing of frames · `conditions`: which trades set a price · `rest`: payloads of REST · `ticks`: steps that
//!   the venue does not state

mod answers;
mod catalogue;
mod conditions;
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

/// The venue's capabilities.
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
        // The token is part of the address: the page would show it to everyone.
        may_be_opened_from_browser: false,
        is_simulated: false,
    },
    token_header: "X-Finnhub-Token",
    rest_paths: &["/api/v1/quote", "/api/v1/crypto/candle", "/api/v1/forex/candle", "/api/v1/stock/candle"],
    history: None,
};

/// The rules of connections to `ws_url`. One carries everything: a token allows only one.
fn pool_rules(ws_url: &str) -> PoolRules {
    PoolRules {
        url: format!("{}/?token={{token}}", ws_url.trim_end_matches('/')),
        symbols_per_connection: usize::MAX,
        connects: (10, Duration::from_secs(60)),
        // It sends `ping` about once a minute when nothing is traded.
        deadline: Duration::from_secs(90),
        roll: None,
        refused_wait: Duration::from_secs(60),
        message_spacing: Duration::from_millis(100),
        apart: 0,
    }
}

/// The rules of REST requests: 60 a minute on the free plan, half of which are used.
const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: 60,
    spacing: Duration::from_millis(250),
    in_flight: 2,
    timeout: Duration::from_secs(20),
    history_queue: 64,
    is_not_in_plan: Some(rest::is_not_in_plan),
};

/// Longest frame that is parsed, in bytes.
const FRAME_BYTES: usize = 4 << 20;
/// Time between two polls of a symbol's quote.
const POLL_SPACING: Duration = Duration::from_secs(10);
/// Attempts per request; polling and viewers of history repeat it by themselves.
const ATTEMPTS: u32 = 6;
