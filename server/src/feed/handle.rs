//! How others talk to feed tasks: commands with answers, the newest status, and orders to start and stop them.
//!
//! Not here: the tasks themselves (`driver`), and who owns them (`supervisor`).

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use market::{View, connection_entry, consolidated::VenueTop};
use model::{
    candle::Interval,
    instrument::{InstrumentId, Venue},
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

/// A query to a feed task. Its answer goes to `reply`; nobody waiting there is fine.
#[derive(Debug)]
pub enum FeedCommand {
    /// The newest bars.
    Candles {
        /// Whose.
        instrument: InstrumentId,
        /// How long each.
        interval: Interval,
        /// How many at most.
        limit: usize,
        /// Gets them, once history has come or a moment has passed.
        reply: oneshot::Sender<CandlesData>,
    },
    /// The best levels of a book.
    Book {
        /// Whose.
        instrument: InstrumentId,
        /// How many a side at most.
        depth: usize,
        /// Gets them.
        reply: oneshot::Sender<BookData>,
    },
    /// The last trades.
    Trades {
        /// Whose.
        instrument: InstrumentId,
        /// How many at most.
        limit: usize,
        /// Gets them.
        reply: oneshot::Sender<TapeData>,
    },
    /// Something for the feed's tap.
    Tap(TapCommand),
    /// A reader of an instrument's desk updates.
    Desk(DeskSender),
}

/// The state of a feed.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedStatus {
    /// One entry an instrument, sorted.
    pub streams: Vec<StreamEntry>,
    /// Its connections.
    pub connection: ConnectionEntry,
    /// Best bid and ask of each described instrument, sorted.
    pub tops: Vec<VenueTop>,
    /// When this was so.
    pub at: Monotonic,
}

impl FeedStatus {
    /// As the session and the view say.
    pub fn of(session: &dyn Session, view: &View, now: Now) -> Self {
        let streams = view.statuses(now, session.health());
        Self {
            tops: view.tops(&streams, now, session.books()),
            streams,
            connection: connection_entry(session.venue(), session.health()),
            at: now.monotonic,
        }
    }
}

/// The way to one feed task. Clones share it.
#[derive(Clone, Debug)]
pub struct FeedHandle {
    /// Bounded: commands come from REST callers, who are told to come back when it is full.
    pub commands: mpsc::Sender<FeedCommand>,
    /// The newest status.
    pub status: watch::Receiver<FeedStatus>,
    /// Ends the task.
    pub stop: CancellationToken,
}

impl FeedHandle {
    /// The newest bars, oldest first. Cancel-safe.
    pub async fn candles(
        &self,
        instrument: InstrumentId,
        interval: Interval,
        limit: usize,
    ) -> Result<CandlesData, FeedError> {
        self.ask(|reply| FeedCommand::Candles { instrument, interval, limit, reply }).await
    }

    /// The best levels of a book. Cancel-safe.
    pub async fn book(&self, instrument: InstrumentId, depth: usize) -> Result<BookData, FeedError> {
        self.ask(|reply| FeedCommand::Book { instrument, depth, reply }).await
    }

    /// The last trades, oldest first. Cancel-safe.
    pub async fn trades(&self, instrument: InstrumentId, limit: usize) -> Result<TapeData, FeedError> {
        self.ask(|reply| FeedCommand::Trades { instrument, limit, reply }).await
    }

    /// Everything that passes from now on, until the feeder's writer ends.
    pub fn record(&self, feeder: Feeder) -> Result<(), FeedError> {
        let command = FeedCommand::Tap(TapCommand::Record(feeder));
        self.commands.try_send(command).map_err(|_| FeedError::Busy)
    }

