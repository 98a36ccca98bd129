//! The messages of client and server: one struct each, the same for both forms.
//!
//! `docs/stream-protocol.md` has the answers, limits and examples. Stream numbers exist in the binary form only;
//! messages read from JSON have [`NO_STREAM`] in their place.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use topics::{
    channels::TopicData,
    topic::{Topic, TopicPattern},
};

use crate::close_code::CloseCode;

/// The stream number of messages read from JSON, which has none.
pub const NO_STREAM: u32 = 0;

/// A message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// The first message, once.
    Hello(Hello),
    /// Requests topics.
    Subscribe(Subscribe),
    /// Ends subscriptions.
    Unsubscribe(Unsubscribe),
    /// Requests fresh snapshots of subscribed topics.
    Snapshot(SnapshotRequest),
    /// Sends a command.
    Command(CommandRequest),
    /// Requests a pong.
    Ping(Ping),
}

/// Opens the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`] of the client.
    pub protocol: u32,
    /// The cadence of topics whose subscription names none, in milliseconds; the server uses the slowest lane that is fast
    /// enough.
    pub lane_ms: u32,
    /// The position of an earlier connection in each topic; empty for a first connection. At most 512.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resume: BTreeMap<Topic, Position>,
}

/// Identity of one run of a topic's owner (a feed, the server): offsets of another epoch are meaningless. Cheap to
/// clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// Creates an epoch with that name.
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

/// A client's last update of a topic. It belongs to the lane of that subscription: another lane starts without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Position {
    /// The epoch of the topic's last snapshot.
    pub epoch: Epoch,
    /// The offset of its last snapshot or delta.
    pub offset: u64,
    /// The lane of its subscription, in milliseconds; that of [`Hello`] if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane_ms: Option<u32>,
}

/// Requests topics. Answered by [`Subscribed`] or [`Refused`] with the same id, then snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subscribe {
    /// The client's number for this request.
    pub id: u64,
    /// At most 200.
    pub topics: Vec<TopicPattern>,
    /// Their cadence, in milliseconds; that of [`Hello`] if `None`. A topic subscribed to on another lane changes to this
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane_ms: Option<u32>,
}

/// Ends subscriptions. Answered by [`Unsubscribed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unsubscribe {
    /// The client's number for this request.
    pub id: u64,
    /// At most 200.
    pub topics: Vec<TopicPattern>,
}

/// Requests fresh snapshots of subscribed topics. Answered by the snapshots, or [`Refused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SnapshotRequest {
    /// The client's number for this request.
    pub id: u64,
    /// At most 200.
    pub topics: Vec<TopicPattern>,
}

/// Sends a command. Answered by [`Ack`] or [`Refused`] with the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRequest {
    /// The client's number for this request.
    pub id: u64,
    /// The client's own name for the command: if it is sent again with the same name, it is not carried out again but
    /// answered as before. Never empty.
    pub key: Option<String>,
    /// An object with one field, named after the command: `{"place_order":{…}}`.
    pub command: JsonText,
}

/// Requests a [`Pong`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ping {
    /// Returned unchanged; usually the client's clock in milliseconds.
    pub t: i64,
}

/// JSON carried as text, for commands and their results, whose shapes are not defined in this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JsonText(#[cfg_attr(feature = "schema", schemars(with = "serde_json::Value"))] pub(crate) String);

impl JsonText {
    /// Checks that `text` is JSON, and removes surrounding white space, which the JSON form would not carry.
    ///
    /// # Errors
    /// The text is not JSON, is nested deeper than 127, or has a number that is too large.
    pub fn parse(text: &str) -> Result<Self, crate::error::WireError> {
        crate::json::check(text)?;
        Ok(Self(text.trim_matches([' ', '\t', '\n', '\r']).to_owned()))
    }

    /// Writes a value that is not a map with other keys than texts.
    pub fn of(value: &impl Serialize) -> Self {
        // Writing to memory cannot fail.
        Self(serde_json::to_string(value).unwrap_or_default())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A message of the server.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage {
    /// Answers hello.
    Welcome(Welcome),
    /// Answers subscribe.
    Subscribed(Subscribed),
    /// Answers unsubscribe.
    Unsubscribed(Unsubscribed),
    /// Answers a request that cannot be carried out.
    Refused(Refused),
    /// Snapshots and deltas of one turn.
    Batch(Batch),
    /// Answers a hello that resumes: these topics continue without a gap.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Welcome {
    /// [`crate::PROTOCOL_VERSION`] of the server.
    pub protocol: u32,
    /// The epoch of the server's own topics: a different one means that the server has restarted.
    pub epoch: Epoch,
    /// The client's id.
    pub client: String,
    /// The server's clock.
    pub server_time_ms: i64,
}

/// A topic and the number that identifies it in items of the binary form. In JSON only the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName {
    /// The topic.
    pub topic: Topic,
    /// Its number on this connection; [`NO_STREAM`] when read from JSON.
    pub stream: u32,
}

/// Answers subscribe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subscribed {
    /// The request's id.
    pub id: u64,
    /// All topics of the request, patterns resolved.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Topic>"))]
    pub topics: Vec<StreamName>,
}

