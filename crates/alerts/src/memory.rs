//! Memory of rules and of the engine on disk, as JSON that only this crate reads.

use std::collections::BTreeMap;

use model::{
    alert::{channel::ChannelId, notice::Severity, rule::RuleState, settings::AlertSettings},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{latch::TrackerState, tracker::Met};

/// A rule's state with what its conditions remember.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Published state.
    pub state: RuleState,
    /// Memory needed after a restart.
    pub memory: RuleMemory,
}

/// Memory of a rule that a restart needs. That of another version of the rule is discarded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleMemory {
    pub(crate) version: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_paused: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_done: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_expired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snoozed_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pending_since: Option<Timestamp>,
    /// Begin of the bar in which it last fired, for rules that fire once a bar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fired_bar: Option<Timestamp>,
    /// Alerts that are folded and not said yet.
    pub(crate) n_folded: u64,
    /// Last match, for a message sent later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_met: Option<Met>,
    pub(crate) trackers: Vec<TrackerState>,
}

/// Memory of the engine that a restart needs, besides its rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineMemory {
    /// The number of the next alert.
    pub next_notice_id: u64,
    /// Quiet hours, muting.
    pub settings: AlertSettings,
    /// Alerts that wait for a summary, by channel.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) held: BTreeMap<ChannelId, Held>,
}

/// Alerts of a channel that wait for a summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) n: u64,
    /// The first titles.
    pub(crate) titles: Vec<String>,
    pub(crate) severity: Severity,
    pub(crate) until: Timestamp,
    pub(crate) is_quiet: bool,
}
