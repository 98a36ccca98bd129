//! A page's conversation with a feed of the simulated market, at chosen times.

use std::collections::BTreeSet;

use model::{recording_entry::RecordingEntry, time::Timestamp};
use recording::{lines::Lines as _, packed::PackedLines, playback::Playback, playback::Step};
use topics::topic::TopicPattern;
use venues::session::HttpAnswer;
use wire::message::{SnapshotRequest, Subscribe, Unsubscribe, Update, UpdateKind};

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
        rest_url: String::new(),
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

/// A running feed and its messages to the page.
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
        self.say(ClientMessage::Subscribe(Subscribe { id: 1, topics: patterns(texts), lane_ms: None }));
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
                Action::Say(message) => self.said.push(message),
                other => panic!("the simulated market wants nothing: {other:?}"),
            }
        }
    }

    fn take_updates(&mut self) -> Vec<Update> {
        let batches = self.said.drain(..).filter_map(|message| match message {
            ServerMessage::Batch(batch) => Some(batch.items),
            _ => None,
        });
        batches.flatten().map(|item| item.update).collect()
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
    let updates = talk.take_updates();
    for text in ALL {
        let own: Vec<&Update> = updates.iter().filter(|update| update.topic == topic(text)).collect();
        assert_eq!(own[0].kind, UpdateKind::Snapshot, "{text}");
        assert!(own.windows(2).all(|pair| pair[1].offset == pair[0].offset + 1), "{text}");
        assert!(own.len() >= 2, "{text}: {}", own.len());
        assert!(own[1..].iter().all(|update| update.kind == UpdateKind::Delta), "{text}");
    }
    let bars = updates.iter().find_map(|update| match &update.data {
        TopicData::Candles(bars) if update.kind == UpdateKind::Snapshot => Some(bars.bars.len()),
        _ => None,
    });
    assert_eq!(bars, Some(500), "with its history");
}

#[test]
fn the_first_snapshots_reach_back_far_enough_to_go_over() {
    let mut talk = Talk::new();
    talk.subscribe(&["tape:demo:BTC-SIM", "status"]);
    talk.run(1_400, Reader::Ready);
    let early: BTreeSet<Topic> = talk.take_updates().into_iter().map(|update| update.topic).collect();
    assert_eq!(early, BTreeSet::from([Topic::STATUS]), "its state is reported at once");
    talk.run(400, Reader::Ready);
    let updates = talk.take_updates();
    let tape = updates.iter().find_map(|update| match &update.data {
        TopicData::Tape(tape) => Some(tape),
        _ => None,
    });
    let tape = tape.expect("it has settled");
    let first_ms = tape.trades[0].venue_time_ms - 1_763_668_000_000;
    assert!(tape.trades.len() > 3 && first_ms < 500, "{first_ms} {}", tape.trades.len());
}

#[test]
fn a_topic_on_another_lane_begins_again() {
    let mut talk = Talk::new();
    talk.subscribe(&ALL);
    talk.run(3_000, Reader::Ready);
    talk.take_updates();
    let slow = || ClientMessage::Subscribe(Subscribe { id: 2, topics: patterns(&ALL[..1]), lane_ms: Some(1_000) });
    talk.say(slow());
    talk.run(3_000, Reader::Ready);
    let updates = talk.take_updates();
    let quotes: Vec<&Update> = updates.iter().filter(|update| update.topic == topic(ALL[0])).collect();
    assert_eq!(quotes[0].kind, UpdateKind::Snapshot);
    assert!((2..=4).contains(&quotes.len()), "one a second: {}", quotes.len());
    let others = updates.iter().filter(|update| update.topic != topic(ALL[0]));
    assert!(others.clone().count() > 20 && others.clone().all(|update| update.kind == UpdateKind::Delta));
}

#[test]
fn a_page_that_does_not_keep_up_gets_everything_again() {
    let mut talk = Talk::new();
    talk.subscribe(&ALL);
    talk.run(3_000, Reader::Ready);
    talk.take_updates();
    talk.run(60_000, Reader::Behind);
    assert!(talk.said.is_empty(), "nothing piles up");
    talk.run(100, Reader::Ready);
    let updates = talk.take_updates();
    assert_eq!(updates.len(), ALL.len());
    assert!(updates.iter().all(|update| update.kind == UpdateKind::Snapshot));
}

