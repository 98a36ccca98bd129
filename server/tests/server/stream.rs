//! Subscribing, in both forms: snapshots, then deltas without a hole that add up to a later snapshot.

use std::collections::BTreeMap;

use topics::{
    channels::TopicData,
    topic::{Topic, TopicPattern},
};
use wire::{
    Encoding,
    message::{
        ClientMessage, Hello, Ping, Position, RefusalCode, ServerMessage, SnapshotRequest, Subscribe, Unsubscribe,
        UpdateKind,
    },
};

use crate::client::{Client, demo_server};

const TOPICS: [&str; 7] = [
    "quote:demo:ADA-SIM",
    "tape:demo:ADA-SIM",
    "book:demo:ADA-SIM",
    "candles.1m:demo:ADA-SIM",
    "quality:demo:ADA-SIM",
    "status",
    "system",
];

#[tokio::test]
async fn snapshots_then_contiguous_deltas_in_json() {
    snapshots_then_contiguous_deltas(Encoding::Json).await;
}

#[tokio::test]
async fn snapshots_then_contiguous_deltas_in_binary() {
    snapshots_then_contiguous_deltas(Encoding::Binary).await;
}

async fn snapshots_then_contiguous_deltas(encoding: Encoding) {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, encoding).await;
    let ServerMessage::Subscribed(subscribed) = client.subscribe(1, &TOPICS).await else { panic!("refused") };
    let names: Vec<String> = subscribed.topics.iter().map(|name| name.topic.to_string()).collect();
    assert_eq!((subscribed.id, names), (1, TOPICS.map(str::to_owned).to_vec()));
    for topic in TOPICS {
        client.advance(topic, 2).await;
    }
    // The merged state must equal the one that the server says it published: a fresh snapshot of the quote.
    let topic = Topic::parse(TOPICS[0]).unwrap();
    client
        .say(&ClientMessage::Snapshot(SnapshotRequest { id: 2, topics: vec![TopicPattern::from(topic.clone())] }))
        .await;
    loop {
        let before = client.state[&topic].clone();
        let ServerMessage::Batch(batch) = client.next().await.unwrap() else { continue };
        let of_topic: Vec<_> =
            batch.items.iter().map(|item| &item.update).filter(|update| update.topic == topic).collect();
        if let Some(at) = of_topic.iter().position(|item| item.kind == UpdateKind::Snapshot) {
            let mut merged = before;
            of_topic[..at].iter().for_each(|delta| merged.merge(&delta.data));
            assert_eq!(merged, of_topic[at].data);
            break;
        }
    }
    let TopicData::Book(book) = &client.state[&Topic::parse("book:demo:ADA-SIM").unwrap()] else { panic!("no book") };
    assert_eq!((book.bids.len(), book.asks.len()), (20, 20));
    assert!(book.bids[0].price < book.asks[0].price);
}

#[tokio::test]
async fn one_batch_carries_all_that_waits() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Binary).await;
    client.subscribe(1, &["quote:demo:*", "book:demo:*", "tape:demo:*"]).await;
    let fullest = loop {
        let ServerMessage::Batch(batch) = client.next().await.unwrap() else { continue };
        if batch.items.iter().any(|item| item.update.kind == UpdateKind::Delta) {
            break batch.items.len();
        }
    };
    assert!(fullest > 1, "{fullest} item in a turn of six topics");
}

#[tokio::test]
async fn a_slower_lane_turns_less_often() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::connect(&server, Encoding::Json).await;
    client.say_text(r#"{"type":"hello","protocol":1,"lane_ms":1500}"#).await;
    client.subscribe(1, &["quote:demo:ADA-SIM"]).await;
    client.advance("quote:demo:ADA-SIM", 1).await;
    let begin = tokio::time::Instant::now();
    client.advance("quote:demo:ADA-SIM", 2).await;
    assert!(begin.elapsed().as_millis() >= 900, "{:?} for two turns of a second", begin.elapsed());
}

