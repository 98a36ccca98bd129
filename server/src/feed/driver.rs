//! The feed task: runs one venue's session and market view.
//!
//! One loop, one owner: frames, answers, commands and deadlines go into the session; its outputs are carried out at
//! once, or as a socket task or a request if they take time. Not here: any venue's rules.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use market::{View, desk_feed::DeskFeeds};
use model::{
    event::{MarketEvent, MarketEventKind},
    instrument::InstrumentId,
    time::{Monotonic, Now},
};
use recording::{feed_topics::FeedTopics, text::Text};
use store::candles::KEPT;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use topics::lane::{Lane, LaneClock};
use venues::session::{CloseReason, ConnectionId, HttpFailure, Input, Output, RequestId, Session};

use crate::{
    candle_keeper::{CandleBatch, CandleKeeper},
    config::token::Token,
    publish::TopicOwner,
    recorder::tap::Tap,
};

use super::{
    desk_feed::DeskSender,
    directory::Directory,
    handle::{FeedCommand, FeedStatus},
    http::{Done, HttpClient},
    queries::Queries,
    socket::{Connections, EVENT_QUEUE, Socket, SocketEvent, SocketEventKind},
};

/// The parts of a feed.
pub struct FeedParts {
    /// Keeps closed candles over a restart.
    pub candles: CandleKeeper,
    /// The venue's protocol.
    pub session: Box<dyn Session>,
    /// The market view built from the session's events.
    pub view: View,
    /// The feed's topics at the hub.
    pub topics: TopicOwner,
    /// The TLS configuration and clock of all connections.
    pub connections: Connections,
    /// Makes REST requests to this venue.
    pub http: HttpClient,
    /// The venue's token, if one is configured.
    pub token: Option<Token>,
    /// Receives instrument updates.
    pub directory: Directory,
    /// Receives the feed's state ten times a second; only the newest counts.
    pub status: watch::Sender<FeedStatus>,
    /// Receives everything that passes between the venue and the session.
    pub tap: Tap,
    /// Called with every event, in order; for tests.
    pub observer: Option<EventObserver>,
}

/// Called with every event before the view applies it.
pub type EventObserver = Box<dyn FnMut(&MarketEvent) + Send>;

/// Runs a feed until `stop`; its sockets and requests end with it.
pub async fn run(parts: FeedParts, mut commands: mpsc::Receiver<FeedCommand>, stop: CancellationToken) {
    let mut driver = Driver::new(parts);
    driver.input(Input::Start, driver.now());
    let mut frames = Vec::with_capacity(FRAMES_AT_ONCE);
    loop {
        let due = driver.parts.connections.clock.instant(driver.next_due());
        // Frames before deadlines: after a stall of our own, queued frames prove that the venue is alive. A flood of
        // frames cannot starve the rest, because due work is done after every step.
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _n_frames = driver.events.recv_many(&mut frames, FRAMES_AT_ONCE) => {
                frames.drain(..).for_each(|event| driver.socket_event(event));
            }
            Some(done) = driver.requests.join_next() => {
                if let Ok(done) = done {
                    driver.request_done(&done);
                }
            }
            Some(command) = commands.recv() => driver.command(command),
            Some(kept) = driver.kept.recv() => driver.restore(&kept),
            () = tokio::time::sleep_until(due) => {}
        }
        driver.do_what_is_due();
    }
}

struct Driver {
    parts: FeedParts,
    sockets: BTreeMap<ConnectionId, Socket>,
    events: mpsc::Receiver<SocketEvent>,
    /// Kept so that the channel never closes; cloned into each socket task.
    event_sender: mpsc::Sender<SocketEvent>,
    requests: JoinSet<Done>,
    /// Outputs that failed and that the session does not know of yet.
    failed: VecDeque<Failed>,
    queries: Queries,
    /// Candles of an earlier run that somebody wants to see.
    kept: mpsc::Receiver<CandleBatch>,
    /// Kept so that the channel never closes; cloned into each wish.
    kept_sender: mpsc::Sender<CandleBatch>,
    /// Time at which closed candles are handed over next.
    next_keeping: Monotonic,
    desk: DeskFeeds<DeskSender>,
    /// The latest monotonic time of any input: frames are stamped when they are read and may arrive after a timeout.
    latest: Monotonic,
    lanes: LaneClock,
    /// Events so far.
    n_events: u64,
    /// Bytes of frames and answers so far.
    n_bytes: u64,
    /// True if an event came since the lanes were told.
    is_changed: bool,
    /// The time of the session's last timeout; keeps a deadline that does not move from spinning the loop.
    last_timeout: Monotonic,
}

