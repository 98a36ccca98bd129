//! Parts shared by the venues' sessions: the session itself, connections, requests, pacing, de-duplication and strict
//! parsing of JSON.
//!
//! Not here: a venue's messages and book rules (its folder), the contract with the shell ([`crate::session`]).
//!
//! # Layout
//! - `feed_session`: the session of a venue · `protocol`: the venue's part of it
//! - `pool`, `connection`: connections · [`backoff`]: waits between attempts · `liveness`: quiet or dead
//! - `requests`, `poll_schedule`: REST · `resync_pacing`: limits on snapshots · `outputs`: outputs and health
//! - `dedup`: ids · `bars`: candles from shorter ones or from trades · `number`, `strict_json`, `utc_time`: strict JSON
//!   parsing · `scan`: JSON of a known spelling

pub mod backoff;
pub(crate) mod bars;
pub(crate) mod connection;
pub(crate) mod dedup;
pub(crate) mod feed_session;
pub(crate) mod liveness;
pub(crate) mod number;
pub(crate) mod outputs;
pub(crate) mod poll_schedule;
pub(crate) mod pool;
pub(crate) mod protocol;
pub(crate) mod requests;
pub(crate) mod resync_pacing;
pub(crate) mod scan;
pub(crate) mod strict_json;
pub(crate) mod utc_time;
