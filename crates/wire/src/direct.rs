//! How a page may reach venues by itself (direct mode): what the server says at `/api/v1/direct`, and what page and
//! worker say to each other beside the stream's own messages. JSON.
//!
//! The page decides by the server's word which instruments can be had directly, and hands the entry of a venue on to the
//! worker that runs the venue's session. Not here: the session itself.

use model::instrument::{Instrument, Venue};
use serde::{Deserialize, Serialize};
use topics::channels::replay::ReplayReport;

/// The venues that the server follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectVenues {
    /// Sorted by name.
    pub venues: Vec<DirectVenue>,
}

/// One venue, and how the server itself would follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectVenue {
    /// The venue.
    pub venue: Venue,
    /// Its name for people.
    pub title: String,
    /// Why a page cannot follow it, for people; absent where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// WebSocket address without stream paths; empty where the venue has none.
    pub ws_url: String,
    /// REST address, for the recordings that a page makes: it is the server that asks there. Empty where the venue has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rest_url: String,
    /// What a page may follow, in the venue's own spelling: the first [`MAX_DIRECT_SYMBOLS`] that the server follows.
    pub symbols: Vec<String>,
    /// Age of a symbol's data from which it counts as stale, in milliseconds.
    pub stale_after_ms: u64,
    /// Silence of a connection after which it is given up, in milliseconds; absent: the venue's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_deadline_ms: Option<u64>,
    /// From one round of REST polls to the next, in milliseconds; absent: the venue's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_ms: Option<u64>,
    /// Shortest wait before connecting again, in milliseconds.
    pub backoff_min_ms: u64,
    /// Longest wait before connecting again, in milliseconds.
    pub backoff_max_ms: u64,
    /// Attempts in a row before the feed stays failed; absent: it never stops trying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
}

/// A page shows a few dozen instruments; a browser's processor is not a server's.
pub const MAX_DIRECT_SYMBOLS: usize = 50;

/// What a page tells a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerCommand {
    /// Follow a venue; once, first.
    Follow(Box<DirectVenue>),
    /// Play a recording, whose file comes with the order; once, first.
    Open(OpenRecording),
    /// Record what the venue sends from now on.
    Record,
    /// End that, and hand the file over.
    StopRecording,
    /// Hand over a file of the last half minute.
    SaveLast,
    /// The replay: go on; from the beginning where it has ended.
    Play,
    /// The replay: stand still.
    Pause,
    /// The replay: go elsewhere.
    Seek {
        /// Milliseconds since the epoch.
        position_ms: i64,
    },
    /// The replay: so many times as fast as it was recorded.
    Speed(f64),
}

/// A recording to be played in the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRecording {
    /// The file's name.
    pub name: String,
    /// Where it is to be fetched; absent where the file comes with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What a worker reports of recordings and of a replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerReport {
    /// How the replay stands.
    Replay(ReplayReport),
    /// What plays can be looked at: instruments, those that are known already included.
    Instruments(Vec<Instrument>),
    /// How the recording stands.
    Recording(WorkerRecording),
    /// What was wanted could not be done, for people.
    Failed(String),
}

/// How a worker's recording stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecording {
    /// Entries in it.
    pub n_entries: u64,
    /// What it holds in memory.
    pub size_bytes: u64,
    /// True until it has ended.
    pub is_running: bool,
    /// Why it ended by itself, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_in_the_words_of_the_replay_resource() {
        for (order, expected) in [
            (WorkerCommand::Record, r#""record""#),
            (WorkerCommand::Seek { position_ms: 5 }, r#"{"seek":{"position_ms":5}}"#),
            (WorkerCommand::Speed(0.5), r#"{"speed":0.5}"#),
            (
                WorkerCommand::Open(OpenRecording { name: "a.jsonl".into(), url: None }),
                r#"{"open":{"name":"a.jsonl"}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&order).unwrap(), expected);
            assert_eq!(serde_json::from_str::<WorkerCommand>(expected).unwrap(), order);
        }
    }
}