enum Failed {
    Socket(ConnectionId, CloseReason),
    Request(RequestId, HttpFailure),
}

impl Driver {
    fn new(parts: FeedParts) -> Self {
        let (event_sender, events) = mpsc::channel(EVENT_QUEUE);
        let (kept_sender, kept) = mpsc::channel(KEPT_QUEUE);
        let start = parts.connections.clock.now().monotonic;
        Self {
            parts,
            sockets: BTreeMap::new(),
            events,
            event_sender,
            requests: JoinSet::new(),
            failed: VecDeque::new(),
            queries: Queries::default(),
            kept,
            kept_sender,
            next_keeping: start + KEEP_EVERY,
            desk: DeskFeeds::default(),
            latest: start,
            lanes: LaneClock::new(start),
            n_events: 0,
            n_bytes: 0,
            is_changed: false,
            last_timeout: Monotonic::ZERO,
        }
    }

    fn now(&self) -> Now {
        self.parts.connections.clock.now()
    }

    /// Returns when work is due without any input.
    fn next_due(&self) -> Monotonic {
        let deadline = self.parts.session.deadline().map(|deadline| deadline.max(self.last_timeout + SPIN_GUARD));
        deadline.map_or(self.lanes.next(), |deadline| deadline.min(self.lanes.next()))
    }

    fn do_what_is_due(&mut self) {
        let now = self.now();
        if let Some(deadline) = self.parts.session.deadline() {
            let is_overdue = now.monotonic >= deadline + FLOOD_PATIENCE;
            let is_due = now.monotonic >= deadline && (self.events.is_empty() || is_overdue);
            if is_due && now.monotonic >= self.last_timeout + SPIN_GUARD {
                self.last_timeout = now.monotonic;
                self.input(Input::Timeout, now);
            }
        }
        if std::mem::take(&mut self.is_changed) {
            self.lanes.changed(now.monotonic);
        }
        self.turn(now);
    }

    /// Hands an input to the session and carries out everything that follows from it.
    fn input(&mut self, input: Input<'_>, now: Now) {
        self.latest = self.latest.max(now.monotonic);
        let now = Now { monotonic: self.latest, ..now };
        self.parts.session.handle(input, now);
        loop {
            self.drain_outputs();
            let requests = self.parts.view.take_history_requests();
            let Some(failed) = self.failed.pop_front() else {
                if requests.is_empty() {
                    break;
                }
                requests.into_iter().for_each(|request| self.parts.session.handle(Input::HistoryRequest(request), now));
                continue;
            };
            requests.into_iter().for_each(|request| self.parts.session.handle(Input::HistoryRequest(request), now));
            match failed {
                Failed::Socket(connection, reason) => {
                    self.parts.session.handle(Input::Closed(connection, reason), now);
                }
                Failed::Request(id, failure) => self.parts.session.handle(Input::Http(id, Err(failure)), now),
            }
        }
        self.parts.view.note_books(self.parts.session.books());
        self.desk.batch_end(self.parts.session.books());
    }

    fn drain_outputs(&mut self) {
        while let Some(output) = self.parts.session.poll_output() {
            match output {
                Output::Connect { connection, url, after } => {
                    // With the token's placeholder, never with the token.
                    self.parts.tap.connecting(connection, &url);
                    let url = match self.parts.http.budget().connection_wait(after) {
                        Some(wait) => Err(CloseReason::CannotConnect {
                            status: Some(429),
                            retry_after: Some(wait),
                            detail: "the venue has asked to wait".to_owned(),
                        }),
                        None => with_token(url, self.parts.token.as_ref()),
                    };
                    let socket =
                        Socket::open(&self.parts.connections, connection, url, after, self.event_sender.clone());
                    self.sockets.insert(connection, socket);
                }
                Output::Send(connection, frame) => {
                    let now = self.now();
                    self.parts.tap.sent(connection, &frame, now);
                    let sent = self.sockets.get(&connection).map_or(Ok(()), |socket| socket.send(frame));
                    if let Err(reason) = sent {
                        self.sockets.remove(&connection);
                        self.parts.tap.closed(connection, "frames are not being taken", now.wall);
                        self.failed.push_back(Failed::Socket(connection, reason));
                    }
                }
                Output::Close(connection) => {
                    drop(self.sockets.remove(&connection));
                    let now = self.now();
                    self.parts.tap.closed(connection, "given up by us", now.wall);
                }
                Output::Http(request) if self.requests.len() < MAX_REQUESTS => {
                    self.parts.tap.asked(&request);
                    self.requests.spawn(self.parts.http.clone().get(request));
                }
                Output::Http(request) => {
                    let failure = HttpFailure { detail: "too many requests are waiting".to_owned() };
                    self.failed.push_back(Failed::Request(request.id, failure));
                }
                Output::Event(event) => self.event(&event),
            }
        }
    }

