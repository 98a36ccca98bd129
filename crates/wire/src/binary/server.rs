//! Server messages in the binary form.

use topics::{
    channels::TopicData,
    error::FieldError,
    payload::{FieldReader, FieldWriter},
};

use crate::{
    binary::{VERSION, reader::Reader, writer::Writer},
    close_code::CloseCode,
    error::WireError,
    limits::{MAX_CLIENT_MESSAGE_BYTES, MAX_ITEMS},
    message::{
        Ack, Batch, Bye, Epoch, Item, JsonText, Pong, RefusalCode, Refused, Reset, ResetReason, Resumed, ServerMessage,
        StreamName, Subscribed, Unsubscribed, Update, UpdateKind, Welcome,
    },
    names::StreamNames,
};

const WELCOME: u8 = 1;
const SUBSCRIBED: u8 = 2;
const UNSUBSCRIBED: u8 = 3;
const REFUSED: u8 = 4;
const BATCH: u8 = 5;
const RESUMED: u8 = 6;
const RESET: u8 = 7;
const ACK: u8 = 8;
const PONG: u8 = 9;
const BYE: u8 = 10;

/// Encodes the part that is the same for every reader: a snapshot's epoch, the offset, the length of the data, and the
/// data.
pub(crate) fn encode_update(update: &Update) -> Vec<u8> {
    let mut data = Writer::default();
    update.data.write(&mut data);
    let data = data.finish();
    let mut writer = Writer::default();
    if update.kind == UpdateKind::Snapshot {
        writer.text(update.epoch.as_ref().map_or("", Epoch::as_str));
    }
    writer.unsigned(update.offset);
    writer.count(data.len());
    writer.raw(&data);
    writer.finish()
}

/// Encodes a batch: its head, then items up to the end: the stream's number with the kind in its low bit, and the
/// update's bytes, which are only copied.
pub(crate) fn encode_batch<'a>(items: impl IntoIterator<Item = (u32, UpdateKind, &'a [u8])>) -> Vec<u8> {
    let mut writer = Writer::with_head(VERSION, BATCH);
    for (stream, kind, bytes) in items {
        writer.unsigned((u64::from(stream) << 1) | u64::from(kind == UpdateKind::Delta));
        writer.raw(bytes);
    }
    writer.finish()
}

pub(crate) fn encode(message: &ServerMessage) -> Vec<u8> {
    match message {
        ServerMessage::Welcome(welcome) => {
            let mut writer = Writer::with_head(VERSION, WELCOME);
            writer.unsigned(welcome.protocol.into());
            writer.text(welcome.epoch.as_str());
            writer.text(&welcome.client);
            writer.signed(welcome.server_time_ms);
            writer.finish()
        }
        ServerMessage::Subscribed(subscribed) => {
            let mut writer = Writer::with_head(VERSION, SUBSCRIBED);
            writer.unsigned(subscribed.id);
            write_names(&mut writer, &subscribed.topics);
            writer.finish()
        }
        ServerMessage::Unsubscribed(unsubscribed) => {
            let mut writer = Writer::with_head(VERSION, UNSUBSCRIBED);
            writer.unsigned(unsubscribed.id);
            let topics = &unsubscribed.topics[..unsubscribed.topics.len().min(MAX_ITEMS)];
            writer.count(topics.len());
            topics.iter().for_each(|topic| writer.text(&topic.to_string()));
            writer.finish()
        }
        ServerMessage::Refused(refused) => {
            let mut writer = Writer::with_head(VERSION, REFUSED);
            writer.byte(u8::from(refused.id.is_some()));
            refused.id.into_iter().for_each(|id| writer.unsigned(id));
            writer.coded(&REFUSAL_CODES, &refused.code);
            writer.text(&refused.message);
            writer.finish()
        }
        ServerMessage::Batch(batch) => {
            let updates = batch.items.iter().take(MAX_ITEMS);
            let updates: Vec<_> =
                updates.map(|Item { stream, update }| (*stream, update, encode_update(update))).collect();
            encode_batch(updates.iter().map(|(stream, update, bytes)| (*stream, update.kind, bytes.as_slice())))
        }
        ServerMessage::Resumed(resumed) => {
            let mut writer = Writer::with_head(VERSION, RESUMED);
            write_names(&mut writer, &resumed.topics);
            writer.unsigned(resumed.replayed);
            writer.unsigned(resumed.lost);
            writer.finish()
        }
        ServerMessage::Reset(reset) => {
            let mut writer = Writer::with_head(VERSION, RESET);
            write_names(&mut writer, &reset.topics);
            writer.coded(&RESET_REASONS, &reset.reason);
            writer.finish()
        }
        ServerMessage::Ack(ack) => {
            let mut writer = Writer::with_head(VERSION, ACK);
            writer.unsigned(ack.id);
            writer.long_text(ack.result.as_str());
            writer.finish()
        }
        ServerMessage::Pong(pong) => {
            let mut writer = Writer::with_head(VERSION, PONG);
            writer.signed(pong.t);
            writer.signed(pong.server_time_ms);
            writer.finish()
        }
        ServerMessage::Bye(bye) => {
            let mut writer = Writer::with_head(VERSION, BYE);
            writer.unsigned(bye.code.0.into());
            writer.text(&bye.reason);
            writer.finish()
        }
    }
}

