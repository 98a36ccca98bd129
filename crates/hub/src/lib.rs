//! Topics, offsets, bounded history and subscriber queues: one publication goes to many readers, and none is missed
//! unsaid.
//!
//! Generic over the payload, which is cloned for each reader: share the bytes behind an `Arc`. Not here: what a topic
//! means, encoding (`wire`), sockets, and clocks: time is an argument. Tokio is used for waking readers only.
//!
//! # The parts
//! A **stream** is a topic on a lane, with a number that is never used again. Its **owner** (a feed, the server) begins an
//! **epoch** with each run ([`Hub::begin`]) and publishes deltas with offsets that rise by one, and snapshots at the
//! current offset. It works turn by turn:
//!
//! 1. [`Hub::take_demand`]: which streams are active, which have readers that wait for a snapshot;
//! 2. [`Hub::publish`]: this turn's deltas;
//! 3. [`Hub::snapshot`] for each stream that waits, once for all who do.
//!
//! A **subscriber** follows streams of one lane and drains everything queued at once. For each stream it sees a snapshot
//! and then offsets without a hole, or another snapshot. When its bounded queue is full, streams of state drop what is
//! queued of them and start over with a snapshot once the reader has drained; where streams of events do not fit, the
//! reader is cut off with [`Closed::Slow`] and resumes from history on its next connection.
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
