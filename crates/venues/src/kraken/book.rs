//! The venue's book procedure as a state machine: snapshot, apply in order, cut to the subscribed depth, checksum,
//! doubt.
//!
//! Source: <https://docs.kraken.com/api/docs/guides/spot-ws-book-v2>. There are no sequence numbers: the checksum over
//! the best ten levels a side, which comes with the snapshot and with every change, is the proof. The venue never
//! removes levels that are pushed beyond the depth, so keeping them would show them again when the book gets thin.
//! Nothing proves levels beyond the tenth. A contradicted book is worthless until it is subscribed again; if that does
//! not help, it is kept and flagged as unverified, instead of requesting snapshots forever. Not here: the checksum
//! itself ([`super::proof`]), when a subscription may be sent ([`super::protocol`]), storage of levels
//! ([`model::book`]).

use std::time::Duration;

use model::{
    event::{Level, Quote},
    proof::{BookState, Checksum, TrackedBook},
    time::{Monotonic, Now, Timestamp},
};

use crate::{
    kit::protocol::CROSSED_TOLERANCE,
    kraken::{
        FAILURES_TO_STOP, FAILURES_WINDOW, FROZEN_TOLERANCE, RECHECK_AFTER,
        proof::{ChangedSides, Checksums, QuoteCheck},
    },
};

/// A whole book or a change of it, as the venue sent it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub(super) bids: &'a [Level],
    pub(super) asks: &'a [Level],
    pub(super) checksum: u32,
    pub(super) event_time: Option<Timestamp>,
}

/// The result of a snapshot or a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It belongs to no known snapshot.
    Ignored,
    /// Applied; the book is served, though perhaps flagged.
    Applied,
    /// It contradicts the book, or the book contradicts itself. The book is suspect.
    Doubted,
}

/// The state of a book except its levels, which [`TrackedBook`] holds.
#[derive(Clone, Debug, Default)]
pub(super) struct KrakenBook {
    /// True if a snapshot has arrived since the last subscription, and changes are applied to it.
    is_following: bool,
    /// Subscribed rows a side.
    depth: Option<usize>,
    has_had_snapshot: bool,
    crossed_since: Option<Monotonic>,
    quotes: QuoteCheck,
    checksums: Checksums,
    /// Times of contradictions, the oldest first; no more than [`FAILURES_TO_STOP`].
    failures: Vec<Monotonic>,
    /// Time at which an unverified book must be subscribed again.
    recheck_at: Option<Monotonic>,
}

impl KrakenBook {
    /// Adopts the subscribed depth, in rows a side. An impossible depth is ignored.
    pub(super) fn set_depth(&mut self, depth: usize) {
        if DEPTHS.contains(&depth) {
            self.depth = Some(depth);
        }
    }

    /// Returns the rows kept a side; `None` before the first snapshot.
    pub(super) fn depth(&self) -> Option<usize> {
        self.depth
    }

    /// Returns true if changes can be applied: a snapshot has arrived since the last subscription.
    pub(super) fn is_following(&self) -> bool {
        self.is_following && self.depth.is_some()
    }

    /// Returns true if the book cannot continue without a new subscription.
    pub(super) fn needs_snapshot(&self, now: Monotonic) -> bool {
        !self.is_following || self.recheck_at.is_some_and(|at| at <= now)
    }

    /// Returns when [`Self::on_timeout`] is due, or [`Self::needs_snapshot`] will be true.
    pub(super) fn deadline(&self) -> Option<Monotonic> {
        if !self.is_following {
            return None;
        }
        let crossed_at = self.crossed_since.map(|since| since + CROSSED_TOLERANCE + Duration::from_millis(1));
        let frozen_at = self.quotes.doubted_since().map(|since| since + FROZEN_TOLERANCE);
        let doubted_at = [crossed_at, frozen_at].into_iter().flatten().min().filter(|_| self.recheck_at.is_none());
        doubted_at.or(self.recheck_at)
    }

