//! Plays an input against a session and the view behind it, under virtual time, and checks their contract: nothing
//! panics, each frame is counted once, outputs end, deadlines advance, and a frame's spelling changes nothing.
//!
//! Not here: files, sockets, clocks. The first byte determines how the session is created, then each line is an event:
//! a frame, or the event named by its first byte ([`TIME`] and its neighbours).

use std::{collections::VecDeque, time::Duration};

use market::{View, ViewConfig};
use model::{
    candle::Interval,
    event::HistoryRequest,
    instrument::InstrumentId,
    time::{Monotonic, Now, Timestamp},
};
use topics::{lane::Lane, topic::Topic};
use venues::{
    registry,
    session::{
        CloseReason, ConnectionId, HttpAnswer, HttpRequest, Input, Output, RequestId, Session, SessionConfig, Symbols,
    },
};
use wire::{
    Encoding,
    encoded::EncodedUpdate,
    message::{Update, UpdateKind},
};

use crate::venue::Venue;

/// First byte of a line: time passes, the second byte in tenths of a second.
pub const TIME: u8 = 1;
/// First byte of a line: the newest connection ends.
pub const CUT: u8 = 2;
/// First byte of a line: the rest answers the oldest request.
pub const ANSWER: u8 = 3;
/// First byte of a line: the rest is a binary frame.
pub const BINARY: u8 = 4;

/// Plays frames on an open, subscribed connection. An odd first byte creates a session that takes its symbols from
/// frames, as replays do.
pub fn frames(venue: &'static Venue, data: &[u8]) {
    let Some((first, script)) = data.split_first() else { return };
    let is_replay = first % 2 == 1;
    let mut player = Player::new(venue, is_replay, Reachability::Open);
    player.pass(2_000);
    for line in script.split(|byte| *byte == b'\n') {
        match line {
            [TIME, tenths, ..] => player.pass(u64::from(*tenths) * 100),
            [CUT, ..] => player.cut(),
            [ANSWER, body @ ..] => player.answer(0, 200, &String::from_utf8_lossy(body)),
            [BINARY, bytes @ ..] => player.binary(bytes),
            text => player.frame(&String::from_utf8_lossy(text)),
        }
    }
    player.pass(AFTERWARDS_MS);
}

/// Plays answers to requests while no connection can be opened. The first byte says how many requests the venue answers
/// by itself before; in each line the first byte chooses the request, the second the status, the rest is the body.
pub fn answers(venue: &'static Venue, data: &[u8]) {
    let Some((first, script)) = data.split_first() else { return };
    let mut player = Player::new(venue, false, Reachability::RestOnly { n_own: first % 4 });
    player.pass(2_000);
    for (idx, line) in script.split(|byte| *byte == b'\n').enumerate() {
        for _ in 0..10 {
            if player.asked.is_empty() {
                player.pass(1_000);
            }
        }
        if let [which, status, body @ ..] = line {
            player.answer(
                (*which).into(),
                STATUSES[usize::from(*status) % STATUSES.len()],
                &String::from_utf8_lossy(body),
            );
        }
        if let (0, Some(symbol)) = (idx % 4, venue.symbols.first()) {
            player.request(symbol, Interval::ALL[usize::from(*first) % Interval::ALL.len()]);
        }
        player.pass(100);
    }
    player.pass(AFTERWARDS_MS);
}

/// The kinds of requests that reach the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reachability {
    /// Sockets open; requests that the venue knows are answered.
    Open,
    /// No socket opens; the venue answers this many requests.
    RestOnly { n_own: u8 },
}

struct Player {
    venue: &'static Venue,
    reachability: Reachability,
    session: Box<dyn Session>,
    /// Gets every frame with a blank before its last brace, which scans refuse and serde accepts, and must do the same.
    twin: Box<dyn Session>,
    view: View,
    now_ms: u64,
    /// Open connections, the newest last, with the number of frames on each.
    open: Vec<(ConnectionId, u64)>,
    /// Requested connections, and when they open.
    wanted: Vec<(u64, ConnectionId)>,
    replies: VecDeque<(ConnectionId, String)>,
    asked: VecDeque<HttpRequest>,
}

