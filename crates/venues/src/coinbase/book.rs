//! The rules of one product's book: complete with a snapshot, changed by updates, doubted when something is missing.
//!
//! Source:
//! <https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels#level2-channel>. There
//! is no checksum and no sequence for the book itself: the connection's numbers ([`super::route`]) prove that no change
//! is missing, and best bid and ask of the ticker are the cross-check. Not here: requesting a snapshot
//! ([`super::supply`]), storage of levels ([`model::book`]).

use model::{
    event::Quote,
    proof::{BookState, TrackedBook},
    time::{Monotonic, Now},
};

use crate::{
    coinbase::{BOOK_ROWS, DISAGREEMENT_TOLERANCE, DISAGREEMENTS_IN_A_ROW, message::CoinbaseLevels},
    kit::protocol::CROSSED_TOLERANCE,
};

/// The result of an update or a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The book is consistent.
    Fine,
    /// No snapshot exists that it could belong to.
    Unwanted,
    /// The book now contradicts itself or the ticker. It is suspect.
    Contradiction,
}

/// The state of a book except its levels, which [`TrackedBook`] holds.
#[derive(Clone, Debug, Default)]
pub(super) struct CoinbaseBook {
    /// A snapshot arrived, and nothing has been missing since.
    is_whole: bool,
    has_had_snapshot: bool,
    crossed_since: Option<Monotonic>,
    /// Time since which the ticker has had another best price, and how many times in a row.
    disagrees: Option<(Monotonic, u32)>,
}

impl CoinbaseBook {
    /// Returns true once a snapshot has arrived.
    pub(super) fn has_had_snapshot(&self) -> bool {
        self.has_had_snapshot
    }

    /// Returns true if the book cannot continue without a snapshot.
    pub(super) fn needs_snapshot(&self) -> bool {
        !self.is_whole
    }

    /// Returns since when the book has been crossed.
    pub(super) fn crossed_since(&self) -> Option<Monotonic> {
        self.crossed_since
    }

    /// Processes the whole book, frame `number` of its connection.
    pub(super) fn on_snapshot(&mut self, tracked: &mut TrackedBook, levels: &CoinbaseLevels, number: u64, now: Now) {
        (self.is_whole, self.has_had_snapshot) = (true, true);
        (self.crossed_since, self.disagrees) = (None, None);
        tracked.book.apply_snapshot(&levels.bids, &levels.asks);
        tracked.state = BookState::Live;
        self.changed(tracked, levels, number, now);
    }

    /// Processes changed levels, frame `number` of its connection.
    pub(super) fn on_update(
        &mut self,
        tracked: &mut TrackedBook,
        levels: &CoinbaseLevels,
        number: u64,
        now: Now,
    ) -> Outcome {
        if !self.is_whole {
            if tracked.state == BookState::Empty {
                tracked.state = BookState::Buffering;
            }
            return Outcome::Unwanted;
        }
        tracked.book.apply_delta(&levels.bids, &levels.asks);
        tracked.counters.updates += 1;
        self.changed(tracked, levels, number, now);
        self.on_timeout(tracked, now.monotonic)
    }

    /// Compares the book with best bid and ask of the ticker. Both come from the same connection, but not from the same
    /// time: sizes always differ, and only a lasting difference of prices counts.
    pub(super) fn on_ticker(&mut self, tracked: &mut TrackedBook, quote: &Quote, now: Monotonic) -> Outcome {
        if !self.is_whole {
            return Outcome::Fine;
        }
        let prices = |quote: &Quote| [quote.bid, quote.ask].map(|side| side.map(|level| level.price));
        if prices(&tracked.book.quote()) == prices(quote) {
            tracked.counters.quote_matches += 1;
            self.disagrees = None;
            return Outcome::Fine;
        }
        tracked.counters.quote_mismatches += 1;
        let (since, n_before) = self.disagrees.unwrap_or((now, 0));
        self.disagrees = Some((since, n_before + 1));
        if n_before + 1 >= DISAGREEMENTS_IN_A_ROW && now.saturating_since(since) >= DISAGREEMENT_TOLERANCE {
            self.doubt(tracked);
            return Outcome::Contradiction;
        }
        Outcome::Fine
    }

    /// Checks whether the book has been crossed for too long.
    pub(super) fn on_timeout(&mut self, tracked: &mut TrackedBook, now: Monotonic) -> Outcome {
        let is_crossed = self.crossed_since.is_some_and(|since| now.saturating_since(since) > CROSSED_TOLERANCE);
        if !is_crossed {
            return Outcome::Fine;
        }
        self.doubt(tracked);
        Outcome::Contradiction
    }

