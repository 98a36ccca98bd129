//! The state shared by all venue protocols: the market, the readers of each stream, and the queue of messages to send.
//!
//! Not here: any venue's message formats (its folder), and delivery of the output ([`crate::exchange`]).

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use model::time::Timestamp;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{book_views::BookViews, config::Limits, exchange::ConnectionId, market::Market, venue::Frame};

/// A message to send, before it is rendered for its recipients.
#[derive(Debug)]
pub(crate) enum Saying {
    /// A message as it is.
    Message(ConnectionId, Utf8Bytes),
    /// An answer that is numbered among the frames.
    Answer(ConnectionId, Frame),
    /// A frame of a stream.
    Event(Arc<Frame>, Vec<ConnectionId>),
    /// The end of a connection: code and reason.
    Close(ConnectionId, u16, String),
    /// A client has subscribed to a stream.
    Subscribed,
}

/// The state that all venues have.
pub(crate) struct Core {
    pub(crate) market: Box<dyn Market>,
    pub(crate) views: BookViews,
    pub(crate) limits: Limits,
    /// The key that clients must send; `None` accepts any.
    pub(crate) key: Option<String>,
    /// The wall clock.
    pub(crate) now: Timestamp,
    by_connection: BTreeMap<ConnectionId, BTreeSet<Arc<str>>>,
    by_stream: BTreeMap<Arc<str>, BTreeSet<ConnectionId>>,
    sayings: VecDeque<Saying>,
}

impl Core {
    /// Creates the state of a market without readers.
    pub(crate) fn new(market: Box<dyn Market>, limits: Limits, key: Option<String>) -> Self {
        Self {
            market,
            views: BookViews::default(),
            limits,
            key,
            now: Timestamp::EPOCH,
            by_connection: BTreeMap::new(),
            by_stream: BTreeMap::new(),
            sayings: VecDeque::new(),
        }
    }

    /// Sends a message to one client, unaffected by faults.
    pub(crate) fn say(&mut self, connection: ConnectionId, text: impl Into<Utf8Bytes>) {
        self.sayings.push_back(Saying::Message(connection, text.into()));
    }

    /// Sends an answer to one client, numbered like the frames around it.
    pub(crate) fn say_numbered(&mut self, connection: ConnectionId, frame: Frame) {
        self.sayings.push_back(Saying::Answer(connection, frame));
    }

    /// Sends a frame of a stream to one client: a snapshot.
    pub(crate) fn tell(&mut self, connection: ConnectionId, frame: Frame) {
        self.sayings.push_back(Saying::Event(Arc::new(frame), vec![connection]));
    }

    /// Sends a frame to all readers of its stream.
    pub(crate) fn tell_readers(&mut self, frame: Arc<Frame>) {
        let readers: Vec<ConnectionId> = self.by_stream.get(&frame.stream).into_iter().flatten().copied().collect();
        if !readers.is_empty() {
            self.sayings.push_back(Saying::Event(frame, readers));
        }
    }

    /// Ends a connection with a close frame.
    pub(crate) fn close(&mut self, connection: ConnectionId, code: u16, reason: &str) {
        self.sayings.push_back(Saying::Close(connection, code, reason.to_owned()));
    }

    /// Starts the timeline if it is waiting for a subscriber.
    pub(crate) fn wake(&mut self) {
        self.sayings.push_back(Saying::Subscribed);
    }

    /// Returns the next message to send.
    pub(crate) fn next(&mut self) -> Option<Saying> {
        self.sayings.pop_front()
    }

    /// Adds streams to a client's; returns false, and adds none, if it would have too many.
    pub(crate) fn subscribe(&mut self, connection: ConnectionId, streams: &[String]) -> bool {
        let own = self.by_connection.entry(connection).or_default();
        let added: BTreeSet<Arc<str>> = streams.iter().map(|stream| Arc::from(stream.as_str())).collect();
        if own.union(&added).count() > self.limits.streams {
            return false;
        }
        for stream in added {
            self.by_stream.entry(stream.clone()).or_default().insert(connection);
            own.insert(stream);
        }
        self.wake();
        true
    }

    /// Removes streams from a client's.
    pub(crate) fn unsubscribe(&mut self, connection: ConnectionId, streams: &[String]) {
        for stream in streams {
            if let Some(own) = self.by_connection.get_mut(&connection) {
                own.remove(stream.as_str());
            }
            if let Some(readers) = self.by_stream.get_mut(stream.as_str()) {
                readers.remove(&connection);
                if readers.is_empty() {
                    self.by_stream.remove(stream.as_str());
                }
            }
        }
    }

    /// Removes a client.
    pub(crate) fn remove(&mut self, connection: ConnectionId) {
        let streams = self.streams_of(connection);
        self.unsubscribe(connection, &streams.iter().map(ToString::to_string).collect::<Vec<_>>());
        self.by_connection.remove(&connection);
    }

    /// Returns a client's streams.
    pub(crate) fn streams_of(&self, connection: ConnectionId) -> Vec<Arc<str>> {
        self.by_connection.get(&connection).into_iter().flatten().cloned().collect()
    }

    /// Returns the streams that have readers.
    pub(crate) fn wanted(&self) -> Vec<Arc<str>> {
        self.by_stream.keys().cloned().collect()
    }

    /// Returns true if `stream` has readers.
    pub(crate) fn is_wanted(&self, stream: &str) -> bool {
        self.by_stream.contains_key(stream)
    }

    /// Returns true if a client sent the required key, or if none is required.
    pub(crate) fn is_key_good(&self, key: &str) -> bool {
        !key.is_empty() && self.key.as_ref().is_none_or(|wanted| *wanted == key)
    }
}
