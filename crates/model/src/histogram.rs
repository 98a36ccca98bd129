//! Quantiles of durations in bounded memory: logarithmic buckets, and a pair of them that forgets old values.
//!
//! A crate would do more (wide ranges, exact resolution, a log format); here the durations are microseconds up to two
//! minutes, a page shows two or three digits, and the same few lines run in the server and in the page. So the buckets
//! are fixed: eight for each doubling, which makes a quantile accurate to 7 %, in 800 bytes. Not here: what is
//! measured.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Monotonic;

/// Median, 95th and 99th percentile of some durations, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quantiles {
    /// Half of the durations were no longer.
    pub p50_us: u64,
    /// 95 % were no longer.
    pub p95_us: u64,
    /// 99 % were no longer.
    pub p99_us: u64,
    /// The number of durations.
    pub n: u64,
}

/// Counts durations by length. Empty histograms own no memory.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: Option<Box<[u32; N_BUCKETS]>>,
    n: u64,
    max_us: u64,
}

impl Histogram {
    /// Counts a duration; anything above two minutes counts as two minutes.
    pub fn record(&mut self, span_us: u64) {
        let counts = self.counts.get_or_insert_with(|| Box::new([0; N_BUCKETS]));
        let count = &mut counts[bucket_of(span_us)];
        *count = count.saturating_add(1);
        self.n += 1;
        self.max_us = self.max_us.max(span_us);
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        let Some(added) = &other.counts else { return };
        let counts = self.counts.get_or_insert_with(|| Box::new([0; N_BUCKETS]));
        counts.iter_mut().zip(added.iter()).for_each(|(count, more)| *count = count.saturating_add(*more));
        self.n += other.n;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// Returns the number of durations counted.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Returns the quantile at `share` (0 to 1), by nearest rank; accurate to 7 %. `None` if nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let counts = self.counts.as_ref()?;
        // The cast saturates and turns NaN into 0.
        let rank = ((self.n as f64 * share).ceil() as u64).clamp(1, self.n);
        let mut n_below = 0;
        let bucket = counts.iter().position(|count| {
            n_below += u64::from(*count);
            n_below >= rank
        })?;
        Some(middle_of(bucket).min(self.max_us))
    }

    /// Returns the three quantiles that are shown; `None` if nothing was counted.
    pub fn quantiles(&self) -> Option<Quantiles> {
        Some(Quantiles {
            p50_us: self.quantile(0.5)?,
            p95_us: self.quantile(0.95)?,
            p99_us: self.quantile(0.99)?,
            n: self.n,
        })
    }
}

/// A histogram of the last one to two [`RECENT`] periods; older values are forgotten half by half.
#[derive(Clone, Debug, Default)]
pub struct RecentHistogram {
    current: Histogram,
    before: Histogram,
    began: Option<Monotonic>,
}

impl RecentHistogram {
    /// Counts a duration.
    pub fn record(&mut self, span_us: u64) {
        self.current.record(span_us);
    }

    /// Forgets old values; must be called at least once a second for the stated ages to be accurate.
    pub fn turn(&mut self, now: Monotonic) {
        let age = now.saturating_since(*self.began.get_or_insert(now));
        if age >= RECENT {
            self.before = std::mem::take(&mut self.current);
            self.began = Some(now);
        }
        if age >= RECENT * 2 {
            self.before = Histogram::default();
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self { began: self.began, ..Self::default() };
    }

    /// Returns the quantiles of the remembered values; `None` if there are none.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let mut all = self.current.clone();
        all.merge(&self.before);
        all.quantiles()
    }
}

/// Durations since a beginning by fixed bounds, for monitors that compute rates and quantiles themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DelayCounts {
    /// Durations up to each bound of [`DELAY_BOUNDS_US`] and above the one before; the last ones are longer than all.
    pub counts: [u64; DELAY_BOUNDS_US.len() + 1],
    /// Their sum, in microseconds.
    pub sum_us: u64,
}

impl DelayCounts {
    /// Counts a duration.
    pub fn record(&mut self, span_us: u64) {
        let bucket = DELAY_BOUNDS_US.partition_point(|bound| *bound < span_us);
        self.counts[bucket] += 1;
        self.sum_us = self.sum_us.saturating_add(span_us);
    }

