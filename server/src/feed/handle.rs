//! How others talk to feed tasks: commands with answers, and the newest status.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use market::{View, connection_entry};
use model::{
    candle::Interval,
    instrument::{InstrumentId, Venue},
    status::StreamState,
    time::Now,
};
use tokio::sync::{mpsc, oneshot, watch};
use venues::session::Session;
use wire::data::{BookData, CandlesData, ConnectionEntry, StatusData, StreamEntry, TapeData};

use super::directory::Directory;
use crate::{
    error::ApiError,
    recorder::{ring::Window, tap::TapCommand, writer::Feeder},
};

/// A question to a feed task. Its answer goes to `reply`; nobody waiting there is fine.
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
}

/// How a feed fares.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedStatus {
    /// One entry an instrument, sorted.
    pub streams: Vec<StreamEntry>,
    /// Its connections.
    pub connection: ConnectionEntry,
}

impl FeedStatus {
    /// As the session and the view say.
    pub fn of(session: &dyn Session, view: &View, now: Now) -> Self {
        Self {
            streams: view.statuses(now, session.health()),
            connection: connection_entry(session.venue(), session.health()),
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
}

impl FeedHandle {
    /// The newest bars, oldest first. Cancel-safe.
    pub async fn candles(
        &self,
        instrument: InstrumentId,
        interval: Interval,
        limit: usize,
    ) -> Result<CandlesData, ApiError> {
        self.ask(|reply| FeedCommand::Candles { instrument, interval, limit, reply }).await
    }

    /// The best levels of a book. Cancel-safe.
    pub async fn book(&self, instrument: InstrumentId, depth: usize) -> Result<BookData, ApiError> {
        self.ask(|reply| FeedCommand::Book { instrument, depth, reply }).await
    }

    /// The last trades, oldest first. Cancel-safe.
    pub async fn trades(&self, instrument: InstrumentId, limit: usize) -> Result<TapeData, ApiError> {
        self.ask(|reply| FeedCommand::Trades { instrument, limit, reply }).await
    }

    /// Everything that passes from now on, until the feeder's writer ends.
    pub fn record(&self, feeder: Feeder) -> Result<(), ApiError> {
        let command = FeedCommand::Tap(TapCommand::Record(feeder));
        self.commands.try_send(command).map_err(|_| ApiError::FeedBusy)
    }

    /// The last half minute; `None` where the feed has kept nothing. Cancel-safe.
    pub async fn window(&self) -> Result<Option<Window>, ApiError> {
        self.ask(|reply| FeedCommand::Tap(TapCommand::Window(reply))).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> FeedCommand) -> Result<T, ApiError> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(command(reply)).map_err(|_| ApiError::FeedBusy)?;
        match tokio::time::timeout(ANSWER_TIME, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(ApiError::FeedBusy),
        }
    }
}

/// All feeds. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    /// The lock is held for a look-up only, never across an await.
    by_venue: Arc<RwLock<BTreeMap<Venue, FeedHandle>>>,
    directory: Directory,
}

impl Feeds {
    /// These feeds, with the directory they write to.
    pub fn new(by_venue: BTreeMap<Venue, FeedHandle>, directory: Directory) -> Self {
        Self { by_venue: Arc::new(RwLock::new(by_venue)), directory }
    }

    /// Which instruments there are.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The feed of a venue.
    pub fn of_venue(&self, venue: &Venue) -> Option<FeedHandle> {
        self.by_venue.read().unwrap_or_else(PoisonError::into_inner).get(venue).cloned()
    }

    /// Adds a feed that was started outside of the configuration: a replay.
    pub fn insert(&self, venue: Venue, feed: FeedHandle) {
        self.by_venue.write().unwrap_or_else(PoisonError::into_inner).insert(venue, feed);
    }

    /// Takes a feed and its instruments out; its task is ended by whoever started it.
    pub fn remove(&self, venue: &Venue) {
        self.by_venue.write().unwrap_or_else(PoisonError::into_inner).remove(venue);
        self.directory.forget(venue);
    }

    /// The feed that follows an instrument.
    ///
    /// # Errors
    /// [`ApiError::UnknownInstrument`] with what it may be meant to be.
    pub fn find(&self, instrument: &InstrumentId) -> Result<FeedHandle, ApiError> {
        let feed = self.of_venue(instrument.venue());
        feed.filter(|_| self.directory.contains(instrument)).ok_or_else(|| {
            let text = instrument.to_string();
            ApiError::UnknownInstrument {
                nearest: self.directory.nearest(&text),
                instrument: text.chars().take(MAX_SHOWN).collect(),
            }
        })
    }

    /// The newest status of all, sorted by instrument and venue. A feed whose task has ended counts as failed.
    pub fn status(&self) -> StatusData {
        let mut data = StatusData::default();
        let by_venue = self.by_venue.read().unwrap_or_else(PoisonError::into_inner);
        for feed in by_venue.values() {
            let is_gone = feed.status.has_changed().is_err();
            let status = feed.status.borrow();
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
        }
        data
    }
}

/// A feed answers within a turn; history may take a few seconds more.
const ANSWER_TIME: Duration = Duration::from_secs(6);
const MAX_SHOWN: usize = 64;
const GONE: &str = "the feed has stopped working; restart the server and report what the log says";
