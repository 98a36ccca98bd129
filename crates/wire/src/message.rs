//! What client and server say to each other: one struct a message, the same for both forms.
//!
//! Who answers what, limits and examples stand in `docs/stream-protocol.md`. Stream numbers exist in the binary form
//! only; what was read from JSON has [`NO_STREAM`] in their place.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use topics::{
    channels::TopicData,
    topic::{Topic, TopicPattern},
};

use crate::close_code::CloseCode;

/// In place of a stream number where the JSON form was read, which has none.
pub const NO_STREAM: u32 = 0;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// The first message, once.
    Hello(Hello),
    /// Wants topics.
    Subscribe(Subscribe),
    /// Wants topics no more.
    Unsubscribe(Unsubscribe),
    /// Wants fresh snapshots of subscribed topics.
    Snapshot(SnapshotRequest),
    /// Wants something done.
    Command(CommandRequest),
    /// Wants a pong.
    Ping(Ping),
}

/// Opens the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`] of the client.
    pub protocol: u32,
    /// The cadence asked for, in milliseconds; the server takes the slowest lane that is not slower.
    pub lane_ms: u32,
    /// Where an earlier connection stopped in each topic; empty for a first connection. At most 512.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resume: BTreeMap<Topic, Position>,
}

/// Identity of one run of a topic's owner (a feed, the server): offsets of another epoch mean nothing. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// Names an epoch.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self(name.into()))
    }
}

/// The last update that a client has of a topic. It belongs to the lane it came by: another lane starts without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The epoch of the topic's last snapshot.
    pub epoch: Epoch,
    /// The offset of its last snapshot or delta.
    pub offset: u64,
}

/// Wants topics. Answered by [`Subscribed`] or [`Refused`] with the same id, then snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subscribe {
    /// The client's number of this request.
    pub id: u64,
    /// At most 200.
    pub topics: Vec<TopicPattern>,
}

/// Wants topics no more. Answered by [`Unsubscribed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unsubscribe {
    /// The client's number of this request.
    pub id: u64,
    /// At most 200.
    pub topics: Vec<TopicPattern>,
}

/// Wants fresh snapshots of subscribed topics. Answered by the snapshots, or [`Refused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotRequest {
    /// The client's number of this request.
    pub id: u64,
    /// At most 200.
    pub topics: Vec<TopicPattern>,
}

/// Wants something done. Answered by [`Ack`] or [`Refused`] with the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRequest {
    /// The client's number of this request.
    pub id: u64,
    /// A name of the client's own for the command: sent again with the same name, it is not carried out again but answered
    /// as before. Never empty.
    pub key: Option<String>,
    /// An object with one member, named after the command: `{"place_order":{…}}`.
    pub command: JsonText,
}

/// Wants a [`Pong`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Comes back unchanged; usually the client's clock in milliseconds.
    pub t: i64,
}

/// JSON carried as text, for commands and their results, whose shapes are not this crate's matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(pub(crate) String);

impl JsonText {
    /// Checks that `text` is JSON, and leaves out the white space around it, which the JSON form would not carry.
    ///
    /// # Errors
    /// Where it is not, or is nested deeper than 128.
    pub fn parse(text: &str) -> Result<Self, crate::error::WireError> {
        crate::json::check(text)?;
        Ok(Self(text.trim_matches([' ', '\t', '\n', '\r']).to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the server says.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage {
    /// Answers hello.
    Welcome(Welcome),
    /// Answers subscribe.
    Subscribed(Subscribed),
    /// Answers unsubscribe.
    Unsubscribed(Unsubscribed),
    /// Answers anything that cannot be done.
    Refused(Refused),
    /// Snapshots and deltas of one turn.
    Batch(Batch),
    /// Answers a hello that resumes: these topics go on without a hole.
    Resumed(Resumed),
    /// Answers a hello that resumes: these topics start over with a snapshot.
    Reset(Reset),
    /// Answers a command.
    Ack(Ack),
    /// Answers ping.
    Pong(Pong),
    /// The last message before the close frame.
    Bye(Bye),
}

/// Answers hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`crate::PROTOCOL_VERSION`] of the server.
    pub protocol: u32,
    /// The epoch of the server's own topics: another one means that the server has restarted.
    pub epoch: Epoch,
    /// The client's id.
    pub client: String,
    /// The server's clock.
    pub server_time_ms: i64,
}

/// A topic with the number that items of the binary form name it by. In JSON just the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName {
    /// The topic.
    pub topic: Topic,
    /// Its number on this connection; [`NO_STREAM`] when read from JSON.
    pub stream: u32,
}

/// Answers subscribe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// The request's id.
    pub id: u64,
    /// All topics the request led to, patterns resolved.
    pub topics: Vec<StreamName>,
}

/// Answers unsubscribe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribed {
    /// The request's id.
    pub id: u64,
    /// All topics that are no longer followed.
    pub topics: Vec<Topic>,
}

