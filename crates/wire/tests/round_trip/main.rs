//! Encoded messages decode digit for digit in both forms; anything else is an error, never a panic.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod strategies;

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    event::{AggressorSide, Level},
    time::Timestamp,
};
use proptest::prelude::*;
use topics::{
    channels::{TopicData, book::BookData, candles::CandlesData, quote::QuoteData, system::SystemData},
    error::FieldError,
    limits::{MAX_BARS, MAX_LEVELS},
    payload::Merge,
    topic::Topic,
};
use wire::{
    Encoding, Frame, decode_client, decode_server, decode_server_json, encode_batch, encode_client, encode_server,
    encoded::EncodedUpdate,
    error::WireError,
    message::{Batch, Item, NO_STREAM, ServerMessage, StreamName, Subscribed, Update, UpdateKind},
    names::StreamNames,
};

use crate::strategies::{client_message, item, quote, server_message};

/// Names for the items of a batch, numbered from 1 as they stand.
fn number(items: &mut [Item]) -> StreamNames {
    let mut names = StreamNames::new();
    let topics = (1..).zip(items.iter_mut()).map(|(stream, item)| {
        item.stream = stream;
        StreamName { topic: item.update.topic.clone(), stream }
    });
    let topics = topics.collect();
    names.learn(&ServerMessage::Subscribed(Subscribed { id: 0, topics }));
    names
}

/// A message as its JSON form can carry it.
fn without_numbers(mut message: ServerMessage) -> ServerMessage {
    let topics = match &mut message {
        ServerMessage::Subscribed(subscribed) => &mut subscribed.topics,
        ServerMessage::Resumed(resumed) => &mut resumed.topics,
        ServerMessage::Reset(reset) => &mut reset.topics,
        ServerMessage::Batch(batch) => {
            batch.items.iter_mut().for_each(|item| item.stream = NO_STREAM);
            return message;
        }
        _ => return message,
    };
    topics.iter_mut().for_each(|name| name.stream = NO_STREAM);
    message
}

