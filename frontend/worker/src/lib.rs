//! Direct mode's program: a venue's session and market view in a Web Worker, so that a book of 46,000 levels in one frame
//! never holds up the page. Loaded only when a reader switches a venue to direct.
//!
//! It speaks the stream's own messages with the page, so that what the page does with them is the same whichever way the
//! data came. Not here: any rule of a venue (`venues`), what a topic holds (`market`), the page's side (`app/src/live`).
//!
//! # Layout
//! - [`feed`]: session, view and topics, pure · [`tape_hash`]: a fingerprint of a tape's run, equal natively and here
//! - `shell`: sockets, requests, timers and messages of the worker · `exports`: what scripts may call

pub mod feed;
pub mod tape_hash;

#[cfg(target_arch = "wasm32")]
pub mod exports;
#[cfg(target_arch = "wasm32")]
mod shell;
#[cfg(target_arch = "wasm32")]
mod socket;