/// Answers anything that cannot be done. The connection goes on, unless a [`Bye`] follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The request's id, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Why, for programs.
    pub code: RefusalCode,
    /// Why, for people.
    pub message: String,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// Not JSON, or a field is missing or of the wrong kind.
    BadMessage,
    /// No message of that type.
    UnknownType,
    /// No such channel or instrument.
    UnknownTopic,
    /// Not subscribed to it.
    NotSubscribed,
    /// More topics than a message or a connection may have.
    TooManyTopics,
    /// A message larger than allowed.
    TooLarge,
    /// A protocol version the server does not speak; a bye follows.
    UnsupportedProtocol,
    /// No such command.
    UnknownCommand,
    /// Hello was not the first message, or came twice.
    OutOfTurn,
    /// More messages than allowed; wait.
    RateLimited,
    /// Not allowed.
    Forbidden,
    /// Cannot be done now.
    Unavailable,
    /// No such venue; the message names the nearest.
    UnknownVenue,
    /// Symbols are missing, or cannot be symbols.
    BadSymbols,
    /// More symbols than a feed may follow.
    TooManySymbols,
    /// The venue asks for a token that the server has not.
    NeedsToken,
    /// All of it runs already.
    AlreadyRunning,
    /// Nothing of it runs.
    NotRunning,
    /// A code added since this was written.
    #[serde(other)]
    Unknown,
}

/// Snapshots and deltas of one turn, in order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Batch {
    /// At most 10,000.
    pub items: Vec<Item>,
}

/// An update on one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The number that [`StreamName`] gave its topic on this connection; [`NO_STREAM`] when read from JSON.
    pub stream: u32,
    /// The update, the same for every reader.
    pub update: Update,
}

/// One update of one topic, as its owner publishes it. No number in it is of one hub or connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Whole state or change.
    pub kind: UpdateKind,
    /// The owner's epoch; present in snapshots. The deltas after a snapshot are of the same epoch.
    pub epoch: Option<Epoch>,
    /// The topic; in the binary form the item's number is in its place.
    pub topic: Topic,
    /// Position in the topic: a delta's is one above the update before.
    pub offset: u64,
    /// The data; its channel is the topic's.
    pub data: TopicData,
}

/// Whether an update is the whole state or a change to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateKind {
    /// The whole state at its offset.
    Snapshot,
    /// The change from the offset before.
    Delta,
}

/// These topics go on without a hole; the replayed items follow before any live one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The topics.
    pub topics: Vec<StreamName>,
    /// Items that are sent again.
    pub replayed: u64,
    /// Always 0: where something would be lost, the topic is reset instead.
    pub lost: u64,
}

/// These topics start over with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// The topics.
    pub topics: Vec<StreamName>,
    /// Why they could not go on.
    pub reason: ResetReason,
}

/// Why a topic could not go on where it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The topic's owner (its feed, or the server) has started again since.
    EpochChanged,
    /// More was missed than is kept.
    HistoryExceeded,
    /// A reason added since this was written.
    #[serde(other)]
    Unknown,
}

/// Answers a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The request's id.
    pub id: u64,
    /// What came of it.
    pub result: JsonText,
}

/// Answers ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The ping's.
    pub t: i64,
    /// The server's clock.
    pub server_time_ms: i64,
}

/// The last message before the close frame, which has the same code and reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// Whether to come back, and why it ends.
    pub code: CloseCode,
    /// The reason as one word.
    pub reason: String,
}

impl From<CloseCode> for Bye {
    fn from(code: CloseCode) -> Self {
        Self { code, reason: code.reason().to_owned() }
    }
}
