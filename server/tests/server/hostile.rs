//! A venue that sends rubbish: 1,000 hostile frames through the live feed and through `decode`, counted the same, and
//! the feed goes on.
//!
//! The venue here is a bare WebSocket server: the simulator sends only what it understands.

use std::{collections::BTreeMap, time::Duration};

use futures::{SinkExt, StreamExt};
use model::{event::MarketEventKind, recording_entry::RecordingEntry};
use server::{
    config::{Config, FeedConfig, VenueConfig},
    feed::driver::EventObserver,
    serve::Server,
};
use tokio::net::TcpListener;
use tokio_tungstenite::{accept_async, tungstenite::Message};
use topics::{channels::TopicData, topic::Topic};
use venues::{kit::backoff::Jitter, replay::Replay};
use wire::Encoding;

use crate::{
    client::{Client, PATIENCE, demo_config},
    mutation::hostile,
};

fn trade(number: usize) -> String {
    format!(
        r#"{{"stream":"aaabbb@trade","data":{{"e":"trade","E":1,"s":"AAABBB","t":{number},"p":"1.50","q":"2","T":1,"m":true,"M":true}}}}"#
    )
}

/// Frames that are broken in every way, from a seed.
fn hostile_frames(n_frames: usize) -> Vec<String> {
    let good = [
        trade(7),
        r#"{"stream":"aaabbb@bookTicker","data":{"u":5,"s":"AAABBB","b":"1.49","B":"1","a":"1.51","A":"2"}}"#.to_owned(),
        r#"{"stream":"aaabbb@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"AAABBB","U":5,"u":6,"b":[["1.4","2"]],"a":[]}}"#.to_owned(),
        r#"{"stream":"aaabbb@miniTicker","data":{"e":"24hrMiniTicker","E":1,"s":"AAABBB","c":"1","o":"1","h":"2","l":"1","v":"5","q":"5"}}"#.to_owned(),
    ];
    let mut random = Jitter::new(11);
    let mut frames = vec![
        "[".repeat(200_000),
        format!("{}1{}", r#"{"a":"#.repeat(200_000), "}".repeat(200_000)),
        format!("{}{}", " ".repeat(15 << 20), trade(8)),
        format!("{{\"x\":\"{}\"}}", "y".repeat(1 << 20)),
        trade(9).replace(r#""t":9"#, r#""t":9,"t":10"#),
        String::new(),
    ];
    while frames.len() < n_frames {
        let kind = usize::try_from(random.next_u64() % good.len() as u64).unwrap();
        frames.push(hostile(&mut random, &good[kind]));
    }
    frames
}

/// Accepts one connection, acknowledges what is subscribed, then sends all frames; keeps the connection open.
async fn venue(frames: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut frames = Some(frames);
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = accept_async(stream).await else { continue };
            let Some(frames) = frames.take() else { continue };
            let _subscription = socket.next().await;
            socket.feed(Message::text(r#"{"result":null,"id":1}"#)).await.unwrap();
            for frame in frames {
                socket.feed(Message::text(frame)).await.unwrap();
            }
            socket.flush().await.unwrap();
            // Until the test ends.
            let _forever = socket.next().await;
            tokio::time::sleep(PATIENCE).await;
        }
    });
    url
}

#[tokio::test]
async fn a_thousand_hostile_frames_are_counted_and_the_feed_goes_on() {
    let mut frames = Vec::new();
    for (idx, hostile) in hostile_frames(1_000).into_iter().enumerate() {
        frames.push(hostile);
        if idx % 10 == 9 {
            frames.push(trade(1_000_000_000 + idx));
        }
    }
    let last = trade(2_000_000_000);
    frames.push(last.clone());

    let mut replay = Replay::new("binance").unwrap();
    let mut feed = |frame: &str| {
        let line = serde_json::json!({"t": "recv", "ts": 1.0, "data": frame}).to_string();
        replay.feed(&RecordingEntry::parse(&line).unwrap(), |_| {});
    };
    feed(r#"{"result":null,"id":1}"#);
    frames.iter().for_each(|frame| feed(frame));
    let expected = replay.summary().counters;
    assert_eq!(expected.frames, 1_102);
    assert!(expected.malformed > 500 && expected.unknown > 0 && expected.trades >= 101, "{expected:?}");

    let ws_url = venue(frames).await;
    let venue = VenueConfig {
        ws_url: Some(ws_url),
        // Nothing answers there: the book stays unknown, which is no matter here.
        rest_url: Some("http://127.0.0.1:9".to_owned()),
        data_deadline: Some(Duration::from_secs(60)),
        ..VenueConfig::default()
    };
    let config = Config {
        feeds: vec![FeedConfig { venue: "binance".into(), symbols: vec!["AAABBB".into()] }],
        venues: BTreeMap::from([("binance".to_owned(), venue)]),
        ..demo_config()
    };
    let (sender, mut trades) = tokio::sync::mpsc::unbounded_channel();
    let observer = move |event: &model::event::MarketEvent| {
        if let MarketEventKind::Trade(trade) = &event.kind {
            let _gone = sender.send(trade.id.to_string());
        }
    };
    let mut observer = Some(Box::new(observer) as EventObserver);
    let server = Server::start_observed(config, move |_| observer.take()).await.unwrap();
    let came =
        tokio::time::timeout(PATIENCE, async { while trades.recv().await.is_some_and(|id| id != "2000000000") {} });
    came.await.expect("the good frame after all the rubbish comes through");

    let mut client = Client::greet(&server, Encoding::Binary).await;
    client.subscribe(1, &["quality:binance:AAABBB"]).await;
    let topic = Topic::parse("quality:binance:AAABBB").unwrap();
    while !client.state.contains_key(&topic) {
        client.next().await.unwrap();
    }
    let TopicData::Quality(quality) = &client.state[&topic] else { panic!("quality") };
    let found = quality.feed.counters();
    let counted = |counters: &model::quality::FeedCounters| (counters.frames, counters.malformed, counters.unknown);
    assert_eq!(counted(&found), counted(&expected));
    // A replay also follows the symbols that broken frames happen to name.
    assert!(found.trades >= 101 && found.trades <= expected.trades, "{found:?}");
}
