//! Alert rules as a state machine: market, signals, desk and time in, notices out.
//!
//! Not here: the rules' own types (`model::alert`), delivery and the disk (`server::alerts`), signals
//! (`strategy::signals`).
//!
//! # Layout
//! - [`engine`]: the state machine · [`happening`]: what it hears of besides prices and bars
//! - [`check`]: a rule before it is saved · [`dry_run`]: a rule on history
//! - [`memory`]: what is kept on disk · [`log`]: the newest alerts · [`words`]: sentences and numbers
//! - `tracker`: one condition · `latch`: whether it is met · `level_index`: price levels · `holding`: what a channel gets

pub mod check;
pub mod dry_run;
pub mod engine;
pub mod happening;
mod holding;
mod latch;
mod level_index;
pub mod log;
pub mod memory;
mod tracker;
pub mod words;
