//! Drives sessions from the entries of a recording: no socket, no clock, the same events every time.
//!
//! Rules: entries are processed in file order. Each connection of the recording (`conn`, or the only one) has its own
//! session, whose symbols come from frames. REST answers are kept until a session requests that path and symbol; each
//! answers once, limits may differ; if the recording has none, another session's live book answers instead of the venue
//! (a planned roll-over: the feed had the book already). Frames and connections that a session requests are dropped,
//! its deadlines are not served. An entry without a time repeats the previous one. Data that a recorder knew before it
//! began (`prelude`) counts at the beginning only.
//!
//! A replay takes the place of a session: it lends books, health and instruments to their publisher, after
//! [`Replay::settle`]. Not here: reading files, pace.
//!
//! # Layout
//! - `answers`: REST answers and the requests they fit · `merged`: several sessions as one

mod answers;
mod merged;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use model::{
    event::{HistoryRequest, MarketEvent, MarketEventKind},
    instrument::{Instrument, InstrumentId, Venue},
    proof::{Books, TrackedBook},
    quality::FeedCounters,
    recording_entry::{EntryKind, RecordingEntry},
    status::{FeedCause, FeedHealth},
    time::{Monotonic, Now, Timestamp},
};

use self::{
    answers::{Answer, split_url},
    merged::{SessionUnion, add, worth},
};
use crate::{
    error::VenueError,
    registry,
    session::{
        CloseReason, ConnectionId, HttpAnswer, HttpRequest, Input, Output, Session, SessionConfig, SnapshotFrame,
        Symbols,
    },
};

/// A recording being replayed.
pub struct Replay {
    /// The venue of the protocol.
    protocol: &'static str,
    /// The venue name of its instruments.
    venue: Venue,
    connections: BTreeMap<String, RecordedConnection>,
    answers: Vec<Answer>,
    last_time: Timestamp,
    latest_time: Timestamp,
    elapsed: Duration,
    n_entries: u64,
    /// True once an entry other than headers and preludes was processed.
    has_begun: bool,
    merged: SessionUnion,
    /// Books that changed since the last [`Replay::settle`]; kept only if several sessions must be merged.
    changed: BTreeSet<InstrumentId>,
    /// Requests for history of instruments that no frame has named yet.
    early: Vec<HistoryRequest>,
    /// Instruments and books that frames and answers had named when those history requests were last checked.
    n_named: usize,
}

struct RecordedConnection {
    session: Box<dyn Session>,
    /// The session's number for the recorded connection.
    number: Option<ConnectionId>,
    is_open: bool,
    /// The newest connection that the session requested, possibly a successor: the next one in the recording.
    wanted: Option<ConnectionId>,
    outstanding: Vec<Question>,
}

/// A request of a session.
struct Question {
    request: HttpRequest,
    /// True once the other sessions were checked for an answer.
    is_passed_on: bool,
}

/// The result of a recording.
#[derive(Clone, Debug)]
pub struct ReplaySummary<'a> {
    /// The venue's name.
    pub venue: &'static str,
    /// Entries processed.
    pub n_entries: u64,
    /// REST answers that no session requested.
    pub n_unused_answers: usize,
    /// Counters of all connections combined.
    pub counters: FeedCounters,
    /// Books by instrument. If several connections carried one, the served and most recently changed book.
    pub books: BTreeMap<&'a InstrumentId, &'a TrackedBook>,
    /// The known instruments.
    pub instruments: BTreeMap<&'a InstrumentId, &'a Instrument>,
    /// The venue's own restriction or announcement in force at the end of the recording. Failures of a recorded connection
    /// are left out.
    pub cause: Option<&'a FeedCause>,
}

impl Replay {
    /// Creates a replay that has not processed any entry.
    ///
    /// # Errors
    /// The venue is unknown.
    pub fn new(venue: &str) -> Result<Self, VenueError> {
        Self::under(venue, &Venue::new(venue))
    }

    /// Creates the same as [`Self::new`], with instruments under another venue name, separate from the venue's own.
    ///
    /// # Errors
    /// The venue is unknown.
    pub fn under(venue: &str, name: &Venue) -> Result<Self, VenueError> {
        Ok(Self {
            protocol: registry::info(venue)?.name,
            venue: name.clone(),
            connections: BTreeMap::new(),
            answers: Vec::new(),
            last_time: Timestamp::EPOCH,
            latest_time: Timestamp::EPOCH,
            elapsed: Duration::ZERO,
            n_entries: 0,
            has_begun: false,
            merged: SessionUnion::default(),
            changed: BTreeSet::new(),
            early: Vec::new(),
            n_named: 0,
        })
    }

