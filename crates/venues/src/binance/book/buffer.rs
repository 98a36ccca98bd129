//! Changes that wait for a snapshot.

use std::collections::VecDeque;

use super::Diff;
use crate::binance::{BUFFERED_DIFFS, BUFFERED_LEVELS};

/// Changes in order, without a gap.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffer {
    pub(super) diffs: VecDeque<Diff>,
    n_levels: usize,
}

impl Buffer {
    /// Returns the numbers of changes and of their levels.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.diffs.len(), self.n_levels)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn push(&mut self, diff: Diff) {
        let n_new = diff.bids.len() + diff.asks.len();
        if self.diffs.len() >= BUFFERED_DIFFS || self.n_levels + n_new > BUFFERED_LEVELS {
            // Full: restart with this one; a later snapshot will join it.
            self.clear();
        }
        self.n_levels += n_new;
        self.diffs.push_back(diff);
    }

    /// Drops the changes that a snapshot contains.
    pub(super) fn drop_until(&mut self, last_id: u64) {
        while let Some(stale) = self.diffs.pop_front_if(|diff| diff.final_id <= last_id) {
            self.n_levels -= stale.bids.len() + stale.asks.len();
        }
    }
}
