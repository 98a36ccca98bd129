//! The server as its users see it: real sockets on port 0, the simulated market or a simulated venue behind it.
#![allow(clippy::unwrap_used, reason = "tests may unwrap; clippy does not see that this whole file is one")]

mod access;
mod acme;
mod api;
mod audience;
#[cfg(target_os = "linux")]
mod caller_limits;
mod canaries;
mod catalogue;
mod client;
mod command_line;
mod commands;
mod config_errors;
mod configuration;
mod conformance;
mod cross_site;
mod cycles;
mod decode;
mod desk;
mod desk_feed;
mod direct;
mod doctor;
mod feed;
mod feeds;
mod finnhub;
mod guessing;
mod hostile;
mod http;
mod inner_addresses;
mod limits;
mod live_settings;
mod markup;
mod metrics;
#[path = "../../../crates/venues/tests/venues/hostile/mutation.rs"]
mod mutation;
mod observed;
mod one_silent;
mod one_time_codes;
mod recordings;
mod rest_bodies;
mod resume;
mod secrets;
mod service;
mod shutdown;
#[path = "../../../crates/venues/tests/venues/support/size.rs"]
mod size;
mod snapshots;
mod stalls;
mod stream;
mod stream_bytes;
mod traversal;
mod uniswap;
