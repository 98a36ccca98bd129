//! Client messages as JSON. Reading checks `type` first, then parses the whole text as that message; unknown fields are
//! ignored.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use topics::{
    payload::check_length,
    topic::{Topic, TopicPattern},
};

use crate::{
    PROTOCOL_VERSION,
    error::{ClientError, WireError},
    json::{tagged, to_error},
    limits::{MAX_RESUME_TOPICS, MAX_TEXT_BYTES, MAX_TOPICS_PER_MESSAGE},
    message::{
        ClientMessage, CommandRequest, Hello, JsonText, Ping, Position, RefusalCode, SnapshotRequest, Subscribe,
        Unsubscribe,
    },
};

pub(crate) fn encode(message: &ClientMessage) -> Vec<u8> {
    match message {
        ClientMessage::Hello(hello) => tagged("hello", hello),
        ClientMessage::Subscribe(request) => tagged("subscribe", request),
        ClientMessage::Unsubscribe(request) => tagged("unsubscribe", request),
        ClientMessage::Snapshot(request) => tagged("snapshot", request),
        ClientMessage::Command(CommandRequest { id, key, command }) => {
            // A string is valid as a JSON string.
            let key = key.as_ref().map(|key| format!(r#""key":{},"#, serde_json::Value::from(key.as_str())));
            let (key, command) = (key.unwrap_or_default(), command.as_str());
            format!(r#"{{"type":"command","id":{id},{key}"command":{command}}}"#).into_bytes()
        }
        ClientMessage::Ping(ping) => tagged("ping", ping),
    }
}

pub(crate) fn decode(text: &str) -> Result<ClientMessage, ClientError> {
    let Head { kind } = read(text).map_err(|error| ClientError::of(None, &error))?;
    decode_kind(&kind, text).map_err(|error| ClientError { id: id_of(text), ..error })
}

fn decode_kind(kind: &str, text: &str) -> Result<ClientMessage, ClientError> {
    Ok(match kind {
        "hello" => ClientMessage::Hello(decode_hello(text)?),
        "subscribe" => {
            let (id, topics) = decode_topics(text)?;
            let LaneField { lane_ms } = read(text)?;
            ClientMessage::Subscribe(Subscribe { id, topics, lane_ms })
        }
        "unsubscribe" => {
            let (id, topics) = decode_topics(text)?;
            ClientMessage::Unsubscribe(Unsubscribe { id, topics })
        }
        "snapshot" => {
            let (id, topics) = decode_topics(text)?;
            ClientMessage::Snapshot(SnapshotRequest { id, topics })
        }
        "command" => {
            let request: CommandFields<'_> = read(text)?;
            let key = request.key.filter(|key| !key.is_empty());
            check_length("bytes of text", key.as_ref().map_or(0, String::len), MAX_TEXT_BYTES)
                .map_err(WireError::from)?;
            let command = JsonText::parse(request.command.get())?;
            ClientMessage::Command(CommandRequest { id: request.id, key, command })
        }
        "ping" => ClientMessage::Ping(read::<Ping>(text)?),
        _ => {
            let shown: String = kind.chars().take(64).collect();
            let message = format!("unknown type {shown:?}; known are {KNOWN_TYPES}");
            return Err(ClientError { id: None, code: RefusalCode::UnknownType, message });
        }
    })
}

/// The version is parsed separately first: a later protocol's hello may have other fields.
fn decode_hello(text: &str) -> Result<Hello, ClientError> {
    let Version { protocol } = read(text)?;
    if protocol != PROTOCOL_VERSION {
        return Err(ClientError::unsupported_protocol(protocol));
    }
    let HelloFields { lane_ms, resume } = read(text)?;
    Ok(Hello { protocol, lane_ms, resume: decode_positions(resume)? })
}

fn decode_positions(positions: BTreeMap<String, Position>) -> Result<BTreeMap<Topic, Position>, WireError> {
    check_length("topics", positions.len(), MAX_RESUME_TOPICS)?;
    let positions = positions.into_iter().map(|(topic, position)| {
        check_length("bytes of text", position.epoch.as_str().len(), MAX_TEXT_BYTES)?;
        Ok((Topic::parse(&topic)?, position))
    });
    positions.collect()
}

fn decode_topics(text: &str) -> Result<(u64, Vec<TopicPattern>), ClientError> {
    let TopicFields { id, topics } = read(text)?;
    check_length("topics", topics.len(), MAX_TOPICS_PER_MESSAGE).map_err(WireError::from)?;
    let topics = topics.iter().map(|topic| TopicPattern::parse(topic).map_err(WireError::from));
    Ok((id, topics.collect::<Result<_, _>>()?))
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, WireError> {
    serde_json::from_str(text).map_err(to_error)
}

/// Returns the request's id if the message could not be parsed as a whole.
fn id_of(text: &str) -> Option<u64> {
    fn field<T: DeserializeOwned>(text: &str) -> Option<T> {
        serde_json::from_str(text).ok()
    }
    field::<Id>(text).map(|fields| fields.id)
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Id {
    id: u64,
}

#[derive(Deserialize)]
struct Version {
    protocol: u32,
}

#[derive(Deserialize)]
struct HelloFields {
    lane_ms: u32,
    #[serde(default)]
    resume: BTreeMap<String, Position>,
}

#[derive(Deserialize)]
struct TopicFields {
    id: u64,
    topics: Vec<String>,
}

#[derive(Deserialize)]
struct LaneField {
    #[serde(default)]
    lane_ms: Option<u32>,
}

#[derive(Deserialize)]
struct CommandFields<'a> {
    id: u64,
    #[serde(default)]
    key: Option<String>,
    #[serde(borrow)]
    command: &'a RawValue,
}

const KNOWN_TYPES: &str = "hello, subscribe, unsubscribe, snapshot, command, ping";
