//! Maximum sizes of a topic and its payload.

/// Maximum topic text, in bytes.
pub const MAX_TOPIC_BYTES: usize = 200;
/// Maximum entries in a payload: trades in a tape, streams in a status.
pub const MAX_ENTRIES: usize = 10_000;
/// Maximum candles in a candles payload.
pub const MAX_BARS: usize = 1_000;
/// Maximum levels a side in a book payload.
pub const MAX_LEVELS: usize = 200;

/// Levels a side shown by a book topic; clients cut to this number after each delta.
pub const BOOK_DEPTH: usize = 20;
/// Groups a side shown by a ladder topic; clients cut to this number after each delta.
pub const LADDER_DEPTH: usize = 50;
/// Sizes of a ladder's groups, in ticks.
pub const GROUP_TICKS: [u32; 14] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000];
/// Trades in a tape snapshot; clients keep this many of the newest.
pub const TAPE_LENGTH: usize = 100;
/// Candles in a candles snapshot; clients keep this many of the newest.
pub const CANDLES_LENGTH: usize = 500;
/// Entries in a snapshot of an account's fills or events; clients keep this many of the newest.
pub const DESK_LOG_LENGTH: usize = 100;
/// Outputs of an indicator.
pub const MAX_OUTPUTS: usize = 8;
