//! A venue's session with its market view, topics and lane: what the server's feed task and hub are together, for one
//! reader. Pure: inputs and the moment in, outputs out.
//!
//! A topic begins with a snapshot once there is something to show and the feed has run for a moment, so that the page can
//! go over from the server's stream without a hole; deltas follow at the lane's pace. A page that does not keep up gets no
//! further messages until it does, and then every topic anew: what happened in between is gathered in the view, which
//! is bounded. Not here: sockets, requests and timers (`shell`).

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use market::{View, ViewConfig};
use model::{
    event::MarketEventKind,
    instrument::{InstrumentId, Venue},
    time::{Monotonic, Now},
};
use venues::{
    error::VenueError,
    registry,
    session::{
        CloseReason, ConnectionId, HttpFailure, HttpRequest, Input, Output, RequestId, Session, SessionConfig, Symbols,
    },
};
use wire::{
    data::TopicData,
    direct::DirectVenue,
    lane::Lane,
    message::{Batch, ClientMessage, Item, ItemKind, ServerMessage, StreamName, Subscribed},
    topic::{Topic, TopicPattern},
};

/// What the shell has to do.
#[derive(Debug)]
pub enum Wanted {
    /// Open a connection after a while.
    Connect {
        /// Its number from now on.
        connection: ConnectionId,
        /// Whole address.
        url: String,
        /// How long to wait before.
        after: Duration,
    },
    /// Send a text frame.
    Send(ConnectionId, String),
    /// Abandon a connection.
    Close(ConnectionId),
    /// Make a REST request.
    Http(HttpRequest),
    /// Tell the page.
    Say(ServerMessage),
}

/// Whether the page has taken in enough of what was said to be told more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// It keeps up.
    Ready,
    /// Too much lies unread.
    Behind,
}

/// One venue, followed for one page.
pub struct DirectFeed {
    session: Box<dyn Session>,
    view: View,
    venue: Venue,
    lane: Lane,
    streams: BTreeMap<Topic, Stream>,
    n_streams: u32,
    wanted: VecDeque<Wanted>,
    /// The latest monotonic time any input had.
    latest: Monotonic,
    last_timeout: Monotonic,
    next_turn: Monotonic,
    /// When the first data of the market came.
    first_data: Option<Monotonic>,
    is_behind: bool,
}

#[derive(Debug)]
struct Stream {
    number: u32,
    offset: u64,
    /// Its next item is a snapshot.
    is_waiting: bool,
    /// It had one already: a further one comes whatever it holds.
    has_begun: bool,
}

impl DirectFeed {
    /// A feed that has not begun, as the server says the venue is followed. `seed` decides the jitter.
    ///
    /// # Errors
    /// The venue is not one of ours.
    pub fn new(plan: &DirectVenue, seed: u64, now: Now) -> Result<Self, VenueError> {
        let config = SessionConfig {
            symbols: Symbols::Listed(plan.symbols.clone()),
            ws_url: Some(plan.ws_url.clone()).filter(|url| !url.is_empty()),
            data_deadline: plan.data_deadline_ms.map(Duration::from_millis),
            poll_every: plan.poll_ms.map(Duration::from_millis),
            backoff_min: Duration::from_millis(plan.backoff_min_ms),
            backoff_max: Duration::from_millis(plan.backoff_max_ms),
            max_attempts: plan.max_attempts,
            seed,
            ..SessionConfig::default()
        };
        let session = registry::open(plan.venue.as_str(), &config)?;
        let stale_after = Duration::from_millis(plan.stale_after_ms);
        let mut view = View::new(ViewConfig { stale_after, ..ViewConfig::default() });
        for symbol in &plan.symbols {
            view.expect(&InstrumentId::new(&plan.venue, symbol));
        }
        Ok(Self {
            session,
            view,
            venue: plan.venue.clone(),
            lane: Lane::default(),
            streams: BTreeMap::new(),
            n_streams: 0,
            wanted: VecDeque::new(),
            latest: now.monotonic,
            last_timeout: Monotonic::ZERO,
            next_turn: now.monotonic,
            first_data: None,
            is_behind: false,
        })
    }