fn write_names(writer: &mut Writer, names: &[StreamName]) {
    let names = &names[..names.len().min(MAX_ITEMS)];
    writer.count(names.len());
    for name in names {
        writer.unsigned(name.stream.into());
        writer.text(&name.topic.to_string());
    }
}

pub(crate) fn decode(bytes: &[u8], names: &StreamNames) -> Result<ServerMessage, WireError> {
    let mut reader = Reader::new(bytes);
    let version = reader.byte()?;
    if version != VERSION {
        return Err(WireError::UnknownVersion { found: version });
    }
    let kind = reader.byte()?;
    let message = decode_body(&mut reader, kind, names)?;
    reader.end()?;
    Ok(message)
}

fn decode_body(reader: &mut Reader<'_>, kind: u8, names: &StreamNames) -> Result<ServerMessage, WireError> {
    Ok(match kind {
        WELCOME => ServerMessage::Welcome(Welcome {
            protocol: reader.narrow("protocol")?,
            epoch: Epoch::new(reader.text()?),
            client: reader.text()?.to_owned(),
            server_time_ms: reader.signed()?,
        }),
        SUBSCRIBED => ServerMessage::Subscribed(Subscribed { id: reader.unsigned()?, topics: read_names(reader)? }),
        UNSUBSCRIBED => {
            let id = reader.unsigned()?;
            let n_topics = reader.count("topics", MAX_ITEMS)?;
            let topics = (0..n_topics).map(|_| reader.topic()).collect::<Result<_, _>>()?;
            ServerMessage::Unsubscribed(Unsubscribed { id, topics })
        }
        REFUSED => {
            let id = match reader.byte()? {
                0 => None,
                _ => Some(reader.unsigned()?),
            };
            // An unknown code from a newer server is no reason to drop the message.
            let code = REFUSAL_CODES.get(usize::from(reader.byte()?)).copied().unwrap_or(RefusalCode::Unknown);
            ServerMessage::Refused(Refused { id, code, message: reader.text()?.to_owned() })
        }
        BATCH => ServerMessage::Batch(decode_batch(reader, names)?),
        RESUMED => ServerMessage::Resumed(Resumed {
            topics: read_names(reader)?,
            replayed: reader.unsigned()?,
            lost: reader.unsigned()?,
        }),
        RESET => {
            let topics = read_names(reader)?;
            let reason = RESET_REASONS.get(usize::from(reader.byte()?)).copied().unwrap_or(ResetReason::Unknown);
            ServerMessage::Reset(Reset { topics, reason })
        }
        ACK => ServerMessage::Ack(Ack {
            id: reader.unsigned()?,
            result: JsonText::parse(reader.long_text(MAX_CLIENT_MESSAGE_BYTES)?)?,
        }),
        PONG => ServerMessage::Pong(Pong { t: reader.signed()?, server_time_ms: reader.signed()? }),
        BYE => {
            let code = u16::try_from(reader.unsigned()?).map_err(|_| FieldError::OutOfRange { what: "close code" })?;
            ServerMessage::Bye(Bye { code: CloseCode(code), reason: reader.text()?.to_owned() })
        }
        found => return Err(FieldError::UnknownCode { what: "message kind", found: found.into() }.into()),
    })
}

