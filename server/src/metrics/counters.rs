//! Counts and timings that the parts of the server keep as things happen. Each part gets its own struct; clones share it.
//!
//! # Layout
//! - [`clients`]: connections, requests, sessions, browsers · [`trading`]: orders and alerts · here: lanes and the store
//!
//! Words of labels come from fixed lists, and those lists are created at the start: a count of zero is a figure, too.

pub mod clients;
pub mod trading;

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::{Registry, Unit},
};
use topics::lane::Lane;

use self::{
    clients::{BrowserCounters, ConnectionCounters, LimitCounters, RequestCounters, StreamCounters},
    trading::{AlertCounters, TradingCounters},
};
use super::timing::{Timing, Total};

/// One label.
pub type Label = [(&'static str, &'static str); 1];
/// Two labels.
pub type TwoLabels = [(&'static str, &'static str); 2];

/// All counters but those of the lanes, which belong to [`crate::publish::Publishing`].
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Connections.
    pub connections: ConnectionCounters,
    /// Limits of callers.
    pub limits: LimitCounters,
    /// HTTP requests.
    pub requests: RequestCounters,
    /// Stream sessions.
    pub stream: StreamCounters,
    /// Writes to the store.
    pub store: StoreCounters,
    /// The trading desk.
    pub desk: TradingCounters,
    /// Alerts and their deliveries.
    pub alerts: AlertCounters,
    /// Measurements by browsers.
    pub browsers: BrowserCounters,
}

impl Counters {
    /// Registers all of them.
    pub(super) fn register(&self, registry: &mut Registry) {
        let Self { connections, limits, requests, stream, store, desk, alerts, browsers } = self;
        let refused = "Connections that were refused, by reason";
        registry.register("connections_refused", refused, connections.refused.clone());
        let over_limit = "Connections, streams and requests of callers over a limit, by limit";
        registry.register("limit_refusals", over_limit, limits.refused.clone());
        registry.register(
            "http_requests",
            "Answered requests, by route and class of status",
            requests.answered.clone(),
        );
        registry.register("http_errors", "Errors of the REST API, by code", requests.errors.clone());
        let duration = "Time from a request's head to the head of its answer, by kind";
        registry.register_with_unit("http_request_duration", duration, Unit::Seconds, requests.times.clone());
        registry.register("stream_messages_sent", "Messages to clients, by encoding", stream.messages.clone());
        registry.register_with_unit("stream_sent", "Bytes to clients, by encoding", Unit::Bytes, stream.bytes.clone());
        registry.register("stream_messages_received", "Messages from clients", stream.received.clone());
        registry.register("stream_resets", "Resets sent to clients that lagged behind", stream.resets.clone());
        registry.register("stream_closed", "Sessions that the server ended, by reason", stream.closed.clone());
        let commit = "Time of a commit until it is on disk, by part of the server";
        registry.register_with_unit("store_commit_duration", commit, Unit::Seconds, store.times.clone());
        registry.register("store_errors", "Commits that failed, by part of the server", store.errors.clone());
        registry.register("desk_commands", "Commands to the paper desk, by outcome", desk.commands.clone());
        registry.register("desk_order_changes", "Changes of paper orders, by kind", desk.changes.clone());
        registry.register("desk_fills", "Fills of paper orders", desk.fills.clone());
        registry.register("desk_open_orders", "Paper orders that are open", desk.open_orders.clone());
        registry.register("desk_halted", "1 while the paper desk takes nothing", desk.halted.clone());
        registry.register("alerts_fired", "Alerts that fired, by severity", alerts.fired.clone());
        let deliveries = "Attempts to deliver an alert, by kind of channel and outcome";
        registry.register("alerts_deliveries", deliveries, alerts.deliveries.clone());
        registry.register("alerts_outbox_length", "Deliveries that wait", alerts.outbox_length.clone());
        let paint = "Time from publishing to the painted pixel, as browsers report it";
        registry.register_with_unit("browser_paint", paint, Unit::Seconds, browsers.paint.clone());
    }
}

/// Turns of the lanes.
#[derive(Clone, Debug)]
pub struct LaneTimes {
    family: Family<Label, Timing>,
    by_lane: [Timing; Lane::ALL.len()],
}

impl LaneTimes {
    /// Registers them.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Time of one turn of a lane: collecting, encoding and queueing its changes";
        registry.register_with_unit("lane_turn_duration", help, Unit::Seconds, self.family.clone());
    }

    /// Counts a turn.
    pub fn record(&self, lane: Lane, took: Duration) {
        self.by_lane[usize::from(lane.index())].record(took);
    }

    /// Returns the totals of all lanes.
    pub fn total(&self) -> Total {
        self.by_lane.iter().map(Timing::total).fold(Total::default(), added)
    }
}

impl Default for LaneTimes {
    fn default() -> Self {
        let family = timings(|| Timing::new(&[1_000, 5_000, 20_000, 100_000]), "lane", &LANES);
        Self { by_lane: LANES.map(|lane| family.get_or_create_owned(&[("lane", lane)])), family }
    }
}

/// The lanes by their period, in the order of [`Lane::ALL`].
const LANES: [&str; Lane::ALL.len()] = ["33ms", "100ms", "500ms", "1s"];

/// Writes to the store.
#[derive(Clone, Debug)]
pub struct StoreCounters {
    times: Family<Label, Timing>,
    errors: Family<Label, Counter>,
}

impl StoreCounters {
    /// Counts a commit of one of [`STORE_PARTS`].
    pub fn committed(&self, part: &'static str, took: Duration, is_done: bool) {
        let label = [("part", part)];
        if is_done {
            self.times.get_or_create(&label).record(took);
        } else {
            self.errors.get_or_create(&label).inc();
        }
    }

    /// Returns the totals of all commits, and how many failed.
    pub fn total(&self) -> (Total, u64) {
        let totals = STORE_PARTS.map(|part| self.times.get_or_create(&[("part", part)]).total());
        (totals.into_iter().fold(Total::default(), added), sum(&self.errors, "part", &STORE_PARTS))
    }
}

impl Default for StoreCounters {
    fn default() -> Self {
        let bounds = || Timing::new(&[1_000, 5_000, 20_000, 100_000, 500_000]);
        Self { times: timings(bounds, "part", &STORE_PARTS), errors: with_words("part", &STORE_PARTS) }
    }
}

/// Parts of the server that write to the store.
pub const STORE_PARTS: [&str; 3] = ["journal", "alerts", "outbox"];

/// Returns a family with a series for each word.
fn with_words(key: &'static str, words: &[&'static str]) -> Family<Label, Counter> {
    let family = Family::<Label, Counter>::default();
    words.iter().for_each(|word| drop(family.get_or_create(&[(key, *word)])));
    family
}

fn timings(new: fn() -> Timing, key: &'static str, words: &[&'static str]) -> Family<Label, Timing> {
    let family = Family::<Label, Timing>::new_with_constructor(new);
    words.iter().for_each(|word| drop(family.get_or_create(&[(key, *word)])));
    family
}

fn sum(family: &Family<Label, Counter>, key: &'static str, words: &[&'static str]) -> u64 {
    words.iter().map(|word| family.get_or_create(&[(key, *word)]).get()).sum()
}

fn added(one: Total, other: Total) -> Total {
    Total { n: one.n + other.n, sum_us: one.sum_us + other.sum_us }
}
