//! From the server's publishing to the painted pixel: what each update took, and the usual and the worst of it.
//!
//! An update counts when a region that shows it has taken it in and the frame is painted; what was replaced before a
//! paint is not counted, what came while the page was hidden neither. Pure; the moments are arguments.

use std::collections::VecDeque;

use model::{
    sorted::SortedMap,
    time::{Now, Timestamp},
};
use topics::topic::Topic;

use crate::live::stages::StageMeter;

/// The stamps of one update, from the venue to the paint. Fields of the browser are on the browser's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Paint {
    /// The venue's clock, in milliseconds.
    pub venue_time_ms: Option<i64>,
    /// The server's clock when the venue's frame came, in microseconds.
    pub receive_time_us: Option<i64>,
    /// The server's clock when the update was published, in microseconds.
    pub publish_time_us: i64,
    /// The browser's clock when the message came, in milliseconds.
    pub browser_receive_ms: f64,
    /// The browser's clock after the paint, in milliseconds.
    pub paint_ms: f64,
    /// It came directly: what the server's clock would say is the browser's own.
    pub is_direct: bool,
}

/// Usual and worst of the last updates, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencySummary {
    /// Half of the updates took no longer.
    pub p50_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// Over how many.
    pub n_paints: usize,
}

/// Collects the stamps of painted updates.
#[derive(Debug, Default)]
pub struct LatencyMeter {
    received: SortedMap<Topic, Paint>,
    taken: Vec<(Topic, Paint)>,
    paints: VecDeque<Paint>,
    /// The browser's part of the way, by stream and venue.
    pub stages: StageMeter,
}

impl LatencyMeter {
    /// An update came; it replaces one of the same topic that was not painted.
    pub fn received(&mut self, topic: &Topic, stamps: Paint, now: Now) {
        let stamps = Paint { browser_receive_ms: millis(now.wall), ..stamps };
        self.received.insert(topic.clone(), stamps);
    }

    /// A region has taken in what is known of `topic`; the next paint shows it.
    pub fn taken(&mut self, topic: &Topic) {
        if self.taken.len() < MAX_PAINTS {
            self.taken.extend(self.received.remove_entry(topic));
        }
    }

    /// The page is hidden, or a topic gone: what waits will not be painted in time and says nothing about the way.
    pub fn discard(&mut self) {
        self.received.clear();
        self.taken.clear();
    }

    /// The frame was painted; `server_ahead_ms` is the server's clock minus the browser's. Returns what it showed, newest
    /// last.
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

    /// The last paints, oldest first.
    pub fn paints(&self) -> impl Iterator<Item = &Paint> {
        self.paints.iter()
    }

    /// Publishing to paint over the last paints; `server_ahead_ms` is the server's clock minus the browser's.
    pub fn summary(&self, server_ahead_ms: f64) -> Option<LatencySummary> {
        let recent = self.paints.iter().rev().take(N_SUMMARY);
        // Below zero is the error of the clock comparison, not a time.
        let mut took: Vec<f64> = recent
            .map(|paint| (paint, if paint.is_direct { 0.0 } else { server_ahead_ms }))
            .map(|(paint, ahead_ms)| (paint.paint_ms + ahead_ms - paint.publish_time_us as f64 / 1e3).max(0.0))
            .collect();
        took.sort_by(f64::total_cmp);
        let at = |share: f64| took.get(((took.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied();
        Some(LatencySummary { p50_ms: at(0.5)?, p99_ms: at(0.99)?, n_paints: took.len() })
    }
}

fn millis(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e3
}

/// Paints kept: at ten updates a second on four topics, the last 50 seconds.
const MAX_PAINTS: usize = 2_000;

/// Paints summed up: about the last ten seconds, so that the figure follows what happens.
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
        // A server clock behind ours by more than the way took must not give negative times.
        assert_eq!(meter.summary(-1_000.0).map(|summary| summary.p50_ms), Some(0.0));
    }
}
