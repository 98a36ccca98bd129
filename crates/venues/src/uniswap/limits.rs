//! How often a node is asked, and for how much.
//!
//! Public nodes state no common figures; these are modest. Not here: how they are kept ([`crate::kit::requests`]).

use std::time::Duration;

use crate::kit::requests::RequestRules;

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
/// The rules of requests to the subgraph. Its gateway takes far more in a minute, but counts 100,000 a month without pay.
pub(super) const HISTORY_RULES: RequestRules = RequestRules {
    weight_per_minute: HISTORY_WEIGHT_PER_MINUTE,
    spacing: Duration::from_millis(250),
    in_flight: 1,
    timeout: Duration::from_secs(15),
    history_queue: POOLS,
    is_forbidden_a_refusal: true,
};
/// Questions to the subgraph in a minute, half of which are used.
pub(super) const HISTORY_WEIGHT_PER_MINUTE: u32 = 60;
/// Attempts of one question.
pub(super) const HISTORY_ATTEMPTS: u32 = 4;
/// Bars of one wish.
pub(super) const HISTORY_BARS: usize = 500;
/// Pages of one wish: three thousand swaps are some hours of the busiest pool.
pub(super) const HISTORY_PAGES: usize = 3;
/// Wait where the subgraph has not caught up with the wish; it is a minute behind the chain at most times.
pub(super) const LAG_RETRY: Duration = Duration::from_secs(10);
/// Such waits in a row.
pub(super) const LAG_ATTEMPTS: u32 = 30;
/// Wait after the key was refused.
pub(super) const REFUSED_RETRY: Duration = Duration::from_secs(600);
/// Blocks looked back at the start: some ten minutes of swaps.
pub(super) const BLOCKS_BACK: u64 = 50;
/// Blocks asked for at once; nodes refuse wide ranges.
pub(super) const BLOCKS_AT_ONCE: u64 = 500;
/// Pools followed at once.
pub(super) const POOLS: usize = 50;
/// Swaps whose ids are remembered, so that overlapping ranges count none twice.
pub(super) const REMEMBERED_SWAPS: usize = 20_000;
