//! Recordings of feeds, and replays of them: the files, tasks and queues around the crate `recording`.
//!
//! A feed shows its tap what passes (`feed::driver`); the tap keeps the last half minute in memory and hands entries to
//! a writer while somebody records. A replay is a feed of its own kind under another venue name. Not here: what is kept
//! and what it says when it plays (`recording`), what frames mean (`venues`), who may ask (`http`).
//!
//! # Layout
//! - [`tap`]: what others want of a feed's tap · [`writer`]: entries to files · [`target`]: where those are made
//! - [`library`]: the folder and its limits · [`recordings`]: who records what · [`scan`]: a file's beginning and end
//! - [`recording_file`]: one file, unpacked as it is read · [`files`]: the lines of several files
//! - [`player`]: the task of a replay · [`replays`]: who plays what · [`error`]: why a recording or replay refuses

pub mod error;
pub mod files;
pub mod library;
pub mod player;
pub mod recording_file;
pub mod recordings;
pub mod replays;
pub mod scan;
pub mod tap;
pub mod target;
pub mod writer;
