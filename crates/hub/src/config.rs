//! The hub's limits, with the reason for each default.

use std::time::Duration;

/// Limits of a hub. Everything it keeps is bounded by one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubConfig {
    /// Deltas kept for resuming, in bytes per stream. 128 KiB are several minutes of a quote and half a minute of a
    /// busy book.
    pub history_bytes: usize,
    /// Deltas kept for resuming, in number per stream. 1,000 are 100 s on the fastest lane.
    pub history_len: usize,
    /// Deltas kept for resuming, in bytes over all streams. 64 MiB leave a small server enough memory; above that,
    /// streams keep less.
    pub total_history_bytes: usize,
    /// A subscriber's queue, in bytes. 1 MiB holds the first snapshots of a page and about ten seconds of a stall.
    pub queue_bytes: usize,
    /// Bytes in a subscriber's queue above which it counts as behind, and its streams skip to snapshots. 16 KiB are a turn
    /// or two of a page, and two seconds at 8 kB/s.
    pub lag_bytes: usize,
    /// A subscriber's queue, in items. Below the limit of one batch message (10,000).
    pub queue_len: usize,
    /// Time for which a stream without subscribers is kept, so that they can return and resume. 60 s outlast a restart
    /// of a proxy and the longest back-off of a client (30 s).
    pub retain_idle: Duration,
    /// Maximum streams. 8,192 are 900 instruments on three channels and lanes; more is a mistake or an attack.
    pub max_streams: usize,
    /// Maximum streams per subscriber. 512 are all instruments of a large watchlist with book and chart.
    pub max_topics: usize,
    /// Maximum subscribers. The server's accept limit applies first; this one keeps a mistake there from using all
    /// memory.
    pub max_subscribers: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            history_bytes: 128 * 1024,
            history_len: 1_000,
            total_history_bytes: 64 * 1024 * 1024,
            queue_bytes: 1024 * 1024,
            lag_bytes: 16 * 1024,
            queue_len: 8_192,
            retain_idle: Duration::from_secs(60),
            max_streams: 8_192,
            max_topics: 512,
            max_subscribers: 20_000,
        }
    }
}
