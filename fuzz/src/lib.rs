//! Code shared by the fuzz targets: a venue to play, a session and a view under virtual time, a mutator that knows
//! JSON.
//!
//! Not here: the targets themselves (`fuzz_targets/`, one file each) and how they are built, fed and run (`cargo xtask
//! fuzz`). `docs/fuzzing.md` says what is fuzzed and with what results.
//!
//! # Layout
//! - [`play`]: lines of input to frames, answers, cuts and time · [`venue`]: a venue's automatic replies
//! - [`mutate`]: changes whole JSON tokens and lines

pub mod mutate;
pub mod play;
pub mod venue;
