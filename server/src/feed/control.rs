//! What can be asked of the feeds as a whole, and why it may be refused.
//!
//! The same for the stream's commands and for REST. Not here: carrying it out (`supervisor`).

use tokio::sync::oneshot;
use venues::error::VenueError;
use wire::{command::FeedSymbols, message::RefusalCode};

/// Something to be done, with the way back for the answer.
#[derive(Debug)]
pub struct FeedControl {
    /// What.
    pub kind: ControlKind,
    /// Gets the outcome; nobody waiting there is fine.
    pub reply: oneshot::Sender<Result<FeedSymbols, ControlError>>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// Follow symbols of a venue.
    Start(FeedSymbols),
    /// Follow them no more; without symbols, the whole venue.
    Stop(FeedSymbols),
}

/// Why an order is refused; nothing of it was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No venue has that name.
    #[error(transparent)]
    UnknownVenue(#[from] VenueError),
    /// Symbols are missing, or cannot be symbols.
    #[error("{remedy}")]
    BadSymbols {
        /// What to write instead.
        remedy: String,
    },
    /// More symbols than a feed may follow.
    #[error("{venue} would follow {found} symbols, at most {limit} are allowed; stop some first")]
    TooManySymbols {
        /// The venue's name.
        venue: String,
        /// How many there would be.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The venue asks for a token.
    #[error(
        "{venue} asks for a token; write it as token under [venues.{venue}] in truetape.toml, or into the variable \
         TRUETAPE__VENUES__{}__TOKEN, and restart the server", venue.to_uppercase()
    )]
    NeedsToken {
        /// The venue's name.
        venue: String,
    },
    /// All of it is followed already.
    #[error("{venue} runs already and follows {symbols}; name other symbols, or stop it first")]
    AlreadyRunning {
        /// The venue's name.
        venue: String,
        /// The symbols asked for.
        symbols: String,
    },
    /// Nothing of it is followed.
    #[error("{what} is not running; running: {running}")]
    NotRunning {
        /// Venue, or venue and symbols.
        what: String,
        /// What could be stopped.
        running: String,
    },
    /// Started too often: the venue limits connections.
    #[error("{venue} was started too often, and limits how often one may connect; try again in {wait_s} s")]
    TooOften {
        /// The venue's name.
        venue: String,
        /// Seconds until the next start is allowed.
        wait_s: u64,
    },
    /// More orders than can wait.
    #[error("other feeds are being started and stopped; try again in a second")]
    Busy,
    /// The feed's task does not end.
    #[error("the {venue} feed did not stop; restart the server and report the log")]
    Stuck {
        /// The venue's name.
        venue: String,
    },
}

impl ControlError {
    /// The code of the refusal, on the stream and in REST.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::UnknownVenue(_) => RefusalCode::UnknownVenue,
            Self::BadSymbols { .. } => RefusalCode::BadSymbols,
            Self::TooManySymbols { .. } => RefusalCode::TooManySymbols,
            Self::NeedsToken { .. } => RefusalCode::NeedsToken,
            Self::AlreadyRunning { .. } => RefusalCode::AlreadyRunning,
            Self::NotRunning { .. } => RefusalCode::NotRunning,
            Self::TooOften { .. } => RefusalCode::RateLimited,
            Self::Busy | Self::Stuck { .. } => RefusalCode::Unavailable,
        }
    }
}
