//! A session under virtual time, with a log of all its outputs.

#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use model::{
    event::{BookUpdate, Level, MarketEvent, MarketEventKind},
    instrument::InstrumentId,
    proof::{BookState, TrackedBook},
    time::{Monotonic, Now, Timestamp},
};
use venues::{
    registry,
    session::{
        CloseReason, ConnectionId, HttpAnswer, HttpFailure, HttpRequest, Input, Output, RequestId, Session,
        SessionConfig, Symbols,
    },
};

/// Wall time at the start of every test, in milliseconds.
pub(crate) const EPOCH_MS: i64 = 1_750_000_000_000;

pub(crate) struct Rig {
    pub(crate) session: Box<dyn Session>,
    pub(crate) now_ms: u64,
    /// All outputs so far, with their times in milliseconds.
    pub(crate) log: Vec<(u64, Output)>,
    /// The outputs that open and close connections.
    turns: Vec<(u64, Output)>,
    taken: usize,
}

pub(crate) fn listed(symbols: &[&str]) -> SessionConfig {
    let symbols = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
    SessionConfig { symbols: Symbols::Listed(symbols), ..SessionConfig::default() }
}

impl Rig {
    pub(crate) fn new(config: &SessionConfig) -> Self {
        Self::of("binance", config)
    }

    /// Returns a started session of another venue.
    pub(crate) fn of(venue: &str, config: &SessionConfig) -> Self {
        let session = registry::open(venue, config).unwrap();
        let mut rig = Self { session, now_ms: 0, log: Vec::new(), turns: Vec::new(), taken: 0 };
        rig.input(Input::Start);
        rig
    }

    /// Returns a started, connected session with acknowledged subscriptions; no request has been answered.
    pub(crate) fn connected(symbols: &[&str]) -> (Self, ConnectionId) {
        let mut rig = Self::new(&listed(symbols));
        let connection = rig.connect();
        (rig, connection)
    }

    /// Opens the newest requested connection and acknowledges all its subscriptions.
    pub(crate) fn connect(&mut self) -> ConnectionId {
        let connection = self.wanted_connection();
        self.input(Input::Connected(connection));
        self.acknowledge(connection);
        connection
    }

    /// Returns the newest requested connection.
    pub(crate) fn wanted_connection(&self) -> ConnectionId {
        let wanted = self.turns.iter().rev().find_map(|(_, output)| match output {
            Output::Connect { connection, .. } => Some(*connection),
            _ => None,
        });
        wanted.expect("a connection is wanted")
    }

