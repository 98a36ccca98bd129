//! The vocabulary of the workspace: prices, quantities, instruments, market events, order books and candles.
//!
//! Not here: parsing of any venue's frames (`venues`), messages on the browser socket (`wire`), and anything that reads
//! a clock or a socket. Every function takes time as an argument.
//!
//! # Layout
//! - [`decimal`]: exact decimal newtypes · [`time`]: instants on two clocks
//! - [`instrument`]: venues, symbols, tick and lot sizes · [`event`]: market events
//! - [`book`]: the order book · [`proof`]: how far a book can be trusted · [`quality`]: counts of faults
//! - [`candle`]: open, high, low, close, volume · [`queue`]: bounded queues between producers and fragments
//! - [`desk_feed`]: the updates of an instrument that the trading desk receives
//! - [`histogram`]: quantiles of durations in bounded memory · [`sorted`]: small ordered maps and sets
//! - [`trading`]: orders, fills, accounts and the journal of the paper-trading desk
//! - [`access`]: users and roles · [`alert`]: signals and alerts · [`status`]: the state of a feed · [`recording`]: the recording format
//!
//! # Example
//! A book changes, and its best rows form a quote; money never passes through floating point:
//!
//! ```
//! use model::{
//!     book::OrderBook,
//!     decimal::{Price, Quantity},
//!     event::Level,
//! };
//!
//! let level = |price: &str, quantity: &str| -> Result<Level, model::error::ModelError> {
//!     Ok(Level { price: Price::parse(price)?, quantity: Quantity::parse(quantity)? })
//! };
//! let mut book = OrderBook::new();
//! book.apply_snapshot(&[level("61602.01", "1.67177")?], &[level("61602.02", "2.66795")?]);
//! book.apply_delta(&[level("61602.015", "0.5")?], &[]);
//!
//! let bid = book.quote().bid.expect("the side has a level");
//! assert_eq!(bid.price.to_string(), "61602.015");
//! assert_eq!(bid.price.checked_mul(bid.quantity).map(|cost| cost.to_string()), Some("30801.0075".into()));
//! assert!(!book.is_crossed());
//! # Ok::<(), model::error::ModelError>(())
//! ```

pub mod access;
pub mod alert;
pub mod book;
pub mod candle;
pub mod decimal;
pub mod desk_feed;
pub mod error;
pub mod event;
pub mod histogram;
pub mod instrument;
pub mod proof;
pub mod quality;
pub mod queue;
pub mod recording_entry;
#[cfg(feature = "schema")]
mod schema;
pub mod sorted;
pub mod status;
pub mod time;
pub mod trading;
