//! Sans-I/O sessions of the trading venues: frames, answers and time in; frames, requests and events out.
//!
//! Not here: sockets, clocks, tasks (the native shell is `server/src/feed`, the browser's `app/src/live`), and state
//! derived from events (`market`). A new venue is one folder here and one line in [`registry`].
//!
//! # Layout
//! - [`session`]: the contract every venue fulfils · [`registry`]: the list of venues
//! - [`replay`]: drives a session from a recording · [`digest`]: a fingerprint of what it said and kept
//! - `kit`: what all venues share. `pool`, `connection`: connections · `requests`, `poll_schedule`: REST · `outputs`: outputs
//!   and health · `dedup`: ids · `number`, `strict_json`, `utc_time`: JSON read strictly · `resync_pacing`: no storms of
//!   snapshots · `liveness`: quiet or dead · `bars`: made of shorter ones or of prints
//! - [`backoff`]: waits between attempts · [`budget`]: weights, `Retry-After`, circuit breaker
//! - one folder a venue, the same file names in each

pub mod backoff;
pub mod binance;
pub mod budget;
pub mod coinbase;
pub mod demo;
pub mod digest;
pub mod error;
pub mod finnhub;
mod kit;
pub mod kraken;
pub mod registry;
pub mod replay;
pub mod session;
pub mod uniswap;
