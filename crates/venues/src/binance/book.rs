//! The venue's local book procedure as a state machine: buffer, snapshot, join, apply, and doubt.
//!
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md>, "How to manage a local
//! order book correctly". If recordings differ from that text, they win: the first change kept usually starts at
//! `lastUpdateId + 1`. Not here: the cross-check ([`super::quote_check`]), when a snapshot may be requested
//! ([`super::protocol`]), storage of levels ([`model::book`]).

use std::collections::VecDeque;

use model::{
    event::{Level, Quote},
    proof::{BookState, TrackedBook},
    time::{Monotonic, Now, Timestamp},
};

use crate::{
    binance::{BOOK_ROWS, BUFFERED_DIFFS, BUFFERED_LEVELS, OLD_IN_A_ROW, quote_check::QuoteCheck},
    kit::protocol::CROSSED_TOLERANCE,
};

/// One change of the book, `first_id..=final_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diff {
    pub(super) first_id: u64,
    pub(super) final_id: u64,
    pub(super) event_time: Timestamp,
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
}

/// The result of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DiffOutcome {
    /// Kept until the snapshot arrives.
    Buffered,
    /// Entirely older than the expected snapshot, as usual.
    Stale,
    /// Seen before.
    Duplicate,
    /// Applied; the levels are returned.
    Applied { bids: Vec<Level>, asks: Vec<Level> },
    /// Changes are missing before it, or the snapshot was too old. The book is suspect; the change starts a new buffer.
    Gap,
    /// Applied, or old, and the book now contradicts itself. It is suspect.
    Contradiction,
}

/// The result of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotOutcome {
    /// The book is live.
    Joined,
    /// The buffered changes begin after it: another snapshot is needed.
    TooOld,
    /// No snapshot is expected.
    Unwanted,
}

/// The state of a book except its levels, which [`TrackedBook`] holds.
#[derive(Clone, Debug, Default)]
pub(super) struct BinanceBook {
    phase: Phase,
    quotes: QuoteCheck,
    crossed_since: Option<Monotonic>,
    n_old_in_a_row: u32,
    has_had_snapshot: bool,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Waits for a snapshot.
    Collecting { buffer: VecDeque<Diff>, n_levels: usize },
    /// `is_joined`: a change has been applied since the snapshot; until then old changes are not duplicates.
    /// `last_seen`: the end of the last change, applied or not.
    Following { is_joined: bool, last_seen: Option<u64> },
    /// The stream sends the best levels in full: no sequence, no snapshot.
    Replaced,
}

impl Default for Phase {
    fn default() -> Self {
        Self::Collecting { buffer: VecDeque::new(), n_levels: 0 }
    }
}

impl BinanceBook {
    /// Returns true if the book cannot continue without a snapshot.
    pub(super) fn needs_snapshot(&self) -> bool {
        matches!(self.phase, Phase::Collecting { .. })
    }

    /// Returns since when the book has been crossed.
    pub(super) fn crossed_since(&self) -> Option<Monotonic> {
        self.crossed_since
    }

    /// Discards the book after its connection is lost.
    pub(super) fn discard(&mut self, tracked: &mut TrackedBook) {
        if tracked.state != BookState::Empty {
            self.start_over(tracked, BookState::Buffering);
            tracked.book.clear();
            tracked.last_update_id = None;
        }
        self.quotes.clear();
    }

    /// Notes that a snapshot was requested.
    pub(super) fn asked(&self, tracked: &mut TrackedBook) {
        match tracked.state {
            BookState::Empty => tracked.state = BookState::Buffering,
            BookState::Suspect => tracked.state = BookState::Resyncing,
            BookState::Buffering
            | BookState::Live
            | BookState::Resyncing
            | BookState::Unverified
            | BookState::Polled => {}
        }
    }