    /// Processes an entry; each event goes to `on_event` at once.
    pub fn feed(&mut self, entry: &RecordingEntry<'_>, mut on_event: impl FnMut(&MarketEvent)) {
        self.n_entries += 1;
        let now = self.tick(entry);
        if entry.is_prelude && self.has_begun {
            return;
        }
        self.has_begun |= !entry.is_prelude && entry.t != EntryKind::Header;
        self.noting_books(|replay, changed| {
            let mut on_event = |event: &MarketEvent| {
                if let Some(changed) = changed.as_mut().filter(|_| matches!(event.kind, MarketEventKind::Book(_))) {
                    changed.insert(event.instrument.clone());
                }
                on_event(event);
            };
            replay.take(entry, now, &mut on_event);
        });
        if !self.early.is_empty() {
            self.repeat_early_requests(&mut on_event);
        }
    }

    /// Checks early requests again if something has been named since.
    fn repeat_early_requests(&mut self, on_event: &mut impl FnMut(&MarketEvent)) {
        let n_named = self.sessions().map(|session| session.books().len() + session.instruments().len()).sum();
        if std::mem::replace(&mut self.n_named, n_named) != n_named {
            for request in std::mem::take(&mut self.early) {
                self.request_history(&request, &mut *on_event);
            }
        }
    }

    /// Requests history as a feed does. The recording answers if it contains the venue's answer; the events go to
    /// `on_event`, at once or while later entries are processed.
    pub fn request_history(&mut self, request: &HistoryRequest, mut on_event: impl FnMut(&MarketEvent)) {
        let now = self.now();
        if !self.is_named(&request.instrument) && self.early.len() < EARLY_REQUESTS {
            self.early.push(request.clone());
            return;
        }
        for name in self.names() {
            self.with(&name, now, &mut on_event, |_| Some(Input::HistoryRequest(request.clone())));
        }
    }

    /// Returns true if a session follows the instrument by now.
    fn is_named(&self, id: &InstrumentId) -> bool {
        self.sessions().any(|session| {
            session.books().contains_key(id) || session.instruments().iter().any(|known| known.id == *id)
        })
    }

    /// Updates the lent data. Call it before books, health or instruments are read.
    pub fn settle(&mut self) {
        if self.connections.len() > 1 {
            let changed = std::mem::take(&mut self.changed);
            self.merged.update(self.connections.values().map(|connection| connection.session.as_ref()), &changed);
        }
    }

