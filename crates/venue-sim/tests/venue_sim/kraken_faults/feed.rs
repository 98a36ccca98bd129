//! A session and the simulated venue under virtual time, and what a test does to the frames on the way.
//!
//! Not here: the venue's frames and answers, which the simulator encodes.

use model::{instrument::InstrumentId, proof::TrackedBook};
use serde_json::Value;
use venue_sim::{
    config::Limits,
    exchange::{self as sim, Exchange},
    ladder::Row,
};
use venues::session::{ConnectionId, HttpRequest, Input, Output};

use super::{
    market::{SYMBOL, TestMarket},
    support::{Rig, listed},
};

/// Rows a side that the venue grants, fewer than are requested: what goes past them shows soon.
const DEPTH: usize = 10;

/// The treatment of frames of the venue's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Whole,
    /// Snapshots of books are held back.
    WithoutSnapshots,
    /// Books carry another checksum.
    WithWrongChecksum,
    /// Tickers name another best ask.
    WithOtherAsk(&'static str),
}

pub(crate) struct Feed {
    pub(crate) rig: Rig,
    pub(crate) market: TestMarket,
    pub(crate) way: Way,
    /// The snapshots held back, the newest last.
    pub(crate) held: Vec<String>,
    exchange: Exchange,
    connection: Option<ConnectionId>,
    /// Outputs of the session that have reached the venue.
    n_served: usize,
    n_steps: u64,
}

impl Feed {
    /// Started; no connection is open.
    pub(crate) fn started(symbol: &str) -> Self {
        let market = TestMarket::new();
        let limits = Limits { book_rows: DEPTH, ..Limits::default().lifted() };
        Self {
            rig: Rig::of("kraken", &listed(&[symbol])),
            exchange: Exchange::new("kraken", Box::new(market.clone()), limits, None).unwrap(),
            market,
            way: Way::Whole,
            held: Vec::new(),
            connection: None,
            n_served: 0,
            n_steps: 0,
        }
    }

    /// Connected, everything subscribed; the book's snapshot has come.
    pub(crate) fn live() -> Self {
        let mut feed = Self::started(SYMBOL);
        feed.connect();
        assert_eq!(feed.book().state, model::proof::BookState::Live);
        feed.rig.take();
        feed
    }

    /// Opens the newest connection wanted and lets the venue answer all that is subscribed on it.
    pub(crate) fn connect(&mut self) -> ConnectionId {
        let connection = self.rig.connects().last().expect("a connection is wanted").1;
        if let Some(before) = self.connection.replace(connection) {
            self.exchange.handle(sim::Input::Closed(before.0.into()), self.rig.now());
        }
        let address = sim::Address { path: "/v2".to_owned(), ..sim::Address::default() };
        self.exchange.connect(connection.0.into(), &address, self.rig.now()).unwrap();
        self.rig.input(Input::Connected(connection));
        self.deliver();
        while self.serve() > 0 {
            self.rig.run(300);
        }
        connection
    }

    /// Returns the connection that is open.
    pub(crate) fn connection(&self) -> ConnectionId {
        self.connection.expect("a connection is open")
    }

    /// Hands what the session has sent to the venue, and its answers to the session. Returns the number of messages.
    pub(crate) fn serve(&mut self) -> usize {
        let sent: Vec<(ConnectionId, String)> = self.rig.log[self.n_served..]
            .iter()
            .filter_map(|(_, output)| match output {
                Output::Send(connection, text) => Some((*connection, text.clone())),
                _ => None,
            })
            .collect();
        self.n_served = self.rig.log.len();
        for (connection, text) in &sent {
            self.exchange.handle(sim::Input::Frame(connection.0.into(), text), self.rig.now());
            self.deliver();
        }
        sent.len()
    }

