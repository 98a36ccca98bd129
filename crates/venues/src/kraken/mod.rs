//! Kraken spot, public market data: WebSocket version 2, REST for history and as a fallback, no key. With the venue's
//! figures, and how far we go with each.
//!
//! Source: <https://docs.kraken.com/api/> (figures: `docs/guides/spot-ws-intro`, `spot-ws-book-v2`,
//! `spot-rest-ratelimits`; the venue publishes few of them); recordings win where they differ. The older version 1 of
//! the WebSocket is not spoken. Not here: accounts and orders, how figures are kept ([`crate::kit`]).
//!
//! # Layout
//! - `protocol`: what is subscribed and requested · `route`: subscriptions, and what frames mean · `answers`: what REST
//!   answers mean, and instruments
//! - `book`: the book procedure · `proof`: its checksum, and a witness against sides that do not change
//! - `frame`: what a frame holds, and a verified book as such frames · `message`, `rest`: payloads

mod answers;
mod book;
mod frame;
mod message;
mod proof;
mod protocol;
mod rest;
mod route;

pub(crate) use protocol::Kraken;

use std::time::Duration;

use crate::{
    kit::{pool::PoolRules, requests::RequestRules},
    registry::{Capabilities, VenueInfo},
};

/// What the venue can do.
const INFO: VenueInfo = VenueInfo {
    name: "kraken",
    title: "Kraken",
    // Public data only; accounts and orders have another host.
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
    rest_paths: &["/0/public/AssetPairs", "/0/public/OHLC", "/0/public/Ticker", "/0/public/Trades"],
    history: None,
};

/// The rules of connections to `ws_url`.
fn pool_rules(ws_url: &str) -> PoolRules {
    PoolRules {
        url: format!("{}/v2", ws_url.trim_end_matches('/')),
        symbols_per_connection: SYMBOLS_PER_CONNECTION,
        connects: (CONNECTS_PER_WINDOW, CONNECT_WINDOW),
        deadline: TRANSPORT_DEADLINE,
        // The venue names no lifetime.
        roll: None,
        refused_wait: CONNECT_REFUSED_WAIT,
        message_spacing: MESSAGE_SPACING,
    }
}

/// The rules of REST requests.
const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: REQUESTS_PER_MINUTE,
    spacing: REQUEST_SPACING,
    in_flight: REQUESTS_IN_FLIGHT,
    timeout: REQUEST_TIMEOUT,
    history_queue: HISTORY_QUEUE,
    is_forbidden_a_refusal: false,
};

/// Symbols on one connection; the venue names no limit.
const SYMBOLS_PER_CONNECTION: usize = 100;
/// Symbols in one message.
const SYMBOLS_PER_MESSAGE: usize = 50;
/// Between two messages on one connection. The venue's limit moves with its load.
const MESSAGE_SPACING: Duration = Duration::from_millis(250);
/// Connection attempts in [`CONNECT_WINDOW`]; about 150 from one address get it blocked.
const CONNECTS_PER_WINDOW: usize = 75;
/// Ten minutes.
const CONNECT_WINDOW: Duration = Duration::from_secs(600);
/// After this long without any frame a connection is given up: heartbeats come once a second, whatever else does.
const TRANSPORT_DEADLINE: Duration = Duration::from_secs(5);
/// Wait after the venue refused a handshake.
const CONNECT_REFUSED_WAIT: Duration = Duration::from_secs(60);
/// A refused subscription is asked for again after this long.
const REFUSED_RETRY: Duration = Duration::from_secs(60);

/// Requests an address may make in a minute: about one a second.
const REQUESTS_PER_MINUTE: u32 = 60;
/// Between two requests.
const REQUEST_SPACING: Duration = Duration::from_secs(1);
/// Requests that may be out at once.
const REQUESTS_IN_FLIGHT: usize = 2;
/// A request without an answer for this long counts as failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Requests for history that may wait; further ones replace the oldest.
const HISTORY_QUEUE: usize = 256;
/// Attempts for one request for history.
const HISTORY_ATTEMPTS: u32 = 8;
/// Between two polls of a symbol: less than the five seconds after which data counts as stale by default. With one
/// symbol that is the whole of our half of the budget; more of them share it and are older.
const POLL_SPACING: Duration = Duration::from_secs(4);

/// Rows a side that are subscribed, of 10, 25, 100, 500 or 1,000. Twenty are shown; the others keep them filled.
const BOOK_DEPTH: usize = 100;
/// A subscription of a book that has brought no snapshot for this long is made again.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(10);
/// A side may stand still for this long after a quote has named another best price.
const FROZEN_TOLERANCE: Duration = Duration::from_secs(5);
/// So many contradictions in [`FAILURES_WINDOW`] show that subscribing again does not help.
const FAILURES_TO_STOP: usize = 3;
/// A minute.
const FAILURES_WINDOW: Duration = Duration::from_secs(60);
/// An unverified book is subscribed again after this long.
const RECHECK_AFTER: Duration = Duration::from_secs(300);

/// Longest frame that is parsed, in bytes. The list of all symbols has less than one megabyte.
const FRAME_BYTES: usize = 16 << 20;
