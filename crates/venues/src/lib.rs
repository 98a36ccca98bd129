//! Sans-I/O sessions of the trading venues: frames, answers and time in; frames, requests and events out.
//!
//! Not here: sockets, clocks, tasks (the native shell is `server/src/feed`, the browser's `app/src/live`), and state
//! derived from events (`market`). A new venue is one folder here and one line in [`registry`].
//!
//! # Layout
//! - [`session`]: the contract of every venue · [`registry`]: the list of venues
//! - [`replay`]: drives a session from a recording
//! - [`catalogue`]: the list of a venue's instruments
//! - [`kit`]: the session that all venues share, and its parts
//! - [`budget`]: weights, `Retry-After`, circuit breaker, for sessions and for a server that forwards requests
//! - one folder a venue with its protocol, the same file names in each

mod binance;
pub mod budget;
pub mod catalogue;
mod coinbase;
pub mod demo;
pub mod error;
mod finnhub;
pub mod kit;
mod kraken;
pub mod registry;
pub mod replay;
pub mod session;
mod uniswap;
