//! How often a node is asked, and for how much.
//!
//! Public nodes state no common figures; these are modest. Not here: how they are kept ([`crate::requests`]).

use std::time::Duration;

use crate::requests::RequestRules;

/// Between two rounds: a block of the main chain takes twelve seconds.
pub(super) const ROUND_SPACING: Duration = Duration::from_secs(4);
/// The rules of requests; a batch weighs as much as the calls in it.
pub(super) const REQUEST_RULES: RequestRules = RequestRules {
    weight_per_minute: 1_200,
    spacing: Duration::from_millis(100),
    in_flight: 2,
    timeout: Duration::from_secs(15),
    history_queue: 1,
    is_forbidden_a_refusal: false,
};
/// Blocks looked back at the start: some ten minutes of swaps.
pub(super) const BLOCKS_BACK: u64 = 50;
/// Blocks asked for at once; nodes refuse wide ranges.
pub(super) const BLOCKS_AT_ONCE: u64 = 500;
/// Pools followed at once.
pub(super) const POOLS: usize = 50;
/// Swaps whose ids are remembered, so that overlapping ranges count none twice.
pub(super) const REMEMBERED_SWAPS: usize = 20_000;
