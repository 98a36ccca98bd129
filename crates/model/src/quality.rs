//! Counts of a feed's faults. Nothing is decided here: sessions count and pages show.

use serde::{Deserialize, Serialize};

/// Counters of one feed since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCounters {
    /// Text frames received.
    pub frames: u64,
    /// Frames that are not valid JSON, or whose required fields are missing or of the wrong type.
    pub malformed: u64,
    /// Well-formed frames of an unknown kind.
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
    /// Items received before.
    pub duplicates: u64,
    /// Items that arrived after a later one.
    pub out_of_order: u64,
    /// Book snapshots needed after the first.
    pub resyncs: u64,
    /// Connections opened after the first.
    pub reconnects: u64,
}