    /// Notes that changes may be missing.
    pub(super) fn on_gap(&mut self, tracked: &mut TrackedBook) {
        tracked.counters.gaps += 1;
        self.doubt(tracked);
    }

    /// Notes that a change may be missing, which the next frame will reveal: until then the book is not served.
    pub(super) fn suspend(&self, tracked: &mut TrackedBook) {
        if tracked.state == BookState::Live {
            tracked.state = BookState::Suspect;
        }
    }

    /// Notes that no change was missing; returns whether the book is served again.
    pub(super) fn resume(&self, tracked: &mut TrackedBook) -> bool {
        let is_suspended = self.is_whole && tracked.state == BookState::Suspect;
        if is_suspended {
            tracked.state = BookState::Live;
        }
        is_suspended
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

    /// Discards the book after its connection is lost.
    pub(super) fn discard(&mut self, tracked: &mut TrackedBook) {
        if tracked.state != BookState::Empty {
            self.start_over(tracked, BookState::Buffering);
            tracked.book.clear();
            tracked.last_update_id = None;
        }
    }

    fn changed(&mut self, tracked: &mut TrackedBook, levels: &CoinbaseLevels, number: u64, now: Now) {
        if tracked.book.n_bids().max(tracked.book.n_asks()) > BOOK_ROWS {
            tracked.book.truncate(BOOK_ROWS);
        }
        tracked.last_update_id = Some(number);
        tracked.event_time = levels.event_time.or(tracked.event_time);
        tracked.receive_time = Some(now.wall);
        if tracked.book.is_crossed() {
            tracked.counters.crossed += 1;
            self.crossed_since.get_or_insert(now.monotonic);
        } else {
            self.crossed_since = None;
        }
    }

    fn doubt(&mut self, tracked: &mut TrackedBook) {
        // A book that waits for its first snapshot, or whose snapshot was requested, has nothing to lose.
        if self.is_whole {
            self.start_over(tracked, BookState::Suspect);
        }
    }

    fn start_over(&mut self, tracked: &mut TrackedBook, state: BookState) {
        if self.has_had_snapshot && self.is_whole {
            tracked.counters.resyncs += 1;
        }
        self.is_whole = false;
        (self.crossed_since, self.disagrees) = (None, None);
        tracked.state = state;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::{
        decimal::{Price, Quantity},
        event::Level,
        time::Timestamp,
    };

    use super::*;

    fn levels(bids: &[(&str, &str)], asks: &[(&str, &str)]) -> CoinbaseLevels {
        let rows = |rows: &[(&str, &str)]| {
            rows.iter()
                .map(|(price, quantity)| Level {
                    price: Price::parse(price).unwrap(),
                    quantity: Quantity::parse(quantity).unwrap(),
                })
                .collect()
        };
        CoinbaseLevels { bids: rows(bids), asks: rows(asks), ..CoinbaseLevels::default() }
    }

    fn at(millis: u64) -> Now {
        Now { monotonic: Monotonic::from_zero(Duration::from_millis(millis)), wall: Timestamp::EPOCH }
    }

    #[derive(Default)]
    struct Bench {
        book: CoinbaseBook,
        tracked: TrackedBook,
    }

    impl Bench {
        fn live() -> Self {
            let mut bench = Self::default();
            bench.snapshot(0);
            bench
        }

        fn snapshot(&mut self, number: u64) {
            let whole = levels(&[("1.0", "1"), ("0.9", "2")], &[("1.1", "3")]);
            self.book.on_snapshot(&mut self.tracked, &whole, number, at(0));
        }

        fn update(&mut self, millis: u64, bids: &[(&str, &str)]) -> Outcome {
            self.book.on_update(&mut self.tracked, &levels(bids, &[]), 1, at(millis))
        }

        fn ticker(&mut self, millis: u64, bid: &str, bid_size: &str) -> Outcome {
            let side = |price, size| Level::quoted(Price::parse(price).unwrap(), Quantity::parse(size).unwrap());
            let quote = Quote { bid: side(bid, bid_size), ask: side("1.1", "3") };
            self.book.on_ticker(&mut self.tracked, &quote, at(millis).monotonic)
        }
    }

    #[test]
    fn updates_need_a_snapshot() {
        let mut bench = Bench::default();
        assert_eq!((bench.update(0, &[("1.0", "5")]), bench.tracked.state), (Outcome::Unwanted, BookState::Buffering));
        bench.snapshot(7);
        assert_eq!((bench.tracked.state, bench.tracked.last_update_id), (BookState::Live, Some(7)));
        assert_eq!(bench.update(0, &[("0.9", "0"), ("0.95", "0"), ("0.8", "1.50")]), Outcome::Fine);
        let bids: Vec<String> =
            bench.tracked.book.bids().map(|row| format!("{}x{}", row.price, row.quantity)).collect();
        assert_eq!((bids, bench.tracked.counters.updates), (vec!["1.0x1".into(), "0.8x1.50".into()], 1));
    }

    #[test]
    fn a_gap_makes_it_suspect_until_the_next_snapshot() {
        let mut bench = Bench::live();
        bench.book.on_gap(&mut bench.tracked);
        assert_eq!(bench.tracked.state, BookState::Suspect);
        assert_eq!(bench.update(0, &[("1.0", "5")]), Outcome::Unwanted);
        bench.book.asked(&mut bench.tracked);
        bench.book.on_gap(&mut bench.tracked);
        assert_eq!(bench.tracked.state, BookState::Resyncing);
        bench.snapshot(9);
        let counters = bench.tracked.counters;
        assert_eq!((bench.tracked.state, counters.gaps, counters.resyncs), (BookState::Live, 2, 1));
    }

    #[test]
    fn a_suspended_book_is_served_again_when_nothing_was_missing() {
        let mut bench = Bench::live();
        bench.book.suspend(&mut bench.tracked);
        assert_eq!((bench.tracked.state, bench.book.needs_snapshot()), (BookState::Suspect, false));
        assert!(bench.book.resume(&mut bench.tracked) && bench.tracked.state == BookState::Live);
        bench.book.suspend(&mut bench.tracked);
        bench.book.on_gap(&mut bench.tracked);
        assert!(!bench.book.resume(&mut bench.tracked) && bench.book.needs_snapshot());
        assert_eq!((bench.tracked.state, bench.tracked.counters.resyncs), (BookState::Suspect, 1));
    }

    #[test]
    fn crossed_for_half_a_second_is_a_contradiction() {
        let mut bench = Bench::live();
        assert_eq!(bench.update(1_000, &[("1.2", "1")]), Outcome::Fine);
        assert_eq!(bench.update(1_400, &[("1.2", "0")]), Outcome::Fine);
        assert_eq!(bench.update(1_450, &[("1.1", "1")]), Outcome::Fine);
        assert_eq!(bench.update(1_950, &[]), Outcome::Fine);
        assert_eq!(bench.update(1_951, &[]), Outcome::Contradiction);
        assert_eq!((bench.tracked.state, bench.tracked.counters.crossed), (BookState::Suspect, 4));

        let mut bench = Bench::live();
        bench.update(0, &[("1.2", "1")]);
        let mut timeout = |millis| bench.book.on_timeout(&mut bench.tracked, at(millis).monotonic);
        assert_eq!([500, 501, 9_999].map(&mut timeout), [Outcome::Fine, Outcome::Contradiction, Outcome::Fine]);
    }

    #[test]
    fn a_ticker_that_keeps_disagreeing_is_believed() {
        let mut bench = Bench::live();
        for millis in 0..4 {
            assert_eq!(bench.ticker(millis * 2_000, "0.9", "2"), Outcome::Fine);
        }
        assert_eq!(bench.ticker(7_000, "1.0", "9"), Outcome::Fine, "the price agrees, the size is of another moment");
        for millis in 0..4 {
            assert_eq!(bench.ticker(8_000 + millis * 2_000, "0.9", "2"), Outcome::Fine);
        }
        assert_eq!(bench.ticker(16_000, "0.9", "2"), Outcome::Contradiction);
        assert_eq!(bench.tracked.state, BookState::Suspect);
        assert_eq!(bench.ticker(17_000, "0.9", "2"), Outcome::Fine, "there is nothing to compare with");
        let counters = bench.tracked.counters;
        assert_eq!((counters.quote_matches, counters.quote_mismatches), (1, 9));
    }

    #[test]
    fn a_lost_connection_discards_the_book() {
        let mut bench = Bench::live();
        bench.book.discard(&mut bench.tracked);
        assert_eq!((bench.tracked.state, bench.tracked.book.n_bids()), (BookState::Buffering, 0));
        assert!(bench.book.needs_snapshot());
        bench.book.discard(&mut bench.tracked);
        assert_eq!(bench.tracked.counters.resyncs, 1);
    }
}
