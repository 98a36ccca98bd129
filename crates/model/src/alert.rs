//! The vocabulary of signals and alerts: rules, what they look for, and what they say.
//!
//! Not here: who evaluates them (`strategy::signals`, `alerts`) and who delivers (`server`).
//!
//! # Layout
//! - [`notice`]: one alert as people get it
//! - [`channel`]: where alerts are sent · [`secret`]: tokens and passwords, never shown · [`delivery`]: an alert on its way
//! - [`notice`]: one alert as people get it · [`signal`]: signals and their rules · [`rule_id`]: names of rules

pub mod channel;
pub mod delivery;
pub mod notice;
pub mod secret;
pub mod rule_id;
pub mod signal;
