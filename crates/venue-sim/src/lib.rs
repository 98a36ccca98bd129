//! A venue on this machine: plays recorded tapes, or a made-up market, over the venue's real protocol, with faults on demand.
//!
//! Not here: anything that runs in production. Tests of other rooms start it in-process with [`sim::Sim::start`]; the
//! program `venue-sim` does the same from the command line. It listens on loopback only.
//!
//! # Layout
//! - [`config`]: what to play and how · [`sim`]: wires everything and runs it
//! - [`tape`]: reads recordings · `player`: the shared timeline · `outlet`: the clients and what they get
//! - [`fault`]: what goes wrong, on purpose · `control`: the endpoints that steer and observe
//! - `request_log`, `stamps`: what was asked and what was sent, when · `socket`: WebSocket hand-shake
//! - one folder a venue, with an oracle that knows the true book

mod bars;
mod binance;
mod breakage;
pub mod config;
mod connection;
mod control;
mod desk;
pub mod fault;
mod fixed;
mod kraken;
mod ladder;
mod made_up;
mod market;
mod moment;
mod outlet;
mod player;
mod request_log;
pub mod sim;
mod socket;
mod stamps;
mod steps;
pub mod tape;
mod venue;

pub use config::{AtEnd, SimConfig, Source, Speed, StartWhen};
pub use fault::{Fault, FaultKind};
pub use sim::{RunningSim, Sim};
