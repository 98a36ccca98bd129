//! The view as its callers use it: events in random order, lanes turning at their own pace, history at the worst time.
#![allow(clippy::unwrap_used, reason = "a test that cannot make its values fails")]

mod clocks;
mod common;
mod deltas;
mod indicators;
mod memory;
mod seam;
