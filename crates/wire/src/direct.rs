//! How a page may reach venues by itself (direct mode): what the server says at `/api/v1/direct`. JSON.
//!
//! The page decides by it which instruments can be had directly, and hands the entry of a venue on to the worker that
//! runs the venue's session. Not here: the session itself, and what the worker sends (the stream's own messages).

use model::instrument::Venue;
use serde::{Deserialize, Serialize};

/// The venues that the server follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectVenues {
    /// Sorted by name.
    pub venues: Vec<DirectVenue>,
}

/// One venue, and how the server itself would follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectVenue {
    /// The venue.
    pub venue: Venue,
    /// Its name for people.
    pub title: String,
    /// Why a page cannot follow it, for people; absent where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// WebSocket address without stream paths; empty where the venue has none.
    pub ws_url: String,
    /// What a page may follow, in the venue's own spelling: the first [`MAX_DIRECT_SYMBOLS`] that the server follows.
    pub symbols: Vec<String>,
    /// Age of a symbol's data from which it counts as stale, in milliseconds.
    pub stale_after_ms: u64,
    /// Silence of a connection after which it is given up, in milliseconds; absent: the venue's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_deadline_ms: Option<u64>,
    /// From one round of REST polls to the next, in milliseconds; absent: the venue's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_ms: Option<u64>,
    /// Shortest wait before connecting again, in milliseconds.
    pub backoff_min_ms: u64,
    /// Longest wait before connecting again, in milliseconds.
    pub backoff_max_ms: u64,
    /// Attempts in a row before the feed stays failed; absent: it never stops trying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
}

/// A page shows a few dozen instruments; a browser's processor is not a server's.
pub const MAX_DIRECT_SYMBOLS: usize = 50;
