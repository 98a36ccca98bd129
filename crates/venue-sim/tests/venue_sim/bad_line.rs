//! A bad line between simulated venues and their sessions: tests that no book is wrong and no silence unnoticed.
//!
//! - [`books`]: frames are lost, duplicated, late, damaged · [`stalls`]: connections that are open but silent ·
//!   [`limits`]: a venue that gets too many requests
//! - [`line`]: the line, the shell's part and the judge · [`seen`]: observations · [`simulated`]: the venue in this
//!   process
//! - [`ladder`]: the venues' own books · [`venue`]: the line's view of a venue, and one file for each
//!
//! The simulator encodes the frames, once for all tests of a protocol. The books, Kraken's checksums and the comparison
//! use neither the product's book nor its parsers. Sample sizes and what they prove: `docs/reliability.md`.

mod binance;
mod books;
mod coinbase;
mod kraken;
mod ladder;
mod limits;
mod line;
mod seen;
mod simulated;
mod stalls;
mod venue;

use crate::{size, support};