    /// Discards the book after its connection is lost.
    pub(super) fn discard(&mut self, tracked: &mut TrackedBook) {
        if tracked.state != BookState::Empty {
            self.start_over(tracked, BookState::Buffering);
            tracked.book.clear();
        }
    }

    /// Notes a subscription, possibly a repeated one: only data from the next snapshot on counts.
    pub(super) fn asked(&mut self, tracked: &mut TrackedBook) {
        match tracked.state {
            BookState::Empty => tracked.state = BookState::Buffering,
            BookState::Suspect => tracked.state = BookState::Resyncing,
            // Still shown, flagged, until the snapshot arrives.
            BookState::Unverified => self.start_over(tracked, BookState::Unverified),
            BookState::Buffering | BookState::Live | BookState::Resyncing | BookState::Polled => {}
        }
    }

    /// Processes a whole book.
    pub(super) fn on_snapshot(&mut self, tracked: &mut TrackedBook, change: Change<'_>, now: Now) -> Outcome {
        let n_rows = change.bids.len().max(change.asks.len());
        let depth = *self.depth.get_or_insert_with(|| least_depth(n_rows));
        let was_unverified = tracked.state == BookState::Unverified;
        tracked.book.apply_snapshot(change.bids, change.asks);
        tracked.book.truncate(depth);
        self.is_following = true;
        self.has_had_snapshot = true;
        self.crossed_since = None;
        self.quotes = QuoteCheck::default();
        self.recheck_at = None;
        tracked.state = BookState::Live;
        let outcome = self.verify(tracked, change, ChangedSides { bids: true, asks: true }, now);
        if was_unverified {
            match outcome {
                // On probation: the next contradiction stops it at once.
                Outcome::Applied => self.failures = vec![now.monotonic; FAILURES_TO_STOP - 1],
                Outcome::Doubted | Outcome::Ignored => {
                    self.stop(tracked, now.monotonic);
                    return Outcome::Applied;
                }
            }
        }
        outcome
    }

    /// Processes changed levels.
    pub(super) fn on_update(&mut self, tracked: &mut TrackedBook, change: Change<'_>, now: Now) -> Outcome {
        let Some(depth) = self.depth.filter(|_| self.is_following) else { return Outcome::Ignored };
        tracked.book.apply_delta(change.bids, change.asks);
        tracked.book.truncate(depth);
        let changed = ChangedSides { bids: !change.bids.is_empty(), asks: !change.asks.is_empty() };
        self.quotes.on_change(changed.bids, changed.asks);
        tracked.counters.updates += 1;
        self.verify(tracked, change, changed, now)
    }

    /// Processes a best bid and ask.
    pub(super) fn on_quote(&mut self, tracked: &TrackedBook, quote: &Quote, now: Monotonic) {
        if self.is_following {
            self.quotes.on_quote(&tracked.book, quote, now);
        }
    }

    /// Checks whether the book has been crossed, or one side has not moved despite the quotes, for too long.
    pub(super) fn on_timeout(&mut self, tracked: &mut TrackedBook, now: Monotonic) -> Outcome {
        let is_frozen =
            self.quotes.doubted_since().is_some_and(|since| now.saturating_since(since) >= FROZEN_TOLERANCE);
        if tracked.state != BookState::Live || !(is_frozen || self.is_crossed_for_too_long(now)) {
            return Outcome::Ignored;
        }
        self.fail(tracked, now)
    }

    fn verify(&mut self, tracked: &mut TrackedBook, change: Change<'_>, changed: ChangedSides, now: Now) -> Outcome {
        tracked.event_time = change.event_time;
        tracked.receive_time = Some(now.wall);
        let own = self.checksums.of_change(&tracked.book, changed);
        tracked.last_checksum = Some(Checksum { venue: change.checksum, own });
        if tracked.book.is_crossed() {
            tracked.counters.crossed += 1;
            self.crossed_since.get_or_insert(now.monotonic);
        } else {
            self.crossed_since = None;
        }
        if own == change.checksum {
            tracked.counters.checksums_ok += 1;
        } else {
            tracked.counters.checksums_bad += 1;
        }
        let is_contradicted = own != change.checksum || self.is_crossed_for_too_long(now.monotonic);
        if is_contradicted && tracked.state == BookState::Live {
            return self.fail(tracked, now.monotonic);
        }
        Outcome::Applied
    }

