//! Drives sessions from the entries of a recording: no socket, no clock, the same events every time.
//!
//! Rules: entries are taken in file order. Each connection of the recording (`conn`, or the only one) has a session of
//! its own, whose symbols come from frames. REST answers are kept until a session asks for that path and symbol; each
//! answers once, limits may differ. What a session wants to send or to open is dropped, its deadlines are not served. An
//! entry without a time repeats the one before it. Not here: reading files.

use std::{collections::BTreeMap, time::Duration};

use model::{
    event::MarketEvent,
    instrument::{Instrument, InstrumentId},
    proof::TrackedBook,
    quality::FeedCounters,
    tape::{TapeEntry, TapeKind},
    time::{Monotonic, Now, Timestamp},
};

use crate::{
    error::VenueError,
    registry,
    session::{CloseReason, ConnectionId, HttpAnswer, HttpRequest, Input, Output, Session, SessionConfig, Symbols},
};

/// A recording under way.
pub struct Replay {
    venue: &'static str,
    connections: BTreeMap<String, Connection>,
    answers: Vec<Answer>,
    last_time: Timestamp,
    elapsed: Duration,
    n_entries: u64,
}

struct Connection {
    session: Box<dyn Session>,
    /// The number the session gave to the connection that is recorded.
    number: Option<ConnectionId>,
    is_open: bool,
    /// The newest connection the session wants, a successor perhaps: the one that comes next in the recording.
    wanted: Option<ConnectionId>,
    outstanding: Vec<HttpRequest>,
}

struct Answer {
    path: String,
    query: Vec<(String, String)>,
    body: String,
}

/// What a recording came to.
#[derive(Clone, Debug)]
pub struct ReplaySummary<'a> {
    /// The venue's name.
    pub venue: &'static str,
    /// Entries taken.
    pub n_entries: u64,
    /// REST answers that no session asked for.
    pub n_unused_answers: usize,
    /// Counters of all connections together.
    pub counters: FeedCounters,
    /// Books by instrument. Where several connections carried one, the served and most recently changed book.
    pub books: BTreeMap<&'a InstrumentId, &'a TrackedBook>,
    /// What is known of the instruments.
    pub instruments: BTreeMap<&'a InstrumentId, &'a Instrument>,
}

impl Replay {
    /// Nothing is taken yet.
    ///
    /// # Errors
    /// The venue is unknown.
    pub fn new(venue: &str) -> Result<Self, VenueError> {
        Ok(Self {
            venue: registry::info(venue)?.name,
            connections: BTreeMap::new(),
            answers: Vec::new(),
            last_time: Timestamp::EPOCH,
            elapsed: Duration::ZERO,
            n_entries: 0,
        })
    }

    /// Takes an entry; each event goes to `on_event` at once.
    pub fn feed(&mut self, entry: &TapeEntry<'_>, mut on_event: impl FnMut(&MarketEvent)) {
        self.n_entries += 1;
        let now = self.tick(entry);
        let name = entry.conn.as_deref().unwrap_or_default();
        match (entry.t, entry.data.as_deref()) {
            (TapeKind::Header | TapeKind::Send, _) | (TapeKind::Recv | TapeKind::Http, None) => {}
            (TapeKind::Connect, _) => self.with(name, now, &mut on_event, |connection| connection.open()),
            (TapeKind::Recv, Some(text)) => {
                self.with(name, now, &mut on_event, |connection| connection.open());
                self.with(name, now, &mut on_event, |connection| {
                    connection.number.map(|number| Input::Frame(number, text))
                });
            }
            (TapeKind::Close, detail) => {
                let detail = detail.unwrap_or_default().to_owned();
                self.with(name, now, &mut on_event, |connection| connection.close(detail));
            }
            (TapeKind::Http, Some(body)) => {
                let Some((path, query)) = entry.url.as_deref().and_then(split_url) else { return };
                if self.answers.len() >= WAITING_ANSWERS {
                    self.answers.remove(0);
                }
                self.answers.push(Answer { path, query, body: body.to_owned() });
                let names: Vec<String> = self.connections.keys().cloned().collect();
                names.iter().for_each(|name| self.answer(name, now, &mut on_event));
            }
        }
    }