    /// One input to the session, then everything it leads to.
    pub fn input(&mut self, input: Input<'_>, now: Now) {
        self.latest = self.latest.max(now.monotonic);
        let now = Now { monotonic: self.latest, ..now };
        self.session.handle(input, now);
        self.settle(now);
    }

    /// What the page says. What does not concern a feed is passed over.
    pub fn message(&mut self, message: ClientMessage, now: Now) {
        match message {
            ClientMessage::Hello(hello) => self.change_lane(Lane::from_ms(hello.lane_ms)),
            ClientMessage::Subscribe(request) => {
                let topics = self.single_topics(request.topics);
                let names = topics.iter().map(|topic| self.start(topic)).collect();
                self.wanted
                    .push_back(Wanted::Say(ServerMessage::Subscribed(Subscribed { id: request.id, topics: names })));
            }
            ClientMessage::Unsubscribe(request) => {
                for topic in self.single_topics(request.topics) {
                    if self.streams.remove(&topic).is_some() {
                        self.view.stop_topic(&topic, self.lane);
                    }
                }
            }
            ClientMessage::Snapshot(request) => {
                for topic in self.single_topics(request.topics) {
                    if let Some(stream) = self.streams.get_mut(&topic) {
                        stream.is_waiting = true;
                    }
                }
            }
            ClientMessage::Command(_) | ClientMessage::Ping(_) => {}
        }
        self.settle(now);
    }

    /// When [`Self::on_timer`] is wanted.
    pub fn next_due(&self) -> Monotonic {
        let deadline = self.session.deadline().map(|deadline| deadline.max(self.last_timeout + SPIN_GUARD));
        deadline.map_or(self.next_turn, |deadline| deadline.min(self.next_turn))
    }

    /// Does what is due; a spurious call does nothing.
    pub fn on_timer(&mut self, now: Now, reader: Reader) {
        let is_due = self.session.deadline().is_some_and(|deadline| now.monotonic >= deadline);
        if is_due && now.monotonic >= self.last_timeout + SPIN_GUARD {
            self.last_timeout = now.monotonic;
            self.input(Input::Timeout, now);
        }
        if now.monotonic >= self.next_turn {
            self.turn(now, reader);
            // A late turn is not made up for: the next one carries all that changed.
            let period = self.lane.period();
            self.next_turn = (self.next_turn + period).max(now.monotonic + period / 2);
        }
    }

    /// What is to be done, in order.
    pub fn take_wanted(&mut self) -> Option<Wanted> {
        self.wanted.pop_front()
    }

    /// A frame could not be sent, or a connection not be opened.
    pub fn failed(&mut self, connection: ConnectionId, reason: CloseReason, now: Now) {
        self.input(Input::Closed(connection, reason), now);
    }

    /// A request could not be made.
    pub fn request_failed(&mut self, id: RequestId, detail: String, now: Now) {
        self.input(Input::Http(id, Err(HttpFailure { detail })), now);
    }

    fn settle(&mut self, now: Now) {
        loop {
            while let Some(output) = self.session.poll_output() {
                match output {
                    Output::Connect { connection, url, after } => {
                        self.wanted.push_back(Wanted::Connect { connection, url, after });
                    }
                    Output::Send(connection, frame) => self.wanted.push_back(Wanted::Send(connection, frame)),
                    Output::Close(connection) => self.wanted.push_back(Wanted::Close(connection)),
                    Output::Http(request) => self.wanted.push_back(Wanted::Http(request)),
                    Output::Event(event) => {
                        let is_market = matches!(
                            event.kind,
                            MarketEventKind::Trade(_) | MarketEventKind::Quote(_) | MarketEventKind::Book(_)
                        );
                        if is_market {
                            self.first_data.get_or_insert(now.monotonic);
                        }
                        self.view.apply(&event);
                    }
                }
            }
            let wishes = self.view.take_wishes();
            if wishes.is_empty() {
                break;
            }
            wishes.into_iter().for_each(|wish| self.session.handle(Input::Wish(wish), now));
        }
    }