/// Answers unsubscribe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unsubscribed {
    /// The request's id.
    pub id: u64,
    /// All topics no longer followed.
    pub topics: Vec<Topic>,
}

/// Answers a request that cannot be carried out. The connection continues, unless a [`Bye`] follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refused {
    /// The request's id, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The reason, for programs.
    pub code: RefusalCode,
    /// The reason, for people.
    pub message: String,
}

/// The reasons for a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// Not JSON, or a field is missing or of the wrong type.
    BadMessage,
    /// Unknown message type.
    UnknownType,
    /// Unknown channel or instrument.
    UnknownTopic,
    /// Not subscribed to the topic.
    NotSubscribed,
    /// More topics than allowed in a message or a connection.
    TooManyTopics,
    /// A message larger than allowed.
    TooLarge,
    /// The server does not support the protocol version; a bye follows.
    UnsupportedProtocol,
    /// Unknown command.
    UnknownCommand,
    /// Hello was not the first message, or came twice.
    OutOfTurn,
    /// More messages than allowed; wait.
    RateLimited,
    /// Not permitted.
    Forbidden,
    /// Not possible now.
    Unavailable,
    /// Unknown venue; the message names the nearest.
    UnknownVenue,
    /// Symbols are missing or invalid.
    BadSymbols,
    /// More symbols than a feed may follow.
    TooManySymbols,
    /// The venue requires a token that the server does not have.
    NeedsToken,
    /// All of it is running already.
    AlreadyRunning,
    /// None of it is running.
    NotRunning,
    /// A field has a value that cannot be; the message says which.
    BadParameter,
    /// No such recording.
    UnknownRecording,
    /// It contradicts what is going on: already recorded, in use, nothing to stop.
    Conflict,
    /// The disk cannot be written or read.
    Storage,
    /// No replay is loaded.
    NothingPlays,
    /// The key was used for another command.
    KeyReused,
    /// The venue does not list a symbol; the message names the nearest.
    UnknownSymbol,
    /// The trading desk refuses; the message begins with its own code.
    Denied,
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
    /// The number that [`StreamName`] assigned to its topic on this connection; [`NO_STREAM`] when read from JSON.
    pub stream: u32,
    /// The update, the same for every reader.
    pub update: Update,
}

/// One update of one topic, as its owner publishes it. It contains no number of a particular hub or connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Whole state or change.
    pub kind: UpdateKind,
    /// The owner's epoch; present in snapshots. The deltas after a snapshot have the same epoch.
    pub epoch: Option<Epoch>,
    /// The topic; replaced by the item's number in the binary form.
    pub topic: Topic,
    /// Position in the topic: a delta's is one above the previous update's.
    pub offset: u64,
    /// The data, of the topic's channel.
    pub data: TopicData,
}

/// Kind of an update: the whole state or a change to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UpdateKind {
    /// The whole state at its offset.
    Snapshot,
    /// The change since the previous offset.
    Delta,
}

/// These topics continue without a gap; the replayed items come before any live one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resumed {
    /// The topics.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Topic>"))]
    pub topics: Vec<StreamName>,
    /// The number of items sent again.
    pub replayed: u64,
    /// Always 0: if something would be lost, the topic is reset instead.
    pub lost: u64,
}

/// These topics start over with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reset {
    /// The topics.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Topic>"))]
    pub topics: Vec<StreamName>,
    /// Why they could not be resumed.
    pub reason: ResetReason,
}

/// Why a topic could not be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The topic's owner (its feed, or the server) has restarted since.
    EpochChanged,
    /// More was missed than is kept.
    HistoryExceeded,
    /// A reason newer than this version.
    #[serde(other)]
    Unknown,
}

/// Answers a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The request's id.
    pub id: u64,
    /// The result.
    pub result: JsonText,
}

/// Answers ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pong {
    /// The ping's value.
    pub t: i64,
    /// The server's clock.
    pub server_time_ms: i64,
}

/// The last message before the close frame, which has the same code and reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bye {
    /// Why the connection ends, and whether to reconnect.
    pub code: CloseCode,
    /// The reason as one word.
    pub reason: String,
}

impl From<CloseCode> for Bye {
    fn from(code: CloseCode) -> Self {
        Self { code, reason: code.reason().to_owned() }
    }
}
