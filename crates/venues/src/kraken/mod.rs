//! Kraken spot, public market data: WebSocket version 2, REST for history and as a fallback, no key. Includes the
//! venue's limits, and how far we use each.
//!
//! Source: <https://docs.kraken.com/api/> (limits: `docs/guides/spot-ws-intro`, `spot-ws-book-v2`,
//! `spot-rest-ratelimits`; the venue publishes few of them); recordings win if they differ. The older version 1 of the
//! WebSocket is not supported. Not here: accounts and orders, enforcing the limits ([`crate::kit`]).
//!
//! # Layout
//! - `protocol`: subscriptions and requests · `route`: subscription messages, and the meaning of frames · `answers`:
//!   REST answers, and instruments
//! - `book`: the book procedure · `proof`: its checksum, and a check against sides that do not change
//! - `frame`: parsing of frames, and a verified book as frames · `message`, `rest`: payloads · `scan`: the busiest
//!   payloads, in their usual spelling

mod answers;
mod book;
mod catalogue;
mod frame;
mod message;
mod proof;
mod protocol;
mod rest;
mod route;
mod scan;

pub(crate) use protocol::Kraken;

use std::time::Duration;

use crate::{
    kit::{pool::PoolRules, requests::RequestRules},
    registry::{Capabilities, VenueInfo},
};

/// The venue's capabilities.
const INFO: VenueInfo = VenueInfo {
    name: "kraken",
    title: "Kraken",
    // Public data only; accounts and orders use another host.
    default_ws_url: "wss://ws.kraken.com",
    default_rest_url: "https://api.kraken.com",
    capabilities: Capabilities {
        websocket: true,
        rest: true,
        book: true,
        trades: true,
        candles: true,
        needs_token: false,
        history_needs_token: false,
        // WebSocket only; its REST lacks the headers that pages need.
        may_be_opened_from_browser: true,
        is_simulated: false,
    },
    token_header: "",
    rest_paths: &["/0/public/AssetPairs", "/0/public/Depth", "/0/public/OHLC", "/0/public/Trades"],
    history: None,
};

/// The rules of connections to `ws_url`.
fn pool_rules(ws_url: &str) -> PoolRules {
    PoolRules {
        url: format!("{}/v2", ws_url.trim_end_matches('/')),
        symbols_per_connection: SYMBOLS_PER_CONNECTION,
        connects: (CONNECTS_PER_WINDOW, CONNECT_WINDOW),
        deadline: TRANSPORT_DEADLINE,
        // The venue states no maximum lifetime.
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

/// Symbols on one connection; the venue states no limit.
const SYMBOLS_PER_CONNECTION: usize = 100;
/// Symbols in one message.
const SYMBOLS_PER_MESSAGE: usize = 50;
/// Time between two messages on one connection. The venue's limit varies with its load.
const MESSAGE_SPACING: Duration = Duration::from_millis(250);
/// Connections for single symbols that stay silent beside others.
const CONNECTIONS_APART: usize = 4;
/// Connection attempts in [`CONNECT_WINDOW`]; about 150 from one address get it blocked.
const CONNECTS_PER_WINDOW: usize = 75;
/// Ten minutes.
const CONNECT_WINDOW: Duration = Duration::from_secs(600);
/// After this long without any frame a connection is closed: heartbeats come once a second in any case.
const TRANSPORT_DEADLINE: Duration = Duration::from_secs(5);
/// Wait after the venue refused a handshake.
const CONNECT_REFUSED_WAIT: Duration = Duration::from_secs(60);
/// Wait before a refused subscription is requested again.
const REFUSED_RETRY: Duration = Duration::from_secs(60);

/// Requests per minute and address: about one a second.
const REQUESTS_PER_MINUTE: u32 = 60;
/// Time between two requests.
const REQUEST_SPACING: Duration = Duration::from_secs(1);
/// Maximum concurrent requests.
const REQUESTS_IN_FLIGHT: usize = 2;
/// A request without an answer for this long counts as failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum waiting requests for history; further ones replace the oldest.
const HISTORY_QUEUE: usize = 256;
/// Attempts for one request for history.
const HISTORY_ATTEMPTS: u32 = 8;
/// Time between two polls of a symbol: less than the five seconds after which data counts as stale by default. One
/// symbol alone uses our whole half of the budget; more of them share it and are older.
const POLL_SPACING: Duration = Duration::from_secs(4);

/// Levels a side requested in a poll; as in subscriptions, the page's rows and what its groups need.
const POLLED_LEVELS: usize = 50;
/// Subscribed rows a side, one of 10, 25, 100, 500 or 1,000. Twenty are shown; the others keep them filled.
const BOOK_DEPTH: usize = 100;
/// A book subscription without a snapshot for this long is repeated.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(10);
/// Time for which a side may stay unchanged after a quote with another best price.
const FROZEN_TOLERANCE: Duration = Duration::from_secs(5);
/// This many contradictions in [`FAILURES_WINDOW`] show that subscribing again does not help.
const FAILURES_TO_STOP: usize = 3;
/// A minute.
const FAILURES_WINDOW: Duration = Duration::from_secs(60);
/// An unverified book is subscribed again after this long.
const RECHECK_AFTER: Duration = Duration::from_secs(300);

/// Longest frame that is parsed, in bytes. The list of all symbols has less than one megabyte.
const FRAME_BYTES: usize = 16 << 20;
