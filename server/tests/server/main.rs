//! The server as its users see it: real sockets on port 0, the simulated market or a simulated venue behind it.
#![allow(clippy::unwrap_used, reason = "tests may unwrap; clippy does not see that this whole file is one")]

mod catalogue;
mod client;
mod command_line;
mod commands;
mod config_errors;
mod cycles;
mod decode;
mod desk;
mod desk_feed;
mod direct;
mod feed;
mod feeds;
mod finnhub;
mod hostile;
mod http;
mod limits;
#[path = "../../../crates/venues/tests/venues/hostile/mutation.rs"]
mod mutation;
mod one_silent;
mod recordings;
mod rest_bodies;
mod resume;
mod secrets;
mod shutdown;
#[path = "../../../crates/venues/tests/venues/support/size.rs"]
mod size;
mod snapshots;
mod stalls;
mod stream;
mod uniswap;
