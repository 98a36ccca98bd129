//! The vocabulary of signals and alerts: rules, what they look for, and what they say.
//!
//! Not here: who evaluates them (`strategy::signals`, `alerts`) and who delivers (`server`).
//!
//! # Layout
//! - [`notice`]: one alert as people get it · [`signal`]: signals and their rules · [`rule_id`]: names of rules
//! - [`condition`]: what an alert looks for · [`rule`]: alert rules and their rows · [`template`]: the text of an alert
//! - [`settings`]: quiet hours, muting · [`command`]: what a person may ask for
//! - [`channel`]: where alerts are sent · [`secret`]: tokens and passwords, never shown · [`delivery`]: an alert on its way

pub mod channel;
pub mod command;
pub mod condition;
pub mod delivery;
pub mod notice;
pub mod rule;
pub mod rule_id;
pub mod secret;
pub mod settings;
pub mod signal;
pub mod template;
