//! One alert as people and programs get it, whatever the channel.

use serde::{Deserialize, Serialize};

use crate::{instrument::InstrumentId, time::Timestamp};

/// Severity of an alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Info,
    /// Worth a look soon.
    Warning,
    /// Interrupts: a dialog that has to be acknowledged.
    Critical,
}

/// One alert. Written once, when it fires; never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notice {
    /// Number of the alert, rising; the same over retries and restarts.
    pub notice_id: u64,
    /// The rule that fired; empty for a test of a channel.
    pub rule_id: String,
    /// The rule's version at that moment.
    pub rule_version: u32,
    /// Severity of the alert.
    pub severity: Severity,
    /// One line: what happened (`BTCUSDT rose to 62,000.00`).
    pub title: String,
    /// The rest, as plain text of a few lines.
    pub text: String,
    /// The market that it is about.
    pub instrument: Option<InstrumentId>,
    /// The value that fired, with its digits.
    pub value: Option<String>,
    /// The level that it met.
    pub level: Option<String>,
    /// Open time of the bar, for rules on bars.
    pub bar_time: Option<Timestamp>,
    /// The venue's clock, where it says.
    pub event_time: Option<Timestamp>,
    /// Receive time of the market data.
    pub receive_time: Option<Timestamp>,
    /// Time at which it fired.
    pub fired_time: Timestamp,
    /// True where the moment lies behind: while the server was down, or the feed could not be trusted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_late: bool,
    /// Number of further alerts of the rule that were folded into this one.
    #[serde(default)]
    pub n_folded: u64,
}
