//! The vocabulary of signals and alerts: rules, what they look for, and what they say.
//!
//! Not here: who evaluates them (`strategy::signals`, `alerts`) and who delivers (`server`).
//!
//! # Layout
//! - [`notice`]: one alert as people get it

pub mod notice;
