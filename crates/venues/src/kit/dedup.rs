//! Detects repeated and missing items of a series: by ids that rise by one, or by ids and times that only rise.
//!
//! Two connections overlap during a roll-over, and after a reconnect the venue does not say where it continues, so
//! every item is checked by its own id. Not here: the treatment of an item.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use model::{event::TradeId, time::Timestamp};

use crate::session::ConnectionId;

/// Verdict on an item's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Novelty {
    /// New; `is_gap` if items before it are missing.
    New { is_gap: bool },
    /// New, but later ones arrived first.
    Late,
    /// Seen before.
    Seen,
}

/// Remembers ids that rise by one, including missing ones, so that a late item can be distinguished from a repeated
/// one.
#[derive(Clone, Debug, Default)]
pub(crate) struct TradeIds {
    last: Option<u64>,
    /// Missing ids below `last`, as ranges that do not touch.
    missing: BTreeMap<u64, u64>,
}

impl TradeIds {
    /// Returns true once an item was seen.
    pub(crate) fn has_any(&self) -> bool {
        self.last.is_some()
    }

    /// Checks the items `first..=last`, which arrive as one.
    pub(crate) fn see(&mut self, first: u64, last: u64) -> Novelty {
        match self.last {
            None => {
                self.last = Some(last);
                // All history is before the first one; an item from it was not seen.
                if let Some(before) = first.checked_sub(1) {
                    self.missing.insert(0, before);
                }
                Novelty::New { is_gap: false }
            }
            Some(known) if last > known => {
                let is_gap = first > known.saturating_add(1);
                if is_gap {
                    self.missing.insert(known + 1, first - 1);
                    if self.missing.len() > MISSING_RANGES {
                        self.missing.pop_first();
                    }
                }
                self.last = Some(last);
                Novelty::New { is_gap }
            }
            Some(_) => self.fill(first, last),
        }
    }

    fn fill(&mut self, first: u64, last: u64) -> Novelty {
        let Some((start, end)) = self.missing.range(..=first).next_back().map(|(start, end)| (*start, *end)) else {
            return Novelty::Seen;
        };
        if last > end {
            return Novelty::Seen;
        }
        self.missing.remove(&start);
        if start < first {
            self.missing.insert(start, first - 1);
        }
        if last < end {
            self.missing.insert(last + 1, end);
        }
        Novelty::Late
    }
}

/// Remembers trades whose ids are texts; numeric ids rise by one, so that missing ones are detected.
#[derive(Debug, Default)]
pub(crate) struct TextTradeIds {
    numbers: TradeIds,
    texts: VecDeque<Arc<str>>,
}

impl TextTradeIds {
    /// Returns true once a trade was seen.
    pub(crate) fn has_any(&self) -> bool {
        self.numbers.has_any() || !self.texts.is_empty()
    }

    /// Checks a trade by its id.
    pub(crate) fn see(&mut self, text: &str) -> (TradeId, Novelty) {
        match number(text) {
            Some(number) => (TradeId::Sequence(number), self.numbers.see(number, number)),
            None => self.see_text(text),
        }
    }

    /// Notes a trade from before anything was followed: neither it nor any older one counts as new from now on.
    pub(crate) fn pass_over(&mut self, text: &str) {
        match number(text) {
            Some(number) => drop(self.numbers.see(0, number)),
            None => drop(self.see_text(text)),
        }
    }

    fn see_text(&mut self, text: &str) -> (TradeId, Novelty) {
        if let Some(known) = self.texts.iter().rev().find(|known| known.as_ref() == text) {
            return (TradeId::Text(known.clone()), Novelty::Seen);
        }
        if self.texts.len() >= TEXTS_KEPT {
            self.texts.pop_front();
        }
        let text: Arc<str> = text.into();
        self.texts.push_back(text.clone());
        (TradeId::Text(text), Novelty::New { is_gap: false })
    }
}

/// Ids or times that rise, where only the newest item matters.
#[derive(Clone, Debug, Default)]
pub(crate) struct RisingIds {
    last: Option<(u64, ConnectionId)>,
    n_refused: u32,
}

impl RisingIds {
    /// Checks an item. `Late` items must not be used: a newer one has replaced them.
    pub(crate) fn see(&mut self, id: u64, connection: ConnectionId) -> Novelty {
        let novelty = match self.last {
            Some((last, _)) if id == last => Novelty::Seen,
            // The other connection of a roll-over lags: its items were already received on this one.
            Some((last, on)) if id < last && on != connection => Novelty::Seen,
            Some((last, _)) if id < last => Novelty::Late,
            Some(_) | None => Novelty::New { is_gap: false },
        };
        if matches!(novelty, Novelty::New { .. }) {
            self.n_refused = 0;
        } else {
            self.n_refused += 1;
            if self.n_refused < REFUSED_IN_A_ROW {
                return novelty;
            }
            // One absurd id must not block the stream forever.
            self.n_refused = 0;
        }
        self.last = Some((id, connection));
        Novelty::New { is_gap: false }
    }

