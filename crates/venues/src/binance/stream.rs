//! What is kept for one symbol beside its book: which ids were seen, and when a snapshot may be asked for.
//!
//! Two connections overlap during a roll-over and after a reconnect nothing says where the venue goes on, so every item
//! is judged by its own id. Not here: the book's rules ([`super::book`]), events ([`super::session`]).

use std::{collections::BTreeMap, sync::Arc};

use model::{
    candle::Interval,
    instrument::{Instrument, InstrumentId},
    time::{Monotonic, Timestamp},
};

use crate::{
    binance::{
        book::BinanceBook,
        limits::{SNAPSHOT_CALM, SNAPSHOT_FIRST_RETRY, SNAPSHOT_SPACING},
    },
    session::ConnectionId,
};

/// One symbol.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: InstrumentId,
    pub(super) book: BinanceBook,
    pub(super) instrument: Option<Arc<Instrument>>,
    /// The venue does not know it: nothing is asked for it any more.
    pub(super) is_unknown: bool,
    /// Rises with each lost connection: snapshots asked for before that are worthless.
    pub(super) epoch: u32,
    /// A snapshot of this epoch is queued or under way.
    pub(super) is_snapshot_coming: bool,
    pub(super) pace: SnapshotPace,
    /// Single prints come, so aggregated ones would count twice.
    pub(super) has_single_prints: bool,
    pub(super) trade_ids: TradeIds,
    pub(super) aggregate_ids: TradeIds,
    pub(super) quote_ids: RisingIds,
    pub(super) day_times: RisingIds,
    pub(super) ticker_times: RisingIds,
    pub(super) bar_times: BTreeMap<Interval, RisingIds>,
}

impl Stream {
    /// Nothing is known of it yet.
    pub(super) fn new(id: InstrumentId) -> Self {
        Self {
            id,
            book: BinanceBook::default(),
            instrument: None,
            is_unknown: false,
            epoch: 0,
            is_snapshot_coming: false,
            pace: SnapshotPace::default(),
            has_single_prints: false,
            trade_ids: TradeIds::default(),
            aggregate_ids: TradeIds::default(),
            quote_ids: RisingIds::default(),
            day_times: RisingIds::default(),
            ticker_times: RisingIds::default(),
            bar_times: BTreeMap::new(),
        }
    }
}

/// What an item's id says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Novelty {
    /// New; `is_gap` where items before it are missing.
    New { is_gap: bool },
    /// New, but later ones came first.
    Late,
    /// Seen before.
    Seen,
}

/// Which of a series of ids that rise by one were seen. Remembers what is missing, so that a late item is told from a
/// repeated one.
#[derive(Clone, Debug, Default)]
pub(super) struct TradeIds {
    last: Option<u64>,
    /// Missing ids below `last`, as ranges that do not touch.
    missing: BTreeMap<u64, u64>,
}

impl TradeIds {
    /// True once an item was seen.
    pub(super) fn has_any(&self) -> bool {
        self.last.is_some()
    }

    /// Judges the items `first..=last`, which come as one.
    pub(super) fn see(&mut self, first: u64, last: u64) -> Novelty {
        match self.last {
            None => {
                self.last = Some(last);
                // Before the first one lies all history; an item out of it was not seen.
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

/// Ids or times that rise, where only the newest item matters.
#[derive(Clone, Debug, Default)]
pub(super) struct RisingIds {
    last: Option<(u64, ConnectionId)>,
    n_refused: u32,
}

impl RisingIds {
    /// Judges an item. `Late` items are not to be used: a newer one has replaced them.
    pub(super) fn see(&mut self, id: u64, connection: ConnectionId) -> Novelty {
        let novelty = match self.last {
            Some((last, _)) if id == last => Novelty::Seen,
            // The other connection of a roll-over lags: its items were seen on this one.
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
            // One absurd id must not shut the stream out for ever.
            self.n_refused = 0;
        }
        self.last = Some((id, connection));
        Novelty::New { is_gap: false }
    }

    /// Judges an item by its time.
    pub(super) fn see_time(&mut self, time: Timestamp, connection: ConnectionId) -> Novelty {
        self.see(u64::try_from(time.as_nanos()).unwrap_or(0), connection)
    }
}

/// When the next snapshot of a symbol may be asked for: at once, then once after a second, then every five.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SnapshotPace {
    last: Option<Monotonic>,
    is_quick_retry_used: bool,
}

impl SnapshotPace {
    /// Not before this.
    pub(super) fn earliest(&self, now: Monotonic) -> Monotonic {
        match self.last {
            None => now,
            Some(last) if self.is_quick_retry_used => now.max(last + SNAPSHOT_SPACING),
            Some(last) => now.max(last + SNAPSHOT_FIRST_RETRY),
        }
    }

    /// One goes out.
    pub(super) fn asked(&mut self, now: Monotonic) {
        let since_last = self.last.map(|last| now.saturating_since(last));
        self.is_quick_retry_used = since_last.is_some_and(|span| span < SNAPSHOT_CALM);
        self.last = Some(now);
    }
}

/// Missing ranges that are remembered; of more than that the oldest is forgotten, its items count as seen then.
const MISSING_RANGES: usize = 64;
/// So many refused items in a row, without one accepted, are believed after all.
const REFUSED_IN_A_ROW: u32 = 200;

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
    fn snapshots_keep_their_distance() {
        let at = |millis| Monotonic::from_zero(Duration::from_millis(millis));
        let mut pace = SnapshotPace::default();
        let mut asked = Vec::new();
        let mut now = at(0);
        for _ in 0..4 {
            now = pace.earliest(now);
            pace.asked(now);
            asked.push(now);
        }
        assert_eq!(asked, [at(0), at(1_000), at(6_000), at(11_000)]);
        assert_eq!(pace.earliest(at(60_000)), at(60_000));
        pace.asked(at(60_000));
        assert_eq!(pace.earliest(at(60_100)), at(61_000));
    }
}
