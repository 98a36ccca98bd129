//! What readers of a book's depth have been told: one view a stream, from which the next update follows.

use std::collections::BTreeMap;

use super::encode::{self, Kind};
use crate::ladder::Ladder;

/// All views, by symbol and depth.
#[derive(Clone, Debug, Default)]
pub(super) struct Views(BTreeMap<(String, usize), Ladder>);

impl Views {
    /// The snapshot for a new reader. Without other readers the view begins anew with the truth; with others the new
    /// one starts from what they know, so that the next update fits all.
    pub(super) fn snapshot(
        &mut self,
        symbol: &str,
        depth: usize,
        truth: &Ladder,
        has_others: bool,
        time: &str,
    ) -> String {
        let key = (symbol.to_owned(), depth);
        if !has_others {
            self.0.remove(&key);
        }
        let view = self.0.entry(key).or_insert_with(|| truth.shallow(depth));
        encode::book(Kind::Snapshot, symbol, &view.top(depth), view, time)
    }

    /// The update that brings readers to the truth; `None` where they have it.
    pub(super) fn update(&mut self, symbol: &str, depth: usize, truth: &Ladder, time: &str) -> Option<String> {
        let view = self.0.entry((symbol.to_owned(), depth)).or_default();
        let changed = view.follow(truth, depth, encode::zero);
        let is_silent = changed.0.is_empty() && changed.1.is_empty();
        (!is_silent).then(|| encode::book(Kind::Update, symbol, &changed, view, time))
    }
}
