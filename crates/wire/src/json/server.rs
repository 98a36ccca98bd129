//! Server messages as JSON.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use topics::{channels::TopicData, payload::check_length, topic::Topic};

use crate::{
    error::WireError,
    json::{tagged, to_error},
    limits::MAX_ITEMS,
    message::{Ack, Batch, Epoch, Item, JsonText, NO_STREAM, ServerMessage, StreamName, Update, UpdateKind},
};

pub(crate) fn encode_update(update: &Update) -> Vec<u8> {
    let Update { kind, epoch, topic, offset, data } = update;
    let topic = Cow::Borrowed(topic);
    let fields = UpdateFields { kind: *kind, topic, epoch: epoch.clone(), offset: *offset, data };
    // Writing to memory cannot fail, and no data has a map with non-text keys.
    serde_json::to_vec(&fields).unwrap_or_default()
}

pub(crate) fn encode_batch<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut text = BATCH_HEAD.to_vec();
    for item in items {
        if text.len() > BATCH_HEAD.len() {
            text.push(b',');
        }
        text.extend_from_slice(item);
    }
    text.extend_from_slice(b"]}");
    text
}

pub(crate) fn encode(message: &ServerMessage) -> Vec<u8> {
    match message {
        ServerMessage::Welcome(welcome) => tagged("welcome", welcome),
        ServerMessage::Subscribed(subscribed) => tagged("subscribed", subscribed),
        ServerMessage::Unsubscribed(unsubscribed) => tagged("unsubscribed", unsubscribed),
        ServerMessage::Refused(refused) => tagged("refused", refused),
        ServerMessage::Batch(batch) => {
            let updates = batch.items.iter().take(MAX_ITEMS);
            let updates: Vec<Vec<u8>> = updates.map(|item| encode_update(&item.update)).collect();
            encode_batch(updates.iter().map(Vec::as_slice))
        }
        ServerMessage::Resumed(resumed) => tagged("resumed", resumed),
        ServerMessage::Reset(reset) => tagged("reset", reset),
        ServerMessage::Ack(Ack { id, result }) => {
            format!(r#"{{"type":"ack","id":{id},"result":{}}}"#, result.as_str()).into_bytes()
        }
        ServerMessage::Pong(pong) => tagged("pong", pong),
        ServerMessage::Bye(bye) => tagged("bye", bye),
    }
}

pub(crate) fn decode(text: &str) -> Result<ServerMessage, WireError> {
    fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, WireError> {
        serde_json::from_str(text).map_err(to_error)
    }
    Ok(match read::<Head<'_>>(text)?.kind.as_ref() {
        "welcome" => ServerMessage::Welcome(read(text)?),
        "subscribed" => ServerMessage::Subscribed(read(text)?),
        "unsubscribed" => ServerMessage::Unsubscribed(read(text)?),
        "refused" => ServerMessage::Refused(read(text)?),
        "batch" => {
            let BatchFields { items } = read(text)?;
            check_length("items", items.len(), MAX_ITEMS)?;
            let items = items.into_iter().map(decode_item).collect::<Result<_, _>>()?;
            ServerMessage::Batch(Batch { items })
        }
        "resumed" => ServerMessage::Resumed(read(text)?),
        "reset" => ServerMessage::Reset(read(text)?),
        "ack" => {
            let AckFields { id, result } = read(text)?;
            ServerMessage::Ack(Ack { id, result: JsonText::parse(result.get())? })
        }
        "pong" => ServerMessage::Pong(read(text)?),
        "bye" => ServerMessage::Bye(read(text)?),
        other => {
            let detail = format!("unknown type {:?}", other.chars().take(64).collect::<String>());
            return Err(WireError::Json { detail });
        }
    })
}

fn decode_item(fields: UpdateFields<'_, serde_json::Value>) -> Result<Item, WireError> {
    let UpdateFields { kind, topic, epoch, offset, data } = fields;
    let data = TopicData::deserialize(topic.channel(), data).map_err(to_error)?;
    data.check()?;
    Ok(Item { stream: NO_STREAM, update: Update { kind, epoch, topic: topic.into_owned(), offset, data } })
}

impl Serialize for StreamName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.topic.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StreamName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Topic::deserialize(deserializer).map(|topic| Self { topic, stream: NO_STREAM })
    }
}

#[derive(Serialize, Deserialize)]
struct UpdateFields<'a, T> {
    kind: UpdateKind,
    topic: Cow<'a, Topic>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
    offset: u64,
    data: T,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct BatchFields {
    items: Vec<UpdateFields<'static, serde_json::Value>>,
}

#[derive(Deserialize)]
struct AckFields<'a> {
    id: u64,
    #[serde(borrow)]
    result: &'a RawValue,
}

const BATCH_HEAD: &[u8] = br#"{"type":"batch","items":["#;