    /// Returns the result so far.
    pub fn summary(&self) -> ReplaySummary<'_> {
        let mut summary = ReplaySummary {
            venue: self.protocol,
            n_entries: self.n_entries,
            n_unused_answers: self.answers.len(),
            counters: FeedCounters::default(),
            books: BTreeMap::new(),
            instruments: BTreeMap::new(),
            cause: None,
        };
        for connection in self.connections.values() {
            let is_said = |cause: &&FeedCause| cause.is_restriction() || matches!(cause, FeedCause::Maintenance { .. });
            summary.cause = summary.cause.or(connection.session.health().cause.as_ref().filter(is_said));
            add(&mut summary.counters, &connection.session.health().counters);
            for (id, book) in connection.session.books() {
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

    /// Iterates over the sessions, one for each recorded connection.
    pub fn sessions(&self) -> impl Iterator<Item = &dyn Session> {
        self.connections.values().map(|connection| connection.session.as_ref())
    }

    fn take(&mut self, entry: &RecordingEntry<'_>, now: Now, on_event: &mut impl FnMut(&MarketEvent)) {
        let name = entry.conn.as_deref().filter(|name| !name.is_empty()).unwrap_or(UNNAMED);
        match (entry.t, entry.data.as_deref()) {
            (EntryKind::Header | EntryKind::Send, _) | (EntryKind::Recv | EntryKind::Http, None) => {}
            (EntryKind::Connect, _) => self.with(name, now, on_event, |connection| connection.open()),
            (EntryKind::Recv, Some(text)) => {
                if self.connections.get(name).is_none_or(|connection| !connection.is_open) {
                    self.with(name, now, on_event, |connection| connection.open());
                }
                self.with(name, now, on_event, |connection| connection.number.map(|number| Input::Frame(number, text)));
            }
            (EntryKind::Close, detail) => {
                let detail = detail.unwrap_or_default().to_owned();
                self.with(name, now, on_event, |connection| connection.close(detail));
            }
            (EntryKind::Http, Some(body)) => {
                let Some((path, query)) = entry.url.as_deref().and_then(split_url) else { return };
                if self.answers.len() >= WAITING_ANSWERS {
                    self.answers.remove(0);
                }
                let request = entry.request.as_deref().map(str::to_owned);
                self.answers.push(Answer { path, query, request, body: body.to_owned() });
                self.names().iter().for_each(|name| self.answer(name, now, on_event));
            }
        }
    }

    /// Runs `act`, which notes changed books if there are several sessions to merge.
    fn noting_books(&mut self, act: impl FnOnce(&mut Self, &mut Option<BTreeSet<InstrumentId>>)) {
        let n_sessions = self.connections.len();
        let mut changed = (n_sessions > 1).then(|| std::mem::take(&mut self.changed));
        act(self, &mut changed);
        if let Some(changed) = changed {
            self.changed = changed;
        }
        if n_sessions < 2 && self.connections.len() > 1 {
            // From now on they are merged: all existing books count as changed.
            let sessions = self.connections.values();
            self.changed = sessions.flat_map(|connection| connection.session.books().keys().cloned()).collect();
        }
    }

    fn tick(&mut self, entry: &RecordingEntry<'_>) -> Now {
        // A header says when the file was made; no time passed then.
        if let Some(time) = entry.receive_time().filter(|_| entry.t != EntryKind::Header) {
            // The first time says when the recording began, not how long something took. Answers have the time of
            // handling and frames the time of reading, so times may go back slightly.
            if self.latest_time != Timestamp::EPOCH {
                self.elapsed += time.saturating_since(self.latest_time);
            }
            self.latest_time = self.latest_time.max(time);
            self.last_time = time;
        }
        self.now()
    }

    fn now(&self) -> Now {
        Now { monotonic: Monotonic::from_zero(self.elapsed), wall: self.last_time }
    }

    fn names(&self) -> Vec<String> {
        self.connections.keys().cloned().collect()
    }

    /// Passes the input made by `make` to the session of that connection.
    fn with<'a>(
        &mut self,
        name: &str,
        now: Now,
        on_event: &mut impl FnMut(&MarketEvent),
        make: impl FnOnce(&mut RecordedConnection) -> Option<Input<'a>>,
    ) {
        if !self.connections.contains_key(name) {
            if self.connections.len() >= CONNECTIONS {
                return;
            }
            let venue_name = (self.venue.as_str() != self.protocol).then(|| self.venue.as_str().to_owned());
            let config = SessionConfig { symbols: Symbols::FromFrames, venue_name, ..SessionConfig::default() };
            // The name was checked when the replay was created.
            let Ok(session) = registry::open(self.protocol, &config) else { return };
            let connection =
                RecordedConnection { session, number: None, is_open: false, wanted: None, outstanding: Vec::new() };
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

    /// Answers the session's requests, as far as the recording or another session can.
    fn answer(&mut self, name: &str, now: Now, on_event: &mut impl FnMut(&MarketEvent)) {
        loop {
            let Some(connection) = self.connections.get(name) else { return };
            let recorded = connection.outstanding.iter().enumerate().find_map(|(idx, question)| {
                // The longest one: candles that a feed requested to fill a gap are not the whole history. Of equally
                // long ones the latest recorded is the freshest.
                let fitting = self.answers.iter().enumerate().filter(|(_, answer)| answer.is_for(&question.request));
                let answer_idx = fitting.max_by_key(|(answer_idx, answer)| (answer.limit(), *answer_idx));
                answer_idx.map(|(answer_idx, _)| (idx, answer_idx))
            });
            let (question_idx, body) = match recorded {
                Some((question_idx, answer_idx)) => {
                    let answer = self.answers.remove(answer_idx);
                    // Older answers to the same question are out of date now; later ones may contain what followed.
                    let request = &connection.outstanding[question_idx].request;
                    let mut idx = 0;
                    self.answers.retain(|other| {
                        idx += 1;
                        idx > answer_idx || !other.is_for(request) || !other.is_about_the_same(&answer)
                    });
                    (question_idx, answer.body)
                }
                None => match self.ask_the_others(name) {
                    Some(found) => found,
                    None => return,
                },
            };
            let Some(connection) = self.connections.get_mut(name) else { return };
            let request = connection.outstanding.remove(question_idx).request;
            let input = HttpAnswer { status: 200, retry_after: None, used_weight: None, body: &body };
            connection.session.handle(Input::Http(request.id, Ok(input)), now);
            connection.drain(on_event);
        }
    }

    /// Returns another session's live book that answers a request of this one; each request is tried once.
    fn ask_the_others(&mut self, name: &str) -> Option<(usize, String)> {
        let connection = self.connections.get_mut(name)?;
        if connection.outstanding.iter().all(|question| question.is_passed_on) {
            return None;
        }
        let is_new: Vec<bool> = connection
            .outstanding
            .iter_mut()
            .map(|question| !std::mem::replace(&mut question.is_passed_on, true))
            .collect();
        if self.connections.len() < 2 || !is_new.contains(&true) {
            return None;
        }
        let others = self.connections.iter().filter(|(other, _)| *other != name);
        let snapshots: Vec<Answer> = others
            .flat_map(|(_, connection)| connection.session.snapshot_frames(usize::MAX))
            .filter_map(|frame| match frame {
                SnapshotFrame::Answer { path, query, body } => {
                    let query = query.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
                    Some(Answer { path: path.into_owned(), query, request: None, body })
                }
                SnapshotFrame::Frame(..) => None,
            })
            .collect();
        let outstanding = &self.connections.get(name)?.outstanding;
        let found = outstanding.iter().enumerate().find_map(|(idx, question)| {
            let snapshot = snapshots.iter().find(|snapshot| is_new[idx] && snapshot.is_for(&question.request))?;
            Some((idx, snapshot.body.clone()))
        })?;
        // Further ones are found in the next round.
        if let Some(connection) = self.connections.get_mut(name) {
            let questions = connection.outstanding.iter_mut().zip(&is_new).skip(found.0 + 1);
            questions.for_each(|(question, is_new)| question.is_passed_on = !is_new);
        }
        Some(found)
    }

    /// Returns the only session, which is lent directly.
    fn single(&self) -> Option<&dyn Session> {
        let mut sessions = self.connections.values();
        sessions.next().filter(|_| sessions.next().is_none()).map(|connection| connection.session.as_ref())
    }
}

impl Session for Replay {
    fn venue(&self) -> &Venue {
        &self.venue
    }

    /// The recording is the only input.
    fn handle(&mut self, _input: Input<'_>, _now: Now) {}

    fn poll_output(&mut self) -> Option<Output> {
        None
    }

    fn deadline(&self) -> Option<Monotonic> {
        None
    }

    fn books(&self) -> &Books {
        self.single().map_or(&self.merged.books, Session::books)
    }

    fn health(&self) -> &FeedHealth {
        self.single().map_or(&self.merged.health, Session::health)
    }

    fn instruments(&self) -> &[Arc<Instrument>] {
        self.single().map_or(&self.merged.instruments, Session::instruments)
    }
}

impl RecordedConnection {
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
                    self.outstanding.push(Question { request, is_passed_on: false });
                }
                Output::Connect { connection, .. } => self.wanted = Some(connection),
                Output::Send(..) | Output::Close(_) => {}
            }
        }
    }
}

/// The connection of entries that name none. Not the empty text: comparing two empty keys costs a tenth of a
/// microsecond where the C library reads past their ends under a mask, and each entry looks its connection up several
/// times.
const UNNAMED: &str = "(unnamed)";
/// Maximum connections that a recording may name; frames of further ones are skipped.
const CONNECTIONS: usize = 256;
/// Maximum REST answers waiting for a request; a snapshot has about 70 kB.
const WAITING_ANSWERS: usize = 4_096;
/// Maximum requests for history waiting for a frame about their instrument.
const EARLY_REQUESTS: usize = 256;
/// Maximum requests of one connection waiting for an answer.
const OUTSTANDING_REQUESTS: usize = 8_192;

#[cfg(test)]
mod tests;
