//! The page's statements about the quality of its data, as plain values: words for states, latency budgets, clocks,
//! facts about venues and streams, and the list of troubles. Pure; the times are arguments.
//!
//! Not here: their appearance (`pages/quality`, `components`), and counting and measuring (`market`, `live`).

pub mod budget;
pub mod clocks;
pub mod facts;
pub mod rows;
pub mod troubles;
pub mod words;
