//! Fresh snapshots of books: asked for when something is missing, at a distance, and by a new connection where none comes.
//!
//! A snapshot is up to 5 MB, so the books of a connection are asked for together, and never again before the last
//! question had its time. Not here: what puts a book in doubt ([`super::book`], [`super::sequence`]).

use std::{collections::BTreeMap, time::Duration};

use model::{
    event::{BookUpdate, MarketEventKind},
    proof::BookState,
    status::FeedCause,
    time::{Monotonic, Now},
};

use crate::{
    coinbase::{
        limits::{CROSSED_TOLERANCE, FIRST_SNAPSHOT_PATIENCE, SNAPSHOT_PATIENCE, SNAPSHOT_WAIT_MAX, SNAPSHOTS_IN_VAIN},
        session::CoinbaseSession,
        stream::{SnapshotWish, Supply},
        subscribe,
    },
    session::ConnectionId,
};

impl CoinbaseSession {
    /// Products whose data comes on a connection, those that share it included.
    fn carried(&self, connection: ConnectionId) -> Vec<usize> {
        let carrier = |position: usize| match self.streams[position].supply {
            Supply::SharedWith(lead) => self.pool.carrier(lead),
            Supply::Own | Supply::Undecided => self.pool.carrier(position),
        };
        (0..self.streams.len())
            .filter(|position| self.is_open_ended || carrier(*position) == Some(connection))
            .collect()
    }

    /// Frames of a connection are missing: each of its books may lack a change.
    pub(super) fn doubt_all(&mut self, connection: ConnectionId, now: Now) {
        for position in self.carried(connection) {
            self.change_book(position, now, |book, tracked| book.on_gap(tracked));
        }
    }

    /// A frame of a connection could not be read: the next one's number tells whether a change was in it.
    pub(super) fn suspend_all(&mut self, connection: ConnectionId, now: Now) {
        for position in self.carried(connection) {
            self.change_book(position, now, |book, tracked| book.suspend(tracked));
        }
    }

