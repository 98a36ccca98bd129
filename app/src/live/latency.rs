//! Latency from the server's publishing to the painted pixel: each update's time, with median and 99th percentile.
//!
//! An update counts when a region that shows it has read it and the frame is painted; updates replaced before a paint,
//! or received while the page was hidden, do not count. Pure; the times are arguments.

use std::collections::VecDeque;

use model::{
    histogram::DelayCounts,
    sorted::{SortedMap, sorted_by},
    time::{Now, Timestamp},
};
use topics::topic::Topic;

use crate::live::stages::StageMeter;

/// The times of one update, from the venue to the paint. Browser fields use the browser's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Paint {
    /// The venue's clock, in milliseconds.
    pub venue_time_ms: Option<i64>,
    /// The server's clock when the venue's frame arrived, in microseconds.
    pub receive_time_us: Option<i64>,
    /// The server's clock when the update was published, in microseconds.
    pub publish_time_us: i64,
    /// The browser's clock when the message arrived, in milliseconds.
    pub browser_receive_ms: f64,
    /// The browser's clock after the paint, in milliseconds.
    pub paint_ms: f64,
    /// True if the update came directly: the server's times are then the browser's own.
    pub is_direct: bool,
}

/// Median and 99th percentile of the last updates, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencySummary {
    /// Half of the updates took no longer.
    pub p50_ms: f64,
    /// 99 % took no longer.
    pub p99_ms: f64,
    /// The number of updates.
    pub n_paints: usize,
}

/// Collects the times of painted updates.
#[derive(Debug, Default)]
pub struct LatencyMeter {
    received: SortedMap<Topic, Paint>,
    taken: Vec<(Topic, Paint)>,
    paints: VecDeque<Paint>,
    /// The browser's part of the latency, by stream and venue.
    pub stages: StageMeter,
}

impl LatencyMeter {
    /// Notes an update; it replaces an unpainted one of the same topic.
    pub fn received(&mut self, topic: &Topic, stamps: Paint, now: Now) {
        let stamps = Paint { browser_receive_ms: millis(now.wall), ..stamps };
        self.received.insert(topic.clone(), stamps);
    }

    /// Notes that a region has read `topic`; the next paint shows it.
    pub fn taken(&mut self, topic: &Topic) {
        if self.taken.len() < MAX_PAINTS {
            self.taken.extend(self.received.remove_entry(topic));
        }
    }

    /// Drops waiting updates when the page is hidden or a topic is gone: they will not be painted in time, so their
    /// times are meaningless.
    pub fn discard(&mut self) {
        self.received.clear();
        self.taken.clear();
    }

    /// Notes that the frame was painted; `server_ahead_ms` is the server's clock minus the browser's. Returns the
    /// updates it showed, newest last.
    pub fn painted(&mut self, now: Now, server_ahead_ms: f64) -> &[Paint] {
        let paint_ms = millis(now.wall);
        let n_new = self.taken.len();
        for (topic, stamps) in self.taken.drain(..) {
            let paint = Paint { paint_ms, ..stamps };
            self.stages.painted(&topic, &paint, server_ahead_ms);
            self.paints.push_back(paint);
        }
        let n_surplus = self.paints.len().saturating_sub(MAX_PAINTS);
        self.paints.drain(..n_surplus);
        let paints = self.paints.make_contiguous();
        &paints[paints.len().saturating_sub(n_new)..]
    }

    /// Returns the last paints, oldest first.
    pub fn paints(&self) -> impl Iterator<Item = &Paint> {
        self.paints.iter()
    }

    /// Returns how long the paints after `since_ms` took from publishing, and the time of the last one, for the server's
    /// metrics. Updates that came directly are not the server's.
    pub fn delays_since(&self, since_ms: f64, server_ahead_ms: f64) -> (DelayCounts, f64) {
        let mut delays = DelayCounts::default();
        let newer = self.paints.iter().filter(|paint| paint.paint_ms > since_ms);
        for paint in newer.clone().filter(|paint| !paint.is_direct) {
            let took_ms = paint.paint_ms + server_ahead_ms - paint.publish_time_us as f64 / 1e3;
            // The cast saturates: a time below zero is the error of the clock comparison.
            delays.record((took_ms * 1e3) as u64);
        }
        (delays, newer.map(|paint| paint.paint_ms).fold(since_ms, f64::max))
    }