    fn is_crossed_for_too_long(&self, now: Monotonic) -> bool {
        self.crossed_since.is_some_and(|since| now.saturating_since(since) > CROSSED_TOLERANCE)
    }

    /// Handles the contradiction of a live book: it becomes suspect or, if that happened too often, kept and flagged.
    fn fail(&mut self, tracked: &mut TrackedBook, now: Monotonic) -> Outcome {
        self.failures.retain(|failed_at| now.saturating_since(*failed_at) < FAILURES_WINDOW);
        self.failures.push(now);
        if self.failures.len() >= FAILURES_TO_STOP {
            self.stop(tracked, now);
            return Outcome::Applied;
        }
        self.start_over(tracked, BookState::Suspect);
        Outcome::Doubted
    }

    fn stop(&mut self, tracked: &mut TrackedBook, now: Monotonic) {
        tracked.state = BookState::Unverified;
        self.failures.clear();
        self.recheck_at = Some(now + RECHECK_AFTER);
    }

    fn start_over(&mut self, tracked: &mut TrackedBook, state: BookState) {
        if self.has_had_snapshot && self.is_following {
            tracked.counters.resyncs += 1;
        }
        self.is_following = false;
        self.crossed_since = None;
        self.quotes = QuoteCheck::default();
        self.recheck_at = None;
        tracked.state = state;
    }
}

/// Returns the least available depth that contains this many rows: for recordings without an acknowledgement.
fn least_depth(n_rows: usize) -> usize {
    DEPTHS.into_iter().find(|depth| n_rows <= *depth).unwrap_or(DEPTHS[DEPTHS.len() - 1])
}

/// Available depths.
const DEPTHS: [usize; 5] = [10, 25, 100, 500, 1_000];

#[cfg(test)]
mod tests {
    use model::{
        book::OrderBook,
        decimal::{Price, Quantity},
    };

    use super::*;
    use crate::kraken::proof;

