//! Recordings of feeds, and replays of them: the files, tasks and queues around the crate `recording`.
//!
//! A feed hands its frames and requests to its tap (`feed::driver`); the tap keeps the last half minute in memory and,
//! during a recording, hands entries to a writer. A replay is published like a feed, under another venue name. Not
//! here: the format of recordings and their playback (`recording`), the meaning of frames (`venues`), access control
//! (`http`).
//!
//! # Layout
//! - [`tap`]: commands to a feed's tap · [`writer`]: writes entries to files · [`target`]: creates those files
//! - [`library`]: the folder and its limits · [`recordings`]: all recordings · [`scan`]: a file's beginning and end
//! - [`recording_file`]: reads and unpacks one file · [`files`]: the lines of several files
//! - [`player`]: the task of a replay · [`player_account`]: the account that trades it · [`replays`]: the current replay
//! - [`error`]: why a request is refused

pub mod error;
pub mod files;
pub mod library;
pub mod player;
pub mod player_account;
pub mod recording_file;
pub mod recordings;
pub mod replays;
pub mod scan;
pub mod tap;
pub mod target;
pub mod writer;
