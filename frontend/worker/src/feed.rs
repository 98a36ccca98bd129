//! A venue's session with its market view, topics and recordings: the equivalent of the server's feed task, hub and
//! recorder, for one reader. Pure: inputs and the time in, outputs out.
//!
//! A topic begins with a snapshot once there is data to show and the feed has run for a moment, so that the page can
//! switch from the server's stream without a gap. All traffic goes through a tap, which keeps the last half minute and
//! fills a recording while one runs. Not here: sockets, requests and timers (`shell`), topics and lanes
//! ([`crate::outlet`]).

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use market::{View, ViewConfig};
use model::{
    event::MarketEventKind,
    instrument::{InstrumentId, Venue},
    time::{Monotonic, Now},
};
use recording::{
    feed_topics::FeedTopics,
    pack::{MAX_BYTES, PackedRecording},
    recording_file::{self, ENDING, Header},
    tap::{Sink as _, Tap},
};
use topics::{channels::TopicData, topic::Topic};
use venues::{
    error::VenueError,
    registry,
    session::{
        CloseReason, ConnectionId, HttpFailure, HttpRequest, Input, Output, RequestId, Session, SessionConfig, Symbols,
    },
};
use wire::{
    direct::{DirectVenue, WorkerCommand, WorkerRecording, WorkerReport},
    message::{ClientMessage, ServerMessage},
};

use crate::outlet::{Outlet, Reader};

/// An action for the shell.
#[derive(Debug)]
pub enum Action {
    /// Open a connection after a delay.
    Connect {
        /// Its number.
        connection: ConnectionId,
        /// The whole address.
        url: String,
        /// The delay.
        after: Duration,
    },
    /// Send a text frame.
    Send(ConnectionId, String),
    /// Abandon a connection.
    Close(ConnectionId),
    /// Send a stream message to the page.
    Http(HttpRequest),
    /// Tell the page about recordings.
    Say(ServerMessage),
    /// Tell the page of recordings.
    Tell(WorkerReport),
    /// Hand the page a file of that name.
    Save(String, Vec<u8>),
}

/// One venue, followed for one page.
pub struct DirectFeed {
    session: Box<dyn Session>,
    view: View,
    venue: Venue,
    symbols: Vec<String>,
    outlet: Outlet,
    tap: Tap<PackedRecording>,
    /// Maximum compressed bytes of a recording.
    max_recording: usize,
    next_report: Monotonic,
    wanted: VecDeque<Action>,
    /// The latest monotonic time of any input.
    latest: Monotonic,
    last_timeout: Monotonic,
    /// Time at which the first market data arrived.
    first_data: Option<Monotonic>,
}

