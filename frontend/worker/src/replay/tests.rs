//! A page's conversation with a hand-made recording, at chosen times.

use std::io::Cursor;

use model::trading::{
    command::{DeskCommand, Kill},
    order::{Order, OrderRequest},
    refusal::{DenyCode, Refusal},
};
use recording::packed::PackedLines;
use serde_json::json;
use topics::{
    channels::TopicData,
    topic::{Topic, TopicPattern},
};
use wire::message::{Subscribe, Update, UpdateKind};

use super::*;

type Lines = PackedLines<Box<dyn FnMut() -> Cursor<Vec<u8>>>>;

/// Trades of a symbol, ten a second.
fn recording(n_trades: u64) -> String {
    let mut lines = vec![r#"{"t":"header","ts":999.0,"venue":"binance","symbols":["AAABBB"]}"#.to_owned()];
    for id in 1..=n_trades {
        let frame = format!(
            r#"{{"stream":"aaabbb@trade","data":{{"e":"trade","E":{id},"s":"AAABBB","t":{id},"p":"100.{id}","q":"1","T":{id},"m":true,"M":true}}}}"#
        );
        lines.push(json!({ "t": "recv", "ts": 1_000.0 + id as f64 / 10.0, "data": frame }).to_string());
    }
    lines.join("\n")
}

fn lines(text: &str) -> Lines {
    let bytes = text.as_bytes().to_vec();
    PackedLines::new(Box::new(move || Cursor::new(bytes.clone())))
}

/// A replay, the time, and its messages.
struct Talk {
    feed: ReplayFeed<Lines>,
    now_ms: u64,
    updates: Vec<Update>,
    reports: Vec<ReplayReport>,
    answers: Vec<AccountAnswer>,
}

impl Talk {
    fn new(text: &str) -> Self {
        let feed = ReplayFeed::open("a.jsonl", lines(text), Monotonic::ZERO).unwrap();
        let mut talk = Self { feed, now_ms: 0, updates: Vec::new(), reports: Vec::new(), answers: Vec::new() };
        let topics = [Topic::parse("tape:replay-binance:AAABBB").unwrap().into(), TopicPattern::from(Topic::STATUS)];
        talk.feed.message(ClientMessage::Subscribe(Subscribe { id: 1, topics: topics.into(), lane_ms: None }));
        talk
    }

    fn now(&self) -> Now {
        Now { monotonic: Monotonic::from_zero(Duration::from_millis(self.now_ms)), wall: Timestamp::EPOCH }
    }

    fn order(&mut self, order: &WorkerCommand) {
        let now = self.now().monotonic;
        self.feed.order(order, now);
        self.drain();
    }

    fn run(&mut self, millis: u64) {
        let until = self.now_ms + millis;
        while self.now_ms < until {
            let due = self.feed.on_timer(self.now(), Reader::Ready, || false);
            assert!(due >= self.now().monotonic);
            self.now_ms += 20;
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(told) = self.feed.take_told() {
            match told {
                ReplayReply::Say(ServerMessage::Batch(batch)) => {
                    self.updates.extend(batch.items.into_iter().map(|item| item.update));
                }
                ReplayReply::Say(_) => {}
                ReplayReply::Tell(WorkerReport::Replay(report)) => self.reports.push(report),
                ReplayReply::Tell(WorkerReport::Desk(answer)) => self.answers.push(*answer),
                ReplayReply::Tell(_) => {}
            }
        }
    }

    /// Asks the desk; returns the answer as text.
    fn ask(&mut self, question: AccountQuestion) -> Result<String, Refusal> {
        let id = self.answers.len() as u64 + 1;
        self.order(&WorkerCommand::Desk(AccountRequest { id, question }));
        let AccountAnswer { id: answered, result, refusal } = self.answers.last().unwrap().clone();
        assert_eq!(answered, id);
        result.ok_or_else(|| refusal.unwrap())
    }

    fn place(&mut self, name: &str) -> Result<String, Refusal> {
        self.ask(AccountQuestion::Command(Box::new(DeskCommand::PlaceOrder(Box::new(order(name))))))
    }

    /// Returns the rows of the account's newest snapshot and changes of a channel.
    fn rows(&self, channel: &str) -> Vec<String> {
        let topic = Topic::parse(&format!("{channel}:account:replay")).unwrap();
        let mut state = None::<TopicData>;
        for update in self.updates.iter().filter(|update| update.topic == topic) {
            match (&mut state, update.kind) {
                (Some(state), UpdateKind::Delta) => state.merge(&update.data),
                (state, _) => *state = Some(update.data.clone()),
            }
        }
        match state {
            Some(TopicData::Orders(rows) | TopicData::Positions(rows)) => rows.rows.keys().cloned().collect(),
            other => panic!("{other:?}"),
        }
    }

    fn report(&self) -> &ReplayReport {
        self.reports.last().unwrap()
    }

    fn n_trades(&mut self) -> usize {
        let of = |update: &Update| match &update.data {
            TopicData::Tape(tape) => tape.trades.len(),
            _ => 0,
        };
        self.updates.drain(..).map(|update| of(&update)).sum()
    }
}

#[test]
fn it_plays_at_its_pace_and_ends_with_a_fingerprint() {
    let mut talk = Talk::new(&recording(40));
    talk.run(1_000);
    assert_eq!(talk.report().state, PlayState::Playing);
    let first = talk.updates.iter().find(|update| update.topic != Topic::STATUS).unwrap();
    assert_eq!((first.kind, first.topic.to_string().as_str()), (UpdateKind::Snapshot, "tape:replay-binance:AAABBB"));
    let early = talk.n_trades();
    assert!((8..=11).contains(&early), "{early}");
    talk.run(4_000);
    assert_eq!((early + talk.n_trades(), talk.report().state), (40, PlayState::Ended));
    assert_eq!((talk.report().files.as_slice(), talk.report().n_events), (["a.jsonl".to_owned()].as_slice(), 40));
    let at_once = talk.report().events_sha256.clone();
    assert!(at_once.is_some());
    let n_reports = talk.reports.len();
    talk.run(2_000);
    assert_eq!(talk.reports.len(), n_reports, "nothing is told twice");
    // Again, faster and with a jump: the same result.
    talk.order(&WorkerCommand::Speed(16.0));
    talk.order(&WorkerCommand::Play);
    talk.order(&WorkerCommand::Seek { position_ms: 1_003_000 });
    talk.run(1_000);
    assert_eq!(
        (talk.report().state, talk.report().speed, &talk.report().events_sha256),
        (PlayState::Ended, 16.0, &at_once)
    );
}

#[test]
fn after_a_jump_every_topic_begins_again() {
    let mut talk = Talk::new(&recording(40));
    talk.run(500);
    talk.order(&WorkerCommand::Pause);
    talk.run(500);
    talk.updates.clear();
    talk.run(500);
    assert_eq!(talk.n_trades(), 0, "nothing moves");
    talk.order(&WorkerCommand::Seek { position_ms: 1_002_050 });
    assert_eq!(talk.report().state, PlayState::Seeking);
    talk.run(200);
    assert_eq!((talk.report().state, talk.report().position_ms), (PlayState::Paused, 1_002_050));
    let kinds: Vec<UpdateKind> = talk.updates.iter().map(|update| update.kind).collect();
    assert!(kinds.contains(&UpdateKind::Snapshot), "{kinds:?}");
    assert_eq!(talk.n_trades(), 20);
    talk.order(&WorkerCommand::Seek { position_ms: 0 });
    talk.run(200);
    assert_eq!((talk.report().position_ms, talk.n_trades()), (1_000_100, 1));
    // Commands that do not concern a replay, and a speed out of range, change nothing.
    let before = talk.report().clone();
    for order in
        [WorkerCommand::Record, WorkerCommand::SaveLast, WorkerCommand::Speed(0.0), WorkerCommand::Speed(f64::NAN)]
    {
        talk.order(&order);
    }
    assert_eq!(*talk.report(), before);
}

/// A recording that tells steps and a book, which changes ten times a second.
fn market(n_rounds: u64) -> String {
    let http = |path: &str, data: serde_json::Value| {
        json!({ "t": "http", "ts": 1_000.0, "url": format!("https://x.test/api/v3/{path}"), "data": data.to_string() })
            .to_string()
    };
    let info = json!({ "symbols": [{
        "symbol": "AAABBB", "status": "TRADING", "baseAsset": "AAA", "quoteAsset": "USD", "filters": [
            { "filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000", "tickSize": "0.01" },
            { "filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "9000", "stepSize": "0.1" }
        ]
    }] });
    let book = json!({ "lastUpdateId": 100, "bids": [["100.00", "9"]], "asks": [["100.50", "9"]] });
    let mut lines = vec![
        r#"{"t":"header","ts":999.0,"venue":"binance","symbols":["AAABBB"]}"#.to_owned(),
        http("exchangeInfo?symbols=AAABBB", info),
        http("depth?symbol=AAABBB&limit=5000", book),
    ];
    for id in 101..=100 + n_rounds {
        let frame = json!({ "stream": "aaabbb@depth@100ms", "data": {
            "e": "depthUpdate", "E": id, "s": "AAABBB", "U": id, "u": id, "b": [["99.00", id.to_string()]], "a": []
        } });
        let ts = 1_000.0 + (id - 100) as f64 / 10.0;
        lines.push(json!({ "t": "recv", "ts": ts, "data": frame.to_string() }).to_string());
    }
    lines.join("\n")
}

fn order(name: &str) -> OrderRequest {
    let text = format!(
        r#"{{"client_order_id":"{name}","instrument":"replay-binance:AAABBB","side":"buy","type":"market","quantity":"2.0"}}"#
    );
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_account_trades_the_recording_until_a_jump() {
    let mut talk = Talk::new(&market(60));
    let topics = ["orders:account:replay", "positions:account:replay", "orders:account:paper"];
    let topics = topics.map(|topic| Topic::parse(topic).unwrap().into());
    talk.feed.message(ClientMessage::Subscribe(Subscribe { id: 2, topics: topics.into(), lane_ms: None }));
    talk.run(2_000);
    let preview = talk.ask(AccountQuestion::PreviewOrder(Box::new(order("p")))).unwrap();
    assert!(preview.contains(r#""average_price":"100.50""#), "{preview}");
    let placed = talk.place("a").unwrap();
    assert!(placed.contains(r#""account":"replay""#) && placed.contains(r#""state":"filled""#), "{placed}");
    let placed_ms = talk.report().position_ms;
    let created: Order = serde_json::from_str(&placed).unwrap();
    let created_ms = created.created_time.as_millis();
    assert!(
        (placed_ms - 300..=placed_ms + 300).contains(&created_ms),
        "at the recorded time: {created_ms} {placed_ms}"
    );
    talk.run(500);
    assert_eq!((talk.rows("orders"), talk.rows("positions").len()), (vec!["1".to_owned()], 1));
    // A pause and another speed change nothing.
    talk.order(&WorkerCommand::Pause);
    talk.order(&WorkerCommand::Speed(4.0));
    talk.run(500);
    assert_eq!(talk.rows("orders"), ["1"]);
    talk.order(&WorkerCommand::Seek { position_ms: 1_001_000 });
    assert_eq!(talk.place("b").unwrap_err().code, DenyCode::Unavailable);
    talk.run(500);
    assert_eq!((talk.rows("orders").len(), talk.rows("positions").len()), (0, 0));
    assert!(talk.place("a").unwrap().contains(r#""order_id":"1""#), "names and numbers begin again");
    let kill = DeskCommand::Kill(Kill { reason: String::new(), flatten: true });
    assert_eq!(talk.ask(AccountQuestion::Command(Box::new(kill))).unwrap_err().code, DenyCode::WrongAccount);
    assert!(talk.updates.iter().all(|update| update.topic.to_string() != "orders:account:paper"));
}

#[test]
fn what_is_no_tape_is_said_so_with_the_files_name_and_a_remedy() {
    #[track_caller]
    fn check(name: &str, text: &str, expected: Result<&str, &str>) {
        let opened = ReplayFeed::open(name, lines(text), Monotonic::ZERO);
        match (opened, expected) {
            (Ok(mut feed), Ok(venue)) => assert_eq!(feed.player.report().venue.as_str(), venue, "{name}"),
            (Err(words), Err(expected)) => assert!(words.contains(name) && words.contains(expected), "{words}"),
            (opened, _) => panic!("{name}: {:?}", opened.map(|_| ())),
        }
    }
    let headless = recording(5).lines().skip(1).collect::<Vec<_>>().join("\n");
    check("a.jsonl", &recording(5), Ok("replay-binance"));
    check("Binance-1.jsonl", &headless, Ok("replay-binance"));
    check("b.jsonl", &headless, Err("does not say whose"));
    check("photo.png", "\u{89}PNG\r\n", Err("choose a .jsonl"));
    check("empty.jsonl", "", Err("choose a .jsonl"));
    check("header.jsonl", recording(0).as_str(), Err("choose a .jsonl"));
    // Compressed, but truncated at once.
    check("cut.jsonl.gz", "\u{1f}", Err("choose a .jsonl"));
}

#[test]
fn a_tape_that_is_cut_off_plays_as_far_as_it_goes() {
    let whole = recording(40);
    let mut talk = Talk::new(&whole[..whole.len() - 150]);
    talk.order(&WorkerCommand::Speed(100.0));
    talk.run(1_000);
    assert_eq!((talk.report().state, talk.report().n_events, talk.report().n_bad_lines), (PlayState::Ended, 39, 1));
}
