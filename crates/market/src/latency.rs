//! The latencies of messages: from the venue's timestamp to the arrival, and from there to publishing, for one stream
//! and for a whole feed.
//!
//! The first latency is relative to the fastest message, because the venue's clock is not ours (`clock`). Trades sent
//! as history and book snapshots are old when they are sent: they say nothing about latency. Not here: the latency to
//! the browser.

use model::{
    event::{BookUpdate, MarketEvent, MarketEventKind},
    histogram::{DelayCounts, RecentHistogram},
    time::{Monotonic, Now, Timestamp},
};
use topics::channels::quality::latency::{LatencyData, VenueClock};

use crate::clock::{TurnClock, VenueOffset};

/// The latencies of one stream, or of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    venue: RecentHistogram,
    server: RecentHistogram,
}

impl Latencies {
    /// Notes a message that came this much later than the fastest would have.
    pub(crate) fn arrived(&mut self, above_fastest_us: u64) {
        self.venue.record(above_fastest_us);
    }

    pub(crate) fn turn(&mut self, now: Monotonic) {
        self.venue.turn(now);
        self.server.turn(now);
    }

    /// Forgets everything, as the server's clock was set.
    pub(crate) fn clear(&mut self) {
        self.venue.clear();
    }

    pub(crate) fn data(&self) -> LatencyData {
        LatencyData {
            venue: Some(self.venue.quantiles().unwrap_or_default()),
            server: Some(self.server.quantiles().unwrap_or_default()),
        }
    }
}

/// The latencies of a feed, and the venue's clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeedLatency {
    pub(crate) latencies: Latencies,
    pub(crate) offset: VenueOffset,
    /// Those of the venue since the feed started.
    pub(crate) delays: DelayCounts,
    shown: (LatencyData, Option<VenueClock>),
    shown_at: Option<Monotonic>,
}

impl FeedLatency {
    /// Processes an event. Returns its delay relative to the fastest, if it says something about latency.
    pub(crate) fn arrived(&mut self, event: &MarketEvent, turns: TurnClock) -> Option<u64> {
        let is_news = match &event.kind {
            MarketEventKind::Trade(_) | MarketEventKind::OffMarketTrade(_) | MarketEventKind::Quote(_) => true,
            MarketEventKind::Book(update) => matches!(update, BookUpdate::Delta { .. }),
            MarketEventKind::Candle(_)
            | MarketEventKind::History(_)
            | MarketEventKind::Day(_)
            | MarketEventKind::Instrument(_) => false,
        };
        let event_time = event.event_time.filter(|_| is_news && turns.is_near(event.receive_time))?;
        let difference_us = event.receive_time.as_micros().saturating_sub(event_time.as_micros());
        let above_us = self.offset.note(difference_us);
        if above_us > MAX_LATENCY_US {
            return None;
        }
        self.latencies.arrived(above_us);
        self.delays.record(above_us);
        Some(above_us)
    }

    /// Notes that an update with data received at `receive_time` was published in this turn, for a stream with these
    /// latencies.
    pub(crate) fn published(
        &mut self,
        stream: &mut Latencies,
        receive_time_us: Option<i64>,
        turns: TurnClock,
        now: Now,
    ) {
        let Some(receive_time_us) = receive_time_us.filter(|_| !turns.is_set_again()) else { return };
        let span = now.wall.saturating_since(Timestamp::from_micros(receive_time_us));
        let span_us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        stream.server.record(span_us);
        self.latencies.server.record(span_us);
    }

    /// Forgets values that are old, or invalid since the clock was set; summarises once a second.
    pub(crate) fn turn(&mut self, turns: TurnClock, now: Monotonic) {
        if turns.is_set_again() {
            self.offset.clear();
            self.latencies.clear();
        }
        self.offset.turn(now);
        self.latencies.turn(now);
        if self.shown_at.is_none_or(|at| now.saturating_since(at) >= crate::status::COUNTERS_PERIOD) {
            self.shown = (self.latencies.data(), self.offset.data());
            self.shown_at = Some(now);
        }
    }

    /// Returns the latencies of the feed and the venue's clock, as of the last second.
    pub(crate) fn shown(&self) -> &(LatencyData, Option<VenueClock>) {
        &self.shown
    }
}

/// A longer latency than a minute is not real: the venue sent old data.
const MAX_LATENCY_US: u64 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{WALL_MS, event, now_at, trade};

    fn print(received_ms: u64, stamped_ms: i64) -> MarketEvent {
        event(received_ms, Some(stamped_ms), MarketEventKind::Trade(trade(1, "1", "1")))
    }

    #[test]
    fn latencies_are_relative_to_the_fastest_whatever_the_venues_clock_says() {
        for ahead_ms in [-600_000, -7, 0, 600_000] {
            let (mut latency, mut turns) = (FeedLatency::default(), TurnClock::default());
            turns.turned(now_at(0));
            // Latencies of 20, 5, 45 and 5 ms, from a venue whose clock is ahead.
            let stamps = [(120, 100), (205, 200), (345, 300), (405, 400)];
            let above = stamps.map(|(at, sent)| latency.arrived(&print(at, WALL_MS + sent + ahead_ms), turns));
            assert_eq!(above, [Some(0), Some(0), Some(40_000), Some(0)]);
            latency.turn(turns, now_at(1_000).monotonic);
            let (latencies, clock) = latency.shown();
            assert_eq!(clock.unwrap().fastest_us, (5 - ahead_ms) * 1_000);
            assert_eq!(latencies.venue.unwrap().n, 4);
            assert_eq!((latency.delays.n(), latency.delays.sum_us), (4, 40_000));
        }
    }

    #[test]
    fn old_or_unstamped_events_have_no_latency() {
        let (mut latency, mut turns) = (FeedLatency::default(), TurnClock::default());
        let fresh = || print(100, WALL_MS + 90);
        assert_eq!(latency.arrived(&fresh(), turns), None, "no turn yet: nobody knows what time it is");
        turns.turned(now_at(0));
        assert_eq!(latency.arrived(&fresh(), turns), Some(0));
        assert_eq!(latency.arrived(&print(100, WALL_MS - 3_600_000), turns), None, "told as history");
        let unstamped = MarketEvent { event_time: None, ..fresh() };
        assert_eq!(latency.arrived(&unstamped, turns), None);
        let before_the_step = MarketEvent { receive_time: Timestamp::from_millis(WALL_MS - 600_000), ..fresh() };
        assert_eq!(latency.arrived(&before_the_step, turns), None);
    }

    #[test]
    fn a_set_clock_is_no_latency() {
        let (mut latency, mut stream, mut turns) = (FeedLatency::default(), Latencies::default(), TurnClock::default());
        turns.turned(now_at(0));
        latency.arrived(&print(100, WALL_MS + 90), turns);
        let received = Some((WALL_MS + 50) * 1_000);
        latency.published(&mut stream, received, turns, now_at(100));
        let set = |millis: u64| Now { wall: now_at(millis + 600_000).wall, ..now_at(millis) };
        turns.turned(set(200));
        latency.published(&mut stream, received, turns, set(200));
        latency.turn(turns, set(200).monotonic);
        let (latencies, clock) = latency.shown();
        assert_eq!((latencies.venue.unwrap().n, *clock), (0, None));
        let server = latencies.server.unwrap();
        assert_eq!(server.n, 1);
        assert!(server.p99_us.abs_diff(50_000) < 4_000, "{server:?}");
    }
}