    fn single_topics(&self, patterns: Vec<TopicPattern>) -> Vec<Topic> {
        let is_ours = |topic: &Topic| match topic.venue() {
            Some(venue) => *venue == self.venue,
            None => *topic == Topic::STATUS,
        };
        let single = patterns.into_iter().filter_map(|pattern| match pattern {
            TopicPattern::One(topic) => Some(topic),
            TopicPattern::Venue { .. } => None,
        });
        single.filter(is_ours).collect()
    }

    fn start(&mut self, topic: &Topic) -> StreamName {
        if let Some(stream) = self.streams.get_mut(topic) {
            stream.is_waiting = true;
            return StreamName { topic: topic.clone(), stream: stream.number };
        }
        self.n_streams += 1;
        self.view.start_topic(topic, self.lane);
        let stream = Stream { number: self.n_streams, offset: 0, is_waiting: true, has_begun: false };
        self.streams.insert(topic.clone(), stream);
        StreamName { topic: topic.clone(), stream: self.n_streams }
    }

    fn change_lane(&mut self, lane: Lane) {
        if lane != self.lane {
            self.restart_topics(lane);
        }
    }

    /// Every topic begins anew on `lane`.
    fn restart_topics(&mut self, lane: Lane) {
        for (topic, stream) in &mut self.streams {
            self.view.stop_topic(topic, self.lane);
            self.view.start_topic(topic, lane);
            stream.is_waiting = true;
        }
        self.lane = lane;
    }

    fn turn(&mut self, now: Now, reader: Reader) {
        if reader == Reader::Behind {
            self.is_behind = true;
            self.view.observe(now, self.session.health());
            return self.settle(now);
        }
        if std::mem::take(&mut self.is_behind) {
            self.restart_topics(self.lane);
        }
        let mut items = Vec::new();
        for (topic, data) in self.view.turn(self.lane, now, self.session.health(), self.session.books()) {
            let Some(stream) = self.streams.get_mut(&topic).filter(|stream| !stream.is_waiting) else { continue };
            stream.offset += 1;
            items.push(Item { kind: ItemKind::Delta, stream: stream.number, topic, offset: stream.offset, data });
        }
        let has_settled = self.first_data.is_some_and(|at| now.monotonic.saturating_since(at) >= SETTLE_TIME);
        for (topic, stream) in self.streams.iter_mut().filter(|(_, stream)| stream.is_waiting) {
            let Some(data) = self.view.snapshot(topic, self.lane) else { continue };
            let is_ready = stream.has_begun || topic.instrument().is_none() || (has_settled && has_content(&data));
            if is_ready {
                stream.offset += 1;
                (stream.is_waiting, stream.has_begun) = (false, true);
                let (number, offset) = (stream.number, stream.offset);
                items.push(Item { kind: ItemKind::Snapshot, stream: number, topic: topic.clone(), offset, data });
            }
        }
        if !items.is_empty() {
            self.wanted.push_back(Wanted::Say(ServerMessage::Batch(Batch { items })));
        }
        self.settle(now);
    }
}

/// True where a page that shows the same of another source loses nothing by going over.
fn has_content(data: &TopicData) -> bool {
    match data {
        TopicData::Quote(quote) => quote.bid.is_some() || quote.last.is_some(),
        TopicData::Tape(tape) => !tape.trades.is_empty(),
        TopicData::Book(book) => book.state.is_served(),
        TopicData::Candles(bars) => !bars.bars.is_empty(),
        _ => true,
    }
}

/// Shortest time between two timeouts.
const SPIN_GUARD: Duration = Duration::from_millis(5);
/// Longer than any lane and its way: what the page had from the server until then is in the first snapshots too.
const SETTLE_TIME: Duration = Duration::from_millis(1_500);

#[cfg(test)]
mod tests;
