//! REST instead of connections that cannot be had: which symbols it replaces, and their books, the best levels of one
//! moment, flagged as polled, never as proven.
//!
//! Not here: the requests and their answers (the venues), when polling begins and ends.

use std::{collections::BTreeMap, time::Duration};

use model::{
    event::{BookUpdate, Level, MarketEventKind},
    proof::BookState,
    time::{Monotonic, Now, Timestamp},
};

use super::FeedSession;
use crate::kit::protocol::Protocol;

/// The best levels of one side.
pub(crate) type Side = Vec<Level>;

/// Time of each polled book's last poll.
#[derive(Debug, Default)]
pub(crate) struct PolledBooks(BTreeMap<usize, Monotonic>);

impl PolledBooks {
    /// Returns when the oldest is withdrawn.
    pub(crate) fn deadline(&self) -> Option<Monotonic> {
        self.0.values().min().map(|at| *at + POLLED_LIFE)
    }
}

impl<P: Protocol> FeedSession<P> {
    /// Tells which instruments have their data while other connections are missing.
    pub(super) fn tell_connected(&mut self) {
        let delivered = self.symbols.iter().enumerate().filter(|(position, _)| self.pool.delivers(*position));
        self.out.health.connected = delivered.map(|(_, symbol)| symbol.id.clone()).collect();
    }

    /// Returns the positions of the known symbols that no connection delivers: REST replaces those.
    pub(crate) fn cut_off_symbols(&self) -> Vec<usize> {
        self.known_symbols().into_iter().filter(|position| !self.pool.delivers(*position)).collect()
    }

    /// Queues requests for each symbol to poll. A round that the budget still delays is not doubled.
    pub(crate) fn poll_each<const N: usize>(&mut self, now: Now, purposes: impl Fn(usize) -> [P::Purpose; N]) {
        for position in self.cut_off_symbols() {
            purposes(position).into_iter().for_each(|purpose| self.request_once(purpose, now));
        }
    }

    /// Shows a book that was polled, unless a connection has brought a better one or is about to.
    pub(crate) fn show_polled(
        &mut self,
        position: usize,
        (bids, asks): (&Side, &Side),
        time: Option<Timestamp>,
        now: Now,
    ) {
        let symbol = &self.symbols[position];
        let Some(tracked) = self.books.get_mut(&symbol.id).filter(|_| self.polling.is_on()) else { return };
        if !matches!(tracked.state, BookState::Empty | BookState::Buffering | BookState::Polled) {
            return;
        }
        tracked.book.apply_snapshot(bids, asks);
        tracked.book.truncate(POLLED_ROWS);
        if tracked.book.is_crossed() {
            return self.withdraw_polled(position, now);
        }
        (tracked.state, tracked.event_time, tracked.receive_time) = (BookState::Polled, time, Some(now.wall));
        tracked.last_update_id = None;
        self.polled_books.0.insert(position, now.monotonic);
        let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
        let update = BookUpdate::Snapshot { state: BookState::Polled, n_bids, n_asks };
        self.out.event(&symbol.id, time, now, MarketEventKind::Book(update));
    }

    /// Withdraws polled books that were not polled again in time.
    pub(super) fn withdraw_old_polled(&mut self, now: Now) {
        if self.polled_books.deadline().is_none_or(|at| now.monotonic < at) {
            return;
        }
        let is_old = |at: &Monotonic| now.monotonic.saturating_since(*at) >= POLLED_LIFE;
        let polled = self.polled_books.0.iter();
        let old: Vec<usize> = polled.filter(|(_, at)| is_old(at)).map(|(position, _)| *position).collect();
        old.into_iter().for_each(|position| self.withdraw_polled(position, now));
    }

    /// Withdraws all polled books: polling has ended, and they are not updated any more.
    pub(super) fn withdraw_all_polled(&mut self, now: Now) {
        let positions: Vec<usize> = self.polled_books.0.keys().copied().collect();
        positions.into_iter().for_each(|position| self.withdraw_polled(position, now));
    }

    fn withdraw_polled(&mut self, position: usize, now: Now) {
        self.polled_books.0.remove(&position);
        let symbol = &self.symbols[position];
        let Some(tracked) = self.books.get_mut(&symbol.id) else { return };
        // A connection may have brought the book meanwhile, or one that waits for its snapshot.
        let was_shown = tracked.state == BookState::Polled;
        if was_shown || tracked.state == BookState::Buffering {
            tracked.book.clear();
        }
        if was_shown {
            tracked.state = BookState::Buffering;
            let update = BookUpdate::State { state: BookState::Buffering };
            self.out.event(&symbol.id, None, now, MarketEventKind::Book(update));
        }
    }
}

/// Rows kept on each side, whatever the venue answers.
const POLLED_ROWS: usize = 1_000;
/// A polled book is withdrawn after this long without a newer one: in a crowd, a round of polling takes that long.
const POLLED_LIFE: Duration = Duration::from_secs(30);
