//! The venue's figures, and how far we go with each.
//!
//! Source: <https://finnhub.io/docs/api/rate-limit>. Not here: how they are kept ([`crate::kit::pool`], [`crate::kit::requests`]).

use std::time::Duration;

use crate::kit::{pool::PoolRules, requests::RequestRules};

/// The rules of connections to `ws_url`. One carries everything: a token may hold only one.
pub(super) fn pool_rules(ws_url: &str) -> PoolRules {
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
pub(super) const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: 60,
    spacing: Duration::from_millis(250),
    in_flight: 2,
    timeout: Duration::from_secs(20),
    history_queue: 64,
    is_forbidden_a_refusal: true,
};

/// Longest frame that is parsed, in bytes.
pub(super) const FRAME_BYTES: usize = 4 << 20;
/// Longest symbol, in bytes.
pub(super) const SYMBOL_BYTES: usize = 64;
/// Symbols that recordings may name; further ones are left out.
pub(super) const SYMBOLS_FROM_FRAMES: usize = 1_024;
/// Between two polls of a symbol's quote.
pub(super) const POLL_SPACING: Duration = Duration::from_secs(10);
