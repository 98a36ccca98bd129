//! The read models that are published: channels with their payloads, topics, and lanes.
//!
//! Not here: the messages that carry them and their bytes (`wire`), offsets and queues (`hub`), who fills the payloads
//! (`market`, the server).
//!
//! # Layout
//! - [`channels`]: each channel's payload, with `merge` and `diff` · [`topic`]: channel, interval and instrument
//! - [`lane`]: how often a topic is published · [`limits`]: how large a payload may be · [`error`]: texts that are no topic

pub mod channels;
pub mod error;
pub mod exact;
pub mod lane;
pub mod limits;
pub mod topic;
