//! Recordings of feeds, and replays of them: what a feed received, kept verbatim, and played into the page again.
//!
//! A feed shows its tap what passes (`feed::driver`); the tap keeps the last half minute in memory and hands entries to
//! a writer while somebody records. A replay is a feed of its own kind under another venue name. Not here: what frames
//! mean (`venues`), who may ask (`http`), the tape's format (`model::tape`).
//!
//! # Layout
//! - [`entry`]: what passed, and its line · [`secrets`]: what must not be kept · [`tap`]: the hook in a feed
//! - [`ring`]: the last half minute · [`prelude`]: what a recording that begins in the middle must know
//! - [`writer`]: entries to files · [`target`]: where those are made · [`shelf`]: the folder and its limits · [`desk`]: who records what
//! - [`scan`]: what a file holds · [`deck`]: a tape being played · [`player`]: its task · [`replays`]: who plays what
//! - [`event_hash`]: a fingerprint of everything a tape says

pub mod deck;
pub mod desk;
pub mod entry;
pub mod event_hash;
pub mod player;
pub mod prelude;
pub mod replays;
pub mod ring;
pub mod scan;
pub mod secrets;
pub mod shelf;
pub mod tap;
pub mod target;
pub mod writer;
