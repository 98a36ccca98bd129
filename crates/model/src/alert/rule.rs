//! An alert rule, its state, and the rows that are published of rules and alerts.
//!
//! Not here: what a rule looks for ([`crate::alert::condition`]), how it is checked and evaluated (`alerts`).

use serde::{Deserialize, Serialize};

use crate::{
    alert::{
        channel::ChannelId,
        condition::Condition,
        delivery::Delivery,
        notice::{Notice, Severity},
        rule_id::RuleId,
    },
    candle::Interval,
    instrument::InstrumentId,
    time::Timestamp,
};

/// Most conditions of a rule.
pub const MAX_CONDITIONS: usize = 4;
/// Most channels of a rule.
pub const MAX_CHANNELS: usize = 8;
/// Longest name of a rule, in characters.
pub const MAX_NAME_CHARS: usize = 80;
/// Longest message of a rule, in characters.
pub const MAX_MESSAGE_CHARS: usize = 500;

/// A rule: what to look for, how often to say so, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// Its name in commands.
    pub rule_id: RuleId,
    /// Rises with each change; given by the server.
    #[serde(default)]
    pub version: u32,
    /// Its name for people.
    pub name: String,
    /// The market that it watches; absent for rules on the desk as a whole or on the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<InstrumentId>,
    /// One to four conditions.
    pub conditions: Vec<Condition>,
    /// Combination of several conditions.
    #[serde(default)]
    pub join: Join,
    /// Firing frequency.
    #[serde(default)]
    pub frequency: Frequency,
    /// Time that it has to hold before it fires, in seconds.
    #[serde(default)]
    pub pending_for_s: u32,
    /// Severity of its alerts.
    #[serde(default)]
    pub severity: Severity,
    /// Channels of its alerts besides the page, which always shows them.
    #[serde(default)]
    pub channels: Vec<ChannelId>,
    /// True to play a sound on the page.
    #[serde(default)]
    pub has_sound: bool,
    /// Time at which it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The text of its alerts, with placeholders ([`crate::alert::template`]); absent: its sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// True to be delivered in quiet hours; critical alerts always are.
    #[serde(default)]
    pub ignores_quiet_hours: bool,
}

impl AlertRule {
    /// Returns true where the other rule looks for the same, as often, on the same market: one of the two is too many.
    pub fn is_duplicate_of(&self, other: &Self) -> bool {
        self.instrument == other.instrument
            && self.join == other.join
            && self.frequency == other.frequency
            && self.pending_for_s == other.pending_for_s
            && self.conditions.len() == other.conditions.len()
            && self.conditions.iter().all(|condition| other.conditions.contains(condition))
    }
}

/// Combination of several conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// All have to be met.
    #[default]
    All,
    /// One is enough.
    Any,
}

/// Firing frequency of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Frequency {
    /// Once; then it is done.
    #[default]
    Once,
    /// At most once in each bar, by the venue's clock.
    OncePerBar {
        /// Length of the bars.
        interval: Interval,
    },
    /// Looks at closed bars only, at most once each.
    OncePerBarClose {
        /// Length of the bars.
        interval: Interval,
    },
    /// At most once in any minute.
    OncePerMinute,
    /// Every time, but not again within a time.
    Every {
        /// The time in seconds; zero: every time.
        cool_down_s: u32,
    },
}

/// Status of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RuleStatus {
    /// Fires when its conditions are met.
    #[default]
    Armed,
    /// Has seen no value yet, or only such that do not arm it.
    Waiting,
    /// Its conditions hold, but not for long enough.
    Pending {
        /// Time since which they hold.
        since: Timestamp,
    },
    /// Its conditions are met and it has said so: fires again once they are no longer.
    Fired,
    /// Paused by a person.
    Paused,
    /// Evaluated, but says nothing.
    Snoozed {
        /// End of the snooze.
        until: Timestamp,
    },
    /// Its feed cannot be trusted: nothing is evaluated.
    Blind {
        /// Time since which nothing is evaluated.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// Its time passed.
    Expired,
    /// Was to fire once, and has.
    Done,
}

/// State of a rule besides its conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleState {
    /// Status of the rule.
    pub status: RuleStatus,
    /// Time at which it was saved.
    pub saved_time: Timestamp,
    /// Time at which it last fired.
    pub last_fired_time: Option<Timestamp>,
    /// Number of times it has fired, snoozed and folded ones included.
    pub n_fired: u64,
    /// Number of those without an alert of their own: snoozed, muted or folded.
    pub n_suppressed: u64,
}

/// A rule as it is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleRow {
    /// The rule.
    pub rule: AlertRule,
    /// Status of the rule.
    pub state: RuleState,
    /// Its conditions, in words (`BTCUSDT rises to 62,000.00`).
    pub sentence: String,
}

/// An alert as it is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertRow {
    /// The alert.
    #[serde(flatten)]
    pub notice: Notice,
    /// True where it plays a sound.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_sound: bool,
    /// Time at which a person acknowledged it.
    pub acknowledged_time: Option<Timestamp>,
    /// State of its deliveries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}