    /// Nothing was missing after all.
    pub(super) fn resume_all(&mut self, connection: ConnectionId, now: Now) {
        for position in self.carried(connection) {
            let stream = &mut self.streams[position];
            let Some(tracked) = self.books.get_mut(&stream.id) else { continue };
            if stream.book.resume(tracked) {
                let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
                let update = BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks };
                self.out.event(&stream.id, tracked.event_time, now, MarketEventKind::Book(update));
            }
        }
    }

    /// Says a new state, keeps the watch over crossed books, asks for a snapshot where one is needed.
    pub(super) fn after_book_change(&mut self, position: usize, state_before: BookState, now: Now) {
        let stream = &self.streams[position];
        let Some(tracked) = self.books.get(&stream.id) else { return };
        let state = tracked.state;
        // A snapshot's event has said it already.
        if state != state_before && state != BookState::Live {
            self.out.event(&stream.id, None, now, MarketEventKind::Book(BookUpdate::State { state }));
        }
        if stream.book.crossed_since().is_some() {
            self.crossed.insert(position);
        } else if !self.crossed.is_empty() {
            self.crossed.remove(&position);
        }
        if stream.book.needs_snapshot() {
            self.want_snapshot(position, now);
        }
    }

    /// Notes that a snapshot is needed, unless one is on its way.
    fn want_snapshot(&mut self, position: usize, now: Now) {
        let position = match self.streams[position].supply {
            Supply::SharedWith(lead) => lead,
            Supply::Own | Supply::Undecided => position,
        };
        let stream = &mut self.streams[position];
        if !self.is_open_ended && stream.is_subscribed() && stream.snapshot == SnapshotWish::None {
            stream.snapshot = SnapshotWish::Due(stream.pace.earliest(now.monotonic));
        }
    }

    /// A product was subscribed: its data is expected, and first of all its book.
    pub(super) fn await_data(&mut self, position: usize, now: Now) {
        let stream = &mut self.streams[position];
        (stream.snapshot, stream.has_data) = (SnapshotWish::Asked(now.monotonic + FIRST_SNAPSHOT_PATIENCE), false);
        stream.n_in_vain = 0;
        stream.pace.asked(now.monotonic);
        self.liveness.expect(position, now);
    }

    /// Asks for the snapshots that are due, those of a connection together.
    pub(super) fn ask_snapshots(&mut self, now: Now) {
        let is_due = |wish| matches!(wish, SnapshotWish::Due(at) if at <= now.monotonic);
        let mut due: BTreeMap<ConnectionId, Vec<usize>> = BTreeMap::new();
        for position in 0..self.streams.len() {
            if !is_due(self.streams[position].snapshot) {
                continue;
            }
            match self.pool.carrier(position) {
                Some(connection) => due.entry(connection).or_default().push(position),
                // When a connection is open again everything comes again.
                None => self.streams[position].snapshot = SnapshotWish::None,
            }
        }
        for (connection, positions) in due {
            let symbol = |position: &usize| (*position, self.streams[*position].id.symbol());
            let products: Vec<(usize, &str)> = positions.iter().map(symbol).collect();
            for message in subscribe::books_again(&products) {
                self.pool.enqueue(connection, message, now, &mut self.out);
            }
            for position in positions {
                let stream = &mut self.streams[position];
                stream.snapshot = SnapshotWish::Asked(now.monotonic + SNAPSHOT_PATIENCE);
                stream.pace.asked(now.monotonic);
                for sharing in 0..self.streams.len() {
                    if sharing == position || self.streams[sharing].supply == Supply::SharedWith(position) {
                        self.change_book(sharing, now, |book, tracked| book.asked(tracked));
                    }
                }
            }
        }
    }

    /// While whole books are under way, a frame of megabytes each, nothing else may come: that is no silence yet.
    pub(super) fn excuse_snapshots(&mut self, now: Now) {
        for position in 0..self.streams.len() {
            if let SnapshotWish::Asked(until) = self.streams[position].snapshot
                && now.monotonic < until
                && let Some(connection) = self.pool.carrier(position)
            {
                self.pool.alive(connection, now.monotonic);
            }
        }
    }

    /// Looks after snapshots that did not come, and after books that stand crossed.
    pub(super) fn look_after_books(&mut self, now: Now) {
        for position in 0..self.streams.len() {
            let stream = &mut self.streams[position];
            let SnapshotWish::Asked(until) = stream.snapshot else { continue };
            if now.monotonic < until {
                continue;
            }
            stream.n_in_vain += 1;
            if stream.has_data && stream.book.has_had_snapshot() && stream.n_in_vain >= SNAPSHOTS_IN_VAIN {
                stream.snapshot = SnapshotWish::None;
                let silent_ms = u64::try_from(SNAPSHOT_PATIENCE.as_millis()).unwrap_or(u64::MAX);
                self.abandon(position, FeedCause::Silent { silent_ms }, now);
                continue;
            }
            // Perhaps it has no book: others on its connection must not suffer for that.
            let doublings = stream.n_in_vain.saturating_sub(1).min(16);
            let wait = if doublings == 0 { Duration::ZERO } else { SNAPSHOT_PATIENCE * (1 << doublings) };
            stream.snapshot = SnapshotWish::Due(now.monotonic + wait.min(SNAPSHOT_WAIT_MAX));
        }
        for position in self.crossed.clone() {
            self.change_book(position, now, |book, tracked| {
                book.on_timeout(tracked, now.monotonic);
            });
        }
    }

    /// When [`Self::ask_snapshots`] or [`Self::look_after_books`] is wanted.
    pub(super) fn books_deadline(&self) -> Option<Monotonic> {
        let wishes = self.streams.iter().filter_map(|stream| match stream.snapshot {
            SnapshotWish::None => None,
            SnapshotWish::Due(at) | SnapshotWish::Asked(at) => Some(at),
        });
        let crossed = self.crossed.iter().filter_map(|position| self.streams[*position].book.crossed_since());
        let crossed_at = crossed.map(|since| since + CROSSED_TOLERANCE + Duration::from_millis(1));
        wishes.chain(crossed_at).min()
    }
}