#[tokio::test]
async fn a_topic_has_the_lane_of_its_subscription_and_resumes_on_it() {
    let server = demo_server(|_| {}).await;
    let (quote, book) = ("quote:demo:ADA-SIM", "book:demo:ADA-SIM");
    let mut client = Client::connect(&server, Encoding::Binary).await;
    client.say(&ClientMessage::Hello(Hello { protocol: 1, lane_ms: 1_000, resume: BTreeMap::new() })).await;
    client.subscribe(1, &[quote]).await;
    let topics = vec![TopicPattern::parse(book).unwrap()];
    client.say(&ClientMessage::Subscribe(Subscribe { id: 2, topics, lane_ms: Some(33) })).await;
    client.advance(book, 1).await;
    let begin = client.offset(&Topic::parse(book).unwrap());
    client.advance(quote, 3).await;
    let book = Topic::parse(book).unwrap();
    let offset = client.offset(&book);
    assert!(offset - begin >= 12, "{} updates on the fast lane in three turns of the slow one", offset - begin);

    let positions = client.positions.clone();
    drop(client);
    let mut again = Client::connect(&server, Encoding::Binary).await;
    let on = |lane_ms| BTreeMap::from([(book.clone(), Position { lane_ms, ..positions[&book].clone() })]);
    let answers = again.hello(on(Some(33))).await;
    assert!(matches!(&answers[1], ServerMessage::Resumed(resumed) if resumed.topics[0].topic == book), "{answers:?}");
    let mut other = Client::connect(&server, Encoding::Binary).await;
    let answers = other.hello(on(None)).await;
    assert!(matches!(&answers[1], ServerMessage::Reset(_)), "positions belong to their lane: {answers:?}");
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_the_talk_goes_on() {
    let server = demo_server(|_| {}).await;
    let mut other = Client::greet(&server, Encoding::Json).await;
    other.subscribe(1, &["quote:demo:ADA-SIM"]).await;
    let mut client = Client::connect(&server, Encoding::Json).await;
    let deep = format!(r#"{{"type":"ping","t":{}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    for (text, id, code) in [
        (r#"{"type":"subscribe","id":1,"topics":["status"]}"#, Some(1), RefusalCode::OutOfTurn),
        (r#"{"type":"hello","protocol":1,"lane_ms":100}"#, None, RefusalCode::Unknown),
        ("", None, RefusalCode::BadMessage),
        ("not json", None, RefusalCode::BadMessage),
        (deep.as_str(), None, RefusalCode::BadMessage),
        (r#"{"type":"shout","id":2}"#, Some(2), RefusalCode::UnknownType),
        (r#"{"type":"subscribe","id":3,"topics":"status"}"#, Some(3), RefusalCode::BadMessage),
        (r#"{"type":"subscribe","id":4,"topics":["sound"]}"#, Some(4), RefusalCode::UnknownTopic),
        (r#"{"type":"subscribe","id":5,"topics":["quote:demo:ADA-SMI"]}"#, Some(5), RefusalCode::UnknownTopic),
        (r#"{"type":"subscribe","id":6,"topics":["quote:nowhere:*"]}"#, Some(6), RefusalCode::UnknownTopic),
        (r#"{"type":"snapshot","id":7,"topics":["status"]}"#, Some(7), RefusalCode::NotSubscribed),
        (r#"{"type":"command","id":8,"command":{"buy":{}}}"#, Some(8), RefusalCode::UnknownCommand),
        (r#"{"type":"hello","protocol":1,"lane_ms":100}"#, None, RefusalCode::OutOfTurn),
    ] {
        client.say_text(text).await;
        match client.next().await.unwrap() {
            ServerMessage::Refused(refused) => {
                assert_eq!((refused.id, refused.code), (id, code), "{text:.80}: {}", refused.message);
                assert!(id != Some(5) || refused.message.contains("did you mean demo:ADA-SIM?"), "{}", refused.message);
            }
            ServerMessage::Welcome(_) => assert_eq!(code, RefusalCode::Unknown, "{text}"),
            message => panic!("{text}: {message:?}"),
        }
    }
    client.say(&ClientMessage::Ping(Ping { t: 42 })).await;
    let ServerMessage::Pong(pong) = client.next().await.unwrap() else { panic!("no pong") };
    assert_eq!(pong.t, 42);
    other.advance("quote:demo:ADA-SIM", 3).await;
}

#[tokio::test]
async fn unsubscribing_ends_it() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["quote:demo:*", "status"]).await;
    client.advance("quote:demo:XRP-SIM", 1).await;
    let topics = vec![TopicPattern::parse("quote:demo:*").unwrap()];
    client.say(&ClientMessage::Unsubscribe(Unsubscribe { id: 2, topics })).await;
    let answer = client.until(|message| matches!(message, ServerMessage::Unsubscribed(_))).await;
    let ServerMessage::Unsubscribed(gone) = answer else { unreachable!() };
    let gone: Vec<String> = gone.topics.iter().map(ToString::to_string).collect();
    assert_eq!(gone, ["quote:demo:ADA-SIM", "quote:demo:XRP-SIM"]);
    let quote = client.positions.clone();
    client.advance("status", 2).await;
    let topic = Topic::parse("quote:demo:XRP-SIM").unwrap();
    assert_eq!(client.positions[&topic], quote[&topic], "nothing came after the answer");
}

#[tokio::test]
async fn the_system_topic_counts_clients() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Binary).await;
    let _second = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["system"]).await;
    client.advance("system", 1).await;
    let TopicData::System(system) = &client.state[&Topic::SYSTEM] else { panic!("no system data") };
    assert_eq!((system.clients, system.version.as_deref()), (Some(2), Some(env!("CARGO_PKG_VERSION"))));
    assert!(system.uptime_ms.is_some());
}
