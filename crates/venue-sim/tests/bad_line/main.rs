//! A bad line between made-up venues and their sessions: no book that is wrong, no silence that goes unnoticed.
//!
//! - [`books`]: frames are lost, doubled, late, damaged · [`stalls`]: connections that are open and say nothing ·
//!   [`limits`]: a venue that is asked too much
//! - [`line`]: the line, the shell's part and the judge · [`seen`]: what was seen · [`ladder`]: the venues' own books ·
//!   [`venue`]: what a venue does, and one room for each
//!
//! The venues' books, Kraken's checksums and the comparison use neither our book nor our parsers. Sizes and what they are
//! worth: `docs/reliability.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may unwrap")]

mod binance;
mod books;
mod coinbase;
#[path = "../../../venues/tests/coinbase_support/mod.rs"]
mod coinbase_support;
mod kraken;
#[path = "../../../venues/tests/support/kraken.rs"]
mod kraken_support;
mod ladder;
mod limits;
mod line;
#[path = "../../../venues/tests/support/node.rs"]
mod node;
#[path = "../../../venues/tests/support/rest.rs"]
mod rest;
mod seen;
#[path = "../../../venues/tests/support/size.rs"]
mod size;
mod stalls;
#[path = "../../../venues/tests/support/mod.rs"]
mod support;
mod venue;
