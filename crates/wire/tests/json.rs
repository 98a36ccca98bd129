//! The JSON form, text for text, as `docs/stream-protocol.md` promises it to programs: the texts are in `snapshots`.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::collections::BTreeMap;

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::{AggressorSide, Level, TradeId},
    histogram::Quantiles,
    instrument::{InstrumentId, Venue},
    proof::{BookCounters, BookState, Checksum},
    quality::FeedCounters,
    status::{FeedMode, RestWeight, Silence, StreamState},
    time::Timestamp,
};
use topics::{
    channels::{
        TopicData,
        book::BookData,
        candles::CandlesData,
        indicators::{IndicatorRow, IndicatorsData},
        ladder::LadderData,
        quality::{
            BookProof, MalformedSample, QualityData, Resync, ResyncReason,
            latency::{LatencyData, VenueClock},
        },
        quote::QuoteData,
        status::{Breaker, ConnectionEntry, StatusData, StreamEntry},
        system::{Health, SystemData},
        tape::{TapeData, TapeTrade},
    },
    topic::{Topic, TopicPattern},
};
use wire::{
    Encoding, Frame,
    close_code::CloseCode,
    decode_client, decode_server, decode_server_json, encode_batch, encode_client, encode_server,
    encoded::EncodedUpdate,
    error::WireError,
    message::{
        Ack, Batch, Bye, ClientMessage, CommandRequest, Epoch, Hello, Item, JsonText, NO_STREAM, Ping, Pong, Position,
        RefusalCode, Refused, Reset, ResetReason, Resumed, ServerMessage, SnapshotRequest, StreamName, Subscribe,
        Subscribed, Unsubscribe, Unsubscribed, Update, UpdateKind, Welcome,
    },
    names::StreamNames,
};

fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

fn patterns(texts: &[&str]) -> Vec<TopicPattern> {
    texts.iter().map(|text| TopicPattern::parse(text).unwrap()).collect()
}

