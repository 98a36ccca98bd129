//! The last half minute of a feed, in memory, so that it can be saved after something of interest has happened.
//!
//! A window begins where all context is known: at a checkpoint, made every [`CHECKPOINT_EVERY`]. So it holds between 30
//! and 45 seconds, or as much as [`MAX_BYTES`] allows. Not here: the contents of a checkpoint ([`crate::prelude`]),
//! when checkpoints are made ([`crate::tap`]).

use std::{collections::VecDeque, time::Duration};

use model::time::{Monotonic, Now, Timestamp};

use crate::entry::RawEntry;

/// Entries of the last half minute.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    entries: VecDeque<RawEntry>,
    /// Number of the oldest entry since the start.
    first_number: u64,
    bytes: usize,
    checkpoints: VecDeque<Checkpoint>,
}

#[derive(Clone, Debug)]
struct Checkpoint {
    /// Number of the first entry after the checkpoint.
    number: u64,
    at: Now,
    prelude: Vec<RawEntry>,
}

/// A window that can be played.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its beginning.
    pub begin: Timestamp,
    /// The context needed at the beginning.
    pub prelude: Vec<RawEntry>,
    /// All entries since.
    pub entries: Vec<RawEntry>,
}

impl Ring {
    /// Keeps an entry. If there is no room, the oldest are dropped, at worst all of them until the next checkpoint.
    pub fn push(&mut self, entry: RawEntry) {
        if self.checkpoints.is_empty() {
            return;
        }
        self.bytes += entry.size_bytes();
        self.entries.push_back(entry);
        while self.bytes > MAX_BYTES && !self.checkpoints.is_empty() {
            self.checkpoints.pop_front();
            self.prune();
        }
    }

    /// Returns true if a [`Self::checkpoint`] is due.
    pub fn wants_checkpoint(&self, now: Monotonic) -> bool {
        let newest = self.checkpoints.back();
        newest.is_none_or(|newest| now.saturating_since(newest.at.monotonic) >= CHECKPOINT_EVERY)
    }

    /// Marks a point where a window may begin.
    pub fn checkpoint(&mut self, prelude: Vec<RawEntry>, at: Now) {
        self.checkpoints.push_back(Checkpoint { number: self.first_number + self.entries.len() as u64, at, prelude });
        let is_past = |checkpoint: &Checkpoint| at.monotonic.saturating_since(checkpoint.at.monotonic) >= SPAN;
        while self.checkpoints.get(1).is_some_and(is_past) {
            self.checkpoints.pop_front();
        }
        self.prune();
    }

    /// Returns the last half minute; less if the feed is younger or very busy. `None` if nothing was kept.
    pub fn window(&self, now: Monotonic) -> Option<Window> {
        let is_past = |checkpoint: &&Checkpoint| now.saturating_since(checkpoint.at.monotonic) >= SPAN;
        let from = self.checkpoints.iter().rev().find(is_past).or(self.checkpoints.front())?;
        let skipped = usize::try_from(from.number - self.first_number).unwrap_or(usize::MAX);
        Some(Window {
            begin: from.at.wall,
            prelude: from.prelude.clone(),
            entries: self.entries.iter().skip(skipped).cloned().collect(),
        })
    }

    /// Drops everything before the oldest checkpoint.
    fn prune(&mut self) {
        let oldest = self.checkpoints.front().map_or(u64::MAX, |checkpoint| checkpoint.number);
        while self.first_number < oldest {
            let Some(entry) = self.entries.pop_front() else { return };
            self.bytes -= entry.size_bytes();
            self.first_number += 1;
        }
    }
}

/// The length promised by "the last 30 s".
pub const SPAN: Duration = Duration::from_secs(30);
/// Snapshot frames of all books are made this often.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(15);
/// Bytes of entries kept for one feed: half a minute of about 500 frames of 1 kB a second.
pub const MAX_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use model::recording_entry::EntryKind;

    use super::*;
    use crate::entry::Body;

    fn at(seconds: u64) -> Now {
        let wall = Timestamp::from_millis(i64::try_from(seconds).unwrap() * 1_000);
        Now { monotonic: Monotonic::from_zero(Duration::from_secs(seconds)), wall }
    }

    fn entry(seconds: u64, text: &str) -> RawEntry {
        let body = Body::Text(text.into());
        RawEntry {
            kind: EntryKind::Recv,
            time: at(seconds).wall,
            slot: 0,
            url: None,
            request: None,
            body,
            is_prelude: false,
        }
    }

    /// One second each: a checkpoint if due, then one entry.
    fn run(ring: &mut Ring, seconds: std::ops::Range<u64>, text: &str) {
        for second in seconds {
            if ring.wants_checkpoint(at(second).monotonic) {
                ring.checkpoint(vec![entry(second, "known")], at(second));
            }
            ring.push(entry(second, text));
        }
    }

    #[track_caller]
    fn check(ring: &Ring, now: u64, begin: i64, n_entries: usize) {
        let window = ring.window(at(now).monotonic).unwrap();
        assert_eq!((window.begin.as_millis(), window.entries.len()), (begin * 1_000, n_entries));
        assert_eq!(window.prelude[0].time, window.begin, "the checkpoint is that of the beginning");
    }

    #[test]
    fn a_window_has_half_a_minute_and_begins_at_a_checkpoint() {
        let mut ring = Ring::default();
        assert!(ring.window(at(0).monotonic).is_none());
        run(&mut ring, 0..10, "x");
        check(&ring, 10, 0, 10);
        run(&mut ring, 10..44, "x");
        check(&ring, 44, 0, 44);
        run(&mut ring, 44..61, "x");
        check(&ring, 61, 30, 31);
        assert!(ring.entries.len() <= 46, "older ones are gone: {}", ring.entries.len());
        run(&mut ring, 61..10_000, "x");
        assert!(ring.entries.len() <= 46 && ring.checkpoints.len() <= 4);
    }

    #[test]
    fn a_loud_feed_keeps_less_and_never_more_than_its_share() {
        let mut ring = Ring::default();
        let large = "x".repeat(1 << 20);
        for second in 0..200 {
            run(&mut ring, second..second + 1, &large);
            assert!(ring.bytes <= MAX_BYTES, "{}", ring.bytes);
        }
        let window = ring.window(at(200).monotonic).unwrap();
        assert!(!window.entries.is_empty() && window.entries.len() <= 16);
        run(&mut ring, 200..201, &"x".repeat(MAX_BYTES + 1));
        assert!(ring.window(at(201).monotonic).is_none() && ring.bytes == 0, "nothing can be said to be whole");
        run(&mut ring, 201..203, "x");
        check(&ring, 203, 201, 2);
    }
}