impl Player {
    fn new(venue: &'static Venue, is_replay: bool, reachability: Reachability) -> Self {
        let listed = || Symbols::Listed(venue.symbols.iter().map(|symbol| (*symbol).to_owned()).collect());
        let symbols = if is_replay { Symbols::FromFrames } else { listed() };
        let config = SessionConfig { symbols, has_history: true, ..SessionConfig::default() };
        let mut view = View::new(ViewConfig::default());
        view.start_topic(&Topic::STATUS, Lane::Fast);
        for symbol in venue.symbols {
            let id = id(venue, symbol);
            view.expect(&id);
            let topics = [Topic::quote(&id), Topic::tape(&id), Topic::book(&id), Topic::quality(&id)];
            let candles = [Interval::S1, Interval::M1, Interval::H1].map(|interval| Topic::candles(interval, &id));
            topics.iter().chain(&candles).for_each(|topic| view.start_topic(topic, Lane::Fast));
        }
        let mut player = Self {
            venue,
            reachability,
            session: registry::open(venue.name, &config).expect("a venue of the registry"),
            twin: registry::open(venue.name, &config).expect("a venue of the registry"),
            view,
            now_ms: 0,
            open: Vec::new(),
            wanted: Vec::new(),
            replies: VecDeque::new(),
            asked: VecDeque::new(),
        };
        player.input(Input::Start);
        player
    }

    fn now(&self) -> Now {
        let since = Duration::from_millis(self.now_ms);
        Now { monotonic: Monotonic::from_zero(since), wall: Timestamp::from_millis(EPOCH_MS) + since }
    }

