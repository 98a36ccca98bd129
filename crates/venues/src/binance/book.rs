//! The venue's local book procedure as a state machine: buffer, snapshot, join, apply, and doubt.
//!
//! Source: <https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md>, "How to manage a local
//! order book correctly". If recordings differ from that text, they win: the first change kept usually starts at
//! `lastUpdateId + 1`. Not here: the cross-check ([`super::quote_check`]), when a snapshot may be requested
//! ([`super::protocol`]), storage of levels ([`model::book`]).

mod buffer;
mod reach;

use model::{
    event::{Level, Quote},
    proof::{BookState, TrackedBook},
    time::{Monotonic, Now, Timestamp},
};

pub(super) use self::reach::Attention;
use self::{buffer::Buffer, reach::Reach};
use crate::{
    binance::{BOOK_ROWS, OLD_IN_A_ROW, REACH_CHECK, quote_check::QuoteCheck},
    kit::protocol::CROSSED_TOLERANCE,
};

/// One change of the book, `first_id..=final_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diff {
    pub(super) first_id: u64,
    pub(super) final_id: u64,
    pub(super) event_time: Timestamp,
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
}

/// The result of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DiffOutcome {
    /// Kept until the snapshot arrives.
    Buffered,
    /// Entirely older than the expected snapshot, as usual.
    Stale,
    /// Seen before.
    Duplicate,
    /// Applied; the levels are returned.
    Applied { bids: Vec<Level>, asks: Vec<Level> },
    /// Changes are missing before it, or the snapshot was too old. The book is suspect; the change starts a new buffer.
    Gap,
    /// Applied, or old, and the book now contradicts itself. It is suspect.
    Contradiction,
}

/// The result of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotOutcome {
    /// The book is live.
    Joined,
    /// The buffered changes begin after it: another snapshot is needed.
    TooOld,
    /// No snapshot is expected.
    Unwanted,
}

/// A snapshot of the book.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot<'a> {
    /// The id of the last change in it.
    pub(super) last_id: u64,
    /// Bids and asks, best first.
    pub(super) levels: (&'a [Level], &'a [Level]),
    /// Levels a side that were requested.
    pub(super) n_asked: u32,
}

/// The state of a book except its levels, which [`TrackedBook`] holds.
#[derive(Clone, Debug, Default)]
pub(super) struct BinanceBook {
    phase: Phase,
    /// Changes applied since a further snapshot was wanted, which will replace the live book without a gap.
    renewal: Option<Buffer>,
    reach: Reach,
    attention: Attention,
    snapshot_at: Monotonic,
    quotes: QuoteCheck,
    crossed_since: Option<Monotonic>,
    n_old_in_a_row: u32,
    has_had_snapshot: bool,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Waits for a snapshot.
    Collecting { buffer: Buffer },
    /// `is_joined`: a change has been applied since the snapshot; until then old changes are not duplicates.
    /// `last_seen`: the end of the last change, applied or not.
    Following { is_joined: bool, last_seen: Option<u64> },
    /// The stream sends the best levels in full: no sequence, no snapshot.
    Replaced,
}

impl Default for Phase {
    fn default() -> Self {
        Self::Collecting { buffer: Buffer::default() }
    }
}

impl BinanceBook {
    /// Returns true if the book cannot continue without a snapshot, or is to be renewed by one.
    pub(super) fn needs_snapshot(&self) -> bool {
        matches!(self.phase, Phase::Collecting { .. }) || self.renewal.is_some()
    }

    /// Returns true if a live book, which goes on meanwhile, is to be renewed by a snapshot.
    pub(super) fn is_renewing(&self) -> bool {
        self.renewal.is_some()
    }

    /// Notes what the book is kept for, and renews it if its snapshot had too few levels for that.
    pub(super) fn keep_for(&mut self, attention: Attention) {
        self.attention = attention;
        if matches!(self.phase, Phase::Following { .. }) && self.reach.is_short(attention) {
            self.renewal.get_or_insert_default();
        }
    }

    /// Renews the book if the price has left the reach of its snapshot.
    fn check_reach(&mut self, tracked: &TrackedBook, now: Monotonic) {
        let is_checked = tracked.counters.updates.is_multiple_of(REACH_CHECK)
            && now.saturating_since(self.snapshot_at) >= self.attention.spacing;
        if is_checked && self.renewal.is_none() && !self.reach.covers(&tracked.book, self.attention) {
            self.renewal = Some(Buffer::default());
        }
    }

    /// Returns since when the book has been crossed.
    pub(super) fn crossed_since(&self) -> Option<Monotonic> {
        self.crossed_since
    }