    /// The last half minute; `None` where the feed has kept nothing. Cancel-safe.
    pub async fn window(&self) -> Result<Option<Window>, FeedError> {
        self.ask(|reply| FeedCommand::Tap(TapCommand::Window(reply))).await
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

/// All feeds. Clones share them.
#[derive(Clone, Debug)]
pub struct Feeds {
    /// Written by the supervisor, and for replays by their recordings. The lock is held for a look-up only, never across an await.
    by_venue: Arc<RwLock<BTreeMap<Venue, FeedHandle>>>,
    directory: Directory,
    orders: mpsc::Sender<FeedControl>,
}

impl Feeds {
    /// No feed yet; orders come out of the receiver, for the supervisor.
    pub fn new(directory: Directory) -> (Self, mpsc::Receiver<FeedControl>) {
        let (orders, queue) = mpsc::channel(ORDER_QUEUE);
        (Self { by_venue: Arc::default(), directory, orders }, queue)
    }

    /// Which instruments there are.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The feed of a venue.
    pub fn of_venue(&self, venue: &Venue) -> Option<FeedHandle> {
        self.read(|feeds| feeds.get(venue).cloned())
    }

    /// The feed that follows an instrument.
    ///
    /// # Errors
    /// [`FeedError::UnknownInstrument`] with what it may be meant to be.
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

    /// Follows instruments for the trading desk: trades and book states, each one, and the newest best levels.
    ///
    /// # Errors
    /// No feed follows one of them, or its feed is busy.
    pub fn subscribe_desk(&self, instruments: &[InstrumentId]) -> Result<DeskReader, FeedError> {
        let reader = DeskReader::new();
        reader.follow(self, instruments)?;
        Ok(reader)
    }

    /// The newest status of all, sorted by instrument and venue. A feed whose task has ended without being told to
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

    /// The tops of all instruments, sorted. Those of a feed that has not spoken for too long count as stale: its own
    /// word that they are fresh is old, too.
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

    /// Follows symbols of a venue until the server stops; returns once it is done. Cancel-safe: what was asked for is
    /// done all the same.
    ///
    /// # Errors
    /// Why nothing was done.
    pub async fn start(&self, symbols: FeedSymbols) -> Result<FeedSymbols, ControlError> {
        self.order(ControlKind::Start(symbols)).await
    }

    /// Follows them no more; without symbols, the whole venue. As [`Self::start`] otherwise.
    ///
    /// # Errors
    /// Why nothing was done.
    pub async fn stop(&self, symbols: FeedSymbols) -> Result<FeedSymbols, ControlError> {
        self.order(ControlKind::Stop(symbols)).await
    }

    async fn order(&self, kind: ControlKind) -> Result<FeedSymbols, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.orders.try_send(FeedControl { kind, reply }).map_err(|_| ControlError::Busy)?;
        answer.await.unwrap_or(Err(ControlError::Busy))
    }

    /// Takes a feed in, in place of the venue's earlier one.
    pub(crate) fn insert(&self, venue: &Venue, feed: FeedHandle) {
        self.write(|feeds| drop(feeds.insert(venue.clone(), feed)));
    }

    /// Tells a venue's feed to end; it stays in the list, as it was, until it is removed or replaced.
    pub(super) fn end(&self, venue: &Venue) {
        self.read(|feeds| feeds.get(venue).map(|feed| feed.stop.cancel()));
    }

    /// Takes a feed out of the list.
    pub(crate) fn remove(&self, venue: &Venue) {
        self.write(|feeds| drop(feeds.remove(venue)));
    }

    /// Shows each feed's newest status, and whether its task has ended without being told to.
    fn each(&self, mut show: impl FnMut(&FeedStatus, bool)) {
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

/// A feed answers within a turn; history may take a few seconds more.
const ANSWER_TIME: Duration = Duration::from_secs(6);
/// Feeds speak ten times a second; one that has not for this long is stuck or starved.
const TOP_TIME: Duration = Duration::from_secs(1);
/// Orders that wait for the supervisor, from all callers together; each takes some milliseconds. Full: refused, and the
/// caller is told to try again.
const ORDER_QUEUE: usize = 16;
const MAX_SHOWN: usize = 64;
const GONE: &str = "the feed has stopped working; restart the server and report the log";
