//! The page's worker: a venue's session and market view (direct mode), or a recording that plays, in a Web Worker, so
//! that a book of 46,000 levels in one frame never blocks the page. Loaded only when a reader requests either.
//!
//! It exchanges the stream's own messages with the page, so that the page handles them identically for both sources.
//! Not here: any rule of a venue (`venues`), the contents of topics (`market`), the page's side (`app/src/live`).
//!
//! # Layout
//! - [`feed`]: session, view and recordings, pure · [`replay`]: a playing recording, pure · [`outlet`]: topics and lane
//!   of both
//! - [`replay_topics`]: the topics of a playing recording and of the account that trades it
//! - [`recording_hash`]: a fingerprint of a recording's events, identical natively and here · [`fill_hash`]: one of what
//!   a desk does with it
//! - `shell`: timers and messages of the worker · `socket`, `requests`, `recording_file`: its I/O · `exports`:
//!   functions for scripts

pub mod feed;
pub mod fill_hash;
pub mod outlet;
pub mod recording_hash;
pub mod replay;
pub mod replay_topics;

#[cfg(target_arch = "wasm32")]
pub mod exports;
#[cfg(target_arch = "wasm32")]
mod recording_file;
#[cfg(target_arch = "wasm32")]
mod requests;
#[cfg(target_arch = "wasm32")]
mod shell;
#[cfg(target_arch = "wasm32")]
mod socket;
