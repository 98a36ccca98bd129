//! The state of a feed, per symbol: the words and causes a status light shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{instrument::InstrumentId, quality::FeedCounters, time::Timestamp};

/// The four colours of a status light; each has a word and a shape of its own on the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// Blue: connecting or waiting for the first data.
    #[default]
    Initialising,
    /// Green: data younger than the stale threshold.
    Live,
    /// Yellow: connected, but no data for longer than the stale threshold.
    Stale,
    /// Red: failed, with its cause.
    Failed,
}

impl StreamState {
    /// The word a person reads, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initialising => "initialising",
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Failed => "failed",
        }
    }
}

/// How the data comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedMode {
    /// `LIVE (WebSocket)`.
    #[default]
    WebSocket,
    /// `LIVE (REST polling)`.
    RestPolling,
    /// A made-up market.
    Simulated,
}

/// Why a feed does not deliver; each names what happened so that the page can say what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedCause {
    /// The connection was closed by the other side.
    Closed {
        /// Close code and reason, as words.
        detail: String,
    },
    /// The connection could not be opened.
    CannotConnect {
        /// The network's words.
        detail: String,
    },
    /// The connection is open, but nothing has come for too long; it was given up.
    Silent {
        /// Milliseconds without data.
        silent_ms: u64,
    },
    /// The venue does not know the symbol.
    UnknownSymbol {
        /// The symbol as asked for.
        symbol: String,
    },
    /// Too many requests; nothing is sent until then.
    RateLimited {
        /// When the venue allows requests again.
        until: Timestamp,
    },
    /// The venue refuses callers from this region.
    RegionBlocked,
    /// The venue refused the request.
    Refused {
        /// The venue's words.
        detail: String,
    },
    /// The venue announced that it is going away.
    Maintenance {
        /// The venue's words.
        detail: String,
    },
    /// The subscription was acknowledged and the connection lives, but data that the venue has does not come.
    AcknowledgedSilent {
        /// Milliseconds without data of that symbol.
        silent_ms: u64,
    },
    /// The venue asks for a token and none, or a wrong one, is configured.
    CredentialsRefused {
        /// What to do.
        detail: String,
    },
}

/// Why nothing has come for a symbol for a while although its connection is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// Nothing happens in this market: others on the feed deliver.
    QuietBesideOthers,
    /// Nothing happens in this market: the venue, asked by REST, has nothing newer either.
    QuietByVenue,
    /// Nothing tells yet.
    Unexplained,
    /// The venue, asked by REST, has newer data than the connection brought.
    Dead,
}

impl Silence {
    /// True where the market itself is quiet.
    pub fn is_quiet(self) -> bool {
        matches!(self, Self::QuietBesideOthers | Self::QuietByVenue)
    }
}

/// What stands between us and a venue's REST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Requests go out.
    #[default]
    Closed,
    /// Nothing goes out before `until`.
    Open {
        /// When one request is tried.
        until: Timestamp,
    },
    /// One request is out to see.
    HalfOpen,
}

/// The weight of REST requests to a venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestWeight {
    /// Used in the last minute: the venue's own count where it says, else ours.
    pub used: u32,
    /// What the venue allows in a minute; half of it is used at most.
    pub limit: u32,
}

impl FeedCause {
    /// True where the connection itself is at fault: such a cause stands until data flows again.
    pub fn is_transport(&self) -> bool {
        matches!(
            self,
            Self::Closed { .. }
                | Self::CannotConnect { .. }
                | Self::Silent { .. }
                | Self::Maintenance { .. }
                | Self::AcknowledgedSilent { .. }
        )
    }
}

impl std::fmt::Display for FeedCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed { detail } => write!(f, "connection closed: {detail}"),
            Self::CannotConnect { detail } => write!(f, "cannot connect: {detail}"),
            Self::Silent { silent_ms } => {
                write!(f, "no data for {:.1} s, connection given up", *silent_ms as f64 / 1_000.0)
            }
            Self::UnknownSymbol { symbol } => write!(f, "unknown symbol {symbol}"),
            Self::RateLimited { until } => write!(f, "rate limited until {until}"),
            Self::RegionBlocked => f.write_str("not available in this region"),
            Self::Refused { detail } => write!(f, "refused: {detail}"),
            Self::Maintenance { detail } => write!(f, "venue maintenance: {detail}"),
            Self::AcknowledgedSilent { silent_ms } => write!(
                f,
                "subscription acknowledged, but nothing came for {:.1} s while the venue has newer data",
                *silent_ms as f64 / 1_000.0
            ),
            Self::CredentialsRefused { detail } => write!(f, "credentials refused: {detail}"),
        }
    }
}

/// What a session knows of its transport; ages are the market view's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedHealth {
    /// True while at least one connection is open, or polling or simulation runs.
    pub is_connected: bool,
    /// How the data comes.
    pub mode: FeedMode,
    /// Why nothing is connected, or why the last connection was given up; gone once data flows again.
    pub cause: Option<FeedCause>,
    /// Causes that concern single instruments (unknown symbol).
    pub instrument_causes: BTreeMap<InstrumentId, FeedCause>,
    /// When the next attempt to connect will be made.
    pub next_attempt: Option<Timestamp>,
    /// When the last frame of any kind came: the transport's clock. Each stream has its own for data.
    pub last_frame: Option<Timestamp>,
    /// Instruments whose data has stopped although the connection is open, and what is known of the reason.
    pub silences: BTreeMap<InstrumentId, Silence>,
    /// Whether REST requests go out.
    pub breaker: BreakerState,
    /// Weight that REST requests have used; `None` before the first.
    pub rest_weight: Option<RestWeight>,
    /// Connections that are open.
    pub n_open: u32,
    /// What was counted.
    pub counters: FeedCounters,
}

/// Status of one symbol on one feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamStatus {
    /// The colour.
    pub state: StreamState,
    /// How the data comes.
    pub mode: FeedMode,
    /// Updates since the feed started.
    pub updates: u64,
    /// Updates a second over the last five seconds.
    pub rate: f64,
    /// Receive time of the last update.
    pub last_update: Option<Timestamp>,
    /// Why it is not live.
    pub cause: Option<FeedCause>,
}