fn decode_batch(reader: &mut Reader<'_>, names: &StreamNames) -> Result<Batch, WireError> {
    let mut items = Vec::new();
    while !reader.is_empty() {
        if items.len() == MAX_ITEMS {
            return Err(FieldError::TooMany { what: "items", found: MAX_ITEMS as u64 + 1, limit: MAX_ITEMS }.into());
        }
        let head = reader.unsigned()?;
        let (kind, epoch) = match head & 1 {
            0 => (UpdateKind::Snapshot, Some(Epoch::new(reader.text()?))),
            _ => (UpdateKind::Delta, None),
        };
        let stream = u32::try_from(head >> 1).map_err(|_| FieldError::OutOfRange { what: "stream" })?;
        let offset = reader.unsigned()?;
        let length = reader.count("bytes of data", usize::MAX)?;
        let body = reader.take(length)?;
        let topic = names.topic(stream).ok_or(WireError::UnknownStream { stream })?.clone();
        let mut body = Reader::new(body);
        let data = TopicData::read(&mut body)?;
        body.end()?;
        if data.channel() != topic.channel() {
            return Err(WireError::WrongChannel { topic: topic.to_string(), found: data.channel().as_str() });
        }
        items.push(Item { stream, update: Update { kind, epoch, topic, offset, data } });
    }
    Ok(Batch { items })
}

fn read_names(reader: &mut Reader<'_>) -> Result<Vec<StreamName>, WireError> {
    let n_names = reader.count("topics", MAX_ITEMS)?;
    let names = (0..n_names).map(|_| {
        let stream = reader.narrow("stream")?;
        Ok(StreamName { stream, topic: reader.topic()? })
    });
    names.collect()
}

// Positions are the numbers on the wire: append only.
const REFUSAL_CODES: [RefusalCode; 27] = [
    RefusalCode::Unknown,
    RefusalCode::BadMessage,
    RefusalCode::UnknownType,
    RefusalCode::UnknownTopic,
    RefusalCode::NotSubscribed,
    RefusalCode::TooManyTopics,
    RefusalCode::TooLarge,
    RefusalCode::UnsupportedProtocol,
    RefusalCode::UnknownCommand,
    RefusalCode::OutOfTurn,
    RefusalCode::RateLimited,
    RefusalCode::Forbidden,
    RefusalCode::Unavailable,
    RefusalCode::UnknownVenue,
    RefusalCode::BadSymbols,
    RefusalCode::TooManySymbols,
    RefusalCode::NeedsToken,
    RefusalCode::AlreadyRunning,
    RefusalCode::NotRunning,
    RefusalCode::BadParameter,
    RefusalCode::UnknownRecording,
    RefusalCode::Conflict,
    RefusalCode::Storage,
    RefusalCode::NothingPlays,
    RefusalCode::KeyReused,
    RefusalCode::UnknownSymbol,
    RefusalCode::Denied,
];
const RESET_REASONS: [ResetReason; 3] = [ResetReason::Unknown, ResetReason::EpochChanged, ResetReason::HistoryExceeded];
