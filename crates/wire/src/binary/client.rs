//! Client messages in the binary form.

use std::collections::BTreeMap;

use topics::{
    error::FieldError,
    payload::{FieldReader, FieldWriter},
    topic::TopicPattern,
};

use crate::{
    binary::{VERSION, reader::Reader, writer::Writer},
    error::WireError,
    limits::{MAX_CLIENT_MESSAGE_BYTES, MAX_RESUME_TOPICS, MAX_TOPICS_PER_MESSAGE},
    message::{
        ClientMessage, CommandRequest, Epoch, Hello, JsonText, Ping, Position, SnapshotRequest, Subscribe, Unsubscribe,
    },
};

const HELLO: u8 = 1;
const SUBSCRIBE: u8 = 2;
const UNSUBSCRIBE: u8 = 3;
const SNAPSHOT: u8 = 4;
const COMMAND: u8 = 5;
const PING: u8 = 6;

pub(crate) fn encode(message: &ClientMessage) -> Vec<u8> {
    match message {
        ClientMessage::Hello(hello) => encode_hello(hello),
        ClientMessage::Subscribe(request) => {
            let mut writer = Writer::with_head(VERSION, SUBSCRIBE);
            writer.unsigned(request.id);
            put_lane(&mut writer, request.lane_ms);
            put_topics(&mut writer, &request.topics);
            writer.finish()
        }
        ClientMessage::Unsubscribe(request) => encode_topics(UNSUBSCRIBE, request.id, &request.topics),
        ClientMessage::Snapshot(request) => encode_topics(SNAPSHOT, request.id, &request.topics),
        ClientMessage::Command(request) => {
            let mut writer = Writer::with_head(VERSION, COMMAND);
            writer.unsigned(request.id);
            writer.text(request.key.as_deref().unwrap_or_default());
            writer.long_text(request.command.as_str());
            writer.finish()
        }
        ClientMessage::Ping(ping) => {
            let mut writer = Writer::with_head(VERSION, PING);
            writer.signed(ping.t);
            writer.finish()
        }
    }
}

fn encode_hello(hello: &Hello) -> Vec<u8> {
    let mut writer = Writer::with_head(VERSION, HELLO);
    writer.unsigned(hello.protocol.into());
    writer.unsigned(hello.lane_ms.into());
    writer.count(hello.resume.len());
    for (topic, position) in &hello.resume {
        writer.text(&topic.to_string());
        writer.text(position.epoch.as_str());
        writer.unsigned(position.offset);
        put_lane(&mut writer, position.lane_ms);
    }
    writer.finish()
}

fn encode_topics(kind: u8, id: u64, topics: &[TopicPattern]) -> Vec<u8> {
    let mut writer = Writer::with_head(VERSION, kind);
    writer.unsigned(id);
    put_topics(&mut writer, topics);
    writer.finish()
}

fn put_topics(writer: &mut Writer, topics: &[TopicPattern]) {
    writer.count(topics.len());
    topics.iter().for_each(|topic| writer.text(&topic.to_string()));
}

/// Zero stands for none: a lane of no time would be the fastest, which 1 names too.
fn put_lane(writer: &mut Writer, lane_ms: Option<u32>) {
    writer.unsigned(lane_ms.map_or(0, |lane_ms| lane_ms.max(1)).into());
}

/// Decodes a message; an error includes the request's id, if it could be read.
pub(crate) fn decode(bytes: &[u8]) -> Result<ClientMessage, (Option<u64>, WireError)> {
    let mut reader = Reader::new(bytes);
    let mut id = None;
    let message = decode_body(&mut reader, &mut id).and_then(|message| reader.end().map(|()| message));
    message.map_err(|error| (id, error))
}

fn decode_body(reader: &mut Reader<'_>, id: &mut Option<u64>) -> Result<ClientMessage, WireError> {
    let version = reader.byte()?;
    if version != VERSION {
        return Err(WireError::UnknownVersion { found: version });
    }
    let kind = reader.byte()?;
    let mut read_id = |reader: &mut Reader<'_>| reader.unsigned().inspect(|found| *id = Some(*found));
    Ok(match kind {
        HELLO => ClientMessage::Hello(decode_hello(reader)?),
        SUBSCRIBE => {
            let (id, lane_ms) = (read_id(reader)?, read_lane(reader)?);
            ClientMessage::Subscribe(Subscribe { id, topics: decode_topics(reader)?, lane_ms })
        }
        UNSUBSCRIBE => ClientMessage::Unsubscribe(Unsubscribe { id: read_id(reader)?, topics: decode_topics(reader)? }),
        SNAPSHOT => ClientMessage::Snapshot(SnapshotRequest { id: read_id(reader)?, topics: decode_topics(reader)? }),
        COMMAND => {
            let id = read_id(reader)?;
            let key = Some(reader.text()?.to_owned()).filter(|key| !key.is_empty());
            let command = JsonText::parse(reader.long_text(MAX_CLIENT_MESSAGE_BYTES)?)?;
            ClientMessage::Command(CommandRequest { id, key, command })
        }
        PING => ClientMessage::Ping(Ping { t: reader.signed()? }),
        found => return Err(FieldError::UnknownCode { what: UNKNOWN_KIND, found: found.into() }.into()),
    })
}

fn decode_hello(reader: &mut Reader<'_>) -> Result<Hello, WireError> {
    let protocol = reader.narrow("protocol")?;
    let lane_ms = reader.narrow("lane_ms")?;
    let n_topics = reader.count("topics", MAX_RESUME_TOPICS)?;
    let positions = (0..n_topics).map(|_| {
        let topic = reader.topic()?;
        let (epoch, offset) = (Epoch::new(reader.text()?), reader.unsigned()?);
        Ok((topic, Position { epoch, offset, lane_ms: read_lane(reader)? }))
    });
    let resume = positions.collect::<Result<BTreeMap<_, _>, WireError>>()?;
    Ok(Hello { protocol, lane_ms, resume })
}

fn read_lane(reader: &mut Reader<'_>) -> Result<Option<u32>, WireError> {
    Ok(Some(reader.narrow("lane_ms")?).filter(|lane_ms| *lane_ms > 0))
}

fn decode_topics(reader: &mut Reader<'_>) -> Result<Vec<TopicPattern>, WireError> {
    let n_topics = reader.count("topics", MAX_TOPICS_PER_MESSAGE)?;
    (0..n_topics).map(|_| reader.pattern()).collect()
}

/// The error's word for a kind byte that selects no message.
pub(crate) const UNKNOWN_KIND: &str = "message kind";
