//! Storage: the desk's journal with its lists, alerts, and candles. The only crate that knows SQL.
//!
//! SQLite, one file for the desk (`truetape.db`: write-ahead log, every commit on disk before it returns) and one for
//! candles (`candles.db`, written without waiting). One process at a time: a lock file says so. Not here: what a record
//! means (`desk`), and when to write (`server`).
//!
//! # Layout
//! - [`files`]: opening, lock, version, integrity, migrations · [`journal`]: the one writer, and what a start reads
//! - [`lists`]: fills, orders, round trips and equity, filtered, sorted and paged · [`candles`]: candles
//! - [`access`]: users, sessions, tokens and the audit log
//! - [`alerts`]: rules, alerts, channels, signals and the outbox · `turns`: one writer at a time
//! - [`backup`]: copies that are checked before they count, and restoring one

pub mod access;
pub mod alerts;
pub mod backup;
pub mod candles;
pub mod error;
pub mod files;
pub mod journal;
pub mod lists;
mod turns;
