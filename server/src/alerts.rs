//! Signals and alerts at work: their data, their task and their topics; and alerts that leave the server.
//!
//! Not here: which rule fires (`alerts`, `strategy::signals`), what is kept (`store::alerts`).
//!
//! # Layout
//! - [`task`]: the loop · [`handle`]: how others reach it · [`sources`]: where data comes from · [`evaluation`]: what rules get
//!   of it · [`signal_board`]: the signal rules · [`published`]: the topics
//! - [`message`]: one alert for one channel, in words and as JSON
//! - [`channels`]: one file a way of delivery · [`reach`]: which addresses may be contacted · [`caller`]: bounded requests
//! - [`outbox`]: the task that sends what waits

pub mod caller;
pub mod channels;
pub mod evaluation;
pub mod handle;
pub mod message;
pub mod outbox;
pub mod published;
pub mod reach;
pub mod signal_board;
pub mod sources;
pub mod task;
