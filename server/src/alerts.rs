//! Alerts that leave the server: messages, channels, and the outbox that brings one to the other.
//!
//! Not here: which rule fires (`alerts`), what is kept (`store::alerts`).
//!
//! # Layout
//! - [`message`]: one alert for one channel, in words and as JSON
//! - [`channels`]: one file a way of delivery · [`reach`]: which addresses may be contacted · [`caller`]: bounded requests
//! - [`outbox`]: the task that sends what waits

pub mod caller;
pub mod channels;
pub mod message;
pub mod outbox;
pub mod reach;
