//! The trading desk at work: one task that gives `crates/desk` its clock, its market and its journal.
//!
//! A command is checked, applied and journalled; its answer goes out once the journal is on disk. What comes while a
//! commit is under way shares the next one. When the disk refuses, the desk in memory is thrown away and restored from
//! what is on disk: start-up, crash and a full disk are one path. Not here: what a command does (`desk`), SQL (`store`).
//!
//! # Layout
//! - [`task`]: the loop · [`handle`]: how others reach it · [`market`]: what it follows · [`publisher`]: its topics
//! - [`halt`]: why it takes nothing, where the disk refuses
//! - [`replay`]: how others reach the desk of the replay · [`calendar`]: the days of time zones

pub mod calendar;
pub mod halt;
pub mod handle;
pub mod market;
pub mod publisher;
pub mod replay;
pub mod task;