    /// Returns the number of durations.
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// The bounds of [`DelayCounts`]: from a market next door to one that is seconds behind.
pub const DELAY_BOUNDS_US: [u64; 8] = [1_000, 5_000, 20_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

/// After this long, one half is forgotten: long enough for a 99th percentile of slow streams, short enough to follow
/// trouble.
pub const RECENT: Duration = Duration::from_secs(60);

/// Each value below this many microseconds has its own bucket; above, each doubling has this many.
const N_PARTS: u64 = 8;
const PART_BITS: u32 = N_PARTS.trailing_zeros();
/// The longest duration distinguished, as a power of two: 134 s.
const MAX_BITS: u32 = 27;
const N_BUCKETS: usize = ((MAX_BITS - PART_BITS + 1) as usize) * N_PARTS as usize;

fn bucket_of(span_us: u64) -> usize {
    if span_us < N_PARTS {
        return span_us as usize;
    }
    let doubling = span_us.ilog2() - PART_BITS;
    let part = (span_us >> doubling) - N_PARTS;
    let bucket = (u64::from(doubling) + 1) * N_PARTS + part;
    usize::try_from(bucket).unwrap_or(usize::MAX).min(N_BUCKETS - 1)
}

/// Returns the middle of a bucket, in microseconds.
fn middle_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < N_PARTS {
        return bucket;
    }
    let (doubling, part) = (bucket / N_PARTS - 1, bucket % N_PARTS);
    ((N_PARTS + part) << doubling) + ((1_u64 << doubling) >> 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_secs(seconds))
    }

    #[test]
    fn durations_are_counted_up_to_their_bound() {
        let mut delays = DelayCounts::default();
        for span_us in [0, 1_000, 1_001, 5_000_000, 5_000_001] {
            delays.record(span_us);
        }
        assert_eq!((delays.counts, delays.n(), delays.sum_us), ([2, 1, 0, 0, 0, 0, 0, 1, 1], 5, 10_002_002));
    }

    #[test]
    fn nothing_has_no_quantiles() {
        assert_eq!(Histogram::default().quantiles(), None);
        assert_eq!(RecentHistogram::default().quantiles(), None);
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut histogram = Histogram::default();
        (1..=100).for_each(|span_us| histogram.record(span_us * 1_000));
        let found = histogram.quantiles().unwrap();
        for (found, exact) in [(found.p50_us, 50_000), (found.p95_us, 95_000), (found.p99_us, 99_000)] {
            assert!(found.abs_diff(exact) * 100 <= exact * 7, "{found} for {exact}");
        }
        assert_eq!(found.n, 100);
    }

    #[test]
    fn two_minutes_later_a_span_is_forgotten() {
        let mut recent = RecentHistogram::default();
        recent.turn(at(0));
        recent.record(5);
        let n_at = |recent: &mut RecentHistogram, seconds| {
            recent.turn(at(seconds));
            recent.quantiles().map(|found| found.n)
        };
        assert_eq!(n_at(&mut recent, 59), Some(1));
        assert_eq!(n_at(&mut recent, 60), Some(1));
        recent.record(6);
        assert_eq!(n_at(&mut recent, 119), Some(2));
        assert_eq!(n_at(&mut recent, 120), Some(1));
        assert_eq!(n_at(&mut recent, 180), None);
        // A late turn forgets as much as the missed ones would have.
        recent.record(7);
        assert_eq!(n_at(&mut recent, 900), None);
    }

    proptest! {
        #[test]
        fn a_quantile_is_right_to_seven_per_cent(
            mut spans in prop::collection::vec((0_u64..1 << 27, 0_u32..27).prop_map(|(span, bits)| span >> bits), 1..300),
            share in 0.0_f64..=1.0,
        ) {
            let mut histogram = Histogram::default();
            spans.iter().for_each(|span| histogram.record(*span));
            spans.sort_unstable();
            let rank = ((spans.len() as f64 * share).ceil() as usize).clamp(1, spans.len());
            let (exact, found) = (spans[rank - 1], histogram.quantile(share).unwrap());
            prop_assert!(found.abs_diff(exact) * 100 <= exact * 7, "{} for {}", found, exact);
        }

        #[test]
        fn any_span_and_share_is_taken(spans in prop::collection::vec(any::<u64>(), 1..20), share in any::<f64>()) {
            let mut histogram = Histogram::default();
            spans.iter().for_each(|span| histogram.record(*span));
            prop_assert!(histogram.quantile(share).unwrap() <= spans.iter().copied().max().unwrap());
        }
    }
}
