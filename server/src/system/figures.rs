//! The figures of the System page: how each is computed from two looks at the server. Pure.
//!
//! Rates and means are those between the two looks. A total that went back belongs to a feed that was started again: the
//! figure has no value then.

use std::time::Duration;

use topics::channels::system::report::Unit;

use crate::metrics::{
    counters::Counters,
    reading::{FeedReading, Reading, STATES},
    timing::Total,
};

/// Everything that figures are computed from, at a moment.
#[derive(Clone, Debug)]
pub struct Look {
    /// The reading.
    pub reading: Reading,
    /// Messages and bytes to clients.
    pub sent: (u64, u64),
    /// Turns of the lanes.
    pub turns: Total,
    /// Commits.
    pub commits: Total,
    /// Commits that failed.
    pub n_failed_commits: u64,
    /// Commands to the desk.
    pub n_commands: u64,
    /// Fills.
    pub n_fills: u64,
    /// Open orders of the desk.
    pub n_open_orders: u64,
    /// True while the desk takes nothing.
    pub is_desk_halted: bool,
    /// Alerts that fired.
    pub n_alerts: u64,
    /// Deliveries that failed.
    pub n_failed_deliveries: u64,
    /// Deliveries that wait.
    pub n_waiting: u64,
    /// Answered requests.
    pub n_requests: u64,
}

impl Look {
    /// Takes the counters at the moment of a reading.
    pub fn new(reading: Reading, counters: &Counters, turns: Total) -> Self {
        let (commits, n_failed_commits) = counters.store.total();
        let (n_commands, n_fills) = counters.desk.totals();
        let (n_alerts, n_failed_deliveries) = counters.alerts.totals();
        let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
        Self {
            reading,
            sent: counters.stream.n_sent(),
            turns,
            commits,
            n_failed_commits,
            n_commands,
            n_fills,
            n_open_orders: unsigned(counters.desk.open_orders.get()),
            is_desk_halted: counters.desk.halted.get() != 0,
            n_alerts,
            n_failed_deliveries,
            n_waiting: unsigned(counters.alerts.outbox_length.get()),
            n_requests: counters.requests.n_answered(),
        }
    }

    fn feeds(&self, of: impl Fn(&FeedReading) -> u64) -> u64 {
        self.reading.feeds.iter().map(of).sum()
    }

    fn delays(&self) -> Total {
        let delays = self.reading.feeds.iter().map(|feed| feed.delays);
        delays.fold(Total::default(), |sum, one| Total { n: sum.n + one.n(), sum_us: sum.sum_us + one.sum_us })
    }

    fn streams(&self, is_counted: impl Fn(usize) -> bool) -> u64 {
        self.feeds(|feed| (0..STATES.len()).filter(|at| is_counted(*at)).map(|at| feed.streams[at]).sum())
    }
}

/// Two looks, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    before: &'a Look,
    now: &'a Look,
    seconds: f64,
}

impl<'a> Span<'a> {
    /// The time between two looks.
    pub fn new(before: &'a Look, now: &'a Look) -> Self {
        let took = now.reading.now.monotonic.saturating_since(before.reading.now.monotonic);
        Self { before, now, seconds: took.as_secs_f64() }
    }

    /// Returns the mean time of a commit; `None` if there was none.
    pub fn commit_time(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.mean(|look| look.commits)?).ok()
    }

    /// Returns a total's growth a second.
    fn rate(&self, total: impl Fn(&Look) -> u64) -> Option<f64> {
        let growth = total(self.now).checked_sub(total(self.before))?;
        (self.seconds > 0.0).then(|| growth as f64 / self.seconds)
    }

    /// Returns the mean of the durations that were added, in seconds.
    fn mean(&self, total: impl Fn(&Look) -> Total) -> Option<f64> {
        let (before, now) = (total(self.before), total(self.now));
        let n = now.n.checked_sub(before.n).filter(|n| *n > 0)?;
        Some(now.sum_us.checked_sub(before.sum_us)? as f64 / n as f64 / 1_000_000.0)
    }
}

