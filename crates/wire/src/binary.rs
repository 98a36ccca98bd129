//! The binary form: version byte, kind byte, body. Hand-written, so that the page carries little code for it.
//!
//! Layout in `docs/stream-protocol.md`. Integers are LEB128 varints, signed ones zigzag; a text is its length and UTF-8;
//! prices are written relative to the price before them, sizes at the scale of the size before them, times relative to
//! the time before them.

pub(crate) mod client;
pub(crate) mod data;
pub(crate) mod quality;
pub(crate) mod reader;
pub(crate) mod server;
pub(crate) mod writer;

/// The first byte of each message.
pub(crate) const VERSION: u8 = 1;

/// Position of a value in a table of all values; the number of an enum value on the wire.
pub(crate) fn code_of<T: PartialEq>(table: &[T], value: &T) -> u8 {
    table.iter().position(|known| known == value).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
}
