//! The browser's part of an update's latency: from the server's publishing to its arrival, and from there to the paint;
//! for each stream, for each venue and for all.
//!
//! The first part compares two clocks: it is as accurate as `clock`. Pure; the times are arguments. Not here: the
//! latency before publishing, which the server measures (channel `quality`).

use model::{
    histogram::{Quantiles, RecentHistogram},
    instrument::{InstrumentId, Venue},
    sorted::SortedMap,
    time::Monotonic,
};
use topics::topic::Topic;

use crate::live::latency::Paint;

/// Recent durations of both parts; `None` if nothing was painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrowserLatency {
    /// From the server's publishing to the browser.
    pub network: Option<Quantiles>,
    /// From the arrival to the paint.
    pub paint: Option<Quantiles>,
}

/// Collects both parts.
#[derive(Debug, Default)]
pub struct StageMeter {
    all: Parts,
    by_venue: SortedMap<Venue, Parts>,
    by_stream: SortedMap<InstrumentId, Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    network: RecentHistogram,
    paint: RecentHistogram,
}

impl StageMeter {
    /// Notes a painted update; `server_ahead_ms` is the server's clock minus the browser's.
    pub fn painted(&mut self, topic: &Topic, paint: &Paint, server_ahead_ms: f64) {
        // A value below zero is the error of the clock comparison, not a time. The casts saturate.
        let network_ms = paint.browser_receive_ms + server_ahead_ms - paint.publish_time_us as f64 / 1e3;
        let paint_ms = paint.paint_ms - paint.browser_receive_ms;
        let spans_us = [network_ms, paint_ms].map(|span_ms| (span_ms.max(0.0) * 1e3) as u64);
        self.all.record(spans_us);
        let Some(instrument) = topic.instrument() else { return };
        if let Some(parts) = entry(&mut self.by_venue, instrument.venue()) {
            parts.record(spans_us);
        }
        if let Some(parts) = entry(&mut self.by_stream, instrument) {
            parts.record(spans_us);
        }
    }

    /// Forgets old values; call it once a second.
    pub fn turn(&mut self, now: Monotonic) {
        let parts = self.by_venue.values_mut().chain(self.by_stream.values_mut()).chain([&mut self.all]);
        for parts in parts {
            parts.network.turn(now);
            parts.paint.turn(now);
        }
    }

    /// Returns the latency of one stream.
    pub fn of_stream(&self, instrument: &InstrumentId) -> BrowserLatency {
        self.by_stream.get(instrument).map(Parts::latency).unwrap_or_default()
    }

    /// Returns the latency of all streams of a venue; of all updates if none of the venue's was painted recently, as
    /// all come over one connection.
    pub fn of_venue(&self, venue: &Venue) -> BrowserLatency {
        let own = self.by_venue.get(venue).map(Parts::latency).filter(|latency| latency.network.is_some());
        own.unwrap_or_else(|| self.all.latency())
    }
}

impl Parts {
    fn record(&mut self, [network_us, paint_us]: [u64; 2]) {
        self.network.record(network_us);
        self.paint.record(paint_us);
    }

    fn latency(&self) -> BrowserLatency {
        BrowserLatency { network: self.network.quantiles(), paint: self.paint.quantiles() }
    }
}

/// Returns the parts of a key; `None` if too many keys are known already.
fn entry<'a, K: Ord + Clone>(parts: &'a mut SortedMap<K, Parts>, key: &K) -> Option<&'a mut Parts> {
    if !parts.contains_key(key) {
        if parts.len() >= MAX_KEYS {
            return None;
        }
        parts.insert(key.clone(), Parts::default());
    }
    parts.get_mut(key)
}

/// Streams measured individually: about 3 KB each. Later ones count for their venue only.
const MAX_KEYS: usize = 512;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn topic(symbol: &str) -> Topic {
        Topic::quote(&InstrumentId::new(&Venue::new("demo"), symbol))
    }

    fn paint(publish_ms: i64, receive_ms: f64, paint_ms: f64) -> Paint {
        Paint { publish_time_us: publish_ms * 1_000, browser_receive_ms: receive_ms, paint_ms, ..Paint::default() }
    }

    #[track_caller]
    fn check(latency: BrowserLatency, network_ms: u64, paint_ms: u64, n: u64) {
        let (network, painted) = (latency.network.unwrap(), latency.paint.unwrap());
        assert_eq!((network.n, painted.n), (n, n));
        for (found_us, expected_ms) in [(network.p50_us, network_ms), (painted.p50_us, paint_ms)] {
            assert!(found_us.abs_diff(expected_ms * 1_000) <= expected_ms * 70, "{found_us} for {expected_ms} ms");
        }
    }

    #[test]
    fn both_parts_are_kept_for_stream_and_venue() {
        let mut meter = StageMeter::default();
        let (one, other) = (topic("A"), topic("B"));
        // The server's clock is 1,000 ms ahead.
        meter.painted(&one, &paint(11_000, 10_040.0, 10_050.0), 1_000.0);
        meter.painted(&other, &paint(11_000, 10_040.0, 10_050.0), 1_000.0);
        check(meter.of_stream(one.instrument().unwrap()), 40, 10, 1);
        check(meter.of_venue(one.venue().unwrap()), 40, 10, 2);
        check(meter.of_venue(&Venue::new("another")), 40, 10, 2);
        // A server clock behind by more than the latency must not give a negative time.
        meter.painted(&one, &paint(11_000, 10_040.0, 10_050.0), -1_000.0);
        assert_eq!(meter.of_stream(one.instrument().unwrap()).network.unwrap().p50_us, 0);
    }

    #[test]
    fn keys_are_bounded_and_old_paints_forgotten() {
        let mut meter = StageMeter::default();
        for number in 0..MAX_KEYS + 10 {
            meter.painted(&topic(&number.to_string()), &paint(0, 1.0, 2.0), 0.0);
        }
        assert_eq!(meter.by_stream.len(), MAX_KEYS);
        assert_eq!(meter.of_venue(&Venue::new("demo")).paint.unwrap().n, (MAX_KEYS + 10) as u64);
        for seconds in [0, 60, 120] {
            meter.turn(Monotonic::from_zero(Duration::from_secs(seconds)));
        }
        assert_eq!(meter.of_venue(&Venue::new("demo")), BrowserLatency::default());
    }
}
