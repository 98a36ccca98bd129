//! The venues' sessions under virtual time: hand-written frames, generated ones, and recordings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests may unwrap; clippy does not see that this whole file is one"
)]

mod binance_connections;
mod binance_data;
mod binance_interest;
mod captures;
mod coinbase_captures;
mod coinbase_connections;
mod coinbase_data;
#[path = "support/coinbase.rs"]
mod coinbase_support;
mod dead_subscriptions;
mod document;
mod finnhub;
mod hostile;
mod kraken_captures;
mod kraken_data;
#[path = "support/kraken.rs"]
mod kraken_support;
#[path = "support/node.rs"]
mod node;
#[path = "support/rest.rs"]
mod rest;
#[path = "support/size.rs"]
mod size;
mod snapshot_frames;
mod support;
mod uniswap;
mod uniswap_history;
