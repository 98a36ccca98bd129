//! Signals: rules that read bars and the top of a book and say buy, sell or look.
//!
//! A rule's condition is a tree: kinds (one file each in `kinds/`) at the leaves, combinations above. Each bar gives each
//! leaf a position relative to its level; a leaf fires when it meets the level after it was on the other side, as
//! [`crate::detect`] says. Closed bars alone carry that memory on, so that what is confirmed does not depend on how often
//! the forming bar changed, or on the calls in which bars came. `docs/signals.md` says the same for traders.
//!
//! Not here: the rules' types (`model::alert::signal`), where bars come from, who keeps and publishes signals.
//!
//! # Layout
//! - `watch`: a rule at work · `dry_run`: a rule over history · `resume`: after a restart
//! - `node`: the tree · `combine`: combinations · `kinds`: the list of kinds · `leaf`: the contract of a kind
//! - `rows`: bars with the numbers read of them · `columns`: what those numbers are · `compile`: checks of rules
//! - `words`: sentences · `error`: why a rule is refused

mod columns;
mod combine;
mod compile;
mod dry_run;
mod error;
mod kinds;
mod leaf;
mod node;
mod resume;
mod rows;
#[cfg(test)]
mod tests;
mod top;
mod watch;
mod words;

pub use dry_run::evaluate;
pub use error::SignalError;
pub use kinds::{Template, sentence, templates};
pub use top::Top;
pub use watch::SignalWatch;