#[test]
fn only_its_own_topics_are_followed_and_given_up() {
    let mut talk = Talk::new();
    talk.subscribe(&["quote:other:BTC", "quote:demo:*", "system", "quote:demo:ETH-SIM"]);
    let Some(ServerMessage::Subscribed(subscribed)) = talk.said.first() else { panic!() };
    assert_eq!(subscribed.topics.len(), 1);
    talk.run(3_000, Reader::Ready);
    assert!(!talk.take_updates().is_empty());
    talk.say(ClientMessage::Snapshot(SnapshotRequest { id: 2, topics: patterns(&["quote:demo:ETH-SIM"]) }));
    talk.run(100, Reader::Ready);
    assert_eq!(talk.take_updates()[0].kind, UpdateKind::Snapshot);
    talk.say(ClientMessage::Unsubscribe(Unsubscribe { id: 3, topics: patterns(&["quote:demo:ETH-SIM"]) }));
    talk.run(1_000, Reader::Ready);
    assert!(talk.take_updates().is_empty());
}

#[test]
fn an_unknown_venue_is_refused() {
    assert!(DirectFeed::new(&DirectVenue { venue: Venue::new("nowhere"), ..plan() }, 1, at(0)).is_err());
}

/// A feed of a real venue whose socket and answers the test provides.
struct Fake {
    feed: DirectFeed,
    connection: Option<ConnectionId>,
    told: Vec<WorkerReport>,
    saved: Vec<(String, Vec<u8>)>,
    id: u64,
}

impl Fake {
    fn new() -> Self {
        let plan = DirectVenue {
            venue: Venue::new("binance"),
            ws_url: "wss://x.test".into(),
            rest_url: "https://me:canary@x.test".into(),
            symbols: vec!["AAABBB".into()],
            ..plan()
        };
        let mut feed = DirectFeed::new(&plan, 7, at(0)).unwrap();
        feed.input(Input::Start, at(0));
        let mut fake = Self { feed, connection: None, told: Vec::new(), saved: Vec::new(), id: 100 };
        fake.drain(0);
        let connection = fake.connection.unwrap();
        fake.feed.input(Input::Connected(connection), at(10));
        fake.drain(10);
        fake
    }

    fn drain(&mut self, now_ms: u64) {
        while let Some(wanted) = self.feed.take_wanted() {
            match wanted {
                Action::Connect { connection, .. } => self.connection = Some(connection),
                Action::Tell(said) => {
                    let has_ended = matches!(&said, WorkerReport::Recording(recording) if !recording.is_running);
                    assert!(!has_ended || !self.saved.is_empty(), "the page may end the worker: the file comes first");
                    self.told.push(said);
                }
                Action::Save(name, bytes) => self.saved.push((name, bytes)),
                Action::Http(request) if request.path.ends_with("depth") => {
                    let body = r#"{"lastUpdateId":100,"bids":[["99.9","1"]],"asks":[["100.1","2"]]}"#;
                    let answer = HttpAnswer { status: 200, retry_after: None, used_weight: None, body };
                    self.feed.input(Input::Http(request.id, Ok(answer)), at(now_ms));
                }
                _ => {}
            }
        }
    }

    /// Sends a change of the book and a trade every 100 ms.
    fn run(&mut self, from_ms: u64, to_ms: u64) {
        let connection = self.connection.unwrap();
        for now_ms in (from_ms..to_ms).step_by(100) {
            self.id += 1;
            let id = self.id;
            for frame in [
                format!(
                    r#"{{"stream":"aaabbb@depth@100ms","data":{{"e":"depthUpdate","E":{id},"s":"AAABBB","U":{id},"u":{id},"b":[["99.9","{id}"]],"a":[]}}}}"#
                ),
                format!(
                    r#"{{"stream":"aaabbb@trade","data":{{"e":"trade","E":{id},"s":"AAABBB","t":{id},"p":"100","q":"1","T":{id},"m":true,"M":true}}}}"#
                ),
            ] {
                self.feed.input(Input::Frame(connection, &frame), at(now_ms));
            }
            self.feed.on_timer(at(now_ms), Reader::Ready);
            self.drain(now_ms);
        }
    }

    fn order(&mut self, order: &WorkerCommand, now_ms: u64) {
        self.feed.order(order, at(now_ms));
        self.drain(now_ms);
    }
}

fn lines_of(file: &[u8]) -> Vec<String> {
    let file = file.to_vec();
    let mut lines = PackedLines::new(move || std::io::Cursor::new(file.clone()));
    let mut found = Vec::new();
    while lines.advance().unwrap() {
        found.push(String::from_utf8(lines.line().to_vec()).unwrap());
    }
    found
}

