//! From fills to figures: the ledger of a paper account, what it is worth, what it may risk and how it has done.
//!
//! Everything is a function of its arguments: no clock, no I/O, no order of iteration that could differ. Money is exact;
//! `f64` occurs only in statistics. Not here: what fills an order (`broker`), the journal and its commands (`desk`),
//! time zones (the begin of a day is an argument).
//!
//! # Layout
//! - [`ledger`]: fills in; cash, positions and round trips out · [`position`] · [`round_trip`] · [`pair`]
//! - [`market`]: prices and terms · [`conversion`]: currencies by a route that can be shown
//! - [`valuation`]: what an account is worth
//! - [`claim`]: what an open order may still do · [`claims`]: all of an account, added up
//! - [`exposure`]: the worst case of positions and open orders · [`funds`]: locked funds and margin
//! - [`risk`]: the check of an order · [`limit_use`]: how much of each limit is used · [`sizing`]: fixed-risk size
//! - [`standing`]: day, peak and reduce-only · [`liquidation`]: when a margin account is closed
//! - [`statistics`]: returns, drawdowns, trades, each figure with its definition

pub mod claim;
pub mod claims;
pub mod conversion;
pub mod error;
pub mod exposure;
pub mod funds;
pub mod ledger;
pub mod limit_use;
pub mod liquidation;
pub mod market;
pub mod pair;
pub mod position;
pub mod risk;
pub mod round_trip;
pub mod sizing;
pub mod standing;
pub mod statistics;
pub mod valuation;

mod exact;
#[cfg(test)]
mod testing;