proptest! {
    #[test]
    fn client_messages_come_back(message in client_message()) {
        let binary = encode_client(&message, Encoding::Binary);
        prop_assert_eq!(decode_client(Frame::Binary(&binary)), Ok(message.clone()));
        let json = String::from_utf8(encode_client(&message, Encoding::Json)).unwrap();
        prop_assert_eq!(decode_client(Frame::Text(&json)), Ok(message));
    }

    #[test]
    fn server_messages_come_back(mut message in server_message()) {
        let names = match &mut message {
            ServerMessage::Batch(batch) => number(&mut batch.items),
            _ => StreamNames::new(),
        };
        let decoded = decode_server(&encode_server(&message, Encoding::Binary), &names).unwrap();
        prop_assert_eq!(&decoded, &message);
        // Equal numbers may have different digits: the text shows them.
        let json = String::from_utf8(encode_server(&message, Encoding::Json)).unwrap();
        prop_assert_eq!(String::from_utf8(encode_server(&decoded, Encoding::Json)).unwrap(), json.clone());
        prop_assert_eq!(decode_server_json(&json), Ok(without_numbers(message)));
    }

    #[test]
    fn batches_of_encoded_items_are_batches(mut items in prop::collection::vec(item(), 0..6)) {
        number(&mut items);
        for encoding in [Encoding::Binary, Encoding::Json] {
            let encoded = items.iter().map(|item| (item.stream, EncodedUpdate::new(item.update.clone())));
            let encoded: Vec<(u32, EncodedUpdate)> = encoded.collect();
            let batch = ServerMessage::Batch(Batch { items: items.clone() });
            let updates = encoded.iter().map(|(stream, update)| (*stream, update));
            prop_assert_eq!(encode_batch(updates, encoding), encode_server(&batch, encoding));
        }
    }

    #[test]
    fn quote_snapshot_and_deltas_are_the_later_snapshot(steps in prop::collection::vec(quote(), 1..20)) {
        let mut older = QuoteData::default();
        let mut merged = QuoteData::default();
        for step in steps {
            // A field once known stays known.
            let mut newer = older.clone();
            newer.merge(&step);
            if let Some(delta) = older.diff(&newer) {
                merged.merge(&delta);
            }
            let text = |data: &QuoteData| serde_json::to_string(data).unwrap();
            prop_assert_eq!(text(&merged), text(&newer));
            older = newer;
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0_u8..12) {
        let names = number(&mut one_of_each_channel());
        let with_head: Vec<u8> = [1, kind].into_iter().chain(bytes.iter().copied()).collect();
        for bytes in [&bytes, &with_head] {
            let _ = decode_server(bytes, &names);
            let _ = decode_client(Frame::Binary(bytes));
        }
        let text = String::from_utf8_lossy(&bytes);
        let _ = decode_client(Frame::Text(&text));
        let _ = decode_server_json(&text);
    }

    #[test]
    fn damaged_messages_never_panic(
        mut message in server_message(),
        client in client_message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let names = match &mut message {
            ServerMessage::Batch(batch) => number(&mut batch.items),
            _ => StreamNames::new(),
        };
        let damaged = |mut bytes: Vec<u8>| {
            damage.iter().for_each(|(at, byte)| { let at = at.index(bytes.len()); bytes[at] = *byte; });
            bytes
        };
        let whole = encode_server(&message, Encoding::Binary);
        let _ = decode_server(&whole[..cut.index(whole.len())], &names);
        let _ = decode_server(&damaged(whole), &names);
        let _ = decode_client(Frame::Binary(&damaged(encode_client(&client, Encoding::Binary))));
        let _ = decode_client(Frame::Text(&String::from_utf8_lossy(&damaged(encode_client(&client, Encoding::Json)))));
        let _ = decode_server_json(&String::from_utf8_lossy(&damaged(encode_server(&message, Encoding::Json))));
    }
}

fn one_of_each_channel() -> Vec<Item> {
    ["quote:d:A", "tape:d:A", "book:d:A", "candles.1m:d:A", "quality:d:A", "status", "system", "replay"]
        .map(|topic| {
            let (topic, data) = (Topic::parse(topic).unwrap(), TopicData::System(SystemData::default()));
            Item { stream: NO_STREAM, update: Update { kind: UpdateKind::Delta, epoch: None, topic, offset: 0, data } }
        })
        .to_vec()
}

fn decode_one(update: Update) -> Result<Update, WireError> {
    let mut item = Item { stream: 1, update };
    let names = number(std::slice::from_mut(&mut item));
    let encoded = EncodedUpdate::new(item.update);
    match decode_server(&encode_batch([(1, &encoded)], Encoding::Binary), &names)? {
        ServerMessage::Batch(mut batch) => Ok(batch.items.remove(0).update),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_too_long_is_cut_when_encoded() {
    let level = |cents: i64| Level { price: Price::from_mantissa(cents.into(), 2).unwrap(), quantity: Quantity::ZERO };
    let bids: Vec<Level> = (0..250).rev().map(level).collect();
    let topic = Topic::parse("book:d:A").unwrap();
    let item =
        |topic: &Topic, data| Update { kind: UpdateKind::Delta, epoch: None, topic: topic.clone(), offset: 1, data };
    let TopicData::Book(book) =
        decode_one(item(&topic, TopicData::Book(BookData { bids: bids.clone(), ..BookData::default() }))).unwrap().data
    else {
        panic!("a book");
    };
    assert_eq!(book.bids, bids[..MAX_LEVELS], "the best are kept");
    let bar = |minute: i64| {
        Candle::of_trade(Timestamp::from_millis(minute * 60_000), Price::ZERO, Quantity::ZERO, AggressorSide::Unknown)
    };
    let bars: Vec<Candle> = (0..1_100).map(bar).collect();
    let topic = Topic::parse("candles.1m:d:A").unwrap();
    let TopicData::Candles(candles) =
        decode_one(item(&topic, TopicData::Candles(CandlesData { bars: bars.clone() }))).unwrap().data
    else {
        panic!("candles");
    };
    assert_eq!(candles.bars, bars[bars.len() - MAX_BARS..], "the newest are kept");
    let version = Some("é".repeat(1_000));
    let data = TopicData::System(SystemData { version, ..SystemData::default() });
    let TopicData::System(system) = decode_one(item(&Topic::SYSTEM, data)).unwrap().data else { panic!("system") };
    assert_eq!(system.version.unwrap().len(), 1_024);
}

#[test]
fn what_names_nothing_known_is_an_error() {
    let update = Update {
        kind: UpdateKind::Delta,
        epoch: None,
        topic: Topic::SYSTEM,
        offset: 1,
        data: TopicData::System(SystemData::default()),
    };
    let items = vec![Item { stream: 7, update: update.clone() }];
    let batch = encode_server(&ServerMessage::Batch(Batch { items }), Encoding::Binary);
    assert_eq!(decode_server(&batch, &StreamNames::new()), Err(WireError::UnknownStream { stream: 7 }));
    let wrong = decode_one(Update { topic: Topic::STATUS, ..update });
    assert_eq!(wrong, Err(WireError::WrongChannel { topic: "status".to_owned(), found: "system" }));
    let names = StreamNames::new();
    assert_eq!(decode_server(&[], &names), Err(WireError::Field(FieldError::Truncated)));
    assert_eq!(decode_server(&[2, 1], &names), Err(WireError::UnknownVersion { found: 2 }));
    assert_eq!(
        decode_server(&[1, 99], &names),
        Err(WireError::Field(FieldError::UnknownCode { what: "message kind", found: 99 }))
    );
    assert_eq!(decode_server(&[1, 9, 2, 4, 0], &names), Err(WireError::TrailingBytes { n_bytes: 1 }));
    let refused = decode_client(Frame::Binary(&[2, 1])).unwrap_err();
    assert_eq!(refused.message, "protocol 2 is not supported; this server speaks 1");
    let refused = decode_client(Frame::Binary(&[1, 77])).unwrap_err();
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (wire::message::RefusalCode::UnknownType, "unknown message kind 77")
    );
    let refused = decode_client(Frame::Binary(&[1, 2, 9, 33, 201, 1])).unwrap_err();
    assert_eq!((refused.id, refused.code), (Some(9), wire::message::RefusalCode::TooManyTopics));
}

/// Sizes that the budget of the page rests on.
#[test]
fn updates_are_small() {
    let price = |text: &str| Price::parse(text).ok();
    let size = |text: &str| Quantity::parse(text).ok();
    let quote = QuoteData {
        bid: price("61602.01"),
        bid_size: size("1.67177"),
        ask: price("61602.02"),
        ask_size: size("2.66795"),
        venue_time_ms: Some(1_763_668_000_001),
        receive_time_us: Some(1_763_668_000_023_456),
        publish_time_us: Some(1_763_668_000_100_000),
        ..QuoteData::default()
    };
    let topic = Topic::parse("quote:kraken:BTC/USD").unwrap();
    let data = TopicData::Quote(quote);
    let update = EncodedUpdate::new(Update { kind: UpdateKind::Delta, epoch: None, topic, offset: 8_120, data });
    // The number of its stream is a byte more.
    let (binary, json) = (update.bytes(Encoding::Binary).len() + 1, update.bytes(Encoding::Json).len());
    assert!(binary <= 35 && json >= 6 * binary, "{binary} {json}");
    let bars = (0..500_i64).map(|minute| Candle {
        open_time: Timestamp::from_millis(1_763_640_000_000 + minute * 60_000),
        open: Price::from_mantissa((6_160_000 + minute % 7).into(), 2).unwrap(),
        high: Price::from_mantissa((6_160_900 + minute % 11).into(), 2).unwrap(),
        low: Price::from_mantissa((6_159_200 - minute % 13).into(), 2).unwrap(),
        close: Price::from_mantissa((6_160_001 + minute % 7).into(), 2).unwrap(),
        volume: Quantity::from_mantissa((1_234_567 + minute).into(), 5).unwrap(),
        buy_volume: Quantity::from_mantissa((617_283 + minute).into(), 5),
    });
    let data = TopicData::Candles(CandlesData { bars: bars.collect() });
    let topic = Topic::parse("candles.1m:kraken:BTC/USD").unwrap();
    let item = Update { kind: UpdateKind::Snapshot, epoch: None, topic, offset: 1, data };
    let binary = EncodedUpdate::new(item).bytes(Encoding::Binary).len();
    assert!(binary <= 9_000, "{binary}");
}