/// Plays a file to its end; returns its trades, and whether its book is live then.
fn played(file: &[u8]) -> (Vec<String>, bool) {
    let file = file.to_vec();
    let lines = PackedLines::new(move || std::io::Cursor::new(file.clone()));
    let mut playback = Playback::new(lines, "binance", &Venue::new("binance").as_replay()).unwrap();
    let mut trades = Vec::new();
    let far = Timestamp::from_nanos(i64::MAX);
    while playback.play(far, 1_000, |event| {
        if let MarketEventKind::Trade(trade) = &event.kind {
            trades.push(format!("{:?}", trade.id));
        }
    }) != Step::End
    {}
    let books = playback.replay().books();
    (trades, !books.is_empty() && books.values().all(|book| book.state.is_served()))
}

#[test]
fn the_last_half_minute_is_a_tape_whose_book_comes_to_life() {
    let mut fake = Fake::new();
    fake.run(100, 70_000);
    fake.order(&WorkerCommand::SaveLast, 70_000);
    let [(name, file)] = fake.saved.as_slice() else { panic!("{:?}", fake.told) };
    assert!(name.starts_with("binance-2025") && name.ends_with("Z-last30s.jsonl.zst"), "{name}");
    let lines = lines_of(file);
    assert!(lines[0].contains(r#""kind":"last""#) && lines[0].contains("AAABBB"), "{}", lines[0]);
    let text = lines.concat();
    assert!(!text.contains("canary") && text.contains("https://x.test/api/v3/depth?"), "{}", &text[..2_000]);
    assert!(lines.iter().any(|line| line.contains(r#""prelude":true"#) && line.contains(r#""t":"connect""#)));
    let (trades, is_live) = played(file);
    assert!((300..=450).contains(&trades.len()), "30 to 45 s: {}", trades.len());
    assert!(is_live, "from the snapshot at the beginning of the file");
}

#[test]
fn a_recording_holds_what_came_and_is_handed_over_at_its_end() {
    let mut fake = Fake::new();
    fake.run(100, 5_000);
    fake.order(&WorkerCommand::Record, 5_000);
    fake.order(&WorkerCommand::Record, 5_000);
    assert!(matches!(fake.told.last(), Some(WorkerReport::Failed(words)) if words.contains("already")));
    fake.run(5_000, 8_000);
    let Some(WorkerReport::Recording(said)) = fake.told.last() else { panic!("{:?}", fake.told) };
    assert!(said.is_running && (40..=60).contains(&said.n_entries) && said.size_bytes > 1_000, "{said:?}");
    fake.order(&WorkerCommand::StopRecording, 8_000);
    let Some(WorkerReport::Recording(said)) = fake.told.last() else { panic!("{:?}", fake.told) };
    assert_eq!((said.is_running, said.n_entries, &said.failure), (false, 60, &None));
    let (name, file) = &fake.saved[0];
    assert_eq!(name, "binance-20251120T194645000Z.jsonl.zst");
    let (trades, is_live) = played(file);
    assert_eq!((trades.len(), is_live), (30, true));
    for line in lines_of(file) {
        RecordingEntry::parse(line.trim_end()).unwrap();
    }
    fake.order(&WorkerCommand::StopRecording, 8_000);
    assert!(matches!(fake.told.last(), Some(WorkerReport::Failed(words)) if words.contains("nothing to stop")));
}

#[test]
fn a_full_recording_ends_in_words_and_the_feed_goes_on() {
    let mut fake = Fake::new();
    fake.feed.max_recording = 20_000;
    fake.order(&WorkerCommand::Record, 100);
    fake.run(100, 20_000);
    let ended = fake.told.iter().find_map(|said| match said {
        WorkerReport::Recording(said) if !said.is_running => said.failure.clone(),
        _ => None,
    });
    assert!(ended.is_some_and(|words| words.contains("the most a page can keep")));
    assert_eq!(fake.saved.len(), 1);
    assert!(played(&fake.saved[0].1).0.len() > 20);
    // Saving the last half minute still works: data still arrives.
    fake.order(&WorkerCommand::SaveLast, 20_000);
    assert!(played(&fake.saved[1].1).0.len() > 150);
}

#[test]
fn what_receives_nothing_cannot_be_recorded() {
    for order in [WorkerCommand::Record, WorkerCommand::SaveLast] {
        let mut feed = DirectFeed::new(&plan(), 7, at(0)).unwrap();
        feed.order(&order, at(0));
        let Some(Action::Tell(WorkerReport::Failed(words))) = feed.take_wanted() else { panic!("{order:?}") };
        assert!(words.contains("simulated"), "{words}");
    }
}
