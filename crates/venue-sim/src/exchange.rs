//! A simulated venue without sockets and clocks: inputs and the time go in; frames, answers and connection ends come
//! out.
//!
//! [`Exchange::connect`] and [`Exchange::http`] are answered at once; all other inputs go to [`Exchange::handle`], and
//! outputs come from [`Exchange::poll`], in order. The exchange knows no faults: each frame names its stream, and the
//! caller that delivers it may drop it. Not here: sockets (`connection`, `endpoint`), faults (`shared`), the pace
//! (`player`).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use model::time::{Monotonic, Now};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    config::{Limits, SimConfig},
    core::{Core, Saying},
    market::Market,
    venue::{Frame, Protocol, Venue},
};

/// The number of a connection, chosen by the caller; never used twice.
pub type ConnectionId = u64;
/// Parameters of a query.
pub type Parameters = BTreeMap<String, String>;

/// The address requested by a connection.
#[derive(Clone, Debug, Default)]
pub struct Address {
    /// Path from the root.
    pub path: String,
    /// The query's parameters.
    pub parameters: Parameters,
}

/// A REST request.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest {
    /// Path from the root.
    pub path: String,
    /// The query's parameters.
    pub parameters: Parameters,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// The answer to a REST request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body, as JSON.
    pub body: String,
    /// Seconds of `Retry-After`.
    pub retry_after_s: Option<u64>,
    /// Weight used in the current minute.
    pub used_weight: u32,
}

