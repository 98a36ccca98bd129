//! The read models that are published: channels with their payloads, topics, and lanes.
//!
//! Not here: the messages that carry them and their bytes (`wire`), offsets and queues (`hub`), the producers of
//! payloads (`market`, the server).
//!
//! # Layout
//! - [`channels`]: the list of channels and each one's payload · [`payload`]: the interface of payloads
//! - [`topic`]: channel, parameter and subject · [`subject`]: server, instrument, pair or account
//! - [`lane`]: how often a topic is published · [`source`]: what an owner of topics brings
//! - [`limits`]: maximum sizes of payloads · [`error`]: parsing errors

pub mod channels;
pub mod error;
pub mod lane;
pub mod limits;
pub mod payload;
pub mod source;
pub mod subject;
pub mod topic;

mod channel_list;
mod exact;
#[cfg(feature = "schema")]
mod schema;
