//! The last line of `decode`: counts of frames and events, and the final books.

use std::collections::BTreeMap;

use model::{
    decimal::{Price, Quantity},
    event::MarketEvent,
    proof::{BookState, TrackedBook},
};
use recording::event_line;
use serde::Serialize;
use venues::replay::ReplaySummary;

/// Events by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EventCounts(BTreeMap<&'static str, u64>);

impl Default for EventCounts {
    fn default() -> Self {
        // Always present, so that "none" and "not known" cannot be confused.
        Self(["trade", "quote", "book"].into_iter().map(|kind| (kind, 0)).collect())
    }
}

impl EventCounts {
    /// Counts an event.
    pub fn add(&mut self, event: &MarketEvent) {
        *self.0.entry(event_line::kind(event)).or_default() += 1;
    }
}

/// The summary line.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    kind: &'static str,
    venue: &'a str,
    frames: u64,
    events: &'a EventCounts,
    malformed: u64,
    unknown: u64,
    gaps: u64,
    duplicates: u64,
    out_of_order: u64,
    resyncs: u64,
    checksums: Checksums,
    quote_check: QuoteCheck,
    books: BTreeMap<&'a str, Book>,
    /// The restriction that the venue has announced, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events_sha256: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Checksums {
    ok: u64,
    bad: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct QuoteCheck {
    #[serde(rename = "match")]
    matches: u64,
    mismatch: u64,
}

/// One book; levels only if its state allows them to be served.
#[derive(Debug, Serialize)]
struct Book {
    state: BookState,
    n_bids: usize,
    n_asks: usize,
    bids: Vec<(Price, Quantity)>,
    asks: Vec<(Price, Quantity)>,
    gaps: u64,
    checksums: Checksums,
    quote_check: QuoteCheck,
    last_update_id: Option<u64>,
}

impl<'a> Summary<'a> {
    /// Creates the summary of a recording played to its end. Lines that are not entries of a recording count as
    /// malformed, too.
    pub fn of(replay: &ReplaySummary<'a>, events: &'a EventCounts, n_bad_lines: u64) -> Self {
        let books: BTreeMap<&str, Book> = replay.books.iter().map(|(id, book)| (id.symbol(), Book::of(book))).collect();
        let sum = |figure: fn(&Book) -> u64| books.values().map(figure).sum();
        let counters = replay.counters;
        Self {
            kind: "summary",
            venue: replay.venue,
            frames: counters.frames,
            events,
            malformed: counters.malformed + n_bad_lines,
            unknown: counters.unknown,
            gaps: counters.gaps,
            duplicates: counters.duplicates,
            out_of_order: counters.out_of_order,
            resyncs: counters.resyncs,
            checksums: Checksums { ok: sum(|book| book.checksums.ok), bad: sum(|book| book.checksums.bad) },
            quote_check: QuoteCheck {
                matches: sum(|book| book.quote_check.matches),
                mismatch: sum(|book| book.quote_check.mismatch),
            },
            books,
            cause: replay.cause.map(ToString::to_string),
            events_sha256: None,
        }
    }

    /// Adds the fingerprint of the events, if requested.
    pub fn with_hash(self, events_sha256: Option<String>) -> Self {
        Self { events_sha256, ..self }
    }
}

impl Book {
    fn of(tracked: &TrackedBook) -> Self {
        let is_served = tracked.state.is_served();
        let depth = if is_served { SHOWN_LEVELS } else { 0 };
        let pair = |level: model::event::Level| (level.price, level.quantity);
        let counters = tracked.counters;
        Self {
            state: tracked.state,
            n_bids: if is_served { tracked.book.n_bids() } else { 0 },
            n_asks: if is_served { tracked.book.n_asks() } else { 0 },
            bids: tracked.book.bids().take(depth).map(pair).collect(),
            asks: tracked.book.asks().take(depth).map(pair).collect(),
            gaps: counters.gaps,
            checksums: Checksums { ok: counters.checksums_ok, bad: counters.checksums_bad },
            quote_check: QuoteCheck { matches: counters.quote_matches, mismatch: counters.quote_mismatches },
            last_update_id: tracked.last_update_id,
        }
    }
}

const SHOWN_LEVELS: usize = 20;
