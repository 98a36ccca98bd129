//! The page's worker: a venue's session and market view (direct mode), or a recording that plays, in a Web Worker, so that a book
//! of 46,000 levels in one frame never holds up the page. Loaded only when a reader asks for either.
//!
//! It speaks the stream's own messages with the page, so that what the page does with them is the same whichever way the
//! data came. Not here: any rule of a venue (`venues`), what a topic holds (`market`), the page's side (`app/src/live`).
//!
//! # Layout
//! - [`feed`]: session, view and recordings, pure · [`replay`]: a recording that plays, pure · [`outlet`]: topics and lane of both
//! - [`recording_hash`]: a fingerprint of a recording's run, equal natively and here
//! - `shell`: timers and messages of the worker · `socket`, `requests`, `recording_file`: what it opens · `exports`: what scripts may call

pub mod feed;
pub mod outlet;
pub mod recording_hash;
pub mod replay;

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
