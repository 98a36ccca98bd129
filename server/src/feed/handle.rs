//! Handles to feed tasks: queries with answers, the newest status, and commands to start and stop feeds.
//!
//! Not here: the tasks themselves (`driver`), and their owner (`supervisor`).

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use market::{View, connection_entry, consolidated::VenueTop};
use model::{
    candle::Interval,
    histogram::DelayCounts,
    instrument::{InstrumentId, Venue},
    quality::FeedCounters,
    status::StreamState,
    time::{Monotonic, Now},
};
use recording::ring::Window;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use topics::channels::{
    book::BookData,
    candles::CandlesData,
    consolidated::LeftOut,
    status::{ConnectionEntry, StatusData, StreamEntry},
    tape::TapeData,
};
use venues::session::Session;
use wire::command::FeedSymbols;

use super::{
    control::{ControlError, ControlKind, FeedControl},
    desk_feed::{DeskReader, DeskSender},
    directory::Directory,
    error::FeedError,
};
use crate::recorder::{tap::TapCommand, writer::Feeder};

/// A command to a feed task. The answer goes to `reply`; the caller may be gone by then.
#[derive(Debug)]
pub enum FeedCommand {
    /// The newest bars.
    Candles {
        /// The instrument.
        instrument: InstrumentId,
        /// The length of a bar.
        interval: Interval,
        /// The maximum number of bars.
        limit: usize,
        /// Receives the bars once history has arrived, or after a few seconds without it.
        reply: oneshot::Sender<CandlesData>,
    },
    /// The best levels of a book.
    Book {
        /// The instrument.
        instrument: InstrumentId,
        /// The maximum number of levels per side.
        depth: usize,
        /// Receives the levels.
        reply: oneshot::Sender<BookData>,
    },
    /// The last trades.
    Trades {
        /// The instrument.
        instrument: InstrumentId,
        /// The maximum number of trades.
        limit: usize,
        /// Receives the trades.
        reply: oneshot::Sender<TapeData>,
    },
    /// Other symbols, while the rest goes on.
    Symbols {
        /// Those to follow from now on.
        added: Vec<String>,
        /// Those to follow no longer.
        dropped: Vec<String>,
        /// Receives false, with nothing changed, if this takes a new session.
        reply: oneshot::Sender<bool>,
    },
    /// Another age from which data is stale.
    StaleAfter(Duration),
    /// A command to the feed's tap.
    Tap(TapCommand),
    /// A new subscription to an instrument's desk updates.
    Desk(DeskSender),
}

/// The state of a feed.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedStatus {
    /// One entry per instrument, sorted.
    pub streams: Vec<StreamEntry>,
    /// The state of the connections.
    pub connection: ConnectionEntry,
    /// Best bid and ask of each described instrument, sorted.
    pub tops: Vec<VenueTop>,
    /// The time of this status.
    pub at: Monotonic,
    /// Counts since the feed started.
    pub counters: FeedCounters,
    /// Trades, quotes, book changes and all other events since then.
    pub n_events: u64,
    /// Bytes received since then, as the venue's messages and answers.
    pub n_bytes: u64,
    /// Delays of messages from the venue, relative to the fastest.
    pub delays: DelayCounts,
}

impl FeedStatus {
    /// Creates the status of a session and its view; whoever runs it counts events and bytes.
    pub fn of(session: &dyn Session, view: &View, now: Now) -> Self {
        let streams = view.statuses(now, session.health());
        Self {
            tops: view.tops(&streams, session.books()),
            streams,
            connection: connection_entry(session.venue(), session.health()),
            at: now.monotonic,
            counters: session.health().counters,
            n_events: 0,
            n_bytes: 0,
            delays: view.delays(),
        }
    }
}

/// A handle to one feed task. Clones refer to the same task.
#[derive(Clone, Debug)]
pub struct FeedHandle {
    /// Bounded: when it is full, REST callers are told to try again.
    pub commands: mpsc::Sender<FeedCommand>,
    /// The newest status.
    pub status: watch::Receiver<FeedStatus>,
    /// Ends the task.
    pub stop: CancellationToken,
}

impl FeedHandle {
    /// Returns the newest bars, oldest first. Cancel-safe.
    pub async fn candles(
        &self,
        instrument: InstrumentId,
        interval: Interval,
        limit: usize,
    ) -> Result<CandlesData, FeedError> {
        self.ask(|reply| FeedCommand::Candles { instrument, interval, limit, reply }).await
    }

