//! Direct mode, in which a page connects to venues by itself: the server's answer at `/api/v1/direct`, and the messages
//! between page and worker besides those of the stream. JSON.
//!
//! The answer tells the page which instruments are available directly; the page passes a venue's entry to the worker
//! that runs the venue's session. Not here: the session itself.

use model::{
    instrument::{Instrument, Venue},
    trading::{command::DeskCommand, order::OrderRequest, refusal::Refusal},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use topics::channels::replay::ReplayReport;

/// The venues that the server follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DirectVenues {
    /// The venues, sorted by name.
    pub venues: Vec<DirectVenue>,
}

/// One venue, with the server's own settings for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DirectVenue {
    /// The venue.
    pub venue: Venue,
    /// The venue's name for people.
    pub title: String,
    /// Why a page cannot follow the venue, for people; absent if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// WebSocket address without stream paths; empty if the venue has none.
    pub ws_url: String,
    /// REST address, noted in a page's recordings; requests go through the server. Empty if the venue has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rest_url: String,
    /// The symbols a page may follow, in the venue's spelling: the first [`MAX_DIRECT_SYMBOLS`] followed by the server.
    pub symbols: Vec<String>,
    /// Age at which a symbol's data counts as stale, in milliseconds.
    pub stale_after_ms: u64,
    /// Silence after which a connection is closed and reopened, in milliseconds; absent: the venue's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_deadline_ms: Option<u64>,
    /// Time between two rounds of REST polls, in milliseconds; absent: the venue's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_ms: Option<u64>,
    /// Shortest wait before reconnecting, in milliseconds.
    pub backoff_min_ms: u64,
    /// Longest wait before reconnecting, in milliseconds.
    pub backoff_max_ms: u64,
    /// Consecutive attempts before the feed stays failed; absent: unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
}

/// One venue as a page reads it; the rest of the entry is for the worker, and stays text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectEntry {
    /// The venue.
    pub venue: Venue,
    /// The venue's name for people.
    pub title: String,
    /// Why a page cannot follow the venue, for people.
    pub refusal: Option<String>,
    /// The symbols a page may follow.
    pub symbols: Vec<String>,
    /// The JSON of the whole [`DirectVenue`].
    pub text: Box<str>,
}

impl DirectEntry {
    /// Parses the server's answer, a [`DirectVenues`].
    ///
    /// # Errors
    /// The text does not have the expected shape.
    pub fn parse_all(answer: &str) -> Result<Vec<Self>, serde_json::Error> {
        #[derive(Deserialize)]
        struct Answer {
            venues: Vec<Box<RawValue>>,
        }
        #[derive(Deserialize)]
        struct Fields {
            venue: Venue,
            title: String,
            #[serde(default)]
            refusal: Option<String>,
            symbols: Vec<String>,
        }
        let Answer { venues } = serde_json::from_str(answer)?;
        let parse = |entry: Box<RawValue>| {
            let Fields { venue, title, refusal, symbols } = serde_json::from_str(entry.get())?;
            Ok(Self { venue, title, refusal, symbols, text: entry.into() })
        };
        venues.into_iter().map(parse).collect()
    }
}

/// Enough for a page, which shows a few dozen instruments, and not too much for a browser.
pub const MAX_DIRECT_SYMBOLS: usize = 50;

/// A command from a page to a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerCommand {
    /// Follows a venue; the first command, sent once.
    Follow(Box<DirectVenue>),
    /// Plays a recording, whose file comes with the command; the first command, sent once.
    Open(OpenRecording),
    /// Starts to record the venue's frames.
    Record,
    /// Stops the recording and delivers its file.
    StopRecording,
    /// Delivers a file of the last half minute.
    SaveLast,
    /// Plays on, or from the beginning if the replay has ended.
    Play,
    /// Pauses the replay.
    Pause,
    /// Jumps to another time of the replay.
    Seek {
        /// Milliseconds since the epoch.
        position_ms: i64,
    },
    /// Plays the replay at a multiple of the recorded speed.
    Speed(f64),
    /// Asks the desk of the replay.
    Desk(AccountRequest),
}

/// A question to the desk of a replay in the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountRequest {
    /// Returned with the answer.
    pub id: u64,
    /// The question.
    pub question: AccountQuestion,
}

/// The content of a question to the desk of a replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountQuestion {
    /// A command to carry out.
    Command(Box<DeskCommand>),
    /// An order to preview, as `POST /api/v1/orders/preview` does.
    PreviewOrder(Box<OrderRequest>),
}

/// The answer of the desk of a replay: one of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountAnswer {
    /// Number of the request.
    pub id: u64,
    /// The result as JSON, as the server would give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// A recording to be played in the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRecording {
    /// The file's name.
    pub name: String,
    /// The address to fetch the file from; absent if the file comes with the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A worker's report on its recording or replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerReport {
    /// The state of the replay.
    Replay(ReplayReport),
    /// All instruments of the replay known so far.
    Instruments(Vec<Instrument>),
    /// The state of the recording.
    Recording(WorkerRecording),
    /// The answer of the replay's desk.
    Desk(Box<AccountAnswer>),
    /// Why a command failed, for people.
    Failed(String),
}

/// The state of a worker's recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecording {
    /// Entries in the recording.
    pub n_entries: u64,
    /// The recording's size in memory.
    pub size_bytes: u64,
    /// True until the recording has ended.
    pub is_running: bool,
    /// Why the recording ended by itself, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reaches_the_worker_as_it_came() {
        let direct = DirectVenue {
            venue: Venue::new("demo"),
            title: "Demo \"1\"".to_owned(),
            refusal: Some("not today".to_owned()),
            ws_url: "wss://demo.test".to_owned(),
            rest_url: String::new(),
            symbols: vec!["AAA".to_owned()],
            stale_after_ms: 5_000,
            data_deadline_ms: Some(9),
            poll_ms: None,
            backoff_min_ms: 500,
            backoff_max_ms: 30_000,
            max_attempts: Some(3),
        };
        let answer = serde_json::to_string(&DirectVenues { venues: vec![direct.clone()] }).unwrap();
        let entries = DirectEntry::parse_all(&answer).unwrap();
        let [DirectEntry { venue, title, refusal, symbols, text }] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((venue, title, refusal, symbols), (&direct.venue, &direct.title, &direct.refusal, &direct.symbols));
        assert_eq!(serde_json::from_str::<DirectVenue>(text).unwrap(), direct);
        assert!(DirectEntry::parse_all(r#"{"venues":[{"venue":"demo"}]}"#).is_err());
    }

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
