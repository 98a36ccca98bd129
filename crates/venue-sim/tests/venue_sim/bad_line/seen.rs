//! Observations of the books: how often they were live and right, and how long recovery took.
//!
//! Not here: the observer ([`super::line`]).

use std::collections::BTreeMap;

use model::proof::BookState;

/// The results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) n_frames: u64,
    /// Comparisons of live books with the venue's, and how many failed.
    pub(crate) n_live: u64,
    pub(crate) n_silent_errors: u64,
    pub(crate) n_unverified: u64,
    pub(crate) n_doubted: u64,
    /// Number of frames to which each fault was applied.
    pub(crate) done: BTreeMap<&'static str, u64>,
    /// Snapshots requested, and those requested too soon after the previous one.
    pub(crate) n_asked: u64,
    pub(crate) n_hasty: u64,
    /// Time from when a snapshot was permitted until the book was live, in milliseconds.
    pub(crate) resyncs_ms: Vec<u64>,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.n_frames += other.n_frames;
        self.n_live += other.n_live;
        self.n_silent_errors += other.n_silent_errors;
        self.n_unverified += other.n_unverified;
        self.n_doubted += other.n_doubted;
        other.done.into_iter().for_each(|(what, n_done)| *self.done.entry(what).or_default() += n_done);
        self.n_asked += other.n_asked;
        self.n_hasty += other.n_hasty;
        self.resyncs_ms.extend(other.resyncs_ms);
    }

    pub(crate) fn resync_p99_ms(&self) -> u64 {
        let mut sorted = self.resyncs_ms.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() * 99 / 100).or(sorted.last()).copied().unwrap_or(0)
    }

    /// Returns the share of comparisons that found the book live.
    pub(crate) fn live_share(&self) -> f64 {
        self.n_live as f64 / (self.n_live + self.n_unverified + self.n_doubted).max(1) as f64
    }
}

/// The history of one book; times in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) state: BookState,
    /// Time at which it ceased to be served, or the connection opened.
    pub(crate) doubted_at: Option<u64>,
    /// Time at which the snapshot that will make it live was permitted.
    pub(crate) permitted_at: Option<u64>,
    /// The last two times when a snapshot was requested, the newer one last.
    pub(crate) asks: [Option<u64>; 2],
    /// The next request is part of subscribing on a new connection.
    pub(crate) is_first_ask: bool,
    /// Times at which it was contradicted, flagged for that, and live again.
    pub(crate) contradicted_at: Vec<u64>,
    pub(crate) flagged: Vec<(u64, Option<u64>)>,
}