fn names(texts: &[&str]) -> Vec<StreamName> {
    texts.iter().map(|text| StreamName { topic: topic(text), stream: NO_STREAM }).collect()
}

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn size(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

fn quote() -> QuoteData {
    QuoteData {
        bid: Some(price("61602.01")),
        bid_size: Some(size("1.67177")),
        ask: Some(price("61602.02")),
        ask_size: Some(size("2.66795")),
        last: Some(price("61602.02")),
        venue_time_ms: Some(1_763_668_000_001),
        receive_time_us: Some(1_763_668_000_023_456),
        publish_time_us: Some(1_763_668_000_100_000),
        ..QuoteData::default()
    }
}

/// Returns the JSON of a message, which reads as the same message.
#[track_caller]
fn client(message: ClientMessage) -> String {
    let json = String::from_utf8(encode_client(&message, Encoding::Json)).unwrap();
    assert_eq!(decode_client(Frame::Text(&json)), Ok(message));
    json
}

#[test]
fn client_messages() {
    let mut lines = Vec::new();
    let resume =
        [(topic("quote:kraken:BTC/USD"), Position { epoch: Epoch::new("e1"), offset: 812, lane_ms: Some(33) })].into();
    lines.push(client(ClientMessage::Hello(Hello { protocol: 1, lane_ms: 100, resume })));
    lines.push(client(ClientMessage::Hello(Hello { protocol: 1, lane_ms: 500, resume: BTreeMap::new() })));
    let topics = patterns(&["quote:kraken:BTC/USD", "book:binance:BTCUSDT", "status", "quote:demo:*"]);
    lines.push(client(ClientMessage::Subscribe(Subscribe { id: 1, topics, lane_ms: None })));
    let book = patterns(&["book:demo:AAABBB"]);
    lines.push(client(ClientMessage::Subscribe(Subscribe { id: 1, topics: book, lane_ms: Some(33) })));
    lines.push(client(ClientMessage::Unsubscribe(Unsubscribe { id: 2, topics: patterns(&["status"]) })));
    lines.push(client(ClientMessage::Snapshot(SnapshotRequest {
        id: 3,
        topics: patterns(&["candles.1m:binance:BTCUSDT"]),
    })));
    let command = JsonText::parse(r#"{"place_order":{"size":"0.1"}}"#).unwrap();
    lines.push(client(ClientMessage::Command(CommandRequest { id: 7, key: None, command: command.clone() })));
    lines.push(client(ClientMessage::Command(CommandRequest { id: 8, key: Some("my \"first\"".to_owned()), command })));
    lines.push(client(ClientMessage::Ping(Ping { t: 1 })));
    insta::assert_snapshot!("client_messages", lines.join("\n"));
}

#[test]
fn commands_and_results_keep_their_digits() {
    for number in ["1e-30", "0.10", "18446744073709551616", "-0"] {
        let text = JsonText::parse(&format!(r#"{{"order":{{"size":{number}}}}}"#)).unwrap();
        let command = ClientMessage::Command(CommandRequest { id: 7, key: None, command: text.clone() });
        let json = String::from_utf8(encode_client(&command, Encoding::Json)).unwrap();
        assert_eq!(decode_client(Frame::Text(&json)).unwrap(), command);
        let ack = ServerMessage::Ack(Ack { id: 7, result: text });
        let json = String::from_utf8(encode_server(&ack, Encoding::Json)).unwrap();
        assert_eq!(decode_server_json(&json).unwrap(), ack);
    }
}

#[test]
fn fields_may_stand_in_any_order_beside_others() {
    let text = r#" {"topics":["status"], "extra":{"a":[1]}, "id":4, "lane_ms":33, "type":"subscribe"} "#;
    let expected = ClientMessage::Subscribe(Subscribe { id: 4, topics: patterns(&["status"]), lane_ms: Some(33) });
    assert_eq!(decode_client(Frame::Text(text)), Ok(expected));
}

/// As [`client`].
#[track_caller]
fn server(message: ServerMessage) -> String {
    let json = String::from_utf8(encode_server(&message, Encoding::Json)).unwrap();
    assert_eq!(decode_server_json(&json), Ok(message));
    json
}

#[test]
fn server_messages() {
    let mut lines = Vec::new();
    let welcome =
        Welcome { protocol: 1, epoch: Epoch::new("e1"), client: "c7".to_owned(), server_time_ms: 1_763_668_000_123 };
    lines.push(server(ServerMessage::Welcome(welcome)));
    lines.push(server(ServerMessage::Subscribed(Subscribed {
        id: 1,
        topics: names(&["quote:kraken:BTC/USD", "status"]),
    })));
    lines.push(server(ServerMessage::Unsubscribed(Unsubscribed { id: 2, topics: vec![Topic::STATUS] })));
    let refused = Refused { id: Some(1), code: RefusalCode::UnknownTopic, message: "no such \"thing\"".to_owned() };
    lines.push(server(ServerMessage::Refused(refused)));
    let refused = Refused { id: None, code: RefusalCode::BadMessage, message: "no".to_owned() };
    lines.push(server(ServerMessage::Refused(refused)));
    lines.push(server(ServerMessage::Resumed(Resumed { topics: names(&["status"]), replayed: 412, lost: 0 })));
    lines
        .push(server(ServerMessage::Reset(Reset { topics: names(&["status"]), reason: ResetReason::HistoryExceeded })));
    let result = JsonText::parse(r#"{"order":"o1"}"#).unwrap();
    lines.push(server(ServerMessage::Ack(Ack { id: 7, result })));
    lines.push(server(ServerMessage::Pong(Pong { t: 1, server_time_ms: 1_763_668_000_123 })));
    lines.push(server(ServerMessage::Bye(Bye::from(CloseCode::SLOW))));
    insta::assert_snapshot!("server_messages", lines.join("\n"));
}

#[test]
fn a_batch_is_its_items_put_together() {
    let item = |kind, offset, data| {
        let epoch = (kind == UpdateKind::Snapshot).then(|| Epoch::new("e1"));
        let (topic, data) = (topic("quote:kraken:BTC/USD"), TopicData::Quote(data));
        Item { stream: NO_STREAM, update: Update { kind, epoch, topic, offset, data } }
    };
    let delta = QuoteData { last: Some(price("61602.03")), ..QuoteData::default() };
    let items = vec![item(UpdateKind::Snapshot, 812, quote()), item(UpdateKind::Delta, 813, delta)];
    let encoded: Vec<EncodedUpdate> = items.iter().map(|item| EncodedUpdate::new(item.update.clone())).collect();
    let batch = server(ServerMessage::Batch(Batch { items }));
    assert_eq!(String::from_utf8(encode_batch((1..).zip(&encoded), Encoding::Json)).unwrap(), batch);
    let empty = server(ServerMessage::Batch(Batch::default()));
    insta::assert_snapshot!("batches", format!("{batch}\n{empty}"));
}

/// Returns the JSON of a delta, which reads as the same delta within a batch.
#[track_caller]
fn delta(topic_text: &str, data: TopicData) -> String {
    let update = Update { kind: UpdateKind::Delta, epoch: None, topic: topic(topic_text), offset: 1, data };
    let json = String::from_utf8(EncodedUpdate::new(update.clone()).bytes(Encoding::Json).to_vec()).unwrap();
    let batch = format!(r#"{{"type":"batch","items":[{json}]}}"#);
    let items = vec![Item { stream: NO_STREAM, update }];
    assert_eq!(decode_server_json(&batch), Ok(ServerMessage::Batch(Batch { items })));
    json
}

/// A side without orders: `null`, so that a client that overwrites its fields takes it back too.
#[test]
fn a_side_that_is_gone_is_null() {
    let gone = QuoteData { bid: Some(price("1.4")), is_ask_gone: true, ..QuoteData::default() };
    let json = delta("quote:demo:AAABBB", TopicData::Quote(gone));
    assert!(json.ends_with(r#""data":{"bid":"1.4","ask":null,"ask_size":null}}"#), "{json}");
}

#[test]
fn data_of_the_channels() {
    let mut lines = Vec::new();
    let quote = QuoteData {
        last_side: Some(AggressorSide::Seller),
        day_open: Some(price("1.10")),
        day_high: Some(price("1.30")),
        day_low: Some(price("1.00")),
        day_volume: Some(size("12.5")),
        ..QuoteData::default()
    };
    lines.push(delta("quote:demo:AAABBB", TopicData::Quote(quote)));
    let level = |paid: &str, quantity: &str| Level { price: price(paid), quantity: size(quantity) };
    let book = BookData {
        state: BookState::Live,
        bids: vec![level("61602.01", "1.67177"), level("61602.00", "0")],
        asks: vec![level("61602.02", "2.66795")],
        venue_time_ms: Some(1),
        receive_time_us: Some(2),
        publish_time_us: Some(3),
        last_update_id: Some(4),
    };
    lines.push(delta("book:kraken:BTC/USD", TopicData::Book(book.clone())));
    lines.push(delta("ladder.50:kraken:BTC/USD", TopicData::Ladder(LadderData { book })));
    lines.push(delta(
        "book:kraken:BTC/USD",
        TopicData::Book(BookData { state: BookState::Suspect, ..BookData::default() }),
    ));
    let trade = |id, aggressor_side| TapeTrade {
        id,
        price: price("61602.01"),
        size: size("0.00500"),
        aggressor_side,
        venue_time_ms: 1_763_668_000_123,
    };
    let trades = vec![
        trade(TradeId::Sequence(7), AggressorSide::Buyer),
        trade(TradeId::Text("x7".into()), AggressorSide::Unknown),
    ];
    lines.push(delta("tape:binance:BTCUSDT", TopicData::Tape(TapeData { trades })));
    let bar = Candle {
        open_time: Timestamp::from_millis(1_763_668_020_000),
        open: price("10.0"),
        high: price("12.0"),
        low: price("9.5"),
        close: price("11.0"),
        volume: size("3.25"),
        buy_volume: None,
    };
    let sided = Candle { buy_volume: Some(size("1.25")), ..bar };
    assert_eq!(topic("candles.1m:binance:BTCUSDT").interval(), Some(Interval::M1));
    lines.push(delta("candles.1m:binance:BTCUSDT", TopicData::Candles(CandlesData { bars: vec![bar] })));
    lines.push(delta("candles.1m:binance:BTCUSDT", TopicData::Candles(CandlesData { bars: vec![sided, bar] })));
    let row = |open_ms, values: &[Option<f64>]| IndicatorRow { open_ms, values: values.to_vec() };
    let rows =
        vec![row(1_763_668_020_000, &[Some(61_601.25), None]), row(1_763_668_080_000, &[Some(-0.1), Some(1e21)])];
    lines.push(delta("indicators.1m.macd(12,26,9):binance:BTCUSDT", TopicData::Indicators(IndicatorsData { rows })));
    lines.push(delta(
        "system",
        TopicData::System(SystemData {
            version: Some("0.1.0".to_owned()),
            uptime_ms: Some(5),
            clients: Some(2),
            notice: None,
            health: Some(Health::Degraded),
            health_cause: Some("demo: no data".to_owned()),
        }),
    ));
    lines.push(delta("quality:demo:AAABBB", TopicData::Quality(Box::default())));
    let quality = QualityData::new(BookState::Live, &BookCounters::default(), &FeedCounters::default());
    lines.push(delta("quality:demo:AAABBB", TopicData::Quality(Box::new(quality))));
    let quality = QualityData {
        proof: BookProof {
            last_checksum: Some(Checksum { venue: 3_310_070_434, own: 7 }),
            changed_ms: Some(1_763_668_000_123),
            last_resync: Some(Resync { at_ms: 1_763_668_000_000, reason: ResyncReason::Checksum }),
            late_trades: Some(0),
            wrong_stamps: Some(3),
        },
        latency: LatencyData {
            venue: Some(Quantiles { p50_us: 1_100, p95_us: 2_300, p99_us: 9_700, n: 812 }),
            server: None,
        },
        venue_clock: Some(VenueClock { fastest_us: -4_200, round_trip_us: Some(18_000) }),
        malformed_samples: Some(vec![MalformedSample { at_ms: 5, text: r##"{"e":"##.to_owned() }]),
        publish_time_us: Some(9),
        ..QualityData::default()
    };
    lines.push(delta("quality:demo:AAABBB", TopicData::Quality(Box::new(quality))));
    insta::assert_snapshot!("channel_data", lines.join("\n"));
}

#[test]
fn status_entries() {
    let stream = StreamEntry {
        instrument: InstrumentId::parse("kraken:BTC/USD").unwrap(),
        state: StreamState::Failed,
        mode: FeedMode::WebSocket,
        updates: 142,
        rate: 12.3,
        age_ms: Some(250),
        last_update_ms: Some(1_763_668_000_123),
        cause: Some("connection closed: 1006".to_owned()),
        next_attempt_ms: Some(1_763_668_003_000),
        is_simulated: false,
        is_replay: false,
        price_decimals: Some(1),
        size_decimals: Some(8),
        silence: Some(Silence::QuietBesideOthers),
    };
    let connection = ConnectionEntry {
        last_frame_ms: Some(1_763_668_000_900),
        n_open: 2,
        reconnects: 3,
        breaker: Breaker::Open,
        breaker_until_ms: Some(1_763_668_007_000),
        rest_weight: Some(RestWeight { used: 250, limit: 6_000 }),
        ..ConnectionEntry::new(&Venue::new("kraken"), FeedMode::WebSocket)
    };
    let status = StatusData {
        streams: vec![stream],
        connections: vec![connection],
        removed_streams: vec![InstrumentId::parse("demo:A").unwrap()],
        removed_connections: vec![Venue::new("demo")],
    };
    insta::assert_snapshot!("status", delta("status", TopicData::Status(status)));
}

#[test]
fn refusals_say_what_and_to_whom() {
    #[track_caller]
    fn check(text: &str, id: Option<u64>, code: RefusalCode, message: &str) {
        let error = decode_client(Frame::Text(text)).unwrap_err();
        assert_eq!((error.id, error.code), (id, code), "{error:?}");
        assert!(error.message.starts_with(message), "{error:?}");
        assert_eq!(error.close_code(), (code == RefusalCode::UnsupportedProtocol).then_some(CloseCode::BAD_PROTOCOL));
    }
    let known = "known are hello, subscribe, unsubscribe, snapshot, command, ping";
    check(
        r#"{"type":"subscripe","id":9,"topics":[]}"#,
        Some(9),
        RefusalCode::UnknownType,
        &format!("unknown type \"subscripe\"; {known}"),
    );
    check(
        r#"{"type":"subscribe","id":9,"topics":["sound"]}"#,
        Some(9),
        RefusalCode::UnknownTopic,
        "unknown channel \"sound\"; known are quote, tape, book, candles, quality, status, system",
    );
    let many = vec![r#""status""#; 201].join(",");
    check(
        &format!(r#"{{"type":"subscribe","id":9,"topics":[{many}]}}"#),
        Some(9),
        RefusalCode::TooManyTopics,
        "201 topics, at most 200 allowed",
    );
    check(
        &format!(r#"{{"type":"subscribe","id":9,"topics":["quote:demo:{}"]}}"#, "A".repeat(200)),
        Some(9),
        RefusalCode::UnknownTopic,
        "topic of 211 bytes, at most 200 allowed",
    );
    check(r#"{"type":"subscribe","id":9}"#, Some(9), RefusalCode::BadMessage, "not a message: missing field `topics`");
    check(r#"{"type":"subscribe","topics":[]}"#, None, RefusalCode::BadMessage, "not a message: missing field `id`");
    check(r#"{"type":"subscribe","id":-1,"topics":[]}"#, None, RefusalCode::BadMessage, "not a message: invalid value");
    check(r#"{"type":"ping","t":1.5}"#, None, RefusalCode::BadMessage, "not a message: invalid type");
    check("[]", None, RefusalCode::BadMessage, "not a message:");
    check("", None, RefusalCode::BadMessage, "not a message:");
    check(
        r#"{"type":"hello","protocol":2,"shape":"another"}"#,
        None,
        RefusalCode::UnsupportedProtocol,
        "protocol 2 is not supported; this server speaks 1",
    );
    check(&" ".repeat(64 * 1024 + 1), None, RefusalCode::TooLarge, "message of 65537 bytes, at most 65536 allowed");
    check(
        r#"{"type":"hello","protocol":1,"lane_ms":100,"resume":{"quote:demo:*":{"epoch":"e","offset":1}}}"#,
        None,
        RefusalCode::UnknownTopic,
        "topic \"quote:demo:*\": a pattern names no single topic",
    );
}

#[test]
fn depth_is_bounded_on_a_small_stack() {
    // As deep as the largest message can be; in fields that are read and in fields that are skipped.
    let run = || {
        for depth in [33, 128, 8_000, 32_000] {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            for text in [
                format!(r#"{{"type":"command","id":1,"command":{open}{close}}}"#),
                format!(r#"{{"type":"ping","t":1,"extra":{open}{close}}}"#),
                format!("{open}{close}"),
                open,
            ] {
                let _ = decode_client(Frame::Text(&text));
                let _ = decode_server_json(&text);
                let _ = JsonText::parse(&text);
            }
        }
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn commands_that_are_no_json_are_refused_in_the_binary_form_too() {
    for text in ["", "}", "\0\0\0N\"", "1e400"] {
        let binary = [&[1, 5, 7, 0, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let error = decode_client(Frame::Binary(&binary)).unwrap_err();
        assert_eq!((error.id, error.code), (Some(7), RefusalCode::BadMessage), "{text:?}");
        let answer = [&[1, 8, 7, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let found = decode_server(&answer, &StreamNames::new());
        assert!(matches!(found, Err(WireError::Json { .. })), "{text:?}: {found:?}");
    }
}

#[test]
fn white_space_around_a_command_is_no_part_of_it() {
    let binary = [&[1, 5, 7, 0, 8], " \t0e-3\r\n".as_bytes()].concat();
    let message = decode_client(Frame::Binary(&binary)).unwrap();
    let json = String::from_utf8(encode_client(&message, Encoding::Json)).unwrap();
    assert!(json.contains(r#""command":0e-3"#), "{json}");
    assert_eq!(decode_client(Frame::Text(&json)), Ok(message));
}

#[test]
fn an_epoch_is_as_long_as_the_binary_form_carries_at_most() {
    let hello = |n_bytes: usize| {
        let epoch = "e".repeat(n_bytes);
        format!(
            r#"{{"type":"hello","protocol":1,"lane_ms":100,"resume":{{"status":{{"epoch":"{epoch}","offset":1}}}}}}"#
        )
    };
    let message = decode_client(Frame::Text(&hello(1_024))).unwrap();
    assert_eq!(decode_client(Frame::Binary(&encode_client(&message, Encoding::Binary))), Ok(message));
    let error = decode_client(Frame::Text(&hello(1_025))).unwrap_err();
    assert_eq!(error.code, RefusalCode::BadMessage, "{error:?}");
}
