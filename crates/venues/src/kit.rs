//! What the venues' sessions share: connections, requests, pacing, de-duplication and strict reading of JSON.
//!
//! Not here: a venue's messages and book rules (its folder), the contract with the shell ([`crate::session`]).

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
pub(crate) mod strict_json;
pub(crate) mod utc_time;
