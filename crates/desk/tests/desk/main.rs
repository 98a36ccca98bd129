//! The desk over a made-up market: what a trader sees, and what a restart finds.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod floor;
mod lists;
mod peer_defects;
mod replay;
mod restarts;
mod rules;