    /// Returns the best levels of a book. Cancel-safe.
    pub async fn book(&self, instrument: InstrumentId, depth: usize) -> Result<BookData, FeedError> {
        self.ask(|reply| FeedCommand::Book { instrument, depth, reply }).await
    }

    /// Returns the last trades, oldest first. Cancel-safe.
    pub async fn trades(&self, instrument: InstrumentId, limit: usize) -> Result<TapeData, FeedError> {
        self.ask(|reply| FeedCommand::Trades { instrument, limit, reply }).await
    }

    /// Records all entries from now on, until the feeder's writer ends.
    pub fn record(&self, feeder: Feeder) -> Result<(), FeedError> {
        let command = FeedCommand::Tap(TapCommand::Record(feeder));
        self.commands.try_send(command).map_err(|_| FeedError::Busy)
    }

    /// Returns the last half minute; `None` if the feed has kept nothing. Cancel-safe.
    pub async fn window(&self) -> Result<Option<Window>, FeedError> {
        self.ask(|reply| FeedCommand::Tap(TapCommand::Window(reply))).await
    }

    /// Follows other symbols, while the rest goes on; returns false, with nothing changed, if this takes a new session.
    /// Not cancel-safe: the change may be made nevertheless.
    pub(super) async fn change(&self, added: Vec<String>, dropped: Vec<String>) -> bool {
        self.ask(|reply| FeedCommand::Symbols { added, dropped, reply }).await.unwrap_or(false)
    }

    /// Marks data as stale from this age on. Waits while the feed is busy; does nothing if it has ended. Cancel-safe.
    pub async fn set_stale_after(&self, age: Duration) {
        // A feed that starts meanwhile reads it by itself.
        let _ended = self.commands.send(FeedCommand::StaleAfter(age)).await;
    }

    /// Sends an instrument's desk updates from now on.
    pub(super) fn desk(&self, sender: DeskSender) -> Result<(), FeedError> {
        self.commands.try_send(FeedCommand::Desk(sender)).map_err(|_| FeedError::Busy)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> FeedCommand) -> Result<T, FeedError> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(command(reply)).map_err(|_| FeedError::Busy)?;
        match tokio::time::timeout(ANSWER_TIME, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(FeedError::Busy),
        }
    }
}

/// Handles to all feeds. Clones share them.
#[derive(Clone, Debug)]
pub struct Feeds {
    /// Written by the supervisor, and by the replays. Locked for a look-up only, never across an await.
    by_venue: Arc<RwLock<BTreeMap<Venue, FeedHandle>>>,
    directory: Directory,
    orders: mpsc::Sender<FeedControl>,
}

impl Feeds {
    /// Creates an empty list of feeds, and the receiver of commands for the supervisor.
    pub fn new(directory: Directory) -> (Self, mpsc::Receiver<FeedControl>) {
        let (orders, queue) = mpsc::channel(ORDER_QUEUE);
        (Self { by_venue: Arc::default(), directory, orders }, queue)
    }

    /// Returns the directory of instruments.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Returns the feed of a venue.
    pub fn of_venue(&self, venue: &Venue) -> Option<FeedHandle> {
        self.read(|feeds| feeds.get(venue).cloned())
    }

    /// Returns the feed that follows an instrument.
    ///
    /// # Errors
    /// [`FeedError::UnknownInstrument`] with similar names.
    pub fn find(&self, instrument: &InstrumentId) -> Result<FeedHandle, FeedError> {
        let feed = self.read(|feeds| feeds.get(instrument.venue()).cloned());
        feed.filter(|_| self.directory.contains(instrument)).ok_or_else(|| {
            let text = instrument.to_string();
            FeedError::UnknownInstrument {
                nearest: self.directory.nearest(&text),
                instrument: text.chars().take(MAX_SHOWN).collect(),
            }
        })
    }

    /// Subscribes the trading desk to instruments: every trade and book state, and the newest best levels.
    ///
    /// # Errors
    /// No feed follows an instrument, or its feed is busy.
    pub fn subscribe_desk(&self, instruments: &[InstrumentId]) -> Result<DeskReader, FeedError> {
        let reader = DeskReader::new();
        reader.follow(self, instruments)?;
        Ok(reader)
    }

    /// Returns the newest status of all feeds, sorted by instrument and venue. A feed whose task has ended unexpectedly
    /// counts as failed.
    pub fn status(&self) -> StatusData {
        let mut data = StatusData::default();
        self.each(|status, is_gone| {
            data.streams.extend(status.streams.iter().cloned().map(|mut entry| {
                if is_gone {
                    entry.state = StreamState::Failed;
                    entry.cause = Some(GONE.to_owned());
                }
                entry
            }));
            let mut connection = status.connection.clone();
            if is_gone {
                connection.is_connected = false;
                connection.cause = Some(GONE.to_owned());
            }
            data.connections.push(connection);
        });
        data
    }

