//! How large a message of the stream may be. Decoding refuses what is larger; encoding never writes it. The limits of
//! payloads are in `topics::limits`.

/// Largest client message, in bytes; checked before anything is parsed. Commands and subscriptions are far smaller.
pub const MAX_CLIENT_MESSAGE_BYTES: usize = 64 * 1024;
/// Most topics in one subscribe, unsubscribe or snapshot message.
pub const MAX_TOPICS_PER_MESSAGE: usize = 200;
/// Most topics in a hello's resume positions: all that one connection may have subscribed to.
pub const MAX_RESUME_TOPICS: usize = 512;
/// Longest text of any other kind, in bytes; longer text is cut when encoded.
pub const MAX_TEXT_BYTES: usize = 1024;
/// Most items in a batch.
pub const MAX_ITEMS: usize = 10_000;
