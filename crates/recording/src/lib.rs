//! Recording a feed and playing recordings, as plain structs: the same in the server and in a worker of the page.
//!
//! A feed shows its tap everything that passes; the tap keeps the last half minute and hands entries on while somebody
//! records. A deck takes a tape's entries up to a moment, and a player says which moment: play, pause, seek, speed. Not
//! here: files, tasks, sockets and clocks (the shells), what frames mean (`venues`), a tape's line (`model::tape`).
//!
//! # Layout
//! - [`entry`], [`text`]: what passed, and its line · [`secrets`]: what must not be kept · [`tap`]: the hook in a feed
//! - [`ring`]: the last half minute · [`prelude`]: what a recording that begins in the middle must know
//! - [`tape`]: header and footer of a file · [`pack`]: a recording in memory, packed
//! - [`lines`], [`packed`]: a tape's lines, and unpacking them · [`contents`]: what a tape holds
//! - [`deck`]: a tape being played · [`player`]: its pace · [`event_line`], [`event_hash`]: a fingerprint of all it says

pub mod contents;
pub mod deck;
pub mod entry;
pub mod event_hash;
pub mod event_line;
pub mod lines;
pub mod pack;
pub mod packed;
pub mod player;
pub mod prelude;
pub mod ring;
pub mod secrets;
pub mod tap;
pub mod tape;
#[cfg(test)]
mod testing;
pub mod text;