    /// Acknowledges everything subscribed so far on a connection, after waiting until all of it is sent.
    pub(crate) fn acknowledge(&mut self, connection: ConnectionId) {
        let mut n_seen = 0;
        loop {
            let ids: Vec<u64> = self.subscriptions(connection).iter().map(|(_, id, _)| *id).collect();
            if ids.len() == n_seen {
                return;
            }
            for id in &ids[n_seen..] {
                self.frame(connection, &format!(r#"{{"result":null,"id":{id}}}"#));
            }
            n_seen = ids.len();
            self.run(350);
        }
    }

    /// Returns time, request number and streams of each subscription sent on a connection.
    pub(crate) fn subscriptions(&self, connection: ConnectionId) -> Vec<(u64, u64, Vec<String>)> {
        let sent = self.log.iter().filter_map(|(time, output)| match output {
            Output::Send(on, text) if *on == connection => Some((*time, text)),
            _ => None,
        });
        sent.map(|(time, text)| {
            let message: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(message["method"], "SUBSCRIBE");
            let params = serde_json::from_value(message["params"].clone()).unwrap();
            (time, message["id"].as_u64().unwrap(), params)
        })
        .collect()
    }

    pub(crate) fn now(&self) -> Now {
        let since = Duration::from_millis(self.now_ms);
        Now { monotonic: Monotonic::from_zero(since), wall: Timestamp::from_millis(EPOCH_MS) + since }
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.session.handle(input, self.now());
        while let Some(output) = self.session.poll_output() {
            if matches!(output, Output::Connect { .. } | Output::Close(_)) {
                self.turns.push((self.now_ms, output.clone()));
            }
            self.log.push((self.now_ms, output));
        }
    }

    pub(crate) fn frame(&mut self, connection: ConnectionId, text: &str) {
        self.input(Input::Frame(connection, text));
    }

    pub(crate) fn close(&mut self, connection: ConnectionId) {
        self.input(Input::Closed(connection, CloseReason::Ended { code: Some(1006), detail: "reset".into() }));
    }

    /// Lets this many milliseconds pass, serving every deadline on the way.
    pub(crate) fn run(&mut self, millis: u64) {
        let end = self.now_ms + millis;
        for _ in 0..100_000 {
            let deadline =
                self.session.deadline().map(|at| u64::try_from(at.since_zero().as_micros().div_ceil(1_000)).unwrap());
            match deadline {
                Some(deadline) if deadline <= end => {
                    self.now_ms = self.now_ms.max(deadline);
                    self.input(Input::Timeout);
                }
                _ => {
                    self.now_ms = end;
                    return;
                }
            }
        }
        panic!("the session's deadline does not move past {:?} at {} ms", self.session.deadline(), self.now_ms);
    }

    pub(crate) fn answer(&mut self, id: RequestId, status: u16, retry_after_s: Option<u64>, body: &str) {
        let retry_after = retry_after_s.map(Duration::from_secs);
        self.input(Input::Http(id, Ok(HttpAnswer { status, retry_after, used_weight: None, body })));
    }

    pub(crate) fn fail(&mut self, id: RequestId) {
        self.input(Input::Http(id, Err(HttpFailure { detail: "no route".into() })));
    }

    /// Returns the outputs since the last call.
    pub(crate) fn take(&mut self) -> Vec<Output> {
        let new = self.log[self.taken..].iter().map(|(_, output)| output.clone()).collect();
        self.taken = self.log.len();
        new
    }

    /// Empties the log and returns it: for runs whose log would grow without end.
    pub(crate) fn drain(&mut self) -> Vec<(u64, Output)> {
        self.taken = 0;
        std::mem::take(&mut self.log)
    }

    /// Returns requests made since the last call of [`Self::take`] whose path ends with `path_end`.
    pub(crate) fn requests(&mut self, path_end: &str) -> Vec<HttpRequest> {
        let requests = self.take().into_iter().filter_map(|output| match output {
            Output::Http(request) if request.path.ends_with(path_end) => Some(request),
            _ => None,
        });
        requests.collect()
    }

    /// Returns all requests so far, with their times.
    pub(crate) fn all_requests(&self) -> Vec<(u64, HttpRequest)> {
        let requests = self.log.iter().filter_map(|(time, output)| match output {
            Output::Http(request) => Some((*time, request.clone())),
            _ => None,
        });
        requests.collect()
    }

    /// Returns all requested connections so far: time, number, wait in milliseconds.
    pub(crate) fn connects(&self) -> Vec<(u64, ConnectionId, u64)> {
        let connects = self.turns.iter().filter_map(|(time, output)| match output {
            Output::Connect { connection, after, .. } => {
                Some((*time, *connection, u64::try_from(after.as_millis()).unwrap()))
            }
            _ => None,
        });
        connects.collect()
    }

    pub(crate) fn closes(&self) -> Vec<(u64, ConnectionId)> {
        let closes = self.turns.iter().filter_map(|(time, output)| match output {
            Output::Close(connection) => Some((*time, *connection)),
            _ => None,
        });
        closes.collect()
    }

    pub(crate) fn events(&self) -> Vec<&MarketEvent> {
        self.log
            .iter()
            .filter_map(|(_, output)| if let Output::Event(event) = output { Some(event) } else { None })
            .collect()
    }

    /// Returns the events as short words.
    pub(crate) fn words(&self) -> Vec<String> {
        self.events().into_iter().map(words).collect()
    }

    pub(crate) fn book(&self, symbol: &str) -> &TrackedBook {
        &self.session.books()[&id(symbol)]
    }

    /// Makes a symbol's book live: one change, and a snapshot that joins it.
    pub(crate) fn make_live(&mut self, connection: ConnectionId, symbol: &str, last_id: u64) {
        self.frame(connection, &depth(symbol, last_id, last_id));
        let requests = self.all_requests().into_iter().rev();
        let mut snapshots =
            requests.filter(|(_, request)| request.path.ends_with("/depth") && request.query[0].1 == symbol);
        let (_, request) = snapshots.next().unwrap_or_else(|| panic!("no snapshot of {symbol} asked for"));
        self.answer(request.id, 200, None, &snapshot(last_id));
        self.take();
        assert_eq!(self.book(symbol).state, BookState::Live);
    }
}

pub(crate) fn id(symbol: &str) -> InstrumentId {
    InstrumentId::parse(&format!("binance:{symbol}")).unwrap()
}

pub(crate) fn words(event: &MarketEvent) -> String {
    let symbol = event.instrument.symbol();
    match &event.kind {
        MarketEventKind::OffMarketTrade(trade) => format!("{symbol} off market {}", trade.id),
        MarketEventKind::Trade(trade) => format!("{symbol} trade {} {:?}", trade.id, trade.aggressor_side),
        MarketEventKind::Quote(quote) => {
            let shown = |side: Option<Level>| side.map_or_else(|| "-".to_owned(), |level| level.price.to_string());
            format!("{symbol} quote {}/{}", shown(quote.bid), shown(quote.ask))
        }
        MarketEventKind::Book(BookUpdate::Snapshot { state, n_bids, n_asks }) => {
            format!("{symbol} snapshot {} {n_bids}+{n_asks}", state.as_str())
        }
        MarketEventKind::Book(BookUpdate::Delta { state, bids, asks }) => {
            format!("{symbol} delta {} {}+{}", state.as_str(), bids.len(), asks.len())
        }
        MarketEventKind::Book(BookUpdate::State { state }) => format!("{symbol} state {}", state.as_str()),
        MarketEventKind::Candle(update) => format!("{symbol} candle {} {}", update.interval, update.is_closed),
        MarketEventKind::History(history) => format!("{symbol} history {} {}", history.interval, history.candles.len()),
        MarketEventKind::Day(day) => {
            format!("{symbol} day {}", day.last.map_or_else(|| "-".to_owned(), |last| last.to_string()))
        }
        MarketEventKind::Instrument(instrument) => format!("{symbol} instrument {}", instrument.tick_size),
    }
}

pub(crate) fn trade(symbol: &str, number: u64) -> String {
    format!(
        r#"{{"stream":"{}@trade","data":{{"e":"trade","E":1750000000100,"s":"{symbol}","t":{number},"p":"100.10","q":"0.5","T":1750000000099,"m":true,"M":true}}}}"#,
        symbol.to_lowercase()
    )
}

pub(crate) fn quote(symbol: &str, update_id: u64, bid: &str, ask: &str) -> String {
    format!(
        r#"{{"stream":"{}@bookTicker","data":{{"u":{update_id},"s":"{symbol}","b":"{bid}","B":"1.0","a":"{ask}","A":"3.0"}}}}"#,
        symbol.to_lowercase()
    )
}

/// A change that leaves the top as in [`snapshot`].
pub(crate) fn depth(symbol: &str, first_id: u64, final_id: u64) -> String {
    depth_of(symbol, first_id, final_id, r#"["99.00","2.0"]"#, "")
}

pub(crate) fn depth_of(symbol: &str, first_id: u64, final_id: u64, bids: &str, asks: &str) -> String {
    format!(
        r#"{{"stream":"{}@depth@100ms","data":{{"e":"depthUpdate","E":1750000000200,"s":"{symbol}","U":{first_id},"u":{final_id},"b":[{bids}],"a":[{asks}]}}}}"#,
        symbol.to_lowercase()
    )
}

pub(crate) fn mini_ticker(symbol: &str, time_ms: i64) -> String {
    format!(
        r#"{{"stream":"{}@miniTicker","data":{{"e":"24hrMiniTicker","E":{time_ms},"s":"{symbol}","c":"100","o":"90","h":"110","l":"80","v":"1000","q":"1"}}}}"#,
        symbol.to_lowercase()
    )
}

pub(crate) fn snapshot(last_id: u64) -> String {
    format!(r#"{{"lastUpdateId":{last_id},"bids":[["100.00","1.0"],["99.00","5.0"]],"asks":[["101.00","3.0"]]}}"#)
}

pub(crate) fn exchange_info(symbols: &[&str]) -> String {
    let symbols: Vec<String> = symbols
        .iter()
        .map(|symbol| {
            format!(
                r#"{{"symbol":"{symbol}","status":"TRADING","baseAsset":"A","quoteAsset":"B","filters":[
                {{"filterType":"PRICE_FILTER","tickSize":"0.01"}},{{"filterType":"LOT_SIZE","stepSize":"0.1"}}]}}"#
            )
        })
        .collect();
    format!(
        r#"{{"rateLimits":[{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000}}],"symbols":[{}]}}"#,
        symbols.join(",")
    )
}
