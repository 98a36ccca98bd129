//! A symbol that stays silent beside others although the venue has newer data: it is subscribed again alone, then on a
//! connection of its own, and the others never notice. The same for every venue with several symbols on a connection.

use model::{
    proof::BookState,
    status::{FeedMode, Silence},
};
use venues::session::{ConnectionId, Input, Output};

use crate::coinbase_support::{self as coinbase, book, numbered, product, ticker};
use crate::support::{EPOCH_MS, Rig, depth, exchange_info, id, listed, trade};

const SILENT: &str = "AAA-USD";
const LIVELY: &str = "BBB-USD";

/// A Coinbase feed of two products, of which one is silent from some time on.
struct Feed {
    rig: Rig,
    /// The connection of both at first, and the number of its next frame.
    shared: (ConnectionId, u64),
    n_opened: usize,
}

impl Feed {
    fn live() -> Self {
        let mut rig = Rig::of("coinbase", &listed(&[SILENT, LIVELY]));
        let connection = rig.wanted_connection();
        rig.input(Input::Connected(connection));
        rig.run(2_000);
        let mut feed = Self { rig, shared: (connection, 0), n_opened: 1 };
        for symbol in [SILENT, LIVELY] {
            feed.say("l2_data", &book("snapshot", symbol, ROWS));
        }
        feed
    }

    fn say(&mut self, channel: &str, events: &str) {
        let (connection, number) = self.shared;
        self.shared.1 += 1;
        self.rig.frame(connection, &numbered(channel, number, events));
    }

