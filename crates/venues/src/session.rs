//! The contract between a venue's protocol and the shell that owns sockets and clocks.
//!
//! A session is a plain state machine in the manner of QUIC and TLS libraries. The shell calls
//! [`Session::handle`] with what happened, then drains [`Session::poll_output`] until it is empty, then waits for the
//! next input or for [`Session::deadline`], when it sends [`Input::Timeout`]. Spurious calls do nothing. Not here: any
//! clock, socket or task; `now` is an argument, jitter comes from a seed.
//!
//! A session may hold several connections at once (planned roll-over with overlap, more symbols than one connection
//! carries), so connections are numbered by the session: it says [`Output::Connect`], the shell answers with
//! [`Input::Connected`] or [`Input::Closed`].

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use model::{
    candle::{Candle, Interval},
    event::{HistoryRequest, MarketEvent},
    instrument::{Instrument, InstrumentId, Venue},
    proof::Books,
    status::FeedHealth,
    time::{Monotonic, Now},
};

/// Number of a connection, given by the session; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

/// Number of a REST request, given by the session; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The feed was started. The first input, once.
    Start,
    /// A connection asked for is open.
    Connected(ConnectionId),
    /// A text frame came, verbatim.
    Frame(ConnectionId, &'a str),
    /// A binary frame came; venues that never send one count it as unknown.
    Binary(ConnectionId, &'a [u8]),
    /// The other side's WebSocket ping came (the shell has answered it). A sign of transport life, not of data.
    Ping(ConnectionId),
    /// A REST request ended.
    Http(RequestId, Result<HttpAnswer<'a>, HttpFailure>),
    /// A connection is gone, or could not be opened.
    Closed(ConnectionId, CloseReason),
    /// History is wanted.
    HistoryRequest(HistoryRequest),
    /// [`Session::deadline`] has passed.
    Timeout,
}

/// A REST answer as it came.
#[derive(Clone, Copy, Debug)]
pub struct HttpAnswer<'a> {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` in whole seconds, where present.
    pub retry_after: Option<Duration>,
    /// Weight used in the current window as the venue counts it (`X-MBX-USED-WEIGHT-1M`), where present.
    pub used_weight: Option<u32>,
    /// The body, verbatim.
    pub body: &'a str,
}

/// A REST request that got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFailure {
    /// The network's words, without secrets.
    pub detail: String,
}

/// Why a connection is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// It could not be opened; HTTP status of the refused handshake, where there was one.
    CannotConnect {
        /// Status of the refused handshake.
        status: Option<u16>,
        /// The network's words.
        detail: String,
    },
    /// It was open and ended.
    Ended {
        /// Close code, where a close frame came.
        code: Option<u16>,
        /// Reason or the network's words.
        detail: String,
    },
}

impl CloseReason {
    /// The reason in words.
    pub fn detail(&self) -> &str {
        match self {
            Self::CannotConnect { detail, .. } | Self::Ended { detail, .. } => detail,
        }
    }
}

/// What the session wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open a connection to `url` after `after` has passed.
    Connect {
        /// Its number from now on.
        connection: ConnectionId,
        /// Whole address, query included. `{token}` stands for the venue's token, which only the shell knows.
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
    /// Something was said.
    Event(MarketEvent),
}

/// A book as its venue sends it whole, made from one that a session has verified: brings a fresh session of the same
/// venue to where this one is. For recordings that begin in the middle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotFrame {
    /// What the venue answers to this request.
    Answer {
        /// Path from the root.
        path: Cow<'static, str>,
        /// Query parameters in order, not yet escaped.
        query: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// What the venue sends on the connection that carries the book.
    Frame(ConnectionId, String),
}

/// A REST request on the venue's REST address: `GET`, or `POST` where it has a body.
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

/// Which symbols a session follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Symbols {
    /// These, in the venue's own spelling.
    Listed(Vec<String>),
    /// Whatever frames and acknowledgements name: for recordings, where subscriptions are not known.
    FromFrames,
}

impl Symbols {
    /// Leaves each symbol once; takes out and returns those that no venue of that kind has.
    pub(crate) fn take_unusable(&mut self, is_usable: impl Fn(&str) -> bool) -> Vec<String> {
        let Self::Listed(symbols) = self else { return Vec::new() };
        let mut seen = BTreeSet::new();
        symbols.retain(|symbol| seen.insert(symbol.clone()));
        symbols.extract_if(.., |symbol| !is_usable(symbol)).collect()
    }
}

/// How to follow a venue.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// What to follow.
    pub symbols: Symbols,
    /// The venue's name in events; `None` takes its own. Another one lets a replay stand beside the live feed.
    pub venue_name: Option<String>,
    /// WebSocket address without stream paths; `None` takes the venue's own.
    pub ws_url: Option<String>,
    /// A second service can be asked for history ([`crate::registry::VenueInfo::history`]): its token or address is
    /// configured.
    pub has_history: bool,
    /// Give a connection up after this long without a data frame.
    pub data_deadline: Option<Duration>,
    /// From one round of REST polls to the next, where REST stands in for a connection; `None` takes the venue's own.
    /// Limits of the venue hold all the same.
    pub poll_every: Option<Duration>,
    /// Shortest wait before connecting again.
    pub backoff_min: Duration,
    /// Longest wait before connecting again.
    pub backoff_max: Duration,
    /// Attempts in a row before the feed stays failed; `None` never stops trying.
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
    /// The name that events carry: the venue's own unless another is given.
    pub fn venue(&self, own_name: &str) -> Venue {
        Venue::new(self.venue_name.as_deref().unwrap_or(own_name))
    }
}

/// A venue's protocol as a state machine.
pub trait Session: Send {
    /// The venue.
    fn venue(&self) -> &Venue;

    /// Takes in what happened. Nothing that comes from outside makes it panic.
    fn handle(&mut self, input: Input<'_>, now: Now);

    /// Returns the next thing wanted; call until `None` after each [`Session::handle`].
    fn poll_output(&mut self) -> Option<Output>;

    /// When [`Input::Timeout`] is wanted; `None` means never. Read again after each call of [`Session::handle`].
    fn deadline(&self) -> Option<Monotonic>;

    /// The books it verifies. Read levels only where the state is served.
    fn books(&self) -> &Books;

    /// The state of its transport, and what was counted.
    fn health(&self) -> &FeedHealth;

    /// Weight that the venue allows all callers at an address in a minute, in the unit of [`HttpRequest::weight`]; half
    /// of it is used at most. A venue that states no figure is asked once a second.
    fn weight_per_minute(&self) -> u32 {
        120
    }

    /// What is known of the instruments it follows.
    fn instruments(&self) -> &[std::sync::Arc<Instrument>];

    /// Returns the live books as the venue itself sends them, at most `depth` levels a side. None by default: for
    /// venues without books.
    fn snapshot_frames(&self, depth: usize) -> Vec<SnapshotFrame> {
        let _ = depth;
        Vec::new()
    }

    /// Bars, oldest first, as the venue's own answer to a question for that history. `None` by default, and for
    /// intervals that the venue has not got.
    fn history_answer(&self, instrument: &InstrumentId, interval: Interval, bars: &[Candle]) -> Option<SnapshotFrame> {
        let (_, _, _) = (instrument, interval, bars);
        None
    }
}
