//! Strategies: plain state machines that get events of one instrument and say what they intend.
//!
//! A strategy places nothing itself. The desk turns its intents into orders, which pass the checks of a person's. What a
//! strategy remembers is text that it can be restored from: a restart gives the identical state. Prices are quote per
//! base, quantities base units. Not here: orders and fills (`broker`), limits (`portfolio`), the journal (`desk`).
//!
//! # Layout
//! - [`contract`]: events, intents, and the trait · [`registry`]: the list of strategies
//! - [`detect`]: levels and windows that signals and alerts share · [`signals`]: rules that find signals in bars
//! - [`grid`]: buys and sells between lines · [`cross`]: follows the crossing of two moving averages
//! - [`follow`]: follows signals

pub mod contract;
pub mod cross;
pub mod detect;
pub mod follow;
pub mod grid;
mod holding;
pub mod registry;
pub mod signals;
