//! Merges several sessions of one recording: each instrument's best book, all health, all instruments.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{
    instrument::{Instrument, InstrumentId},
    proof::{Books, TrackedBook},
    quality::FeedCounters,
    status::FeedHealth,
};

use crate::session::Session;

/// The merged state of several sessions, as of the last update.
#[derive(Debug, Default)]
pub(super) struct SessionUnion {
    pub(super) books: Books,
    pub(super) health: FeedHealth,
    pub(super) instruments: Vec<Arc<Instrument>>,
    /// Books of all sessions at the last update.
    n_books: usize,
}

impl SessionUnion {
    /// Updates the books of `changed` and everything else.
    pub(super) fn update<'a>(
        &mut self,
        sessions: impl Iterator<Item = &'a dyn Session> + Clone,
        changed: &BTreeSet<InstrumentId>,
    ) {
        // A session may know a book that no event has told of yet.
        let n_books = sessions.clone().map(|session| session.books().len()).sum();
        let new: BTreeSet<InstrumentId> = if std::mem::replace(&mut self.n_books, n_books) == n_books {
            BTreeSet::new()
        } else {
            let all = sessions.clone().flat_map(|session| session.books().keys());
            all.filter(|id| !self.books.contains_key(*id)).cloned().collect()
        };
        for id in changed.iter().chain(&new) {
            if let Some(best) =
                sessions.clone().filter_map(|session| session.books().get(id)).max_by_key(|book| worth(book))
            {
                self.books.insert(id.clone(), best.clone());
            }
        }
        let health = sessions.clone().map(Session::health);
        let mut counters = FeedCounters::default();
        health.clone().for_each(|health| add(&mut counters, &health.counters));
        let is_connected = health.clone().any(|health| health.is_connected);
        self.health = FeedHealth {
            is_connected,
            // A lost connection is not a fault while another one delivers.
            cause: health.clone().find_map(|health| health.cause.clone()).filter(|_| !is_connected),
            counters,
            ..health.clone().next().cloned().unwrap_or_default()
        };
        let by_id: BTreeMap<&InstrumentId, &Arc<Instrument>> = sessions
            .flat_map(|session| session.instruments().iter().map(|instrument| (&instrument.id, instrument)))
            .collect();
        self.instruments = by_id.into_values().cloned().collect();
    }
}

/// Orders several books of one instrument: the served and most recently changed one counts.
pub(super) fn worth(book: &TrackedBook) -> impl Ord + use<> {
    (book.state.is_served(), book.receive_time, book.counters.updates)
}

/// Adds counters.
pub(super) fn add(sum: &mut FeedCounters, other: &FeedCounters) {
    let FeedCounters {
        frames,
        malformed,
        unknown,
        trades,
        quotes,
        books,
        others,
        gaps,
        duplicates,
        out_of_order,
        resyncs,
        reconnects,
    } = other;
    sum.frames += frames;
    sum.malformed += malformed;
    sum.unknown += unknown;
    sum.trades += trades;
    sum.quotes += quotes;
    sum.books += books;
    sum.others += others;
    sum.gaps += gaps;
    sum.duplicates += duplicates;
    sum.out_of_order += out_of_order;
    sum.resyncs += resyncs;
    sum.reconnects += reconnects;
}
