//! A page's conversation with a feed of the made-up market, at times we choose.

use std::collections::BTreeSet;

use model::time::Timestamp;
use wire::message::{Hello, SnapshotRequest, Subscribe, Unsubscribe};

use super::*;

const START_MS: u64 = 1_000;

fn at(millis: u64) -> Now {
    let monotonic = Monotonic::from_zero(Duration::from_millis(START_MS + millis));
    Now { monotonic, wall: Timestamp::from_millis(1_763_668_000_000 + i64::try_from(millis).unwrap()) }
}

fn plan() -> DirectVenue {
    DirectVenue {
        venue: Venue::new("demo"),
        title: "Demo".into(),
        refusal: None,
        ws_url: String::new(),
        symbols: vec!["BTC-SIM".into(), "ETH-SIM".into()],
        stale_after_ms: 5_000,
        data_deadline_ms: None,
        poll_ms: None,
        backoff_min_ms: 500,
        backoff_max_ms: 30_000,
        max_attempts: None,
    }
}

fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

fn patterns(texts: &[&str]) -> Vec<TopicPattern> {
    texts.iter().map(|text| TopicPattern::parse(text).unwrap()).collect()
}

/// A feed that runs, and what it has told the page.
struct Talk {
    feed: DirectFeed,
    now_ms: u64,
    said: Vec<ServerMessage>,
}

impl Talk {
    fn new() -> Self {
        let mut feed = DirectFeed::new(&plan(), 7, at(0)).unwrap();
        feed.input(Input::Start, at(0));
        Self { feed, now_ms: 0, said: Vec::new() }
    }

    fn say(&mut self, message: ClientMessage) {
        self.feed.message(message, at(self.now_ms));
        self.drain();
    }

    fn subscribe(&mut self, texts: &[&str]) {
        self.say(ClientMessage::Subscribe(Subscribe { id: 1, topics: patterns(texts) }));
    }

    fn run(&mut self, millis: u64, reader: Reader) {
        for _ in 0..millis / 10 {
            self.now_ms += 10;
            self.feed.on_timer(at(self.now_ms), reader);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(wanted) = self.feed.take_wanted() {
            match wanted {
                Wanted::Say(message) => self.said.push(message),
                other => panic!("the made-up market wants nothing: {other:?}"),
            }
        }
    }

    fn take_items(&mut self) -> Vec<Item> {
        let batches = self.said.drain(..).filter_map(|message| match message {
            ServerMessage::Batch(batch) => Some(batch.items),
            _ => None,
        });
        batches.flatten().collect()
    }
}

const ALL: [&str; 5] =
    ["quote:demo:BTC-SIM", "tape:demo:BTC-SIM", "book:demo:BTC-SIM", "candles.1m:demo:BTC-SIM", "status"];

#[test]
fn a_topic_begins_with_a_snapshot_and_goes_on_without_a_hole() {
    let mut talk = Talk::new();
    talk.subscribe(&ALL);
    let Some(ServerMessage::Subscribed(subscribed)) = talk.said.first() else { panic!("the numbers come first") };
    assert_eq!(subscribed.topics.len(), ALL.len());
    talk.run(5_000, Reader::Ready);
    let items = talk.take_items();
    for text in ALL {
        let own: Vec<&Item> = items.iter().filter(|item| item.topic == topic(text)).collect();
        assert_eq!(own[0].kind, ItemKind::Snapshot, "{text}");
        assert!(own.windows(2).all(|pair| pair[1].offset == pair[0].offset + 1), "{text}");
        assert!(own.len() >= 2, "{text}: {}", own.len());
        assert!(own[1..].iter().all(|item| item.kind == ItemKind::Delta), "{text}");
    }
    let bars = items.iter().find_map(|item| match &item.data {
        TopicData::Candles(bars) if item.kind == ItemKind::Snapshot => Some(bars.bars.len()),
        _ => None,
    });
    assert_eq!(bars, Some(500), "with its history");
}

#[test]
fn the_first_snapshots_reach_back_far_enough_to_go_over() {
    let mut talk = Talk::new();
    talk.subscribe(&["tape:demo:BTC-SIM", "status"]);
    talk.run(1_400, Reader::Ready);
    let early: BTreeSet<Topic> = talk.take_items().into_iter().map(|item| item.topic).collect();
    assert_eq!(early, BTreeSet::from([Topic::STATUS]), "how it fares is told at once");
    talk.run(400, Reader::Ready);
    let items = talk.take_items();
    let tape = items.iter().find_map(|item| match &item.data {
        TopicData::Tape(tape) => Some(tape),
        _ => None,
    });
    let tape = tape.expect("it has settled");
    let first_ms = tape.trades[0].venue_time_ms - 1_763_668_000_000;
    assert!(tape.trades.len() > 3 && first_ms < 500, "{first_ms} {}", tape.trades.len());
}

#[test]
fn another_lane_begins_anew() {
    let mut talk = Talk::new();
    talk.subscribe(&ALL);
    talk.run(3_000, Reader::Ready);
    talk.take_items();
    talk.say(ClientMessage::Hello(Hello { protocol: 1, lane_ms: 1_000, resume: None }));
    talk.run(3_000, Reader::Ready);
    let items = talk.take_items();
    let quotes: Vec<&Item> = items.iter().filter(|item| item.topic == topic(ALL[0])).collect();
    assert_eq!(quotes[0].kind, ItemKind::Snapshot);
    assert!((2..=4).contains(&quotes.len()), "one a second: {}", quotes.len());
    // The same lane again changes nothing.
    talk.say(ClientMessage::Hello(Hello { protocol: 1, lane_ms: 1_000, resume: None }));
    talk.run(1_000, Reader::Ready);
    assert!(talk.take_items().iter().all(|item| item.kind == ItemKind::Delta));
}

#[test]
fn a_page_that_does_not_keep_up_gets_everything_anew() {
    let mut talk = Talk::new();
    talk.subscribe(&ALL);
    talk.run(3_000, Reader::Ready);
    talk.take_items();
    talk.run(60_000, Reader::Behind);
    assert!(talk.said.is_empty(), "nothing piles up");
    talk.run(100, Reader::Ready);
    let items = talk.take_items();
    assert_eq!(items.len(), ALL.len());
    assert!(items.iter().all(|item| item.kind == ItemKind::Snapshot));
}

#[test]
fn only_its_own_topics_are_followed_and_given_up() {
    let mut talk = Talk::new();
    talk.subscribe(&["quote:other:BTC", "quote:demo:*", "system", "quote:demo:ETH-SIM"]);
    let Some(ServerMessage::Subscribed(subscribed)) = talk.said.first() else { panic!() };
    assert_eq!(subscribed.topics.len(), 1);
    talk.run(3_000, Reader::Ready);
    assert!(!talk.take_items().is_empty());
    talk.say(ClientMessage::Snapshot(SnapshotRequest { id: 2, topics: patterns(&["quote:demo:ETH-SIM"]) }));
    talk.run(100, Reader::Ready);
    assert_eq!(talk.take_items()[0].kind, ItemKind::Snapshot);
    talk.say(ClientMessage::Unsubscribe(Unsubscribe { id: 3, topics: patterns(&["quote:demo:ETH-SIM"]) }));
    talk.run(1_000, Reader::Ready);
    assert!(talk.take_items().is_empty());
}

#[test]
fn an_unknown_venue_is_refused() {
    assert!(DirectFeed::new(&DirectVenue { venue: Venue::new("nowhere"), ..plan() }, 1, at(0)).is_err());
}