    /// Discards the book after its connection is lost.
    pub(super) fn discard(&mut self, tracked: &mut TrackedBook) {
        if tracked.state != BookState::Empty {
            self.start_over(tracked, BookState::Buffering);
            tracked.book.clear();
            tracked.last_update_id = None;
        }
        self.quotes.clear();
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

    /// Processes a change.
    pub(super) fn on_diff(&mut self, tracked: &mut TrackedBook, diff: Diff, now: Now) -> DiffOutcome {
        match &mut self.phase {
            Phase::Collecting { .. } => self.collect(tracked, diff),
            Phase::Replaced => {
                // The full stream is followed as well, and is better.
                self.start_over(tracked, BookState::Buffering);
                self.collect(tracked, diff)
            }
            Phase::Following { is_joined, last_seen } => {
                let last_id = tracked.last_update_id.unwrap_or(0);
                let seen_before = last_seen.replace(diff.final_id);
                if diff.final_id <= last_id {
                    let outcome = if *is_joined { DiffOutcome::Duplicate } else { DiffOutcome::Stale };
                    return self.on_old(tracked, outcome);
                }
                if diff.first_id > last_id.saturating_add(1) {
                    // Nothing of the stream can be missing before its first change: the snapshot is too old.
                    tracked.counters.gaps += u64::from(seen_before.is_some());
                    self.doubt(tracked);
                    self.collect(tracked, diff);
                    return DiffOutcome::Gap;
                }
                *is_joined = true;
                self.n_old_in_a_row = 0;
                self.apply(tracked, &diff, now);
                if let Some(renewal) = &mut self.renewal {
                    renewal.push(diff.clone());
                }
                self.check_reach(tracked, now.monotonic);
                if self.is_crossed_for_too_long(now.monotonic) {
                    self.doubt(tracked);
                    return DiffOutcome::Contradiction;
                }
                DiffOutcome::Applied { bids: diff.bids, asks: diff.asks }
            }
        }
    }

    /// Processes a snapshot and joins the buffered changes to it.
    pub(super) fn on_snapshot(
        &mut self,
        tracked: &mut TrackedBook,
        snapshot: Snapshot<'_>,
        now: Now,
    ) -> SnapshotOutcome {
        let last_id = snapshot.last_id;
        let buffer = match (&mut self.phase, &mut self.renewal) {
            (Phase::Collecting { buffer }, _) => buffer,
            (Phase::Following { .. }, Some(_)) => return self.renew(tracked, snapshot, now.monotonic),
            (Phase::Following { .. } | Phase::Replaced, _) => return SnapshotOutcome::Unwanted,
        };
        let last_seen = buffer.diffs.back().map(|diff| diff.final_id);
        buffer.drop_until(last_id);
        if buffer.diffs.front().is_some_and(|diff| diff.first_id > last_id.saturating_add(1)) {
            return SnapshotOutcome::TooOld;
        }
        let kept = std::mem::take(&mut buffer.diffs);
        self.phase = Phase::Following { is_joined: !kept.is_empty(), last_seen };
        (self.reach, self.snapshot_at) = (Reach::of(snapshot), now.monotonic);
        self.has_had_snapshot = true;
        self.crossed_since = None;
        self.n_old_in_a_row = 0;
        tracked.book.apply_snapshot(snapshot.levels.0, snapshot.levels.1);
        tracked.state = BookState::Live;
        tracked.last_update_id = Some(last_id);
        tracked.event_time = None;
        tracked.receive_time = Some(now.wall);
        // The buffer has no gaps (see `collect`), so its first change decides for all.
        for diff in &kept {
            self.apply(tracked, diff, now);
        }
        if kept.is_empty() {
            self.note_crossed(tracked, now.monotonic);
        }
        SnapshotOutcome::Joined
    }

    /// Replaces the levels of a live book by those of a snapshot, brought to the same position.
    fn renew(&mut self, tracked: &mut TrackedBook, snapshot: Snapshot<'_>, now: Monotonic) -> SnapshotOutcome {
        let Some(renewal) = &mut self.renewal else { return SnapshotOutcome::Unwanted };
        let (last_id, position) = (snapshot.last_id, tracked.last_update_id.unwrap_or(0));
        renewal.drop_until(last_id);
        let is_too_old = match renewal.diffs.front() {
            Some(diff) => diff.first_id > last_id.saturating_add(1),
            None => last_id < position,
        };
        if is_too_old {
            return SnapshotOutcome::TooOld;
        }
        let kept = std::mem::take(&mut renewal.diffs);
        self.renewal = None;
        (self.reach, self.snapshot_at) = (Reach::of(snapshot), now);
        tracked.book.apply_snapshot(snapshot.levels.0, snapshot.levels.1);
        for diff in &kept {
            tracked.book.apply_delta(&diff.bids, &diff.asks);
        }
        tracked.last_update_id = Some(position.max(last_id));
        if last_id > position {
            // Changes up to the snapshot are on their way.
            self.phase = Phase::Following { is_joined: false, last_seen: Some(position) };
        }
        SnapshotOutcome::Joined
    }

    /// Processes the best levels in full; ignored if the full book is followed. Returns whether the book was replaced.
    pub(super) fn on_best_levels(
        &mut self,
        tracked: &mut TrackedBook,
        last_id: u64,
        levels: (&[Level], &[Level]),
        now: Now,
    ) -> bool {
        match &self.phase {
            Phase::Collecting { buffer } if buffer.diffs.is_empty() && !self.has_had_snapshot => {}
            Phase::Replaced if tracked.last_update_id.is_none_or(|known| known < last_id) => {}
            Phase::Collecting { .. } | Phase::Following { .. } | Phase::Replaced => return false,
        }
        self.phase = Phase::Replaced;
        tracked.book.apply_snapshot(levels.0, levels.1);
        tracked.state = BookState::Live;
        tracked.last_update_id = Some(last_id);
        tracked.receive_time = Some(now.wall);
        tracked.counters.updates += 1;
        true
    }

    /// Keeps a best bid and ask for the comparison. Ids rise from call to call.
    pub(super) fn on_quote(&mut self, update_id: u64, quote: Quote) {
        self.quotes.keep(update_id, quote);
    }

    /// Checks whether the book has been crossed for too long; makes it suspect if so.
    pub(super) fn on_timeout(&mut self, tracked: &mut TrackedBook, now: Monotonic) -> bool {
        let is_contradicted = tracked.state == BookState::Live && self.is_crossed_for_too_long(now);
        if is_contradicted {
            self.doubt(tracked);
        }
        is_contradicted
    }

    fn collect(&mut self, tracked: &mut TrackedBook, diff: Diff) -> DiffOutcome {
        let Phase::Collecting { buffer } = &mut self.phase else { return DiffOutcome::Buffered };
        if tracked.state == BookState::Empty {
            tracked.state = BookState::Buffering;
        }
        let mut outcome = DiffOutcome::Buffered;
        if let Some(last) = buffer.diffs.back() {
            if diff.final_id <= last.final_id {
                return DiffOutcome::Duplicate;
            }
            if diff.first_id > last.final_id.saturating_add(1) {
                // The buffered changes are useless now.
                buffer.clear();
                tracked.counters.gaps += 1;
                outcome = DiffOutcome::Gap;
            }
        }
        buffer.push(diff);
        outcome
    }

    fn on_old(&mut self, tracked: &mut TrackedBook, outcome: DiffOutcome) -> DiffOutcome {
        if outcome == DiffOutcome::Duplicate {
            tracked.counters.duplicates += 1;
        }
        self.n_old_in_a_row += 1;
        if self.n_old_in_a_row >= OLD_IN_A_ROW {
            self.doubt(tracked);
            return DiffOutcome::Contradiction;
        }
        outcome
    }

    fn apply(&mut self, tracked: &mut TrackedBook, diff: &Diff, now: Now) {
        tracked.book.apply_delta(&diff.bids, &diff.asks);
        if tracked.book.n_bids().max(tracked.book.n_asks()) > BOOK_ROWS {
            tracked.book.truncate(BOOK_ROWS);
        }
        tracked.last_update_id = Some(diff.final_id);
        tracked.event_time = Some(diff.event_time);
        tracked.receive_time = Some(now.wall);
        tracked.counters.updates += 1;
        self.quotes.compare(tracked, diff.final_id);
        self.note_crossed(tracked, now.monotonic);
    }

    fn note_crossed(&mut self, tracked: &mut TrackedBook, now: Monotonic) {
        if tracked.book.is_crossed() {
            tracked.counters.crossed += 1;
            self.crossed_since.get_or_insert(now);
        } else {
            self.crossed_since = None;
        }
    }

    fn is_crossed_for_too_long(&self, now: Monotonic) -> bool {
        self.crossed_since.is_some_and(|since| now.saturating_since(since) > CROSSED_TOLERANCE)
    }

    fn doubt(&mut self, tracked: &mut TrackedBook) {
        self.start_over(tracked, BookState::Suspect);
    }

    fn start_over(&mut self, tracked: &mut TrackedBook, state: BookState) {
        if self.has_had_snapshot && !matches!(self.phase, Phase::Collecting { .. }) {
            tracked.counters.resyncs += 1;
        }
        self.phase = Phase::default();
        self.renewal = None;
        self.crossed_since = None;
        self.n_old_in_a_row = 0;
        tracked.state = state;
    }
}

#[cfg(test)]
mod tests;