    fn event(&mut self, event: &MarketEvent) {
        if let Some(observer) = &mut self.parts.observer {
            observer(event);
        }
        if let MarketEventKind::Instrument(instrument) = &event.kind {
            self.parts.directory.describe(std::slice::from_ref(instrument));
        }
        self.parts.view.apply(event);
        self.n_events += 1;
        self.is_changed = true;
        self.desk.apply(event);
        if let MarketEventKind::History(history) = &event.kind {
            self.queries.history_came(&event.instrument, history.interval, &self.parts.view);
        }
    }

    fn socket_event(&mut self, event: SocketEvent) {
        let SocketEvent { connection, now, kind } = event;
        // The session has closed this connection: its late events are ignored.
        if !self.sockets.contains_key(&connection) {
            return;
        }
        let tap = &mut self.parts.tap;
        match &kind {
            SocketEventKind::Connected => tap.connected(connection, now),
            SocketEventKind::Text(text) => tap.received(connection, Text::new(text.clone().into()), now),
            SocketEventKind::Binary(bytes) => tap.received_binary(connection, bytes.clone(), now),
            SocketEventKind::Ping | SocketEventKind::Pong { .. } => {}
            SocketEventKind::Closed(reason) => tap.closed(connection, reason.detail(), now.wall),
        }
        match kind {
            SocketEventKind::Connected => self.input(Input::Connected(connection), now),
            SocketEventKind::Text(text) => {
                self.n_bytes += text.len() as u64;
                self.input(Input::Frame(connection, text.as_str()), now);
                self.judged(text.as_str(), now);
            }
            SocketEventKind::Binary(bytes) => {
                self.n_bytes += bytes.len() as u64;
                self.input(Input::Binary(connection, &bytes), now);
                self.judged("(binary)", now);
            }
            SocketEventKind::Ping => self.input(Input::Ping(connection), now),
            SocketEventKind::Pong { round_trip } => {
                self.parts.view.note_round_trip(round_trip);
                self.input(Input::Ping(connection), now);
            }
            SocketEventKind::Closed(reason) => {
                self.sockets.remove(&connection);
                tracing::info!(venue = %self.parts.session.venue(), ?reason, "a connection ended");
                self.input(Input::Closed(connection, reason), now);
            }
        }
    }

    fn request_done(&mut self, done: &Done) {
        let result = done.result.as_ref().map(super::http::Answer::lend).map_err(Clone::clone);
        if let Err(failure) = &result {
            tracing::warn!(venue = %self.parts.session.venue(), detail = failure.detail, "a request failed");
        }
        let now = self.now();
        let answer = done.result.as_ref().ok().map(|answer| (answer.status(), Text::new(answer.body().clone().into())));
        self.parts.tap.answered(done.id, answer, now);
        self.input(Input::Http(done.id, result), now);
        if let Ok(answer) = &done.result {
            self.n_bytes += answer.body().len() as u64;
            self.judged(answer.lend().body, now);
        }
    }

    /// Called after the session has handled a frame or an answer: if it was unreadable, shows and logs a sample.
    fn judged(&mut self, frame: &str, now: Now) {
        let FeedParts { session, view, .. } = &mut self.parts;
        if let Some(sample) = view.note_frame(frame, session.health(), now) {
            tracing::warn!(venue = %session.venue(), sample = sample.text, "a frame could not be read");
        }
    }

    fn command(&mut self, command: FeedCommand) {
        let now = self.now();
        let command = match command {
            FeedCommand::Tap(command) => {
                let FeedParts { session, view, tap, .. } = &mut self.parts;
                return command.carry_out(tap, session.as_ref(), view, now);
            }
            FeedCommand::Desk(sender) => {
                let books = self.parts.session.books();
                self.desk.subscribe(sender.instrument().clone(), sender, books);
                return self.forward_requests(now);
            }
            FeedCommand::StaleAfter(age) => return self.parts.view.set_stale_after(age),
            FeedCommand::Symbols { added, dropped, reply } => {
                // Sending fails only if the caller is gone.
                let _unheard = reply.send(self.change_symbols(&added, &dropped, now));
                return;
            }
            command => command,
        };
        self.queries.take(command, &mut self.parts.view, self.parts.session.as_ref(), now.monotonic);
        self.forward_requests(now);
    }