    /// What it came to so far.
    pub fn summary(&self) -> ReplaySummary<'_> {
        let mut summary = ReplaySummary {
            venue: self.venue,
            n_entries: self.n_entries,
            n_unused_answers: self.answers.len(),
            counters: FeedCounters::default(),
            books: BTreeMap::new(),
            instruments: BTreeMap::new(),
        };
        for connection in self.connections.values() {
            add(&mut summary.counters, &connection.session.health().counters);
            for (id, book) in connection.session.books() {
                let worth = |book: &TrackedBook| (book.state.is_served(), book.receive_time, book.counters.updates);
                let known = summary.books.entry(id).or_insert(book);
                if worth(book) > worth(known) {
                    *known = book;
                }
            }
            let instruments = connection.session.instruments().iter();
            summary.instruments.extend(instruments.map(|instrument| (&instrument.id, instrument.as_ref())));
        }
        summary
    }

    /// The sessions, one a recorded connection.
    pub fn sessions(&self) -> impl Iterator<Item = &dyn Session> {
        self.connections.values().map(|connection| connection.session.as_ref())
    }

    fn tick(&mut self, entry: &TapeEntry<'_>) -> Now {
        if let Some(time) = entry.receive_time() {
            // The first time says when the recording began, not how long something took.
            if self.last_time != Timestamp::EPOCH {
                self.elapsed += time.saturating_since(self.last_time);
            }
            self.last_time = time;
        }
        Now { monotonic: Monotonic::from_zero(self.elapsed), wall: self.last_time }
    }

    /// Hands the input that `make` gives to the session of that connection.
    fn with<'a>(
        &mut self,
        name: &str,
        now: Now,
        on_event: &mut impl FnMut(&MarketEvent),
        make: impl FnOnce(&mut Connection) -> Option<Input<'a>>,
    ) {
        if !self.connections.contains_key(name) {
            if self.connections.len() >= CONNECTIONS {
                return;
            }
            let config = SessionConfig { symbols: Symbols::FromFrames, ..SessionConfig::default() };
            // The name was checked when the replay was made.
            let Ok(session) = registry::open(self.venue, &config) else { return };
            let connection =
                Connection { session, number: None, is_open: false, wanted: None, outstanding: Vec::new() };
            let connection = self.connections.entry(name.to_owned()).or_insert(connection);
            connection.session.handle(Input::Start, now);
            connection.drain(on_event);
        }
        let Some(connection) = self.connections.get_mut(name) else { return };
        if let Some(input) = make(connection) {
            connection.session.handle(input, now);
            connection.drain(on_event);
        }
        self.answer(name, now, on_event);
    }

    /// Answers what the session asks for, as far as the recording has it.
    fn answer(&mut self, name: &str, now: Now, on_event: &mut impl FnMut(&MarketEvent)) {
        let Some(connection) = self.connections.get_mut(name) else { return };
        while let Some((request_idx, answer_idx)) =
            connection.outstanding.iter().enumerate().find_map(|(idx, request)| {
                // Of several the latest recorded one is the freshest.
                self.answers.iter().rposition(|answer| answer.is_for(request)).map(|answer_idx| (idx, answer_idx))
            })
        {
            let request = connection.outstanding.remove(request_idx);
            let answer = self.answers.remove(answer_idx);
            // Older answers to the same question are out of date now.
            self.answers.retain(|older| !older.is_for(&request));
            let input = HttpAnswer { status: 200, retry_after: None, used_weight: None, body: &answer.body };
            connection.session.handle(Input::Http(request.id, Ok(input)), now);
            connection.drain(on_event);
        }
    }
}

impl Connection {
    fn open(&mut self) -> Option<Input<'static>> {
        if self.is_open {
            return None;
        }
        self.number = Some(self.wanted.take()?);
        self.is_open = true;
        self.number.map(Input::Connected)
    }

    fn close(&mut self, detail: String) -> Option<Input<'static>> {
        let number = self.number.filter(|_| self.is_open)?;
        self.is_open = false;
        Some(Input::Closed(number, CloseReason::Ended { code: None, detail }))
    }

    fn drain(&mut self, on_event: &mut impl FnMut(&MarketEvent)) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Event(event) => on_event(&event),
                Output::Http(request) => {
                    if self.outstanding.len() >= OUTSTANDING_REQUESTS {
                        self.outstanding.remove(0);
                    }
                    self.outstanding.push(request);
                }
                Output::Connect { connection, .. } => self.wanted = Some(connection),
                Output::Send(..) | Output::Close(_) => {}
            }
        }
    }
}

impl Answer {
    /// The same path, and no parameter that both name differs: limits and lists of symbols may.
    fn is_for(&self, request: &HttpRequest) -> bool {
        let is_free = |key: &str| matches!(key, "limit" | "symbols" | "startTime" | "endTime");
        let given = |key: &str| self.query.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        self.path == request.path.as_ref()
            && request.query.iter().filter(|(key, _)| !is_free(key)).all(|(key, value)| given(key) == Some(value))
    }
}

