//! How much the hub may hold, with the reason for each default.

use std::time::Duration;

/// Bounds of a hub. Everything it keeps is bounded by one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubConfig {
    /// Deltas kept for resuming, in bytes a stream. 128 KiB are some minutes of a quote and half a minute of a busy book.
    pub history_bytes: usize,
    /// Deltas kept for resuming, in number a stream. 1,000 are 100 s on the fastest lane.
    pub history_len: usize,
    /// Deltas kept for resuming, in bytes over all streams. 64 MiB leave a small server its memory; past it streams
    /// keep less.
    pub total_history_bytes: usize,
    /// A subscriber's queue, in bytes. 1 MiB holds the first snapshots of a page and some ten seconds of a stall.
    pub queue_bytes: usize,
    /// A subscriber's queue, in items. Below what one batch message may carry (10,000).
    pub queue_len: usize,
    /// How long a stream without subscribers goes on, so that they can come back and resume. 60 s outlast a restart of
    /// a proxy and the longest back-off of a client (30 s).
    pub retain_idle: Duration,
    /// Streams at once. 8,192 are 900 instruments on three channels and lanes; more is a mistake or an attack.
    pub max_streams: usize,
    /// Streams a subscriber may follow. 512 are all instruments of a large watchlist with book and chart.
    pub max_topics: usize,
    /// Subscribers at once. The server's accept limit comes first; this one keeps a mistake there from taking all memory.
    pub max_subscribers: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            history_bytes: 128 * 1024,
            history_len: 1_000,
            total_history_bytes: 64 * 1024 * 1024,
            queue_bytes: 1024 * 1024,
            queue_len: 8_192,
            retain_idle: Duration::from_secs(60),
            max_streams: 8_192,
            max_topics: 512,
            max_subscribers: 20_000,
        }
    }
}
