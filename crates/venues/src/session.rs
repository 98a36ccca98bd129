//! The contract between a venue's protocol and the shell that owns sockets and clocks.
//!
//! A session is a plain state machine, like those of QUIC and TLS libraries. The shell calls [`Session::handle`] with
//! each event, then drains [`Session::poll_output`] until it is empty, then waits for the next input or for
//! [`Session::deadline`], when it sends [`Input::Timeout`]. Spurious calls do nothing. Not here: any clock, socket or
//! task; `now` is an argument, jitter comes from a seed.
//!
//! A session may hold several connections at once (planned roll-over with overlap, more symbols than one connection
//! carries), so connections are numbered by the session: it emits [`Output::Connect`], the shell answers with
//! [`Input::Connected`] or [`Input::Closed`].

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use model::{
    candle::{Candle, Interval},
    event::{BookInterest, HistoryRequest, MarketEvent},
    instrument::{Instrument, InstrumentId, Venue},
    proof::Books,
    status::FeedHealth,
    time::{Monotonic, Now, Timestamp},
};

use crate::budget::stated_wait;

/// Number of a connection, assigned by the session; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

/// Number of a REST request, assigned by the session; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// An event from outside.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The feed was started. The first input, once.
    Start,
    /// A requested connection is open.
    Connected(ConnectionId),
    /// A text frame arrived, verbatim.
    Frame(ConnectionId, &'a str),
    /// A binary frame arrived; venues that never send one count it as unknown.
    Binary(ConnectionId, &'a [u8]),
    /// The other side sent a WebSocket ping (the shell has answered it), or answered the shell's own. It proves that the
    /// transport lives, not that data flows.
    Ping(ConnectionId),
    /// A REST request ended.
    Http(RequestId, Result<HttpAnswer<'a>, HttpFailure>),
    /// A connection is gone, or could not be opened.
    Closed(ConnectionId, CloseReason),
    /// History is requested.
    HistoryRequest(HistoryRequest),
    /// These are all the instruments whose books somebody looks at, sorted: they come first wherever requests must wait.
    Interest(&'a [(InstrumentId, BookInterest)]),
    /// Follows further symbols. Only if [`Session::can_change`] allows it.
    Follow(&'a [String]),
    /// Stops following symbols. Only if [`Session::can_change`] allows it.
    Unfollow(&'a [String]),
    /// [`Session::deadline`] has passed.
    Timeout,
}

/// A REST answer, verbatim.
#[derive(Clone, Copy, Debug)]
pub struct HttpAnswer<'a> {
    /// HTTP status.
    pub status: u16,
    /// Wait that the venue asks for, in `Retry-After` or in the body, if it does.
    pub retry_after: Option<Duration>,
    /// Weight used in the current window as counted by the venue (`X-MBX-USED-WEIGHT-1M`), if present.
    pub used_weight: Option<u32>,
    /// The body, verbatim.
    pub body: &'a str,
}

/// A REST request without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFailure {
    /// The network's error text, without secrets.
    pub detail: String,
}

/// Why a connection is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// It could not be opened; includes the HTTP status of the refused handshake, if there was one.
    CannotConnect {
        /// Status of the refused handshake.
        status: Option<u16>,
        /// Wait that the venue asks for, if it does.
        retry_after: Option<Duration>,
        /// The network's error text.
        detail: String,
    },
    /// It was open and ended.
    Ended {
        /// Close code, if a close frame arrived.
        code: Option<u16>,
        /// Reason or the network's error text.
        detail: String,
    },
}

impl CloseReason {
    /// Returns how long the venue asks to wait before the next connection, if it does.
    pub fn stated_wait(&self, now: Timestamp) -> Option<Duration> {
        match self {
            Self::CannotConnect { retry_after, .. } => *retry_after,
            Self::Ended { detail, .. } => stated_wait(detail, now),
        }
        .filter(|wait| !wait.is_zero())
    }

    /// Returns the reason as text.
    pub fn detail(&self) -> &str {
        match self {
            Self::CannotConnect { detail, .. } | Self::Ended { detail, .. } => detail,
        }
    }
}

/// An action requested by the session.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open a connection to `url` after `after` has passed.
    Connect {
        /// Its number.
        connection: ConnectionId,
        /// Whole address, including the query. `{token}` is replaced by the venue's token, which only the shell knows.
        url: String,
        /// Zero at first, the back-off later.
        after: Duration,
    },
    /// Send a text frame.
    Send(ConnectionId, String),
    /// Abandon a connection without waiting for the other side. No [`Input::Closed`] follows.
    Close(ConnectionId),
    /// Make a REST request.
    Http(HttpRequest),
    /// An event.
    Event(MarketEvent),
}

/// A whole book in the venue's form, made from one that a session has verified: brings a fresh session of the same
/// venue to the same state. For recordings that begin midway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotFrame {
    /// The venue's answer to this request.
    Answer {
        /// Path from the root.
        path: Cow<'static, str>,
        /// Query parameters in order, not yet escaped.
        query: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// The venue's frame on the connection that carries the book.
    Frame(ConnectionId, String),
}

/// A REST request to the venue's REST address: `GET`, or `POST` if it has a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Its number.
    pub id: RequestId,
    /// Path from the root (`/api/v3/depth`).
    pub path: Cow<'static, str>,
    /// Query parameters in order, not yet escaped.
    pub query: Vec<(&'static str, String)>,
    /// Share of the venue's weight budget.
    pub weight: u32,
    /// A body of JSON.
    pub body: Option<String>,
}

/// The symbols that a session follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Symbols {
    /// These, in the venue's own spelling.
    Listed(Vec<String>),
    /// All symbols named in frames and acknowledgements: for recordings, where subscriptions are not known.
    FromFrames,
}

