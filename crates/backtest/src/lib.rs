//! A recording with the desk's own code: back-tests, and the desk of a replay. Sessions, books, desk and broker are those
//! of the live desk, driven by a recording's clock.
//!
//! The same recording and the same plan give the same records, fills and equity, byte for byte. A plan runs twice,
//! once by each model of the queue ahead of resting orders: the truth is between the two results. Not here: reading and
//! writing files (`server`).
//!
//! # Layout
//! - [`plan`]: what to run · [`run`]: one run · [`report`]: what came of it
//! - [`bounds`]: both runs side by side, and the picture of their equity
//! - [`replay_desk`]: the paper account of a replay · [`recorded_market`]: a recording's market as a desk sees it

pub mod bounds;
pub mod plan;
pub mod recorded_market;
pub mod replay_desk;
pub mod report;
pub mod run;
