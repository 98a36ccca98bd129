//! The simulator as its clients see it, over real sockets, and the venues' sessions against it in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests may unwrap; clippy does not see that this whole file is one"
)]

mod bad_line;
mod captures;
mod chaos;
mod coinbase;
mod common;
mod demo;
mod faults;
mod finnhub;
mod kraken;
mod kraken_faults;
mod recording;
#[path = "../../../venues/tests/venues/support/size.rs"]
mod size;
#[path = "../../../venues/tests/venues/support/mod.rs"]
mod support;
mod uniswap;