impl Symbols {
    /// Keeps each symbol once; removes and returns those that cannot exist at the venue.
    pub(crate) fn take_unusable(&mut self, is_usable: impl Fn(&str) -> bool) -> Vec<String> {
        let Self::Listed(symbols) = self else { return Vec::new() };
        let mut seen = BTreeSet::new();
        symbols.retain(|symbol| seen.insert(symbol.clone()));
        symbols.extract_if(.., |symbol| !is_usable(symbol)).collect()
    }
}

/// The settings for following a venue.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// The symbols to follow.
    pub symbols: Symbols,
    /// The venue's name in events; `None` uses its own. Another one separates a replay from the live feed.
    pub venue_name: Option<String>,
    /// WebSocket address without stream paths; `None` uses the venue's own.
    pub ws_url: Option<String>,
    /// True if a second service can be asked for history ([`crate::registry::VenueInfo::history`]): its token or
    /// address is configured.
    pub has_history: bool,
    /// Close a connection after this long without a data frame.
    pub data_deadline: Option<Duration>,
    /// Time between rounds of REST polls, if REST replaces a connection; `None` uses the venue's own. Limits of the
    /// venue apply nevertheless.
    pub poll_every: Option<Duration>,
    /// Shortest wait before reconnecting.
    pub backoff_min: Duration,
    /// Longest wait before reconnecting.
    pub backoff_max: Duration,
    /// Consecutive attempts before the feed stays failed; `None` never stops trying.
    pub max_attempts: Option<u32>,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            symbols: Symbols::Listed(Vec::new()),
            venue_name: None,
            ws_url: None,
            has_history: false,
            data_deadline: None,
            poll_every: None,
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            max_attempts: None,
            seed: 0,
        }
    }
}

impl SessionConfig {
    /// Returns the venue name in events: its own unless another is given.
    pub fn venue(&self, own_name: &str) -> Venue {
        Venue::new(self.venue_name.as_deref().unwrap_or(own_name))
    }
}

/// A venue's protocol as a state machine.
pub trait Session: Send {
    /// The venue.
    fn venue(&self) -> &Venue;

    /// Processes an event. No input from outside makes it panic.
    fn handle(&mut self, input: Input<'_>, now: Now);

    /// Returns the next action; call it until `None` after each [`Session::handle`].
    fn poll_output(&mut self) -> Option<Output>;

    /// Returns when [`Input::Timeout`] is due; `None` means never. Read it again after each call of
    /// [`Session::handle`].
    fn deadline(&self) -> Option<Monotonic>;

    /// Returns true if it can follow these symbols, and stop following the others, while the rest goes on. Otherwise a
    /// new session is needed.
    fn can_change(&self, added: &[String], dropped: &[String]) -> bool {
        let (_, _) = (added, dropped);
        false
    }

    /// Returns the books it verifies. Read levels only if the state is served.
    fn books(&self) -> &Books;

    /// Returns the state of its transport, and its counters.
    fn health(&self) -> &FeedHealth;

    /// Returns the weight per minute that the venue allows all callers at an address, in the unit of
    /// [`HttpRequest::weight`]; at most half of it is used. A venue that states no limit is asked once a second.
    fn weight_per_minute(&self) -> u32 {
        120
    }

    /// Returns the known instruments it follows.
    fn instruments(&self) -> &[std::sync::Arc<Instrument>];

    /// Returns the live books in the venue's own form, at most `depth` levels a side. Empty by default: for venues
    /// without books.
    fn snapshot_frames(&self, depth: usize) -> Vec<SnapshotFrame> {
        let _ = depth;
        Vec::new()
    }

    /// Returns candles, oldest first, as the venue's own answer to a request for that history. `None` by default, and
    /// for intervals that the venue does not have.
    fn history_answer(&self, instrument: &InstrumentId, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
        let (_, _, _) = (instrument, interval, bars);
        None
    }
}