    /// Follows other symbols, while the rest goes on; returns false, with nothing changed, if this takes a new session.
    fn change_symbols(&mut self, added: &[String], dropped: &[String], now: Now) -> bool {
        let FeedParts { session, view, topics, directory, .. } = &mut self.parts;
        if !session.can_change(added, dropped) {
            return false;
        }
        let id = |symbol: &String| InstrumentId::new(session.venue(), symbol);
        let (expected, gone): (Vec<_>, Vec<_>) = (added.iter().map(id).collect(), dropped.iter().map(id).collect());
        for id in expected {
            view.expect(&id);
            directory.expect(id);
        }
        for id in &gone {
            directory.remove(id);
            view.forget(id);
            self.desk.end(id);
        }
        if !gone.is_empty() {
            // Whoever follows the topics of those that are gone must not take what comes later for their continuation.
            topics.restart(&mut FeedTopics { view, session: session.as_ref() });
        }
        self.input(Input::Unfollow(dropped), now);
        self.input(Input::Follow(added), now);
        true
    }

    /// Forwards history requests, and which books are looked at, that arose outside of an input.
    fn forward_requests(&mut self, now: Now) {
        self.parts.view.set_traded(self.desk.instruments());
        if let Some(books) = self.parts.view.take_interest() {
            self.input(Input::Interest(&books), now);
        }
        for request in self.parts.view.take_history_requests() {
            self.input(Input::HistoryRequest(request), now);
        }
    }

    /// Hands closed candles over every few seconds, and asks for those of an earlier run that somebody looks at.
    fn keep_candles(&mut self, now: Monotonic) {
        let FeedParts { view, candles, .. } = &mut self.parts;
        for (instrument, interval) in view.take_restorable(&KEPT) {
            candles.load(instrument, interval, self.kept_sender.clone());
        }
        if now < self.next_keeping {
            return;
        }
        self.next_keeping = now + KEEP_EVERY;
        let closed = view.take_closed(&KEPT).into_iter();
        let batches: Vec<CandleBatch> =
            closed.map(|(instrument, interval, candles)| CandleBatch { instrument, interval, candles }).collect();
        if !batches.is_empty() {
            candles.put(batches);
        }
    }

    fn restore(&mut self, kept: &CandleBatch) {
        self.parts.view.restore(&kept.instrument, kept.interval, &kept.candles);
        self.is_changed = true;
    }

    /// Publishes changes on the lanes whose turn it is, and does what is to be done ten times a second.
    fn turn(&mut self, now: Now) {
        let (n_events, n_bytes) = (self.n_events, self.n_bytes);
        let FeedParts { session, view, topics, status, tap, http, .. } = &mut self.parts;
        let mut is_tick = false;
        for lane in self.lanes.take_due(now.monotonic) {
            let n_published = topics.turn(lane, &mut FeedTopics { view, session: session.as_ref() }, now);
            self.lanes.turned(lane, n_published);
            is_tick |= lane == Lane::Fast;
        }
        if !is_tick {
            return;
        }
        if let Some(until) = session.health().held_until {
            http.budget().hold_connections(until);
        }
        status.send_replace(FeedStatus { n_events, n_bytes, ..FeedStatus::of(session.as_ref(), view, now) });
        tap.turn(session.as_ref(), view, now);
        self.desk.turn(session.books());
        self.queries.turn(view, now.monotonic);
        self.keep_candles(now.monotonic);
        self.forward_requests(now);
    }
}

/// Fills the venue's token into an address that has a placeholder for it.
fn with_token(url: String, token: Option<&Token>) -> Result<String, CloseReason> {
    match token {
        _ if !url.contains(TOKEN_PLACE) => Ok(url),
        Some(token) => Ok(url.replace(TOKEN_PLACE, token.reveal())),
        None => Err(CloseReason::CannotConnect {
            status: Some(401),
            retry_after: None,
            detail: "the venue asks for a token and none is configured: set token under [venues.<name>]".to_owned(),
        }),
    }
}

/// The token's placeholder in a session's addresses.
const TOKEN_PLACE: &str = "{token}";
/// Frames handled before due work is checked: a millisecond's work.
const FRAMES_AT_ONCE: usize = 64;
/// The longest that queued frames may delay a deadline.
const FLOOD_PATIENCE: Duration = Duration::from_millis(250);
/// The shortest time between two timeouts.
const SPIN_GUARD: Duration = Duration::from_millis(5);
/// Answers about kept candles that may wait: charts that open at the same moment.
const KEPT_QUEUE: usize = 64;
/// Interval at which closed candles are handed over.
const KEEP_EVERY: Duration = Duration::from_secs(2);
/// Requests in flight or waiting; a session's own pacing stays far below.
const MAX_REQUESTS: usize = 256;
