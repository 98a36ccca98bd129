//! A bad line between a venue and a session, and the judge beside it.
//!
//! Frames of a made-up venue are lost, doubled, held back, damaged, or the connection is cut, all from a seed and in virtual
//! time. After every frame each book is judged: one that says it is live has to be the venue's own at its position, and a
//! question for a fresh snapshot has to keep its distance. Not here: what the venues say ([`Venue`] and its three rooms).

use std::collections::{BTreeMap, VecDeque};

use model::{
    instrument::InstrumentId,
    proof::{BookState, TrackedBook},
};
use venues::{
    backoff::Jitter,
    session::{ConnectionId, HttpRequest, Input, Output},
};

use crate::{
    ladder::{Sides, below, equals},
    support::{Rig, listed},
};

/// What a venue says on a connection.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// Comes as it is, at once.
    Surely(String),
    /// Passes the bad line.
    Frame(Frame),
}

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) text: String,
    /// Its place in the venue's own history of the books.
    pub(crate) number: u64,
    /// The book it is about; `None` where it is about none.
    pub(crate) symbol: Option<usize>,
}

/// What has come through so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// The highest number, damaged frames included.
    pub(crate) newest: u64,
    /// Of each symbol the number of the last frame that was not damaged.
    pub(crate) last_whole: Vec<u64>,
}

/// A made-up venue: it has the books, makes the frames, and answers.
pub(crate) trait Venue {
    const NAME: &'static str;
    const SYMBOLS: [&'static str; 2];
    /// Decimals of prices and quantities.
    const DECIMALS: (u32, u32);
    /// Rows a side that the venue's protocol proves.
    const DEPTH: usize;
    /// Between two frames, in milliseconds.
    const SPACING_MS: u64;
    /// True where subscribing brings a snapshot without being asked for one.
    const HAS_FIRST_SNAPSHOT: bool;
    /// Members that a frame about a book cannot do without.
    const REQUIRED: &'static [&'static str];

    fn new(random: Jitter) -> Self;
    /// The books as they are.
    fn books(&self) -> [&Sides; 2];
    /// A connection is open.
    fn connected(&mut self) {}
    /// Something changes.
    fn go_on(&mut self) -> Vec<Said>;
    /// The session sent a message.
    fn take(&mut self, text: &str) -> Vec<Said>;
    /// Symbols whose snapshots a message or a request asks for.
    fn asked(output: &Output) -> Vec<usize>;
    /// Status and body of an answer; `past` holds the books by number, the newest last.
    fn answer(&mut self, request: &HttpRequest, past: &VecDeque<(u64, [Sides; 2])>) -> (u16, String);
    /// The number at which a live book stands.
    fn standing(symbol: usize, tracked: &TrackedBook, heard: &Heard) -> u64;
}

/// Of ten thousand frames so many meet each fate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Until one to three others have passed.
    pub(crate) held: u64,
    /// So that it shows: UTF-8, JSON, a type or a required member.
    pub(crate) damaged: u64,
    /// One digit of a quantity, so that only a checksum can show it.
    pub(crate) altered: u64,
    /// The connection ends.
    pub(crate) cut: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) n_frames: u64,
    /// Comparisons of live books with the venue's, and how many failed.
    pub(crate) n_live: u64,
    pub(crate) n_silent_errors: u64,
    pub(crate) n_unverified: u64,
    pub(crate) n_doubted: u64,
    /// Times that each thing was done to a frame.
    pub(crate) done: BTreeMap<&'static str, u64>,
    /// Snapshots asked for, and those asked for too soon after the one before.
    pub(crate) n_asked: u64,
    pub(crate) n_hasty: u64,
    /// From when a snapshot was permitted until the book was live, in milliseconds.
    pub(crate) resyncs_ms: Vec<u64>,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.n_frames += other.n_frames;
        self.n_live += other.n_live;
        self.n_silent_errors += other.n_silent_errors;
        self.n_unverified += other.n_unverified;
        self.n_doubted += other.n_doubted;
        other.done.into_iter().for_each(|(what, n_done)| *self.done.entry(what).or_default() += n_done);
        self.n_asked += other.n_asked;
        self.n_hasty += other.n_hasty;
        self.resyncs_ms.extend(other.resyncs_ms);
    }

    pub(crate) fn resync_p99_ms(&self) -> u64 {
        let mut sorted = self.resyncs_ms.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() * 99 / 100).or(sorted.last()).copied().unwrap_or(0)
    }

    /// Share of the comparisons that found the book live.
    pub(crate) fn live_share(&self) -> f64 {
        self.n_live as f64 / (self.n_live + self.n_unverified + self.n_doubted).max(1) as f64
    }
}

/// What is known of one book over time; times in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) state: BookState,
    /// When it ceased to be served, or the connection opened.
    doubted_at: Option<u64>,
    /// When the snapshot that will make it live was permitted.
    permitted_at: Option<u64>,
    /// The last two times that a snapshot was asked for, the newer one last.
    asks: [Option<u64>; 2],
    /// The next question is part of subscribing on a new connection.
    is_first_ask: bool,
    /// When something contradicted it, and when it was flagged for that and when it was live again.
    pub(crate) contradicted_at: Vec<u64>,
    pub(crate) flagged: Vec<(u64, Option<u64>)>,
}

