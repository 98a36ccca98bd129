//! The state of each stream: its colour, cause, count, rate and age; and the state each lane has published.
//!
//! Not here: the state of the transport, which the session reports ([`FeedHealth`]). An update is data about the
//! instrument (a trade, quote, book change, candle or day statistics), never a heartbeat, an answer to a request, or a
//! change of state alone.

use std::time::Duration;

use model::{
    instrument::{InstrumentId, Venue},
    status::{BreakerState, FeedCause, FeedHealth, FeedMode, Silence, StreamState},
    time::{Monotonic, Now, Timestamp},
};
use topics::{
    channels::status::{Breaker, ConnectionEntry, StatusData, StreamEntry},
    payload::Merge,
};

use crate::{clock::TurnClock, digits::Digits};

/// Minimum time between two publications of counts and ages. Slightly below the slow lane's second, so that a turn that
/// comes early because of timer jitter is not skipped.
pub(crate) const COUNTERS_PERIOD: Duration = Duration::from_millis(950);

/// Updates are counted per second; the rate is over this many seconds, including the current one.
const N_SECONDS: usize = 5;

/// Counts one instrument's updates.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamTracker {
    updates: u64,
    last_update: Option<Timestamp>,
    /// `last_update` on the monotonic clock, placed at the turn after it.
    last_at: Option<Monotonic>,
    first_at: Option<Monotonic>,
    n_new: u64,
    /// Second of the monotonic clock and the updates in it.
    seconds: [(u64, u64); N_SECONDS],
}

impl StreamTracker {
    pub(crate) fn on_update(&mut self, receive_time: Timestamp) {
        self.updates += 1;
        self.n_new += 1;
        self.last_update = Some(receive_time);
    }

    pub(crate) fn observe(&mut self, turns: TurnClock, now: Now) {
        let Some(last_update) = self.last_update.filter(|_| self.n_new > 0) else { return };
        let at = turns.place(last_update, now);
        self.last_at = Some(at);
        self.first_at.get_or_insert(at);
        let second = now.monotonic.since_zero().as_secs();
        let slot = &mut self.seconds[slot_of(second)];
        *slot = if slot.0 == second { (second, slot.1 + self.n_new) } else { (second, self.n_new) };
        self.n_new = 0;
    }

    /// Returns the age of the last update; `None` before the first.
    fn age(&self, turns: TurnClock, now: Now) -> Option<Duration> {
        let last_update = self.last_update?;
        let at = self.last_at.filter(|_| self.n_new == 0).unwrap_or_else(|| turns.place(last_update, now));
        Some(now.monotonic.saturating_since(at))
    }

    /// Returns updates per second over the last five seconds, or since the first update if that is less, to one
    /// decimal.
    fn rate(&self, now: Now) -> f64 {
        let Some(first_at) = self.first_at else { return 0.0 };
        let span = now.monotonic.since_zero();
        let oldest = span.as_secs().saturating_sub(N_SECONDS as u64 - 1);
        let n_updates: u64 = self.seconds.iter().filter(|slot| slot.0 >= oldest).map(|slot| slot.1).sum();
        let window = span.saturating_sub(Duration::from_secs(oldest)).min(now.monotonic.saturating_since(first_at));
        (n_updates as f64 / window.as_secs_f64().max(1.0) * 10.0).round() / 10.0
    }

