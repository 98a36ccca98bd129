//! Detection shared by signals and alerts: meeting a level with hysteresis, moving over a window.
//!
//! The predicate that fires is the one that re-arms, so that nothing fires twice without having left the level. The first
//! value only arms.
//!
//! # Layout
//! - [`level`]: one level · [`window`]: highest and lowest of a span

pub mod level;
pub mod window;
