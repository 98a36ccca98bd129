//! What went wrong on a feed, counted. Nothing here decides; sessions count and pages show.

use serde::{Deserialize, Serialize};

/// Counters of one feed since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCounters {
    /// Text frames received.
    pub frames: u64,
    /// Frames that are no valid JSON, or lack or mistype a required field.
    pub malformed: u64,
    /// Well-formed frames of no known kind.
    pub unknown: u64,
    /// Trades.
    pub trades: u64,
    /// Best bid and ask updates.
    pub quotes: u64,
    /// Book snapshots and changes.
    pub books: u64,
    /// Other events (candles, day statistics).
    pub others: u64,
    /// Sequence gaps in books and trades.
    pub gaps: u64,
    /// Items seen before.
    pub duplicates: u64,
    /// Items that came after a later one.
    pub out_of_order: u64,
    /// Book snapshots needed after the first.
    pub resyncs: u64,
    /// Connections opened after the first.
    pub reconnects: u64,
}
