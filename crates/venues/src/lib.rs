//! Sans-I/O sessions of the trading venues: frames, answers and time in; frames, requests and events out.
//!
//! Not here: sockets, clocks, tasks (the native shell is `server/src/feed`, the browser's `app/src/live`), and state
//! derived from events (`market`). A new venue is one folder here and one line in [`registry`].
//!
//! # Layout
//! - [`session`]: the contract every venue fulfils · [`registry`]: the list of venues
//! - [`replay`]: drives a session from a recording · [`digest`]: a fingerprint of what it said and kept
//! - what all venues share: `pool`, `link`: connections · `requests`, `poll_rounds`: REST · `outbox`: outputs and health ·
//!   `seen`: ids · `number`, `object`, `utc_time`: JSON read strictly · `snapshot_pace`: no storms of snapshots · `liveness`: quiet or dead ·
//!   `bars`: made of shorter ones or of prints
//! - [`backoff`]: waits between attempts · [`budget`]: weights, `Retry-After`, circuit breaker
//! - one folder a venue, the same file names in each

pub mod backoff;
mod bars;
pub mod binance;
pub mod budget;
pub mod coinbase;
pub mod demo;
pub mod digest;
pub mod error;
pub mod finnhub;
pub mod kraken;
mod link;
mod liveness;
mod number;
mod object;
mod outbox;
mod poll_rounds;
mod pool;
pub mod registry;
pub mod replay;
mod requests;
mod seen;
pub mod session;
mod snapshot_pace;
pub mod uniswap;
mod utc_time;
