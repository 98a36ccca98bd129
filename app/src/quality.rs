//! What the page says about the quality of its data, as plain values: words for states, latency budgets, clocks, facts of
//! venues and streams, and the list of troubles. Pure; the moments are arguments.
//!
//! Not here: how any of it looks (`pages/quality`, `components`), and counting and measuring (`market`, `live`).

pub mod budget;
pub mod clocks;
pub mod facts;
pub mod rows;
pub mod troubles;
pub mod words;
