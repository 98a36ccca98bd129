//! The venue's figures, and how far we go with each.
//!
//! Source: <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-rate-limits>. Not here: how they
//! are kept ([`crate::budget`], [`crate::kit::pool`], [`crate::kit::requests`]).

use std::time::Duration;

use crate::kit::{pool::PoolRules, requests::RequestRules};

/// The rules of connections to `ws_url`.
pub(super) fn pool_rules(ws_url: &str) -> PoolRules {
    PoolRules {
        url: ws_url.trim_end_matches('/').to_owned(),
        symbols_per_connection: PRODUCTS_PER_CONNECTION,
        connects: CONNECTS,
        deadline: DATA_DEADLINE,
        // No lifetime of a connection is documented or was seen.
        roll: None,
        refused_wait: CONNECT_REFUSED_WAIT,
        message_spacing: MESSAGE_SPACING,
    }
}

/// The rules of REST requests.
pub(super) const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: REQUESTS_PER_MINUTE,
    spacing: REQUEST_SPACING,
    in_flight: REQUESTS_IN_FLIGHT,
    timeout: REQUEST_TIMEOUT,
    history_queue: HISTORY_QUEUE,
    is_forbidden_a_refusal: false,
};

/// Products on one connection: a single missing frame costs the snapshots of all of them, up to 5 MB each.
const PRODUCTS_PER_CONNECTION: usize = 5;
/// Connection attempts in a second; the venue allows eight an address. With [`MESSAGE_SPACING`] the first messages of
/// several connections stay below eight a second too.
const CONNECTS: (usize, Duration) = (1, Duration::from_secs(1));
/// Between two messages on one connection; the venue allows eight a second an address.
const MESSAGE_SPACING: Duration = Duration::from_millis(500);
/// After this long without any frame a connection is given up: heartbeats come every second.
const DATA_DEADLINE: Duration = Duration::from_secs(5);
/// Wait after the venue refused a handshake or closed with "too many requests".
const CONNECT_REFUSED_WAIT: Duration = Duration::from_secs(60);

/// Ten a second; every request weighs one.
const REQUESTS_PER_MINUTE: u32 = 600;
/// Half of ten a second.
const REQUEST_SPACING: Duration = Duration::from_millis(200);
/// Requests that may be out at once.
const REQUESTS_IN_FLIGHT: usize = 4;
/// A request without an answer for this long counts as failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Wishes for history that may wait; further ones replace the oldest.
const HISTORY_QUEUE: usize = 256;
/// Attempts for one page of history.
pub(super) const HISTORY_ATTEMPTS: u32 = 8;
/// Bars in one answer; the venue refuses more.
pub(super) const BARS_PER_PAGE: usize = 350;
/// Pages for one wish.
pub(super) const HISTORY_PAGES: usize = 3;

/// A snapshot asked for is waited for this long: one is a frame of up to 5 MB, behind those of other products.
pub(super) const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(10);
/// While the first snapshots of a connection are under way nothing else may come; longer than this it is silence.
pub(super) const FIRST_SNAPSHOT_PATIENCE: Duration = Duration::from_secs(20);
/// After so many snapshots asked for in vain the connection is given up, where it has brought one before.
pub(super) const SNAPSHOTS_IN_VAIN: u32 = 2;
/// Longest wait between two questions for a snapshot that never comes.
pub(super) const SNAPSHOT_WAIT_MAX: Duration = Duration::from_secs(300);
/// Rows kept on each side of a book; the longest recorded side has 27,236.
pub(super) const BOOK_ROWS: usize = 200_000;
/// A book may stand crossed for this long.
pub(super) const CROSSED_TOLERANCE: Duration = Duration::from_millis(500);
/// The ticker may name other best prices for this long.
pub(super) const DISAGREEMENT_TOLERANCE: Duration = Duration::from_secs(5);
/// And for so many tickers in a row.
pub(super) const DISAGREEMENTS_IN_A_ROW: u32 = 5;

/// Longest frame that is parsed, in bytes. The longest recorded one has 5.1 MB.
pub(super) const FRAME_BYTES: usize = 64 << 20;
/// Longest product name, in bytes.
pub(super) const SYMBOL_BYTES: usize = 64;
/// Products that recordings may name; further ones are left out.
pub(super) const SYMBOLS_FROM_FRAMES: usize = 4_096;

/// Between two polls of a product: less than the five seconds after which data counts as stale by default.
pub(super) const POLL_SPACING: Duration = Duration::from_secs(4);
/// Prints asked for in a poll.
pub(super) const POLLED_TRADES: usize = 100;