    pub(crate) fn entry(&self, stream: Stream<'_>, health: &FeedHealth, turns: TurnClock, now: Now) -> StreamEntry {
        let age = self.age(turns, now);
        let own_cause = health.instrument_causes.get(stream.id);
        let restriction = health.restrictions.get(stream.id);
        // Reconnected is not yet healed: a failed connection is red until data flows over its successor.
        let is_connected = health.connected.contains(stream.id);
        let mode = if is_connected { FeedMode::WebSocket } else { health.mode };
        let is_unhealed =
            mode == FeedMode::WebSocket && !is_connected && health.cause.as_ref().is_some_and(FeedCause::is_transport);
        // REST replaces the connection only as long as requests are sent.
        let is_shut = mode == FeedMode::RestPolling && health.breaker != BreakerState::Closed;
        let is_cut = !health.is_connected || is_shut;
        let is_failed = own_cause.is_some() || is_unhealed || (is_cut && health.cause.is_some());
        let is_dead = health.silences.get(stream.id) == Some(&Silence::Dead);
        let state = match age {
            _ if is_failed => StreamState::Failed,
            // Nothing need come any more: it is not awaited as at the start.
            None if restriction.is_some() || is_dead => StreamState::Stale,
            None => StreamState::Initialising,
            Some(age) if age <= stream.stale_after => StreamState::Live,
            Some(_) => StreamState::Stale,
        };
        // A feature that the feed does not offer explains missing data only where nothing is connected.
        let feed_cause = health.cause.as_ref().filter(|cause| is_cut || !matches!(cause, FeedCause::NotOffered { .. }));
        let cause = own_cause.or(restriction).or(feed_cause);
        let cause = cause.filter(|cause| state != StreamState::Live || Some(*cause) == restriction);
        StreamEntry {
            instrument: stream.id.clone(),
            state,
            mode,
            updates: self.updates,
            rate: self.rate(now),
            age_ms: age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            last_update_ms: self.last_update.map(Timestamp::as_millis),
            cause: cause.map(ToString::to_string),
            next_attempt_ms: next_attempt_ms(health),
            is_simulated: stream.is_simulated || health.mode == FeedMode::Simulated,
            is_replay: stream.id.venue().replayed().is_some(),
            price_decimals: stream.digits.price_decimals(),
            size_decimals: stream.digits.size_decimals(),
            // If data arrives, or none can arrive, silence needs no explanation.
            silence: health
                .silences
                .get(stream.id)
                .copied()
                .filter(|_| matches!(state, StreamState::Initialising | StreamState::Stale)),
        }
    }
}

/// The fields of an entry besides counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream<'a> {
    pub(crate) id: &'a InstrumentId,
    pub(crate) digits: Digits,
    pub(crate) is_simulated: bool,
    pub(crate) stale_after: Duration,
}

/// Returns the state of a venue's connections, as in the status topic.
pub fn connection_entry(venue: &Venue, health: &FeedHealth) -> ConnectionEntry {
    let (breaker, breaker_until_ms) = Breaker::of(health.breaker);
    ConnectionEntry {
        is_connected: health.is_connected,
        cause: health.cause.as_ref().map(ToString::to_string),
        next_attempt_ms: next_attempt_ms(health),
        last_frame_ms: health.last_frame.map(Timestamp::as_millis),
        n_open: health.n_open,
        reconnects: health.counters.reconnects,
        gaps: health.counters.gaps,
        malformed: health.counters.malformed,
        breaker,
        breaker_until_ms,
        rest_weight: health.rest_weight,
        ..ConnectionEntry::new(venue, health.mode)
    }
}

/// The state of the status topic published on one lane. A combined topic of several feeds keeps one for each lane.
#[derive(Clone, Debug, Default)]
pub struct StatusLane {
    published: StatusData,
    at: Option<Monotonic>,
}

impl StatusLane {
    /// Returns entries whose state, cause or mode changed, at once; those with only new counts or ages once a second.
    /// Both lists of `current` are sorted.
    pub fn turn(&mut self, current: &StatusData, now: Now) -> Option<StatusData> {
        let is_due = self.at.is_none_or(|at| now.monotonic.saturating_since(at) >= COUNTERS_PERIOD);
        let delta = if is_due {
            self.at = Some(now.monotonic);
            self.published.diff(current)
        } else {
            self.published.diff(&self.without_counts(current))
        }?;
        self.published.merge(&delta);
        Some(delta)
    }

    /// Returns everything published on this lane.
    pub fn snapshot(&self) -> StatusData {
        self.published.clone()
    }

    /// Returns `current`, but with the published entry wherever only counts and ages differ.
    fn without_counts(&self, current: &StatusData) -> StatusData {
        let StatusData { streams, connections, .. } = &self.published;
        let streams = current.streams.iter().map(|entry| {
            let known = streams.binary_search_by(|known| known.instrument.cmp(&entry.instrument));
            let known = known.ok().map(|at| &streams[at]).filter(|known| is_same_but_counts(known, entry));
            known.unwrap_or(entry).clone()
        });
        let connections = current.connections.iter().map(|entry| {
            let known = connections.binary_search_by(|known| known.venue.cmp(&entry.venue));
            let known = known.ok().map(|at| &connections[at]).filter(|known| is_same_but_age(known, entry));
            known.unwrap_or(entry).clone()
        });
        StatusData { streams: streams.collect(), connections: connections.collect(), ..StatusData::default() }
    }
}