/// A figure and how it is computed.
#[derive(Clone, Copy, Debug)]
pub struct FigureSpec {
    /// The part of the server, for people.
    pub part: &'static str,
    /// Its name in the API.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Its value; `None` if there is none.
    pub value: fn(&Span<'_>) -> Option<f64>,
}

const fn figure(
    part: &'static str,
    name: &'static str,
    label: &'static str,
    unit: Unit,
    value: fn(&Span<'_>) -> Option<f64>,
) -> FigureSpec {
    FigureSpec { part, name, label, unit, value }
}

const BUS: &str = "Stream";
const FEEDS: &str = "Feeds";
const STORE: &str = "Store";
const DESK: &str = "Paper desk";
const ALERTS: &str = "Alerts";
const PROCESS: &str = "Process";

/// All figures, in the order of the page.
pub const FIGURES: [FigureSpec; 28] = [
    figure(BUS, "clients", "Clients", Unit::Count, |span| Some(span.now.reading.n_clients as f64)),
    figure(BUS, "messages_sent", "Messages out", Unit::PerSecond, |span| span.rate(|look| look.sent.0)),
    figure(BUS, "bytes_sent", "Bytes out", Unit::BytesPerSecond, |span| span.rate(|look| look.sent.1)),
    figure(BUS, "queued_bytes", "Waiting for clients", Unit::Bytes, |span| Some(span.now.reading.queued_bytes as f64)),
    figure(BUS, "conflations", "Skipped to snapshots", Unit::PerSecond, |span| {
        span.rate(|look| look.reading.hub.n_conflated)
    }),
    figure(BUS, "turn_time", "Turn of a lane", Unit::Seconds, |span| span.mean(|look| look.turns)),
    figure(FEEDS, "live_streams", "Live instruments", Unit::Count, |span| {
        Some(span.now.streams(|at| at == LIVE) as f64)
    }),
    figure(FEEDS, "silent_streams", "Not live", Unit::Count, |span| Some(span.now.streams(|at| at != LIVE) as f64)),
    figure(FEEDS, "feed_events", "Events in", Unit::PerSecond, |span| {
        span.rate(|look| look.feeds(|feed| feed.n_events))
    }),
    figure(FEEDS, "feed_bytes", "Bytes in", Unit::BytesPerSecond, |span| {
        span.rate(|look| look.feeds(|feed| feed.n_bytes))
    }),
    figure(FEEDS, "feed_delay", "Delay above the fastest", Unit::Seconds, |span| span.mean(Look::delays)),
    figure(FEEDS, "gaps", "Gaps and resyncs", Unit::PerSecond, |span| {
        span.rate(|look| look.feeds(|feed| feed.counters.gaps + feed.counters.resyncs))
    }),
    figure(FEEDS, "reconnects", "Reconnects", Unit::PerSecond, |span| {
        span.rate(|look| look.feeds(|feed| feed.counters.reconnects))
    }),
    figure(STORE, "commits", "Commits", Unit::PerSecond, |span| span.rate(|look| look.commits.n)),
    figure(STORE, "commit_time", "Time of a commit", Unit::Seconds, |span| span.mean(|look| look.commits)),
    figure(STORE, "failed_commits", "Failed commits", Unit::PerSecond, |span| span.rate(|look| look.n_failed_commits)),
    figure(STORE, "store_bytes", "Databases", Unit::Bytes, |span| {
        Some(span.now.reading.files.iter().map(|(_, n_bytes)| *n_bytes as f64).sum())
    }),
    figure(STORE, "disk_free", "Free on the disk", Unit::Bytes, |span| Some(span.now.reading.disk_free? as f64)),
    figure(DESK, "desk_commands", "Commands", Unit::PerSecond, |span| span.rate(|look| look.n_commands)),
    figure(DESK, "desk_fills", "Fills", Unit::PerSecond, |span| span.rate(|look| look.n_fills)),
    figure(DESK, "open_orders", "Open orders", Unit::Count, |span| Some(span.now.n_open_orders as f64)),
    figure(ALERTS, "alerts_fired", "Alerts", Unit::PerSecond, |span| span.rate(|look| look.n_alerts)),
    figure(ALERTS, "outbox_length", "Deliveries that wait", Unit::Count, |span| Some(span.now.n_waiting as f64)),
    figure(ALERTS, "failed_deliveries", "Failed deliveries", Unit::PerSecond, |span| {
        span.rate(|look| look.n_failed_deliveries)
    }),
    figure(PROCESS, "cpu", "Processor", Unit::Processors, |span| {
        let used = span.now.reading.process?.cpu_s - span.before.reading.process?.cpu_s;
        (span.seconds > 0.0).then(|| used / span.seconds)
    }),
    figure(PROCESS, "resident_bytes", "Memory", Unit::Bytes, |span| {
        Some(span.now.reading.process?.resident_bytes as f64)
    }),
    figure(PROCESS, "open_files", "Open files", Unit::Count, |span| Some(span.now.reading.process?.open_files as f64)),
    figure(PROCESS, "requests", "Requests", Unit::PerSecond, |span| span.rate(|look| look.n_requests)),
];

/// The position of live streams in [`STATES`].
const LIVE: usize = 1;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::{status::StreamState, time::Monotonic};

    use super::*;
    use crate::system::health::tests::{feed, look};

    fn value(name: &str, span: &Span<'_>) -> Option<f64> {
        let spec = FIGURES.iter().find(|spec| spec.name == name).unwrap();
        (spec.value)(span)
    }

    #[test]
    fn names_are_unique_and_parts_together() {
        let names: BTreeSet<&str> = FIGURES.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), FIGURES.len());
        let mut parts: Vec<&str> = FIGURES.iter().map(|spec| spec.part).collect();
        parts.dedup();
        assert_eq!(parts, [BUS, FEEDS, STORE, DESK, ALERTS, PROCESS]);
        assert_eq!(STATES[LIVE], StreamState::Live);
    }

    #[test]
    fn rates_and_means_are_those_between_two_looks() {
        let (mut before, mut now) = (look(), look());
        now.reading.now.monotonic = Monotonic::from_zero(Duration::from_secs(10));
        before.sent = (100, 5_000);
        now.sent = (150, 25_000);
        before.commits = Total { n: 4, sum_us: 9_000 };
        now.commits = Total { n: 6, sum_us: 13_000 };
        let mut demo = feed("demo");
        before.reading.feeds = vec![demo.clone()];
        demo.n_events = 70;
        demo.streams = [1, 5, 2, 3];
        now.reading.feeds = vec![demo];
        let span = Span::new(&before, &now);
        let expected = [
            ("messages_sent", Some(5.0)),
            ("bytes_sent", Some(2_000.0)),
            ("commit_time", Some(0.002)),
            ("feed_events", Some(7.0)),
            ("live_streams", Some(5.0)),
            ("silent_streams", Some(6.0)),
            // Nothing was delivered, or was slow, in this time.
            ("turn_time", None),
            ("feed_delay", None),
            ("disk_free", None),
        ];
        for (name, expected) in expected {
            assert_eq!(value(name, &span), expected, "{name}");
        }
        // A feed that was started again counts from zero; nothing moves in no time.
        assert_eq!(value("feed_events", &Span::new(&now, &before)), None);
        assert_eq!(value("bytes_sent", &Span::new(&now, &now)), None);
    }
}