    /// Returns the tops of all instruments, sorted. If a feed has not updated its status for too long, its tops count
    /// as stale, even if that status calls them fresh.
    pub fn tops(&self, now: Monotonic) -> Vec<VenueTop> {
        let mut tops = Vec::new();
        self.each(|status, is_gone| {
            let is_silent = now.saturating_since(status.at) > TOP_TIME;
            tops.extend(status.tops.iter().cloned().map(|mut top| {
                if is_gone {
                    top.left_out = Some(LeftOut::Failed);
                } else if is_silent {
                    top.left_out.get_or_insert(LeftOut::Stale);
                }
                top
            }));
        });
        tops
    }

    /// Follows symbols of a venue until the server stops. Returns the symbols followed then. Cancel-safe: the command
    /// is carried out anyway.
    ///
    /// # Errors
    /// Why the command was not carried out.
    pub async fn start(&self, symbols: FeedSymbols) -> Result<FeedSymbols, ControlError> {
        self.order(ControlKind::Start(symbols)).await
    }

    /// Stops following symbols; without symbols, the whole venue. Otherwise like [`Self::start`].
    ///
    /// # Errors
    /// Why the command was not carried out.
    pub async fn stop(&self, symbols: FeedSymbols) -> Result<FeedSymbols, ControlError> {
        self.order(ControlKind::Stop(symbols)).await
    }

    /// Starts a venue's feed again as the venue is configured now; one that does not run stays so. Waits for its turn.
    /// Cancel-safe: once it is waiting for the outcome, the command is carried out anyway.
    ///
    /// # Errors
    /// Why the feed is not started again.
    pub async fn restart(&self, venue: &str) -> Result<FeedSymbols, ControlError> {
        let (reply, answer) = oneshot::channel();
        let kind = ControlKind::Restart { venue: venue.to_owned() };
        self.orders.send(FeedControl { kind, reply }).await.map_err(|_| ControlError::Busy)?;
        answer.await.unwrap_or(Err(ControlError::Busy))
    }

    async fn order(&self, kind: ControlKind) -> Result<FeedSymbols, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.orders.try_send(FeedControl { kind, reply }).map_err(|_| ControlError::Busy)?;
        answer.await.unwrap_or(Err(ControlError::Busy))
    }

    /// Adds a feed, replacing the venue's earlier one.
    pub(crate) fn insert(&self, venue: &Venue, feed: FeedHandle) {
        self.write(|feeds| drop(feeds.insert(venue.clone(), feed)));
    }

    /// Tells a venue's feed to end; it stays in the list until it is removed or replaced.
    pub(super) fn end(&self, venue: &Venue) {
        self.read(|feeds| feeds.get(venue).map(|feed| feed.stop.cancel()));
    }

    /// Removes a feed from the list.
    pub(crate) fn remove(&self, venue: &Venue) {
        self.write(|feeds| drop(feeds.remove(venue)));
    }

    /// Calls `show` with each feed's newest status, and true if its task has ended unexpectedly.
    pub(crate) fn each(&self, mut show: impl FnMut(&FeedStatus, bool)) {
        self.read(|feeds| {
            for feed in feeds.values() {
                let is_gone = !feed.stop.is_cancelled() && feed.status.has_changed().is_err();
                show(&feed.status.borrow(), is_gone);
            }
        });
    }

    fn read<T>(&self, read: impl FnOnce(&BTreeMap<Venue, FeedHandle>) -> T) -> T {
        read(&self.by_venue.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, write: impl FnOnce(&mut BTreeMap<Venue, FeedHandle>)) {
        write(&mut self.by_venue.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The longest wait for an answer: a feed answers within a turn, history may take a few seconds more.
const ANSWER_TIME: Duration = Duration::from_secs(6);
/// Feeds update their status ten times a second; one that has not for this long is stuck or starved.
const TOP_TIME: Duration = Duration::from_secs(1);
/// Commands waiting for the supervisor, from all callers together; each takes some milliseconds. When the queue is
/// full, a command is refused and the caller told to try again.
const ORDER_QUEUE: usize = 16;
const MAX_SHOWN: usize = 64;
const GONE: &str = "the feed has stopped working; restart the server and report the log";
