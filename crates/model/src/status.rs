//! The state of a feed, per symbol: the words and causes that a status light shows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{instrument::InstrumentId, quality::FeedCounters, time::Timestamp};

/// The four colours of a status light; the page shows each with its own word and shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// Blue: connecting or waiting for the first data.
    #[default]
    Initialising,
    /// Green: the data is younger than the stale threshold.
    Live,
    /// Yellow: connected, but no data for longer than the stale threshold.
    Stale,
    /// Red: failed; the cause is known.
    Failed,
}

impl StreamState {
    /// Returns the displayed word, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initialising => "initialising",
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Failed => "failed",
        }
    }
}

/// Delivery of the data: by WebSocket, by polling, or simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FeedMode {
    /// `LIVE (WebSocket)`.
    #[default]
    WebSocket,
    /// `LIVE (REST polling)`.
    RestPolling,
    /// A simulated market.
    Simulated,
}

/// Why a feed delivers nothing; each cause names what happened so that the page can say what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedCause {
    /// The other side closed the connection.
    Closed {
        /// Close code and reason, in words.
        detail: String,
    },
    /// The connection could not be opened.
    CannotConnect {
        /// The network's error text.
        detail: String,
    },
    /// The connection was open, but nothing arrived for too long; it was closed.
    Silent {
        /// Milliseconds without data.
        silent_ms: u64,
    },
    /// The venue does not know the symbol.
    UnknownSymbol {
        /// The symbol as requested.
        symbol: String,
        /// A similar one that the venue may know.
        suggestion: Option<String>,
    },
    /// Too many requests; nothing is sent before `until`.
    RateLimited {
        /// Time at which the venue allows requests again.
        until: Timestamp,
    },
    /// The venue refuses callers from this region.
    RegionBlocked,
    /// The venue refused the request.
    Refused {
        /// The venue's error text.
        detail: String,
    },
    /// The venue announced that it is shutting down.
    Maintenance {
        /// The venue's text.
        detail: String,
    },
    /// The venue accepts only some orders, or none; its data goes on.
    Restricted {
        /// The restriction, for people.
        detail: String,
    },
    /// The venue refuses one kind of request; everything else goes on.
    NotOffered {
        /// The refused request and the reason, for people.
        detail: String,
    },
    /// The subscription was acknowledged and the connection lives, but data that the venue has does not arrive.
    AcknowledgedSilent {
        /// Milliseconds without data of that symbol.
        silent_ms: u64,
    },
    /// The venue requires a token, and none or a wrong one is configured.
    CredentialsRefused {
        /// The remedy, for people.
        detail: String,
    },
}

/// Why a symbol has received nothing for a while although its connection is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// The market is quiet: other symbols on the feed receive data.
    QuietBesideOthers,
    /// The market is quiet: a REST request to the venue found nothing newer either.
    QuietByVenue,
    /// Not known yet.
    Unexplained,
    /// A REST request to the venue found newer data than the connection delivered.
    Dead,
}

impl Silence {
    /// Returns true if the market itself is quiet.
    pub fn is_quiet(self) -> bool {
        matches!(self, Self::QuietBesideOthers | Self::QuietByVenue)
    }
}

/// The circuit breaker in front of a venue's REST API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Requests are sent.
    #[default]
    Closed,
    /// No request is sent before `until`.
    Open {
        /// Time at which one request is tried.
        until: Timestamp,
    },
    /// One trial request is in flight.
    HalfOpen,
}

/// The weight of REST requests to a venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestWeight {
    /// Used in the last minute: the venue's own count if it sends one, otherwise ours.
    pub used: u32,
    /// The venue's allowance per minute; at most half of it is used.
    pub limit: u32,
}

impl FeedCause {
    /// Returns true if the venue only limits what it offers: data may go on, and such a cause is no failure.
    pub fn is_restriction(&self) -> bool {
        matches!(self, Self::Restricted { .. } | Self::NotOffered { .. })
    }

    /// Returns true if the connection itself is at fault: such a cause remains until data flows again.
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
                write!(f, "no data for {:.1} s, connection closed", *silent_ms as f64 / 1_000.0)
            }
            Self::UnknownSymbol { symbol, suggestion: None } => write!(f, "unknown symbol {symbol}"),
            Self::UnknownSymbol { symbol, suggestion: Some(suggestion) } => {
                write!(f, "unknown symbol {symbol}; did you mean {suggestion}?")
            }
            Self::RateLimited { until } => write!(f, "rate limited until {until}"),
            Self::RegionBlocked => f.write_str("not available in this region"),
            Self::Refused { detail } => write!(f, "refused: {detail}"),
            Self::Maintenance { detail } => write!(f, "venue maintenance: {detail}"),
            Self::Restricted { detail } | Self::NotOffered { detail } => f.write_str(detail),
            Self::AcknowledgedSilent { silent_ms } => {
                write!(f, "stopped sending {:.1} s ago although trades go on", *silent_ms as f64 / 1_000.0)
            }
            Self::CredentialsRefused { detail } => write!(f, "credentials refused: {detail}"),
        }
    }
}

/// The transport as the session knows it; the market view adds the ages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedHealth {
    /// True while at least one connection is open, or polling or simulation runs.
    pub is_connected: bool,
    /// Delivery of the data: by WebSocket, by polling, or simulated.
    pub mode: FeedMode,
    /// Instruments that connections delivered when another connection was found missing: its cause, and the polling that
    /// replaces it, are not theirs.
    pub connected: BTreeSet<InstrumentId>,
    /// Why nothing is connected, or why the last connection was closed; `None` once data flows again.
    pub cause: Option<FeedCause>,
    /// Causes that concern single instruments (unknown symbol).
    pub instrument_causes: BTreeMap<InstrumentId, FeedCause>,
    /// Venue restrictions on single instruments (not trading, post only); data may go on.
    pub restrictions: BTreeMap<InstrumentId, FeedCause>,
    /// The venue has asked for no connection before.
    pub held_until: Option<Timestamp>,
    /// Time of the next connection attempt.
    pub next_attempt: Option<Timestamp>,
    /// Time of the last frame of any kind: the transport's clock. Each stream has its own clock for data.
    pub last_frame: Option<Timestamp>,
    /// Instruments whose data has stopped although the connection is open, and the reason if known.
    pub silences: BTreeMap<InstrumentId, Silence>,
    /// State of the circuit breaker: open while no REST requests are sent.
    pub breaker: BreakerState,
    /// Weight used by REST requests; `None` before the first.
    pub rest_weight: Option<RestWeight>,
    /// The number of open connections.
    pub n_open: u32,
    /// The feed's counters.
    pub counters: FeedCounters,
}

/// The status of one symbol on one feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamStatus {
    /// The colour.
    pub state: StreamState,
    /// Delivery of the data: by WebSocket, by polling, or simulated.
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