/// Path and query of an address, escapes resolved.
fn split_url(url: &str) -> Option<(String, Vec<(String, String)>)> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path_and_query = &rest[rest.find('/')?..];
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let query = query.split('#').next().unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    Some((path.to_owned(), pairs.map(|(key, value)| (unescape(key), unescape(value))).collect()))
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut idx = 0;
    while let Some(byte) = bytes.get(idx) {
        let escaped =
            text.get(idx + 1..idx + 3).filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        plain.push(escaped.unwrap_or(*byte));
        idx += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn add(sum: &mut FeedCounters, other: &FeedCounters) {
    let FeedCounters {
        frames,
        malformed,
        unknown,
        trades,
        quotes,
        books,
        others,
        gaps,
        duplicates,
        out_of_order,
        resyncs,
        reconnects,
    } = other;
    sum.frames += frames;
    sum.malformed += malformed;
    sum.unknown += unknown;
    sum.trades += trades;
    sum.quotes += quotes;
    sum.books += books;
    sum.others += others;
    sum.gaps += gaps;
    sum.duplicates += duplicates;
    sum.out_of_order += out_of_order;
    sum.resyncs += resyncs;
    sum.reconnects += reconnects;
}

/// Connections that a recording may name; frames of further ones are passed over.
const CONNECTIONS: usize = 256;
/// REST answers that wait for a question; a snapshot has some 70 kB.
const WAITING_ANSWERS: usize = 4_096;
/// Questions that wait for an answer, of one connection.
const OUTSTANDING_REQUESTS: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::RequestId;

    #[test]
    fn addresses_are_split_and_unescaped() {
        #[track_caller]
        fn check(url: &str, path: &str, query: &[(&str, &str)]) {
            let (found_path, found) = split_url(url).unwrap();
            let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            assert_eq!((found_path.as_str(), found.as_slice()), (path, query), "{url}");
        }
        check(
            "https://host.test/a/b?x=1&y=%5B%22A%22%5D&z=%zz&bad",
            "/a/b",
            &[("x", "1"), ("y", "[\"A\"]"), ("z", "%zz")],
        );
        check("https://host.test/a#part", "/a#part", &[]);
        check("/a?x=%", "/a", &[("x", "%")]);
        check("/a?x=%E2%82", "/a", &[("x", "\u{fffd}")]);
        assert!(split_url("https://host.test").is_none());
    }

    #[test]
    fn answers_fit_path_and_symbol_whatever_the_limit() {
        #[track_caller]
        fn check(url: &str, is_match: bool) {
            let (path, query) = split_url(url).unwrap();
            let answer = Answer { path, query, body: String::new() };
            let query = vec![("symbol", "A".to_owned()), ("limit", "1000".to_owned())];
            let request = HttpRequest { id: RequestId(1), path: "/depth".into(), query, weight: 1, body: None };
            assert_eq!(answer.is_for(&request), is_match, "{url}");
        }
        check("https://host.test/depth?symbol=A&limit=5", true);
        check("https://host.test/depth?symbol=A", true);
        check("https://host.test/depth?symbol=B&limit=1000", false);
        check("https://host.test/depth", false);
        check("https://host.test/other?symbol=A", false);
    }

    #[test]
    fn a_recorded_cut_is_a_cut_announced_or_not() {
        for announcement in [None, Some(r#"{"e":"serverShutdown","E":1}"#)] {
            let mut replay = Replay::new("binance").unwrap();
            let mut n_events = 0;
            let mut feed = |t, data: Option<&str>| {
                let entry = TapeEntry { t, ts: None, conn: None, url: None, data: data.map(Into::into) };
                replay.feed(&entry, |_| n_events += 1);
            };
            let quote = |number: u32| format!(r#"{{"u":{number},"s":"A","b":"1","B":"1","a":"2","A":"1"}}"#);
            feed(TapeKind::Recv, Some(&quote(1)));
            if announcement.is_some() {
                feed(TapeKind::Recv, announcement);
            }
            feed(TapeKind::Close, None);
            feed(TapeKind::Close, None);
            feed(TapeKind::Connect, None);
            feed(TapeKind::Recv, Some(&quote(2)));
            feed(TapeKind::Send, Some("{}"));
            assert_eq!((replay.summary().counters.quotes, replay.summary().counters.reconnects), (2, 1));
            assert_eq!(n_events, 2, "{announcement:?}");
        }
    }

    #[test]
    fn unknown_venues_are_refused() {
        assert!(Replay::new("nowhere").is_err());
    }
}