    /// Processes a change.
    pub(super) fn on_diff(&mut self, tracked: &mut TrackedBook, diff: Diff, now: Now) -> DiffOutcome {
        match &mut self.phase {
            Phase::Collecting { .. } => self.collect(tracked, diff),
            Phase::Replaced => {
                // The full stream is followed as well, and is better.
                self.start_over(tracked, BookState::Buffering);
                self.collect(tracked, diff)
            }
            Phase::Following { is_joined, last_seen } => {
                let last_id = tracked.last_update_id.unwrap_or(0);
                let seen_before = last_seen.replace(diff.final_id);
                if diff.final_id <= last_id {
                    let outcome = if *is_joined { DiffOutcome::Duplicate } else { DiffOutcome::Stale };
                    return self.on_old(tracked, outcome);
                }
                if diff.first_id > last_id.saturating_add(1) {
                    // Nothing of the stream can be missing before its first change: the snapshot is too old.
                    tracked.counters.gaps += u64::from(seen_before.is_some());
                    self.doubt(tracked);
                    self.collect(tracked, diff);
                    return DiffOutcome::Gap;
                }
                *is_joined = true;
                self.n_old_in_a_row = 0;
                self.apply(tracked, &diff, now);
                if self.is_crossed_for_too_long(now.monotonic) {
                    self.doubt(tracked);
                    return DiffOutcome::Contradiction;
                }
                DiffOutcome::Applied { bids: diff.bids, asks: diff.asks }
            }
        }
    }

    /// Processes a snapshot and joins the buffered changes to it.
    pub(super) fn on_snapshot(
        &mut self,
        tracked: &mut TrackedBook,
        last_id: u64,
        levels: (&[Level], &[Level]),
        now: Now,
    ) -> SnapshotOutcome {
        let Phase::Collecting { buffer, n_levels } = &mut self.phase else { return SnapshotOutcome::Unwanted };
        let last_seen = buffer.back().map(|diff| diff.final_id);
        while let Some(stale) = buffer.pop_front_if(|diff| diff.final_id <= last_id) {
            *n_levels -= stale.bids.len() + stale.asks.len();
        }
        if buffer.front().is_some_and(|diff| diff.first_id > last_id.saturating_add(1)) {
            return SnapshotOutcome::TooOld;
        }
        let kept = std::mem::take(buffer);
        self.phase = Phase::Following { is_joined: !kept.is_empty(), last_seen };
        self.has_had_snapshot = true;
        self.crossed_since = None;
        self.n_old_in_a_row = 0;
        tracked.book.apply_snapshot(levels.0, levels.1);
        tracked.state = BookState::Live;
        tracked.last_update_id = Some(last_id);
        tracked.event_time = None;
        tracked.receive_time = Some(now.wall);
        // The buffer has no gaps (see `collect`), so its first change decides for all.
        for diff in &kept {
            self.apply(tracked, diff, now);
        }
        if kept.is_empty() {
            self.note_crossed(tracked, now.monotonic);
        }
        SnapshotOutcome::Joined
    }

    /// Processes the best levels in full; ignored if the full book is followed. Returns whether the book was replaced.
    pub(super) fn on_best_levels(
        &mut self,
        tracked: &mut TrackedBook,
        last_id: u64,
        levels: (&[Level], &[Level]),
        now: Now,
    ) -> bool {
        match &self.phase {
            Phase::Collecting { buffer, .. } if buffer.is_empty() && !self.has_had_snapshot => {}
            Phase::Replaced if tracked.last_update_id.is_none_or(|known| known < last_id) => {}
            Phase::Collecting { .. } | Phase::Following { .. } | Phase::Replaced => return false,
        }
        self.phase = Phase::Replaced;
        tracked.book.apply_snapshot(levels.0, levels.1);
        tracked.state = BookState::Live;
        tracked.last_update_id = Some(last_id);
        tracked.receive_time = Some(now.wall);
        tracked.counters.updates += 1;
        true
    }

    /// Keeps a best bid and ask for the comparison. Ids rise from call to call.
    pub(super) fn on_quote(&mut self, update_id: u64, quote: Quote) {
        self.quotes.keep(update_id, quote);
    }

    /// Checks whether the book has been crossed for too long; makes it suspect if so.
    pub(super) fn on_timeout(&mut self, tracked: &mut TrackedBook, now: Monotonic) -> bool {
        let is_contradicted = tracked.state == BookState::Live && self.is_crossed_for_too_long(now);
        if is_contradicted {
            self.doubt(tracked);
        }
        is_contradicted
    }

