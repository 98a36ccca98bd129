//! Trading and alerts: orders and what became of them, alerts and their deliveries.

use model::{
    alert::notice::Severity,
    trading::record::{OrderChange, Record},
};
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

use super::{Label, TwoLabels, sum, with_words};

/// The trading desk.
#[derive(Clone, Debug)]
pub struct TradingCounters {
    pub(super) commands: Family<Label, Counter>,
    pub(super) changes: Family<Label, Counter>,
    pub(super) fills: Counter,
    /// Open orders.
    pub open_orders: Gauge,
    /// 1 while it takes nothing.
    pub halted: Gauge,
}

impl TradingCounters {
    /// Counts a command.
    pub fn command(&self, is_done: bool) {
        self.commands.get_or_create(&[("outcome", COMMAND_OUTCOMES[usize::from(!is_done)])]).inc();
    }

    /// Counts records that are on disk.
    pub fn records(&self, records: &[Record]) {
        for record in records {
            if matches!(record, Record::Filled(_)) {
                self.fills.inc();
            } else if let Some(change) = change_of(record) {
                self.changes.get_or_create(&[("change", change)]).inc();
            }
        }
    }

    /// Returns the numbers of commands and fills.
    pub fn totals(&self) -> (u64, u64) {
        (sum(&self.commands, "outcome", &COMMAND_OUTCOMES), self.fills.get())
    }
}

impl Default for TradingCounters {
    fn default() -> Self {
        Self {
            commands: with_words("outcome", &COMMAND_OUTCOMES),
            changes: with_words("change", &CHANGES),
            fills: Counter::default(),
            open_orders: Gauge::default(),
            halted: Gauge::default(),
        }
    }
}

fn change_of(record: &Record) -> Option<&'static str> {
    Some(match record {
        Record::OrderAccepted(_) => "accepted",
        Record::OrderChanged { change, .. } => match change {
            OrderChange::Opened => "opened",
            OrderChange::Activated { .. } => "activated",
            OrderChange::Triggered { .. } => "triggered",
            OrderChange::Amended(_) => "amended",
            OrderChange::Cancelled(_) => "cancelled",
            OrderChange::Expired => "expired",
            OrderChange::Rejected(_) => "rejected",
            // Steps of other changes, or frequent and of no interest to a monitor.
            OrderChange::Trailed { .. } | OrderChange::CancelRequested | OrderChange::Gap => return None,
        },
        _ => return None,
    })
}

const COMMAND_OUTCOMES: [&str; 2] = ["done", "refused"];
const CHANGES: [&str; 8] =
    ["accepted", "opened", "activated", "triggered", "amended", "cancelled", "expired", "rejected"];

/// Alerts and their deliveries.
#[derive(Clone, Debug)]
pub struct AlertCounters {
    pub(super) fired: Family<Label, Counter>,
    /// Outcomes other than success are created when they first happen.
    pub(super) deliveries: Family<TwoLabels, Counter>,
    delivered: Counter,
    failed: Counter,
    /// Deliveries that wait.
    pub outbox_length: Gauge,
}

impl AlertCounters {
    /// Counts an alert.
    pub fn fired(&self, severity: Severity) {
        let word = match severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        };
        self.fired.get_or_create(&[("severity", word)]).inc();
    }

    /// Counts an attempt on a kind of channel; `outcome` is `delivered`, `retry`, `rejected` or `gone`.
    pub fn attempted(&self, kind: &'static str, outcome: &'static str) {
        self.deliveries.get_or_create(&[("channel", kind), ("outcome", outcome)]).inc();
        if outcome == DELIVERED {
            self.delivered.inc()
        } else {
            self.failed.inc()
        };
    }

    /// Returns the number of attempts that succeeded.
    pub fn n_delivered(&self) -> u64 {
        self.delivered.get()
    }

    /// Returns the numbers of alerts and of attempts that failed.
    pub fn totals(&self) -> (u64, u64) {
        (sum(&self.fired, "severity", &SEVERITIES), self.failed.get())
    }
}

impl Default for AlertCounters {
    fn default() -> Self {
        let deliveries = Family::<TwoLabels, Counter>::default();
        for kind in CHANNEL_KINDS {
            drop(deliveries.get_or_create(&[("channel", kind), ("outcome", DELIVERED)]));
        }
        Self {
            fired: with_words("severity", &SEVERITIES),
            deliveries,
            delivered: Counter::default(),
            failed: Counter::default(),
            outbox_length: Gauge::default(),
        }
    }
}

/// The outcome of an attempt that succeeded.
pub const DELIVERED: &str = "delivered";
const CHANNEL_KINDS: [&str; 4] = ["email", "push", "telegram", "webhook"];
const SEVERITIES: [&str; 3] = ["info", "warning", "critical"];