    /// Checks an item by its time.
    pub(crate) fn see_time(&mut self, time: Timestamp, connection: ConnectionId) -> Novelty {
        self.see(u64::try_from(time.as_nanos()).unwrap_or(0), connection)
    }
}

/// Returns the number if the text is exactly its decimal form.
fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

/// Missing ranges remembered; beyond that the oldest is forgotten, and its items count as seen.
const MISSING_RANGES: usize = 64;
/// This many consecutive refused items are accepted after all.
const REFUSED_IN_A_ROW: u32 = 200;
/// Non-numeric ids remembered for comparison: twenty snapshots of trades.
const TEXTS_KEPT: usize = 1_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEW: Novelty = Novelty::New { is_gap: false };
    const GAP: Novelty = Novelty::New { is_gap: true };

    #[test]
    fn late_trades_are_told_from_repeated_ones() {
        let mut ids = TradeIds::default();
        for (id, expected) in [
            (100, NEW),
            (101, NEW),
            (101, Novelty::Seen),
            (105, GAP),
            (103, Novelty::Late),
            (103, Novelty::Seen),
            (102, Novelty::Late),
            (104, Novelty::Late),
            (104, Novelty::Seen),
            (99, Novelty::Late),
            (99, Novelty::Seen),
            (106, NEW),
            (u64::MAX, GAP),
            (107, Novelty::Late),
            (108, Novelty::Late),
        ] {
            assert_eq!(ids.see(id, id), expected, "{id}");
        }
    }

    proptest! {
        #[test]
        fn every_trade_is_taken_exactly_once(order in Just((1_000_u64..1_060).collect::<Vec<_>>()).prop_shuffle(), repeats in prop::collection::vec(0_usize..60, 0..60)) {
            let mut ids = TradeIds::default();
            let mut taken = BTreeMap::<u64, u32>::new();
            for id in order.iter().copied().chain(repeats.iter().map(|idx| order[*idx])) {
                if ids.see(id, id) != Novelty::Seen {
                    *taken.entry(id).or_default() += 1;
                }
            }
            prop_assert_eq!(taken.len(), 60);
            prop_assert!(taken.values().all(|n| *n == 1));
        }
    }

    #[test]
    fn newest_wins_and_an_absurd_id_does_not_last() {
        let (one, two) = (ConnectionId(1), ConnectionId(2));
        let mut ids = RisingIds::default();
        assert_eq!(
            [ids.see(5, one), ids.see(5, one), ids.see(4, one), ids.see(4, two)],
            [NEW, Novelty::Seen, Novelty::Late, Novelty::Seen]
        );
        assert_eq!(ids.see(u64::MAX, one), NEW);
        let n_refused = (0..1_000).take_while(|id| ids.see(6 + id, one) != NEW).count();
        assert_eq!(n_refused, REFUSED_IN_A_ROW as usize - 1);
        assert_eq!(ids.see(5_000, one), NEW);
    }

    #[test]
    fn numbers_tell_gaps_and_texts_tell_repeats() {
        let mut prints = TextTradeIds::default();
        assert!(!prints.has_any());
        for (id, expected) in [
            ("7", NEW),
            ("8", NEW),
            ("8", Novelty::Seen),
            ("10", Novelty::New { is_gap: true }),
            ("9", Novelty::Late),
            ("x-1", NEW),
            ("x-1", Novelty::Seen),
            ("010", NEW),
            ("", NEW),
            ("", Novelty::Seen),
            ("99999999999999999999999", NEW),
            ("+11", NEW),
        ] {
            let (found, novelty) = prints.see(id);
            assert_eq!((found.to_string().as_str(), novelty), (id, expected), "{id}");
        }
        for number in 0..2 * TEXTS_KEPT {
            prints.see(&format!("t{number}"));
        }
        assert_eq!(prints.texts.len(), TEXTS_KEPT);
    }

    #[test]
    fn what_was_passed_over_and_what_is_older_is_no_news() {
        let mut prints = TextTradeIds::default();
        for id in ["5", "6", "9"] {
            prints.pass_over(id);
        }
        for (id, expected) in [("4", Novelty::Seen), ("9", Novelty::Seen), ("10", NEW)] {
            assert_eq!(prints.see(id).1, expected, "{id}");
        }
    }
}
