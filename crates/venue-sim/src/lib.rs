//! A simulated venue on this machine: plays recordings or a simulated market over the venue's real protocol, with
//! optional faults.
//!
//! Not here: anything that runs in production. Tests of other crates start it in-process with [`sim::Sim::start`]; the
//! program `venue-sim` does the same from the command line. It listens on loopback only.
//!
//! # Choosing the source
//! A [`SimConfig`] names a venue (`binance`, `coinbase`, `finnhub`, `kraken`, `uniswap`) and a [`Source`]: recordings
//! in files or text, or the simulated market of a seed. One [`sim::Sim`] is one venue on one port; several can run in
//! one process, and with the same [`SimConfig::quote`] they list the same pairs. On the command line:
//!
//! ```text
//! venue-sim --venue kraken --recording btcusd.jsonl.gz --speed 10
//! venue-sim --venue binance --demo --quote USD --and --venue kraken --demo --quote USD --and --venue coinbase --demo --quote USD
//! venue-sim chaos --upstream ws://127.0.0.1:4711 --seed 7 --fault drop:rate=0.01 --fault cut:every=5000
//! ```
//!
//! | venue | WebSocket | symbols of the simulated market | books |
//! |---|---|---|---|
//! | `binance` | `/ws/…`, `/stream?streams=…` | `BTCSIM` | by update id |
//! | `coinbase` | `/` | `BTC-SIM` | whole, numbered per connection |
//! | `finnhub` | `/?token=…` | `SIM:BTC-SIM` | none (REST requires the key, too) |
//! | `kraken` | `/v2` | `BTC/SIM` | by depth, with CRC32 |
//! | `uniswap` | none: JSON-RPC at `/`, GraphQL at `/subgraph` | `0xb001` and 36 digits, from 0 | none |
//!
//! # Layout
//! The venue, without sockets and clocks:
//! - [`exchange`]: inputs and the time go in, frames and answers come out · `core`, `book_views`: shared by all
//!   protocols
//! - `venue`: the list of venues, and the interface of each one's folder: its protocol over any market
//! - [`market`]: the interface of a market · `made_up`, `recorded`: the two markets · `source`: opens them
//! - [`recording`]: reads files · [`ladder`], [`bars`], `fixed`, `moment`, `steps`: the true state and its numbers,
//!   sharing nothing with the product's
//!
//! The shell around it:
//! - [`config`]: configuration · [`sim`]: starts and stops it · `shared`: state shared by its tasks · `player`: the
//!   pace
//! - `endpoint`, `socket`, `connection`, `clients`: addresses, handshakes, sockets and their queues
//! - [`fault`]: injected faults · `breakage`: how a text is broken · `control`: control and observation
//! - `request_log`, `stamps`: requests and frames, and their times · [`chaos`]: a fault-injecting proxy for any venue

pub mod bars;
mod binance;
mod book_views;
mod breakage;
pub mod chaos;
mod clients;
mod coinbase;
pub mod config;
mod connection;
mod control;
mod core;
mod endpoint;
pub mod exchange;
pub mod fault;
mod finnhub;
mod fixed;
mod kraken;
pub mod ladder;
mod made_up;
pub mod market;
mod moment;
mod player;
mod recorded;
pub mod recording;
mod request_log;
mod shared;
pub mod sim;
mod socket;
mod source;
mod spelling;
mod stamps;
mod steps;
mod uniswap;
mod venue;

pub use config::{AtEnd, SimConfig, Source, Speed, StartWhen, venues};
pub use fault::{Fault, FaultKind};
pub use sim::{RunningSim, Sim};
