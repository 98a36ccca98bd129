//! The offset between the server's clock and the browser's, and the error of that offset.
//!
//! As in NTP: a request is sent at one time of our clock and its answer arrives at another; the server read its clock
//! in between, so the offset is known to half of the round trip. The sample with the shortest round trip counts. Pure;
//! the times are arguments.

use std::collections::VecDeque;

use model::time::{Now, Timestamp};

/// A comparison of two clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockOffset {
    /// Server's clock minus browser's, in milliseconds.
    pub offset_ms: f64,
    /// The offset is accurate to this many milliseconds.
    pub error_ms: f64,
}

impl ClockOffset {
    fn agrees_with(self, other: Self) -> bool {
        (self.offset_ms - other.offset_ms).abs() <= self.error_ms + other.error_ms + DRIFT_MS
    }
}

/// Keeps the last comparisons and selects the best.
#[derive(Debug, Default)]
pub struct ClockComparison {
    samples: VecDeque<ClockOffset>,
    last: Option<Now>,
}

impl ClockComparison {
    /// Adds a comparison: the request was sent at `sent`, the answer arrived at `received`.
    pub fn add(&mut self, sent: Now, received: Now, server_time_ms: i64) {
        self.forget_after_step(received);
        let round_trip_ms = received.monotonic.saturating_since(sent.monotonic).as_secs_f64() * 1e3;
        let sent_ms = sent.wall.as_micros() as f64 / 1e3;
        // Half a millisecond more: both clocks are read to the millisecond.
        let error_ms = round_trip_ms / 2.0 + 0.5;
        let offset_ms = server_time_ms as f64 + 0.5 - (sent_ms + round_trip_ms / 2.0);
        let sample = ClockOffset { offset_ms, error_ms };
        // If two samples cannot both be right, the server's clock was set in between, and the newer one counts.
        if self.offset().is_some_and(|known| !known.agrees_with(sample)) {
            self.samples.clear();
        }
        self.samples.push_back(sample);
        if self.samples.len() > N_SAMPLES {
            self.samples.pop_front();
        }
    }

    /// Returns the best comparison; `None` before the first.
    pub fn offset(&self) -> Option<ClockOffset> {
        self.samples.iter().copied().min_by(|left, right| left.error_ms.total_cmp(&right.error_ms))
    }

    /// Returns the server's clock minus the browser's, for latencies: an offset within its own error counts as zero,
    /// because applying it would make latencies too low.
    pub fn server_ahead_ms(&self) -> f64 {
        let known = self.offset().filter(|known| known.offset_ms.abs() > known.error_ms);
        known.map_or(0.0, |known| known.offset_ms)
    }

    /// Returns the server's wall clock at `now`; the browser's own if nothing was compared yet.
    pub fn server_time(&self, now: Now) -> Timestamp {
        let offset_ms = self.offset().map_or(0.0, |known| known.offset_ms);
        Timestamp::from_micros(now.wall.as_micros().saturating_add((offset_ms * 1e3) as i64))
    }

    /// Drops older comparisons, which are worthless after the browser's clock was set or the machine slept.
    fn forget_after_step(&mut self, now: Now) {
        if let Some(last) = self.last {
            let wall_ms = now.wall.as_millis() - last.wall.as_millis();
            let monotonic_ms = now.monotonic.saturating_since(last.monotonic).as_millis() as i64;
            if (wall_ms - monotonic_ms).abs() > STEP_MS {
                self.samples.clear();
            }
        }
        self.last = Some(now);
    }
}

/// Comparisons kept: at one every five seconds, the best of 40 seconds counts, and drift stays below the limit.
const N_SAMPLES: usize = 8;

/// Clocks may drift apart by this much while comparisons are kept: 500 ppm over 40 seconds.
const DRIFT_MS: f64 = 20.0;

/// If the wall clock moved by more than this relative to the monotonic clock, it was set.
const STEP_MS: i64 = 250;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::time::Monotonic;

    use super::*;

    fn at(monotonic_ms: u64, wall_ms: i64) -> Now {
        Now {
            monotonic: Monotonic::from_zero(Duration::from_millis(monotonic_ms)),
            wall: Timestamp::from_millis(wall_ms),
        }
    }

    #[test]
    fn the_true_offset_lies_within_the_error() {
        // The server is 1,000 ms ahead; the request takes `there`, the answer `back`.
        for (there, back) in [(10_u64, 10_u64), (0, 40), (40, 0), (1, 200)] {
            let mut clocks = ClockComparison::default();
            clocks.add(
                at(5_000, 50_000),
                at(5_000 + there + back, 50_000 + (there + back) as i64),
                51_000 + there as i64,
            );
            let known = clocks.offset().unwrap();
            assert!((known.offset_ms - 1_000.0).abs() <= known.error_ms, "{there} {back}: {known:?}");
        }
    }

    #[test]
    fn the_shortest_round_trip_counts() {
        let mut clocks = ClockComparison::default();
        clocks.add(at(0, 0), at(200, 200), 1_190);
        clocks.add(at(1_000, 1_000), at(1_004, 1_004), 2_002);
        clocks.add(at(2_000, 2_000), at(2_300, 2_300), 3_010);
        let known = clocks.offset().unwrap();
        assert_eq!((known.offset_ms, known.error_ms), (1_000.5, 2.5));
        assert_eq!(clocks.server_time(at(2_400, 2_400)).as_millis(), 3_400);
    }

    #[test]
    fn a_clock_that_was_set_makes_old_samples_worthless() {
        let mut clocks = ClockComparison::default();
        clocks.add(at(0, 0), at(2, 2), 1_001);
        clocks.add(at(5_000, 65_000), at(5_100, 65_100), 6_050);
        // Server 6,050.5 against our 65,050 in the middle of the round trip: the sample from before the step is gone.
        assert_eq!(clocks.offset().map(|known| known.offset_ms), Some(-58_999.5));
    }

    #[test]
    fn a_server_clock_that_was_set_is_believed_at_once() {
        for step_ms in [-600_000, 600_000, 1_000] {
            let mut clocks = ClockComparison::default();
            clocks.add(at(0, 0), at(2, 2), 1_001);
            clocks.add(at(5_000, 5_000), at(5_080, 5_080), 6_040 + step_ms);
            assert_eq!(clocks.offset().map(|known| known.offset_ms), Some(1_000.5 + step_ms as f64));
            assert_eq!(clocks.server_ahead_ms(), 1_000.5 + step_ms as f64);
        }
        // A slow answer agrees with a quick one: the quick one still counts.
        let mut clocks = ClockComparison::default();
        clocks.add(at(0, 0), at(2, 2), 1);
        clocks.add(at(5_000, 5_000), at(5_400, 5_400), 5_390);
        assert_eq!(clocks.offset().map(|known| known.error_ms), Some(1.5));
        assert_eq!(clocks.server_ahead_ms(), 0.0, "less than its own error");
    }
}