    fn collect(&mut self, tracked: &mut TrackedBook, diff: Diff) -> DiffOutcome {
        let Phase::Collecting { buffer, n_levels } = &mut self.phase else { return DiffOutcome::Buffered };
        if tracked.state == BookState::Empty {
            tracked.state = BookState::Buffering;
        }
        let mut outcome = DiffOutcome::Buffered;
        if let Some(last) = buffer.back() {
            if diff.final_id <= last.final_id {
                return DiffOutcome::Duplicate;
            }
            if diff.first_id > last.final_id.saturating_add(1) {
                // The buffered changes are useless now.
                buffer.clear();
                *n_levels = 0;
                tracked.counters.gaps += 1;
                outcome = DiffOutcome::Gap;
            }
        }
        let n_new = diff.bids.len() + diff.asks.len();
        if buffer.len() >= BUFFERED_DIFFS || *n_levels + n_new > BUFFERED_LEVELS {
            // Full: restart with this one; a later snapshot will join it.
            buffer.clear();
            *n_levels = 0;
        }
        *n_levels += n_new;
        buffer.push_back(diff);
        outcome
    }

    fn on_old(&mut self, tracked: &mut TrackedBook, outcome: DiffOutcome) -> DiffOutcome {
        if outcome == DiffOutcome::Duplicate {
            tracked.counters.duplicates += 1;
        }
        self.n_old_in_a_row += 1;
        if self.n_old_in_a_row >= OLD_IN_A_ROW {
            self.doubt(tracked);
            return DiffOutcome::Contradiction;
        }
        outcome
    }

    fn apply(&mut self, tracked: &mut TrackedBook, diff: &Diff, now: Now) {
        tracked.book.apply_delta(&diff.bids, &diff.asks);
        if tracked.book.n_bids().max(tracked.book.n_asks()) > BOOK_ROWS {
            tracked.book.truncate(BOOK_ROWS);
        }
        tracked.last_update_id = Some(diff.final_id);
        tracked.event_time = Some(diff.event_time);
        tracked.receive_time = Some(now.wall);
        tracked.counters.updates += 1;
        self.quotes.compare(tracked, diff.final_id);
        self.note_crossed(tracked, now.monotonic);
    }

    fn note_crossed(&mut self, tracked: &mut TrackedBook, now: Monotonic) {
        if tracked.book.is_crossed() {
            tracked.counters.crossed += 1;
            self.crossed_since.get_or_insert(now);
        } else {
            self.crossed_since = None;
        }
    }

    fn is_crossed_for_too_long(&self, now: Monotonic) -> bool {
        self.crossed_since.is_some_and(|since| now.saturating_since(since) > CROSSED_TOLERANCE)
    }

    fn doubt(&mut self, tracked: &mut TrackedBook) {
        self.start_over(tracked, BookState::Suspect);
    }

    fn start_over(&mut self, tracked: &mut TrackedBook, state: BookState) {
        if self.has_had_snapshot && !self.needs_snapshot() {
            tracked.counters.resyncs += 1;
        }
        self.phase = Phase::default();
        self.crossed_since = None;
        self.n_old_in_a_row = 0;
        tracked.state = state;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::decimal::{Price, Quantity};

    use super::*;

    fn level(price: &str, quantity: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse(quantity).unwrap() }
    }

    fn at(millis: u64) -> Now {
        Now { monotonic: Monotonic::from_zero(Duration::from_millis(millis)), wall: Timestamp::EPOCH }
    }

    fn diff(first_id: u64, final_id: u64, bids: &[(&str, &str)], asks: &[(&str, &str)]) -> Diff {
        let rows = |rows: &[(&str, &str)]| rows.iter().map(|(price, quantity)| level(price, quantity)).collect();
        Diff { first_id, final_id, event_time: Timestamp::EPOCH, bids: rows(bids), asks: rows(asks) }
    }

    #[derive(Default)]
    struct Bench {
        book: BinanceBook,
        tracked: TrackedBook,
    }

    impl Bench {
        fn diff(&mut self, first_id: u64, final_id: u64) -> &'static str {
            self.name(diff(first_id, final_id, &[("1.0", "5")], &[]), 0)
        }

