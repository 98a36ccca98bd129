//! A bad line between a venue and a session, with a judge of the results.
//!
//! Frames of a simulated venue are lost, duplicated, delayed or damaged, or the connection is cut, all from a seed and
//! in virtual time. After every frame each book is checked: a live book must equal the venue's at its position, and
//! requests for a fresh snapshot must keep their distance. Not here: the venues' messages ([`Venue`]).

use std::collections::{BTreeSet, VecDeque};

use model::{
    event::{BookUpdate, MarketEventKind},
    instrument::InstrumentId,
    proof::{BookState, TrackedBook},
};
use venue_sim::exchange as sim;
use venues::{
    kit::backoff::Jitter,
    session::{ConnectionId, HttpRequest, Input, Output},
};

use super::{
    ladder::{Sides, below, equals},
    seen::{Seen, Watch},
    simulated::Simulated,
    support::{Rig, listed},
    venue::{Frame, Heard, Numbering, Venue, number_under},
};

/// The number of frames in ten thousand that each fault hits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Held until one to three others have passed.
    pub(crate) held: u64,
    /// Damaged visibly: UTF-8, JSON, a type or a required field.
    pub(crate) damaged: u64,
    /// One digit of a quantity, so that only a checksum can reveal it.
    pub(crate) altered: u64,
    /// The connection ends.
    pub(crate) cut: u64,
}

/// Kinds of silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stall {
    /// Connections open and stay open; no data comes.
    OpenSilent,
    /// The same, but pings come, so that the transport looks alive.
    PongOnly,
    /// The current connection receives nothing any more; new ones open.
    BlackHole,
    /// The connection is lost, and new ones are never answered.
    NoHandshake,
    /// The connection is lost, and new ones open but never bring a whole frame.
    Trickle,
}

/// The venue, the line and the session.
pub(crate) struct Line<V: Venue> {
    pub(crate) rig: Rig,
    venue: Simulated<V>,
    pub(crate) faults: Faults,
    pub(crate) seen: Seen,
    pub(crate) watches: [Watch; 2],
    random: Jitter,
    connection: Option<ConnectionId>,
    /// Step at which the requested connection will be open.
    opening: Option<(u64, ConnectionId)>,
    /// Messages on their way to the venue, with the step at which each arrives.
    toward: VecDeque<(u64, String)>,
    /// Held frames, with the number of frames that must pass before each.
    held: Vec<(u64, Frame)>,
    pub(crate) requests: VecDeque<(u64, HttpRequest)>,
    pub(crate) past: VecDeque<(u64, [Sides; 2])>,
    heard: Heard,
    stall: Option<Stall>,
    /// The connection's other side has become silent for good.
    is_dead: bool,
    n_steps: u64,
    n_connections: u64,
    /// Connections that are open from the shell's view.
    pub(crate) open: BTreeSet<ConnectionId>,
    /// Messages sent on the newest connection.
    pub(crate) sent: Vec<String>,
    /// Time of the last event other than a change of a book's state.
    pub(crate) value_at: Option<u64>,
}

