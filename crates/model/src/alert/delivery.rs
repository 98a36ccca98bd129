//! Deliveries: one alert on its way to one channel.
//!
//! Not here: the message itself ([`super::notice`]), and how often it is tried (`server::alerts::outbox`).

use serde::{Deserialize, Serialize};

use super::channel::ChannelId;
use crate::time::Timestamp;

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for its first attempt.
    Pending,
    /// An attempt failed; another follows.
    Failed,
    /// The other server took it.
    Sent,
    /// A newer message of the same rule carries it as a count.
    Folded,
    /// It was given up. People see it and can send it again.
    Dead,
}

impl DeliveryState {
    /// Returns its word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Sent => "sent",
            Self::Folded => "folded",
            Self::Dead => "dead",
        }
    }

    /// Reads its word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Failed, Self::Sent, Self::Folded, Self::Dead].into_iter().find(|one| one.word() == word)
    }
}

/// An alert on its way to a channel. There is one at most for each pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delivery {
    /// The alert.
    pub notice_id: u64,
    /// The channel.
    pub channel_id: ChannelId,
    /// State of the delivery.
    pub state: DeliveryState,
    /// Attempts so far.
    pub n_attempts: u32,
    /// Time of its creation, or of a person's command to send it again.
    pub created_time: Timestamp,
    /// Not before this moment is the next attempt, where there is one.
    pub next_time: Timestamp,
    /// The last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_time: Option<Timestamp>,
    /// The other server's status or reply code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Further alerts of the rule in the same message.
    #[serde(default)]
    pub n_folded: u64,
    /// The alert whose message carries this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folded_into: Option<u64>,
}
