//! How large anything on the stream may be. Decoding refuses what is larger; encoding never writes it.

/// Largest client message, in bytes; checked before anything is parsed. Commands and subscriptions are far smaller.
pub const MAX_CLIENT_MESSAGE_BYTES: usize = 64 * 1024;
/// Most topics in one subscribe, unsubscribe or snapshot message.
pub const MAX_TOPICS_PER_MESSAGE: usize = 200;
/// Most topics in a hello's resume positions: all that one connection may have subscribed to.
pub const MAX_RESUME_TOPICS: usize = 512;
/// Longest topic text, in bytes.
pub const MAX_TOPIC_BYTES: usize = 200;
/// Longest text of any other kind, in bytes; longer text is cut when encoded.
pub const MAX_TEXT_BYTES: usize = 1024;
/// Most items in a batch, trades in a tape and entries in a status.
pub const MAX_ITEMS: usize = 10_000;
/// Most bars in a candles item.
pub const MAX_BARS: usize = 1_000;
/// Most levels a side in a book item.
pub const MAX_LEVELS: usize = 200;

/// Levels a side that a book topic shows; clients cut to it after each delta.
pub const BOOK_DEPTH: usize = 20;
/// Trades in a tape snapshot; clients keep the newest so many.
pub const TAPE_LENGTH: usize = 100;
/// Bars in a candles snapshot; clients keep the newest so many.
pub const CANDLES_LENGTH: usize = 500;
