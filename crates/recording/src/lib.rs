//! Recording a feed and playing recordings, as plain structs: the same in the server and in a worker of the page.
//!
//! A feed shows its tap everything that passes; the tap keeps the last half minute and hands entries on while somebody
//! records. A playback takes a recording's entries up to a moment, and a player says which moment: play, pause, seek, speed. Not
//! here: files, tasks, sockets and clocks (the shells), what frames mean (`venues`), a recording's line (`model::recording_entry`).
//!
//! # Layout
//! - [`entry`], [`text`]: what passed, and its line · [`secrets`]: what must not be kept · [`tap`]: the hook in a feed
//! - [`ring`]: the last half minute · [`prelude`]: what a recording that begins in the middle must know
//! - [`recording`]: header and footer of a file · [`pack`]: a recording in memory, packed
//! - [`lines`], [`packed`]: a recording's lines, and unpacking them · [`contents`]: what a recording holds
//! - [`playback`]: a recording being played · [`player`]: its pace · [`event_line`], [`event_hash`]: a fingerprint of all it says

pub mod contents;
pub mod entry;
pub mod event_hash;
pub mod event_line;
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