/// The venue, the line and the session.
pub(crate) struct Line<V: Venue> {
    pub(crate) rig: Rig,
    pub(crate) venue: V,
    pub(crate) faults: Faults,
    pub(crate) seen: Seen,
    pub(crate) watches: [Watch; 2],
    random: Jitter,
    connection: Option<ConnectionId>,
    /// When the connection that is wanted will be open.
    opening: Option<(u64, ConnectionId)>,
    /// With the number of frames that are to pass before.
    held: Vec<(u64, Frame)>,
    requests: VecDeque<(u64, HttpRequest)>,
    pub(crate) past: VecDeque<(u64, [Sides; 2])>,
    heard: Heard,
}

impl<V: Venue> Line<V> {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let mut random = Jitter::new(seed);
        let venue = V::new(Jitter::new(random.next_u64()));
        let mut line = Self {
            rig: Rig::of(V::NAME, &listed(&V::SYMBOLS)),
            venue,
            faults,
            seen: Seen::default(),
            watches: [Watch::default(), Watch::default()],
            random,
            connection: None,
            opening: None,
            held: Vec::new(),
            requests: VecDeque::new(),
            past: VecDeque::new(),
            heard: Heard { newest: 0, last_whole: vec![0; 2] },
        };
        line.serve();
        line
    }

    pub(crate) fn id(symbol: usize) -> InstrumentId {
        InstrumentId::parse(&format!("{}:{}", V::NAME, V::SYMBOLS[symbol])).unwrap()
    }

    pub(crate) fn tracked(&self, symbol: usize) -> &TrackedBook {
        &self.rig.session.books()[&Self::id(symbol)]
    }

    /// Time passes, the venue's books change, and what it says of that goes over the line.
    pub(crate) fn step(&mut self) {
        self.rig.run(V::SPACING_MS);
        self.serve();
        self.open();
        while self.requests.front().is_some_and(|(due, _)| *due <= self.rig.now_ms) {
            let Some((_, request)) = self.requests.pop_front() else { break };
            let (status, body) = self.venue.answer(&request, &self.past);
            self.rig.answer(request.id, status, None, &body);
        }
        for said in self.venue.go_on() {
            self.say(said);
        }
        if self.happens(self.faults.cut, "cut") {
            self.cut();
        }
        self.serve();
        self.judge();
    }

    fn happens(&mut self, rate: u64, what: &'static str) -> bool {
        let does = below(&mut self.random, 10_000) < rate;
        if does {
            *self.seen.done.entry(what).or_default() += 1;
        }
        does
    }

    /// Carries out what the session wants.
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
                    Output::Close(connection) if self.connection == Some(connection) => self.gone(),
                    Output::Send(connection, text) if self.connection == Some(connection) => {
                        for said in self.venue.take(&text) {
                            self.say(said);
                        }
                    }
                    Output::Http(request) => {
                        let due = self.rig.now_ms + 50 + below(&mut self.random, 400);
                        self.requests.push_back((due, request));
                    }
                    Output::Close(_) | Output::Send(..) | Output::Event(_) => {}
                }
            }
        }
    }

    fn open(&mut self) {
        let Some((_, connection)) = self.opening.take_if(|(due, _)| *due <= self.rig.now_ms) else { return };
        self.connection = Some(connection);
        self.venue.connected();
        self.heard = Heard { newest: 0, last_whole: vec![0; 2] };
        for watch in &mut self.watches {
            (watch.doubted_at, watch.permitted_at) = (Some(self.rig.now_ms), None);
            watch.is_first_ask = V::HAS_FIRST_SNAPSHOT;
        }
        self.rig.input(Input::Connected(connection));
        self.serve();
    }

    fn cut(&mut self) {
        if let Some(connection) = self.connection {
            self.rig.close(connection);
            self.gone();
        }
    }

    fn gone(&mut self) {
        self.connection = None;
        self.held.clear();
    }

    fn say(&mut self, said: Said) {
        match said {
            Said::Surely(text) => {
                if let Some(connection) = self.connection {
                    self.rig.frame(connection, &text);
                }
            }
            Said::Frame(frame) => {
                let [one, two] = self.venue.books();
                self.past.push_back((frame.number, [one.clone(), two.clone()]));
                if self.past.len() > REMEMBERED {
                    self.past.pop_front();
                }
                self.transmit(frame);
            }
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
        let Some(connection) = self.connection else { return };
        self.look();
        self.heard.newest = self.heard.newest.max(frame.number);
        if self.happens(self.faults.damaged, "damaged") {
            match self.damage(&frame.text) {
                Some(text) => self.rig.frame(connection, &text),
                // What is no UTF-8 ends a WebSocket connection.
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
            // An object is the wrong type everywhere.
            2 if text.contains(&key) => return Some(text.replacen(&key, &format!("{key}{{}},\"_\":"), 1)),
            3 => return Some(text.replacen(':', ";", 1)),
            _ => {}
        }
        let length = usize::try_from(below(&mut self.random, text.len() as u64)).unwrap();
        Some(text[..length].to_owned())
    }

    /// With another first digit of one quantity.
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
        // At once, a second time after one second, then every five; the quick second one again after half a calm minute.
        let is_calm = last.is_none_or(|last| before.is_none_or(|before| last - before >= 30_000));
        let earliest = last.map_or(0, |last| last + if is_calm { 1_000 } else { 5_000 });
        if !is_first && at + MESSAGE_WAIT_MS < earliest {
            self.seen.n_hasty += 1;
        }
        watch.asks = [last, Some(at)];
        let Some(doubted_at) = watch.doubted_at else { return };
        // Of a second question in the same need the first one, whose answer was lost, is not the measure.
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

    /// Notes what the books' states have become.
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

/// Frames whose books are remembered: more than the line holds back and a mirror lags behind.
const REMEMBERED: usize = 128;
/// A message may wait so long for the one before it, in milliseconds.
const MESSAGE_WAIT_MS: u64 = 500;
