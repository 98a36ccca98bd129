//! The server `truetape`: wiring and all native I/O. A library so that tests can start it in their own process.
//!
//! Not here: the meaning of frames (`venues`), market state (`market`), the bytes of the browser stream (`wire`),
//! queues and history (`hub`), the page (`app`). This crate owns sockets, clocks, tasks and files.
//!
//! # Layout
//! - [`cli`]: one file a command · [`config`]: one file a concern · [`serve`]: starts and joins all parts
//! - [`feed`]: one task a venue · [`server_topics`]: the topics of the server itself, `status` and `system`
//! - [`commands`]: one road for the commands of stream and REST · [`publish`]: how an owner of topics reaches the hub
//! - [`recorder`]: recordings of feeds, and replays of them · [`backtests`]: back-tests of recordings
//! - [`notices`]: what people should know · [`alerts`]: delivery of alerts when no page is open
//! - [`candle_keeper`]: closed candles over a restart
//! - [`catalogue`]: every instrument that the venues offer, and those that are kept
//! - [`http`]: one router, one file a resource; [`http::stream`] is the WebSocket session
//! - [`venue_list`]: the venues built in
//! - [`shutdown`], [`log`], [`clock`], [`tls`], [`suggest`]: small parts used by the above

pub mod alerts;
pub mod backtests;
pub mod candle_keeper;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod desk;
pub mod feed;
pub mod http;
pub mod in_words;
pub mod log;
pub mod notices;
pub mod publish;
pub mod recorder;
pub mod serve;
pub mod server_topics;
pub mod shutdown;
pub mod suggest;
pub mod tls;
pub mod venue_list;
