//! Delivery of alerts to real sinks on this machine: HTTP and SMTP servers on port 0, real files, the real outbox.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod crash;
mod email;
mod http_sink;
mod kill_nine;
mod mail_sink;
mod outbox;
#[path = "../../benches/support/process.rs"]
mod process;
mod push;
mod rig;
mod telegram;
mod webhook;
