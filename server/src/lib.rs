//! The server `truetape`: wiring and all native I/O. A library so that tests can start it in their own process.
//!
//! Not here: the meaning of frames (`venues`), market state (`market`), the bytes of the browser stream (`wire`),
//! queues and history (`hub`), the page (`app`). This crate owns sockets, clocks, tasks and files.
//!
//! # Layout
//! - [`cli`]: one file a command · [`config`]: one file a concern · [`serve`]: starts and joins all parts
//! - [`configuration`]: settings changed while the server runs, and kept
//! - [`feed`]: one task a venue · [`server_topics`]: the topics of the server itself, `status` and `system`
//! - [`commands`]: one road for the commands of stream and REST · [`publish`]: how an owner of topics reaches the hub
//! - [`recorder`]: recordings of feeds, and replays of them · [`backtests`]: back-tests of recordings
//! - [`access`]: users, sessions, tokens and the audit log
//! - [`notify`]: what the service manager is told · [`notices`]: what people should know · [`alerts`]: delivery of alerts when no page is open
//! - [`candle_keeper`]: closed candles over a restart
//! - [`catalogue`]: every instrument that the venues offer, and those that are kept
//! - [`http`]: one router, one file a resource; [`http::stream`] is the WebSocket session
//! - [`venue_list`]: the venues built in
//! - [`certificate`]: the server's own certificate
//! - [`metrics`]: what monitors read · [`system`]: health, and the last hour of the figures
//! - [`limits`]: what each caller may have and ask · [`places`], [`open_files`]: connections
//! - [`disk`], [`shutdown`], [`log`], [`clock`], [`tls`], [`suggest`]: small parts used by the above

pub mod access;
pub mod alerts;
pub mod backtests;
pub mod candle_keeper;
pub mod catalogue;
pub mod certificate;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod configuration;
pub mod desk;
pub mod disk;
pub mod feed;
pub mod http;
pub mod in_words;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod notices;
pub mod notify;
pub mod open_files;
pub mod places;
pub mod publish;
pub mod recorder;
pub mod serve;
pub mod server_topics;
pub mod shutdown;
pub mod suggest;
pub mod system;
pub mod tls;
pub mod venue_list;
