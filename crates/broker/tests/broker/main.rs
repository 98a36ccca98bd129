//! The broker from outside: golden values, rules, faults that other simulators have had, and random markets.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that cannot make its values fails; modules of one test program"
)]

mod brackets;
mod conditional;
mod golden;
mod latency;
mod peer_defects;
mod properties;
mod reference;
mod resting;
mod support;
mod taking;
mod tradable;
