//! Maximum sizes of the stream's messages. Decoding rejects larger messages; encoding never writes them. The limits of
//! payloads are in `topics::limits`.

/// Maximum client message, in bytes; checked before anything is parsed. Commands and subscriptions are far smaller.
pub const MAX_CLIENT_MESSAGE_BYTES: usize = 64 * 1024;
/// Maximum topics in one subscribe, unsubscribe or snapshot message.
pub const MAX_TOPICS_PER_MESSAGE: usize = 200;
/// Maximum topics in a hello's resume positions: all that one connection may have subscribed to.
pub const MAX_RESUME_TOPICS: usize = 512;
/// Maximum length of any other text, in bytes; longer text is cut when encoded.
pub const MAX_TEXT_BYTES: usize = 1024;
/// Maximum items in a batch.
pub const MAX_ITEMS: usize = 10_000;
