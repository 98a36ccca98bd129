//! Strategies over recordings: sessions, books, desk and broker are those of the server, driven by a recording's clock.
//!
//! The same recording and the same plan give the same records, fills and equity, byte for byte. Every plan runs twice,
//! once by each model of the queue ahead of resting orders: the truth is between the two results. Not here: reading and
//! writing files (`server`).
//!
//! # Layout
//! - [`plan`]: what to run · [`run`]: one run · [`report`]: what came of it
//! - [`bounds`]: both runs side by side, and the picture of their equity

pub mod bounds;
pub mod plan;
pub mod report;
pub mod run;
