//! Binance spot, public market data: one combined WebSocket, REST for snapshots and history, no key. Includes the
//! venue's limits, and how far we use each.
//!
//! Source: <https://github.com/binance/binance-spot-api-docs> (limits: `web-socket-streams.md`, `rest-api.md`);
//! recordings win if they differ. Binance.US is another venue of the same shape (other addresses). Not here: accounts
//! and orders, enforcing the limits ([`crate::kit`]).
//!
//! # Layout
//! - `protocol`: subscriptions and requests · `route`: the meaning of frames · `answers`: REST answers, and books and
//!   candles as such answers
//! - `book`: the local book procedure · `quote_check`: its cross-check
//! - `frame`: parsing of frames · `message`, `rest`: payloads · `scan`: the busiest payloads, in their usual
//!   spelling

mod answers;
mod book;
mod catalogue;
mod frame;
mod message;
mod protocol;
mod quote_check;
mod rest;
mod route;
mod scan;

pub(crate) use protocol::Binance;

use std::time::Duration;

use crate::{
    kit::{pool::PoolRules, requests::RequestRules},
    registry::{Capabilities, VenueInfo},
};

/// The venue's capabilities.
const INFO: VenueInfo = VenueInfo {
    name: "binance",
    title: "Binance",
    // The mirror with market data only.
    default_ws_url: "wss://data-stream.binance.vision",
    default_rest_url: "https://data-api.binance.vision",
    capabilities: Capabilities {
        websocket: true,
        rest: true,
        book: true,
        trades: true,
        candles: true,
        needs_token: false,
        history_needs_token: false,
        // WebSocket only; its REST often lacks the headers that pages need.
        may_be_opened_from_browser: true,
        is_simulated: false,
    },
    token_header: "",
    rest_paths: &[
        "/api/v3/aggTrades",
        "/api/v3/depth",
        "/api/v3/exchangeInfo",
        "/api/v3/klines",
        "/api/v3/ticker/24hr",
        "/api/v3/trades",
    ],
    history: None,
};

/// The rules of connections to `ws_url`.
fn pool_rules(ws_url: &str) -> PoolRules {
    PoolRules {
        url: format!("{}/stream", ws_url.trim_end_matches('/')),
        symbols_per_connection: STREAMS_PER_CONNECTION / STREAMS_PER_SYMBOL,
        connects: (CONNECTS_PER_WINDOW, CONNECT_WINDOW),
        deadline: DATA_DEADLINE,
        roll: Some((ROLL_AFTER, ROLL_JITTER)),
        refused_wait: CONNECT_REFUSED_WAIT,
        message_spacing: MESSAGE_SPACING,
        apart: CONNECTIONS_APART,
    }
}

/// The rules of REST requests.
const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: WEIGHT_PER_MINUTE,
    spacing: Duration::ZERO,
    in_flight: REQUESTS_IN_FLIGHT,
    timeout: REQUEST_TIMEOUT,
    history_queue: HISTORY_QUEUE,
    is_not_in_plan: None,
};

/// Streams followed for each symbol; see [`protocol`].
const STREAMS_PER_SYMBOL: usize = 4;
/// Streams on one connection; the venue allows 1,024.
const STREAMS_PER_CONNECTION: usize = 1_000;
/// Streams in one SUBSCRIBE message.
const STREAMS_PER_MESSAGE: usize = 200;
/// Time between two messages on one connection. The venue allows five a second, including pongs, and counts in a bucket
/// that allows bursts only at first.
const MESSAGE_SPACING: Duration = Duration::from_millis(300);
/// Connections for single symbols that stay silent beside others.
const CONNECTIONS_APART: usize = 4;
/// Connection attempts in [`CONNECT_WINDOW`]; the venue allows 300 per address.
const CONNECTS_PER_WINDOW: usize = 100;
/// Five minutes.
const CONNECT_WINDOW: Duration = Duration::from_secs(300);
/// A connection is replaced at this age; the venue cuts it at 24 hours.
const ROLL_AFTER: Duration = Duration::from_secs(22 * 3_600 + 45 * 60);
/// Spread of the replacement, so that many feeds do not roll over together: 22:45 to 23:15 hours.
const ROLL_JITTER: Duration = Duration::from_secs(30 * 60);
/// After this long without a data frame a connection is closed. The venue pings every 20 seconds, but pings prove
/// nothing.
const DATA_DEADLINE: Duration = Duration::from_secs(30);
/// Wait after the venue refused a handshake or closed with "too many requests".
const CONNECT_REFUSED_WAIT: Duration = Duration::from_secs(60);

/// Weight per minute and address; `exchangeInfo` gives the current limit.
const WEIGHT_PER_MINUTE: u32 = 6_000;
/// The lowest limit that is accepted from the venue: below it no request would be possible.
const LEAST_WEIGHT_PER_MINUTE: u32 = 600;
/// Maximum concurrent requests.
const REQUESTS_IN_FLIGHT: usize = 4;
/// A request without an answer for this long counts as failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Symbols in one `exchangeInfo` request: the address stays short.
const SYMBOLS_PER_REQUEST: usize = 100;
/// Maximum waiting requests for history; further ones replace the oldest.
const HISTORY_QUEUE: usize = 256;
/// Attempts for one request for history.
const HISTORY_ATTEMPTS: u32 = 8;

/// Changes between two checks whether the price has left the reach of the last snapshot.
const REACH_CHECK: u64 = 64;
/// Changes kept while a snapshot is fetched: more than three minutes at ten a second.
const BUFFERED_DIFFS: usize = 2_000;
/// Levels in those changes; a busy symbol sends about 300 a second.
const BUFFERED_LEVELS: usize = 200_000;
/// Best bids and asks kept for the comparison with the book; a busy symbol sends about 60 between two changes of its
/// book.
const KEPT_QUOTES: usize = 1_024;
/// Rows kept on each side of a book; the venue's own recordings show about 3,000 after ten minutes.
const BOOK_ROWS: usize = 50_000;
/// This many consecutive old changes without a new one contradict the book's position.
const OLD_IN_A_ROW: u32 = 500;

/// Longest frame that is parsed, in bytes. The longest recorded frame has 35 kB.
const FRAME_BYTES: usize = 16 << 20;

/// Time between two polls of a symbol: less than the five seconds after which data counts as stale by default.
const POLL_SPACING: Duration = Duration::from_secs(4);
/// Levels a side requested in a poll (weight 5).
const POLLED_LEVELS: u32 = 100;
/// Up to this many symbols, polling requests single trades (weight 25), above that aggregated ones (weight 4).
const SYMBOLS_POLLED_IN_FULL: usize = 5;