fn is_same_but_age(one: &ConnectionEntry, other: &ConnectionEntry) -> bool {
    let other = ConnectionEntry {
        last_frame_ms: one.last_frame_ms,
        rest_weight: one.rest_weight,
        malformed: one.malformed,
        ..other.clone()
    };
    *one == other
}

fn is_same_but_counts(one: &StreamEntry, other: &StreamEntry) -> bool {
    let other = StreamEntry {
        updates: one.updates,
        rate: one.rate,
        age_ms: one.age_ms,
        last_update_ms: one.last_update_ms,
        ..other.clone()
    };
    *one == other
}

fn next_attempt_ms(health: &FeedHealth) -> Option<i64> {
    health.next_attempt.filter(|_| !health.is_connected).map(Timestamp::as_millis)
}

fn slot_of(second: u64) -> usize {
    usize::try_from(second % N_SECONDS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use model::status::FeedCause;

    use super::*;
    use crate::testing::{WALL_MS, id, now_at};

    fn connected() -> FeedHealth {
        FeedHealth { is_connected: true, ..FeedHealth::default() }
    }

    fn failed() -> FeedHealth {
        let cause = Some(FeedCause::Closed { detail: "1006".into() });
        FeedHealth { cause, next_attempt: Some(Timestamp::from_millis(WALL_MS + 9_000)), ..FeedHealth::default() }
    }

    fn entry(tracker: &StreamTracker, turns: TurnClock, health: &FeedHealth, now: Now) -> StreamEntry {
        let id = id();
        let stream =
            Stream { id: &id, digits: Digits::default(), is_simulated: false, stale_after: Duration::from_secs(5) };
        tracker.entry(stream, health, turns, now)
    }

    #[test]
    fn four_states_by_age_and_health() {
        let (mut tracker, mut turns) = (StreamTracker::default(), TurnClock::default());
        #[track_caller]
        fn check(entry: &StreamEntry, state: StreamState, age_ms: Option<u64>, cause: Option<&str>) {
            assert_eq!((entry.state, entry.age_ms, entry.cause.as_deref()), (state, age_ms, cause));
        }
        check(&entry(&tracker, turns, &connected(), now_at(0)), StreamState::Initialising, None, None);
        turns.turned(now_at(0));
        tracker.on_update(now_at(70).wall);
        check(&entry(&tracker, turns, &connected(), now_at(100)), StreamState::Live, Some(30), None);
        tracker.observe(turns, now_at(100));
        turns.turned(now_at(100));
        check(&entry(&tracker, turns, &connected(), now_at(5_070)), StreamState::Live, Some(5_000), None);
        check(&entry(&tracker, turns, &connected(), now_at(5_071)), StreamState::Stale, Some(5_001), None);
        let red = entry(&tracker, turns, &failed(), now_at(1_070));
        check(&red, StreamState::Failed, Some(1_000), Some("connection closed: 1006"));
        assert_eq!(red.next_attempt_ms, Some(WALL_MS + 9_000));
        let mut health = connected();
        health.instrument_causes.insert(id(), FeedCause::UnknownSymbol { symbol: "AAABBB".into(), suggestion: None });
        check(
            &entry(&tracker, turns, &health, now_at(100)),
            StreamState::Failed,
            Some(30),
            Some("unknown symbol AAABBB"),
        );
        let back = FeedHealth { is_connected: true, ..failed() };
        let unhealed = entry(&tracker, turns, &back, now_at(9_000));
        check(&unhealed, StreamState::Failed, Some(8_930), Some("connection closed: 1006"));
        assert_eq!(unhealed.next_attempt_ms, None, "connected again");
        let polling = FeedHealth { mode: FeedMode::RestPolling, ..back };
        let yellow = entry(&tracker, turns, &polling, now_at(9_000));
        check(&yellow, StreamState::Stale, Some(8_930), Some("connection closed: 1006"));
        // Others are polled, this one's connection delivers.
        assert_eq!(yellow.mode, FeedMode::RestPolling);
        for mode in [FeedMode::WebSocket, FeedMode::RestPolling] {
            let partly = FeedHealth { connected: [id()].into(), mode, ..polling.clone() };
            let green = entry(&tracker, turns, &partly, now_at(100));
            assert_eq!((green.state, green.mode), (StreamState::Live, FeedMode::WebSocket));
        }
        let until = now_at(60_000).wall;
        for breaker in [BreakerState::Open { until }, BreakerState::HalfOpen] {
            let shut = entry(&tracker, turns, &FeedHealth { breaker, ..polling.clone() }, now_at(9_000));
            check(&shut, StreamState::Failed, Some(8_930), Some("connection closed: 1006"));
        }
    }

    /// Venue restrictions are reported and are no failures; what the feed does not offer explains
    /// no missing data.
    #[test]
    fn restrictions_are_told_and_are_no_failures() {
        let (mut tracker, mut turns) = (StreamTracker::default(), TurnClock::default());
        let restricted = |detail: &str| FeedCause::Restricted { detail: detail.to_owned() };
        let mut health = connected();
        health.restrictions.insert(id(), restricted("not trading (BREAK)"));
        health.cause = Some(FeedCause::NotOffered { detail: "bars are not in your plan".to_owned() });
        let silent = entry(&tracker, turns, &health, now_at(9_000));
        assert_eq!((silent.state, silent.cause.as_deref()), (StreamState::Stale, Some("not trading (BREAK)")));
        turns.turned(now_at(0));
        tracker.on_update(now_at(70).wall);
        let live = entry(&tracker, turns, &health, now_at(100));
        assert_eq!((live.state, live.cause.as_deref()), (StreamState::Live, Some("not trading (BREAK)")));
        health.restrictions.clear();
        for (millis, state) in [(100, StreamState::Live), (9_000, StreamState::Stale)] {
            let plain = entry(&tracker, turns, &health, now_at(millis));
            assert_eq!((plain.state, plain.cause), (state, None));
        }
        let cause = connection_entry(&Venue::new("demo"), &health).cause;
        assert_eq!(cause.as_deref(), Some("bars are not in your plan"));
    }

    #[test]
    fn a_dead_subscription_is_not_awaited_as_at_the_start() {
        let (mut health, tracker) = (connected(), StreamTracker::default());
        for (silence, state) in [(Silence::Unexplained, StreamState::Initialising), (Silence::Dead, StreamState::Stale)]
        {
            health.silences.insert(id(), silence);
            assert_eq!(entry(&tracker, TurnClock::default(), &health, now_at(20_000)).state, state);
        }
    }

    #[test]
    fn the_rate_is_over_the_last_five_seconds() {
        let (mut tracker, mut turns) = (StreamTracker::default(), TurnClock::default());
        for tenth in 0..100 {
            let now = now_at(tenth * 100);
            (0..3).for_each(|_| tracker.on_update(now.wall));
            tracker.observe(turns, now);
            turns.turned(now);
        }
        let rate = entry(&tracker, turns, &connected(), now_at(10_000)).rate;
        assert!((rate - 30.0).abs() < 1.0, "{rate}");
        assert_eq!(entry(&tracker, turns, &connected(), now_at(14_999)).rate, 0.0);
        assert_eq!(tracker.updates, 300);
    }

    #[test]
    fn states_are_told_at_once_and_ages_once_a_second() {
        let (mut tracker, turns, mut lane) = (StreamTracker::default(), TurnClock::default(), StatusLane::default());
        let data = |tracker: &StreamTracker, health: &FeedHealth, now: Now| StatusData {
            streams: vec![entry(tracker, turns, health, now)],
            connections: vec![connection_entry(&Venue::new("demo"), health)],
            ..StatusData::default()
        };
        assert!(lane.turn(&data(&tracker, &connected(), now_at(0)), now_at(0)).is_some());
        assert_eq!(lane.turn(&data(&tracker, &connected(), now_at(100)), now_at(100)), None);
        tracker.on_update(now_at(150).wall);
        let green = lane.turn(&data(&tracker, &connected(), now_at(200)), now_at(200)).unwrap();
        assert_eq!((green.streams.len(), green.connections.len()), (1, 0));
        (0..50).for_each(|_| tracker.on_update(now_at(250).wall));
        assert_eq!(lane.turn(&data(&tracker, &connected(), now_at(300)), now_at(300)), None, "counts can wait");
        let red = lane.turn(&data(&tracker, &failed(), now_at(400)), now_at(400)).unwrap();
        assert_eq!((red.streams[0].state, red.connections.len()), (StreamState::Failed, 1));
        tracker.on_update(now_at(950).wall);
        let counts = lane.turn(&data(&tracker, &failed(), now_at(1_000)), now_at(1_000)).unwrap();
        assert_eq!((counts.streams[0].updates, counts.connections.len()), (52, 0));
        assert_eq!(lane.snapshot(), data(&tracker, &failed(), now_at(1_000)));
    }
}