    /// Lets seconds pass in which one product has data, new connections open, and the venue's newest trade is always new.
    fn idle(&mut self, secs: u64) {
        for _ in 0..secs {
            self.rig.run(1_000);
            self.say("heartbeats", r#"{"current_time":"x","heartbeat_counter":7}"#);
            self.say("ticker", &ticker(LIVELY, "100.00", "101.00"));
            let outputs = self.rig.take();
            for output in &outputs {
                match output {
                    Output::Http(request) if request.path.ends_with("/ticker") => {
                        let wall = model::time::Timestamp::from_millis(EPOCH_MS + self.rig.now_ms as i64);
                        let print = format!(
                            r#"{{"trades":[{{"product_id":"X","trade_id":"{}","price":"1","size":"1","time":"{wall}","side":"BUY"}}]}}"#,
                            self.rig.now_ms
                        );
                        self.rig.answer(request.id, 200, None, &print);
                    }
                    Output::Http(request) => {
                        let symbol = request.path.rsplit('/').next().unwrap();
                        self.rig.answer(request.id, 200, None, &product(symbol, ""));
                    }
                    _ => {}
                }
            }
            for (time, connection, after) in self.rig.connects().split_off(self.n_opened) {
                if time + after <= self.rig.now_ms {
                    self.n_opened += 1;
                    self.rig.input(Input::Connected(connection));
                }
            }
            // Heartbeats keep the silent product's own connection open.
            for (_, connection, _) in self.rig.connects().split_off(1) {
                let frame = numbered("heartbeats", self.rig.now_ms, r#"{"current_time":"x","heartbeat_counter":7}"#);
                self.rig.frame(connection, &frame);
            }
            assert_eq!(self.state(LIVELY), BookState::Live, "the other is untouched at {} ms", self.rig.now_ms);
            let health = self.rig.session.health();
            assert_eq!((&health.cause, health.mode), (&None, FeedMode::WebSocket), "at {} ms", self.rig.now_ms);
        }
    }

    fn state(&self, symbol: &str) -> BookState {
        self.rig.session.books()[&coinbase::id(symbol)].state
    }

    fn silence(&self) -> Option<Silence> {
        self.rig.session.health().silences.get(&coinbase::id(SILENT)).copied()
    }

    /// Returns the messages sent on a connection that name the silent product, without those at the start.
    fn sent(&self, on: ConnectionId) -> Vec<String> {
        let sent = self.rig.log.iter().filter_map(|(time, output)| match output {
            Output::Send(connection, text) if *connection == on && *time > 2_000 => Some(text.clone()),
            _ => None,
        });
        sent.collect()
    }
}

const ROWS: &[(&str, &str, &str)] = &[("bid", "100.00", "1.0"), ("offer", "101.00", "3.0")];

fn messages(verb: &str) -> Vec<String> {
    let message = |channel| format!(r#"{{"type":"{verb}","product_ids":["{SILENT}"],"channel":"{channel}"}}"#);
    ["level2", "market_trades", "ticker"].map(message).to_vec()
}

#[test]
fn a_silent_product_is_subscribed_again_alone_and_then_on_a_connection_of_its_own() {
    let mut feed = Feed::live();
    feed.idle(20);
    // Asked after 15 s: subscribed again, alone, on the same connection.
    assert_eq!(feed.sent(feed.shared.0), [messages("unsubscribe"), messages("subscribe")].concat());
    assert_eq!((feed.silence(), feed.state(SILENT)), (Some(Silence::Dead), BookState::Buffering));
    assert_eq!((feed.rig.connects().len(), feed.rig.closes().len()), (1, 0));
    // It delivers at once, and is silent again: that is no recovery.
    feed.say("l2_data", &book("snapshot", SILENT, ROWS));
    assert_eq!((feed.silence(), feed.state(SILENT)), (None, BookState::Live));
    feed.idle(60);
    let own = feed.rig.connects()[1].1;
    assert_eq!((feed.sent(feed.shared.0).len(), &feed.sent(feed.shared.0)[6..]), (9, &messages("unsubscribe")[..]));
    assert_eq!(feed.sent(own)[1..4], messages("subscribe"));
    assert_eq!((feed.silence(), feed.rig.session.health().n_open), (Some(Silence::Dead), 2));
    // Data that still comes by the old connection belongs to the ended subscription.
    feed.say("l2_data", &book("snapshot", SILENT, ROWS));
    assert_eq!((feed.silence(), feed.state(SILENT)), (Some(Silence::Dead), BookState::Buffering));
    // Its own connection is opened again ever more rarely, the shared one never.
    feed.idle(30 * 60);
    let connects = feed.rig.connects();
    assert!((4..=10).contains(&connects.len()), "{connects:?}");
    assert!(feed.rig.closes().iter().all(|(_, closed)| *closed != feed.shared.0));
    // And when it delivers, it is as live as any other.
    while feed.n_opened < feed.rig.connects().len() {
        feed.idle(1);
    }
    let own = feed.rig.connects().last().unwrap().1;
    feed.rig.frame(own, &numbered("l2_data", 1_000_000_000, &book("snapshot", SILENT, ROWS)));
    assert_eq!((feed.silence(), feed.state(SILENT)), (None, BookState::Live));
}

#[test]
fn a_book_that_never_comes_beside_others_moves_too() {
    let mut feed = Feed::live();
    // A doubted book, which is not delivered again, while its ticker goes on.
    feed.shared.1 += 1;
    for _ in 0..30 {
        feed.say("ticker", &ticker(SILENT, "100.00", "101.00"));
        feed.rig.run(1_000);
        feed.say("ticker", &ticker(LIVELY, "100.00", "101.00"));
        if feed.state(LIVELY) != BookState::Live {
            feed.say("l2_data", &book("snapshot", LIVELY, ROWS));
        }
    }
    assert!(feed.rig.connects().len() > 1 && feed.rig.closes().iter().all(|(_, closed)| *closed != feed.shared.0));
    assert_eq!(feed.state(LIVELY), BookState::Live);
}

/// The messages about one symbol after the first `skip_ms`, with their connections' numbers.
fn later_messages(rig: &Rig, skip_ms: u64, needle: &str) -> Vec<(u32, String)> {
    let sent = rig.log.iter().filter_map(|(time, output)| match output {
        Output::Send(connection, text) if *time > skip_ms && text.contains(needle) => {
            let verb =
                ["UNSUBSCRIBE", "unsubscribe", "SUBSCRIBE", "subscribe"].into_iter().find(|verb| text.contains(verb));
            Some((connection.0, verb.unwrap().to_lowercase()))
        }
        _ => None,
    });
    let mut sent: Vec<(u32, String)> = sent.collect();
    sent.dedup();
    sent
}

fn word(connection: u32, verb: &str) -> (u32, String) {
    (connection, verb.to_owned())
}

#[test]
fn a_silent_symbol_of_binance_leaves_the_others_alone() {
    let (mut rig, connection) = Rig::connected(&["AAAUSDT", "BBBUSDT"]);
    for request in rig.requests("/exchangeInfo") {
        rig.answer(request.id, 200, None, &exchange_info(&["AAAUSDT", "BBBUSDT"]));
    }
    for symbol in ["AAAUSDT", "BBBUSDT"] {
        rig.make_live(connection, symbol, 10);
    }
    rig.frame(connection, &trade("AAAUSDT", 1));
    let begun = rig.now_ms;
    for step in 0..70 {
        rig.run(1_000);
        rig.frame(connection, &depth("BBBUSDT", 11 + step, 11 + step));
        for request in rig.requests("/aggTrades") {
            let now = EPOCH_MS + i64::try_from(rig.now_ms).unwrap();
            let row = format!(r#"[{{"a":9,"p":"1","q":"1","f":9,"l":9,"T":{now},"m":true,"M":true}}]"#);
            rig.answer(request.id, 200, None, &row);
        }
        // Acknowledgements come.
        let sent: Vec<(ConnectionId, String)> = rig
            .log
            .iter()
            .filter_map(|(time, output)| match output {
                Output::Send(on, text) if *time + 1_000 > rig.now_ms && *time > begun => Some((*on, text.clone())),
                _ => None,
            })
            .collect();
        for (on, text) in sent {
            let message: serde_json::Value = serde_json::from_str(&text).unwrap();
            rig.frame(on, &format!(r#"{{"result":null,"id":{}}}"#, message["id"]));
        }
        if let Some((_, own, _)) = rig.connects().get(1).copied() {
            rig.input(Input::Connected(own));
        }
        assert_eq!(rig.book("BBBUSDT").state, BookState::Live, "{step}");
        assert_eq!(rig.session.health().cause, None, "{step}");
    }
    assert_eq!(
        later_messages(&rig, begun, "aaausdt@depth"),
        [word(1, "unsubscribe"), word(1, "subscribe"), word(1, "unsubscribe"), word(2, "subscribe")]
    );
    assert!(later_messages(&rig, begun, "bbbusdt").is_empty());
    assert!(rig.closes().iter().all(|(_, closed)| *closed != connection));
    assert_eq!(rig.session.health().silences.get(&id("AAAUSDT")), Some(&Silence::Dead));
}

#[test]
fn where_only_one_connection_is_allowed_the_subscription_is_repeated_on_it() {
    let mut rig = Rig::of("finnhub", &listed(&["X:A", "X:B"]));
    let connection = rig.wanted_connection();
    rig.input(Input::Connected(connection));
    let begun = rig.now_ms;
    for _ in 0..300 {
        rig.run(1_000);
        let now = EPOCH_MS + i64::try_from(rig.now_ms).unwrap();
        let print = format!(r#"{{"data":[{{"c":null,"p":11,"s":"X:B","t":{now},"v":1}}],"type":"trade"}}"#);
        rig.frame(connection, &print);
        for request in rig.requests("/quote") {
            let body = format!(r#"{{"c":11,"d":1,"dp":1,"h":12,"l":10,"o":10,"pc":10,"t":{}}}"#, now / 1_000);
            rig.answer(request.id, 200, None, &body);
        }
    }
    let about = later_messages(&rig, begun, "X:A");
    assert!((4..=12).contains(&about.len()), "{about:?}");
    assert!(about.iter().all(|(connection, _)| *connection == 1), "{about:?}");
    assert_eq!((rig.connects().len(), rig.closes().len()), (1, 0));
}