    /// Lets seconds pass in which the venue sends heartbeats and answers, and nothing else.
    pub(crate) fn idle(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.rig.run(1_000);
            self.serve();
            self.exchange.handle(sim::Input::Time, self.rig.now());
            self.deliver();
        }
    }

    /// The market advances: the venue sends what is new.
    pub(crate) fn step(&mut self) {
        self.n_steps += 1;
        self.exchange.handle(sim::Input::Step(self.n_steps), self.rig.now());
        self.deliver();
    }

    /// The market advances until the venue sends a ticker, one a second.
    pub(crate) fn step_to_ticker(&mut self) {
        self.n_steps = self.n_steps / 10 * 10 + 9;
        self.step();
    }

    /// The best bid's quantity changes.
    pub(crate) fn change(&mut self) {
        self.market.set_bid(1_000, 100_000_000 + self.n_steps);
        self.step();
    }

    /// The same, with a wrong checksum.
    pub(crate) fn change_wrongly(&mut self) {
        let way = std::mem::replace(&mut self.way, Way::WithWrongChecksum);
        self.change();
        self.way = way;
    }

    /// Lets the newest subscription of the book go out, which must follow an unsubscription, and be answered.
    pub(crate) fn resubscribe(&mut self) {
        self.rig.run(600);
        let messages = self.book_messages();
        let methods: Vec<&str> = messages[messages.len() - 2..].iter().map(|(_, method)| method.as_str()).collect();
        assert_eq!(methods, ["unsubscribe", "subscribe"]);
        self.serve();
    }

    /// Lets the venue answer a request.
    pub(crate) fn answer(&mut self, request: &HttpRequest) {
        let parameters = request.query.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let asked = sim::HttpRequest { path: request.path.to_string(), parameters, ..sim::HttpRequest::default() };
        let answer = self.exchange.http(&asked, self.rig.now()).unwrap();
        self.rig.answer(request.id, answer.status, None, &answer.body);
    }

    /// Returns the messages sent on a connection.
    pub(crate) fn sent(&self, connection: ConnectionId) -> Vec<(u64, Value)> {
        let sent = self.rig.log.iter().filter_map(|(time, output)| match output {
            Output::Send(on, text) if *on == connection => Some((*time, serde_json::from_str(text).unwrap())),
            _ => None,
        });
        sent.collect()
    }

    /// Returns time and method of each message about books on the connection that is open.
    pub(crate) fn book_messages(&self) -> Vec<(u64, String)> {
        let sent = self.sent(self.connection()).into_iter();
        let about_books = sent.filter(|(_, message)| message["params"]["channel"] == "book");
        about_books.map(|(time, message)| (time, message["method"].as_str().unwrap().to_owned())).collect()
    }

    pub(crate) fn book(&self) -> &TrackedBook {
        &self.rig.session.books()[&id(SYMBOL)]
    }

    /// Returns the best ten levels a side of the session's book, asks first, with the digits they have.
    pub(crate) fn top(&self) -> Vec<Row> {
        let book = &self.book().book;
        let levels = book.asks().take(DEPTH).chain(book.bids().take(DEPTH));
        levels.map(|level| (level.price.to_string(), level.quantity.to_string())).collect()
    }

    /// Returns the same of the venue's book.
    pub(crate) fn true_top(&self) -> Vec<Row> {
        let (bids, asks) = self.market.state().ladder.top(DEPTH);
        asks.into_iter().chain(bids).collect()
    }

    fn deliver(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                sim::Output::Message(to, text) => self.hand_over(to, &text),
                sim::Output::Event(event) => {
                    for (to, text) in &event.texts {
                        match self.on_the_way(&event.stream, text) {
                            Some(text) => self.hand_over(*to, &text),
                            None => self.held.push(text.to_string()),
                        }
                    }
                }
                sim::Output::Close(..) | sim::Output::Subscribed => {}
            }
        }
    }

    fn hand_over(&mut self, to: sim::ConnectionId, text: &str) {
        let connection = self.connection().0;
        if u64::from(connection) == to {
            self.rig.frame(ConnectionId(connection), text);
        }
    }

    fn on_the_way(&self, stream: &str, text: &str) -> Option<String> {
        let is_book = stream.starts_with("book/");
        match self.way {
            Way::WithoutSnapshots if is_book && text.contains(r#""type":"snapshot""#) => None,
            Way::WithWrongChecksum if is_book => {
                let checksum: u32 = value_of(text, "checksum").parse().unwrap();
                Some(with_value(text, "checksum", &(checksum ^ 1).to_string()))
            }
            Way::WithOtherAsk(ask) if stream.starts_with("ticker/") => Some(with_value(text, "ask", ask)),
            Way::Whole | Way::WithoutSnapshots | Way::WithWrongChecksum | Way::WithOtherAsk(_) => Some(text.to_owned()),
        }
    }
}

pub(crate) fn id(symbol: &str) -> InstrumentId {
    InstrumentId::parse(&format!("kraken:{symbol}")).unwrap()
}

/// Returns the number under a key of a frame.
fn value_of<'a>(text: &'a str, key: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!(r#""{key}":"#)).unwrap();
    rest.split_once([',', '}']).unwrap().0
}

/// The frame with another number under a key.
fn with_value(text: &str, key: &str, value: &str) -> String {
    text.replacen(&format!(r#""{key}":{}"#, value_of(text, key)), &format!(r#""{key}":{value}"#), 1)
}
