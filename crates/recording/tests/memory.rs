//! Measures the memory of a followed symbol, its book and its candles, after ten minutes of a busy market.
//!
//! Measured as the process grows, so it counts only what the allocator took from the system. Not here: topics that
//! somebody reads (the hub).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot make its values fails")]

use std::time::Duration;

use market::{View, ViewConfig};
use model::{
    instrument::InstrumentId,
    proof::BookState,
    time::{Monotonic, Now, Timestamp},
};
use venues::{
    registry,
    session::{ConnectionId, HttpAnswer, HttpRequest, Input, Output, Session, SessionConfig, Symbols},
};

const N_SYMBOLS: usize = 60;
/// Longer than the candles of seconds that are kept.
const SECONDS: u64 = 650;
/// Memory limit of one symbol.
const MOST_BYTES: usize = 155_000;

fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

struct Feed {
    session: Box<dyn Session>,
    view: View,
    now: Now,
    requests: Vec<HttpRequest>,
    connections: Vec<ConnectionId>,
}

impl Feed {
    fn input(&mut self, input: Input<'_>) {
        self.session.handle(input, self.now);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            while let Some(output) = self.session.poll_output() {
                match output {
                    Output::Event(event) => self.view.apply(&event),
                    Output::Http(request) => self.requests.push(request),
                    Output::Connect { connection, .. } => self.connections.push(connection),
                    Output::Send(connection, text) => {
                        let message: serde_json::Value = serde_json::from_str(&text).unwrap();
                        let ack = format!(r#"{{"result":null,"id":{}}}"#, message["id"]);
                        self.session.handle(Input::Frame(connection, &ack), self.now);
                    }
                    Output::Close(_) => {}
                }
            }
            let wanted = self.view.take_history_requests();
            if wanted.is_empty() {
                return;
            }
            wanted.into_iter().for_each(|request| self.session.handle(Input::HistoryRequest(request), self.now));
        }
    }

    fn pass(&mut self, millis: u64) {
        let span = Duration::from_millis(millis);
        self.now = Now { monotonic: self.now.monotonic + span, wall: self.now.wall + span };
        self.input(Input::Timeout);
        for request in std::mem::take(&mut self.requests) {
            let value =
                |key: &str| request.query.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone());
            let body = match request.path.as_ref() {
                "/api/v3/depth" => book(value("limit").unwrap().parse().unwrap()),
                "/api/v3/exchangeInfo" => info(&value("symbols").unwrap()),
                "/api/v3/klines" => bars(self.now.wall, value("limit").unwrap().parse().unwrap()),
                _ => "[]".to_owned(),
            };
            let answer = HttpAnswer { status: 200, retry_after: None, used_weight: None, body: &body };
            self.input(Input::Http(request.id, Ok(answer)));
        }
        let (health, books) = (self.session.health(), self.session.books());
        self.view.turn(topics::lane::Lane::Fast, self.now, health, books);
        self.settle();
    }
}

fn price(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn book(n_levels: u64) -> String {
    let row = |cents: u64| format!(r#"["{}","1.50000000"]"#, price(cents));
    let bids: Vec<String> = (1..=n_levels).map(|below| row(1_000_000 - below)).collect();
    let asks: Vec<String> = (0..n_levels).map(|above| row(1_000_000 + above)).collect();
    format!(r#"{{"lastUpdateId":10,"bids":[{}],"asks":[{}]}}"#, bids.join(","), asks.join(","))
}

fn info(symbols: &str) -> String {
    let symbols: Vec<String> = serde_json::from_str(symbols).unwrap();
    let one = |symbol: &String| {
        format!(
            r#"{{"symbol":"{symbol}","status":"TRADING","baseAsset":"A","quoteAsset":"B","filters":[{{"filterType":"PRICE_FILTER","tickSize":"0.01"}},{{"filterType":"LOT_SIZE","stepSize":"0.00000001"}}]}}"#
        )
    };
    format!(r#"{{"rateLimits":[],"symbols":[{}]}}"#, symbols.iter().map(one).collect::<Vec<_>>().join(","))
}

fn bars(now: Timestamp, n_bars: i64) -> String {
    let minute = now.as_millis().div_euclid(60_000);
    let row = |ago: i64| {
        let open_ms = (minute - ago) * 60_000;
        format!(
            r#"[{open_ms},"9999.01","10001.00","9998.00","10000.00","12.34567890",{},"1",9,"6.1","1","0"]"#,
            open_ms + 59_999
        )
    };
    format!("[{}]", (0..n_bars).rev().map(row).collect::<Vec<_>>().join(","))
}

#[test]
fn a_symbol_that_nobody_looks_at_keeps_little() {
    let symbols: Vec<String> = (0..N_SYMBOLS).map(|number| format!("S{number}USDT")).collect();
    let config = SessionConfig { symbols: Symbols::Listed(symbols.clone()), ..SessionConfig::default() };
    let mut feed = Feed {
        session: registry::open("binance", &config).unwrap(),
        view: View::new(ViewConfig::default()),
        now: Now { monotonic: Monotonic::from_zero(Duration::ZERO), wall: Timestamp::from_millis(1_750_000_000_000) },
        requests: Vec::new(),
        connections: Vec::new(),
    };
    for symbol in &symbols {
        feed.view.expect(&InstrumentId::new(feed.session.venue(), symbol));
    }
    let before = resident_bytes();
    feed.input(Input::Start);
    let connection = feed.connections[0];
    feed.input(Input::Connected(connection));
    (0..20).for_each(|_| feed.pass(500));
    assert!(feed.session.books().values().all(|book| book.state == BookState::Live));
    let with_books = resident_bytes();
    for second in 1..=SECONDS {
        feed.pass(1_000);
        for symbol in &symbols {
            let (name, time_ms, id) = (symbol.to_lowercase(), feed.now.wall.as_millis(), 10 + second);
            let cents = 1_000_000 + second % 40;
            feed.input(Input::Frame(
                connection,
                &format!(r#"{{"stream":"{name}@trade","data":{{"e":"trade","E":{time_ms},"s":"{symbol}","t":{id},"p":"{}","q":"0.50000000","T":{time_ms},"m":true,"M":true}}}}"#, price(cents)),
            ));
            feed.input(Input::Frame(
                connection,
                &format!(r#"{{"stream":"{name}@depth@100ms","data":{{"e":"depthUpdate","E":{time_ms},"s":"{symbol}","U":{id},"u":{id},"b":[["{}","{second}.00000000"]],"a":[]}}}}"#, price(cents - 100)),
            ));
        }
    }
    assert!(feed.session.books().values().all(|book| book.state == BookState::Live));
    let in_all = resident_bytes();
    let share = |bytes: usize| bytes.saturating_sub(before) / N_SYMBOLS;
    println!("{} bytes a symbol with its book and history, {} after {SECONDS} s", share(with_books), share(in_all));
    assert!(share(in_all) <= MOST_BYTES, "{} bytes a symbol", share(in_all));
}
