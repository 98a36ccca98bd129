//! The binary form: version byte, kind byte, body. Hand-written, so that the page carries little code for it.
//!
//! Layout in `docs/stream-protocol.md`. Integers are LEB128 varints, signed ones zigzag; a text is its length and
//! UTF-8; prices are written relative to the previous price, sizes at the scale of the previous size, times relative to
//! the previous time.

pub(crate) mod client;
pub(crate) mod reader;
pub(crate) mod server;
pub(crate) mod writer;

/// The first byte of each message.
pub(crate) const VERSION: u8 = 1;
