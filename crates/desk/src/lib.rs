//! The paper-trading desk as a pure state machine: commands, the market and time in; journal records, changed orders and
//! events out.
//!
//! Whoever runs it (the server's task, a replay, a back-test) gives it a clock, the desk feed, and a place for its
//! records. The state is a fold over records, so start-up and crash recovery are one path: the newest snapshot, then the
//! records after it. Nothing is told to anybody before its records are on disk; that is the runner's part. Locked funds
//! and margin are derived, never stored. Not here: what fills an order (`broker`), what fills add up to (`portfolio`),
//! what a strategy wants (`strategy`), files and sockets.
//!
//! # Layout
//! - [`desk`]: the state machine · [`config`]: its settings · [`state`]: the fold over records
//! - [`checks`]: an order against its instrument · [`reconcile`]: the state against the lists of orders and fills
//! - [`rows`]: what is published · [`lanes`]: what each lane has published of it
//! - [`performance`]: an account's statistics · [`preview`]: what an order would get · [`calendar`]: the begin of its day

pub mod calendar;
pub mod checks;
pub mod config;
pub mod desk;
pub mod error;
pub mod lanes;
pub mod performance;
pub mod preview;
pub mod reconcile;
pub mod rows;
pub mod state;