    fn level(price: &str, quantity: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse(quantity).unwrap() }
    }

    fn at(millis: u64) -> Now {
        Now { monotonic: Monotonic::from_zero(Duration::from_millis(millis)), wall: Timestamp::EPOCH }
    }

    /// A book beside the venue's, which provides the checksums.
    #[derive(Default)]
    struct Bench {
        book: KrakenBook,
        tracked: TrackedBook,
        venue: OrderBook,
        now_ms: u64,
    }

    impl Bench {
        /// Subscribed ten deep and live, with one row a side.
        fn live() -> Self {
            let mut bench = Self::default();
            bench.book.set_depth(10);
            bench.book.asked(&mut bench.tracked);
            assert_eq!(bench.snapshot(), Outcome::Applied);
            bench
        }

        fn snapshot(&mut self) -> Outcome {
            let (bids, asks) = ([level("1.0", "1"), level("0.9", "2")], [level("1.1", "3")]);
            self.venue.apply_snapshot(&bids, &asks);
            let checksum = proof::checksum_of_book(&self.venue);
            let change = Change { bids: &bids, asks: &asks, checksum, event_time: None };
            self.book.on_snapshot(&mut self.tracked, change, at(self.now_ms))
        }

        /// A change that the venue makes too; `fault` corrupts its checksum.
        fn update(&mut self, bids: &[(&str, &str)], asks: &[(&str, &str)], fault: u32) -> Outcome {
            let rows = |rows: &[(&str, &str)]| -> Vec<Level> {
                rows.iter().map(|(price, quantity)| level(price, quantity)).collect()
            };
            let (bids, asks) = (rows(bids), rows(asks));
            self.venue.apply_delta(&bids, &asks);
            self.venue.truncate(10);
            let checksum = proof::checksum_of_book(&self.venue) ^ fault;
            let change = Change { bids: &bids, asks: &asks, checksum, event_time: None };
            self.book.on_update(&mut self.tracked, change, at(self.now_ms))
        }

        fn bad(&mut self) -> BookState {
            self.update(&[("0.9", "5")], &[], 1);
            self.tracked.state
        }

        fn resubscribe(&mut self) -> BookState {
            self.book.asked(&mut self.tracked);
            let asked = self.tracked.state;
            self.snapshot();
            asked
        }
    }

    #[test]
    fn changes_without_a_snapshot_are_ignored() {
        let mut bench = Bench::default();
        assert_eq!(bench.update(&[("1.0", "1")], &[], 0), Outcome::Ignored);
        assert_eq!((bench.tracked.state, bench.tracked.counters.updates), (BookState::Empty, 0));
        bench.book.asked(&mut bench.tracked);
        assert_eq!(bench.tracked.state, BookState::Buffering);
        assert_eq!(bench.snapshot(), Outcome::Applied);
        assert_eq!(bench.update(&[("0.9", "0"), ("0.9", "4"), ("0.9", "5")], &[("1.1", "7")], 0), Outcome::Applied);
        let rows: Vec<String> = bench.tracked.book.bids().map(|row| row.quantity.to_string()).collect();
        assert_eq!((rows, bench.tracked.counters.checksums_ok), (vec!["1".into(), "5".into()], 2));
    }

    #[test]
    fn rows_past_the_depth_go() {
        let mut bench = Bench::live();
        for cents in 10..40 {
            let price = format!("0.5{cents}");
            assert_eq!(bench.update(&[(&price, "1")], &[], 0), Outcome::Applied);
        }
        assert_eq!(bench.tracked.book.n_bids(), 10);
        // The best rows are removed: rows forgotten by the venue must not return.
        for price in ["1.0", "0.9", "0.539", "0.538"] {
            assert_eq!(bench.update(&[(price, "0")], &[], 0), Outcome::Applied, "{price}");
        }
        assert_eq!((bench.tracked.book.n_bids(), bench.tracked.counters.checksums_bad), (6, 0));
    }

    #[test]
    fn a_mismatch_ends_trust_at_once_and_the_next_snapshot_restores_it() {
        let mut bench = Bench::live();
        assert_eq!(bench.bad(), BookState::Suspect);
        assert!(bench.book.needs_snapshot(at(0).monotonic));
        assert_eq!(bench.update(&[("0.9", "6")], &[], 0), Outcome::Ignored);
        assert_eq!(bench.resubscribe(), BookState::Resyncing);
        assert_eq!(bench.tracked.state, BookState::Live);
        let counters = bench.tracked.counters;
        assert_eq!((counters.checksums_ok, counters.checksums_bad, counters.resyncs), (2, 1, 1));
        let last = bench.tracked.last_checksum.unwrap();
        assert!(last.agrees());
    }

    #[test]
    fn three_mismatches_in_a_minute_stop_the_loop() {
        let mut bench = Bench::live();
        assert_eq!([bench.bad(), bench.resubscribe()], [BookState::Suspect, BookState::Resyncing]);
        bench.now_ms = 59_000;
        assert_eq!([bench.bad(), bench.resubscribe()], [BookState::Suspect, BookState::Resyncing]);
        bench.now_ms = 61_000;
        // The first one is too old by now.
        assert_eq!([bench.bad(), bench.resubscribe()], [BookState::Suspect, BookState::Resyncing]);
        bench.now_ms = 62_000;
        assert_eq!(bench.bad(), BookState::Unverified);
        assert!(!bench.book.needs_snapshot(at(62_000).monotonic));
        // Kept and counted, and one agreement does not restore trust.
        assert_eq!((bench.bad(), bench.update(&[("0.9", "8")], &[], 0)), (BookState::Unverified, Outcome::Applied));
        assert_eq!((bench.tracked.state, bench.tracked.counters.checksums_bad), (BookState::Unverified, 5));
    }

    #[test]
    fn an_unverified_book_is_tried_again_after_a_while() {
        let mut bench = Bench::live();
        for _ in 0..2 {
            bench.bad();
            bench.resubscribe();
        }
        assert_eq!(bench.bad(), BookState::Unverified);
        let due = bench.book.deadline().unwrap();
        assert_eq!(due, at(0).monotonic + RECHECK_AFTER);
        assert!(bench.book.needs_snapshot(due));
        bench.now_ms = u64::try_from(RECHECK_AFTER.as_millis()).unwrap();
        assert_eq!(bench.resubscribe(), BookState::Unverified);
        assert_eq!(bench.tracked.state, BookState::Live);
        // On probation: one more is enough.
        assert_eq!(bench.bad(), BookState::Unverified);
        bench.book.asked(&mut bench.tracked);
        let (bids, asks) = ([level("1.0", "1")], [level("1.1", "1")]);
        let wrong = Change { bids: &bids, asks: &asks, checksum: 7, event_time: None };
        assert_eq!(bench.book.on_snapshot(&mut bench.tracked, wrong, at(bench.now_ms)), Outcome::Applied);
        assert_eq!(bench.tracked.state, BookState::Unverified);
    }

    #[test]
    fn crossed_for_half_a_second_is_a_contradiction() {
        let mut bench = Bench::live();
        assert_eq!(bench.update(&[("1.2", "1")], &[], 0), Outcome::Applied);
        bench.now_ms = 500;
        assert_eq!(bench.update(&[("0.9", "1")], &[], 0), Outcome::Applied);
        assert_eq!(bench.book.on_timeout(&mut bench.tracked, at(500).monotonic), Outcome::Ignored);
        assert_eq!(bench.book.deadline(), Some(at(501).monotonic));
        assert_eq!(bench.book.on_timeout(&mut bench.tracked, at(501).monotonic), Outcome::Doubted);
        assert_eq!((bench.tracked.state, bench.tracked.counters.crossed), (BookState::Suspect, 2));
        assert_eq!(bench.book.deadline(), None);
    }

    #[test]
    fn a_side_that_stands_still_against_the_quotes_is_a_contradiction() {
        let mut bench = Bench::live();
        let side = |price: &str| Level::quoted(Price::parse(price).unwrap(), Quantity::parse("1").unwrap());
        let quote = Quote { bid: side("1.0"), ask: side("1.3") };
        bench.book.on_quote(&bench.tracked, &quote, at(1_000).monotonic);
        bench.now_ms = 4_000;
        assert_eq!(bench.update(&[("0.9", "7")], &[], 0), Outcome::Applied);
        assert_eq!(bench.book.deadline(), Some(at(6_000).monotonic));
        assert_eq!(bench.book.on_timeout(&mut bench.tracked, at(5_999).monotonic), Outcome::Ignored);
        assert_eq!(bench.book.on_timeout(&mut bench.tracked, at(6_000).monotonic), Outcome::Doubted);
    }

    #[test]
    fn a_lost_connection_discards_the_book() {
        let mut bench = Bench::live();
        bench.book.discard(&mut bench.tracked);
        assert_eq!((bench.tracked.state, bench.tracked.book.n_bids()), (BookState::Buffering, 0));
        assert_eq!(bench.update(&[("1.0", "1")], &[], 0), Outcome::Ignored);
        bench.book.asked(&mut bench.tracked);
        assert_eq!((bench.snapshot(), bench.tracked.state), (Outcome::Applied, BookState::Live));
    }

    #[test]
    fn only_depths_that_exist_are_believed() {
        let mut book = KrakenBook::default();
        book.set_depth(25);
        [0, 1, 26, usize::MAX].into_iter().for_each(|depth| book.set_depth(depth));
        assert_eq!(book.depth, Some(25));
    }

    #[test]
    fn a_recording_without_an_acknowledgement_shows_its_depth() {
        for (n_rows, depth) in [(0, 10), (10, 10), (11, 25), (100, 100), (501, 1_000), (5_000, 1_000)] {
            assert_eq!(least_depth(n_rows), depth);
        }
    }
}
