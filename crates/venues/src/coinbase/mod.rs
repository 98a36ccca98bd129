//! Coinbase Advanced Trade, public market data only: one WebSocket with one channel per message, REST for products and
//! history, no key. Includes the venue's limits, and how far we use each.
//!
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview> (limits:
//! `websocket-rate-limits`); recordings win if they differ. The older Exchange feed has another protocol: its frames
//! count as unknown here. Not here: accounts and orders, enforcing the limits ([`crate::kit`]).
//!
//! # Layout
//! - `protocol`: subscriptions and requests · `supply`: data under another name, and fresh snapshots at a limited rate
//! - `route`: the meaning of frames, and detection of missing ones · `answers`: REST answers · `book`: the book's rules
//! - `frame`: parsing of frames, and verified books as frames · `message`, `rest`: payloads · `scan`: the busiest
//!   frames, in their usual spelling

mod answers;
mod book;
mod catalogue;
mod frame;
mod message;
mod protocol;
mod rest;
mod route;
mod scan;
mod supply;

pub(crate) use protocol::Coinbase;

use std::time::Duration;

use crate::{
    kit::{pool::PoolRules, requests::RequestRules},
    registry::{Capabilities, VenueInfo},
};

/// The venue's capabilities.
const INFO: VenueInfo = VenueInfo {
    name: "coinbase",
    title: "Coinbase",
    default_ws_url: "wss://advanced-trade-ws.coinbase.com",
    default_rest_url: "https://api.coinbase.com",
    capabilities: Capabilities {
        websocket: true,
        rest: true,
        book: true,
        trades: true,
        candles: true,
        needs_token: false,
        history_needs_token: false,
        may_be_opened_from_browser: true,
        is_simulated: false,
    },
    token_header: "",
    rest_paths: &[
        "/api/v3/brokerage/market/product_book",
        "/api/v3/brokerage/market/products",
        "/api/v3/brokerage/market/products/*",
        "/api/v3/brokerage/market/products/*/candles",
        "/api/v3/brokerage/market/products/*/ticker",
    ],
    history: None,
};

/// The rules of connections to `ws_url`.
fn pool_rules(ws_url: &str) -> PoolRules {
    PoolRules {
        url: ws_url.trim_end_matches('/').to_owned(),
        symbols_per_connection: PRODUCTS_PER_CONNECTION,
        connects: CONNECTS,
        deadline: DATA_DEADLINE,
        // No maximum lifetime of a connection is documented or was observed.
        roll: None,
        refused_wait: CONNECT_REFUSED_WAIT,
        message_spacing: MESSAGE_SPACING,
        apart: CONNECTIONS_APART,
    }
}

/// The rules of REST requests.
const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: REQUESTS_PER_MINUTE,
    spacing: REQUEST_SPACING,
    in_flight: REQUESTS_IN_FLIGHT,
    timeout: REQUEST_TIMEOUT,
    history_queue: HISTORY_QUEUE,
    is_not_in_plan: None,
};

/// Products on one connection: a single missing frame costs the snapshots of all of them, up to 5 MB each.
const PRODUCTS_PER_CONNECTION: usize = 5;
/// Connections for single products that stay silent beside others.
const CONNECTIONS_APART: usize = 4;
/// Connection attempts in a second; the venue allows eight per address. With [`MESSAGE_SPACING`] the first messages of
/// several connections stay below eight a second too.
const CONNECTS: (usize, Duration) = (1, Duration::from_secs(1));
/// Time between two messages on one connection; the venue allows eight a second per address.
const MESSAGE_SPACING: Duration = Duration::from_millis(500);
/// After this long without any frame a connection is closed: heartbeats come every second.
const DATA_DEADLINE: Duration = Duration::from_secs(5);
/// Wait after the venue refused a handshake or closed with "too many requests".
const CONNECT_REFUSED_WAIT: Duration = Duration::from_secs(60);

/// Ten a second; every request counts as one.
const REQUESTS_PER_MINUTE: u32 = 600;
/// Half of ten a second.
const REQUEST_SPACING: Duration = Duration::from_millis(200);
/// Maximum concurrent requests.
const REQUESTS_IN_FLIGHT: usize = 4;
/// A request without an answer for this long counts as failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum waiting requests for history; further ones replace the oldest.
const HISTORY_QUEUE: usize = 256;
/// Attempts for one page of history.
const HISTORY_ATTEMPTS: u32 = 8;
/// Candles in one answer; the venue refuses more.
const BARS_PER_PAGE: usize = 350;
/// Pages per request for history.
const HISTORY_PAGES: usize = 3;

/// Timeout for a requested snapshot: it is a frame of up to 5 MB, behind those of other products.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(10);
/// While the first snapshots of a connection are on their way no other data may arrive; longer than this is silence.
const FIRST_SNAPSHOT_PATIENCE: Duration = Duration::from_secs(20);
/// After this many unanswered snapshot requests the connection is closed, if it has delivered one before.
const SNAPSHOTS_IN_VAIN: u32 = 2;
/// Longest wait between two requests for a snapshot that never comes.
const SNAPSHOT_WAIT_MAX: Duration = Duration::from_secs(300);
/// Rows kept on each side of a book; the longest recorded side has 27,236.
const BOOK_ROWS: usize = 200_000;
/// Time for which the ticker may have other best prices.
const DISAGREEMENT_TOLERANCE: Duration = Duration::from_secs(5);
/// And for how many consecutive tickers.
const DISAGREEMENTS_IN_A_ROW: u32 = 5;

/// Longest frame that is parsed, in bytes. The longest recorded frame has 5.1 MB.
const FRAME_BYTES: usize = 64 << 20;

/// Time between two polls of a product: less than the five seconds after which data counts as stale by default.
const POLL_SPACING: Duration = Duration::from_secs(4);
/// Levels a side requested in a poll: the page's book and its groups.
const POLLED_LEVELS: usize = 50;
/// Trades requested in a poll.
const POLLED_TRADES: usize = 100;
