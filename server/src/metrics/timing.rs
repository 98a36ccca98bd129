//! A histogram of durations without a lock, whose totals can also be read.
//!
//! The library's own histogram can only be written out; the System page needs the totals, too.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};

/// Durations by fixed bounds. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Timing(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bounds_us: &'static [u64],
    /// One more than bounds: the last one is for longer durations.
    counts: Box<[AtomicU64]>,
    sum_us: AtomicU64,
}

/// The number of durations and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Durations.
    pub n: u64,
    /// Their sum, in microseconds.
    pub sum_us: u64,
}

impl Timing {
    /// Counts nothing yet. `bounds_us` rise.
    pub fn new(bounds_us: &'static [u64]) -> Self {
        let counts = (0..=bounds_us.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Inner { bounds_us, counts, sum_us: AtomicU64::new(0) }))
    }

    /// Counts a duration.
    pub fn record(&self, span: Duration) {
        let span_us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.0.bounds_us.partition_point(|bound| *bound < span_us);
        self.0.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum_us.fetch_add(span_us, Ordering::Relaxed);
    }

    /// Adds durations that somebody else has counted by the same bounds.
    pub fn add(&self, counts: &[u64], sum_us: u64) {
        for (count, more) in self.0.counts.iter().zip(counts) {
            count.fetch_add(*more, Ordering::Relaxed);
        }
        self.0.sum_us.fetch_add(sum_us, Ordering::Relaxed);
    }

    /// Returns the totals since the start.
    pub fn total(&self) -> Total {
        let n = self.0.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        Total { n, sum_us: self.0.sum_us.load(Ordering::Relaxed) }
    }
}

impl TypedMetric for Timing {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Timing {
    fn encode(&self, encoder: MetricEncoder) -> fmt::Result {
        let counts: Vec<u64> = self.0.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        encode_histogram(encoder, self.0.bounds_us, &counts, self.0.sum_us.load(Ordering::Relaxed))
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// Writes a histogram in seconds. `counts` has one more entry than `bounds_us`.
pub(super) fn encode_histogram(
    mut encoder: MetricEncoder<'_>,
    bounds_us: &[u64],
    counts: &[u64],
    sum_us: u64,
) -> fmt::Result {
    let bounds = bounds_us.iter().map(|bound| seconds(*bound)).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
    encoder.encode_histogram::<NoLabelSet>(seconds(sum_us), counts.iter().sum(), &buckets, None)
}

/// Returns microseconds as seconds.
fn seconds(span_us: u64) -> f64 {
    span_us as f64 / 1_000_000.0
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    #[test]
    fn durations_come_out_as_a_cumulative_histogram_in_seconds() {
        let timing = Timing::new(&[1_000, 50_000]);
        for span_us in [0, 1_000, 1_001, 60_000] {
            timing.record(Duration::from_micros(span_us));
        }
        timing.add(&[0, 0, 2], 4_000_000);
        assert_eq!(timing.total(), Total { n: 6, sum_us: 4_062_001 });
        let mut registry = Registry::default();
        registry.register("t_seconds", "Times", timing);
        let mut page = String::new();
        text::encode(&mut page, &registry).unwrap();
        let lines: Vec<&str> = page.lines().skip(2).collect();
        let expected = [
            "t_seconds_sum 4.062001",
            "t_seconds_count 6",
            "t_seconds_bucket{le=\"0.001\"} 2",
            "t_seconds_bucket{le=\"0.05\"} 3",
            "t_seconds_bucket{le=\"+Inf\"} 6",
            "# EOF",
        ];
        assert_eq!(lines, expected);
    }
}