/// Why a handshake is refused: status and message.
pub type Refusal = (u16, &'static str);

/// An input to the venue.
#[derive(Debug)]
pub enum Input<'a> {
    /// A client sent a text.
    Frame(ConnectionId, &'a str),
    /// A client sent a ping or a pong: they count as messages.
    Ping(ConnectionId),
    /// A connection was closed.
    Closed(ConnectionId),
    /// The market advances: to the next slot, or to the next frame of the recording.
    Step(u64),
    /// Time has passed.
    Time,
    /// The recording restarts.
    Restart,
}

/// An output of the venue.
#[derive(Debug)]
pub enum Output {
    /// A message of its own to one client: an answer, a heartbeat.
    Message(ConnectionId, Utf8Bytes),
    /// A frame of a stream.
    Event(Event),
    /// The end of a connection, with code and reason.
    Close(ConnectionId, u16, String),
    /// A client has subscribed: a timeline that waits for that may start.
    Subscribed,
}

/// A frame of a stream, with the text for each of its readers.
#[derive(Clone, Debug)]
pub struct Event {
    /// The stream.
    pub stream: Arc<str>,
    /// The venue's number in it (update id, trade id).
    pub id: Option<u64>,
    /// The readers.
    pub texts: Vec<(ConnectionId, Utf8Bytes)>,
}

/// A venue: its market, its protocol and its connections.
pub struct Exchange {
    core: Core,
    protocol: Box<dyn Protocol>,
    connections: BTreeMap<ConnectionId, Connection>,
    /// Recent connection attempts, oldest first.
    attempts: VecDeque<Monotonic>,
    /// Start of the weight window, and the weight used in it, by service.
    weights: BTreeMap<&'static str, (Monotonic, u32)>,
}

/// State kept for every connection on any venue.
struct Connection {
    next_second: Monotonic,
    n_seconds: u64,
    /// Times of the messages of the last second.
    received: VecDeque<Monotonic>,
}

/// Window for the limit on connection attempts.
const CONNECT_WINDOW: Duration = Duration::from_secs(300);
/// Window over which weight is counted.
const WEIGHT_WINDOW: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

impl Exchange {
    /// Creates a venue's protocol over a market; `None` for an unknown venue. With a key, clients must send that key.
    pub fn new(venue: &str, market: Box<dyn Market>, limits: Limits, key: Option<String>) -> Option<Self> {
        let protocol = (Venue::find(venue)?.protocol)();
        Some(Self {
            core: Core::new(market, limits, key),
            protocol,
            connections: BTreeMap::new(),
            attempts: VecDeque::new(),
            weights: BTreeMap::new(),
        })
    }

    /// Opens the venue and the market of a configuration.
    ///
    /// # Errors
    /// An unknown venue, or a source that cannot be read.
    pub fn open(config: &SimConfig) -> anyhow::Result<Self> {
        let unknown = || anyhow::anyhow!("unknown venue {:?}", config.venue);
        let market = (Venue::find(&config.venue).ok_or_else(unknown)?.market)(config)?;
        Self::new(&config.venue, market, config.limits, config.key.clone()).ok_or_else(unknown)
    }

    /// Returns the market.
    pub fn market(&self) -> &dyn Market {
        &*self.core.market
    }

    /// Returns the market for changing.
    pub fn market_mut(&mut self) -> &mut dyn Market {
        &mut *self.core.market
    }

    /// Opens a connection for a client; its greeting comes from [`Self::poll`].
    ///
    /// # Errors
    /// The status and the message of the refusal.
    pub fn connect(&mut self, connection: ConnectionId, address: &Address, now: Now) -> Result<(), Refusal> {
        self.core.now = now.wall;
        if let Some(limit) = self.core.limits.connects_per_5_min {
            self.attempts.push_back(now.monotonic);
            forget(&mut self.attempts, now.monotonic, CONNECT_WINDOW);
            if self.attempts.len() > limit {
                return Err((429, "too many connection attempts"));
            }
        }
        self.protocol.open(&mut self.core, connection, address)?;
        let fresh = Connection { next_second: now.monotonic + SECOND, n_seconds: 0, received: VecDeque::new() };
        self.connections.insert(connection, fresh);
        Ok(())
    }

    /// Processes an input.
    pub fn handle(&mut self, input: Input<'_>, now: Now) {
        self.core.now = now.wall;
        match input {
            Input::Frame(connection, text) => {
                if self.may_send(connection, now.monotonic) {
                    self.protocol.message(&mut self.core, connection, text);
                }
            }
            Input::Ping(connection) => {
                self.may_send(connection, now.monotonic);
            }
            Input::Closed(connection) => {
                self.connections.remove(&connection);
                self.core.remove(connection);
                self.protocol.closed(connection);
            }
            Input::Step(step) => self.step(step),
            Input::Time => {
                for (id, connection) in &mut self.connections {
                    while connection.next_second <= now.monotonic {
                        connection.next_second = connection.next_second + SECOND;
                        connection.n_seconds += 1;
                        self.protocol.second(&mut self.core, *id, connection.n_seconds);
                    }
                }
            }
            Input::Restart => {
                self.core.market.reset();
                self.core.views.clear();
            }
        }
    }

    /// Returns the venue's next output; `None` if it waits for an input.
    pub fn poll(&mut self) -> Option<Output> {
        self.poll_except(|_, _| false)
    }

    /// Returns the same, without the frames of a stream to a client that are not to be sent. They are not counted either.
    pub(crate) fn poll_except(&mut self, mut is_silenced: impl FnMut(&str, ConnectionId) -> bool) -> Option<Output> {
        loop {
            return Some(match self.core.next()? {
                Saying::Message(connection, text) => Output::Message(connection, text),
                Saying::Answer(connection, frame) => {
                    Output::Message(connection, self.protocol.render(connection, &frame))
                }
                Saying::Close(connection, code, reason) => Output::Close(connection, code, reason),
                Saying::Subscribed => Output::Subscribed,
                Saying::Event(frame, readers) => {
                    let Frame { stream, id, .. } = &*frame;
                    let mut texts = Vec::with_capacity(readers.len());
                    for reader in readers {
                        if !self.connections.contains_key(&reader) || is_silenced(stream, reader) {
                            continue;
                        }
                        texts.push((reader, self.protocol.render(reader, &frame)));
                    }
                    if texts.is_empty() {
                        continue;
                    }
                    Output::Event(Event { stream: stream.clone(), id: *id, texts })
                }
            });
        }
    }

    /// Answers a REST request; `None` for an unknown path.
    pub fn http(&mut self, request: &HttpRequest, now: Now) -> Option<HttpAnswer> {
        self.core.now = now.wall;
        let (used_weight, over_s) = self.charge(request, now.monotonic);
        let Some(over_s) = over_s else {
            let (status, body) = self.protocol.answer(&mut self.core, request)?;
            return Some(HttpAnswer { status, body, retry_after_s: None, used_weight });
        };
        let status = self.protocol.limit_status();
        let body = self.protocol.refusal(request, status);
        // A venue that reports the limit with status 200 gives no time.
        Some(HttpAnswer { status, body, retry_after_s: Some(over_s).filter(|_| status != 200), used_weight })
    }

    /// Refuses a REST request for a reason outside the venue's rules.
    pub(crate) fn refuse(
        &mut self,
        request: &HttpRequest,
        status: u16,
        retry_after_s: Option<u64>,
        now: Now,
    ) -> HttpAnswer {
        let (used_weight, _) = self.charge(request, now.monotonic);
        HttpAnswer { status, body: self.protocol.refusal(request, status), retry_after_s, used_weight }
    }

    /// Returns the protocol, for the facts that the shell needs.
    pub(crate) fn protocol(&self) -> &dyn Protocol {
        &*self.protocol
    }

    /// Returns the streams that have readers.
    pub fn streams(&self) -> Vec<Arc<str>> {
        self.core.wanted()
    }

    /// Returns the true book now or at the given update id; at most `depth` rows a side.
    pub fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value> {
        let market = self.market();
        let (ladder, update_id) = match at {
            Some(at) => market.ladder_at(symbol, at)?,
            None => (market.ladder(symbol)?.into_owned(), market.update_id(symbol)),
        };
        let (bids, asks) = ladder.top(depth);
        let recorded = market.recorded_book(symbol);
        let mut shown = json!({
            "symbol": symbol, "lastUpdateId": update_id, "n_bids": ladder.bids().len(), "n_asks": ladder.asks().len(),
            "n_gaps": recorded.n_gaps, "n_bad_checksums": recorded.n_bad_checksums, "bids": bids, "asks": asks,
        });
        if let Some((key, value)) = self.protocol.book_details(&ladder) {
            shown[key] = value;
        }
        Some(shown)
    }

    /// Returns the true best bid and ask now.
    pub fn top(&self, symbol: &str) -> Option<Value> {
        let (bids, asks) = self.market().ladder(symbol)?.top(1);
        let ticker = self.market().recorded_book(symbol).ticker;
        let ticker = ticker.map(|(update_id, bid, ask)| json!({ "u": update_id, "bid": bid, "ask": ask }));
        Some(json!({
            "symbol": symbol, "lastUpdateId": self.market().update_id(symbol), "bid": bids.first(), "ask": asks.first(),
            "bookTicker": ticker,
        }))
    }

    /// Returns the bars built from the trades so far, oldest first; `None` for an unknown interval or symbol.
    pub fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let bars = self.protocol.shown_bars(&self.core, symbol, self.protocol.interval_ms(interval)?)?;
        let row = |bar: &crate::bars::Bar| {
            let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(|value| self.protocol.shown(value));
            json!([bar.open_ms, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]])
        };
        Some(json!({ "symbol": symbol, "interval": interval, "bars": bars.iter().map(row).collect::<Vec<_>>() }))
    }

    fn step(&mut self, step: u64) {
        if let Some(played) = self.core.market.advance(step) {
            self.protocol.play(&mut self.core, &played);
            return;
        }
        let mut streams = self.core.wanted();
        self.protocol.sort(&mut streams);
        for stream in &streams {
            for frame in self.protocol.update(&mut self.core, stream, step) {
                self.core.tell_readers(Arc::new(frame));
            }
        }
    }

    /// Counts a message; false if there are too many, or the connection is unknown.
    fn may_send(&mut self, id: ConnectionId, now: Monotonic) -> bool {
        let Some(connection) = self.connections.get_mut(&id) else { return false };
        let Some(limit) = self.core.limits.messages_per_s else { return true };
        connection.received.push_back(now);
        forget(&mut connection.received, now, SECOND);
        let is_fine = connection.received.len() <= limit;
        if !is_fine {
            self.protocol.too_fast(&mut self.core, id);
        }
        is_fine
    }

    /// Counts weight; returns the weight used in this window and, if that is too much, the seconds until the next
    /// window.
    fn charge(&mut self, request: &HttpRequest, now: Monotonic) -> (u32, Option<u64>) {
        let (begun, used) = self.weights.entry(self.protocol.service(request)).or_insert((now, 0));
        if now.saturating_since(*begun) >= WEIGHT_WINDOW {
            (*begun, *used) = (now, 0);
        }
        *used = used.saturating_add(self.protocol.weight(request));
        let is_over = self.core.limits.weight_per_min.is_some_and(|limit| *used > limit);
        let left = WEIGHT_WINDOW.saturating_sub(now.saturating_since(*begun));
        (*used, is_over.then(|| left.as_secs() + 1))
    }
}

/// Drops times outside the window.
fn forget(times: &mut VecDeque<Monotonic>, now: Monotonic, window: Duration) {
    while times.front().is_some_and(|then| now.saturating_since(*then) >= window) {
        times.pop_front();
    }
}
