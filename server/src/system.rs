//! The server looked at by itself: its health at a glance, and the last hour of its figures for the System page.
//!
//! Reads what monitors read ([`crate::metrics`]). Not here: alerts about the server, which are rules like all others.
//!
//! # Layout
//! - [`figures`]: the list of figures · [`history`]: their last hour · [`health`]: good, degraded or bad, and why
//! - [`monitor`]: the task

pub mod figures;
pub mod health;
pub mod history;
pub mod monitor;