    /// Processes an event and all its immediate consequences.
    fn input(&mut self, input: Input<'_>) {
        self.twin.handle(input.clone(), self.now());
        self.session.handle(input, self.now());
        self.drain();
        for _ in 0..REPLIES {
            let Some((connection, frame)) = self.replies.pop_front() else { return };
            self.hear(connection, &frame);
        }
        panic!("{} sends a message for each reply, without end", self.venue.name);
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUTS {
            let output = self.session.poll_output();
            assert_eq!(output, self.twin.poll_output(), "another output after a frame with a blank");
            let Some(output) = output else { return };
            match output {
                Output::Connect { connection, after, .. } => {
                    self.wanted.push((self.now_ms + u64::try_from(after.as_millis()).unwrap_or(u64::MAX), connection));
                }
                Output::Send(connection, text) => {
                    let message = serde_json::from_str(&text).expect("messages to the venue are JSON");
                    self.replies.extend((self.venue.reply)(&message).into_iter().map(|frame| (connection, frame)));
                }
                Output::Close(connection) => {
                    self.open.retain(|(open, _)| *open != connection);
                    self.wanted.retain(|(_, wanted)| *wanted != connection);
                }
                Output::Http(request) => {
                    let body = request.body.as_deref().unwrap_or("{}");
                    assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "bodies are JSON: {body}");
                    self.asked.push_back(request);
                }
                Output::Event(event) => self.view.apply(&event),
            }
        }
        panic!("{} has no end of outputs", self.venue.name);
    }

    fn hear(&mut self, connection: ConnectionId, frame: &str) {
        let Some((_, n_frames)) = self.open.iter_mut().find(|(open, _)| *open == connection) else { return };
        let frame = (self.venue.place)(frame.to_owned(), *n_frames);
        *n_frames += 1;
        let before = self.session.health().counters;
        self.session.handle(Input::Frame(connection, &frame), self.now());
        let spaced = frame.strip_suffix('}').map_or_else(|| frame.clone(), |start| format!("{start} }}"));
        self.twin.handle(Input::Frame(connection, &spaced), self.now());
        let after = self.session.health().counters;
        let judged = (after.malformed - before.malformed) + (after.unknown - before.unknown);
        assert!(after.frames == before.frames + 1 && judged <= 1, "counted {judged} times: {frame}");
        assert_eq!(after, self.twin.health().counters, "counted otherwise with a blank: {frame}");
        self.view.note_frame(&frame, self.session.health(), self.now());
        self.drain();
    }

    fn frame(&mut self, text: &str) {
        let Some((connection, _)) = self.open.last() else { return self.pass(1_000) };
        self.replies.push_back((*connection, text.to_owned()));
        // A spurious call does nothing; the frame is processed after it, with all its consequences.
        self.input(Input::Timeout);
        self.now_ms += 1;
    }

    fn binary(&mut self, bytes: &[u8]) {
        if let Some((connection, _)) = self.open.last() {
            self.input(Input::Binary(*connection, bytes));
        }
    }

    fn cut(&mut self) {
        if let Some((connection, _)) = self.open.pop() {
            self.input(Input::Closed(connection, CloseReason::Ended { code: Some(1006), detail: "reset".into() }));
        }
    }

    /// Answers one of the requests in flight, if there are any.
    fn answer(&mut self, which: usize, status: u16, body: &str) {
        let idx = which % self.asked.len().max(1);
        if let Some(request) = self.asked.remove(idx) {
            self.answered(request.id, status, body);
        }
    }

    fn answered(&mut self, id: RequestId, status: u16, body: &str) {
        let retry_after = (status == 429).then_some(Duration::from_secs(2));
        let used_weight = (status == 200).then_some(u32::try_from(body.len()).unwrap_or(u32::MAX));
        self.input(Input::Http(id, Ok(HttpAnswer { status, retry_after, used_weight, body })));
    }

    fn request(&mut self, symbol: &str, interval: Interval) {
        let instrument = id(self.venue, symbol);
        self.input(Input::HistoryRequest(HistoryRequest { instrument, interval, n_bars: 500 }));
    }

    /// Advances the time: connections open, deadlines are served, lanes take their turns.
    fn pass(&mut self, millis: u64) {
        let end = self.now_ms + millis;
        for _ in 0..DEADLINES {
            self.answer_by_itself();
            let opening = self.wanted.iter().copied().min().filter(|(from, _)| *from <= end);
            let deadline = self.session.deadline().map(|at| at.since_zero().as_micros().div_ceil(1_000));
            let deadline = deadline.and_then(|at| u64::try_from(at).ok()).filter(|at| *at <= end);
            match (opening, deadline) {
                (Some((from, connection)), deadline) if deadline.is_none_or(|at| from <= at) => {
                    self.now_ms = self.now_ms.max(from);
                    self.wanted.retain(|(_, wanted)| *wanted != connection);
                    self.open(connection);
                }
                (_, Some(at)) => {
                    self.now_ms = self.now_ms.max(at);
                    self.input(Input::Timeout);
                }
                _ => {
                    self.now_ms = end;
                    return self.turn();
                }
            }
        }
        panic!("the deadline of {} does not move past {:?}", self.venue.name, self.session.deadline());
    }

    fn open(&mut self, connection: ConnectionId) {
        if self.reachability == Reachability::Open {
            self.open.push((connection, 0));
            self.input(Input::Connected(connection));
        } else {
            let reason = CloseReason::CannotConnect { status: None, retry_after: None, detail: "no route".into() };
            self.input(Input::Closed(connection, reason));
        }
    }

    fn answer_by_itself(&mut self) {
        for _ in 0..self.asked.len() {
            let n_left = match &mut self.reachability {
                Reachability::Open => 1,
                Reachability::RestOnly { n_own } => std::mem::replace(n_own, n_own.saturating_sub(1)),
            };
            let Some(request) = self.asked.pop_front().filter(|_| n_left > 0) else { return };
            match (self.venue.answer)(&request) {
                Some(body) => self.answered(request.id, 200, &body),
                None => self.asked.push_back(request),
            }
        }
    }

    /// Creates and encodes the readers' messages, and passes requests for history back to the session.
    fn turn(&mut self) {
        let now = self.now();
        let changes = self.view.turn(Lane::Fast, now, self.session.health(), self.session.books());
        for (topic, data) in changes {
            let update = EncodedUpdate::new(Update { kind: UpdateKind::Delta, epoch: None, topic, offset: 1, data });
            for encoding in [Encoding::Binary, Encoding::Json] {
                assert!(!update.bytes(encoding).is_empty());
            }
        }
        for request in self.view.take_history_requests() {
            self.input(Input::HistoryRequest(request));
        }
    }
}

fn id(venue: &Venue, symbol: &str) -> InstrumentId {
    InstrumentId::parse(&format!("{}:{symbol}", venue.name)).expect("symbols of the targets are symbols")
}

/// Wall time at the start.
const EPOCH_MS: i64 = 1_750_000_000_000;
/// Longer than requests and subscriptions wait.
const AFTERWARDS_MS: u64 = 40_000;
/// An input of 64 KiB contains fewer trades.
const OUTPUTS: usize = 100_000;
/// Maximum replies to one event.
const REPLIES: usize = 1_000;
/// Maximum deadlines and openings in one period of time.
const DEADLINES: usize = 20_000;
/// Most answers are successful.
const STATUSES: [u16; 12] = [200, 200, 200, 200, 200, 400, 403, 404, 418, 429, 451, 500];