impl DirectFeed {
    /// Creates a feed that has not begun, following the venue as the server does. `seed` determines the jitter.
    ///
    /// # Errors
    /// The venue is unknown.
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
            symbols: plan.symbols.clone(),
            outlet: Outlet::new(&plan.venue, None, now.monotonic),
            tap: Tap::new(Some(&plan.rest_url)),
            max_recording: MAX_BYTES,
            next_report: now.monotonic,
            wanted: VecDeque::new(),
            latest: now.monotonic,
            last_timeout: Monotonic::ZERO,
            first_data: None,
        })
    }

    /// Passes one input to the session and processes its results.
    pub fn input(&mut self, input: Input<'_>, now: Now) {
        self.latest = self.latest.max(now.monotonic);
        let now = Now { monotonic: self.latest, ..now };
        self.note(&input, now);
        self.session.handle(input, now);
        self.settle(now);
    }

    /// Passes an input to the tap.
    fn note(&mut self, input: &Input<'_>, now: Now) {
        match input {
            Input::Connected(connection) => self.tap.connected(*connection, now),
            Input::Frame(connection, text) => self.tap.received(*connection, (*text).into(), now),
            Input::Binary(connection, bytes) => {
                self.tap.received_binary(*connection, Bytes::copy_from_slice(bytes), now);
            }
            Input::Closed(connection, reason) => self.tap.closed(*connection, reason.detail(), now.wall),
            Input::Http(id, answer) => {
                let answer = answer.as_ref().ok().map(|answer| (answer.status, answer.body.into()));
                self.tap.answered(*id, answer, now);
            }
            _ => {}
        }
    }

    /// Handles a message of the page. Messages that do not concern a feed are ignored.
    pub fn message(&mut self, message: ClientMessage, now: Now) {
        let mut topics = FeedTopics { view: &mut self.view, session: self.session.as_ref() };
        let answer = self.outlet.message(message, &mut topics);
        self.wanted.extend(answer.map(Action::Say));
        self.settle(now);
    }

    /// Handles a recording command of the page. Commands that do not concern a feed are ignored.
    pub fn order(&mut self, order: &WorkerCommand, now: Now) {
        if let Err(words) = self.try_order(order, now) {
            self.wanted.push_back(Action::Tell(WorkerReport::Failed(words)));
        }
    }

    fn try_order(&mut self, order: &WorkerCommand, now: Now) -> Result<(), String> {
        match order {
            WorkerCommand::Record => {
                self.must_receive()?;
                if self.tap.sink().is_some() {
                    return Err(format!("{} is being recorded already: stop that recording first", self.venue));
                }
                let tape = PackedRecording::new(self.header("recording"), now.wall, self.max_recording);
                self.tap.record(tape, self.session.as_ref(), &self.view, now);
                self.report(None);
            }
            WorkerCommand::StopRecording => self
                .end_recording(None)
                .ok_or_else(|| format!("{} is not being recorded: there is nothing to stop", self.venue))?,
            WorkerCommand::SaveLast => {
                self.must_receive()?;
                let window = self.tap.window(now).filter(|window| !window.entries.is_empty()).ok_or_else(|| {
                    format!("{} has received nothing in the last half minute: there is nothing to save", self.venue)
                })?;
                let name = format!("{}{ENDING}", recording_file::stem(self.venue.as_str(), now.wall, "last"));
                let file = PackedRecording::of_window(self.header("last"), window);
                self.wanted.push_back(Action::Save(name, file));
            }
            _ => {}
        }
        Ok(())
    }

    fn must_receive(&self) -> Result<(), String> {
        let capabilities = registry::info(self.venue.as_str()).map(|info| info.capabilities);
        if capabilities.is_ok_and(|capabilities| capabilities.websocket || capabilities.rest) {
            return Ok(());
        }
        Err(format!("{} is simulated by this program and receives nothing: record a real venue", self.venue))
    }

    fn header(&self, kind: &'static str) -> Header {
        Header { venue: self.venue.to_string(), symbols: self.symbols.clone(), kind }
    }

    /// Delivers the file of the recording; `None` if there is none.
    fn end_recording(&mut self, failure: Option<String>) -> Option<()> {
        let said = self.recording(failure)?;
        let tape = self.tap.take_sink()?;
        let name = format!("{}{ENDING}", recording_file::stem(self.venue.as_str(), tape.begin(), "recording"));
        // The file first: once told that nothing is recorded any more, the page may end us at once.
        self.wanted.push_back(Action::Save(name, tape.finish()));
        self.wanted.push_back(Action::Tell(WorkerReport::Recording(WorkerRecording { is_running: false, ..said })));
        Some(())
    }

    fn recording(&self, failure: Option<String>) -> Option<WorkerRecording> {
        let tape = self.tap.sink()?;
        let size_bytes = u64::try_from(tape.size_bytes()).unwrap_or(u64::MAX);
        Some(WorkerRecording { n_entries: tape.n_entries(), size_bytes, is_running: true, failure })
    }

    fn report(&mut self, failure: Option<String>) {
        let said = self.recording(failure).map(|said| Action::Tell(WorkerReport::Recording(said)));
        self.wanted.extend(said);
    }

    /// Returns when [`Self::on_timer`] is due.
    pub fn next_due(&self) -> Monotonic {
        let deadline = self.session.deadline().map(|deadline| deadline.max(self.last_timeout + SPIN_GUARD));
        deadline.map_or(self.outlet.next_turn(), |deadline| deadline.min(self.outlet.next_turn()))
    }

    /// Processes everything that is due; a spurious call does nothing.
    pub fn on_timer(&mut self, now: Now, reader: Reader) {
        let is_due = self.session.deadline().is_some_and(|deadline| now.monotonic >= deadline);
        if is_due && now.monotonic >= self.last_timeout + SPIN_GUARD {
            self.last_timeout = now.monotonic;
            self.input(Input::Timeout, now);
        }
        if self.outlet.is_due(now.monotonic) {
            self.turn(now, reader);
        }
    }

    /// Returns the next action, in order.
    pub fn take_wanted(&mut self) -> Option<Action> {
        self.wanted.pop_front()
    }

    /// Handles a frame that could not be sent, or a connection that could not be opened.
    pub fn failed(&mut self, connection: ConnectionId, reason: CloseReason, now: Now) {
        self.input(Input::Closed(connection, reason), now);
    }

    /// Handles a request that could not be made.
    pub fn request_failed(&mut self, id: RequestId, detail: String, now: Now) {
        self.input(Input::Http(id, Err(HttpFailure { detail })), now);
    }

    fn settle(&mut self, now: Now) {
        if let Some(books) = self.view.take_interest() {
            self.session.handle(Input::Interest(&books), now);
        }
        loop {
            while let Some(output) = self.session.poll_output() {
                match output {
                    Output::Connect { connection, url, after } => {
                        self.tap.connecting(connection, &url);
                        self.wanted.push_back(Action::Connect { connection, url, after });
                    }
                    Output::Send(connection, frame) => {
                        self.tap.sent(connection, &frame, now);
                        self.wanted.push_back(Action::Send(connection, frame));
                    }
                    Output::Close(connection) => {
                        self.tap.closed(connection, "given up by us", now.wall);
                        self.wanted.push_back(Action::Close(connection));
                    }
                    Output::Http(request) => {
                        self.tap.asked(&request);
                        self.wanted.push_back(Action::Http(request));
                    }
                    Output::Event(event) => {
                        let is_market = matches!(
                            event.kind,
                            MarketEventKind::Trade(_) | MarketEventKind::Quote(_) | MarketEventKind::Book(_)
                        );
                        if is_market {
                            self.first_data.get_or_insert(now.monotonic);
                        }
                        self.view.apply(&event);
                        self.outlet.changed(now.monotonic);
                    }
                }
            }
            let requests = self.view.take_history_requests();
            if requests.is_empty() {
                break;
            }
            requests.into_iter().for_each(|request| self.session.handle(Input::HistoryRequest(request), now));
        }
        self.view.note_books(self.session.books());
    }

    fn turn(&mut self, now: Now, reader: Reader) {
        let has_settled = self.first_data.is_some_and(|at| now.monotonic.saturating_since(at) >= SETTLE_TIME);
        let Self { session, view, outlet, tap, .. } = self;
        let mut topics = FeedTopics { view: &mut *view, session: session.as_ref() };
        let said = outlet.turn(&mut topics, (now, reader), |_: &Topic, data| has_settled && has_content(data));
        if reader == Reader::Behind {
            view.observe(now, session.health());
        }
        self.wanted.extend(said.map(Action::Say));
        tap.turn(session.as_ref(), view, now);
        self.settle(now);
        if self.tap.sink().is_some_and(PackedRecording::is_over) {
            let failure = format!(
                "it reached {} MB, the most a page can keep; the recording is saved",
                self.max_recording.div_ceil(1_000_000)
            );
            self.end_recording(Some(failure));
        } else if now.monotonic >= self.next_report {
            self.next_report = now.monotonic + REPORT_EVERY;
            self.report(None);
        }
    }
}

/// Returns true if a page that shows the same data from another source loses nothing by switching.
fn has_content(data: &TopicData) -> bool {
    match data {
        TopicData::Quote(quote) => quote.bid.is_some() || quote.last.is_some(),
        TopicData::Tape(tape) => !tape.trades.is_empty(),
        TopicData::Book(book) => book.state.is_served(),
        TopicData::Ladder(ladder) => ladder.book.state.is_served(),
        TopicData::Candles(bars) => !bars.bars.is_empty(),
        _ => true,
    }
}

/// Minimum time between two timeouts.
const SPIN_GUARD: Duration = Duration::from_millis(5);
/// Longer than any lane plus its latency: the first snapshots also contain what the page had from the server until
/// then.
const SETTLE_TIME: Duration = Duration::from_millis(1_500);
/// The status of a recording is reported this often.
const REPORT_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