impl<V: Venue> Line<V> {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let mut random = Jitter::new(seed);
        let venue = Simulated::new(Jitter::new(random.next_u64()));
        let mut line = Self {
            rig: Rig::of(V::NAME, &listed(&V::SYMBOLS)),
            venue,
            faults,
            seen: Seen::default(),
            watches: [Watch::default(), Watch::default()],
            random,
            connection: None,
            opening: None,
            toward: VecDeque::new(),
            held: Vec::new(),
            requests: VecDeque::new(),
            past: VecDeque::new(),
            heard: Heard { newest: 0, last_whole: vec![0; 2] },
            stall: None,
            is_dead: false,
            n_steps: 0,
            n_connections: 0,
            open: BTreeSet::new(),
            sent: Vec::new(),
            value_at: None,
        };
        for id in V::FIRST_IDS {
            line.remember(id);
        }
        line.serve();
        line
    }

    pub(crate) fn id(symbol: usize) -> InstrumentId {
        InstrumentId::parse(&format!("{}:{}", V::NAME, V::SYMBOLS[symbol])).unwrap()
    }

    pub(crate) fn tracked(&self, symbol: usize) -> &TrackedBook {
        &self.rig.session.books()[&Self::id(symbol)]
    }

    /// Advances the time; a book of the venue changes, and its messages go over the line.
    pub(crate) fn step(&mut self) {
        self.wait(V::SPACING_MS);
        self.n_steps += 1;
        let update_id = self.venue.step(self.rig.now());
        if let Numbering::UpdateId(_) = V::NUMBERING {
            self.remember(update_id);
        }
        self.pump();
        while let Some((_, text)) = self.toward.pop_front_if(|(due, _)| *due <= self.n_steps) {
            self.hand_over(&text);
        }
        if self.happens(self.faults.cut, "cut") {
            self.cut();
        }
        self.serve();
        self.judge();
    }

    /// Advances the time: connections open, answers arrive.
    pub(crate) fn wait(&mut self, millis: u64) {
        self.rig.run(millis);
        self.serve();
        self.open();
        if let (Some(Stall::PongOnly), Some(connection)) = (self.stall, self.connection) {
            self.rig.input(Input::Ping(connection));
        }
        while self.requests.front().is_some_and(|(due, _)| *due <= self.rig.now_ms) {
            let Some((_, request)) = self.requests.pop_front() else { break };
            let (status, body) = self.venue.answer(&request, self.rig.now());
            self.rig.answer(request.id, status, None, &body);
        }
        self.venue.exchange.handle(sim::Input::Time, self.rig.now());
        self.pump();
        self.serve();
        self.look();
    }

    fn happens(&mut self, rate: u64, what: &'static str) -> bool {
        let does = below(&mut self.random, 10_000) < rate;
        if does {
            *self.seen.done.entry(what).or_default() += 1;
        }
        does
    }

    /// Makes the venue silent in this way, until [`Self::recover`].
    pub(crate) fn stall(&mut self, stall: Stall) {
        self.stall = Some(stall);
        self.is_dead = true;
        if matches!(stall, Stall::NoHandshake | Stall::Trickle) {
            self.cut();
        }
    }

    /// Serves new connections again; those that became silent stay silent.
    pub(crate) fn recover(&mut self) {
        self.stall = None;
    }

    /// Carries out the session's requests.
    fn serve(&mut self) {
        loop {
            let wanted = self.rig.drain();
            if wanted.is_empty() {
                return;
            }
            for (at, output) in wanted {
                for symbol in V::asked(&output) {
                    self.note_ask(symbol, at);
                }
                match output {
                    Output::Connect { connection, after, .. } => {
                        self.opening = Some((at + u64::try_from(after.as_millis()).unwrap() + 30, connection));
                    }
                    Output::Close(connection) => {
                        self.opening.take_if(|(_, wanted)| *wanted == connection);
                        self.open.remove(&connection);
                        if self.connection == Some(connection) {
                            self.gone();
                        }
                    }
                    Output::Send(connection, text) if self.connection == Some(connection) && !self.is_dead => {
                        self.sent.push(text.clone());
                        if V::LATENCY_STEPS == 0 {
                            self.hand_over(&text);
                        } else {
                            // In order, whatever each takes.
                            let due = self.n_steps + 1 + below(&mut self.random, V::LATENCY_STEPS);
                            let due = self.toward.back().map_or(due, |(before, _)| due.max(*before));
                            self.toward.push_back((due, text));
                        }
                    }
                    Output::Http(request) => {
                        let due = self.rig.now_ms + 50 + below(&mut self.random, 400);
                        self.requests.push_back((due, request));
                    }
                    Output::Event(event) if is_value(&event.kind) => self.value_at = Some(at),
                    Output::Event(_) | Output::Send(..) => {}
                }
            }
        }
    }

    fn open(&mut self) {
        if self.stall == Some(Stall::NoHandshake) {
            return;
        }
        let Some((_, connection)) = self.opening.take_if(|(due, _)| *due <= self.rig.now_ms) else { return };
        self.connection = Some(connection);
        self.open.insert(connection);
        self.is_dead = self.stall.is_some();
        self.sent.clear();
        self.n_connections += 1;
        let address = sim::Address { path: V::PATH.to_owned(), ..sim::Address::default() };
        self.venue.exchange.connect(connection.0.into(), &address, self.rig.now()).unwrap();
        self.heard = Heard { newest: 0, last_whole: vec![0; 2] };
        for watch in &mut self.watches {
            (watch.doubted_at, watch.permitted_at) = (Some(self.rig.now_ms), None);
            watch.is_first_ask = V::HAS_FIRST_SNAPSHOT;
        }
        self.rig.input(Input::Connected(connection));
        self.pump();
        self.serve();
    }

    fn cut(&mut self) {
        if let Some(connection) = self.connection {
            self.rig.close(connection);
            self.open.remove(&connection);
            self.gone();
        }
    }

    fn gone(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.venue.exchange.handle(sim::Input::Closed(connection.0.into()), self.rig.now());
        }
        self.held.clear();
        self.toward.clear();
    }

    /// Delivers a message to the venue.
    fn hand_over(&mut self, text: &str) {
        if let Some(connection) = self.connection {
            self.venue.exchange.handle(sim::Input::Frame(connection.0.into(), text), self.rig.now());
            self.pump();
        }
    }

    /// Puts the venue's output on the line. Of its streams only the books, which are what is checked.
    fn pump(&mut self) {
        while let Some(output) = self.venue.exchange.poll() {
            match output {
                sim::Output::Message(_, text) => match V::NUMBERING {
                    Numbering::Sequence(key) if number_under(key, &text).is_some() => self.say_frame(None, &text),
                    _ => {
                        if let Some(connection) = self.connection.filter(|_| !self.is_dead) {
                            self.rig.frame(connection, &text);
                        }
                    }
                },
                sim::Output::Event(event)
                    if ["@depth", "level2/", "book/"].iter().any(|part| event.stream.contains(part)) =>
                {
                    let stream = event.stream.to_uppercase();
                    let symbol = V::SYMBOLS.iter().position(|symbol| stream.contains(symbol));
                    for (_, text) in &event.texts {
                        self.say_frame(symbol, text);
                    }
                }
                sim::Output::Close(..) if !self.is_dead => self.cut(),
                sim::Output::Event(_) | sim::Output::Close(..) | sim::Output::Subscribed => {}
            }
        }
    }

    fn say_frame(&mut self, symbol: Option<usize>, text: &str) {
        let number = match V::NUMBERING {
            Numbering::UpdateId(key) => number_under(key, text).unwrap(),
            // Numbers restart with each connection; in the history they continue.
            Numbering::Sequence(key) => self.n_connections * NUMBERS_OF_A_CONNECTION + number_under(key, text).unwrap(),
            Numbering::Counted => self.seen.n_frames + 1,
        };
        if !matches!(V::NUMBERING, Numbering::UpdateId(_)) {
            self.remember(number);
        }
        self.transmit(Frame { text: text.to_owned(), number, symbol });
    }

    /// Keeps the books under a number in the venue's history.
    fn remember(&mut self, number: u64) {
        self.past.push_back((number, self.venue.books()));
        if self.past.len() > REMEMBERED {
            self.past.pop_front();
        }
    }

    fn transmit(&mut self, frame: Frame) {
        self.seen.n_frames += 1;
        for (n_left, _) in &mut self.held {
            *n_left -= 1;
        }
        let late: Vec<(u64, Frame)> = self.held.extract_if(.., |(n_left, _)| *n_left == 0).collect();
        if self.happens(self.faults.held, "held") {
            let n_left = 1 + below(&mut self.random, 3);
            self.held.push((n_left, frame));
        } else if !self.happens(self.faults.lost, "lost") {
            let is_doubled = self.happens(self.faults.doubled, "doubled");
            self.deliver(frame.clone());
            if is_doubled {
                self.deliver(frame);
            }
        }
        late.into_iter().for_each(|(_, frame)| self.deliver(frame));
    }

    fn deliver(&mut self, frame: Frame) {
        let Some(connection) = self.connection.filter(|_| !self.is_dead) else { return };
        self.look();
        self.heard.newest = self.heard.newest.max(frame.number);
        if self.happens(self.faults.damaged, "damaged") {
            match self.damage(&frame.text) {
                Some(text) => self.rig.frame(connection, &text),
                // Invalid UTF-8 ends a WebSocket connection.
                None => self.cut(),
            }
        } else if self.happens(self.faults.altered, "altered") {
            let text = self.alter(&frame.text);
            self.rig.frame(connection, &text);
            frame.symbol.into_iter().for_each(|symbol| self.heard.last_whole[symbol] = frame.number);
        } else {
            self.rig.frame(connection, &frame.text);
            frame.symbol.into_iter().for_each(|symbol| self.heard.last_whole[symbol] = frame.number);
        }
        self.judge();
    }

    fn damage(&mut self, text: &str) -> Option<String> {
        let member = V::REQUIRED[usize::try_from(below(&mut self.random, V::REQUIRED.len() as u64)).unwrap()];
        let key = format!("\"{member}\":");
        let how = below(&mut self.random, 5);
        match how {
            0 => return None,
            1 if text.contains(&key) => return Some(text.replacen(&key, &format!("\"_{member}\":"), 1)),
            // An object is the wrong type for every field.
            2 if text.contains(&key) => return Some(text.replacen(&key, &format!("{key}{{}},\"_\":"), 1)),
            3 => return Some(text.replacen(':', ";", 1)),
            _ => {}
        }
        let length = usize::try_from(below(&mut self.random, text.len() as u64)).unwrap();
        Some(text[..length].to_owned())
    }

    /// Returns the text with another first digit of one quantity.
    fn alter(&mut self, text: &str) -> String {
        let places: Vec<usize> = text.match_indices(r#""qty":"#).map(|(at, key)| at + key.len()).collect();
        let mut text = text.to_owned();
        if !places.is_empty() {
            let place = places[usize::try_from(below(&mut self.random, places.len() as u64)).unwrap()];
            let digit = if &text[place..=place] == "9" { "8" } else { "9" };
            text.replace_range(place..=place, digit);
        }
        text
    }

    fn note_ask(&mut self, symbol: usize, at: u64) {
        let watch = &mut self.watches[symbol];
        let is_first = std::mem::take(&mut watch.is_first_ask);
        self.seen.n_asked += 1;
        let [before, last] = watch.asks;
        // At once, a second time after one second, then every five; the quick second one is allowed again after a calm
        // half minute.
        let is_calm = last.is_none_or(|last| before.is_none_or(|before| last - before >= 30_000));
        let earliest = last.map_or(0, |last| last + if is_calm { 1_000 } else { 5_000 });
        if !is_first && at + V::MESSAGE_WAIT_MS < earliest {
            self.seen.n_hasty += 1;
        }
        watch.asks = [last, Some(at)];
        let Some(doubted_at) = watch.doubted_at else { return };
        // If a request is repeated because the answer was lost, only the first one counts for the measurement.
        let is_repeated = watch.permitted_at.is_some();
        watch.permitted_at = Some(if is_first || is_repeated { at } else { doubted_at.max(earliest) });
    }

    pub(crate) fn judge(&mut self) {
        for symbol in 0..V::SYMBOLS.len() {
            let tracked = &self.rig.session.books()[&Self::id(symbol)];
            let state = tracked.state;
            match state {
                BookState::Live => {
                    self.seen.n_live += 1;
                    let number = V::standing(symbol, tracked, &self.heard);
                    let mut past = self.past.iter().rev();
                    let truth = past.find(|(known, _)| *known == number).map(|(_, books)| &books[symbol]);
                    let is_right = truth.is_some_and(|truth| equals::<V>(tracked, truth));
                    self.seen.n_silent_errors += u64::from(!is_right || self.connection.is_none());
                }
                BookState::Unverified => self.seen.n_unverified += 1,
                _ => self.seen.n_doubted += 1,
            }
        }
        self.look();
    }

    /// Notes changes of the books' states.
    fn look(&mut self) {
        for symbol in 0..V::SYMBOLS.len() {
            let state = self.tracked(symbol).state;
            let watch = &mut self.watches[symbol];
            let before = std::mem::replace(&mut watch.state, state);
            let is_doubted = |state| matches!(state, BookState::Suspect | BookState::Unverified);
            if is_doubted(state) && !is_doubted(before) {
                watch.contradicted_at.push(self.rig.now_ms);
            }
            match (before, state) {
                (BookState::Unverified, BookState::Unverified) => {}
                (_, BookState::Unverified) => watch.flagged.push((self.rig.now_ms, None)),
                (BookState::Unverified, _) => {
                    watch.flagged.iter_mut().for_each(|(_, until)| *until = until.or(Some(self.rig.now_ms)));
                }
                _ => {}
            }
            if state == BookState::Live {
                watch.doubted_at = None;
                if let Some(permitted_at) = watch.permitted_at.take() {
                    self.seen.resyncs_ms.push(self.rig.now_ms.saturating_sub(permitted_at));
                }
            } else if state == BookState::Unverified {
                (watch.doubted_at, watch.permitted_at) = (None, None);
            } else if before == BookState::Live {
                watch.doubted_at = Some(self.rig.now_ms);
            }
        }
    }
}

/// Returns true for events other than a change of a book's state.
pub(crate) fn is_value(kind: &MarketEventKind) -> bool {
    !matches!(kind, MarketEventKind::Book(BookUpdate::State { .. }) | MarketEventKind::Instrument(_))
}

/// Numbers reserved for one connection.
const NUMBERS_OF_A_CONNECTION: u64 = 1_000_000_000;
/// Frames whose books are remembered: more than the line holds back and a mirror lags behind.
const REMEMBERED: usize = 128;
