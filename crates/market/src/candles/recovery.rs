//! Decides which candles of one interval cannot be trusted, and when to request them from the venue.
//!
//! A doubt is a range of candles: at the start everything up to the candle of the first live trade, after a gap the
//! candles in which it lies. It is requested twice: at once, to fill the gap, and again when the range's last candle
//! has been closed for [`SETTLE`] by the venue's clock, for the final figures. A doubt ends when an answer contains
//! final figures for all of it.

use std::time::Duration;

use model::{
    candle::Interval,
    time::{Monotonic, Timestamp},
};
use topics::limits::CANDLES_LENGTH;

/// Time after a candle's close until its figures count as final: late trades and the venue's own delay.
pub(super) const SETTLE: Duration = Duration::from_secs(2);

/// An unanswered request is abandoned after this long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Minimum time between two history requests for one series, doubled for each one without an answer.
const REQUEST_GAP: Duration = Duration::from_secs(5);

/// Maximum time between two history requests to a venue that does not answer.
const REQUEST_GAP_MAX: Duration = Duration::from_secs(300);

/// Candles that may begin while an answer is in flight are requested too.
const ANSWER_SPAN: Duration = Duration::from_secs(10);

/// Minimum number of candles requested: the doubtful one, its successor and a spare one.
const N_BARS_MIN: usize = 3;

/// Candles that are not trusted; both ends are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) from: Timestamp,
    /// `None` until there is a last one: no trade has come yet.
    pub(super) until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Ask {
    at: Monotonic,
    /// The venue's time of the request.
    venue_time: Option<Timestamp>,
    n_bars: usize,
}

/// The value of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Rows before this have their final figures.
    pub(super) final_before: Timestamp,
    /// True if the rows reach back to the beginning of the doubt, or as far as the venue or we keep candles.
    pub(super) is_complete: bool,
}

/// Doubt about one series, and the request in flight.
#[derive(Clone, Debug)]
pub(super) struct Recovery {
    interval: Interval,
    doubt: Option<Doubt>,
    /// True until the doubt has been requested once.
    is_new: bool,
    pending: Option<Ask>,
    not_before: Option<Monotonic>,
    n_unanswered: u32,
}

impl Recovery {
    pub(super) fn new(interval: Interval) -> Self {
        Self {
            interval,
            doubt: Some(Doubt { from: NEVER, until: None }),
            is_new: true,
            pending: None,
            not_before: None,
            n_unanswered: 0,
        }
    }

    pub(super) fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    pub(super) fn covers(&self, open_time: Timestamp) -> bool {
        self.doubt.is_some_and(|doubt| doubt.from <= open_time && doubt.until.is_none_or(|until| open_time <= until))
    }

    /// Begins with the first live trade, in the candle at `until`; everything before it is unknown.
    pub(super) fn begin(&mut self, until: Timestamp) {
        let doubt = self.doubt.get_or_insert(Doubt { from: until, until: None });
        doubt.until = doubt.until.max(Some(until));
    }

    /// Doubts the candles `from..=until`, in which trades may be missing.
    pub(super) fn suspect(&mut self, from: Timestamp, until: Timestamp) {
        let doubt = self.doubt.get_or_insert(Doubt { from, until: None });
        doubt.from = doubt.from.min(from);
        doubt.until = doubt.until.max(Some(until));
        self.is_new = true;
    }

    /// Returns the number of candles to request now, if any. `venue_time` is `None` before the venue's first timestamp.
    pub(super) fn request(&mut self, venue_time: Option<Timestamp>, now: Monotonic) -> Option<usize> {
        let doubt = self.doubt?;
        if let Some(ask) = self.pending {
            if now.saturating_since(ask.at) < ANSWER_TIMEOUT {
                return None;
            }
            self.pending = None;
            self.is_new = true;
            self.n_unanswered = self.n_unanswered.saturating_add(1);
            self.not_before =
                Some(now + (REQUEST_GAP * 2_u32.saturating_pow(self.n_unanswered.min(8))).min(REQUEST_GAP_MAX));
        }
        let is_settled = doubt.until.is_some_and(|until| until < self.settled_before(venue_time));
        if self.not_before.is_some_and(|at| now < at) || !(self.is_new || is_settled) {
            return None;
        }
        let length = self.interval.duration().as_nanos();
        let span = venue_time.map(|time| time.saturating_since(doubt.from)).filter(|_| doubt.from != NEVER);
        let n_bars = span
            .map(|span| span.as_nanos() / length + 2 + ANSWER_SPAN.as_nanos() / length)
            .and_then(|n_bars| usize::try_from(n_bars).ok())
            .map_or(CANDLES_LENGTH, |n_bars| n_bars.clamp(N_BARS_MIN, CANDLES_LENGTH));
        self.is_new = false;
        self.pending = Some(Ask { at: now, venue_time, n_bars });
        self.not_before = Some(now + REQUEST_GAP);
        Some(n_bars)
    }

