//! The book procedure, step by step.

use std::time::Duration;

use model::{
    decimal::{Price, Quantity},
    event::BookInterest,
};

use super::*;
use crate::binance::BUFFERED_DIFFS;

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
        let snapshot = Snapshot { last_id, levels: (&bids, &asks), n_asked: 100 };
        self.book.on_snapshot(&mut self.tracked, snapshot, at(0))
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
    let Phase::Collecting { buffer } = &bench.book.phase else { panic!("collecting") };
    assert_eq!(buffer.size(), (10, 10));
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

/// A book of rows around 100, a level apart.
fn rows(best: i64, n_levels: i64, step: i64) -> Vec<Level> {
    (0..n_levels).map(|row| level(&(best + row * step).to_string(), "1")).collect()
}

impl Bench {
    fn snapshot_of(&mut self, last_id: u64, best_bid: i64, n_levels: i64, secs: u64) -> SnapshotOutcome {
        let (bids, asks) = (rows(best_bid, n_levels, -1), rows(best_bid + 1, n_levels, 1));
        let n_asked = u32::try_from(n_levels).unwrap();
        let snapshot = Snapshot { last_id, levels: (&bids, &asks), n_asked };
        self.book.on_snapshot(&mut self.tracked, snapshot, at(secs * 1_000))
    }

    fn shape(&self) -> (BookState, usize, Option<u64>) {
        (self.tracked.state, self.tracked.book.n_bids(), self.tracked.last_update_id)
    }
}

#[test]
fn a_live_book_is_renewed_without_a_gap() {
    // Changes before the snapshot, its position, the outcome, the position afterwards.
    for (n_changes, last_id, expected, position) in [
        (0, 10, SnapshotOutcome::Joined, 10),
        (0, 9, SnapshotOutcome::TooOld, 10),
        (0, 13, SnapshotOutcome::Joined, 13),
        (3, 10, SnapshotOutcome::Joined, 13),
        (3, 12, SnapshotOutcome::Joined, 13),
        (3, 13, SnapshotOutcome::Joined, 13),
        (3, 15, SnapshotOutcome::Joined, 15),
        (3, 9, SnapshotOutcome::TooOld, 13),
    ] {
        let mut bench = Bench::default();
        assert_eq!(bench.snapshot_of(10, 10_000, 100, 0), SnapshotOutcome::Joined);
        assert!(!bench.book.needs_snapshot());
        bench.book.keep_for(Attention::of(Some(BookInterest::Deep)));
        assert!(bench.book.needs_snapshot());
        for id in 11..11 + n_changes {
            let quantity = id.to_string();
            assert_eq!(bench.name(diff(id, id, &[("9990", &quantity)], &[]), 0), "applied");
        }
        assert_eq!(bench.snapshot_of(last_id, 10_000, 1_000, 1), expected, "{n_changes} {last_id}");
        let is_renewed = expected == SnapshotOutcome::Joined;
        let n_bids = if is_renewed { 1_000 } else { 100 };
        assert_eq!(bench.shape(), (BookState::Live, n_bids, Some(position)), "{n_changes} {last_id}");
        assert_eq!(bench.book.needs_snapshot(), !is_renewed);
        let changed = bench.tracked.book.bids().find(|level| level.price.to_string() == "9990").unwrap();
        let newest = 10 + n_changes;
        let expected = if n_changes > 0 && last_id < newest { newest.to_string() } else { "1".to_owned() };
        if is_renewed {
            assert_eq!(changed.quantity.to_string(), expected, "{n_changes} {last_id}");
        }
        // Changes up to the snapshot are still on their way, then it goes on.
        if last_id > newest {
            assert_eq!(bench.diff(newest + 1, last_id), "stale");
        }
        assert_eq!(bench.diff(position + 1, position + 1), "applied");
        assert_eq!(bench.tracked.counters.gaps, 0);
    }
}

#[test]
fn a_book_is_renewed_when_the_price_leaves_its_reach() {
    for (interest, moved, secs, expected) in [
        // Of the 50 best bids that are looked at, one is unknown.
        (Some(BookInterest::Best), 51, 10, true),
        (Some(BookInterest::Best), 50, 10, false),
        // Not sooner than that.
        (Some(BookInterest::Best), 51, 4, false),
        // Of a book that nobody looks at only the best levels matter.
        (None, 51, 400, false),
        (None, 96, 400, true),
        (None, 96, 200, false),
    ] {
        let mut bench = Bench::default();
        assert_eq!(bench.snapshot_of(10, 10_000, 100, 0), SnapshotOutcome::Joined);
        bench.book.keep_for(Attention::of(interest));
        let gone: Vec<String> = (0..moved).map(|row| (10_000 - row).to_string()).collect();
        let removed: Vec<(&str, &str)> = gone.iter().map(|price| (price.as_str(), "0")).collect();
        for id in 11..11 + REACH_CHECK {
            assert_eq!(bench.name(diff(id, id, &removed, &[]), secs * 1_000), "applied");
        }
        assert_eq!(bench.book.is_renewing(), expected, "{interest:?} {moved} {secs}");
    }
}
