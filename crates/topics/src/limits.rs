//! How large a topic and its payload may be.

/// Longest topic text, in bytes.
pub const MAX_TOPIC_BYTES: usize = 200;
/// Most entries in a payload: trades in a tape, streams in a status.
pub const MAX_ENTRIES: usize = 10_000;
/// Most bars in a candles payload.
pub const MAX_BARS: usize = 1_000;
/// Most levels a side in a book payload.
pub const MAX_LEVELS: usize = 200;

/// Levels a side that a book topic shows; clients cut to it after each delta.
pub const BOOK_DEPTH: usize = 20;
/// Trades in a tape snapshot; clients keep the newest so many.
pub const TAPE_LENGTH: usize = 100;
/// Bars in a candles snapshot; clients keep the newest so many.
pub const CANDLES_LENGTH: usize = 500;
