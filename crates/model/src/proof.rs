//! How far a book can be trusted: its state, and the counters that show why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{book::OrderBook, instrument::InstrumentId, time::Timestamp};

/// How far a book can be trusted. Only a [`BookState::Live`] book is painted as live, traded on or consolidated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookState {
    /// Nothing known yet.
    #[default]
    Empty,
    /// Changes are kept until the snapshot they belong to has come.
    Buffering,
    /// Complete and consistent with everything the venue sent.
    Live,
    /// Something contradicts it; its levels are not served.
    Suspect,
    /// A fresh snapshot has been asked for.
    Resyncing,
    /// The venue's own checksum keeps failing: shown and flagged, never traded on.
    Unverified,
}

impl BookState {
    /// True where levels may be served at all (live, or flagged as unverified).
    pub fn is_served(self) -> bool {
        matches!(self, Self::Live | Self::Unverified)
    }

    /// The word a person reads, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Buffering => "buffering",
            Self::Live => "live",
            Self::Suspect => "suspect",
            Self::Resyncing => "resyncing",
            Self::Unverified => "unverified",
        }
    }
}

/// A book with the proof of its health. The venue session owns it and lends it out.
#[derive(Clone, Debug, Default)]
pub struct TrackedBook {
    /// The levels. Meaningful only where `state.is_served()`.
    pub book: OrderBook,
    /// How far it can be trusted.
    pub state: BookState,
    /// The venue's sequence number of the last change, where it has one.
    pub last_update_id: Option<u64>,
    /// Venue time of the last change, where the venue says.
    pub event_time: Option<Timestamp>,
    /// Receive time of the last change.
    pub receive_time: Option<Timestamp>,
    /// The last checksum compared, on venues that send one.
    pub last_checksum: Option<Checksum>,
    /// What was found.
    pub counters: BookCounters,
}

/// A checksum as the venue sent it and as the book here came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// The venue's.
    pub venue: u32,
    /// Ours.
    pub own: u32,
}

impl Checksum {
    /// True where both are the same.
    pub fn agrees(self) -> bool {
        self.venue == self.own
    }
}

/// What was found while keeping a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookCounters {
    /// Updates applied.
    pub updates: u64,
    /// Sequence gaps.
    pub gaps: u64,
    /// Updates that were wholly older than the book.
    pub duplicates: u64,
    /// Fresh snapshots needed after the first.
    pub resyncs: u64,
    /// Times the book stood crossed after an update.
    pub crossed: u64,
    /// Checksums that agreed.
    pub checksums_ok: u64,
    /// Checksums that did not.
    pub checksums_bad: u64,
    /// Times the book's top equalled the venue's separate best bid and ask of the same moment.
    pub quote_matches: u64,
    /// Times it did not.
    pub quote_mismatches: u64,
}

/// The books of one feed, by instrument. The session that verifies them owns them.
pub type Books = BTreeMap<InstrumentId, TrackedBook>;
