//! The counters and details that each lane has published: at once when the book's state changes, otherwise at most once
//! a second. Also why a book needed a fresh snapshot, and the unreadable frames.
//!
//! Not here: counting, which the sessions do, and latencies (`latency`).

use std::collections::VecDeque;

use model::{
    proof::{BookCounters, BookState, TrackedBook},
    status::FeedHealth,
    time::{Monotonic, Now, Timestamp},
};
use topics::{
    channels::quality::{
        BookProof, MALFORMED_SAMPLES, MalformedSample, QualityData, Resync, ResyncReason, SAMPLE_CHARS,
    },
    payload::Merge,
};

use crate::{
    latency::{FeedLatency, Latencies},
    status::COUNTERS_PERIOD,
};

/// The state published on one lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct QualityLane {
    published: QualityData,
    at: Option<Monotonic>,
}

impl QualityLane {
    /// Returns the changes; `current` is called only if they are published.
    pub(crate) fn turn(
        &mut self,
        book_state: BookState,
        current: impl FnOnce() -> QualityData,
        now: Now,
    ) -> Option<QualityData> {
        let is_due = self.at.is_none_or(|at| now.monotonic.saturating_since(at) >= COUNTERS_PERIOD);
        if !is_due && self.published.book_state == Some(book_state) {
            return None;
        }
        let mut delta = self.published.diff(&current())?;
        delta.publish_time_us = Some(now.wall.as_micros());
        self.published.merge(&delta);
        self.at = Some(now.monotonic);
        Some(delta)
    }

    /// Returns everything published on this lane.
    pub(crate) fn snapshot(&self) -> QualityData {
        self.published.clone()
    }
}

/// Why the instrument's book last needed a fresh snapshot.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProofWatch {
    seen: BookCounters,
    crossed_at: Option<Monotonic>,
    last_resync: Option<Resync>,
}

impl ProofWatch {
    /// Observes a book; call it each turn.
    pub(crate) fn observe(&mut self, book: &TrackedBook, is_connected: bool, now: Now) {
        let (seen, counters) = (std::mem::replace(&mut self.seen, book.counters), book.counters);
        if counters.crossed > seen.crossed {
            self.crossed_at = Some(now.monotonic);
        }
        if counters.resyncs <= seen.resyncs {
            return;
        }
        let is_lost =
            !is_connected || matches!(book.state, BookState::Empty | BookState::Buffering | BookState::Polled);
        let is_crossed = self.crossed_at.is_some_and(|at| now.monotonic.saturating_since(at) < COUNTERS_PERIOD);
        let reason = match () {
            () if counters.checksums_bad > seen.checksums_bad => ResyncReason::Checksum,
            () if counters.gaps > seen.gaps => ResyncReason::Gap,
            () if is_lost => ResyncReason::Connection,
            () if is_crossed => ResyncReason::Crossed,
            () => ResyncReason::Contradiction,
        };
        self.last_resync = Some(Resync { at_ms: now.wall.as_millis(), reason });
    }
}

/// The last unreadable frames.
#[derive(Clone, Debug, Default)]
pub(crate) struct MalformedSamples {
    n_malformed: u64,
    last: Option<Monotonic>,
    samples: VecDeque<MalformedSample>,
}

impl MalformedSamples {
    /// Notes a frame and the number of malformed frames so far. Returns the sample if one was taken: at most one a
    /// second, so that a flood neither costs time nor displaces the first one at once.
    pub(crate) fn judged(&mut self, frame: &str, n_malformed: u64, now: Now) -> Option<&MalformedSample> {
        let is_malformed = n_malformed > std::mem::replace(&mut self.n_malformed, n_malformed);
        let is_flood = self.last.is_some_and(|at| now.monotonic.saturating_since(at) < COUNTERS_PERIOD);
        if !is_malformed || is_flood {
            return None;
        }
        self.last = Some(now.monotonic);
        if self.samples.len() >= MALFORMED_SAMPLES {
            self.samples.pop_front();
        }
        // Only partly checked: a frame may have megabytes.
        let text = frame.chars().take(SAMPLE_CHARS * 2).filter(|char| is_plain(*char)).take(SAMPLE_CHARS).collect();
        self.samples.push_back(MalformedSample { at_ms: now.wall.as_millis(), text });
        self.samples.back()
    }
}

/// Returns false for characters that could move a reader's cursor, turn its direction or hide in a log.
fn is_plain(char: char) -> bool {
    let is_invisible = matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !char.is_control() && !is_invisible
}

/// Returns all data about an instrument's book and its feed.
pub(crate) fn current(
    book: Option<&TrackedBook>,
    health: &FeedHealth,
    (watch, [late_trades, wrong_stamps], latencies): (&ProofWatch, [u64; 2], &Latencies),
    (samples, feed): (&MalformedSamples, &FeedLatency),
) -> QualityData {
    let (state, counters) = book.map(|book| (book.state, book.counters)).unwrap_or_default();
    let (feed_latency, venue_clock) = feed.shown().clone();
    QualityData {
        proof: BookProof {
            last_checksum: book.and_then(|book| book.last_checksum),
            changed_ms: book.and_then(|book| book.receive_time).map(Timestamp::as_millis),
            last_resync: watch.last_resync,
            late_trades: Some(late_trades),
            wrong_stamps: Some(wrong_stamps),
        },
        latency: latencies.data(),
        feed_latency,
        venue_clock,
        malformed_samples: (!samples.samples.is_empty()).then(|| samples.samples.iter().cloned().collect()),
        ..QualityData::new(state, &counters, &health.counters)
    }
}

