//! Recording feeds and playing recordings, as plain structs: the same in the server and in a worker of the page.
//!
//! A feed passes everything it sends and receives to its tap; the tap keeps the last half minute and passes entries on
//! while a recording runs. A playback reads a recording's entries up to a given time, and a player chooses that time:
//! play, pause, seek, speed. Not here: files, tasks, sockets and clocks (the callers), the meaning of frames
//! (`venues`), a recording's line (`model::recording_entry`).
//!
//! # Layout
//! - [`entry`], [`text`]: entries and their lines · [`secrets`]: removal of secrets · [`tap`]: the hook in a feed
//! - [`feed_topics`]: the topics of a feed and of a replay
//! - [`ring`]: the last half minute · [`prelude`]: the context needed by a recording that begins midway
//! - [`recording_file`]: header and footer of a file · [`pack`]: a compressed recording in memory
//! - [`lines`], [`packed`]: a recording's lines, and decompressing them · [`contents`]: the contents of a recording
//! - [`playback`]: a recording being played · [`player`]: its pace · [`event_line`], [`event_hash`]: a fingerprint of
//!   its events · [`digest`]: a quicker one, of events and books

pub mod contents;
pub mod digest;
pub mod entry;
pub mod event_hash;
pub mod event_line;
pub mod feed_topics;
pub mod lines;
pub mod pack;
pub mod packed;
pub mod playback;
pub mod player;
pub mod prelude;
pub mod recording_file;
pub mod ring;
pub mod secrets;
pub mod tap;
#[cfg(test)]
mod testing;
pub mod text;
