//! Topics, offsets, bounded history and subscriber queues: one publication goes to many readers, and no item is missed
//! silently.
//!
//! Generic over the payload, which is cloned for each reader: share the bytes behind an `Arc`. Not here: the meaning of
//! topics, encoding (`wire`), sockets, and clocks: time is an argument. Tokio is used only for waking readers.
//!
//! # The parts
//! A **stream** is a topic on a lane, with a number that is never used again. Its **owner** (a feed, the server) begins an
//! **epoch** with each run ([`Hub::begin`]) and publishes deltas with offsets that rise by one, and snapshots at the
//! current offset. It works turn by turn:
//!
//! 1. [`Hub::take_demand`]: which streams are active, and which have readers waiting for a snapshot;
//! 2. [`Hub::publish`]: this turn's deltas;
//! 3. [`Hub::snapshot`] for each stream with waiting readers, once for all of them.
//!
//! A **subscriber** follows streams, one for a topic, and drains everything queued at once. For each stream it sees a
//! snapshot and then offsets without a gap, or another snapshot. What waits for a slow reader is conflated: once a
//! stream's waiting deltas outgrow its snapshot, or too much waits in total, they are dropped, and the stream starts over
//! with a snapshot in its turn; no more snapshots are made than the reader takes at once. An event stream is treated
//! alike, later, and its reader is told ([`DeliveryKind::Restart`](subscriber::DeliveryKind)). Streams take turns: none
//! is served twice before all others with something waiting were served once.
//!
//! # Layout
//! - [`hub`]: streams, owners, publishing · [`subscriber`]: the reading side · [`config`]: bounds, each with its reason

pub mod config;
pub mod error;
pub mod hub;
pub mod subscriber;

mod history;
mod inbox;
mod registry;
mod stream;