    /// Processes an answer: `n_rows` rows from `oldest` to `newest`. An incomplete one is requested again.
    pub(super) fn answered(&mut self, (oldest, newest): (Timestamp, Timestamp), n_rows: usize) -> Answer {
        let ask = self.pending.take();
        self.n_unanswered = 0;
        // Fewer rows than requested are all that exist.
        let is_all =
            n_rows >= CANDLES_LENGTH || ask.is_some_and(|ask| n_rows < ask.n_bars || ask.n_bars >= CANDLES_LENGTH);
        let is_complete = is_all || self.doubt.is_none_or(|doubt| oldest <= doubt.from);
        self.is_new |= !is_complete;
        Answer { final_before: newest.max(self.settled_before(ask.and_then(|ask| ask.venue_time))), is_complete }
    }

    /// Notes that all candles before `final_before` have their final figures; returns the doubt that this ends.
    pub(super) fn settle(&mut self, final_before: Timestamp) -> Option<Doubt> {
        let doubt = self.doubt.as_mut()?;
        let until = doubt.until?;
        if until < final_before {
            self.is_new = false;
            return self.doubt.take();
        }
        doubt.from = doubt.from.max(final_before.min(until));
        None
    }

    /// Returns the open time before which candles have settled at the venue's time.
    fn settled_before(&self, venue_time: Option<Timestamp>) -> Timestamp {
        let settle = i64::try_from(SETTLE.as_nanos()).unwrap_or(i64::MAX);
        venue_time.map_or(NEVER, |time| {
            self.interval.open_time(Timestamp::from_nanos(time.as_nanos().saturating_sub(settle)))
        })
    }
}

/// Before all candles.
const NEVER: Timestamp = Timestamp::from_nanos(i64::MIN);

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn mono(seconds: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_secs(seconds))
    }

    fn answered(recovery: &mut Recovery, oldest: i64, newest: i64, n_rows: usize) -> Answer {
        recovery.answered((at(oldest), at(newest)), n_rows)
    }

    #[test]
    fn an_answer_that_does_not_reach_far_enough_is_asked_for_again() {
        let mut recovery = Recovery::new(Interval::S1);
        recovery.request(None, mono(0));
        recovery.begin(at(0));
        answered(&mut recovery, 0, 1_000, 500);
        assert!(recovery.settle(at(1_000)).is_some());
        recovery.suspect(at(60_000), at(60_000));
        assert_eq!(recovery.request(Some(at(60_500)), mono(100)), Some(12));
        recovery.suspect(at(61_000), at(99_000));
        assert!(!answered(&mut recovery, 88_000, 99_000, 12).is_complete);
        assert_eq!(recovery.request(Some(at(102_000)), mono(105)), Some(54));
        assert!(answered(&mut recovery, 60_000, 113_000, 54).is_complete);
    }

    #[test]
    fn asks_at_the_start_and_again_when_the_seam_has_settled() {
        let mut recovery = Recovery::new(Interval::M1);
        assert_eq!(recovery.request(None, mono(0)), Some(CANDLES_LENGTH));
        recovery.begin(at(MINUTE));
        assert_eq!(recovery.request(Some(at(MINUTE + 1)), mono(6)), None, "one is on its way");
        assert_eq!(answered(&mut recovery, 0, MINUTE, 500), Answer { final_before: at(MINUTE), is_complete: true });
        assert_eq!(recovery.settle(at(MINUTE)), None, "the seam still forms");
        assert_eq!(recovery.doubt(), Some(Doubt { from: at(MINUTE), until: Some(at(MINUTE)) }));
        assert_eq!(recovery.request(Some(at(2 * MINUTE + 1_999)), mono(60)), None);
        assert_eq!(recovery.request(Some(at(2 * MINUTE + 2_000)), mono(61)), Some(3));
        let final_before = answered(&mut recovery, -MINUTE, MINUTE, 3).final_before;
        assert_eq!(final_before, at(2 * MINUTE), "asked after the close, so final without a later row");
        assert!(recovery.settle(final_before).is_some());
        assert_eq!((recovery.doubt(), recovery.request(Some(at(9 * MINUTE)), mono(500))), (None, None));
    }

    #[test]
    fn a_gap_is_asked_for_at_once_and_wide_enough() {
        let mut recovery = Recovery::new(Interval::M1);
        recovery.request(None, mono(0));
        recovery.begin(at(0));
        answered(&mut recovery, 0, MINUTE, 500);
        assert!(recovery.settle(at(MINUTE)).is_some());
        recovery.suspect(at(5 * MINUTE), at(20 * MINUTE));
        assert!(
            recovery.covers(at(5 * MINUTE)) && recovery.covers(at(20 * MINUTE)) && !recovery.covers(at(21 * MINUTE))
        );
        assert_eq!(recovery.request(Some(at(20 * MINUTE + 1)), mono(1)), None, "not within five seconds of the last");
        assert_eq!(recovery.request(Some(at(20 * MINUTE + 1)), mono(5)), Some(17));
    }

    #[test]
    fn a_venue_that_never_answers_is_asked_ever_less() {
        let mut recovery = Recovery::new(Interval::M1);
        let asked: Vec<u64> = (0..2_000).filter(|second| recovery.request(None, mono(*second)).is_some()).collect();
        assert_eq!(asked, [0, 30, 70, 130, 230, 410, 730, 1_050, 1_370, 1_690]);
    }
}