        fn name(&mut self, diff: Diff, millis: u64) -> &'static str {
            match self.book.on_diff(&mut self.tracked, diff, at(millis)) {
                DiffOutcome::Buffered => "buffered",
                DiffOutcome::Stale => "stale",
                DiffOutcome::Duplicate => "duplicate",
                DiffOutcome::Applied { .. } => "applied",
                DiffOutcome::Gap => "gap",
                DiffOutcome::Contradiction => "contradiction",
            }
        }

        fn snapshot(&mut self, last_id: u64) -> SnapshotOutcome {
            let (bids, asks) = ([level("1.0", "1"), level("0.9", "2")], [level("1.1", "3")]);
            self.book.on_snapshot(&mut self.tracked, last_id, (&bids, &asks), at(0))
        }
    }

    #[test]
    fn the_first_change_may_span_or_follow_the_snapshot() {
        #[track_caller]
        fn check(buffered: &[(u64, u64)], last_id: u64, expected: SnapshotOutcome, expected_id: Option<u64>) {
            let mut bench = Bench::default();
            for (first_id, final_id) in buffered {
                assert_eq!(bench.diff(*first_id, *final_id), "buffered");
            }
            assert_eq!(bench.snapshot(last_id), expected, "{buffered:?} {last_id}");
            assert_eq!(bench.tracked.last_update_id, expected_id, "{buffered:?} {last_id}");
            assert_eq!(bench.tracked.state == BookState::Live, expected == SnapshotOutcome::Joined);
        }
        check(&[(5, 9), (10, 12)], 9, SnapshotOutcome::Joined, Some(12));
        check(&[(5, 9), (10, 12)], 8, SnapshotOutcome::Joined, Some(12));
        check(&[(5, 9), (10, 12)], 4, SnapshotOutcome::Joined, Some(12));
        check(&[(5, 9), (10, 12)], 3, SnapshotOutcome::TooOld, None);
        check(&[(5, 9), (10, 12)], 12, SnapshotOutcome::Joined, Some(12));
        check(&[(5, 9), (10, 12)], 100, SnapshotOutcome::Joined, Some(100));
        check(&[], 7, SnapshotOutcome::Joined, Some(7));
    }

    impl Bench {
        fn live(last_id: u64) -> Self {
            let mut bench = Self::default();
            assert_eq!(bench.snapshot(last_id), SnapshotOutcome::Joined);
            bench
        }
    }

    #[test]
    fn old_changes_before_the_join_are_no_duplicates() {
        let mut bench = Bench::live(10);
        assert_eq!([bench.diff(5, 9), bench.diff(10, 10), bench.diff(9, 11)], ["stale", "stale", "applied"]);
        assert_eq!([bench.diff(9, 11), bench.diff(12, 12)], ["duplicate", "applied"]);
        assert_eq!((bench.tracked.counters.duplicates, bench.tracked.counters.gaps), (1, 0));
        assert_eq!(bench.tracked.counters.updates, 2);
    }

    #[test]
    fn a_gap_ends_trust_at_once_and_the_next_snapshot_restores_it() {
        let mut bench = Bench::live(10);
        assert_eq!([bench.diff(11, 11), bench.diff(13, 14)], ["applied", "gap"]);
        assert_eq!(
            (bench.tracked.state, bench.tracked.counters.gaps, bench.tracked.counters.resyncs),
            (BookState::Suspect, 1, 1)
        );
        assert_eq!(bench.diff(15, 15), "buffered");
        bench.book.asked(&mut bench.tracked);
        assert_eq!(bench.tracked.state, BookState::Resyncing);
        assert_eq!(bench.snapshot(11), SnapshotOutcome::TooOld);
        assert_eq!(bench.tracked.state, BookState::Resyncing);
        assert_eq!(bench.snapshot(12), SnapshotOutcome::Joined);
        assert_eq!((bench.tracked.state, bench.tracked.last_update_id), (BookState::Live, Some(15)));
        assert_eq!(bench.tracked.counters.resyncs, 1);
        assert_eq!(bench.snapshot(16), SnapshotOutcome::Unwanted);
    }

    #[test]
    fn a_snapshot_older_than_the_stream_is_no_gap_of_the_stream() {
        let mut bench = Bench::live(10);
        assert_eq!(bench.diff(15, 16), "gap");
        assert_eq!((bench.tracked.state, bench.tracked.counters.gaps), (BookState::Suspect, 0));

        let mut bench = Bench::live(10);
        assert_eq!([bench.diff(8, 9), bench.diff(12, 13)], ["stale", "gap"]);
        assert_eq!(bench.tracked.counters.gaps, 1);

        let mut bench = Bench::default();
        assert_eq!([bench.diff(8, 9), bench.diff(10, 10)], ["buffered", "buffered"]);
        assert_eq!((bench.snapshot(10), bench.diff(12, 13)), (SnapshotOutcome::Joined, "gap"));
        assert_eq!(bench.tracked.counters.gaps, 1);
    }

    #[test]
    fn a_gap_in_the_buffer_drops_what_came_before_it() {
        let mut bench = Bench::default();
        assert_eq!([bench.diff(5, 9), bench.diff(12, 13), bench.diff(12, 13)], ["buffered", "gap", "duplicate"]);
        assert_eq!(bench.snapshot(9), SnapshotOutcome::TooOld);
        assert_eq!(bench.snapshot(11), SnapshotOutcome::Joined);
        assert_eq!(bench.tracked.last_update_id, Some(13));
    }

    #[test]
    fn the_buffer_is_bounded() {
        let mut bench = Bench::default();
        for id in 1..=(BUFFERED_DIFFS as u64 + 10) {
            assert_eq!(bench.diff(id, id), "buffered");
        }
        let Phase::Collecting { buffer, n_levels } = &bench.book.phase else { panic!("collecting") };
        assert_eq!((buffer.len(), *n_levels), (10, 10));
        assert_eq!(bench.snapshot(5), SnapshotOutcome::TooOld);
        assert_eq!(bench.snapshot(BUFFERED_DIFFS as u64), SnapshotOutcome::Joined);
    }

    #[test]
    fn crossed_for_half_a_second_is_a_contradiction() {
        let mut bench = Bench::live(10);
        assert_eq!(bench.name(diff(11, 11, &[("1.2", "1")], &[]), 1_000), "applied");
        assert_eq!(bench.name(diff(12, 12, &[("1.2", "0")], &[]), 1_400), "applied");
        assert_eq!(bench.name(diff(13, 13, &[("1.1", "1")], &[]), 1_450), "applied");
        assert_eq!(bench.name(diff(14, 14, &[], &[]), 1_950), "applied");
        assert_eq!(bench.name(diff(15, 15, &[], &[]), 1_951), "contradiction");
        assert_eq!((bench.tracked.state, bench.tracked.counters.crossed), (BookState::Suspect, 4));

        let mut bench = Bench::live(10);
        assert_eq!(bench.name(diff(11, 11, &[("1.2", "1")], &[]), 0), "applied");
        assert!(!bench.book.on_timeout(&mut bench.tracked, at(500).monotonic));
        assert!(bench.book.on_timeout(&mut bench.tracked, at(501).monotonic));
        assert!(!bench.book.on_timeout(&mut bench.tracked, at(9_999).monotonic));
        assert_eq!(bench.tracked.state, BookState::Suspect);
    }

    #[test]
    fn a_position_from_nowhere_is_left_again() {
        let mut bench = Bench::live(10);
        assert_eq!(bench.diff(11, u64::MAX), "applied");
        let mut outcome = "";
        for id in 12..(12 + u64::from(OLD_IN_A_ROW)) {
            outcome = bench.diff(id, id);
        }
        assert_eq!((outcome, bench.tracked.state), ("contradiction", BookState::Suspect));
        assert!(bench.book.needs_snapshot());
    }

    #[test]
    fn best_levels_make_a_book_only_where_there_is_no_full_one() {
        let (bids, asks) = ([level("1.0", "1")], [level("1.1", "3")]);
        let mut bench = Bench::default();
        assert!(bench.book.on_best_levels(&mut bench.tracked, 5, (&bids, &asks), at(0)));
        assert!(!bench.book.on_best_levels(&mut bench.tracked, 5, (&bids, &asks), at(0)));
        assert!(!bench.book.needs_snapshot());
        assert_eq!(bench.diff(6, 7), "buffered");
        assert!(!bench.book.on_best_levels(&mut bench.tracked, 8, (&bids, &asks), at(0)));
        assert_eq!(bench.snapshot(6), SnapshotOutcome::Joined);
        assert!(!bench.book.on_best_levels(&mut bench.tracked, 9, (&bids, &asks), at(0)));
    }

    #[test]
    fn a_lost_connection_discards_the_book() {
        let mut bench = Bench::live(10);
        bench.book.discard(&mut bench.tracked);
        assert_eq!((bench.tracked.state, bench.tracked.book.n_bids()), (BookState::Buffering, 0));
        assert_eq!(bench.diff(20, 21), "buffered");
        assert_eq!(bench.snapshot(19), SnapshotOutcome::Joined);
        assert_eq!((bench.tracked.last_update_id, bench.tracked.counters.gaps), (Some(21), 0));
    }
}
