//! The documents of the API: they are complete, they are those in the repository, they break nothing that was released,
//! and the server answers as they say.
//!
//! # Layout
//! - [`documents`]: their contents · [`compatibility`]: the changes that break callers · [`oracles`]: checks by others'
//!   programs

mod compatibility;
mod documents;
pub(crate) mod oracles;
