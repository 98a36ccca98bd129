//! The state of a book, which says how far it can be trusted, and the counters that explain it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{book::OrderBook, instrument::InstrumentId, time::Timestamp};

/// State of a book. Only a [`BookState::Live`] book is shown as live, traded on or consolidated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BookState {
    /// Nothing is known yet.
    #[default]
    Empty,
    /// Changes are buffered until their snapshot arrives.
    Buffering,
    /// Complete and consistent with everything the venue sent.
    Live,
    /// Something contradicts it; its levels are not served.
    Suspect,
    /// A fresh snapshot has been requested.
    Resyncing,
    /// The venue's own checksum keeps failing: shown and flagged, never traded on.
    Unverified,
    /// Its best levels come by REST, seconds apart, because no connection can be had: shown and flagged, never traded on.
    Polled,
}

impl BookState {
    /// Returns true if levels may be served at all (live, or flagged as unverified or polled).
    pub fn is_served(self) -> bool {
        matches!(self, Self::Live | Self::Unverified | Self::Polled)
    }

    /// Returns the displayed word, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Buffering => "buffering",
            Self::Live => "live",
            Self::Suspect => "suspect",
            Self::Resyncing => "resyncing",
            Self::Unverified => "unverified",
            Self::Polled => "polled",
        }
    }
}

/// A book with the evidence of its correctness. The venue session owns it and lends it out.
#[derive(Clone, Debug, Default)]
pub struct TrackedBook {
    /// The levels. Meaningful only if `state.is_served()`.
    pub book: OrderBook,
    /// The state of the book.
    pub state: BookState,
    /// The venue's sequence number of the last change, if it sends one.
    pub last_update_id: Option<u64>,
    /// Venue time of the last change, if the venue sends it.
    pub event_time: Option<Timestamp>,
    /// Receive time of the last change.
    pub receive_time: Option<Timestamp>,
    /// The last checksum compared, on venues that send one.
    pub last_checksum: Option<Checksum>,
    /// The counts of what was found.
    pub counters: BookCounters,
}

/// A checksum as sent by the venue and as computed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checksum {
    /// The venue's value.
    pub venue: u32,
    /// Our value.
    pub own: u32,
}

impl Checksum {
    /// Returns true if both are the same.
    pub fn agrees(self) -> bool {
        self.venue == self.own
    }
}

/// Counts of what was found while keeping a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookCounters {
    /// Updates applied.
    pub updates: u64,
    /// Sequence gaps.
    pub gaps: u64,
    /// Updates that were entirely older than the book.
    pub duplicates: u64,
    /// Fresh snapshots needed after the first.
    pub resyncs: u64,
    /// Times the book was crossed after an update.
    pub crossed: u64,
    /// Checksums that agreed.
    pub checksums_ok: u64,
    /// Checksums that disagreed.
    pub checksums_bad: u64,
    /// Times the book's top equalled the venue's separate best bid and ask of the same moment.
    pub quote_matches: u64,
    /// Times it differed.
    pub quote_mismatches: u64,
}

/// The books of one feed, by instrument. The session that verifies them owns them.
pub type Books = BTreeMap<InstrumentId, TrackedBook>;