#[cfg(test)]
mod tests {
    use model::quality::FeedCounters;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::now_at;

    #[test]
    fn counters_once_a_second_states_at_once() {
        let mut lane = QualityLane::default();
        let data = |state: BookState, frames: u64| {
            QualityData::new(state, &BookCounters::default(), &FeedCounters { frames, ..FeedCounters::default() })
        };
        let mut turn = |state, frames, millis| lane.turn(state, || data(state, frames), now_at(millis));
        assert!(turn(BookState::Live, 1, 0).is_some());
        assert_eq!(turn(BookState::Live, 2, 500), None);
        let delta = turn(BookState::Suspect, 3, 600).unwrap();
        assert_eq!((delta.book_state, delta.feed.frames, delta.feed.gaps), (Some(BookState::Suspect), Some(3), None));
        assert_eq!(delta.publish_time_us, Some(now_at(600).wall.as_micros()));
        assert_eq!(turn(BookState::Suspect, 4, 1_500), None);
        assert!(turn(BookState::Suspect, 4, 1_600).is_some());
        let published = QualityData { publish_time_us: None, ..lane.snapshot() };
        assert_eq!(published, data(BookState::Suspect, 4));
    }

    #[test]
    fn a_resync_names_what_was_counted_with_it() {
        #[track_caller]
        fn check(expected: ResyncReason, is_connected: bool, state: BookState, count: fn(&mut BookCounters)) {
            let mut watch = ProofWatch::default();
            let mut book = TrackedBook { state: BookState::Live, ..TrackedBook::default() };
            // A counter that rose long ago is not a reason now.
            book.counters = BookCounters { gaps: 3, checksums_bad: 2, crossed: 5, resyncs: 4, ..book.counters };
            watch.observe(&book, true, now_at(0));
            watch.last_resync = None;
            watch.observe(&book, true, now_at(4_900));
            assert_eq!(watch.last_resync, None);
            count(&mut book.counters);
            book.counters.resyncs += 1;
            book.state = state;
            watch.observe(&book, is_connected, now_at(5_000));
            let at_ms = now_at(5_000).wall.as_millis();
            assert_eq!(watch.last_resync, Some(Resync { at_ms, reason: expected }));
            watch.observe(&book, is_connected, now_at(9_000));
            assert_eq!(watch.last_resync.map(|resync| resync.at_ms), Some(at_ms), "told once");
        }
        check(ResyncReason::Gap, true, BookState::Resyncing, |counters| counters.gaps += 1);
        check(ResyncReason::Checksum, true, BookState::Suspect, |counters| counters.checksums_bad += 1);
        check(ResyncReason::Crossed, true, BookState::Resyncing, |counters| counters.crossed += 9);
        check(ResyncReason::Connection, false, BookState::Live, |_| {});
        check(ResyncReason::Connection, true, BookState::Buffering, |_| {});
        check(ResyncReason::Contradiction, true, BookState::Resyncing, |_| {});
    }

    #[test]
    fn samples_are_few_short_and_plain() {
        let mut samples = MalformedSamples::default();
        assert!(samples.judged("{}", 0, now_at(0)).is_none());
        let sample = samples.judged("{\"a\u{1b}[31m\":\u{202e}1\n,", 1, now_at(10)).unwrap();
        assert_eq!((sample.text.as_str(), sample.at_ms), ("{\"a[31m\":1,", now_at(10).wall.as_millis()));
        assert!(samples.judged("{}", 1, now_at(2_000)).is_none(), "nothing new was malformed");
        let long = samples.judged(&"ü".repeat(5_000), 2, now_at(3_000)).unwrap();
        assert_eq!(long.text.chars().count(), SAMPLE_CHARS);
        for flood in 0..1_000 {
            samples.judged(&flood.to_string(), 3 + flood, now_at(4_000 + flood * 10));
        }
        assert_eq!(samples.samples.len(), MALFORMED_SAMPLES);
        let kept: Vec<&str> = samples.samples.iter().map(|sample| sample.text.as_str()).collect();
        assert_eq!(kept, ["570", "665", "760", "855", "950"], "one a second");
    }

    proptest! {
        #[test]
        fn any_frame_makes_a_bounded_plain_sample(frame in "\\PC{0,300}|(?s).{0,300}") {
            let mut samples = MalformedSamples::default();
            let sample = samples.judged(&frame, 1, now_at(0)).unwrap();
            prop_assert!(sample.text.chars().count() <= SAMPLE_CHARS);
            prop_assert!(sample.text.chars().all(|char| !char.is_control()));
        }
    }
}