    /// Returns the latency from publishing to paint over the last paints; `server_ahead_ms` is the server's clock minus
    /// the browser's.
    pub fn summary(&self, server_ahead_ms: f64) -> Option<LatencySummary> {
        let recent = self.paints.iter().rev().take(N_SUMMARY);
        // A value below zero is the error of the clock comparison, not a time.
        let took: Vec<f64> = recent
            .map(|paint| (paint, if paint.is_direct { 0.0 } else { server_ahead_ms }))
            .map(|(paint, ahead_ms)| (paint.paint_ms + ahead_ms - paint.publish_time_us as f64 / 1e3).max(0.0))
            .collect();
        let took = sorted_by(took, f64::total_cmp);
        let at = |share: f64| took.get(((took.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied();
        Some(LatencySummary { p50_ms: at(0.5)?, p99_ms: at(0.99)?, n_paints: took.len() })
    }
}

fn millis(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e3
}

/// Paints kept: at ten updates a second on four topics, the last 50 seconds.
const MAX_PAINTS: usize = 2_000;

/// Paints summarised: about the last ten seconds, so that the value follows changes.
const N_SUMMARY: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_ms: i64) -> Now {
        Now { wall: Timestamp::from_millis(wall_ms), ..Now::default() }
    }

    fn published(publish_ms: i64) -> Paint {
        Paint { publish_time_us: publish_ms * 1_000, ..Paint::default() }
    }

    #[test]
    fn each_paint_is_reported_once() {
        let mut meter = LatencyMeter::default();
        let mut paint = |publish_ms: i64, paint_ms: i64, is_direct: bool| {
            meter.received(&Topic::STATUS, Paint { is_direct, ..published(publish_ms) }, at(paint_ms));
            meter.taken(&Topic::STATUS);
            meter.painted(at(paint_ms), 0.0);
        };
        paint(1_000, 1_030, false);
        paint(2_000, 2_000, true);
        let (delays, last_ms) = meter.delays_since(0.0, 5.0);
        assert_eq!((delays.n(), delays.sum_us, last_ms), (1, 35_000, 2_000.0));
        assert_eq!(meter.delays_since(last_ms, 5.0), (DelayCounts::default(), last_ms));
        assert_eq!(meter.delays_since(1_000.0, -50.0).0.sum_us, 0, "the clocks' error is no time");
    }

    #[test]
    fn only_what_was_painted_counts() {
        let mut meter = LatencyMeter::default();
        let (shown, hidden) = (Topic::STATUS, Topic::SYSTEM);
        meter.received(&shown, published(100), at(110));
        meter.received(&shown, published(200), at(210));
        meter.received(&hidden, published(200), at(210));
        meter.taken(&shown);
        let painted = meter.painted(at(220), 0.0).to_vec();
        assert_eq!(painted.len(), 1);
        assert_eq!((painted[0].browser_receive_ms, painted[0].paint_ms), (210.0, 220.0));
        assert!(meter.painted(at(230), 0.0).is_empty());
        assert_eq!(meter.summary(5.0), Some(LatencySummary { p50_ms: 25.0, p99_ms: 25.0, n_paints: 1 }));
    }

    #[test]
    fn hidden_time_is_not_latency() {
        let mut meter = LatencyMeter::default();
        meter.received(&Topic::STATUS, published(0), at(0));
        meter.taken(&Topic::STATUS);
        meter.received(&Topic::STATUS, published(0), at(0));
        meter.discard();
        meter.taken(&Topic::STATUS);
        assert!(meter.painted(at(600_000), 0.0).is_empty());
        assert_eq!(meter.summary(0.0), None);
    }

    #[test]
    fn the_ring_is_bounded_and_percentiles_are_ranks() {
        let mut meter = LatencyMeter::default();
        for paint_idx in 0..5_000 {
            meter.received(&Topic::STATUS, published(0), at(0));
            meter.taken(&Topic::STATUS);
            meter.painted(at(paint_idx % 100 + 1), 0.0);
        }
        assert_eq!(meter.paints().count(), MAX_PAINTS);
        assert_eq!(meter.summary(0.0), Some(LatencySummary { p50_ms: 50.0, p99_ms: 99.0, n_paints: N_SUMMARY }));
        // A server clock behind ours by more than the latency must not give negative times.
        assert_eq!(meter.summary(-1_000.0).map(|summary| summary.p50_ms), Some(0.0));
    }
}
